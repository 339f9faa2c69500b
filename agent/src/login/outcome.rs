//! How a login ended: believed only as far as the security key's signature proves it.

use std::time::Duration;

use wardkey_core::assertion::Assertion;
use wardkey_core::client_data::ClientData;
use wardkey_core::code::{Code, Denial};
use wardkey_core::codec;
use wardkey_core::decide::{self, Freshness, Granted, decide};
use wardkey_core::directory::leaf_key;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{CredentialId, Hash};
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Begin, Failure, LoginOutcome, LoginResult, Refusal, Reply};
use wardkey_core::name::{LoginName, printable};
use wardkey_ipc::{IpcError, Peer};

use crate::agent::{Agent, fresh_id};
use crate::error::AgentError;
use crate::login::ahead::Ahead;
use crate::login::authorise::{Caller, Phase, authorise, is_known, is_listed, refusal};
use crate::login::lockout;
use crate::server::Line;
use crate::store::ledger::{Answer, Entry};
use crate::store::state::Kept;

/// Outcomes that a caller other than root may report per minute: a locker needs fewer, and nobody
/// shall fill the spool.
const PER_MINUTE: usize = 20;

/// An outcome that has been judged, and recorded if it is worth a record.
#[must_use]
pub struct Answered {
    reply: Reply,
    recorded: bool,
}

impl Answered {
    /// Tells the module, and then wakes those who carry the record on: before, they would only keep the
    /// processor from the login.
    ///
    /// # Errors
    /// [`IpcError`] when the module could not be told; the record stands.
    pub fn tell(self, agent: &Agent, line: &mut Line) -> Result<(), IpcError> {
        let told = line.send(&self.reply);
        if self.recorded {
            agent.wake_carriers();
        }
        told
    }
}

/// A login on the connection that its outcome comes by.
pub struct UnderWay<'a> {
    /// What it began with.
    pub begin: &'a Begin,
    /// Who it was then.
    pub caller: &'a Caller,
    /// What has been verified meanwhile.
    pub ahead: Option<Ahead>,
}

/// Judges an outcome and records it durably. Without a login under way, or with the outcome of another one, it
/// is authorised anew.
pub fn record(agent: &Agent, peer: Peer, outcome: &LoginOutcome, under_way: Option<UnderWay<'_>>) -> Answered {
    let entry = match judge(agent, peer, outcome, under_way) {
        Ok(entry) => entry,
        Err(refused) => return Answered { reply: Reply::Refused(refused), recorded: false },
    };
    let reply = match agent.state.settle(&entry) {
        Ok((Answer::Recorded(id), kept)) => Reply::Recorded(id, (kept == Kept::InMemory).then_some(true)),
        Ok((Answer::Refused(code), _)) => {
            let locked = || lockout::locked(agent, &entry.subjects).ok().flatten();
            let retry_after = (code == Code::LockedOut).then(locked).flatten();
            Reply::Refused(Refusal { retry_after, ..refusal(code, "the agent refuses this outcome") })
        }
        Err(error) => Reply::Refused(refusal(Code::StateUnavailable, error.to_string())),
    };
    Answered { reply, recorded: true }
}

/// What is to be recorded; or a refusal of the whole, of which there is a record already if there is one.
fn judge(agent: &Agent, peer: Peer, outcome: &LoginOutcome, under_way: Option<UnderWay<'_>>) -> Result<Entry, Refusal> {
    if !peer.is_root()
        && !(0..PER_MINUTE).any(|slot| agent.is_due(&format!("outcome {} {slot}", peer.uid), Duration::from_secs(60)))
    {
        return Err(Refusal {
            retry_after: Some(60),
            ..refusal(Code::TooManyRequests, "too many outcomes of this uid")
        });
    }
    let known = under_way.filter(|login| *login.begin == outcome.login);
    let (caller, ahead) = match known {
        Some(login) => (Ok(login.caller.clone()), login.ahead),
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
    match &outcome.result {
        LoginResult::Success(assertion) => match success(agent, &caller, outcome, assertion, ahead) {
            Ok(entry) => Ok(entry),
            Err(AgentError::Denied(denial)) if denial.code == Code::NotSynced => {
                Err(refusal(denial.code, denial.detail))
            }
            Err(error) => {
                // What is not proven is recorded as what it is: a claim that did not hold.
                let denial = match error {
                    AgentError::Denied(denial) => denial,
                    error => Denial::new(error.code(), error),
                };
                let claim = Failure {
                    code: denial.code,
                    detail: Some(format!("claimed as a login: {}", denial.detail)),
                    tries_left: None,
                };
                Ok(Entry { refuse: Some(denial.code), ..failure(agent, &caller, outcome, &claim) })
            }
        },
        LoginResult::Failure(what) => Ok(failure(agent, &caller, outcome, what)),
    }
}

fn success(
    agent: &Agent,
    caller: &Caller,
    outcome: &LoginOutcome,
    assertion: &Assertion,
    ahead: Option<Ahead>,
) -> Result<Entry, AgentError> {
    let client_data = ClientData::from_bytes(assertion.client_data.as_slice())
        .map_err(|error| Denial::new(Code::ClientData, error))?;
    let granted = verify(agent, caller, outcome, &client_data.person, assertion, ahead)?;
    let account = outcome.login.account.as_ref().ok_or_else(|| Denial::new(Code::ClientData, "no account"))?;
    // A stolen key whose PIN is being guessed stays locked though its owner logs in with another one.
    if let Some(seconds) = lockout::locked(agent, &[lockout::key(granted.key())])? {
        return Err(Denial::new(Code::LockedOut, format!("key is locked out for {seconds} s")).into());
    }
    let permit = granted.permit();
    let mut event = base(agent, &outcome.login, Some(caller), caller.peer.uid);
    event.id = client_data.event_id();
    event.outcome = Outcome::Success;
    event.account = Some(account.clone());
    event.person = Some(client_data.person.clone());
    event.key = Some(granted.key().short());
    event.model = Some(granted.credential().aaguid);
    event.up = Some(granted.facts().flags.has(wardkey_core::assertion::AuthenticatorFlags::UP));
    event.uv = Some(granted.facts().flags.has(wardkey_core::assertion::AuthenticatorFlags::UV));
    event.counter = Some(granted.facts().counter);
    event.stage = Some(permit.stage.as_str().to_owned());
    event.age = Some(permit.age);
    event.evidence = Some(assertion.clone());
    Ok(Entry {
        digest: digest(&[
            &codec::to_message(assertion),
            account.as_str().as_bytes(),
            outcome.login.service.as_str().as_bytes(),
        ]),
        refuse: None,
        counter: Some((*granted.key(), granted.facts().counter)),
        subjects: vec![
            lockout::account(agent, account, true),
            lockout::person(&client_data.person),
            lockout::key(granted.key()),
        ],
        counts: false,
        seen: Some(leaf_key(&client_data.person)),
        lockouts: lockout::rules(&agent.directory.view()),
        spare: [fresh_id(), fresh_id()],
        event,
    })
}

/// The decision again, on the agent's own copy of the directory.
fn verify(
    agent: &Agent,
    caller: &Caller,
    outcome: &LoginOutcome,
    person: &LoginName,
    assertion: &Assertion,
    ahead: Option<Ahead>,
) -> Result<Granted, AgentError> {
    let anchor = agent.anchor().ok_or_else(|| Denial::new(Code::NotJoined, "not joined"))?;
    let evidence = agent.directory.evidence(person)?.ok_or_else(|| Denial::new(Code::NotSynced, "no directory"))?;
    let mut marks = agent.marks();
    let snapshot = Ahead::or_verify(ahead, &evidence, &anchor, &marks, person).inspect_err(|_| {
        // Our own copy does not hold: get it again.
        agent.refetch.store(true, std::sync::atomic::Ordering::SeqCst);
        agent.wake_sync.wake();
    })?;
    remember_seen(agent, caller, person, &mut marks);
    let account = outcome.login.account.as_ref().ok_or_else(|| Denial::new(Code::ClientData, "no account"))?;
    let request = decide::Request {
        account,
        service: &outcome.login.service,
        remote: false,
        now: agent.clock.now(),
        marks: &marks,
    };
    let least = agent.clock.realtime().max(snapshot.signed_time());
    Ok(decide(&snapshot, &request, &anchor.terminal, Freshness::Reported { least }, assertion)?)
}

/// Who was seen here: a module that runs as root has its own marks and judged by them; for any
/// other the agent's count.
pub(super) fn remember_seen(agent: &Agent, caller: &Caller, person: &LoginName, marks: &mut Marks) {
    let key = leaf_key(person);
    if caller.peer.is_root() || matches!(agent.state.last_seen(&key), Ok(Some(_))) {
        marks.remember(key, agent.clock.now());
    }
}

fn failure(agent: &Agent, caller: &Caller, outcome: &LoginOutcome, what: &Failure) -> Entry {
    let login = &outcome.login;
    let root = caller.peer.is_root();
    let known = login.account.as_ref().is_some_and(|account| is_known(agent, account));
    let person = outcome.person.as_ref().and_then(|name| agent.directory.person(name).ok().flatten());
    let credential =
        person.as_ref().and_then(|person| outcome.credential.as_ref().and_then(|id| person.credential(id)));
    let mut event = base(agent, login, Some(caller), caller.peer.uid);
    event.id = outcome.attempt;
    if what.code == Code::MarksNotRaised && root {
        // Somebody was let in, and that has its own record. Only root writes marks.
        event.name = EventName::MarksNotRaised;
    }
    event.reason = Some(what.code);
    let tries = what.tries_left.map(|tries| format!("tries {tries}"));
    let detail: Vec<String> = what.detail.iter().map(|detail| printable(detail, 200)).chain(tries).collect();
    event.detail = (!detail.is_empty()).then(|| detail.join(", "));
    event.account = login.account.clone().filter(|_| known);
    event.person = person.as_ref().map(|person| person.login.clone());
    event.key = credential.map(|credential| credential.fingerprint().short());
    event.model = credential.map(|credential| credential.aaguid);
    // A key that is not the person's proves nothing about who stands there: it counts against names that
    // nobody has, and against no colleague. A shared account is never locked out as a whole.
    let somebodys = |account: &&LoginName| is_listed(agent, account);
    let spared = |account: &&LoginName| {
        (what.code == Code::KeyAndNameDoNotMatch && somebodys(account)) || agent.directory.view().is_shared(account)
    };
    let mut subjects: Vec<_> = login
        .account
        .iter()
        .filter(|account| !spared(account))
        .map(|account| lockout::account(agent, account, is_listed(agent, account)))
        .collect();
    // Only root's word counts against others than the caller's own account.
    let named = person.as_ref().filter(|_| what.code != Code::KeyAndNameDoNotMatch);
    if let Some(person) = named.filter(|person| root || login.account.as_ref() == Some(&person.login)) {
        subjects.push(lockout::person(&person.login));
        subjects.extend(credential.map(|credential| lockout::key(&credential.fingerprint())));
    }
    Entry {
        digest: digest(&[
            &codec::to_message(what),
            &codec::to_message(login),
            outcome.credential.as_ref().map_or(&[], CredentialId::as_slice),
            outcome.person.as_ref().map_or("", LoginName::as_str).as_bytes(),
        ]),
        refuse: None,
        counter: None,
        subjects,
        counts: what.counts(),
        seen: None,
        lockouts: lockout::rules(&agent.directory.view()),
        spare: [fresh_id(), fresh_id()],
        event,
    }
}

/// The event of a login that failed, until something is proven.
pub(crate) fn base(agent: &Agent, login: &Begin, caller: Option<&Caller>, uid: u32) -> Event {
    let mut event = agent.event(EventName::Login, Outcome::Failure);
    let session = caller.and_then(|caller| caller.place.session.as_ref());
    event.service = Some(login.service.as_str().to_owned());
    event.tty = login.tty.as_deref().map(|tty| printable(tty, 64));
    event.rhost = login.rhost.as_deref().map(|rhost| printable(rhost, 128));
    event.session = session.map(|session| printable(&session.id, 32));
    event.seat = session.and_then(|session| session.seat.as_deref()).map(|seat| printable(seat, 32));
    event.peer_uid = Some(uid);
    event
}

fn digest(parts: &[&[u8]]) -> Hash {
    let mut all = b"wardkey/outcome/1".to_vec();
    for part in parts {
        all.extend_from_slice(&(part.len() as u64).to_be_bytes());
        all.extend_from_slice(part);
    }
    codec::sha256(&all)
}
