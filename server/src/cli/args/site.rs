//! `scope` and `account`

use clap::{Args, Subcommand};
use wardkey_core::name::{GroupName, LoginName, ScopeName, ServiceName};
use wardkey_core::policy::pin::LENGTHS;
use wardkey_core::policy::session::OnRemoval;
use wardkey_help::usage::{Wrong, number};

use super::common::Paging;
use crate::cli::value::{duration, duration_or_none};
use crate::texts::Text;

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
    #[command(after_help = "Examples:\n  \
                            wardkey-server scope set east3 --soft 24h --degraded 72h --hard 168h \
                                --emergency-group emergency\n  \
                            wardkey-server scope set east3 \
                                --lockout-threshold 5 --lockout-delay 30s --lockout-longest 1h\n  \
                            wardkey-server scope set east3 \
                                --on-removal lock --idle 15m --longest 12h\n  \
                            wardkey-server scope set east3 --ask-name yes\n  \
                            wardkey-server scope set east3 \
                                --min-pin-length 6 --pin-change-at-first-use yes")]
    Set(Box<ScopeSet>),
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
        #[arg(long, value_parser = number::<u32>(1, 100))]
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

/// What is changed of a scope.
#[derive(Debug, Args)]
pub struct ScopeSet {
    /// The scope.
    pub name: ScopeName,
    #[command(flatten)]
    pub rules: ScopeRules,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}

/// Rules of a scope; what is not given stays.
#[derive(Debug, Default, Args)]
pub struct ScopeRules {
    /// Without the server everyone may log in for this long, with a banner.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub soft: Option<u64>,
    /// After that, people who were seen at the terminal may, without sudo, until here.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub degraded: Option<u64>,
    /// After that, emergency groups may, until here; then nobody.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub hard: Option<u64>,
    /// All emergency groups, in place of those before; without a name: none.
    #[arg(long = "emergency-group", value_name = "GROUP", num_args = 0..)]
    pub emergency_groups: Option<Vec<GroupName>>,
    /// Failures in a row until the first delay.
    #[arg(long, value_parser = number::<u32>(1, 100), value_name = "COUNT")]
    pub lockout_threshold: Option<u32>,
    /// The first delay; each further failure doubles it.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub lockout_delay: Option<u64>,
    /// The longest delay.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub lockout_longest: Option<u64>,
    /// When a session's key is pulled out: lock its screen, lock it and show the greeter, end
    /// it, or nothing. A session in which no locker answers is ended.
    #[arg(long, value_parser = on_removal, value_name = "nothing|lock|greeter|end")]
    pub on_removal: Option<OnRemoval>,
    /// Lock a session after this long without input, or never.
    #[arg(long, value_parser = limit, value_name = "TIME|never")]
    pub idle: Option<u64>,
    /// Lock a session this long after its last login or unlocking with a key, or never.
    #[arg(long, value_parser = limit, value_name = "TIME|never")]
    pub longest: Option<u64>,
    /// Whoever has forgotten the key may get in by a code that is issued with "pass add", valid
    /// for this long at most (up to 72h); 0: nobody.
    #[arg(long, value_parser = duration_or_none, value_name = "TIME")]
    pub passes: Option<u64>,
    /// All services that take no passes, in place of those before; without a name: none beside
    /// those that raise privilege.
    #[arg(long, value_name = "SERVICE", num_args = 0..)]
    pub pass_except: Option<Vec<ServiceName>>,
    /// All groups whose members may vouch for somebody who has forgotten the key, in place of those
    /// before; without a name: nobody may (as at first).
    #[arg(long, value_name = "GROUP", num_args = 0..)]
    pub vouch_groups: Option<Vec<GroupName>>,
    /// The longest that a colleague may vouch for somebody, up to 24h (8h at first).
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub vouch_longest: Option<u64>,
    /// How often in 30 days colleagues may vouch for one person at one terminal (3 at first).
    #[arg(long, value_name = "NUMBER")]
    pub vouch_per_month: Option<u32>,
    /// Ask for the name always: else, where a greeter asks for none, the key of somebody who
    /// was seen at the terminal says it, to whoever plugs it in.
    #[arg(long, action = clap::ArgAction::Set, value_parser = yes_or_no, value_name = "yes|no")]
    pub ask_name: Option<bool>,
    /// Whoever is without the key may borrow one of the pool ("loaner lend") for this long at most
    /// (up to 72h); 0: nobody.
    #[arg(long, value_parser = duration_or_none, value_name = "TIME")]
    pub loans: Option<u64>,
    /// The PIN of a key that is enrolled has so many characters at least, 4 to 63, and a key that
    /// can takes no shorter one from then on; 0: as the key says (as at first).
    #[arg(long, value_parser = pin_length, value_name = "NUMBER")]
    pub min_pin_length: Option<u8>,
    /// A key that is enrolled, and can, asks for another PIN at its first use.
    #[arg(long, action = clap::ArgAction::Set, value_parser = yes_or_no, value_name = "yes|no")]
    pub pin_change_at_first_use: Option<bool>,
    /// A sealed code ("break-glass add") lets somebody in once where nothing else does, and is
    /// valid for this long at most (up to 400d); 0: there is none.
    #[arg(long, value_parser = duration_or_none, value_name = "TIME")]
    pub break_glass: Option<u64>,
}

/// Shared accounts.
#[derive(Debug, Subcommand)]
pub enum Account {
    /// List shared accounts, by name and scope.
    #[command(after_help = "Example:\n  wardkey-server account list")]
    List(Paging),
    /// Show a shared account: in which scopes, and by whom it is used.
    #[command(after_help = "Example:\n  wardkey-server account show ward-east3")]
    Show {
        /// The Unix account.
        account: LoginName,
    },
    /// Let the people of some groups use a Unix account, each with their own key; records name the
    /// person.
    #[command(after_help = "Example:\n  \
                            wardkey-server account set ward-east3 --scope east3 --group nurses")]
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

fn yes_or_no(text: &str) -> Result<bool, Wrong> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(Wrong::new(Text::WriteYesNo)),
    }
}

fn pin_length(text: &str) -> Result<u8, Wrong> {
    let number = text.parse().ok();
    let found = number.filter(|number| *number == 0 || LENGTHS.contains(number));
    found.ok_or_else(|| Wrong::new(Text::WritePinLength))
}

fn on_removal(text: &str) -> Result<OnRemoval, Wrong> {
    let found = OnRemoval::ALL.into_iter().find(|one| one.as_str() == text);
    found.ok_or_else(|| Wrong::new(Text::WriteRemoval))
}

fn limit(text: &str) -> Result<u64, Wrong> {
    if text == "never" {
        Ok(0)
    } else {
        duration(text)
            .map_err(|wrong| Wrong::new(Text::WriteLimit.with([("what", wrong.into_phrase())])))
    }
}
