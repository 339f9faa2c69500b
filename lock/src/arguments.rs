//! The arguments of `wardkey-lock`, also for its manual page.

use std::path::PathBuf;

use clap::{CommandFactory, Parser};

/// Locks and ends sessions for the agent, through logind.
///
/// Started by systemd on a listening socket, or by hand with --listen. Serves the agent and nobody
/// else. Ends when nobody has asked for half a minute.
#[derive(Debug, Parser)]
#[command(name = "wardkey-lock", version)]
pub struct Options {
    /// Listen on a Unix socket at PATH instead of one that systemd passes, without end.
    #[arg(long, value_name = "PATH")]
    pub listen: Option<PathBuf>,

    /// User of the agent, by name.
    #[arg(long, value_name = "NAME", default_value = "wardkey")]
    pub agent_user: String,
}

/// The command as clap knows it.
pub fn command() -> clap::Command {
    Options::command()
}
