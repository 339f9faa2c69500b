//! Which audit event of DICOM an event is (PS3.15 A.5, codes of PS3.16 annex D). ATNA messages and
//! FHIR's AuditEvents use the same codes.

use wardkey_core::event::{Event, EventName, Outcome, Severity};

use crate::said;
use crate::source::Source;

/// A code and its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term(pub(crate) &'static str, pub(crate) &'static str);

/// The kind of audit message.
pub(crate) const APPLICATION_ACTIVITY: Term = Term("110100", "Application Activity");
/// The kind of audit message.
pub(crate) const SECURITY_ALERT: Term = Term("110113", "Security Alert");
/// The kind of audit message.
pub(crate) const USER_AUTHENTICATION: Term = Term("110114", "User Authentication");
/// The role of the agent in a message about itself.
pub(crate) const APPLICATION: Term = Term("110150", "Application");

const START: Term = Term("110120", "Application Start");
const STOP: Term = Term("110121", "Application Stop");
const LOGIN: Term = Term("110122", "Login");
const LOGOUT: Term = Term("110123", "Logout");
const SECURITY_CONFIGURATION: Term = Term("110129", "Security Configuration");
const USE_OF_RESTRICTED_FUNCTION: Term = Term("110132", "Use of Restricted Function");
const USER_ATTRIBUTES: Term = Term("110137", "User Security Attributes Changed");

/// Kind of message, and what of it. Only a login is a Login, as what follows from one has its own
/// record of it. `None` where DICOM has no code for it.
pub(crate) const fn kind(event: &Event) -> (Term, Option<Term>) {
    match event.name {
        EventName::Login | EventName::PassLogin | EventName::BreakGlassLogin => {
            (USER_AUTHENTICATION, Some(LOGIN))
        }
        // A failure is somebody who got in without a key, and no login that was refused.
        EventName::SessionUnlocked => match event.outcome {
            Outcome::Success => (USER_AUTHENTICATION, None),
            Outcome::Failure => (SECURITY_ALERT, Some(USE_OF_RESTRICTED_FUNCTION)),
        },
        EventName::SessionEnded => (USER_AUTHENTICATION, Some(LOGOUT)),
        EventName::Account
        | EventName::SessionStarted
        | EventName::SessionLocked
        | EventName::SessionPersonChanged
        | EventName::PassWrong
        | EventName::BreakGlassWrong => (USER_AUTHENTICATION, None),
        EventName::Enrolled
        | EventName::LockedOut
        | EventName::PinChange
        | EventName::PassVoid
        | EventName::PassEnded
        | EventName::LoanBegun
        | EventName::LoanEnded
        | EventName::BreakGlassVoid
        | EventName::Vouched => (SECURITY_ALERT, Some(USER_ATTRIBUTES)),
        EventName::Joined | EventName::WayIn => (SECURITY_ALERT, Some(SECURITY_CONFIGURATION)),
        EventName::CloneSuspected | EventName::DeviceSuspected => {
            (SECURITY_ALERT, Some(USE_OF_RESTRICTED_FUNCTION))
        }
        EventName::DirectoryRefused
        | EventName::RecordsLost
        | EventName::StateSetAside
        | EventName::ClockWrong
        | EventName::MarksNotRaised
        | EventName::SessionNotLocked
        | EventName::LogContradicted => (SECURITY_ALERT, None),
        EventName::AgentStarted => (APPLICATION_ACTIVITY, Some(START)),
        EventName::AgentStopped => (APPLICATION_ACTIVITY, Some(STOP)),
        EventName::Heartbeat
        | EventName::Synced
        | EventName::Offline
        | EventName::Online
        | EventName::KeyChanged => (APPLICATION_ACTIVITY, None),
    }
}

/// EventOutcomeIndicator: success, minor failure, serious failure.
pub(crate) fn outcome(event: &Event, source: &Source) -> &'static str {
    match (event.outcome, said::severity(event, source)) {
        (Outcome::Success, _) => "0",
        (Outcome::Failure, Severity::Critical | Severity::Error | Severity::Warning) => "8",
        (Outcome::Failure, Severity::Notice | Severity::Info) => "4",
    }
}
