//! A login, from the first connection to the recorded outcome.
//!
//! ```text
//!   establish: key and agent connected, evidence judged                    (again after Wait, a
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
mod judge;
mod notice;
mod outcome;
mod question;
mod replies;
mod server_time;
mod sign;

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

use crate::refusal::Refusal;
use crate::world::World;

/// Messages that may come between a question and its answer.
const MAX_MESSAGES: usize = 256;

/// What a login is about, as the application states it.
#[derive(Clone, Debug)]
pub struct Login {
    /// The account; `None` when what was typed cannot be a login name.
    pub account: Option<LoginName>,
    /// Why there is no such account here; it is refused in the end, with the same words as a wrong key.
    pub nobody: Option<&'static str>,
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
            account: self.account.clone(),
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
    told_wait: bool,
    told_insert: bool,
    told_unregistered: bool,
    told_searching: bool,
    /// Times that it was begun to connect and identify.
    rounds: usize,
    /// When waiting for key or agent ends.
    until: Deadline,
    /// The server's time, where the clock made the directory look old.
    time: Option<Attested>,
    /// Who it is, since a key proved it.
    person: Option<LoginName>,
    /// By this.
    proof: Option<SilentAssertion>,
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
        told_wait: false,
        told_insert: false,
        told_unregistered: false,
        told_searching: false,
        rounds: 0,
        until,
        time: None,
        person: None,
        proof: None,
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
        let mut standing = self.establish(None)?;
        self.recognise(&standing.person, &standing.proven);
        standing.permitted(self.login)?;
        let pin = self.ask(&standing)?;
        // The person was there just now: what is waited for from here on is the agent and a restart.
        self.until = Deadline::after(self.world.settings.key_wait);
        self.told_wait = false;
        while !(self.is_fresh(&standing)? && self.hold()?) {
            standing = self.establish(Some(standing.proven.credential()))?;
            self.recognise(&standing.person, &standing.proven);
            standing.permitted(self.login)?;
        }
        let signed = self.sign(&standing, pin)?;
        self.record(&standing.person, signed)
    }

    fn inform(&mut self, code: Code) {
        let text = texts::message(code, self.language, &[]);
        self.world.talk.info(&text);
    }
}
