//! `[watch]`: where measures are given, and from when on something is worth a word.

use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;

use crate::texts::{Phrase, Text};

/// What is watched. Nothing here changes what the server does for terminals.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Watch {
    /// Where measures and readiness are given by plain HTTP; nowhere when absent.
    pub listen: Option<SocketAddr>,
    /// Free megabytes on the disk of the database below which it is low.
    pub disk_megabytes: u64,
    /// Hours after which a backup is old; 0: backups are looked after elsewhere.
    pub backup_hours: u64,
    /// Days after which the last archive of the records is old, where `[retention]` says that some
    /// go; 0: archives are looked after elsewhere.
    pub archive_days: u64,
    /// Days before its end from which on the server's certificate is due.
    pub certificate_days_left: u64,
    /// Hours without a word after which a terminal is silent; 0: none is.
    pub silent_hours: u64,
    /// Minutes for which records may wait for one of `records_to`; 0: for ever.
    pub records_minutes: u64,
    /// A command that is told of each reason that begins or ends: its path and arguments. None when
    /// empty.
    pub notify: Vec<String>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            listen: None,
            disk_megabytes: 1024,
            backup_hours: 48,
            archive_days: 100,
            certificate_days_left: 30,
            silent_hours: 24,
            records_minutes: 60,
            notify: Vec::new(),
        }
    }
}

impl Watch {
    /// What can be wrong, and whether it is right.
    pub(super) fn checks(&self) -> [(bool, &'static str, Phrase); 1] {
        let is_path = self.notify.first().is_none_or(|path| Path::new(path).is_absolute());
        [(is_path, "notify", Text::AbsolutePath.into())]
    }
}
