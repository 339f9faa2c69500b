//! The arguments of `wardkey-agent`, also for its man page and completions.

use std::path::PathBuf;

use clap::{CommandFactory, Parser};

/// Wardkey terminal agent: directory, synchronisation, lock-out, audit.
#[derive(Debug, Parser)]
#[command(name = "wardkey-agent", version, about)]
pub struct Arguments {
    /// Configuration file; a missing one means the defaults.
    #[arg(long, default_value = crate::config::DEFAULT_PATH)]
    pub config: PathBuf,
    /// User of the enrollment console, by name or number. Nobody, where there is no such user.
    #[arg(long, value_name = "NAME", default_value = "wardkey-enroll")]
    pub enroll_user: String,
}

/// The command as clap knows it.
pub fn command() -> clap::Command {
    Arguments::command()
}
