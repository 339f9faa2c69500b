//! Somebody without a key has a colleague vouch, and logs in by a code of their own.
//!
//! ```text
//!   0 ─ can anything be kept? ─ code, twice ─ key process: Argon2id, public key
//!     ─ another key process: signs by the code ─ reason ─ who vouches
//!     ─ vouch: the colleague's key, the person's name, PIN, touch ─ recorded ─ kept
//!     ─ by_code, as later each time; when this fails, kept no longer
//! ```
//! All of it is the same for a name that nobody has: only a colleague who has shown PIN and touch
//! is told that nobody is let in.

use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_core::codec::{self, Bytes};
use wardkey_core::id::{PassId, Salt, SigningPublicKey};
use wardkey_core::message::key::{HashCode, SignByCode};
use wardkey_core::name::{DisplayText, LoginName, printable};
use wardkey_core::pass::{HASH, PassCode};
use wardkey_core::proof::SignedByCode;
use wardkey_core::texts;
use wardkey_core::vouch_book::KeptVouch;
use wardkey_ipc::Deadline;
use zeroize::Zeroizing;

use super::agent::{Ended, unexpected};
use super::attempt::Attempt;
use super::offer::no_answer;
use super::replies::KeyReply;
use super::request::{Admitted, Login};
use super::requests::KeyRequest;
use super::search::NO_NAME;
use super::vouch::{Wanted, hours_of};
use crate::refusal::Refusal;
use crate::talk::Answer;
use crate::typed_name::TypedName;

/// Longest reason in characters: four bytes each fit a display text.
const REASON: usize = 32;

impl Attempt<'_, '_> {
    /// Has a colleague vouch for whoever is named, and lets them in by the code chosen now.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn by_colleague(
        &mut self,
        named: Option<LoginName>,
        shared: bool,
    ) -> Result<Admitted, Ended> {
        self.can_keep_vouches()?;
        let code = self.choose_code()?;
        // Before anybody is asked for more: a key process of before does not know it.
        let (salt, key) = self.key_of(code.clone())?;
        self.is_key_of(&key, code.clone(), salt)?;
        let reason = self.ask_reason(&code)?;
        let voucher = self.ask_voucher(&code)?;

        let wanted = self.wanted(named.clone(), shared, reason, key)?;
        let login = Login {
            name: TypedName::of(&voucher, None),
            by_key: false,
            vouches_for: Some(wanted.person.clone()),
            ..self.login.clone()
        };
        let language = self.speaker.language;
        let mut colleague = Attempt::new(self.world.within(), &login)?;
        colleague.speaker.language = language;
        let signed = colleague.vouch(&wanted).map_err(|ended| colleague.report(ended));
        // Recorded already, as the colleague's.
        let signed = signed.inspect_err(|_| self.record.granted = false)?;

        let kept = KeptVouch { assertion: signed.assertion, salt };
        self.keep_vouch(&kept, &signed.vouch, signed.per_month)?;
        self.patience.wait_again(self.world.settings.key_wait);
        let admitted = self.by_code(code, named.as_ref());
        let admitted = admitted.inspect_err(|_| self.take_back(&signed.vouch))?;

        let hours = hours_of(&signed.vouch);
        let args = [("person", signed.vouch.person.as_str()), ("hours", &*hours)];
        self.world.talk.info(&texts::message(Notice::Vouched, language, &args));
        Ok(admitted)
    }

    /// A code that the person chooses, typed twice.
    fn choose_code(&mut self) -> Result<PassCode, Refusal> {
        let typed = self.typed_answer(Prompt::VouchCodePrompt)?;
        let code = PassCode::read_chosen(&typed)
            .ok_or_else(|| Refusal::new(Code::VouchCodeLength, "not six to nine digits"))?;
        if code.is_easy() {
            return Err(Refusal::new(Code::VouchCodeEasy, "one that others would try first"));
        }
        let again = self.typed_answer(Prompt::VouchCodeAgain)?;
        if PassCode::read_chosen(&again).as_ref() != Some(&code) {
            return Err(Refusal::new(Code::VouchCodesDiffer, "two codes were typed"));
        }
        Ok(code)
    }

    /// The reason is signed, and recorded where many read it: what was typed one question too late,
    /// or in the wrong one, does not get there.
    fn ask_reason(&mut self, code: &PassCode) -> Result<Option<DisplayText>, Refusal> {
        let typed = self.typed_answer(Prompt::VouchReasonPrompt)?;
        if code.stands_in(&typed) || PassCode::read_chosen(&typed).is_some() {
            return Err(Refusal::new(Code::VouchNotText, "digits in the place of a reason"));
        }
        Ok(DisplayText::new(printable(typed.trim(), REASON)).ok())
    }

    /// A name goes to the agent.
    fn ask_voucher(&mut self, code: &PassCode) -> Result<Zeroizing<String>, Refusal> {
        let typed = self.typed_answer(Prompt::VoucherPrompt)?;
        if code.stands_in(&typed) {
            return Err(Refusal::new(Code::VouchNotText, "the code in the place of a name"));
        }
        Ok(Zeroizing::new(typed.trim().to_owned()))
    }

    fn typed_answer(&mut self, prompt: Prompt) -> Result<Zeroizing<String>, Refusal> {
        match self.ask_in_time(prompt)? {
            Answer::Typed(typed) => Ok(typed),
            Answer::NotText | Answer::NotUnderstood => {
                Err(Refusal::new(Code::PassNotACode, "not UTF-8"))
            }
            Answer::None => Err(no_answer()),
        }
    }

    /// A salt that nobody but root gets to know, and the public key of a code with it.
    fn key_of(&mut self, code: PassCode) -> Result<(Salt, SigningPublicKey), Refusal> {
        let mut salt = [0; Salt::LEN];
        self.world.machine.random(&mut salt)?;
        let salt = Salt::new(salt);
        let mut key = self.world.sockets.key(true).map_err(|error| Refusal::key(&error))?;
        let request = KeyRequest::HashCode(HashCode { code, salt, hash: HASH });
        let timeouts = &self.world.timeouts;
        let sent = key.send(&request, Deadline::after(timeouts.answer));
        // Wipes the code, whether it left or not.
        drop(request);
        sent.map_err(|error| Refusal::key(&error))?;
        match key.receive(Deadline::after(timeouts.answer + timeouts.signature_grace)) {
            Ok(KeyReply::KeyOfCode(public)) => Ok((salt, public)),
            Ok(KeyReply::Failed(failure)) => Err(failure.into()),
            Ok(_) => Err(unexpected("key process")),
            Err(error) => Err(Refusal::key(&error)),
        }
    }

    /// Whether a public key is the one of code and salt. A key process that was taken over could
    /// say another one, and the colleague would sign it: so another one, which knows nothing of
    /// what was said, has to sign by it. What is signed is no login.
    fn is_key_of(
        &mut self,
        key: &SigningPublicKey,
        code: PassCode,
        salt: Salt,
    ) -> Result<(), Refusal> {
        let client_data = Bytes::new(codec::to_bytes(&self.challenge()?))
            .map_err(|error| Refusal::new(Code::Internal, error))?;
        // Each connection is another process.
        let process = self.world.sockets.key(true).map_err(|error| Refusal::key(&error))?;
        let request = SignByCode { code, salt, hash: HASH, client_data: client_data.clone() };
        let signature = self.signed_by_code(process, request)?;

        let id = PassId::new([0; PassId::LEN]);
        let signed = SignedByCode { pass: id, client_data, signature };
        signed.verify_with(&id, key).map_err(|_| {
            Refusal::new(Code::ProtocolError, "the key process gave a public key of something else")
        })
    }

    /// For whom a colleague is to vouch: at a shared account for whoever was named, else for the
    /// person of the account. Of a name that cannot be one, for nobody.
    fn wanted(
        &self,
        named: Option<LoginName>,
        shared: bool,
        reason: Option<DisplayText>,
        key: SigningPublicKey,
    ) -> Result<Wanted, Refusal> {
        let account = self.login.name.login_name().cloned();
        let has_account = self.login.name.why_no_account().is_none();
        let person = if shared { named } else { account.clone() };
        let nobody =
            || LoginName::new(NO_NAME).map_err(|error| Refusal::new(Code::Internal, error));
        Ok(Wanted {
            exists: person.is_some() && account.is_some() && has_account,
            person: person.map_or_else(nobody, Ok)?,
            account: account.map_or_else(nobody, Ok)?,
            reason,
            key,
        })
    }
}
