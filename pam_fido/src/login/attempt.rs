//! A login under way: what holds in each of its states. Connections, and what is true only once
//! something has happened, belong to the states.

use wardkey_core::id::EventId;
use wardkey_core::message::agent::{Finger, PassTry, Suspect};
use wardkey_core::name::LoginName;
use wardkey_core::proof::identification::{Proven, SilentAssertion};
use wardkey_core::server_time::Attested;

use super::chosen_pin::ChosenPin;
use super::patience::Patience;
use super::request::Login;
use super::speaker::Speaker;
use super::verified_person::VerifiedPerson;
use crate::refusal::Refusal;
use crate::world::World;

/// Messages that may come between a question and its answer.
pub const MAX_MESSAGES: usize = 256;

/// The person of a key, and what proves it.
#[derive(Clone)]
pub struct ProvenKey {
    pub person: LoginName,
    pub proof: SilentAssertion,
}

impl ProvenKey {
    /// Whose key it is.
    pub fn of(person: &VerifiedPerson, proven: &Proven) -> Self {
        Self { person: person.snapshot.login().clone(), proof: proven.silent().clone() }
    }
}

/// What a failure names, however far the login had come.
#[derive(Default)]
pub struct Record {
    /// The agent let the login begin, so it wants to know how it ended.
    pub granted: bool,
    /// The last key that proved whose it is.
    pub proven: Option<ProvenKey>,
    /// Devices that proved nothing.
    pub suspects: Vec<Suspect>,
    /// The pass whose code was tried.
    pub pass: Option<PassTry>,
    /// What came of fingers on the sensor of the key.
    pub finger: Finger,
    /// Whether the code that was typed is of the shape of a sealed one.
    pub sealed: bool,
}

/// A login under way.
pub struct Attempt<'w, 'l> {
    pub world: World<'w>,
    pub login: &'l Login,
    pub id: EventId,
    pub speaker: Speaker,
    pub patience: Patience,
    /// The server's time, where the clock made the directory look old.
    pub time: Option<Attested>,
    pub record: Record,
    /// Whether somebody without a key may type a code here.
    pub takes_codes: bool,
    /// A PIN that its person has just chosen: the key that has it is not asked about.
    pub chosen: Option<ChosenPin>,
    /// Whether a colleague may vouch for somebody here; then codes are taken.
    pub takes_vouches: bool,
    /// Whether a sealed code (break-glass) is taken here; then codes are.
    pub breaks_glass: bool,
}

impl<'w, 'l> Attempt<'w, 'l> {
    /// Nothing has happened yet.
    ///
    /// # Errors
    /// No randomness.
    pub fn new(world: World<'w>, login: &'l Login) -> Result<Self, Refusal> {
        let mut id = [0; EventId::LEN];
        if let Err(refusal) = world.machine.random(&mut id) {
            world.talk.error(&refusal.text(world.settings.language));
            return Err(refusal);
        }
        Ok(Self {
            login,
            id: EventId::new(id),
            speaker: Speaker::new(world.settings.language),
            patience: Patience::new(&world),
            time: None,
            record: Record::default(),
            takes_codes: false,
            chosen: None,
            takes_vouches: false,
            breaks_glass: false,
            world,
        })
    }
}
