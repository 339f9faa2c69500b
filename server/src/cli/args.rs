//! The command line, as clap reads it.

mod upkeep;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use wardkey_core::name::{DisplayText, GroupName, Language, LoginName, RpId, ScopeName};

use super::value::{duration, rp_id, server_name, when};
use crate::when::When;
pub use upkeep::{Audit, ClockCommand, ConfigCommand, Epoch, Events};

/// Central server of Wardkey: enrolment, administration, publishing, event intake.
///
/// Exit status: 0 done, 1 refused or not found, 2 usage, 3 configuration or keys, 4 store, 5 done, but
/// no terminal hears of it now: the server does not run, or the scope is halted.
#[derive(Debug, Parser)]
#[command(name = "wardkey-server", version)]
pub struct Cli {
    /// Configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/wardkey/server.toml")]
    pub config: PathBuf,
    /// Answer in JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make keys, certificates and the store of a new deployment.
    Init(Init),
    /// Serve terminals, until SIGTERM.
    Run,
    /// People.
    #[command(subcommand)]
    Person(Person),
    /// Security keys.
    #[command(subcommand)]
    Key(Key),
    /// Terminals and the tokens by which they join.
    #[command(subcommand)]
    Terminal(Terminal),
    /// One-time enrolment codes.
    #[command(subcommand)]
    Code(CodeCommand),
    /// Scopes and their policies.
    #[command(subcommand)]
    Scope(Scope),
    /// Events of terminals.
    #[command(subcommand)]
    Events(Events),
    /// The trail of administration.
    #[command(subcommand)]
    Audit(Audit),
    /// Epochs, after a restore.
    #[command(subcommand)]
    Epoch(Epoch),
    /// The clock by which is signed.
    #[command(subcommand)]
    Clock(ClockCommand),
    /// The configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// A new deployment.
#[derive(Debug, Args)]
pub struct Init {
    /// Name of the deployment, for people.
    #[arg(long)]
    pub name: DisplayText,
    /// Relying party id: your organisation's domain. Fixed for ever; keys are made for it.
    #[arg(long, value_name = "DOMAIN", value_parser = rp_id)]
    pub rp_id: RpId,
    /// Names and addresses by which terminals reach this server.
    #[arg(long = "server-name", value_name = "NAME|ADDRESS", required = true, num_args = 1.., value_parser = server_name)]
    pub server_names: Vec<String>,
    /// Scopes to begin with.
    #[arg(long = "scope", value_name = "SCOPE", num_args = 1..)]
    pub scopes: Vec<ScopeName>,
    /// Do not ask whether what is fixed for ever is right. Nothing is asked either where the standard
    /// input is no terminal.
    #[arg(long)]
    pub yes: bool,
}

/// People.
#[derive(Debug, Subcommand)]
pub enum Person {
    /// Add a person.
    Add {
        /// Login name: also the Unix account.
        login: LoginName,
        /// The person's name.
        #[arg(long)]
        name: DisplayText,
        /// Scopes in which the person may log in.
        #[arg(long = "scope", value_name = "SCOPE", required = true, num_args = 1..)]
        scopes: Vec<ScopeName>,
        /// Groups.
        #[arg(long = "group", value_name = "GROUP", num_args = 1..)]
        groups: Vec<GroupName>,
        /// Language of the person's messages: ja or en.
        #[arg(long, default_value = "ja")]
        language: Language,
        /// The first day (2026-04-01, in the deployment's time zone), or a time (2026-04-01T08:30:00+09:00).
        #[arg(long, value_parser = when, value_name = "TIME")]
        valid_from: Option<When>,
        /// The last day (it counts whole), or the time from which on the person is not valid.
        #[arg(long, value_parser = when, value_name = "TIME")]
        valid_until: Option<When>,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Change a person; what is not given stays.
    Set {
        /// Login name.
        login: LoginName,
        /// The person's name.
        #[arg(long)]
        name: Option<DisplayText>,
        /// Scopes, all of them.
        #[arg(long = "scope", value_name = "SCOPE", num_args = 1..)]
        scopes: Option<Vec<ScopeName>>,
        /// Groups, all of them.
        #[arg(long = "group", value_name = "GROUP", num_args = 0..)]
        groups: Option<Vec<GroupName>>,
        /// Language of the person's messages: ja or en.
        #[arg(long)]
        language: Option<Language>,
        /// The first day, or a time.
        #[arg(long, value_parser = when, value_name = "TIME")]
        valid_from: Option<When>,
        /// The last day (it counts whole), or the time from which on the person is not valid.
        #[arg(long, value_parser = when, value_name = "TIME")]
        valid_until: Option<When>,
        /// Valid without limit.
        #[arg(long, conflicts_with_all = ["valid_from", "valid_until"])]
        always_valid: bool,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Switch a person off: refused at every connected terminal within about a second, at others by the
    /// offline limits.
    Disable(PersonAct),
    /// Switch a person on again.
    Enable(PersonAct),
    /// Delete a person and all keys of the person, for ever.
    Delete(PersonAct),
    /// List people.
    List {
        /// Of this scope only.
        #[arg(long)]
        scope: Option<ScopeName>,
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        limit: u32,
    },
    /// Show a person with all keys.
    Show {
        /// Login name.
        login: LoginName,
    },
    /// Add many people at once, in one transaction: all or none.
    ///
    /// CSV, as spreadsheets write it: a header line with login, name and, as wanted, language, scopes,
    /// groups, valid_from, valid_until, in English or Japanese; values separated by commas, semicolons
    /// or tabs; scopes and groups by spaces, semicolons or commas. UTF-8, UTF-16 or Shift_JIS. JSON
    /// lines: the same members, scopes and groups as lists, and credentials as a list of {id,
    /// public_key, label, rp_id, aaguid, counter, cred_protect, backup_eligible, discoverable}; id and
    /// public_key (COSE_Key) are unpadded base64url. Imported keys never count as attested. Everything
    /// that is wrong is said at once, with its line.
    Import {
        /// The file.
        file: PathBuf,
        /// Format; by default by the end of the name.
        #[arg(long)]
        format: Option<ImportFormat>,
        /// Check the file and say what would be done; add nobody.
        #[arg(long)]
        check: bool,
        /// Leave people who are there already as they are, instead of refusing the file.
        #[arg(long)]
        skip_existing: bool,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
}

/// Formats of imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line; may have credentials.
    Jsonl,
}

/// An act on a person.
#[derive(Debug, Args)]
pub struct PersonAct {
    /// Login name.
    pub login: LoginName,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}

/// Security keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// List the keys of a person.
    List {
        /// Login name.
        login: LoginName,
    },
    /// Switch a key off: refused at every connected terminal within about a second, at others by the
    /// offline limits.
    Disable(KeyAct),
    /// Switch a key on again.
    Enable(KeyAct),
    /// Delete a key for ever; a tombstone stays.
    Delete(KeyAct),
}

/// An act on a key.
#[derive(Debug, Args)]
pub struct KeyAct {
    /// Beginning of the fingerprint, as "key list" shows it.
    pub fingerprint: String,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}

/// Terminals.
#[derive(Debug, Subcommand)]
pub enum Terminal {
    /// Make a join token and print it.
    Token {
        /// Scopes of the terminal, 1 to 8.
        #[arg(long = "scope", value_name = "SCOPE", required_unless_present = "replace", num_args = 1..)]
        scopes: Vec<ScopeName>,
        /// For a machine that comes in the place of this terminal (name, or beginning of the id):
        /// installed anew, exchanged, or with a lost key. The terminal's certificate so far ends.
        /// Without --scope it keeps its scopes.
        #[arg(long, value_name = "TERMINAL", conflicts_with = "uses")]
        replace: Option<String>,
        /// How long it is valid (30m, 24h, 7d).
        #[arg(long, value_parser = duration, default_value = "24h", value_name = "TIME")]
        expires: u64,
        /// For how many machines; above one, each has to be approved.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        uses: u32,
    },
    /// Withdraw a join token.
    WithdrawToken {
        /// The token, or the id that is its name in the trail.
        token: String,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// List terminals.
    List,
    /// Approve a terminal that joined by a token for several.
    Approve(TerminalAct),
    /// Revoke a terminal: nobody logs in there any longer.
    Revoke(TerminalAct),
    /// Give a terminal other scopes.
    SetScopes {
        /// Name, or beginning of the id.
        terminal: String,
        /// Scopes, all of them.
        #[arg(long = "scope", value_name = "SCOPE", required = true, num_args = 1..)]
        scopes: Vec<ScopeName>,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
}

/// An act on a terminal.
#[derive(Debug, Args)]
pub struct TerminalAct {
    /// Name, or beginning of the id.
    pub terminal: String,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}

/// Enrolment codes.
#[derive(Debug, Subcommand)]
pub enum CodeCommand {
    /// Make a one-time code with which a person enrols a key, and print it.
    Issue {
        /// Login name.
        login: LoginName,
        /// How long it is valid (30m, 24h, 7d).
        #[arg(long, value_parser = duration, default_value = "24h", value_name = "TIME")]
        expires: u64,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Withdraw every open code of a person.
    Withdraw(PersonAct),
}

/// Scopes.
#[derive(Debug, Subcommand)]
pub enum Scope {
    /// Add a scope.
    Add {
        /// Its name: a ward, a site, ...
        name: ScopeName,
    },
    /// List scopes.
    List,
    /// Set what is allowed how long without the server.
    SetOffline {
        /// The scope.
        name: ScopeName,
        /// Everyone, with a banner, until here.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        soft: u64,
        /// People seen at the terminal, no sudo, until here.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        degraded: u64,
        /// Emergency groups only, until here; after it nobody.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        hard: u64,
        /// Groups that may log in at the last stage; what is not given stays.
        #[arg(long = "emergency-group", value_name = "GROUP", num_args = 0..)]
        emergency_groups: Option<Vec<GroupName>>,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Set when and how long refusals follow failures.
    SetLockout {
        /// The scope.
        name: ScopeName,
        /// Consecutive failures until the first delay.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
        threshold: u32,
        /// The first delay; doubled with each further failure.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        delay: u64,
        /// The longest delay.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        longest: u64,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let several people use one Unix account; the records name the person.
    Share {
        /// The Unix account.
        account: LoginName,
        /// The scopes in which it is shared.
        #[arg(long = "scope", value_name = "SCOPE", required = true, num_args = 1..)]
        scopes: Vec<ScopeName>,
        /// Groups whose people may use it; none ends the sharing.
        #[arg(long = "group", value_name = "GROUP", num_args = 0..)]
        groups: Vec<GroupName>,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
}
