//! Vouches that are kept at this terminal: found again, and ended.

use wardkey_core::code::{Code, Notice};
use wardkey_core::name::LoginName;
use wardkey_core::pass::Pass;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::texts;
use wardkey_core::vouch::Vouch;
use wardkey_core::vouch_book::KeptVouch;
use wardkey_ipc::Channel;

use super::agent::Interrupted;
use super::attempt::{Attempt, ProvenKey};
use super::search::NO_NAME;
use super::verified_person::{VerifiedPerson, time_by_marks};
use crate::refusal::Refusal;

/// A vouch that is kept for somebody, and who vouched, as the directory has them now.
pub struct Vouched {
    /// Its code is judged like a pass's.
    pub pass: Pass,
    /// What the colleague's key signed.
    pub assertion: Assertion,
    pub voucher: Box<VerifiedPerson>,
}

impl Attempt<'_, '_> {
    /// Looks whether anything could come of a colleague's word here now, before anybody is asked
    /// for anything. What has to do with a name is not looked at: that there were too many words
    /// for somebody is told to a colleague who has signed, and to nobody else.
    ///
    /// # Errors
    /// The file cannot be written, or has no room; or wrong codes were typed here.
    pub(super) fn can_keep_vouches(&self) -> Result<(), Refusal> {
        let now = time_by_marks(&self.world, self.time.as_ref())?;
        let mut has_room = false;
        self.world.machine.rewrite_vouches(&mut |book| has_room = book.has_room(now))?;
        if !has_room {
            return Err(no_room());
        }
        self.no_pause(now)
    }

    /// What is kept for a person. The agent is asked for somebody in any case, so that nothing
    /// shows of who was vouched for.
    pub(super) fn vouched_for(
        &mut self,
        agent: &mut Channel,
        person: &LoginName,
    ) -> Result<Option<Vouched>, Interrupted> {
        let book = self.world.machine.vouches()?;
        let kept = book.of(person).map(|(kept, vouch)| (kept.clone(), vouch));
        let name = match &kept {
            Some((_, vouch)) => vouch.voucher.clone(),
            None => LoginName::new(NO_NAME).map_err(|error| Refusal::new(Code::Internal, error))?,
        };
        let voucher = self.prove(agent, &name)?;
        Ok(kept.map(|(KeptVouch { assertion, salt }, vouch)| Vouched {
            pass: vouch.as_pass(salt),
            assertion,
            voucher,
        }))
    }

    /// Keeps what a colleague has vouched for.
    ///
    /// # Errors
    /// It cannot be kept; or others vouched meanwhile, and it would be too often.
    pub(super) fn keep_vouch(
        &self,
        kept: &KeptVouch,
        vouch: &Vouch,
        per_month: usize,
    ) -> Result<(), Refusal> {
        let mut done = Err(too_often());
        self.world.machine.keep_vouches(&mut |book| {
            if book.count(&vouch.person, vouch.from) < per_month {
                let is_kept = book.add(kept.clone(), vouch.from);
                done = if is_kept { Ok(()) } else { Err(no_room()) };
            }
        })?;
        done
    }

    /// The first login by a vouch has failed, with the colleague standing there: nobody is to use
    /// it later, when nobody does.
    pub(super) fn take_back(&mut self, vouch: &Vouch) {
        let taken = self.world.machine.keep_vouches(&mut |book| book.take_back(vouch));
        if let Err(error) = taken {
            self.tell_not_ended(None, &error);
        }
    }

    /// The key is back: from here on nobody's word lets the person in at this terminal. Who is told
    /// of it would hear, too, of a word that was never asked for. The login stands; that a word
    /// could not be ended is an event of its own.
    pub(super) fn end_vouch(&mut self, person: &VerifiedPerson, proven: Option<&ProvenKey>) {
        if !self.world.machine.may_write() {
            return;
        }
        match self.vouch_ended(person) {
            Ok(vouchers) => {
                for voucher in vouchers {
                    let args = [("voucher", voucher.as_str())];
                    let text = texts::message(Notice::VouchEnded, self.speaker.language, &args);
                    self.world.talk.info(&text);
                }
            }
            Err(error) => self.tell_not_ended(proven, &error),
        }
    }

    fn tell_not_ended(&mut self, proven: Option<&ProvenKey>, error: &Refusal) {
        let code = Code::VouchNotEnded;
        self.world.journal.error(&format!("{code}: a vouch was not ended: {}", error.detail));
        self.tell_apart(proven, code, &error.detail);
    }

    /// Everybody who vouched and of whom the person has not been told, and is now: an application
    /// that shows no notices (sudo) tells nobody.
    fn vouch_ended(&self, person: &VerifiedPerson) -> Result<Vec<LoginName>, Refusal> {
        let name = person.snapshot.login();
        let now = person.now(&self.world)?;
        let is_shown = !self.world.talk.silent();
        let book = self.world.machine.vouches()?;
        let has_to_tell = is_shown && !book.untold(name).is_empty();
        if !has_to_tell && !book.has_to_end(name, now) {
            return Ok(Vec::new());
        }
        let mut untold = Vec::new();
        self.world.machine.keep_vouches(&mut |book| {
            book.end(name, now);
            if is_shown {
                untold = book.untold(name);
                book.tell(name);
            }
        })?;
        Ok(untold)
    }
}

fn no_room() -> Refusal {
    Refusal::new(Code::VouchNotKept, "no room for one more")
}

/// As often as the policy allows.
pub(super) fn too_often() -> Refusal {
    Refusal::new(Code::VouchTooOften, "vouched for as often as the policy allows in a month")
}
