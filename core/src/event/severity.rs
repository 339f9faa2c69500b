//! How much an event matters, as syslog counts it (RFC 5424, 6.2.1).

use crate::event::name::EventName;
use crate::event::outcome::Outcome;

/// Syslog severities that we use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// 2
    Critical,
    /// 3
    Error,
    /// 4
    Warning,
    /// 5
    Notice,
    /// 6
    Info,
}

impl EventName {
    /// Syslog severity (RFC 5424, 6.2.1) for an outcome.
    pub const fn severity(self, outcome: Outcome) -> Severity {
        match (self, outcome) {
            (Self::BreakGlassLogin | Self::BreakGlassVoid, _) => Severity::Critical,
            (
                Self::CloneSuspected
                | Self::RecordsLost
                | Self::StateSetAside
                | Self::MarksNotRaised
                | Self::SessionNotLocked
                | Self::PassVoid,
                _,
            ) => Severity::Error,
            (
                Self::DirectoryRefused
                | Self::LockedOut
                | Self::ClockWrong
                | Self::DeviceSuspected
                | Self::WayIn
                | Self::PassLogin
                | Self::Vouched
                | Self::PassWrong
                | Self::BreakGlassWrong
                | Self::LoanBegun,
                _,
            ) => Severity::Warning,
            // Two histories; or another log, as after a restore.
            (Self::LogContradicted, Outcome::Failure) => Severity::Error,
            (Self::LogContradicted, Outcome::Success) => Severity::Warning,
            // Unlocked, and not by a key.
            (Self::SessionUnlocked, Outcome::Failure) => Severity::Warning,
            (_, Outcome::Failure) => Severity::Notice,
            (Self::Heartbeat | Self::Synced | Self::KeyChanged, _) => Severity::Info,
            _ => Severity::Notice,
        }
    }
}
