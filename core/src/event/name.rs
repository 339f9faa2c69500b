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
    /// The clock is behind the greatest signed time.
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
}

impl EventName {
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
            Self::MarksNotRaised => "marks-not-raised",
        }
    }

    /// The stable number of the event in records (`code=WE-01`).
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }
}
