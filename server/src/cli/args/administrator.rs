//! `administrator`

use clap::{Args, Subcommand};
use wardkey_core::name::{LoginName, ScopeName};

use super::common::{Paging, PersonAct};
use crate::cli::value::{duration, role, when};
use crate::store::api_key::Role;
use crate::when::When;

/// People who have a role.
#[derive(Debug, Subcommand)]
pub enum AdministratorCommand {
    /// Give a person a role: one at most, until an end or for ever.
    #[command(after_help = "Examples:\n  \
                            wardkey-server administrator add hanako --role owner\n  \
                            wardkey-server administrator add taro --role help-desk \
                                --scope east3 --until 2027-03-31")]
    Add(AdministratorAdd),
    /// List people who have a role, by login name.
    #[command(after_help = "Example:\n  wardkey-server administrator list --role owner")]
    List {
        /// Of this role only.
        #[arg(long, value_parser = role)]
        role: Option<Role>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show the role of a person: what it is, where, since when, and until when.
    #[command(after_help = "Example:\n  wardkey-server administrator show hanako")]
    Show {
        /// Login name.
        login: LoginName,
    },
    /// Change the role of a person; what is not given stays as it is.
    #[command(after_help = "Example:\n  wardkey-server administrator set taro \
                            --scope east3 west1 --without-end --reason \"team leader\"")]
    Set(AdministratorSet),
    /// Take the role of a person away. It counts no longer from the next request on; the person
    /// stays.
    #[command(
        alias = "delete",
        after_help = "Example:\n  \
                      wardkey-server administrator remove taro --reason \"another ward\""
    )]
    Remove(PersonAct),
}

/// A role for somebody.
#[derive(Debug, Args)]
pub struct AdministratorAdd {
    /// Login name.
    pub login: LoginName,
    /// What the person may: owner, site-administrator, help-desk, approver or auditor
    /// (docs/ROLES.md).
    #[arg(long, value_parser = role)]
    pub role: Role,
    /// Scopes that it is for. Without any it is for all of them.
    #[arg(long = "scope", value_name = "SCOPE", num_args = 1..)]
    pub scopes: Vec<ScopeName>,
    /// The last day (the whole day counts), or the time from which it is over.
    #[arg(long, value_parser = when, value_name = "TIME", conflicts_with = "seconds")]
    pub until: Option<When>,
    /// How long it is valid (12h, 90d).
    #[arg(long = "for", value_parser = duration, value_name = "TIME")]
    pub seconds: Option<u64>,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}

/// What is changed of a role.
#[derive(Debug, Args)]
pub struct AdministratorSet {
    /// Login name.
    pub login: LoginName,
    /// What the person may: owner, site-administrator, help-desk, approver or auditor
    /// (docs/ROLES.md).
    #[arg(long, value_parser = role)]
    pub role: Option<Role>,
    /// Scopes that it is for, in place of those before.
    #[arg(long = "scope", value_name = "SCOPE", num_args = 1.., conflicts_with = "all_scopes")]
    pub scopes: Option<Vec<ScopeName>>,
    /// It is for every scope.
    #[arg(long)]
    pub all_scopes: bool,
    /// The last day (the whole day counts), or the time from which it is over.
    #[arg(
        long, value_parser = when, value_name = "TIME",
        conflicts_with_all = ["seconds", "without_end"]
    )]
    pub until: Option<When>,
    /// How long it is valid from now on (12h, 90d).
    #[arg(
        long = "for", value_parser = duration, value_name = "TIME", conflicts_with = "without_end"
    )]
    pub seconds: Option<u64>,
    /// It has no end.
    #[arg(long)]
    pub without_end: bool,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}
