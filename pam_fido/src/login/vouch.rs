//! The colleague's part: their key, their PIN, a touch, and what they sign with it.
//!
//! It is a login of the colleague's up to the signature: the same proof of the key before anything
//! is asked, the same tries and lock-outs, the same hold. What is signed is no login, and lets the
//! colleague in nowhere.

use wardkey_core::code::{Code, Notice, Prompt};
use wardkey_core::decide::{Freshness, decide_vouch};
use wardkey_core::id::{Nonce, SigningPublicKey};
use wardkey_core::message::agent::LoginResult;
use wardkey_core::message::key::Pin;
use wardkey_core::name::{DisplayText, LoginName};
use wardkey_core::pass::HASH;
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::vouching::{offered, per_month};
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::texts;
use wardkey_core::vouch::Vouch;
use wardkey_ipc::Channel;

use super::agent::{Ended, Interrupted, Start};
use super::attempt::{Attempt, ProvenKey};
use super::offer::no_answer;
use super::question::few;
use super::states::{Established, Held, Recognised, Recognition, Verification};
use super::verified_person::VerifiedPerson;
use super::vouched::too_often;
use crate::refusal::Refusal;
use crate::talk::Answer;

/// What a colleague is asked to sign.
pub struct Wanted {
    /// For whom.
    pub person: LoginName,
    /// The account that this person wants to use now.
    pub account: LoginName,
    pub reason: Option<DisplayText>,
    /// The public key of the code.
    pub key: SigningPublicKey,
    /// False: there is no such name or account here. It looks the same until the key has signed.
    pub exists: bool,
}

/// What the question said that the colleague answered with the PIN.
struct Told<'a> {
    wanted: &'a Wanted,
    /// For how long.
    seconds: u64,
}

/// What a colleague has signed, verified and on record.
pub struct SignedVouch {
    pub vouch: Vouch,
    pub assertion: Assertion,
    /// How often the person may be vouched for.
    pub per_month: usize,
}

impl Attempt<'_, '_> {
    /// Has the colleague of this login vouch.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn vouch(&mut self, wanted: &Wanted) -> Result<SignedVouch, Ended> {
        let recognised = match self.establish(Start::Anew, None)? {
            Established::Key(recognised) => *recognised,
            // No code is asked for here.
            Established::Code(_) => return Err(Refusal::new(Code::Internal, "a code").into()),
        };
        let seconds = offered(&recognised.recognition.person.snapshot);
        let pin = match self.ask_colleague(&recognised.recognition, wanted, seconds) {
            Ok(pin) => pin,
            Err(refusal) => return Err(Ended { refusal, agent: Some(recognised.agent) }),
        };
        let Held(recognised) = self.until_held(recognised)?;
        let Recognised { mut agent, key, recognition } = recognised;
        let told = Told { wanted, seconds };
        let signed = match self.sign_vouch(&mut agent, key, &recognition, pin, told) {
            Ok(signed) => signed,
            Err(refusal) => return Err(Ended { refusal, agent: Some(agent) }),
        };

        let proven = ProvenKey::of(&recognition.person, &recognition.proven);
        let result = LoginResult::Vouched(signed.assertion.clone());
        let patience = self.world.timeouts.outcome;
        let recorded = self.deliver(Some(agent), Some(&proven), result, patience)?;
        // From here on a refusal is not the agent's to record again.
        self.record.granted = false;
        if recorded != signed.vouch.event_id() {
            let why = "the agent recorded something else";
            return Err(Refusal::new(Code::ProtocolError, why).into());
        }
        Ok(signed)
    }

    /// Who signs must see what: whom they let in, and for how long. The name is typed before the
    /// PIN is asked for: somebody who thinks that it is a login of theirs types the PIN by habit.
    fn ask_colleague(
        &mut self,
        recognition: &Recognition,
        wanted: &Wanted,
        seconds: u64,
    ) -> Result<Pin, Refusal> {
        let tries = self.usable_tries(recognition)?;
        let snapshot = &recognition.person.snapshot;
        let record = snapshot.records().next();
        let name = record.map(|record| self.shown_name(record)).unwrap_or_default();
        if let Some(reason) = &wanted.reason {
            let args = [("person", wanted.person.as_str()), ("reason", reason.as_str())];
            let text = texts::message(Notice::VouchReason, self.speaker.language, &args);
            self.world.talk.info(&text);
        }
        let hours = hours(seconds);
        let signs = (wanted.person.as_str(), &*hours);
        let language = self.speaker.language;
        let question = texts::vouch_question(Prompt::VouchNamePrompt, language, name, signs, None);
        self.ask_whom(&question, &wanted.person)?;

        let prompt = Prompt::VouchPinPrompt;
        let text = texts::vouch_question(prompt, language, name, signs, few(tries));
        self.ask_pin_by(text, tries)
    }

    /// # Errors
    /// [`Code::VouchNotMeant`]: anything but that name was typed. It goes nowhere: it may be a PIN.
    fn ask_whom(&mut self, question: &str, person: &LoginName) -> Result<(), Refusal> {
        match self.ask_text_in_time(question)? {
            Answer::Typed(typed) if typed.trim() == person.as_str() => Ok(()),
            Answer::Typed(_) | Answer::NotText | Answer::NotUnderstood => {
                Err(Refusal::new(Code::VouchNotMeant, "the colleague typed another name"))
            }
            Answer::None => Err(no_answer()),
        }
    }

    fn sign_vouch(
        &mut self,
        agent: &mut Channel,
        mut key: Channel,
        recognition: &Recognition,
        pin: Pin,
        Told { wanted, seconds }: Told<'_>,
    ) -> Result<SignedVouch, Refusal> {
        // The colleague last: shown no older than the person.
        let person = self.shown(agent, &wanted.person)?;
        let voucher = self.shown(agent, &recognition.person.snapshot.login().clone())?;

        let mut random = [0; Nonce::LEN];
        self.world.machine.random(&mut random)?;
        let nonce = Nonce::new(random);
        let started = self.world.machine.clock()?.boottime;
        let from = person.now(&self.world)?;
        let vouch = Vouch {
            nonce,
            terminal: self.world.anchor.terminal,
            voucher: voucher.snapshot.login().clone(),
            credential: recognition.proven.credential().fingerprint(),
            person: wanted.person.clone(),
            from,
            // A policy of since may shorten what the colleague was told, and not prolong it.
            until: from.plus(seconds.min(offered(&voucher.snapshot))),
            reason: wanted.reason.clone(),
            hash: HASH,
            key: wanted.key,
        };
        let (by, wait) = (Verification::Pin(pin), self.world.settings.touch_wait);
        let assertion = self.assertion(&mut key, recognition, by, wait, vouch.to_bytes())?;
        drop(key);

        let elapsed = self.world.machine.clock()?.boottime.saturating_sub(started);
        let context = LoginContext {
            account: &wanted.account,
            service: &self.login.service,
            remote: self.login.remote,
            now: person.now(&self.world)?,
            marks: &person.marks,
        };
        let freshness = Freshness::Own { nonce: &nonce, elapsed };
        let terminal = &self.world.anchor.terminal;
        let decided = decide_vouch(
            &person.snapshot,
            &voucher.snapshot,
            &context,
            terminal,
            freshness,
            &assertion,
        );
        // One answer for all that a directory or a policy says of the person.
        let vouch = decided.map_err(|denial| Refusal::new(Code::VouchRefused, denial))?;
        if !wanted.exists {
            return Err(Refusal::new(Code::VouchRefused, "no such name or account"));
        }
        let per_month = usize::try_from(per_month(&person.snapshot)).unwrap_or(usize::MAX);
        if self.world.machine.vouches()?.count(&vouch.person, vouch.from) >= per_month {
            return Err(too_often());
        }
        Ok(SignedVouch { vouch, assertion, per_month })
    }

    /// Somebody as the directory has them now, while the key is held.
    fn shown(
        &mut self,
        agent: &mut Channel,
        person: &LoginName,
    ) -> Result<Box<VerifiedPerson>, Refusal> {
        self.prove(agent, person).map_err(|interrupted| match interrupted {
            Interrupted::Refused(refusal) | Interrupted::AgentLost(refusal) => refusal,
            Interrupted::OtherLogin | Interrupted::Anew => {
                Refusal::new(Code::KeyInUse, "the key went to another login")
            }
        })
    }
}

/// How long a vouch holds.
pub(super) fn hours_of(vouch: &Vouch) -> String {
    hours(vouch.until.since(vouch.from))
}

fn hours(seconds: u64) -> String {
    seconds.div_ceil(3600).to_string()
}
