//! Databases that are only read.

use std::path::Path;

/// How a database is opened that is only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A file alone, that nobody writes: nothing beside it is looked at or made.
    Copy,
    /// With its write-ahead log.
    WithLog,
    /// With its log, by whoever has it alone ([`Alone`](crate::store::Alone)).
    Alone,
}

impl Opening {
    /// What a database needs that lies there.
    pub fn of(path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        if Path::new(&log).exists() { Self::WithLog } else { Self::Copy }
    }
}
