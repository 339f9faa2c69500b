//! How much a record matters: which gives way first when the spool is full, which travels first.

use wardkey_core::event::{Event, EventName, Outcome, Severity};

/// The classes, the most important first. The number is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Warnings and errors: clone suspected, directory refused, records lost.
    Alarm = 0,
    /// What succeeded: logins above all.
    Success = 1,
    /// What failed; anyone at a terminal can make many of these.
    Failure = 2,
    /// Heartbeats and the like.
    Notice = 3,
}

impl Class {
    /// How many there are.
    pub const COUNT: usize = 4;

    /// The order in which records give way: the least important first.
    pub const GIVING_WAY: [Self; Self::COUNT] =
        [Self::Notice, Self::Failure, Self::Success, Self::Alarm];

    /// The order of urgency: alarms and failures first.
    pub const URGENCY: [Self; Self::COUNT] =
        [Self::Alarm, Self::Failure, Self::Success, Self::Notice];

    /// The class of an event.
    pub const fn of(event: &Event) -> Self {
        match (event.severity(), event.outcome) {
            // Anyone who mistypes on purpose makes these, too.
            _ if matches!(
                event.name,
                EventName::LockedOut | EventName::PassWrong | EventName::BreakGlassWrong
            ) =>
            {
                Self::Failure
            }
            (Severity::Critical | Severity::Error | Severity::Warning, _) => Self::Alarm,
            (_, Outcome::Failure) => Self::Failure,
            (Severity::Notice, Outcome::Success) => Self::Success,
            (Severity::Info, Outcome::Success) => Self::Notice,
        }
    }

    /// Whether an event says how things stand, and not that something happened: that the agent
    /// lives, which state of a scope it has. Each one makes those before it worthless.
    pub fn is_of_state(event: &Event) -> bool {
        event.outcome == Outcome::Success
            && matches!(event.name, EventName::Heartbeat | EventName::Synced)
    }

    /// The class with this number on disk; a number of a later version counts as the least.
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Alarm,
            1 => Self::Success,
            2 => Self::Failure,
            _ => Self::Notice,
        }
    }
}
