//! The states of a login, one after the other.

use wardkey_core::code::{Code, Notice};

use super::agent::{Ended, Start};
use super::attempt::Attempt;
use super::request::{Admitted, Login};
use super::speaker::Once;
use super::states::{Answered, Established, Held, Recognised, Recognition};
use super::typed_code::{Typed, TypedCode};
use crate::refusal::Refusal;
use crate::world::World;

/// Logs somebody in.
///
/// # Errors
/// The [`Refusal`], which the person was told and the agent records.
pub fn authenticate(world: World<'_>, login: &Login) -> Result<Admitted, Refusal> {
    let mut attempt = Attempt::new(world, login)?;
    // Whatever comes of it, the key is free for others before it is recorded.
    match attempt.run() {
        Ok(admitted) => Ok(admitted),
        Err(ended) if attempt.can_change_first(&ended.refusal) => {
            attempt.report(ended);
            attempt.speaker.inform(attempt.world.talk, Notice::PinChangeFirst);
            with_another_pin(attempt.world, login)
        }
        Err(ended) => Err(attempt.refuse(ended)),
    }
}

/// Changes the PIN, and logs in with the new one. The two follow each other, each with its own
/// evidence, proof and record; they share nothing but what was typed, for the key that has it now.
fn with_another_pin(world: World<'_>, login: &Login) -> Result<Admitted, Refusal> {
    let change = Login { changes_pin: true, ..login.clone() };
    let mut attempt = Attempt::new(world, &change)?;
    let chosen = attempt.change_pin().map_err(|ended| attempt.refuse(ended))?;

    let mut attempt = Attempt::new(attempt.world, login)?;
    attempt.chosen = Some(chosen);
    attempt.run().map_err(|ended| attempt.refuse(ended))
}

impl Attempt<'_, '_> {
    fn run(&mut self) -> Result<Admitted, Ended> {
        let recognised = match self.establish(Start::Anew, None)? {
            Established::Key(recognised) => *recognised,
            Established::Code(typed) => return self.without_key(typed),
        };
        let Answered { recognised, by } = self.ask(recognised)?;
        if let Err(refusal) = self.nobody_else_is_named() {
            return Err(Ended { refusal, agent: Some(recognised.agent) });
        }
        let held = self.until_held(recognised)?;
        let signed = self.sign(held, by)?;
        self.record(signed)
    }

    /// Whether the person may change the PIN of the key here, without which it lets nobody in: a
    /// key that proves whose it is all the same. The key process changes it for root only, where a
    /// greeter has pages none asks for it, and sudo shows no notices. Of a colleague's key that was
    /// to vouch this is no question: that is on record already.
    fn can_change_first(&self, refusal: &Refusal) -> bool {
        refusal.code == Code::PinMustChange
            && self.record.granted
            && self.record.proven.is_some()
            && self.world.machine.may_write()
            && !self.world.talk.has_pages()
            // Nothing that goes wrong could be told.
            && !self.world.talk.silent()
    }

    fn without_key(&mut self, typed: TypedCode) -> Result<Admitted, Ended> {
        let TypedCode { what, person, shared } = typed;
        match what {
            Typed::Code(code) => self.by_code(code, person.as_ref()),
            Typed::Colleague => self.by_colleague(person, shared),
        }
    }

    /// A name that a key said is this login's as long as the application says none.
    pub(super) fn nobody_else_is_named(&self) -> Result<(), Refusal> {
        if self.login.by_key && self.world.talk.is_named() {
            return Err(Refusal::named_meanwhile());
        }
        Ok(())
    }

    /// Has a refusal recorded, and told.
    pub(super) fn refuse(&mut self, ended: Ended) -> Refusal {
        let refusal = self.report(ended);
        self.world.talk.error(&refusal.text(self.speaker.language));
        refusal
    }

    /// Establishes again until nothing has changed since the answer, and the key is this login's.
    pub(super) fn until_held(&mut self, recognised: Recognised) -> Result<Held, Ended> {
        self.was_answered();
        self.hold_or_look_again(recognised)
    }

    /// The same, where neither agent nor key process was kept while the question stood.
    pub(super) fn until_held_anew(&mut self, recognition: &Recognition) -> Result<Held, Ended> {
        self.was_answered();
        let recognised = self.recognised_again(Start::Anew, recognition)?;
        self.hold_or_look_again(recognised)
    }

    /// The person was there just now: what is waited for from here on is the agent and a restart.
    fn was_answered(&mut self) {
        self.patience.wait_again(self.world.settings.key_wait);
        self.speaker.forget(Once::Wait);
    }

    fn hold_or_look_again(&mut self, mut recognised: Recognised) -> Result<Held, Ended> {
        loop {
            let Recognised { mut agent, mut key, recognition } = recognised;
            let start = match self.hold(&mut agent, &mut key, &recognition) {
                Ok(()) => return Ok(Held(Recognised { agent, key, recognition })),
                Err(interrupted) => interrupted.on(agent)?,
            };
            // Who waits does not keep a key process.
            drop(key);
            recognised = self.recognised_again(start, &recognition)?;
        }
    }

    fn recognised_again(
        &mut self,
        start: Start,
        recognition: &Recognition,
    ) -> Result<Recognised, Ended> {
        match self.establish(start, Some(recognition))? {
            Established::Key(recognised) => Ok(*recognised),
            // Nothing but the key that was recognised is looked for.
            Established::Code(_) => Err(Refusal::new(Code::Internal, "asked again").into()),
        }
    }
}
