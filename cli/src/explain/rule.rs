//! The names of the rules in an explanation: the same in every language, as a program reads them
//! too.

use wardkey_core::policy::rule::Rule;

pub(super) const fn name(rule: Rule) -> &'static str {
    match rule {
        Rule::LocalSession => "local-session",
        Rule::TerminalActive => "terminal-active",
        Rule::PersonKnown => "person-known",
        Rule::PersonActive => "person-active",
        Rule::PersonValid => "person-valid",
        Rule::OwnAccount => "own-account",
        Rule::SharedAccount => "shared-account",
        Rule::UserManager => "user-manager",
        Rule::OfflineLimit => "offline-limit",
        Rule::OfflineEmergencyOnly => "offline-emergency-only",
        Rule::OfflineNoElevation => "offline-no-elevation",
        Rule::OfflineSeenHere => "offline-seen-here",
        Rule::Default => "default",
    }
}
