//! Classes of events: for how long a record is kept is said for each.

use super::name::EventName;

/// What a record is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Who used which terminal when: logins, refusals, sessions, and by what somebody was let in.
    Logins,
    /// What changed for a person, a key or a terminal.
    Administration,
    /// What somebody should look at: lock-outs, wrong codes, suspicions, and whatever has evidence
    /// that does not hold.
    Security,
    /// How the terminals are.
    Operation,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Logins, Self::Administration, Self::Security, Self::Operation];

    /// The class of an event; `is_disproved` when its evidence does not hold.
    pub const fn of(name: EventName, is_disproved: bool) -> Self {
        if is_disproved {
            return Self::Security;
        }
        match name {
            EventName::Login
            | EventName::Account
            | EventName::SessionStarted
            | EventName::SessionLocked
            | EventName::SessionUnlocked
            | EventName::SessionPersonChanged
            | EventName::SessionEnded
            | EventName::PassLogin
            | EventName::PassEnded
            | EventName::Vouched
            | EventName::LoanBegun
            | EventName::LoanEnded
            | EventName::BreakGlassLogin => Self::Logins,
            EventName::Joined | EventName::Enrolled | EventName::PinChange => Self::Administration,
            EventName::DirectoryRefused
            | EventName::LockedOut
            | EventName::CloneSuspected
            | EventName::RecordsLost
            | EventName::StateSetAside
            | EventName::ClockWrong
            | EventName::DeviceSuspected
            | EventName::MarksNotRaised
            | EventName::WayIn
            | EventName::SessionNotLocked
            | EventName::PassWrong
            | EventName::PassVoid
            | EventName::LogContradicted
            | EventName::BreakGlassWrong
            | EventName::BreakGlassVoid => Self::Security,
            EventName::Heartbeat
            | EventName::AgentStarted
            | EventName::AgentStopped
            | EventName::Synced
            | EventName::Offline
            | EventName::Online
            | EventName::KeyChanged => Self::Operation,
        }
    }

    /// Its word, in the configuration and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logins => "logins",
            Self::Administration => "administration",
            Self::Security => "security",
            Self::Operation => "operation",
        }
    }
}
