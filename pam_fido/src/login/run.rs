//! The states of a login, one after the other.

use wardkey_core::code::{Code, Notice};

use super::agent::{Ended, Start};
use super::attempt::Attempt;
use super::request::{Admitted, Login};
use super::speaker::Once;
use super::states::{Answered, Established, Held, Recognised, SignResult};
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
        let mut answered = self.ask(recognised)?;
        loop {
            let Answered { recognised, by } = answered;
            if let Err(refusal) = self.nobody_else_is_named() {
                return Err(Ended { refusal, agent: Some(recognised.agent) });
            }
            let held = self.until_held(recognised)?;
            answered = match self.sign(held, by)? {
                SignResult::Signed(signed) => return self.record(*signed),
                // With a PIN this does not come again.
                SignResult::Unverified(recognised, why) => {
                    self.ask_after_finger(*recognised, why)?
                }
            };
        }
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
    pub(super) fn until_held(&mut self, mut recognised: Recognised) -> Result<Held, Ended> {
        // The person was there just now: what is waited for from here on is the agent and a
        // restart.
        self.patience.wait_again(self.world.settings.key_wait);
        self.speaker.forget(Once::Wait);

        loop {
            let Recognised { mut agent, mut key, recognition } = recognised;
            let start = match self.hold(&mut agent, &mut key, &recognition) {
                Ok(()) => return Ok(Held(Recognised { agent, key, recognition })),
                Err(interrupted) => interrupted.on(agent)?,
            };
            // Who waits does not keep a key process.
            drop(key);
            recognised = match self.establish(start, Some(&recognition))? {
                Established::Key(recognised) => *recognised,
                // Nothing but the key that was recognised is looked for.
                Established::Code(_) => {
                    return Err(Refusal::new(Code::Internal, "asked again").into());
                }
            };
        }
    }
}
