//! `scope` and `account`

use clap::Subcommand;
use wardkey_core::name::{GroupName, LoginName, ScopeName};

use super::Paging;
use crate::cli::value::duration;

/// Scopes.
#[derive(Debug, Subcommand)]
pub enum Scope {
    /// Add a scope.
    #[command(after_help = "Example:\n  wardkey-server scope add pharmacy")]
    Add {
        /// Its name: a ward, a site, ...
        name: ScopeName,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// List scopes, by name.
    #[command(after_help = "Example:\n  wardkey-server scope list")]
    List(Paging),
    /// Show a scope with its rules.
    #[command(after_help = "Example:\n  wardkey-server scope show east3")]
    Show {
        /// The scope.
        name: ScopeName,
    },
    /// Change the rules of a scope; what is not given stays as it is.
    #[command(after_help = "Examples:\n  wardkey-server scope set east3 --soft 24h --degraded 72h --hard 168h \
                            --emergency-group emergency\n  wardkey-server scope set east3 \
                            --lockout-threshold 5 --lockout-delay 30s --lockout-longest 1h")]
    Set {
        /// The scope.
        name: ScopeName,
        /// Without the server everyone may log in for this long, with a banner.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        soft: Option<u64>,
        /// After that, people who were seen at the terminal may, without sudo, until here.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        degraded: Option<u64>,
        /// After that, emergency groups may, until here; then nobody.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        hard: Option<u64>,
        /// All emergency groups, in place of those before; without a name: none.
        #[arg(long = "emergency-group", value_name = "GROUP", num_args = 0..)]
        emergency_groups: Option<Vec<GroupName>>,
        /// Failures in a row until the first delay.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100), value_name = "COUNT")]
        lockout_threshold: Option<u32>,
        /// The first delay; each further failure doubles it.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        lockout_delay: Option<u64>,
        /// The longest delay.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        lockout_longest: Option<u64>,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// The same as "scope set --soft --degraded --hard".
    #[command(hide = true)]
    SetOffline {
        /// The scope.
        name: ScopeName,
        /// Everyone, until here.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        soft: u64,
        /// People seen at the terminal, until here.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        degraded: u64,
        /// Emergency groups, until here.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        hard: u64,
        /// Emergency groups; what is not given stays.
        #[arg(long = "emergency-group", value_name = "GROUP", num_args = 0..)]
        emergency_groups: Option<Vec<GroupName>>,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// The same as "scope set --lockout-...".
    #[command(hide = true)]
    SetLockout {
        /// The scope.
        name: ScopeName,
        /// Failures in a row until the first delay.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
        threshold: u32,
        /// The first delay.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        delay: u64,
        /// The longest delay.
        #[arg(long, value_parser = duration, value_name = "TIME")]
        longest: u64,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// The same as "account set".
    #[command(hide = true)]
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

/// Shared accounts.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// List shared accounts, by name and scope.
    #[command(after_help = "Example:\n  wardkey-server account list")]
    List(Paging),
    /// Let the people of some groups use a Unix account, each with their own key; records name the
    /// person.
    #[command(after_help = "Example:\n  wardkey-server account set ward-east3 --scope east3 --group nurses")]
    Set {
        /// The Unix account.
        account: LoginName,
        /// The scopes in which it is shared.
        #[arg(long = "scope", value_name = "SCOPE", required = true, num_args = 1..)]
        scopes: Vec<ScopeName>,
        /// All groups whose people may use it.
        #[arg(long = "group", value_name = "GROUP", required = true, num_args = 1..)]
        groups: Vec<GroupName>,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// End the sharing of an account.
    #[command(after_help = "Example:\n  wardkey-server account delete ward-east3 --scope east3")]
    Delete {
        /// The Unix account.
        account: LoginName,
        /// The scopes in which the sharing ends.
        #[arg(long = "scope", value_name = "SCOPE", required = true, num_args = 1..)]
        scopes: Vec<ScopeName>,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
}
