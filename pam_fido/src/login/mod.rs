//! A login, from the first connection to the recorded outcome.
//!
//! ```text
//!   establish: key and agent connected, evidence verified                  (again after Wait, a
//!      │                                                                    hang-up, a long answer)
//!   identify: a key proved whose it is; what did not is passed over
//!      │
//!   question: one, without echo
//!   hold:     the key is this login's
//!   sign:     nonce, PIN to the key process, assertion, decide
//!   outcome:  durably recorded by the agent; marks raised
//! ```
//! The person is asked once, and only for a key that proved itself: before that, no name is shown and no
//! failure counts. Until [`sign`] nothing that was typed leaves this process.

mod account_phase;
mod choose;
mod establish;
mod hold;
mod identify;
mod notice;
mod outcome;
mod question;
mod replies;
mod search;
mod server_time;
mod sign;
mod states;
mod verified_person;

pub use account_phase::check_account;
use wardkey_core::code::Code;
use wardkey_core::id::{EventId, Hash};
use wardkey_core::message::PROTOCOL;
use wardkey_core::message::agent::{Begin, Suspect};
use wardkey_core::name::{Language, LoginName, ServiceName};
use wardkey_core::proof::identification::SilentAssertion;
use wardkey_core::server_time::Attested;
use wardkey_core::texts;
use wardkey_ipc::{Channel, Deadline};

use self::states::{Answered, Held};
use crate::refusal::Refusal;
use crate::typed_name::TypedName;
use crate::world::World;

/// Messages that may come between a question and its answer.
const MAX_MESSAGES: usize = 256;

/// What a login is about, as the application states it.
#[derive(Clone, Debug)]
pub struct Login {
    /// The account that was asked for.
    pub name: TypedName,
    /// PAM service.
    pub service: ServiceName,
    /// PAM_TTY, printable.
    pub tty: Option<String>,
    /// PAM_RHOST, printable.
    pub rhost: Option<String>,
    /// Uid of who started the application.
    pub invoker: Option<u32>,
    /// Whether PAM_RHOST is another machine.
    pub remote: bool,
}

impl Login {
    fn begin(&self) -> Begin {
        Begin {
            protocol: PROTOCOL,
            account: self.name.login_name().cloned(),
            service: self.service.clone(),
            tty: self.tty.clone(),
            rhost: self.rhost.clone(),
            invoker: self.invoker,
            asks_time: Some(true),
        }
    }
}

/// Somebody was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Who.
    pub person: LoginName,
    /// Fingerprint of the credential.
    pub key: Hash,
}

/// What the person has been told: each notice comes once.
#[derive(Default)]
struct Told {
    wait: bool,
    insert: bool,
    unregistered: bool,
    searching: bool,
}

/// What the outcome names: the person of a key, and what proves it.
struct ProvenKey {
    person: LoginName,
    proof: SilentAssertion,
}

/// A login under way.
struct Attempt<'w, 'l> {
    world: World<'w>,
    login: &'l Login,
    id: EventId,
    /// Language of the terminal, then of the person.
    language: Language,
    agent: Option<Channel>,
    key: Option<Channel>,
    /// The agent said Wait on this connection: Granted will follow.
    waiting: bool,
    /// The agent let the login begin, so it wants to know how it ended.
    granted: bool,
    /// Times that the agent was lost.
    lost: u8,
    told: Told,
    /// Times that it was begun to connect and identify.
    rounds: usize,
    /// When waiting for key or agent ends.
    until: Deadline,
    /// The server's time, where the clock made the directory look old.
    time: Option<Attested>,
    /// Whose key it is, since it proved it.
    proven: Option<ProvenKey>,
    /// Devices that proved nothing.
    suspects: Vec<Suspect>,
}

/// Logs somebody in.
///
/// # Errors
/// The [`Refusal`], which the person was told and the agent records.
pub fn authenticate(world: World<'_>, login: &Login) -> Result<Admitted, Refusal> {
    let until = Deadline::after(world.settings.key_wait);
    let language = world.settings.language;
    let mut id = [0; EventId::LEN];
    if let Err(refusal) = world.machine.random(&mut id) {
        world.talk.error(&refusal.text(language));
        return Err(refusal);
    }
    let mut attempt = Attempt {
        world,
        login,
        id: EventId::new(id),
        language,
        agent: None,
        key: None,
        waiting: false,
        granted: false,
        lost: 0,
        told: Told::default(),
        rounds: 0,
        until,
        time: None,
        proven: None,
        suspects: Vec::new(),
    };
    let result = attempt.run();
    // Whatever came of it, the key is free for others at once.
    attempt.key = None;
    result.inspect_err(|refusal| {
        attempt.report_failure(refusal);
        attempt.world.talk.error(&refusal.text(attempt.language));
    })
}

impl Attempt<'_, '_> {
    fn run(&mut self) -> Result<Admitted, Refusal> {
        let recognised = self.establish(None)?;
        let answered = self.ask(recognised)?;
        let held = self.until_held(answered)?;
        let signed = self.sign(held)?;
        self.record(signed)
    }

    /// Establishes again until nothing has changed since the answer, and the key is this login's.
    fn until_held(&mut self, mut answered: Answered) -> Result<Held, Refusal> {
        // The person was there just now: what is waited for from here on is the agent and a restart.
        self.until = Deadline::after(self.world.settings.key_wait);
        self.told.wait = false;

        while !(self.is_unchanged(&answered.recognised)? && self.hold()?) {
            answered.recognised = self.establish(Some(&answered.recognised))?;
        }
        Ok(Held(answered))
    }

    fn inform(&mut self, code: Code) {
        let text = texts::message(code, self.language, &[]);
        self.world.talk.info(&text);
    }
}
