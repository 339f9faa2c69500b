//! `api-key`

use clap::{Args, Subcommand};
use wardkey_core::name::{DisplayText, ScopeName};

use super::common::Paging;
use crate::cli::value::{duration, role};
use crate::store::api_key::Role;

/// Keys of the interface for administration.
#[derive(Debug, Subcommand)]
pub enum ApiKeyCommand {
    /// Make an API key and print its token.
    #[command(after_help = "Examples:\n  \
                            wardkey-server api-key add \"night shift\" --role help-desk \
                                --scope east3 --expires 90d\n  \
                            wardkey-server api-key add \"yearly audit\" --role auditor \
                                --expires 14d")]
    Add(ApiKeyAdd),
    /// List API keys, newest first. The tokens themselves cannot be shown again.
    #[command(after_help = "Example:\n  wardkey-server api-key list")]
    List(Paging),
    /// Show an API key: what it may, where, until when, and when it was last used.
    #[command(after_help = "Example:\n  wardkey-server api-key show 0123456789abcdef")]
    Show {
        /// Its id, as "api-key list" shows it.
        key: String,
    },
    /// Switch an API key off at once. There is no way back: make another one.
    #[command(after_help = "Example:\n  \
                            wardkey-server api-key disable 0123456789abcdef \
                                --reason \"laptop stolen\"")]
    Disable(ApiKeyAct),
    /// Delete an API key.
    #[command(after_help = "Example:\n  wardkey-server api-key delete 0123456789abcdef")]
    Delete(ApiKeyAct),
}

/// A new key.
#[derive(Debug, Args)]
pub struct ApiKeyAdd {
    /// What it is for, for people.
    pub name: DisplayText,
    /// What it may: owner, site-administrator, help-desk, approver or auditor (docs/ROLES.md).
    #[arg(long, value_parser = role)]
    pub role: Role,
    /// Scopes that it is for. Without any it is for all of them.
    #[arg(long = "scope", value_name = "SCOPE", num_args = 1..)]
    pub scopes: Vec<ScopeName>,
    /// How long it is valid (24h, 90d), 400 days at most.
    #[arg(long, value_parser = duration, default_value = "90d", value_name = "TIME")]
    pub expires: u64,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}

/// An act on a key.
#[derive(Debug, Args)]
pub struct ApiKeyAct {
    /// Its id, as "api-key list" shows it.
    pub key: String,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}
