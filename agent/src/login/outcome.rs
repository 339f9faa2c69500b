//! How a login ended: believed only as far as the signature of key or code proves it.

use std::time::Duration;

use wardkey_core::code::{Code, Denial};
use wardkey_core::codec;
use wardkey_core::decide::By;
use wardkey_core::directory::leaf_key;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::CredentialId;
use wardkey_core::message::agent::{Begin, Failure, LoginOutcome, LoginResult, Refusal, Reply};
use wardkey_core::name::{LoginName, printable};
use wardkey_core::person::{CredentialRecord, PersonRecord};
use wardkey_core::proof::assertion::AuthenticatorFlags;
use wardkey_ipc::{IpcError, Peer};

use crate::agent::Agent;
use crate::connection::Connection;
use crate::error::AgentError;
use crate::login::authorise::{Caller, Phase, authorise, is_known, refusal};
use crate::login::begun::{base, digest, is_pin_change};
use crate::login::fingers;
use crate::login::loans;
use crate::login::lockout;
use crate::login::passes;
use crate::login::preverified::Preverified;
use crate::login::signed::{Signed, verify};
use crate::login::suspects;
use crate::login::vouches;
use crate::presence;
use crate::random::fresh_id;

use crate::store::ledger::{Answer, Entry};
use crate::store::state::Durability;

/// Outcomes that a caller other than root may report per minute: a locker needs fewer, and nobody
/// shall fill the spool.
const PER_MINUTE: usize = 20;

/// The answer to a reported outcome, which has been recorded if it is worth a record.
#[must_use]
pub struct Answered {
    reply: Reply,
    recorded: bool,
    /// The module reported a successful login.
    success: bool,
    /// It reported a vouch.
    vouch: bool,
}

impl Answered {
    /// Whether somebody was let in.
    pub const fn is_login(&self) -> bool {
        self.success && matches!(self.reply, Reply::Recorded(..))
    }

    /// Whether a colleague has vouched.
    pub const fn is_vouch(&self) -> bool {
        self.vouch && matches!(self.reply, Reply::Recorded(..))
    }

    /// Answers the module, then wakes the threads that deliver the record: woken earlier, they
    /// would compete with the login for the processor.
    ///
    /// # Errors
    /// [`IpcError`] when the module could not be told; the record stands.
    pub fn tell(self, agent: &Agent, connection: &mut Connection) -> Result<(), IpcError> {
        let told = connection.send(&self.reply);
        self.deliver(agent);
        told
    }

    /// Wakes the threads that deliver the record.
    pub fn deliver(self, agent: &Agent) {
        if self.recorded {
            agent.wake_carriers();
        }
    }
}

/// The login that was begun on this connection.
pub struct LoginInProgress<'a> {
    /// How it began.
    pub begin: &'a Begin,
    /// Who asked.
    pub caller: &'a Caller,
    /// What was verified while the key worked.
    pub preverified: Option<Preverified>,
}

/// Judges an outcome and records it durably. The caller is authorised anew unless the outcome
/// belongs to the login in progress.
pub fn record(
    agent: &Agent,
    peer: Peer,
    outcome: &LoginOutcome,
    in_progress: Option<LoginInProgress<'_>>,
) -> Answered {
    let place = in_progress.as_ref().map(|login| login.caller.place.clone());
    let entry = match entry_for(agent, peer, outcome, in_progress) {
        Ok(entry) => entry,
        Err(refused) => {
            let reply = Reply::Refused(refused);
            return Answered { reply, recorded: false, success: false, vouch: false };
        }
    };
    if let Some(suspects) = &outcome.suspects {
        suspects::record(agent, peer, outcome, suspects);
    }
    let success = outcome.result.is_login();
    let reply = match agent.state.settle(&entry) {
        Ok((Answer::Recorded(id), durability)) => {
            if let (Some(place), true) = (&place, success) {
                let key = entry.counter.as_ref().map(|(key, _)| *key);
                let service = &outcome.login.service;
                presence::service::logged_in(agent, service, place, &entry.event, key);
            }
            Reply::Recorded(id, (durability == Durability::InMemory).then_some(true))
        }
        Ok((Answer::Refused(code), _)) => {
            let locked = || lockout::locked(agent, &entry.subjects).ok().flatten();
            let retry_after = (code == Code::LockedOut).then(locked).flatten();
            Reply::Refused(Refusal {
                retry_after,
                ..refusal(code, "the agent refuses this outcome")
            })
        }
        Err(error) => Reply::Refused(refusal(Code::StateUnavailable, error.to_string())),
    };
    if let (true, Reply::Recorded(..)) = (success, &reply) {
        passes::note_end(agent, &entry.event);
        loans::note(agent, &entry.event);
    }
    let vouch = matches!(outcome.result, LoginResult::Vouched(_));
    Answered { reply, recorded: true, success, vouch }
}

/// What to record, or a refusal. A refusal that is worth a record has been recorded.
fn entry_for(
    agent: &Agent,
    peer: Peer,
    outcome: &LoginOutcome,
    in_progress: Option<LoginInProgress<'_>>,
) -> Result<Entry, Refusal> {
    if !peer.is_root()
        && !(0..PER_MINUTE).any(|slot| {
            agent.is_due(&format!("outcome {} {slot}", peer.uid), Duration::from_secs(60))
        })
    {
        return Err(Refusal {
            retry_after: Some(60),
            ..refusal(Code::TooManyRequests, "too many outcomes of this uid")
        });
    }
    let known = in_progress.filter(|login| *login.begin == outcome.login);
    let (caller, preverified) = match known {
        Some(login) => (Ok(login.caller.clone()), login.preverified),
        None => (authorise(agent, peer, &outcome.login, Phase::Authentication), None),
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(refused) => {
            let mut event = base(agent, &outcome.login, None, peer.uid);
            event.reason = Some(refused.code);
            event.detail.clone_from(&refused.detail);
            agent.record(vec![event]);
            return Err(refused);
        }
    };
    let judged = match (Signed::of(&outcome.result), &outcome.result) {
        (Some(signed), _) => success(agent, &caller, outcome, signed, preverified),
        (None, LoginResult::Vouched(assertion)) => {
            vouches::entry(agent, &caller, outcome, assertion)
        }
        (None, LoginResult::Failure(what)) => Ok(failure(agent, &caller, outcome, what)),
        (None, _) => Ok(pin_change(agent, &caller, outcome)),
    };
    match judged {
        Ok(entry) => Ok(entry),
        Err(AgentError::Denied(denial)) if denial.code == Code::NotSynced => {
            Err(refusal(denial.code, denial.detail))
        }
        Err(error) => {
            let denial = match error {
                AgentError::Denied(denial) => denial,
                error => Denial::new(error.code(), error),
            };
            Ok(unproven(agent, &caller, outcome, &denial))
        }
    }
}

/// An unproven success is recorded as a failure.
fn unproven(agent: &Agent, caller: &Caller, outcome: &LoginOutcome, denial: &Denial) -> Entry {
    let what = match &outcome.result {
        LoginResult::Vouched(_) => "a vouch",
        _ if is_pin_change(&outcome.login) => "a change of PIN",
        _ => "a login",
    };
    let claim = Failure {
        code: denial.code,
        detail: Some(format!("claimed as {what}: {}", denial.detail)),
        tries_left: None,
    };
    Entry { refuse: Some(denial.code), ..failure(agent, caller, outcome, &claim) }
}

/// The PIN of a key was changed, by the word of root and of the key that proved itself. Failures of
/// before count on: who changes a PIN has shown that it is known, and has not touched the key.
fn pin_change(agent: &Agent, caller: &Caller, outcome: &LoginOutcome) -> Entry {
    let denied = Denial::new(Code::CallerNotAllowed, "not root's, or of no key");
    let mut entry = unproven(agent, caller, outcome, &denied);
    let is_proven = entry.event.key.is_some();
    if caller.peer.is_root() && is_pin_change(&outcome.login) && is_proven {
        entry.refuse = None;
        entry.event.outcome = Outcome::Success;
        (entry.event.reason, entry.event.detail) = (None, None);
        entry.subjects.clear();
    }
    entry
}

fn success(
    agent: &Agent,
    caller: &Caller,
    outcome: &LoginOutcome,
    signed: Signed<'_>,
    preverified: Option<Preverified>,
) -> Result<Entry, AgentError> {
    if is_pin_change(&outcome.login) {
        let detail = "nobody is let in by it";
        return Err(Denial::new(Code::ProtocolError, detail).into());
    }
    let client_data = signed.client_data()?;
    let granted = verify(agent, caller, outcome, &client_data, signed, preverified)?;
    let account = outcome
        .login
        .account
        .as_ref()
        .ok_or_else(|| Denial::new(Code::ClientData, "no account"))?;
    let permit = granted.permit();
    let mut event = base(agent, &outcome.login, Some(caller), caller.peer.uid);
    event.id = client_data.event_id();
    event.outcome = Outcome::Success;
    event.account = Some(account.clone());
    event.person = Some(client_data.person.clone());
    event.stage = Some(permit.stage.as_str().to_owned());
    event.age = Some(permit.age);
    event.proof = Some(granted.proof());
    let (mut counter, mut subjects) = (None, Vec::new());
    match (granted.by(), signed) {
        (By::Key(by), Signed::Key(assertion)) => {
            // A stolen key whose PIN is being guessed stays locked even if its owner logs in with
            // another key.
            if let Some(seconds) = lockout::locked(agent, &[lockout::key(&by.key)])? {
                let detail = format!("key is locked out for {seconds} s");
                return Err(Denial::new(Code::LockedOut, detail).into());
            }
            event.key = Some(by.key.short());
            event.model = Some(by.credential.aaguid);
            event.up = Some(by.facts.flags.has(AuthenticatorFlags::UP));
            event.uv = Some(by.facts.flags.has(AuthenticatorFlags::UV));
            event.counter = Some(by.facts.counter);
            event.evidence = Some(assertion.clone());
            event.loan = by.loan.as_ref().map(|loan| loan.id);
            event.detail = by.loan.as_ref().map(loans::detail);
            counter = Some((by.key, by.facts.counter));
            subjects.push(lockout::key(&by.key));
        }
        (By::Code(pass), Signed::Code(signed)) => {
            event.name = EventName::PassLogin;
            event.pass = Some(pass.id);
            event.detail = Some(passes::detail(pass));
            event.signed_by_code = Some(signed.clone());
        }
        (By::BreakGlass(sealed), Signed::Code(signed)) => {
            event.name = EventName::BreakGlassLogin;
            event.pass = Some(sealed.id);
            event.detail = Some(passes::sealed_detail(sealed));
            event.signed_by_code = Some(signed.clone());
        }
        (By::Vouch(vouch), Signed::Vouch(signed, assertion)) => {
            vouches::describe(vouch, assertion, &mut event);
            event.name = EventName::PassLogin;
            event.signed_by_code = Some(signed.clone());
        }
        _ => return Err(Denial::new(Code::Internal, "decided by another proof").into()),
    }
    fingers::describe(outcome, &mut event);
    Ok(Entry {
        digest: digest(&[
            &signed.to_bytes(),
            account.as_str().as_bytes(),
            outcome.login.service.as_str().as_bytes(),
        ]),
        refuse: None,
        attempt: Some(outcome.attempt),
        counter,
        subjects,
        counts: false,
        seen: Some(leaf_key(&client_data.person)),
        lockouts: lockout::rules(&agent.directory.view()),
        spare: [fresh_id(), fresh_id()],
        event,
    })
}

/// The person and the credential that an outcome proves.
fn proven(agent: &Agent, outcome: &LoginOutcome) -> Option<(PersonRecord, CredentialRecord)> {
    let (silent, person) = (outcome.proof.as_ref()?, outcome.person.as_ref()?);
    let person = agent.directory.person(person).ok()??;
    let credential = person.credential(&silent.credential)?.clone();
    silent.verify(&agent.anchor()?.terminal, &credential).ok()?;
    Some((person, credential))
}

fn failure(agent: &Agent, caller: &Caller, outcome: &LoginOutcome, what: &Failure) -> Entry {
    let login = &outcome.login;
    let known = login.account.as_ref().is_some_and(|account| is_known(agent, account));
    // What a device merely claims is in no record, and counts against nobody. Only root's word
    // names others than the caller's own account: anybody may have a key that is plugged in sign
    // that it is there, or keep an old proof.
    let may_name = |person: &PersonRecord| {
        caller.peer.is_root() || login.account.as_ref() == Some(&person.login)
    };
    let proven = proven(agent, outcome).filter(|(person, _)| may_name(person));
    let mut event = base(agent, login, Some(caller), caller.peer.uid);
    if proven.is_some() && what.code == Code::LockedOut {
        event.name = EventName::LockedOut;
    }
    event.id = outcome.attempt;
    let is_of_marks = matches!(what.code, Code::MarksNotRaised | Code::VouchNotEnded);
    if is_of_marks && caller.peer.is_root() {
        // The login has its own record. Only root writes marks, and what is kept beside them.
        event.name = EventName::MarksNotRaised;
    }
    event.reason = Some(what.code);
    passes::note_failure(outcome.pass, caller, &mut event);
    let tries = what.tries_left.map(|tries| format!("tries {tries}"));
    let detail: Vec<String> =
        what.detail.iter().map(|detail| printable(detail, 200)).chain(tries).collect();
    event.detail = (!detail.is_empty()).then(|| detail.join(", "));
    if !is_of_marks {
        fingers::describe(outcome, &mut event);
    }
    event.account = login.account.clone().filter(|_| known);
    event.person = proven.as_ref().map(|(person, _)| person.login.clone());
    event.key = proven.as_ref().map(|(_, credential)| credential.fingerprint().short());
    event.model = proven.as_ref().map(|(_, credential)| credential.aaguid);
    let lent = proven.as_ref().and_then(|(person, credential)| person.loan_of(&credential.id));
    event.loan = lent.map(|loan| loan.id);
    let subjects =
        proven.iter().map(|(_, credential)| lockout::key(&credential.fingerprint())).collect();
    Entry {
        digest: digest(&[
            &codec::to_message(what),
            &codec::to_message(login),
            outcome.credential.as_ref().map_or(&[], CredentialId::as_slice),
            outcome.person.as_ref().map_or("", LoginName::as_str).as_bytes(),
        ]),
        refuse: None,
        attempt: None,
        counter: None,
        subjects,
        counts: what.counts(),
        seen: None,
        lockouts: lockout::rules(&agent.directory.view()),
        spare: [fresh_id(), fresh_id()],
        event,
    }
}
