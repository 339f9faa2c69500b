//! `break-glass`

use clap::{Args, Subcommand};
use wardkey_core::name::{LoginName, ScopeName};

use super::common::{Paging, PersonAct};
use crate::cli::value::duration;

/// Break-glass: sealed codes for emergencies, each for an account that is nobody's.
#[derive(Debug, Subcommand)]
pub enum BreakGlassCommand {
    /// Prepare a sealed code for an account, and print it once: for a sealed envelope. It lets
    /// somebody in once, at one of the scope's terminals, also without the network, and never for
    /// sudo; its use is an alarm. The one before is void.
    #[command(
        alias = "prepare",
        after_help = "Example:\n  wardkey-server break-glass add emergency-east3 --for 365d \
                      --reason \"envelope in the ward's safe\""
    )]
    Add(BreakGlassAdd),
    /// List sealed codes, newest first: sealed, used, void, ended. The codes themselves are stored
    /// nowhere.
    #[command(after_help = "Example:\n  wardkey-server break-glass list")]
    List(Paging),
    /// Show the latest sealed code of an account: where and when it was used.
    #[command(after_help = "Example:\n  wardkey-server break-glass show emergency-east3")]
    Show {
        /// Login name of the account.
        login: LoginName,
    },
    /// Make the sealed code of an account void. Connected terminals refuse it within about a
    /// second, others when they hear of it or when it is over.
    #[command(
        alias = "withdraw",
        after_help = "Example:\n  wardkey-server break-glass disable emergency-east3 \
                      --reason \"envelope lost\""
    )]
    Disable(PersonAct),
    /// End the alarm of a sealed code that was used. --reason says what it was.
    #[command(after_help = "Example:\n  wardkey-server break-glass clear-alarm emergency-east3 \
                            --reason \"fire drill, new envelope made\"")]
    ClearAlarm(PersonAct),
}

/// A new sealed code.
#[derive(Debug, Args)]
pub struct BreakGlassAdd {
    /// Login name of the account: in the directory, without a key.
    pub login: LoginName,
    /// At the terminals of this scope; needed for an account in several.
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<ScopeName>,
    /// How long it is valid (90d, 365d), within what the scope allows, 400 days at most.
    #[arg(long = "for", value_parser = duration, default_value = "365d", value_name = "TIME")]
    pub seconds: u64,
    /// Why, for the trail and the records of its use.
    #[arg(long)]
    pub reason: String,
}
