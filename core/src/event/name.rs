//! What an event is about: the word and the stable number of each kind.

use minicbor::{Decode, Encode};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum EventName {
    /// A login was decided.
    #[n(0)]
    Login,
    /// An account was checked without a login of the same handle.
    #[n(1)]
    Account,
    /// The agent is alive.
    #[n(2)]
    Heartbeat,
    /// The agent has started.
    #[n(3)]
    AgentStarted,
    /// The agent stops.
    #[n(4)]
    AgentStopped,
    /// A scope, the terminal document or the root was updated.
    #[n(5)]
    Synced,
    /// The server cannot be reached any longer.
    #[n(6)]
    Offline,
    /// The server can be reached again.
    #[n(7)]
    Online,
    /// Something older than before, or a fork, was offered and refused.
    #[n(8)]
    DirectoryRefused,
    /// Refused for a time after failures.
    #[n(9)]
    LockedOut,
    /// A signature counter went backwards.
    #[n(10)]
    CloneSuspected,
    /// Records had to be given up.
    #[n(11)]
    RecordsLost,
    /// The cache or state was unreadable and was set aside.
    #[n(12)]
    StateSetAside,
    /// The terminal joined.
    #[n(13)]
    Joined,
    /// A key was enrolled at this terminal.
    #[n(14)]
    Enrolled,
    /// The clock is off by more than two minutes, behind or ahead.
    #[n(15)]
    ClockWrong,
    /// A key was plugged or unplugged.
    #[n(16)]
    KeyChanged,
    /// A device claimed to be a registered key and did not prove it.
    #[n(17)]
    DeviceSuspected,
    /// The module let somebody in and could not write its marks.
    #[n(18)]
    MarksNotRaised,
    /// A way in without a key has opened, or was accepted, on this machine.
    #[n(24)]
    WayIn = 24,
    /// A session began with a login.
    #[n(25)]
    SessionStarted = 25,
    /// The screen of a session was locked.
    #[n(26)]
    SessionLocked = 26,
    /// It was unlocked.
    #[n(27)]
    SessionUnlocked = 27,
    /// Another person goes on in a session of a shared account.
    #[n(28)]
    SessionPersonChanged = 28,
    /// A session ended.
    #[n(29)]
    SessionEnded = 29,
    /// A session should have been locked or ended, and was not.
    #[n(30)]
    SessionNotLocked = 30,
    /// The PIN of a key was changed, or was not.
    #[n(32)]
    PinChange = 32,
    /// Somebody was let in by a code: of a pass, or one for which a colleague vouched.
    #[n(45)]
    PassLogin = 45,
    /// A wrong code was typed for a pass.
    #[n(46)]
    PassWrong = 46,
    /// So many wrong codes that the pass is void at this terminal.
    #[n(47)]
    PassVoid = 47,
    /// A pass was ended: its person logged in with the key.
    #[n(48)]
    PassEnded = 48,
    /// A colleague vouched for somebody without a key.
    #[n(49)]
    Vouched = 49,
    /// Somebody was let in by a loaner key, for the first time here in this loan.
    #[n(52)]
    LoanBegun = 52,
    /// A loan was ended: its person logged in with a key of their own.
    #[n(53)]
    LoanEnded = 53,
    /// The server's log of records contradicts what the terminal saw of it; or, as a success,
    /// another log began as a restore begins one.
    #[n(55)]
    LogContradicted = 55,
    /// Somebody was let in by a sealed code (break-glass), or was not though it was the right one.
    #[n(56)]
    BreakGlassLogin = 56,
    /// A wrong code was typed for a sealed one.
    #[n(57)]
    BreakGlassWrong = 57,
    /// A sealed code is void at this terminal after too many wrong codes; or one that is void was
    /// tried.
    #[n(58)]
    BreakGlassVoid = 58,
}

impl EventName {
    /// All of them.
    pub const ALL: [Self; 38] = [
        Self::Login,
        Self::Account,
        Self::Heartbeat,
        Self::AgentStarted,
        Self::AgentStopped,
        Self::Synced,
        Self::Offline,
        Self::Online,
        Self::DirectoryRefused,
        Self::LockedOut,
        Self::CloneSuspected,
        Self::RecordsLost,
        Self::StateSetAside,
        Self::Joined,
        Self::Enrolled,
        Self::ClockWrong,
        Self::KeyChanged,
        Self::DeviceSuspected,
        Self::MarksNotRaised,
        Self::WayIn,
        Self::SessionStarted,
        Self::SessionLocked,
        Self::SessionUnlocked,
        Self::SessionPersonChanged,
        Self::SessionEnded,
        Self::SessionNotLocked,
        Self::PinChange,
        Self::PassLogin,
        Self::PassWrong,
        Self::PassVoid,
        Self::PassEnded,
        Self::Vouched,
        Self::LoanBegun,
        Self::LoanEnded,
        Self::LogContradicted,
        Self::BreakGlassLogin,
        Self::BreakGlassWrong,
        Self::BreakGlassVoid,
    ];

    /// The event of this word; none of a word that this version does not know.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == word)
    }

    /// The word in records; with it stands the stable event code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Account => "account",
            Self::Heartbeat => "heartbeat",
            Self::AgentStarted => "agent-started",
            Self::AgentStopped => "agent-stopped",
            Self::Synced => "synced",
            Self::Offline => "offline",
            Self::Online => "online",
            Self::DirectoryRefused => "directory-refused",
            Self::LockedOut => "locked-out",
            Self::CloneSuspected => "clone-suspected",
            Self::RecordsLost => "records-lost",
            Self::StateSetAside => "state-set-aside",
            Self::Joined => "joined",
            Self::Enrolled => "enrolled",
            Self::ClockWrong => "clock-wrong",
            Self::KeyChanged => "key-changed",
            Self::DeviceSuspected => "device-suspected",
            Self::WayIn => "way-in",
            Self::SessionStarted => "session-started",
            Self::SessionLocked => "session-locked",
            Self::SessionUnlocked => "session-unlocked",
            Self::SessionPersonChanged => "session-person-changed",
            Self::SessionEnded => "session-ended",
            Self::SessionNotLocked => "session-not-locked",
            Self::MarksNotRaised => "marks-not-raised",
            Self::PinChange => "pin-change",
            Self::PassLogin => "pass-login",
            Self::PassWrong => "pass-wrong",
            Self::PassVoid => "pass-void",
            Self::PassEnded => "pass-ended",
            Self::Vouched => "vouched",
            Self::LoanBegun => "loan-begun",
            Self::LoanEnded => "loan-ended",
            Self::LogContradicted => "log-contradicted",
            Self::BreakGlassLogin => "break-glass-login",
            Self::BreakGlassWrong => "break-glass-wrong",
            Self::BreakGlassVoid => "break-glass-void",
        }
    }

    /// Whether a success of it means that somebody was let in.
    pub const fn is_login(self) -> bool {
        matches!(self, Self::Login | Self::PassLogin | Self::BreakGlassLogin)
    }

    /// The stable number of the event in records (`code=WE-01`).
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The stable number as records have it: `WE-01`.
    pub fn code(self) -> String {
        format!("WE-{:02}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_that_can_be_read_is_among_all_and_has_a_word_of_its_own() {
        let read = (0..=u8::MAX).filter_map(|number| match number {
            0..24 => minicbor::decode::<EventName>(&[number]).ok(),
            _ => minicbor::decode::<EventName>(&[0x18, number]).ok(),
        });
        assert_eq!(read.collect::<Vec<_>>(), EventName::ALL);
        for name in EventName::ALL {
            assert_eq!(EventName::of_word(name.as_str()), Some(name));
        }
        assert_eq!(EventName::of_word("logins"), None);
    }
}
