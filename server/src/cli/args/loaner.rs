//! `loaner`

use clap::{Args, Subcommand};
use wardkey_core::name::LoginName;

use super::common::Paging;
use crate::cli::value::duration;

/// Loaner keys: a pool of keys, each lent to one person for some hours.
#[derive(Debug, Subcommand)]
pub enum LoanerCommand {
    /// Add a key to the pool, and print the code with which it is enrolled at a terminal ("wardkey
    /// enroll"). The name stands on the key. Again for a key that is not enrolled: another code.
    #[command(after_help = "Example:\n  wardkey-server loaner add loaner-3")]
    Add(LoanerAdd),
    /// List the pool by name: who has which key, until when, and which are not back.
    #[command(after_help = "Example:\n  wardkey-server loaner list")]
    List(Paging),
    /// Show a key of the pool, and its latest loan.
    #[command(after_help = "Example:\n  wardkey-server loaner show loaner-3")]
    Show {
        /// Name in the pool.
        name: LoginName,
    },
    /// Lend a key to one person until an end. The next login with a key of the person's own ends
    /// the loan too. Change the PIN of the key before, as the last borrower knows it.
    #[command(after_help = "Example:\n  wardkey-server loaner lend loaner-3 hanako --for 8h \
                            --pin-changed --reason \"key at home\"")]
    Lend(LoanerLend),
    /// Take a key back, also when its loan ended before: it is lent to nobody else until then.
    /// Connected terminals refuse it within about a second, others when they hear of it or when the
    /// loan is over.
    #[command(after_help = "Example:\n  wardkey-server loaner return loaner-3")]
    Return(LoanerAct),
    /// Switch a key of the pool off, whoever has it, as when it is lost.
    #[command(after_help = "Example:\n  \
                            wardkey-server loaner disable loaner-3 --reason \"lost\"")]
    Disable(LoanerAct),
    /// Switch a key of the pool on again.
    #[command(after_help = "Example:\n  \
                            wardkey-server loaner enable loaner-3 --reason \"found\"")]
    Enable(LoanerAct),
    /// Take a key out of the pool. This cannot be undone.
    #[command(after_help = "Example:\n  \
                            wardkey-server loaner delete loaner-3 --reason \"broken\"")]
    Delete(LoanerAct),
}

/// A new key of the pool.
#[derive(Debug, Args)]
pub struct LoanerAdd {
    /// Name in the pool, as it stands on the key; not that of a person.
    pub name: LoginName,
    /// How long the code is valid (30m, 24h, 7d), 30 days at most.
    #[arg(long, value_parser = duration, default_value = "24h", value_name = "TIME")]
    pub expires: u64,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}

/// A loan.
#[derive(Debug, Args)]
pub struct LoanerLend {
    /// Name in the pool.
    pub name: LoginName,
    /// Login name of the borrower.
    pub login: LoginName,
    /// For how long (2h, 8h), within what the scopes of the person allow.
    #[arg(long = "for", value_parser = duration, default_value = "8h", value_name = "TIME")]
    pub seconds: u64,
    /// You have changed the PIN of the key since anybody else had it. Nothing is lent without this.
    #[arg(long)]
    pub pin_changed: bool,
    /// Why, for the trail and the records of every use.
    #[arg(long)]
    pub reason: String,
}

/// An act on a key of the pool.
#[derive(Debug, Args)]
pub struct LoanerAct {
    /// Name in the pool.
    pub name: LoginName,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}
