//! A few English words for each event, for those who read lists of them.

use wardkey_core::event::{Event, EventName, Outcome};

use crate::said;

/// What happened. The words of an event are stable, as rules of SIEMs may show them.
pub(crate) const fn title(event: &Event) -> &'static str {
    match (event.name, event.outcome) {
        (EventName::Login, Outcome::Success) => "Login",
        (EventName::Login, Outcome::Failure) => "Login refused",
        (EventName::Account, Outcome::Success) => "Account checked",
        (EventName::Account, Outcome::Failure) => "Account refused",
        (EventName::Heartbeat, _) => "Heartbeat",
        (EventName::AgentStarted, _) => "Agent started",
        (EventName::AgentStopped, _) => "Agent stopped",
        (EventName::Synced, _) => "Directory updated",
        (EventName::Offline, _) => "Server out of reach",
        (EventName::Online, _) => "Server reached again",
        (EventName::DirectoryRefused, _) => "Directory refused",
        (EventName::LockedOut, _) => "Key locked out",
        (EventName::CloneSuspected, _) => "Copy of a key suspected",
        (EventName::RecordsLost, _) => "Records lost",
        (EventName::StateSetAside, _) => "Unreadable store set aside",
        (EventName::Joined, _) => "Terminal joined",
        (EventName::Enrolled, _) => "Key enrolled",
        (EventName::ClockWrong, _) => "Clock wrong",
        (EventName::KeyChanged, _) => "Key plugged or unplugged",
        (EventName::DeviceSuspected, _) => "Device did not prove its key",
        (EventName::MarksNotRaised, _) => "Marks not raised",
        (EventName::WayIn, Outcome::Success) => "Way in without a key accepted",
        (EventName::WayIn, Outcome::Failure) => "Way in without a key found",
        (EventName::SessionStarted, _) => "Session started",
        (EventName::SessionLocked, _) => "Session locked",
        (EventName::SessionUnlocked, Outcome::Success) => "Session unlocked",
        (EventName::SessionUnlocked, Outcome::Failure) => "Session unlocked without a key",
        (EventName::SessionPersonChanged, _) => "Person of a session changed",
        (EventName::SessionEnded, _) => "Session ended",
        (EventName::SessionNotLocked, _) => "Session not locked",
        (EventName::PinChange, Outcome::Success) => "PIN of a key changed",
        (EventName::PinChange, Outcome::Failure) => "Change of a PIN refused",
        (EventName::PassLogin, Outcome::Success) => "Login by a temporary code",
        (EventName::PassLogin, Outcome::Failure) => "Login by a temporary code refused",
        (EventName::PassWrong, _) => "Wrong temporary code",
        (EventName::PassVoid, _) => "Pass void",
        (EventName::PassEnded, _) => "Pass ended",
        (EventName::Vouched, Outcome::Success) => "Colleague vouched",
        (EventName::Vouched, Outcome::Failure) => "Vouch refused",
        (EventName::LoanBegun, _) => "Loaner key in use",
        (EventName::LoanEnded, _) => "Loan of a key ended",
        (EventName::BreakGlassLogin, Outcome::Success) => "Break-glass login",
        (EventName::BreakGlassLogin, Outcome::Failure) => "Break-glass login refused",
        (EventName::BreakGlassWrong, _) => "Wrong break-glass code",
        (EventName::BreakGlassVoid, _) => "Break-glass code void",
        (EventName::LogContradicted, Outcome::Success) => "Another log of records began",
        (EventName::LogContradicted, Outcome::Failure) => "Log of records contradicted itself",
    }
}

/// What happened, to whom and why: `Login refused: hanako, WK-1203`.
pub(crate) fn sentence(event: &Event) -> String {
    let about = [said::user(event), said::reason(event)];
    let about: Vec<String> = about.into_iter().flatten().collect();
    if about.is_empty() {
        title(event).to_owned()
    } else {
        format!("{}: {}", title(event), about.join(", "))
    }
}
