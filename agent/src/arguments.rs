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
}

/// The command as clap knows it.
pub fn command() -> clap::Command {
    Arguments::command()
}
