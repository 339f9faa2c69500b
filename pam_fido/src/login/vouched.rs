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
use super::attempt::Attempt;
use super::search::NO_NAME;
use super::verified_person::VerifiedPerson;
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
                let no_room = || Refusal::new(Code::VouchNotKept, "no room for one more");
                let is_kept = book.add(kept.clone(), vouch.from);
                done = if is_kept { Ok(()) } else { Err(no_room()) };
            }
        })?;
        done
    }

    /// The key is back: from here on nobody's word lets the person in at this terminal. Who is told
    /// of it would hear, too, of a word that was never asked for.
    pub(super) fn end_vouch(&mut self, person: &VerifiedPerson) {
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
            Err(error) => {
                let detail = error.detail;
                self.world.journal.error(&format!("the vouch was not ended here: {detail}"));
            }
        }
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

/// As often as the policy allows.
pub(super) fn too_often() -> Refusal {
    Refusal::new(Code::VouchTooOften, "vouched for as often as the policy allows in a month")
}
