//! The arguments of `wardkey-key`, also for its manual page.

use std::path::PathBuf;

use clap::{CommandFactory, Parser};

/// Serves security keys to logins: finds them, identifies them, has them sign.
///
/// Started by systemd on a connection or a listening socket, or by hand with
/// --listen. Serves root, the user of the active local session, the agent, which
/// gets nothing that takes a PIN, and the enrollment console, which gets nothing
/// that uses a key, and nothing while somebody's session is shown.
#[derive(Debug, Parser)]
#[command(name = "wardkey-key", version)]
pub struct Options {
    /// Listen on a Unix socket at PATH instead of one that systemd passes.
    #[arg(long, value_name = "PATH")]
    pub listen: Option<PathBuf>,

    /// Access mode of that socket. Callers are judged one by one all the same.
    #[arg(long, value_name = "OCTAL", default_value = "0666", value_parser = octal)]
    pub mode: u32,

    /// User of the agent, by name or number.
    #[arg(long, value_name = "NAME", default_value = "wardkey")]
    pub agent_user: String,

    /// User of the enrollment console, by name or number. Nobody, where there is no such user.
    #[arg(long, value_name = "NAME", default_value = "wardkey-enroll")]
    pub enroll_user: String,

    /// Where logind keeps the active session of each seat.
    #[arg(long, value_name = "DIR", default_value = "/run/systemd/seats")]
    pub seats_dir: PathBuf,

    /// Serve one connection that the parent hands over on standard input.
    #[arg(long, hide = true)]
    pub worker: bool,

    /// Open devices for the process at the other end of standard input.
    #[arg(long, hide = true)]
    pub broker: bool,
}

/// The command as clap knows it.
pub fn command() -> clap::Command {
    Options::command()
}

fn octal(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("an octal number from 0 to 777 is expected, for example 0666".to_owned()),
    }
}
