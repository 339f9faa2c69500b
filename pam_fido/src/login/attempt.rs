//! A login under way: what holds in each of its states. Connections, and what is true only once
//! something has happened, belong to the states.

use wardkey_core::code::AnyCode;
use wardkey_core::id::EventId;
use wardkey_core::message::agent::{PassTry, Suspect};
use wardkey_core::name::{Language, LoginName};
use wardkey_core::proof::identification::{Proven, SilentAssertion};
use wardkey_core::server_time::Attested;
use wardkey_core::texts;
use wardkey_ipc::Deadline;

use super::request::Login;
use super::verified_person::VerifiedPerson;
use crate::refusal::Refusal;
use crate::world::World;

/// Messages that may come between a question and its answer.
pub const MAX_MESSAGES: usize = 256;

/// What the person has been told: each notice comes once.
#[derive(Default)]
pub struct Told {
    pub wait: bool,
    pub insert: bool,
    pub unregistered: bool,
    pub searching: bool,
    pub code: bool,
}

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
}

/// A login under way.
pub struct Attempt<'w, 'l> {
    pub world: World<'w>,
    pub login: &'l Login,
    pub id: EventId,
    /// Language of the terminal, then of the person.
    pub language: Language,
    /// Times that the agent was lost.
    pub lost: u8,
    pub told: Told,
    /// Times that it was begun to connect and identify.
    pub rounds: usize,
    /// When waiting for key or agent ends.
    pub until: Deadline,
    /// When all of it ends, however the others answer; where nothing is asked of a person.
    pub whole: Option<Deadline>,
    /// The server's time, where the clock made the directory look old.
    pub time: Option<Attested>,
    pub record: Record,
    /// Whether somebody without a key may type a code here.
    pub takes_codes: bool,
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
            language: world.settings.language,
            lost: 0,
            told: Told::default(),
            rounds: 0,
            until: Deadline::after(world.settings.key_wait),
            whole: None,
            time: None,
            record: Record::default(),
            takes_codes: false,
            world,
        })
    }

    /// Until when an answer is waited for, of a part that needs no person.
    pub fn answer(&self) -> Deadline {
        self.within(Deadline::after(self.world.timeouts.answer))
    }

    /// The same wait, within the bound on the whole.
    pub fn within(&self, deadline: Deadline) -> Deadline {
        self.whole.map_or(deadline, |whole| deadline.min(whole))
    }

    /// Tells the person something.
    pub fn inform(&mut self, code: impl Into<AnyCode>) {
        let text = texts::message(code, self.language, &[]);
        self.world.talk.info(&text);
    }

    /// Says what passes by itself.
    pub fn aside(&mut self, notice: impl Into<AnyCode>) {
        let text = texts::message(notice, self.language, &[]);
        self.world.talk.aside(&text);
    }
}
