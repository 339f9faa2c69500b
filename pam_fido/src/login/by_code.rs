//! A login by a code: of a pass, a sealed one, or one for which a colleague vouched.
//!
//! ```text
//!   evidence anew ─ Hold ─ pause? ─ key process: Argon2id, signature ─ try counted, on disk
//!      └ decide: right code? then person, policy, place, time ─ a sealed one is void now, on disk
//!           ─ outcome, recorded by the agent
//! ```
//! For a name that nobody has, and somebody without such a code, the same is done with a salt of
//! nothing: it takes as long, is answered in the same words, and counts at the terminal. The agent
//! carries evidence and gets a signature; the code passes this process and the key process only.

use wardkey_core::client_data::ClientData;
use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::decide::{Freshness, Granted, decide_by_code, decide_by_vouch};
use wardkey_core::document::Position;
use wardkey_core::id::{Nonce, Salt};
use wardkey_core::message::agent::{LoginResult, PassTry};
use wardkey_core::message::key::SignByCode;
use wardkey_core::name::{LoginName, ScopeName};
use wardkey_core::pass::{HASH, Pass, PassCode};
use wardkey_core::pass_notes::PassState;
use wardkey_core::policy::context::LoginContext;
use wardkey_core::proof::SignedByCode;
use wardkey_core::time::UnixTime;
use wardkey_ipc::{Channel, Deadline};

use super::agent::{Ended, Interrupted, Start, unexpected};
use super::attempt::Attempt;
use super::establish::Early;
use super::replies::KeyReply;
use super::request::Admitted;
use super::requests::{AgentRequest, KeyRequest};
use super::states::Signed;
use super::verified_person::VerifiedPerson;
use super::vouched::Vouched;
use crate::refusal::Refusal;

impl Attempt<'_, '_> {
    /// Lets somebody in by the code that was typed.
    ///
    /// # Errors
    /// The refusal: in the same words unless the code was right.
    pub(super) fn by_code(
        &mut self,
        code: PassCode,
        name: Option<&LoginName>,
    ) -> Result<Admitted, Ended> {
        self.record.sealed = code.is_sealed();
        let (agent, named, early) = self.until_code_held(name, code.is_chosen())?;
        let Named { person, vouched } = named;
        match self.sign_and_decide(&person, vouched, code, early) {
            Ok((granted, result)) => {
                self.record(Signed { agent, person, proven: None, granted, result })
            }
            Err(refusal) => Err(Ended { refusal, agent: Some(agent) }),
        }
    }

    fn sign_and_decide(
        &mut self,
        person: &VerifiedPerson,
        vouched: Option<Vouched>,
        code: PassCode,
        early: Early,
    ) -> Result<(Granted, LoginResult), Refusal> {
        let now = person.now(&self.world)?;
        self.no_pause(now)?;

        let pass = match self.login.name.why_no_account() {
            None if code.is_chosen() => vouched.as_ref().map(|vouched| vouched.pass.clone()),
            None if code.is_sealed() => person.snapshot.break_glass().cloned(),
            None => person.snapshot.pass().cloned(),
            Some(_) => None,
        };
        let mut random = [0; Nonce::LEN];
        self.world.machine.random(&mut random)?;
        let nonce = Nonce::new(random);
        let started = self.world.machine.clock()?.boottime;
        let client_data = Bytes::new(self.client_data(person, nonce, now)?.to_bytes())
            .map_err(|error| Refusal::new(Code::Internal, error))?;
        let signature = self.sign_by_code(early, code, pass.as_ref(), client_data.clone())?;

        let tries = self.count(pass.as_ref(), now)?;
        let (Some(pass), PassState::Open { .. } | PassState::Ended) = (pass, tries) else {
            return Err(wrong());
        };
        let signed = SignedByCode { pass: pass.id, client_data, signature };
        let login = self.login;
        let account = login.name.login_name().ok_or_else(wrong)?;
        let context = LoginContext {
            account,
            service: &login.service,
            remote: login.remote,
            now: person.now(&self.world)?,
            marks: &person.marks,
        };
        let elapsed = self.world.machine.clock()?.boottime.saturating_sub(started);
        let freshness = Freshness::Own { nonce: &nonce, elapsed };
        let terminal = &self.world.anchor.terminal;
        let decided = match &vouched {
            Some(Vouched { assertion, voucher, .. }) => decide_by_vouch(
                &person.snapshot,
                &voucher.snapshot,
                &context,
                terminal,
                freshness,
                &signed,
                assertion,
            ),
            None => decide_by_code(&person.snapshot, &context, terminal, freshness, &signed),
        };
        if decided.as_ref().is_err_and(|denial| denial.code == Code::PassWrong) {
            return Err(wrong());
        }

        // The code was right: from here on the person may be told what is the matter.
        let is_sealed = self.record.sealed;
        let lets_in = decided.is_ok() && tries != PassState::Ended;
        let mut is_spent = Some(true);
        let noted = self.world.machine.note_passes(&mut |notes| {
            if is_sealed && lets_in {
                is_spent = notes.spend(&pass, now);
            }
            notes.was_right(&pass, now, lets_in);
        });
        self.record.pass = self.tried(&pass, 0);
        noted?;
        self.speak_to(person);
        let granted = decided?;
        if tries == PassState::Ended || is_spent != Some(true) {
            return Err(ended(is_sealed, is_spent));
        }
        let result = match vouched {
            Some(vouched) => LoginResult::SuccessByVouch(signed, vouched.assertion),
            None => LoginResult::SuccessByCode(signed),
        };
        Ok((granted, result))
    }

    /// Evidence that is fresh, for whoever is named, while the terminal shows this login.
    fn until_code_held(
        &mut self,
        name: Option<&LoginName>,
        is_chosen: bool,
    ) -> Result<(Channel, Named, Early), Ended> {
        let mut start = Start::Anew;
        while self.patience.begin_round() {
            let is_new = matches!(start, Start::Anew);
            let (mut agent, mut early) = self.connect(start)?;
            match self.code_round(&mut agent, is_new, &mut early, name, is_chosen) {
                Ok(named) => return Ok((agent, named, early)),
                Err(interrupted) => start = interrupted.on(agent)?,
            }
        }
        let why = "the terminal showed another login again and again";
        Err(start.refused(Refusal::new(Code::KeyInUse, why)))
    }

    fn code_round(
        &mut self,
        agent: &mut Channel,
        is_new: bool,
        early: &mut Early,
        name: Option<&LoginName>,
        is_chosen: bool,
    ) -> Result<Named, Interrupted> {
        let (grant, _) = self.directory(agent, is_new, early)?;
        let mut person = self.account_of(&grant)?;
        let account = self.login.name.login_name();
        let shares = |account| {
            person.snapshot.policies().any(|policy| policy.shared_account(account).is_some())
        };
        if account.is_some_and(shares)
            && let Some(name) = name
        {
            person = self.prove(agent, name)?;
        }
        let vouched = if is_chosen {
            self.vouched_for(agent, &person.snapshot.login().clone())?
        } else {
            None
        };
        self.ask_to_hold(agent, &AgentRequest::Hold)?;
        Ok(Named { person, vouched })
    }

    /// # Errors
    /// [`Code::PassWait`], whoever asks; and where tries cannot be noted.
    pub(super) fn no_pause(&self, now: UnixTime) -> Result<(), Refusal> {
        let mut pause = None;
        self.world.machine.note_passes(&mut |notes| pause = notes.pause(now))?;
        match pause {
            None => Ok(()),
            Some(seconds) => Err(Refusal {
                seconds: Some(seconds),
                ..Refusal::new(Code::PassWait, format!("wrong codes here, {seconds} s to wait"))
            }),
        }
    }

    /// Counts a try durably, before anybody knows whether it was wrong.
    fn count(&mut self, pass: Option<&Pass>, now: UnixTime) -> Result<PassState, Refusal> {
        let mut standing = None;
        let is_sealed = self.record.sealed;
        self.world.machine.note_passes(&mut |notes| {
            standing = notes.count(pass, now);
            // Of a used one no wrong code hides that it was: the right one is an alarm.
            let was_used = is_sealed && pass.is_some_and(|pass| notes.has_ended(&pass.id));
            standing = standing.map(|state| if was_used { PassState::Ended } else { state });
        })?;
        let standing = standing
            .ok_or_else(|| Refusal::new(Code::PassNotCounted, "no room for one more note"))?;
        let tries = match standing {
            PassState::Open { tries } => tries,
            PassState::Void => wardkey_core::pass::MAX_TRIES + 1,
            PassState::Ended => 0,
        };
        self.record.pass = pass.and_then(|pass| self.tried(pass, tries));
        Ok(standing)
    }

    fn tried(&self, pass: &Pass, tries: u8) -> Option<PassTry> {
        Some(PassTry { pass: pass.id, tries, sealed: self.record.sealed.then_some(true) })
    }

    fn client_data(
        &self,
        person: &VerifiedPerson,
        nonce: Nonce,
        time: UnixTime,
    ) -> Result<ClientData, Refusal> {
        let internal = |error: &dyn std::fmt::Display| Refusal::new(Code::Internal, error);
        // Of somebody who may not log in, or of nobody, what is signed is thrown away.
        let (scope, position) = match &person.permit {
            Ok(permit) => (permit.scope.clone(), permit.position),
            Err(_) => {
                let nowhere = ScopeName::new("_").map_err(|error| internal(&error))?;
                (nowhere, Position { epoch: 0, seq: 0 })
            }
        };
        let named = person.snapshot.login();
        Ok(ClientData {
            nonce,
            terminal: self.world.anchor.terminal,
            service: self.login.service.clone(),
            account: self.login.name.login_name().unwrap_or(named).clone(),
            person: named.clone(),
            time,
            scope,
            position,
        })
    }

    fn sign_by_code(
        &mut self,
        early: Early,
        code: PassCode,
        pass: Option<&Pass>,
        client_data: Bytes<512>,
    ) -> Result<Bytes<64>, Refusal> {
        let mut salt = [0; Salt::LEN];
        self.world.machine.random(&mut salt)?;
        let salt = pass.map_or(Salt::new(salt), |pass| pass.salt);
        let request = SignByCode { code, salt, hash: HASH, client_data };
        let key = match early {
            Some(Ok(key)) => key,
            Some(Err(_)) | None => {
                self.world.sockets.key(true).map_err(|error| Refusal::key(&error))?
            }
        };
        self.signed_by_code(key, request)
    }

    /// What a code signs, as this key process says.
    ///
    /// # Errors
    /// It says something else, or nothing.
    pub(super) fn signed_by_code(
        &self,
        mut key: Channel,
        request: SignByCode,
    ) -> Result<Bytes<64>, Refusal> {
        let request = KeyRequest::SignByCode(request);
        let timeouts = &self.world.timeouts;
        let sent = key.send(&request, Deadline::after(timeouts.answer));
        // Wipes the code, whether it left or not.
        drop(request);
        sent.map_err(|error| Refusal::key(&error))?;
        match key.receive(Deadline::after(timeouts.answer + timeouts.signature_grace)) {
            Ok(KeyReply::SignedByCode(signature)) => Ok(signature),
            Ok(KeyReply::Failed(failure)) => Err(failure.into()),
            Ok(_) => Err(unexpected("key process")),
            Err(error) => Err(Refusal::key(&error)),
        }
    }
}

/// Who is named, whether there is such a person or not.
struct Named {
    person: Box<VerifiedPerson>,
    /// What is kept for them, where the code is one that people choose.
    vouched: Option<Vouched>,
}

/// The right code of what has ended here, or ends without a note of it.
fn ended(is_sealed: bool, is_spent: Option<bool>) -> Refusal {
    match (is_sealed, is_spent) {
        (true, None) => Refusal::new(Code::PassNotCounted, "no room to note that it was used"),
        (true, Some(_)) => Refusal::new(Code::BreakGlassVoid, "used here before, and void"),
        (false, _) => Refusal::new(Code::PassEnded, "ended by a login with the key"),
    }
}

/// The one refusal of codes: nothing in it tells of the name, or how many tries are left.
fn wrong() -> Refusal {
    Refusal::new(Code::PassWrong, "name and code do not match, or the pass is void")
}
