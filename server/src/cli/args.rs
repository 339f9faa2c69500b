//! The command line, as clap reads it.

mod access;
mod address;
mod administrator;
mod api_key;
mod archive;
mod backup;
mod break_glass;
mod ca;
mod common;
mod loaner;
mod log;
mod migrate;
mod person;
mod publish_key;
mod report;
mod root_key;
mod site;
mod terminal;
mod upkeep;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use wardkey_core::exit::Exit;
use wardkey_core::name::{DisplayText, RpId, ScopeName};
use wardkey_help::arguments::Common;

use super::value::{rp_id, server_name};
pub use access::{CodeAdd, CodeCommand, Key, KeyAct, PassAdd, PassCommand, TokenAdd, TokenCommand};
pub use address::{AddressCommand, AddressSet};
pub use administrator::{AdministratorAdd, AdministratorCommand, AdministratorSet};
pub use api_key::{ApiKeyAct, ApiKeyAdd, ApiKeyCommand};
pub use archive::{Archive, ArchiveCreate, ArchivePrune, ArchiveVerify};
pub use backup::{Backup, Restore};
pub use break_glass::{BreakGlassAdd, BreakGlassCommand};
pub use ca::CaCommand;
pub use common::{Paging, PersonAct};
pub use loaner::{LoanerAdd, LoanerCommand, LoanerLend};
pub use log::{Log, LogCheck};
pub use migrate::Migrate;
pub use person::{ImportFormat, PersonCommand};
pub use publish_key::PublishKey;
pub use report::{Form, Of, Report};
pub use root_key::{ByRootKey, RootKey, RootKeyExport, RootKeyRotate};
pub use site::{Account, Scope, ScopeRules, ScopeSet};
pub use terminal::{Terminal, TerminalAct, TerminalList, TerminalSet};
pub use upkeep::{Audit, ClockCommand, ConfigCommand, Epoch, Events, Session};

/// Where the options stand that few people need.
pub const PLUMBING: &str = "Options of every command";

/// Central server of Wardkey: people, security keys, terminals, records.
#[derive(Debug, Parser)]
#[command(name = "wardkey-server", version, after_help = Exit::table())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Configuration file.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "/etc/wardkey/server.toml",
        help_heading = PLUMBING,
        display_order = 900
    )]
    pub config: PathBuf,
    /// What both programs take.
    #[command(flatten, next_help_heading = PLUMBING)]
    pub common: Common,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new deployment: its keys, certificates and database.
    Init(Init),
    /// Serve terminals until SIGTERM; the service does this.
    #[command(after_help = "Example:\n  wardkey-server run --config /etc/wardkey/server.toml")]
    Run,
    /// Show on one screen how the server is, and what is not as it should be.
    #[command(after_help = "Examples:\n  wardkey-server status\n  \
                            wardkey-server status --json | jq .problems")]
    Status,
    /// People: who may log in.
    #[command(subcommand)]
    Person(PersonCommand),
    /// Security keys.
    #[command(subcommand)]
    Key(Key),
    /// One-time codes with which people enroll a key.
    #[command(subcommand)]
    Code(CodeCommand),
    /// Temporary codes for people who have forgotten their key.
    #[command(subcommand)]
    Pass(PassCommand),
    /// Loaner keys for people who are without their own.
    #[command(subcommand)]
    Loaner(LoanerCommand),
    /// Sealed codes for emergencies.
    #[command(subcommand)]
    BreakGlass(BreakGlassCommand),
    /// The same as "code add".
    #[command(hide = true, alias = "enrol")]
    Enroll(CodeAdd),
    /// Terminals.
    #[command(subcommand)]
    Terminal(Terminal),
    /// Tokens with which machines join.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Keys with which programs and people administrate over the network.
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// Administrators: people who have a role.
    #[command(subcommand)]
    Administrator(AdministratorCommand),
    /// Scopes (wards, sites) and their rules.
    #[command(subcommand)]
    Scope(Scope),
    /// Unix accounts that several people share.
    #[command(subcommand)]
    Account(Account),
    /// Who is signed in at terminals.
    #[command(subcommand, alias = "who")]
    Session(Session),
    /// Records of terminals: logins and more.
    #[command(subcommand, alias = "event")]
    Events(Events),
    /// The trail of administration: who changed what, and why.
    #[command(subcommand)]
    Audit(Audit),
    /// The log of records, by which others see what was changed or removed.
    #[command(subcommand)]
    Log(Log),
    /// Archives of the records, and what goes out of the database because one has it.
    #[command(subcommand)]
    Archive(Archive),
    /// Reports: how often what happened, and what there is, for a screen, a spreadsheet or a page.
    #[command(subcommand)]
    Report(Report),
    /// Make a backup while the server runs, and read it back.
    Backup(Backup),
    /// Restore a backup, or rehearse it.
    Restore(Restore),
    /// Move the deployment from SQLite to PostgreSQL, while the server is stopped.
    Migrate(Migrate),
    /// The key by which the server signs what terminals take.
    #[command(subcommand)]
    PublishKey(PublishKey),
    /// The root key: it signs which other keys count.
    #[command(subcommand)]
    RootKey(RootKey),
    /// The CA: it issues the certificates of the server and of terminals.
    #[command(subcommand)]
    Ca(CaCommand),
    /// Where terminals reach the server.
    #[command(subcommand)]
    Address(AddressCommand),
    /// After a database was put back by hand.
    #[command(subcommand)]
    Epoch(Epoch),
    /// The clock that the server signs by.
    #[command(subcommand)]
    Clock(ClockCommand),
    /// The configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// A new deployment.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  wardkey-server init --name \"Example Hospital\" --rp-id example.org \
                        --server-name wardkey.example.org --scope east3"
)]
pub struct Init {
    /// Name of the deployment, for people.
    #[arg(long)]
    pub name: DisplayText,
    /// Relying party id: your organisation's domain. It can never be changed; keys are made for it.
    #[arg(long, value_name = "DOMAIN", value_parser = rp_id)]
    pub rp_id: RpId,
    /// Names and addresses by which terminals reach this server.
    #[arg(
        long = "server-name", value_name = "NAME|ADDRESS",
        required = true, num_args = 1.., value_parser = server_name
    )]
    pub server_names: Vec<String>,
    /// Scopes to begin with.
    #[arg(long = "scope", value_name = "SCOPE", num_args = 1..)]
    pub scopes: Vec<ScopeName>,
    /// Do not ask for confirmation. Nothing is asked either when standard input is not a terminal.
    #[arg(long)]
    pub yes: bool,
}
