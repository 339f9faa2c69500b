//! Which class and activity of OCSF an event is.

use wardkey_core::event::{Event, EventName, Outcome};

/// The classes that we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Authentication.
    Authentication,
    /// Account Change.
    Account,
    /// Detection Finding.
    Finding,
    /// Application Lifecycle.
    Application,
    /// Event Log Activity.
    EventLog,
}

impl Class {
    /// `category_uid`.
    pub(super) const fn category(self) -> u8 {
        match self {
            Self::EventLog => 1,
            Self::Finding => 2,
            Self::Authentication | Self::Account => 3,
            Self::Application => 6,
        }
    }

    /// `class_uid`.
    pub(super) const fn number(self) -> u16 {
        match self {
            Self::EventLog => 1008,
            Self::Finding => 2004,
            Self::Account => 3001,
            Self::Authentication => 3002,
            Self::Application => 6002,
        }
    }
}

/// A class with one of its activities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Activity {
    pub(super) class: Class,
    /// `activity_id`; 99 when the class has no number for it.
    pub(super) id: u8,
    /// `activity_name`.
    pub(super) name: &'static str,
}

const fn is(class: Class, id: u8, name: &'static str) -> Activity {
    Activity { class, id, name }
}

const fn other(class: Class, event: &Event) -> Activity {
    is(class, 99, event.name.as_str())
}

/// Whether a login of a key unlocked a session.
pub(super) const fn is_unlock(event: &Event) -> bool {
    matches!(event.name, EventName::SessionUnlocked)
}

/// What an event is. Only a login is a Logon: what follows from one has its own record of it.
pub(super) const fn activity(event: &Event) -> Activity {
    match event.name {
        EventName::Login | EventName::PassLogin | EventName::BreakGlassLogin => {
            is(Class::Authentication, 1, "Logon")
        }
        EventName::SessionUnlocked => match event.outcome {
            Outcome::Success => other(Class::Authentication, event),
            Outcome::Failure => is(Class::Finding, 1, "Create"),
        },
        EventName::SessionPersonChanged => is(Class::Authentication, 7, "Account Switch"),
        EventName::SessionEnded => is(Class::Authentication, 2, "Logoff"),
        EventName::Account
        | EventName::SessionStarted
        | EventName::SessionLocked
        | EventName::PassWrong
        | EventName::BreakGlassWrong => other(Class::Authentication, event),
        EventName::LockedOut => is(Class::Account, 9, "Lock"),
        EventName::Enrolled | EventName::LoanBegun | EventName::Vouched => {
            is(Class::Account, 10, "MFA Factor Enable")
        }
        EventName::PinChange => is(Class::Account, 3, "Password Change"),
        EventName::PassVoid
        | EventName::PassEnded
        | EventName::LoanEnded
        | EventName::BreakGlassVoid => is(Class::Account, 11, "MFA Factor Disable"),
        EventName::DirectoryRefused
        | EventName::CloneSuspected
        | EventName::ClockWrong
        | EventName::DeviceSuspected
        | EventName::MarksNotRaised
        | EventName::SessionNotLocked => is(Class::Finding, 1, "Create"),
        EventName::WayIn | EventName::LogContradicted => match event.outcome {
            Outcome::Failure => is(Class::Finding, 1, "Create"),
            Outcome::Success => other(Class::Finding, event),
        },
        EventName::RecordsLost => is(Class::EventLog, 2, "Delete"),
        EventName::StateSetAside => is(Class::EventLog, 5, "Rotate"),
        EventName::AgentStarted => is(Class::Application, 3, "Start"),
        EventName::AgentStopped => is(Class::Application, 4, "Stop"),
        EventName::Heartbeat
        | EventName::Synced
        | EventName::Offline
        | EventName::Online
        | EventName::Joined
        | EventName::KeyChanged => other(Class::Application, event),
    }
}
