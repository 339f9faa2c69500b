//! The log of records.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use wardkey_core::id::EventId;
use wardkey_tlog::Verifier;

use crate::cli::value::{record, verifier};

/// The log of records.
#[derive(Debug, Subcommand)]
pub enum Log {
    /// Show its name, size and root, when that was signed, and by which key.
    #[command(after_help = "Example:\n  wardkey-server log show")]
    Show,
    /// Print the signed checkpoint. Keep it off this machine: it proves later what was there now.
    #[command(after_help = "Examples:\n  wardkey-server log checkpoint > today.checkpoint\n  \
                            wardkey-server log checkpoint --witnessed")]
    Checkpoint {
        /// The newest one that a terminal has cosigned, with the cosignatures.
        #[arg(long)]
        witnessed: bool,
    },
    /// Write the log into a folder, or add what has come since to a folder of before.
    ///
    /// The folder has the form of C2SP tlog-tiles: other tools read it, any web server can serve
    /// it. It holds every record with the names of people: treat it like the database.
    #[command(after_help = "Example:\n  wardkey-server log export /srv/log")]
    Export {
        /// The folder. A new one, or one of an earlier export.
        #[arg(value_name = "FOLDER")]
        to: PathBuf,
    },
    /// Print the proof that a record is in the log, with this record and no other.
    #[command(after_help = "Example:\n  \
                            wardkey-server log prove 6d0c8f14e45fceea167a2fc0579f8113 \
                                > record.tlog-proof")]
    Prove {
        /// The record's id, as its line in syslog and "events list --json" have it.
        #[arg(value_name = "ID", value_parser = record)]
        record: EventId,
        /// The archive that has the record, where that was pruned.
        #[arg(long, value_name = "FILE")]
        archive: Option<PathBuf>,
    },
    /// Check an exported log: every record, every hash, the signature, an older checkpoint. Or the
    /// proof of a record.
    Check(Box<LogCheck>),
    /// Check that no record in the database was changed, removed or put in between.
    #[command(after_help = "Example:\n  wardkey-server log verify")]
    Verify,
}

/// Checking an export or a proof. With a key it needs neither database nor configuration.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                        wardkey-server log check /srv/log \
                            --since /media/safe/today.checkpoint\n  \
                        wardkey-server log check /srv/log --key example.org/wardkey-log/...")]
pub struct LogCheck {
    /// The folder of the export, or the file with the proof.
    #[arg(value_name = "PATH")]
    pub from: PathBuf,
    /// The verifier key that "log show" said; by default that of this server.
    #[arg(long, value_name = "KEY", value_parser = verifier)]
    pub key: Option<Verifier>,
    /// An older checkpoint, or the folder of an older export: the log has to go on from it.
    #[arg(long, value_name = "PATH")]
    pub since: Option<PathBuf>,
    /// The verifier key of the older checkpoint, where that is another one: the publish key was
    /// stolen between them.
    #[arg(long, value_name = "KEY", value_parser = verifier, requires = "since")]
    pub since_key: Option<Verifier>,
    /// The key of a terminal that must have cosigned the older checkpoint, as "wardkey status
    /// --json" says it there. May be given several times.
    #[arg(long = "witness", value_name = "KEY", value_parser = verifier, requires = "since")]
    pub witnesses: Vec<Verifier>,
}
