//! Archives of the log of records.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use wardkey_help::usage::number;
use wardkey_tlog::Verifier;

use super::common::Paging;
use crate::cli::value::verifier;

/// Archives.
#[derive(Debug, Subcommand)]
pub enum Archive {
    /// Write the records since the last archive into a file, with the signed checkpoint, and read
    /// it back.
    ///
    /// The file holds every record with the names of people, and all that it takes to check them
    /// without this server: treat it like the database.
    #[command(after_help = "Examples:\n  \
                            wardkey-server archive create /srv/archive/2026-04.wka\n  \
                            wardkey-server archive create /srv/archive/all.wka --from 0")]
    Create(ArchiveCreate),
    /// List the archives that were made, newest first.
    #[command(after_help = "Example:\n  wardkey-server archive list")]
    List(Paging),
    /// Show an archive, and how many of its records were pruned.
    #[command(after_help = "Example:\n  wardkey-server archive show 3")]
    Show {
        /// Its number, as "archive list" says it.
        #[arg(value_parser = number::<i64>(1, 1_000_000_000))]
        number: i64,
    },
    /// Check an archive: every record against the signed root. With a key it needs neither database
    /// nor configuration.
    #[command(after_help = "Examples:\n  \
                            wardkey-server archive verify /srv/archive/2026-04.wka\n  \
                            wardkey-server archive verify /srv/archive/2026-04.wka \
                                --key example.org/wardkey-log/...")]
    Verify(ArchiveVerify),
    /// Take records out of the database that are past their time and stand in this archive.
    ///
    /// For how long records are kept is said in [retention] of the configuration; what is not named
    /// there stays. The archive is read and verified first. Of each record its place, id and hash
    /// stay, so that everything else can still be proved. Keep the archive: nothing else has the
    /// records.
    #[command(after_help = "Examples:\n  \
                            wardkey-server archive prune /srv/archive/2026-04.wka --check\n  \
                            wardkey-server archive prune /srv/archive/2026-04.wka \
                                --reason \"five years are over\"")]
    Prune(ArchivePrune),
}

/// A new archive.
#[derive(Debug, Args)]
pub struct ArchiveCreate {
    /// The file to make. Nothing may be there.
    #[arg(value_name = "FILE")]
    pub to: PathBuf,
    /// The place in the log where it begins; by default where the last archive ends.
    #[arg(long, value_name = "PLACE", value_parser = number::<u64>(0, u64::MAX))]
    pub from: Option<u64>,
    /// Up to the newest checkpoint that a terminal has cosigned, not up to now.
    #[arg(long)]
    pub witnessed: bool,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}

/// Checking an archive.
#[derive(Debug, Args)]
pub struct ArchiveVerify {
    /// The file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The verifier key that "log show" said; by default that of this server, with whose log it is
    /// compared then.
    #[arg(long, value_name = "KEY", value_parser = verifier)]
    pub key: Option<Verifier>,
}

/// Pruning.
#[derive(Debug, Args)]
pub struct ArchivePrune {
    /// The archive's file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Rehearse: check everything, say what would go, change nothing.
    #[arg(long)]
    pub check: bool,
    /// Prune also what a destination of records_to has not been sent: it never gets that.
    #[arg(long)]
    pub anyway: bool,
    /// Do not ask for confirmation. Nothing is asked either when standard input is not a terminal.
    #[arg(long)]
    pub yes: bool,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}
