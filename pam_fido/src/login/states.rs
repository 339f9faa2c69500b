//! How far a login has come. Each state holds what is true then, and only the one before leads to
//! it.
//!
//! ```text
//!   Recognised ─ ask ─> Answered ─ until_held ─> Held ─ sign ─> Signed ─ record ─> Admitted
//!   a key proved        a PIN, or    nothing has     the key       the agent
//!   whose it is         a finger     changed, the    signed, and   has it on
//!                       is to come   key is ours     that is right record
//!                                       ^             │ the sensor gave up: agent and key process
//!                                       │             v are let go
//!                                       └── anew ─ the PIN
//! ```
//! Without a key: what was typed is signed by the code of a pass, and then the same.

use std::time::{Duration, Instant};

use wardkey_core::decide::Granted;
use wardkey_core::message::agent::LoginResult;
use wardkey_core::message::key::{KeyDetails, Pin};
use wardkey_core::proof::identification::Proven;
use wardkey_ipc::Channel;

use super::attempt::ProvenKey;
use super::request::Login;
use super::typed_code::TypedCode;
use super::verified_person::VerifiedPerson;
use crate::refusal::Refusal;
use crate::world::World;

/// How somebody goes on.
pub enum Established {
    /// With a key.
    Key(Box<Recognised>),
    /// Without one.
    Code(TypedCode),
}

/// What came of looking for a key.
pub enum SearchResult {
    /// The process that has it open.
    Key(Channel, Box<Recognition>),
    /// A code was typed in its place.
    Code(TypedCode),
}

/// A key proved whose it is, and that person may log in.
pub struct Recognised {
    /// Holds the login, and may still give the key to another one.
    pub agent: Channel,
    /// The process that has the key open.
    pub key: Channel,
    pub recognition: Recognition,
}

/// What was recognised; it outlasts the connections by which it was.
pub struct Recognition {
    pub person: Box<VerifiedPerson>,
    pub proven: Proven,
    /// Where the key is that proved itself: no other one gets the PIN.
    pub path: String,
    /// What the key says of itself.
    pub details: Option<KeyDetails>,
    since: Moment,
}

impl Recognition {
    /// # Errors
    /// The person may not log in, or not with this key: no PIN has been asked for, and the reason
    /// is said to nobody but the person, whose key has proved itself. Or the clock cannot be read.
    pub fn new(
        person: Box<VerifiedPerson>,
        proven: Proven,
        path: String,
        details: Option<KeyDetails>,
        world: &World<'_>,
        login: &Login,
    ) -> Result<Self, Refusal> {
        person.may_use(proven.credential(), login, world)?;
        Ok(Self { person, proven, path, details, since: Moment::now(world)? })
    }

    /// Whether it was not long ago.
    ///
    /// # Errors
    /// The clock cannot be read.
    pub fn is_fresh(&self, world: &World<'_>) -> Result<bool, Refusal> {
        Ok(!self.since.is_longer_ago_than(world.timeouts.fresh, world)?)
    }
}

/// A moment by both clocks that cannot be set.
pub struct Moment {
    instant: Instant,
    boottime: u64,
}

impl Moment {
    /// # Errors
    /// The clock cannot be read.
    pub fn now(world: &World<'_>) -> Result<Self, Refusal> {
        Ok(Self { instant: Instant::now(), boottime: world.machine.clock()?.boottime })
    }

    /// Whether more than `limit` has gone by, time in suspend included.
    ///
    /// # Errors
    /// The clock cannot be read.
    pub fn is_longer_ago_than(&self, limit: Duration, world: &World<'_>) -> Result<bool, Refusal> {
        let now = Self::now(world)?;
        // In suspend the first clock stands still, and the second one counts whole seconds.
        let elapsed = now.instant.saturating_duration_since(self.instant);
        let with_suspend = now.boottime.saturating_sub(self.boottime);
        Ok(elapsed > limit || with_suspend > limit.as_secs() + 1)
    }
}

/// How the key is to verify the person.
pub enum Verification {
    /// By this PIN.
    Pin(Pin),
    /// By a finger on its own sensor.
    Finger,
}

/// The person has answered the question, or there was none.
pub struct Answered {
    pub recognised: Recognised,
    pub by: Verification,
}

/// Evidence and key are as they were, and the key is this login's until the outcome.
pub struct Held(pub Recognised);

/// Key or code signed, and the decision is made. The key is free for others while the outcome is
/// recorded.
pub struct Signed {
    pub agent: Channel,
    pub person: Box<VerifiedPerson>,
    /// None without a key.
    pub proven: Option<ProvenKey>,
    pub granted: Granted,
    /// What proves it.
    pub result: LoginResult,
}
