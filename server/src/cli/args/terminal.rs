//! `terminal`

use clap::{Args, Subcommand};
use wardkey_core::name::{DisplayText, ScopeName, ServerAddress};
use wardkey_help::usage::number;

use super::access::TokenAdd;
use super::common::Paging;
use crate::cli::value::{duration, server_address, tag};
use crate::store::terminal::Tag;

/// Terminals.
#[derive(Debug, Subcommand)]
pub enum Terminal {
    /// List terminals, by name: those that fit every option that is given.
    #[command(after_help = "Examples:\n  wardkey-server terminal list --scope east3\n  \
                            wardkey-server terminal list --silent 24h\n  \
                            wardkey-server terminal list --behind --scope east3")]
    List(TerminalList),
    /// Show a terminal.
    #[command(after_help = "Example:\n  wardkey-server terminal show \"East 3, desk 1\"")]
    Show {
        /// Name, or beginning of the id.
        terminal: String,
    },
    /// Give a terminal another name, other scopes or tags.
    #[command(after_help = "Examples:\n  \
                            wardkey-server terminal set \"East 3, desk 1\" --add-scope roaming\n  \
                            wardkey-server terminal set \"East 3, desk 1\" --add-tag rollout-2")]
    Set(TerminalSet),
    /// Approve a terminal that joined with a token for several machines.
    #[command(after_help = "Example:\n  wardkey-server terminal approve \"East 3, desk 1\"")]
    Approve(TerminalAct),
    /// Revoke a terminal: nobody logs in there any longer. "terminal enable" takes it back within
    /// 24 hours.
    #[command(
        alias = "revoke",
        after_help = "Example:\n  \
                      wardkey-server terminal disable \"East 3, desk 1\" --reason stolen"
    )]
    Disable(TerminalAct),
    /// Take a revocation back, within 24 hours; later the terminal has to join again.
    #[command(
        after_help = "Example:\n  wardkey-server terminal enable \"East 3, desk 1\" --reason found"
    )]
    Enable(TerminalAct),
    /// Delete a disabled terminal: it is in no list any longer, and its machine may join as another
    /// one. Its records stay.
    #[command(after_help = "Example:\n  \
                            wardkey-server terminal delete \"East 3, desk 1\" \
                                --reason \"sold\"")]
    Delete(TerminalAct),
    /// The same as "terminal set --name".
    #[command(hide = true)]
    Rename {
        /// Name, or beginning of the id.
        terminal: String,
        /// The name from now on.
        #[arg(value_name = "NAME")]
        to: DisplayText,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// The same as "token add".
    #[command(hide = true)]
    Token(TokenAdd),
    /// The same as "token delete".
    #[command(hide = true)]
    WithdrawToken {
        /// The token, or its id.
        token: String,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// The same as "terminal set --scope".
    #[command(hide = true)]
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

/// Which terminals are listed.
#[derive(Debug, Args)]
pub struct TerminalList {
    /// Of this scope only.
    #[arg(long)]
    pub scope: Option<ScopeName>,
    /// With this tag only.
    #[arg(long, value_parser = tag)]
    pub tag: Option<Tag>,
    /// Only those whose programs are of this version.
    #[arg(long = "version", value_name = "VERSION")]
    pub runs: Option<String>,
    /// Only those that were not heard of for so long; 24h when no time is given. Disabled ones
    /// are left out.
    #[arg(
        long, value_name = "TIME", value_parser = duration,
        num_args = 0..=1, default_missing_value = "24h"
    )]
    pub silent: Option<u64>,
    /// Only active ones that say that they are at least so many positions (1 when none is given)
    /// behind what is published, in the scope of --scope or in any: those that do not have the
    /// latest changes, such as a revocation. What they say is written once a minute.
    #[arg(
        long, value_name = "COUNT", value_parser = number::<u64>(1, u64::MAX),
        num_args = 0..=1, default_missing_value = "1"
    )]
    pub behind: Option<u64>,
    /// Only those that do not have the newest root document, and so the newest keys. Disabled ones
    /// are left out. What they say is written once a minute.
    #[arg(long)]
    pub old_root: bool,
    /// Only those that do not use a certificate of the present CA yet: see "ca show". Disabled ones
    /// are left out.
    #[arg(long)]
    pub old_certificate: bool,
    /// Only those that came last by this address of the server: see "address show". It is written
    /// once a minute.
    #[arg(long, value_name = "ADDRESS", value_parser = server_address)]
    pub came_by: Option<ServerAddress>,
    /// Only active ones in this offline stage, as their last word lets expect.
    #[arg(long, value_parser = ["online", "soft", "degraded", "hard", "over"])]
    pub stage: Option<String>,
    #[command(flatten)]
    pub paging: Paging,
}

/// What is changed of a terminal.
#[derive(Debug, Default, Args)]
pub struct TerminalSet {
    /// Name, or beginning of the id.
    pub terminal: String,
    /// The name from now on.
    #[arg(long)]
    pub name: Option<DisplayText>,
    /// Tags to add: words by which you tell terminals apart.
    #[arg(long = "add-tag", value_name = "TAG", num_args = 1.., value_parser = tag)]
    pub add_tags: Vec<Tag>,
    /// Tags to remove.
    #[arg(long = "remove-tag", value_name = "TAG", num_args = 1.., value_parser = tag)]
    pub remove_tags: Vec<Tag>,
    /// Scopes to add.
    #[arg(long = "add-scope", value_name = "SCOPE", num_args = 1..)]
    pub add_scopes: Vec<ScopeName>,
    /// Scopes to remove.
    #[arg(long = "remove-scope", value_name = "SCOPE", num_args = 1..)]
    pub remove_scopes: Vec<ScopeName>,
    /// All scopes, in place of those before.
    #[arg(
        long = "scope", value_name = "SCOPE", num_args = 1..,
        required_unless_present_any =
            ["add_scopes", "remove_scopes", "name", "add_tags", "remove_tags"],
        conflicts_with_all = ["add_scopes", "remove_scopes"]
    )]
    pub scopes: Option<Vec<ScopeName>>,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
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
