//! `key`, `code`, `pass` and `token`

use clap::{Args, Subcommand};
use wardkey_core::name::{LoginName, ScopeName};
use wardkey_help::usage::number;

use super::common::{Paging, PersonAct};
use crate::cli::value::{duration, when};
use crate::when::When;

/// Security keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// List keys, of everybody or of one person.
    #[command(after_help = "Examples:\n  wardkey-server key list hanako\n  \
                            wardkey-server key list --search 3f9a\n  \
                            wardkey-server key list --disabled-since 2026-04-01")]
    List {
        /// Login name.
        login: Option<LoginName>,
        /// Only those that were switched off or deleted since then and still are, the last one
        /// first.
        #[arg(long, value_parser = when, value_name = "TIME", conflicts_with = "login")]
        disabled_since: Option<When>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a key and whose it is.
    #[command(after_help = "Example:\n  wardkey-server key show 3f9a")]
    Show {
        /// Beginning of the fingerprint, at least four digits.
        fingerprint: String,
    },
    /// Switch a key off. Connected terminals refuse it within about a second, others by the offline
    /// limits.
    #[command(after_help = "Example:\n  wardkey-server key disable 3f9a --person hanako --reason \
                            \"lost on the bus\"")]
    Disable(KeyAct),
    /// Switch a key on again.
    #[command(
        after_help = "Example:\n  wardkey-server key enable 3f9a --person hanako --reason \"found\""
    )]
    Enable(KeyAct),
    /// Delete a key. This cannot be undone.
    #[command(after_help = "Example:\n  \
                            wardkey-server key delete 3f9a --person hanako --reason \"broken\"")]
    Delete(KeyAct),
    /// Take back that a key may have been copied. --reason says what it was.
    #[command(after_help = "Example:\n  wardkey-server key clear-suspicion 3f9a --person hanako \
                            --reason \"clock of ward3-a was wrong\"")]
    ClearSuspicion(KeyAct),
}

/// An act on a key.
#[derive(Debug, Args)]
pub struct KeyAct {
    /// Beginning of the fingerprint, as "key list" shows it.
    pub fingerprint: String,
    /// Whose key it is: anybody else's is not touched, and nothing is asked.
    #[arg(long, value_name = "LOGIN")]
    pub person: Option<LoginName>,
    /// Do not ask whether this is the right key.
    #[arg(long)]
    pub yes: bool,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}

/// Enrollment codes.
#[derive(Debug, Subcommand)]
pub enum CodeCommand {
    /// Make a one-time code with which a person enrolls a key, and print it.
    #[command(
        alias = "issue",
        after_help = "Example:\n  wardkey-server code add hanako --expires 2h"
    )]
    Add(CodeAdd),
    /// List codes, newest first. The codes themselves are stored nowhere.
    #[command(after_help = "Example:\n  wardkey-server code list --search hanako")]
    List(Paging),
    /// Show the latest code of a person: until when it is valid, and whether it was used.
    #[command(after_help = "Example:\n  wardkey-server code show hanako")]
    Show {
        /// Login name.
        login: LoginName,
    },
    /// Withdraw every open code of a person.
    #[command(alias = "withdraw", after_help = "Example:\n  wardkey-server code delete hanako")]
    Delete(PersonAct),
}

/// A new code.
#[derive(Debug, Args)]
pub struct CodeAdd {
    /// Login name.
    pub login: LoginName,
    /// How long the code is valid (30m, 24h, 7d), 30 days at most.
    #[arg(long, value_parser = duration, default_value = "24h", value_name = "TIME")]
    pub expires: u64,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}

/// Passes: temporary codes in place of a key.
#[derive(Debug, Subcommand)]
pub enum PassCommand {
    /// Issue a pass to somebody who has forgotten the key, and print its code. A pass before it
    /// ends; the next login with the key ends this one.
    #[command(after_help = "Examples:\n  \
                            wardkey-server pass add hanako --for 8h --reason \"key at home\"\n  \
                            wardkey-server pass add hanako --terminal \"East 3, desk 1\" \
                                --for 2h --reason \"key broken\"")]
    Add(PassAdd),
    /// List passes, newest first. The codes themselves are stored nowhere.
    #[command(after_help = "Example:\n  wardkey-server pass list --search hanako")]
    List(Paging),
    /// Show the latest pass of a person.
    #[command(after_help = "Example:\n  wardkey-server pass show hanako")]
    Show {
        /// Login name.
        login: LoginName,
    },
    /// End the pass of a person. Connected terminals refuse it within about a second, others when
    /// they hear of it or when it is over.
    #[command(after_help = "Example:\n  wardkey-server pass disable hanako --reason \"key found\"")]
    Disable(PersonAct),
}

/// A new pass.
#[derive(Debug, Args)]
pub struct PassAdd {
    /// Login name.
    pub login: LoginName,
    /// How long it is valid (2h, 8h), within what the scopes of the person allow.
    #[arg(long = "for", value_parser = duration, default_value = "8h", value_name = "TIME")]
    pub seconds: u64,
    /// At the terminals of this scope; needed for somebody in several.
    #[arg(long, value_name = "SCOPE", conflicts_with = "terminal")]
    pub scope: Option<ScopeName>,
    /// At this terminal only: its name, or the beginning of its id.
    #[arg(long, value_name = "TERMINAL")]
    pub terminal: Option<String>,
    /// Why, for the trail and the records of every use.
    #[arg(long)]
    pub reason: String,
}

/// Join tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a join token and print it.
    #[command(after_help = "Examples:\n  wardkey-server token add --scope east3\n  \
                            wardkey-server token add --replace \"East 3, desk 1\"")]
    Add(TokenAdd),
    /// List tokens, newest first. The tokens themselves cannot be shown again.
    #[command(after_help = "Example:\n  wardkey-server token list")]
    List(Paging),
    /// Show a token: what it gives, until when, and how many machines have used it.
    #[command(after_help = "Example:\n  wardkey-server token show 0123456789abcdef")]
    Show {
        /// The token, or its id.
        token: String,
    },
    /// Withdraw a token.
    #[command(after_help = "Example:\n  \
                            wardkey-server token delete 0123456789abcdef \
                                --reason \"sent by mail\"")]
    Delete {
        /// The token, or its id.
        token: String,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
}

/// A new token.
#[derive(Debug, Args)]
pub struct TokenAdd {
    /// Scopes of the terminal, 1 to 8.
    #[arg(
        long = "scope", value_name = "SCOPE", num_args = 1..,
        required_unless_present = "replace"
    )]
    pub scopes: Vec<ScopeName>,
    /// For a machine that takes the place of this terminal (name, or beginning of the id):
    /// installed anew, exchanged, or with a lost key. The certificate that the terminal has now
    /// ends. Without --scope it keeps its scopes.
    #[arg(long, value_name = "TERMINAL", conflicts_with = "uses")]
    pub replace: Option<String>,
    /// How long the token is valid (30m, 24h, 7d), 30 days at most: whoever has read it must not
    /// have years to look for a root key that fits it.
    #[arg(long, value_parser = duration, default_value = "24h", value_name = "TIME")]
    pub expires: u64,
    /// For how many machines; above one, each has to be approved.
    #[arg(long, default_value_t = 1, value_parser = number::<u32>(1, 100_000))]
    pub uses: u32,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}
