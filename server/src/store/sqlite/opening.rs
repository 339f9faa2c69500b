//! Databases that are only read.

use std::path::Path;

use super::on_disk::log_of;

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
        if log_of(path).exists() { Self::WithLog } else { Self::Copy }
    }
}
