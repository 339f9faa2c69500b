//! Looking after the server: events, the trail, epochs, the clock, the configuration.

use clap::Subcommand;
use wardkey_core::name::{LoginName, ScopeName};
use wardkey_help::usage::number;

use super::common::Paging;
use crate::cli::value::when;
use crate::when::When;

/// Events.
#[derive(Debug, Subcommand)]
pub enum Events {
    /// List records, newest first, with what each refusal was about.
    #[command(after_help = "Examples:\n  \
                            wardkey-server events list --person hanako --outcome failure\n  \
                            wardkey-server events list --terminal \"East 3, desk 1\" \
                                --since 2026-04-01")]
    List {
        /// Of this person or account.
        #[arg(long)]
        person: Option<LoginName>,
        /// Of this terminal (name, or beginning of the id).
        #[arg(long)]
        terminal: Option<String>,
        /// Of this kind: login, heartbeat, ...
        #[arg(long)]
        name: Option<String>,
        /// success or failure.
        #[arg(long, value_parser = ["success", "failure"])]
        outcome: Option<String>,
        /// Only those whose evidence does not hold.
        #[arg(long)]
        invalid: bool,
        /// Not before this.
        #[arg(long, value_parser = when, value_name = "TIME")]
        since: Option<When>,
        #[command(flatten)]
        paging: Paging,
    },
}

/// Who is signed in at terminals.
#[derive(Debug, Subcommand)]
pub enum Session {
    /// List who is signed in at which terminal, the newest first, as the records of the terminals
    /// say. What came to pass at a terminal since it was last heard of is not known here.
    #[command(after_help = "Examples:\n  wardkey-server session list --scope east3\n  \
                            wardkey-server session list --terminal \"East 3, desk 1\"\n  \
                            wardkey-server session list --person hanako")]
    List {
        /// At terminals of this scope.
        #[arg(long, conflicts_with = "terminal")]
        scope: Option<ScopeName>,
        /// At this terminal (name, or beginning of the id).
        #[arg(long)]
        terminal: Option<String>,
        /// Of this person.
        #[arg(long)]
        person: Option<LoginName>,
        #[command(flatten)]
        paging: Paging,
    },
}

/// The trail.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// List acts of administration, newest first.
    #[command(after_help = "Example:\n  wardkey-server audit list --object hanako")]
    List {
        /// On this login name, fingerprint, terminal or scope.
        #[arg(long, conflicts_with = "search")]
        object: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Check that no row was changed, removed or put in between.
    #[command(after_help = "Example:\n  wardkey-server audit verify")]
    Verify,
}

/// Epochs.
#[derive(Debug, Subcommand)]
pub enum Epoch {
    /// Raise the epoch of every scope and publish again, after the database was put back by hand;
    /// "restore" does it itself.
    #[command(after_help = "Example:\n  \
                            wardkey-server epoch raise --reason \"restored after disk failure\"")]
    Raise {
        /// At least to this.
        #[arg(long, default_value_t = 0, value_parser = number::<u64>(0, u64::MAX))]
        at_least: u64,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
}

/// The clock.
#[derive(Debug, Subcommand)]
pub enum ClockCommand {
    /// Show the machine's clock, the time that was signed last, and whether they fit.
    #[command(after_help = "Example:\n  wardkey-server clock show")]
    Show,
    /// Say that the machine's clock is right, although the server does not believe it.
    ///
    /// The server signs nothing by a clock that jumped, that was set back behind what is signed, or
    /// that says that the server was off for over 30 days. Terminals never go back behind a signed
    /// time: make sure that the clock is right.
    #[command(after_help = "Example:\n  \
                            wardkey-server clock confirm 2026-04-01 \
                                --reason \"off since February\"")]
    Confirm {
        /// What another clock says, such as your watch: today (2026-04-01), or the time
        /// (2026-04-01T08:30:00+09:00). It has to agree with the machine's.
        #[arg(value_name = "TIME")]
        now: String,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
}

/// The configuration file.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the file and what it names, without starting anything: says file, line, key and fix.
    #[command(after_help = "Example:\n  wardkey-server config check")]
    Check,
}
