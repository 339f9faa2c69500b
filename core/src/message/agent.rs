//! What the module and the command line say to the agent, and its answers.

mod enrollment;
mod login;
mod terminal;

use minicbor::{Decode, Encode};

use crate::codec::List;
use crate::id::{EventId, Hash, Nonce};
use crate::message::session::{MAX_SESSIONS, SessionInfo, SessionOpen};
use crate::name::LoginName;
use crate::proof::identification::SilentAssertion;
use crate::server_time::SignedTime;

pub use enrollment::{EnrollBegin, EnrollFinish, Enrolled, Enrollment};
pub use login::{
    Begin, CANDIDATES_PER_PAGE, Candidate, CandidatePage, Candidates, Failure, Finger, Grant,
    Locked, LoginOutcome, LoginResult, MAX_SOUGHT, MAX_SUSPECTS, PassTry, Refusal, Suspect,
};
pub use terminal::{
    DestinationStatus, Join, Joined, LogStatus, PEOPLE_PER_PAGE, People, PeoplePage, ScopeStatus,
    Status, WayIn,
};

/// A request; one connection carries one login, or any number of the others.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Request {
    /// A login begins. Answers: [`Reply::Wait`] any number of times, then [`Reply::Granted`] or
    /// [`Reply::Refused`]. After `Granted` the agent may still send `Wait` while no PIN was sent:
    /// the key goes to another login; the module lets go of it and waits for `Granted` again.
    #[n(0)]
    Begin(#[n(0)] Begin),
    /// Evidence for the person whose key was found (shared accounts). Answer: [`Reply::Granted`] or
    /// `Refused`.
    #[n(1)]
    Prove(#[n(0)] LoginName),
    /// The key is about to get a PIN: from here on the login keeps the key. Answer: [`Reply::Held`]
    /// or `Wait`.
    #[n(2)]
    Hold,
    /// How the login ended. Answer: [`Reply::Recorded`] or [`Reply::Refused`]. May be sent again,
    /// also on a new connection: the event of an assertion is recorded once.
    #[n(3)]
    Outcome(#[n(0)] Box<LoginOutcome>),
    /// The account phase without a login of the same handle. Answer: [`Reply::Granted`] or
    /// `Refused`.
    #[n(4)]
    Account(#[n(0)] Begin),
    /// State of the agent. Answer: [`Reply::Status`].
    #[n(5)]
    Status,
    /// Synchronise now (root). Answer: [`Reply::Synced`] or `Refused`.
    #[n(6)]
    Sync,
    /// Join a deployment (root). Answer: [`Reply::Joined`] or `Refused`.
    #[n(7)]
    Join(#[n(0)] Join),
    /// Begin to enroll a key with a one-time code. Answer: [`Reply::Enrollment`] or `Refused`.
    #[n(8)]
    EnrollBegin(#[n(0)] EnrollBegin),
    /// The registration that the key made. Answer: [`Reply::Enrolled`] or `Refused`.
    #[n(9)]
    EnrollFinish(#[n(0)] EnrollFinish),
    /// A page of the names of the directory's people (root). Answer: [`Reply::People`] or
    /// `Refused`.
    #[n(20)]
    People(#[n(0)] PeoplePage),
    /// A way in without a key has opened on this machine (root). Answer: [`Reply::Recorded`] or
    /// `Refused`.
    #[n(21)]
    WayIn(#[n(0)] WayIn),
    /// The next page of who may use the shared account of this login, from [`Grant::more`] or
    /// [`Candidates::more`]. Answer: [`Reply::Candidates`], `Wait` or `Refused`.
    #[n(22)]
    Candidates(#[n(0)] CandidatePage),
    /// The server's time, signed over this challenge. Answer: [`Reply::Time`] or `Refused`.
    #[n(23)]
    Time(#[n(0)] Nonce),
    /// A session begins (root). Answer: [`Reply::Recorded`] or `Refused`.
    #[n(24)]
    SessionOpen(#[n(0)] Box<SessionOpen>),
    /// The session that the caller's process opened for this account ends (root). Answer:
    /// [`Reply::Recorded`] or `Refused`.
    #[n(25)]
    SessionClose(#[n(0)] LoginName),
    /// Who is signed in here: root is told of all sessions, everybody else of their own. Answer:
    /// [`Reply::Sessions`].
    #[n(26)]
    Who,
    /// What a login of this person would be shown (root). No login begins, and nothing is recorded.
    /// Answer: [`Reply::Granted`] or `Refused`.
    #[n(27)]
    Preview(#[n(0)] LoginName),
    /// The active keys of these people, by the SHA-256 of their login names, in this order, in a
    /// login that names no account (root). Answer: [`Reply::Candidates`] without a next page: as
    /// many of them as it holds; `Wait` or `Refused`.
    #[n(40)]
    KeysOf(#[n(0)] List<Hash, MAX_SOUGHT>),
    /// This person's key is about to be asked for another PIN, in a login that
    /// [changes one](Begin::changes_pin) and holds the key (root). When nothing is heard of the
    /// outcome, that it was tried is recorded. Answer: [`Reply::Held`], `Wait` or `Refused`.
    #[n(50)]
    PinChange {
        /// Whose key it is.
        #[n(0)]
        person: LoginName,
        /// What proves it.
        #[n(1)]
        proof: Box<SilentAssertion>,
    },
}

/// The agent's answers.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Reply {
    /// Another login at this terminal has the key.
    #[n(0)]
    Wait,
    /// Go on: what the agent knows, all of it to be checked.
    #[n(1)]
    Granted(#[n(0)] Box<Grant>),
    /// The key is this login's until its outcome.
    #[n(2)]
    Held,
    /// Refused.
    #[n(3)]
    Refused(#[n(0)] Refusal),
    /// The outcome is recorded: durably, unless the second field is true. Then the disk takes
    /// nothing, and record, counters and lock-out are in memory only. Older modules pass over it.
    #[n(4)]
    Recorded(#[n(0)] EventId, #[n(1)] Option<bool>),
    /// State of the agent.
    #[n(5)]
    Status(#[n(0)] Box<Status>),
    /// Synchronised.
    #[n(6)]
    Synced(#[n(0)] List<ScopeStatus, 8>),
    /// Joined: what the command line checks against the token before it writes the trust anchor.
    #[n(7)]
    Joined(#[n(0)] Box<Joined>),
    /// What the key is asked to make.
    #[n(8)]
    Enrollment(#[n(0)] Box<Enrollment>),
    /// The key is enrolled.
    #[n(9)]
    Enrolled(#[n(0)] Enrolled),
    /// Names of the directory's people.
    #[n(20)]
    People(#[n(0)] Box<People>),
    /// A page of who may use a shared account.
    #[n(21)]
    Candidates(#[n(0)] Box<Candidates>),
    /// The server's time, signed ([`crate::server_time::ServerTime`]).
    #[n(22)]
    Time(#[n(0)] SignedTime),
    /// Who is signed in here.
    #[n(23)]
    Sessions(#[n(0)] List<SessionInfo, MAX_SESSIONS>),
}
