//! The arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use wardkey_core::exit::Exit;
use wardkey_core::name::{DisplayText, ServiceName};
use wardkey_help::arguments::Common;
use wardkey_help::usage::{Wrong, number};

use crate::texts::Text;

mod enroll_console;

pub use enroll_console::EnrollConsoleAction;

/// Options for packages, scripts and tests; they stand at the end.
pub(crate) const PLUMBING: &str = "Options for packages and scripts";

/// The port of `wardkey-server` where the address names none.
const DEFAULT_PORT: u16 = 8443;

/// Manage this Wardkey terminal: state, joining, security keys.
#[derive(Parser)]
#[command(
    name = "wardkey",
    version,
    after_help = after_help()
)]
pub struct Cli {
    /// Language of the messages [default: that of the locale, else ja].
    #[arg(long, global = true, value_name = "LANG", value_parser = ["ja", "en"])]
    pub lang: Option<String>,
    /// Socket of the agent.
    #[arg(long, global = true, help_heading = PLUMBING)]
    #[arg(value_name = "PATH", default_value = "/run/wardkey/agent.sock")]
    pub agent_socket: PathBuf,
    /// Socket of the key process.
    #[arg(long, global = true, help_heading = PLUMBING)]
    #[arg(value_name = "PATH", default_value = "/run/wardkey/key.sock")]
    pub key_socket: PathBuf,
    /// What both programs take.
    #[command(flatten, next_help_heading = PLUMBING)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// Examples, and the one table of exit statuses.
fn after_help() -> String {
    format!("Examples:\n  wardkey status\n  wardkey help join\n\n{}", Exit::table())
}

/// A command.
#[derive(Subcommand)]
pub enum Action {
    /// Show the state of this terminal.
    #[command(after_help = "Example:\n  wardkey status")]
    Status,
    /// Show who is signed in here with a key, since when, and whether the screen is locked.
    ///
    /// Root sees all sessions, everybody else their own.
    #[command(after_help = "Examples:\n  sudo wardkey who\n  sudo wardkey who --search hanako")]
    Who(SearchOptions),
    /// Explain who would get in, step by step, without a login (root).
    ///
    /// Goes through what a login would go through: account, PAM service, configuration, agent,
    /// signed directory, policy, keys. No PIN and no touch are asked for, nothing is recorded and
    /// nobody is let in. The exit status is 1 when the login would be refused.
    #[command(after_help = "Examples:\n  sudo wardkey try hanako\n  \
                      sudo wardkey try hanako --account ward3 --service lightdm\n  \
                      sudo wardkey try hanako --key")]
    Try(TryOptions),
    /// Fetch the directory from the server now (root).
    #[command(after_help = "Example:\n  sudo wardkey sync")]
    Sync,
    /// Join a deployment and write the trust anchor (root).
    #[command(after_help = "Example:\n  \
                      sudo wardkey join --server https://wardkey.example.org --token-file -")]
    Join(JoinOptions),
    /// Register the security key that is plugged in, with an enrollment code.
    ///
    /// When standard input is not a terminal, answers are read from it, one a line, in the order
    /// asked: the code (without --code), then the PIN (twice, when the key has none yet).
    #[command(alias = "enrol", after_help = "Examples:\n  wardkey enroll\n  wardkey enroll --desk")]
    Enroll(EnrollOptions),
    /// The enrollment console: a virtual terminal where people with an enrollment code register
    /// their keys, and nobody is logged in.
    #[command(subcommand)]
    EnrollConsole(EnrollConsoleAction),
    /// Let staff log in with their keys: put the module into the PAM services of this machine
    /// (root).
    ///
    /// Only when the terminal has joined and is up to date, a member of staff passes a test login
    /// here, and a local administrator can get in without a key. The change undoes itself after two
    /// minutes (--within), also when the machine is restarted meanwhile, unless it is confirmed: by
    /// typing "yes" when asked, or by "wardkey enable --confirm".
    ///
    /// When standard input is not a terminal, answers are read from it, one a line: the user name,
    /// then what the test login asks (the PIN); the confirmation is not asked for.
    #[command(after_help = "Examples:\n  sudo wardkey enable\n  sudo wardkey enable --confirm")]
    Enable(EnableOptions),
    /// Take the module out of the PAM services again (root).
    ///
    /// Works whatever is broken. What was edited by hand in /etc/pam.d/common-* is never
    /// overwritten.
    #[command(after_help = "Example:\n  sudo wardkey disable")]
    Disable(DisableOptions),
    /// Find ways in without a key, and what else is wrong (root).
    ///
    /// Evaluates every PAM service as libpam does, for staff, for the listed local accounts and for
    /// root. Checks automatic logins, sshd, owners and modes, accounts of staff, units, clock,
    /// certificate and directory too. The exit status is 1 when something was found that nobody has
    /// accepted.
    #[command(after_help = "Examples:\n  sudo wardkey doctor\n  \
                      sudo wardkey doctor --accept kde-fingerprint \
                      --reason \"no reader in this ward\"")]
    Doctor(DoctorOptions),
    /// Check the configuration files of this terminal.
    #[command(subcommand)]
    Config(ConfigAction),
    /// List security keys, or change a PIN.
    #[command(subcommand)]
    Key(KeyAction),
}

/// A command about keys.
#[derive(Subcommand)]
pub enum KeyAction {
    /// List the security keys that are plugged in.
    #[command(alias = "info", after_help = "Example:\n  wardkey key list")]
    List(SearchOptions),
    /// Change the PIN of the security key that is plugged in.
    ///
    /// When standard input is not a terminal, three lines are read from it: the PIN, the new one,
    /// the new one again.
    #[command(after_help = "Example:\n  wardkey key change-pin")]
    ChangePin,
}

/// A command about the configuration.
#[derive(Subcommand)]
pub enum ConfigAction {
    /// Show everything that is wrong in /etc/wardkey, with file, line, key and fix.
    ///
    /// Reads pam.toml, agent.toml and, on a joined terminal, the trust anchor, as the PAM module
    /// and the agent read them. Names every account in local_accounts that does not exist or is a
    /// person's of the directory. The exit status is 3 when something is wrong.
    #[command(after_help = "Example:\n  wardkey config check")]
    Check(CheckOptions),
    /// Edit /etc/wardkey/pam.toml, as visudo does (root).
    ///
    /// You edit a copy with $VISUAL, $EDITOR or sensible-editor. It is checked before it is saved:
    /// a file with a fault is never saved, and you can edit it again. The next login reads what was
    /// saved.
    #[command(after_help = "Example:\n  sudo wardkey config edit")]
    Edit,
}

/// Which login to explain.
#[derive(Args)]
pub struct TryOptions {
    /// User name of the person.
    #[arg(value_name = "PERSON")]
    pub person: String,
    /// The account that the person would use [default: the person's own].
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// The PAM service.
    #[arg(long, value_name = "SERVICE", default_value = "login")]
    pub service: ServiceName,
    /// Have the keys that are plugged in prove whose they are, as a login does before it asks for
    /// the PIN. Not while a login uses a key.
    #[arg(long)]
    pub key: bool,
}

/// How to look.
#[derive(Args)]
pub struct DoctorOptions {
    /// Accept what is open at a service, file or account, as it is now. Written to
    /// /etc/wardkey/accepted.toml and recorded.
    #[arg(long, value_name = "SUBJECT", requires = "reason")]
    pub accept: Option<String>,
    /// Why it is accepted.
    #[arg(long, value_name = "TEXT", requires = "accept")]
    pub reason: Option<String>,
    /// Record what has opened since the last run with this option (what wardkey-doctor.service
    /// runs).
    #[arg(long, help_heading = PLUMBING, conflicts_with = "accept")]
    pub record: bool,
}

/// What of a list is shown.
#[derive(Args)]
pub struct SearchOptions {
    /// Show only what has this text in it; upper and lower case are the same.
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
}

impl SearchOptions {
    /// Whether an entry of these texts is shown.
    pub(crate) fn finds(&self, texts: &[&str]) -> bool {
        self.search.as_ref().is_none_or(|sought| {
            let sought = sought.to_lowercase();
            texts.iter().any(|text| text.to_lowercase().contains(&sought))
        })
    }
}

/// How to enable.
#[derive(Args)]
pub struct EnableOptions {
    /// Keep what was enabled, while it waits.
    #[arg(long)]
    pub confirm: bool,
    /// Wait so many minutes for the confirmation, 2 to 30.
    #[arg(long, value_name = "MINUTES", default_value_t = 2, value_parser = number::<u8>(2, 30))]
    pub within: u8,
}

impl EnableOptions {
    /// How long to wait, when it is not as usual.
    pub(crate) fn within(&self) -> Option<Duration> {
        (self.within != 2).then(|| Duration::from_secs(u64::from(self.within) * 60))
    }
}

/// How to disable.
#[derive(Args)]
pub struct DisableOptions {
    /// Only undo what was enabled and not confirmed (what wardkey-undo.service runs).
    #[arg(long, help_heading = PLUMBING)]
    pub unconfirmed: bool,
    /// Wait so many seconds first.
    #[arg(
        long, value_name = "SECONDS", requires = "unconfirmed", hide = true,
        value_parser = number::<u32>(0, u32::MAX.into())
    )]
    pub after: Option<u32>,
}

/// What to check.
#[derive(Args)]
pub struct CheckOptions {
    /// The configuration of the PAM module.
    #[arg(long, help_heading = PLUMBING)]
    #[arg(value_name = "FILE", default_value = "/etc/wardkey/pam.toml")]
    pub pam: PathBuf,
    /// The configuration of the agent.
    #[arg(long, help_heading = PLUMBING)]
    #[arg(value_name = "FILE", default_value = "/etc/wardkey/agent.toml")]
    pub agent: PathBuf,
    /// When nothing is wrong with pam.toml, also write /etc/wardkey/local-accounts anew (root).
    ///
    /// What wardkey-config.service runs when the machine starts, and when pam.toml, /etc/passwd or
    /// /etc/login.defs changed. Messages bear the priority that the journal reads.
    #[arg(long, help_heading = PLUMBING)]
    pub watch: bool,
}

/// How to join.
#[derive(Args)]
pub struct JoinOptions {
    /// Address of the server: https://HOST[:PORT]; without a port, 8443.
    #[arg(long, value_name = "URL", value_parser = server)]
    pub server: String,
    /// The join token (others can see it in the list of processes; prefer --token-file).
    #[arg(
        long,
        value_name = "TOKEN",
        conflicts_with = "token_file",
        required_unless_present = "token_file"
    )]
    pub token: Option<String>,
    /// File whose first line is the join token; - for standard input.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Name of this terminal [default: the host name].
    #[arg(long, value_name = "NAME")]
    pub name: Option<DisplayText>,
    /// The trust anchor that is written.
    #[arg(long, help_heading = PLUMBING)]
    #[arg(value_name = "FILE", default_value = "/etc/wardkey/anchor.toml")]
    pub anchor: PathBuf,
    /// The marks of the PAM module, which belong to the anchor.
    #[arg(long, help_heading = PLUMBING)]
    #[arg(value_name = "FILE", default_value = "/var/lib/wardkey-marks/marks")]
    pub marks: PathBuf,
    /// Leave the deployment that this machine has joined for another one.
    ///
    /// Refused while logins with keys are enabled: run "wardkey disable" first.
    #[arg(long, alias = "replace")]
    pub leave_deployment: bool,
}

/// How to register a key.
#[derive(Args)]
pub struct EnrollOptions {
    /// The enrollment code; asked for when it is not given.
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// What the key is called in the server's list [default: the name the device gives itself].
    #[arg(long, value_name = "LABEL")]
    pub label: Option<DisplayText>,
    /// One person after the other, until the question for a code gets Ctrl-C: for a desk.
    ///
    /// Whoever has begun and answers nothing for two minutes has to begin again. Stay beside it:
    /// Ctrl-C and Ctrl-Z give your shell to the person at the keyboard.
    #[arg(long, conflicts_with_all = ["code", "label"])]
    pub desk: bool,
}

fn server(text: &str) -> Result<String, Wrong> {
    let host =
        text.strip_prefix("https://").map(|rest| rest.trim_end_matches('/')).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if host.is_empty() || host.len() > 300 || !host.chars().all(plain) {
        return Err(Wrong::new(Text::ServerAddress));
    }
    // In brackets there are the colons of an IPv6 address.
    let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
    let port = if after.contains(':') { String::new() } else { format!(":{DEFAULT_PORT}") };
    Ok(format!("https://{host}{port}"))
}

#[cfg(test)]
mod tests;
