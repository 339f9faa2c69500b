//! Reports.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use wardkey_core::name::ScopeName;

use crate::cli::value::{duration, when};
use crate::when::{Step, When};

/// Reports.
#[derive(Debug, Subcommand)]
pub enum Report {
    /// Logins and refusals, by scope and hour or day; how many had two factors.
    #[command(after_help = "Examples:\n  \
                            wardkey-server report logins --from 2026-04-01 --to 2026-04-30\n  \
                            wardkey-server report logins --scope east3 --by hour \
                                --from 2026-04-01 --html logins.html")]
    Logins {
        #[command(flatten)]
        of: Of,
        /// By hour or by day; without it what fits the period.
        #[arg(long)]
        by: Option<By>,
        #[command(flatten)]
        form: Form,
    },
    /// Passes and codes, logins offline, devices that proved nothing, ways in without a key, what
    /// administrators overrode.
    #[command(after_help = "Example:\n  \
                            wardkey-server report exceptions --from 2026-04-01 --to 2026-06-30")]
    Exceptions {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        form: Form,
    },
    /// Keys and people now: models, people without a key or a spare one, what is not used.
    #[command(after_help = "Examples:\n  \
                            wardkey-server report inventory --unused 90d\n  \
                            wardkey-server report inventory --csv --table keys > keys.csv")]
    Inventory {
        /// Accounts and keys count as unused after so long without a login.
        #[arg(long, value_parser = duration, value_name = "TIME", default_value = "90d")]
        unused: u64,
        /// Of this scope only.
        #[arg(long = "scope", value_name = "SCOPE")]
        in_scope: Option<ScopeName>,
        #[command(flatten)]
        form: Form,
    },
    /// Terminals: state, version and stage now; logins and ways in without a key in the period.
    #[command(after_help = "Example:\n  wardkey-server report coverage --scope east3")]
    Coverage {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        form: Form,
    },
    /// Who used the accounts that several people share.
    #[command(after_help = "Example:\n  \
                            wardkey-server report shared-accounts --from 2026-04-01 --csv --bom")]
    SharedAccounts {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        form: Form,
    },
}

/// Which period, and which part of the deployment.
#[derive(Debug, Args)]
pub struct Of {
    /// The first day, or the moment at which the period begins; without it the last 30 days.
    #[arg(long, value_parser = when, value_name = "TIME")]
    pub from: Option<When>,
    /// The last day, which counts whole, or the moment before which the period ends; without it
    /// until now.
    #[arg(long, value_parser = when, value_name = "TIME")]
    pub to: Option<When>,
    /// Of this scope only.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub in_scope: Option<ScopeName>,
}

/// By what is counted.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum By {
    /// Hours.
    Hour,
    /// Days.
    Day,
}

impl From<By> for Step {
    fn from(by: By) -> Self {
        match by {
            By::Hour => Self::Hour,
            By::Day => Self::Day,
        }
    }
}

/// In which form.
#[derive(Debug, Args)]
pub struct Form {
    /// One table as CSV (RFC 4180), for a spreadsheet: the first one unless --table names it.
    #[arg(long, conflicts_with_all = ["json", "html"])]
    pub csv: bool,
    /// Begin the CSV with a byte order mark, by which Excel sees that it is UTF-8.
    #[arg(long, requires = "csv")]
    pub bom: bool,
    /// This table only; a wrong name says which there are.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["json", "html"])]
    pub table: Option<String>,
    /// Write a page with plots into this file: for a browser, to print, to keep. It has names of
    /// people; only its owner can read it.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}
