//! The arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use wardkey_core::name::DisplayText;

/// Manage this Wardkey terminal: state, joining, security keys.
///
/// Exit codes: 0 done, 1 refused, 2 wrong usage, 3 the agent or the key process cannot be reached.
#[derive(Parser)]
#[command(name = "wardkey", version, disable_help_subcommand = true)]
pub struct Cli {
    /// Socket of the agent.
    #[arg(long, global = true, value_name = "PATH", default_value = "/run/wardkey/agent.sock")]
    pub agent_socket: PathBuf,
    /// Socket of the key process.
    #[arg(long, global = true, value_name = "PATH", default_value = "/run/wardkey/key.sock")]
    pub key_socket: PathBuf,
    /// Language of the messages [default: that of the locale, else ja].
    #[arg(long, global = true, value_name = "LANG", value_parser = ["ja", "en"])]
    pub lang: Option<String>,
    /// Print the result, or the error, as one line of JSON on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// A command.
#[derive(Subcommand)]
pub enum Action {
    /// Show the state of this terminal.
    Status,
    /// Fetch the directory from the server now (root).
    Sync,
    /// Join a deployment and write the trust anchor (root).
    Join(JoinOptions),
    /// Register the plugged security key with an enrolment code.
    ///
    /// When standard input is not a terminal, answers are read from it, one a line, in the order
    /// asked: the code (without --code), then the PIN (twice, when the key has none yet).
    Enroll(EnrollOptions),
    /// Look at security keys, or change a PIN.
    #[command(subcommand)]
    Key(KeyAction),
}

/// A command about keys.
#[derive(Subcommand)]
pub enum KeyAction {
    /// Show the security keys that are plugged.
    Info,
    /// Change the PIN of the plugged security key.
    ///
    /// When standard input is not a terminal, three lines are read from it: the PIN, the new one,
    /// the new one again.
    ChangePin,
}

/// How to join.
#[derive(Args)]
pub struct JoinOptions {
    /// Address of the server: https://HOST[:PORT].
    #[arg(long, value_name = "URL", value_parser = server)]
    pub server: String,
    /// The join token (others can see it in the list of processes; prefer --token-file).
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file", required_unless_present = "token_file")]
    pub token: Option<String>,
    /// File whose first line is the join token; - for standard input.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Name of this terminal [default: the host name].
    #[arg(long, value_name = "NAME")]
    pub name: Option<DisplayText>,
    /// The trust anchor that is written.
    #[arg(long, value_name = "FILE", default_value = "/etc/wardkey/anchor.toml")]
    pub anchor: PathBuf,
    /// The marks of the PAM module, which belong to the anchor.
    #[arg(long, value_name = "FILE", default_value = "/var/lib/wardkey-marks/marks")]
    pub marks: PathBuf,
    /// Leave the deployment that this machine has joined for another one.
    #[arg(long)]
    pub replace: bool,
}

/// How to enrol.
#[derive(Args)]
pub struct EnrollOptions {
    /// The enrolment code; asked for when it is not given.
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// What the key is called in the server's list [default: the name the device gives itself].
    #[arg(long, value_name = "LABEL")]
    pub label: Option<DisplayText>,
}

fn server(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").map(|rest| rest.trim_end_matches('/')).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if host.is_empty() || host.len() > 300 || !host.chars().all(plain) {
        return Err("write it as https://HOST or https://HOST:PORT".into());
    }
    Ok(format!("https://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent_and_bad_ones_are_refused() {
        crate::command().debug_assert();
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        for good in [
            "wardkey status",
            "wardkey --json --lang en status",
            "wardkey sync --json",
            "wardkey join --server https://s:8443/ --token wkj1-x",
            "wardkey join --server https://10.0.0.1 --token-file - --name 病棟3 --anchor /a --replace",
            "wardkey enroll",
            "wardkey enroll --code A --label 予備",
            "wardkey key info",
            "wardkey key change-pin --key-socket /s",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for wrong in [
            "wardkey",
            "wardkey key",
            "wardkey status --lang fr",
            "wardkey join --server https://s",
            "wardkey join --token t",
            "wardkey join --server https://s --token t --token-file f",
            "wardkey join --server http://s --token t",
            "wardkey join --server https:// --token t",
            "wardkey join --server https://u@s --token t",
            "wardkey join --server https://s/path --token t",
            "wardkey join --server https://s --token t --name \u{1b}x",
            "wardkey enroll --pin 1234",
        ] {
            assert_eq!(parse(wrong).err().expect(wrong).exit_code(), 2, "{wrong}");
        }
    }
}
