//! Logins and account phases, from Begin on: who may ask, and who has room in the queue. What is
//! asked then is the conversation's.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::event;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::message::agent::{Begin, Grant, Refusal, Reply};
use wardkey_core::name::LoginName;
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::evaluate::evaluate_account_phase;
use wardkey_core::snapshot::Snapshot;
use wardkey_ipc::{IpcError, Peer};

use crate::agent::Agent;
use crate::connection::Connection;
use crate::login::arbiter::Asking;
use crate::login::authorise::{Caller, Phase, authorise, is_known, later, refusal};
use crate::login::conversation::Conversation;
use crate::login::evidence::grant;
use crate::login::locker::is_locker;
use crate::login::server_time::Questions;
use crate::login::{begun, server_time, signed};

/// Logins of one user other than root at a time, of each session, and again as many for its locker.
const MAX_PER_USER: usize = 2;
/// Logins that one user other than root may begin in a minute.
const PER_MINUTE: usize = 30;
const MINUTE: Duration = Duration::from_secs(60);
/// Logins that a user started through programs of root's (su, sudo) at a time: a prompt or two that
/// were left standing shall not keep the user's own screen locked.
const MAX_PER_INVOKER: usize = 4;
/// Records of the account phase: one of a kind in this time.
const QUIET: Duration = Duration::from_secs(30);

/// Serves a login on a connection. Returns when it has its outcome or the peer hung up.
///
/// # Errors
/// [`IpcError`] of the connection.
pub fn login(
    agent: &Agent,
    connection: &mut Connection,
    peer: Peer,
    begin: &Begin,
) -> Result<(), IpcError> {
    let caller = match admit(agent, peer, begin, Phase::Authentication) {
        Ok(caller) => caller,
        Err(refused) => {
            let record = Some(record_refused(agent, peer, begin, &refused));
            return connection.send(&Reply::Refused(Refusal { record, ..refused }));
        }
    };
    let asking = asking(agent, begin, &caller);
    if !has_room(agent, &asking) {
        return connection.send(&Reply::Refused(later("too many logins of this uid")));
    }
    let ticket = match agent.arbiter.enter(asking) {
        Ok(ticket) => ticket,
        Err(error) => {
            return connection.send(&Reply::Refused(refusal(Code::Internal, error.to_string())));
        }
    };
    Conversation::new(agent, connection, peer, begin, &caller, ticket).serve()
}

/// The login as the queue sees it.
fn asking(agent: &Agent, begin: &Begin, caller: &Caller) -> Asking {
    let foreground = match &caller.place.session {
        Some(session) => session.active,
        None => caller.place.is_foreground(&agent.sessions.screens()),
    };
    Asking {
        place: caller.place.clone(),
        foreground,
        locker: is_locker(&begin.service, &caller.place),
    }
}

/// Whether one more login may wait. Each session of a user has its own places, and its locker has
/// places that no other program takes; the oldest gives way, so that no program keeps a place for
/// ten minutes. What a user starts through programs of root's is refused instead: it can be stopped
/// halfway.
fn has_room(agent: &Agent, asking: &Asking) -> bool {
    let session = |asking: &Asking| asking.place.session.as_ref().map(|session| session.id.clone());
    if let Some(uid) = asking.place.uid {
        let own = session(asking);
        let is_alike = |other: &Asking| {
            other.place.uid == Some(uid) && other.locker == asking.locker && session(other) == own
        };
        let often =
            !(0..PER_MINUTE).any(|slot| agent.is_due(&format!("login {uid} {slot}"), MINUTE));
        if often || !agent.arbiter.make_room(MAX_PER_USER, is_alike) {
            return false;
        }
    }
    let of_invoker =
        |uid| agent.arbiter.count(|other| other.place.invoker == Some(uid) && !other.locker);
    asking.locker || asking.place.invoker.is_none_or(|uid| of_invoker(uid) < MAX_PER_INVOKER)
}

/// The account phase: evidence, no queue. What the connection may ask for after it.
///
/// # Errors
/// [`IpcError`] of the connection.
pub fn account(
    agent: &Agent,
    connection: &mut Connection,
    peer: Peer,
    begin: &Begin,
) -> Result<Questions, IpcError> {
    let granted = admit(agent, peer, begin, Phase::Account)
        .and_then(|caller| Ok((caller, grant(agent, begin.account.as_ref())?)));
    match granted {
        Ok((caller, grant)) => {
            record_account(agent, &caller, begin, &grant);
            connection.send(&Reply::Granted(Box::new(grant)))?;
            Ok(Questions::of_account_phase(agent, peer))
        }
        Err(refused) => {
            record_refused(agent, peer, begin, &refused);
            connection.send(&Reply::Refused(refused))?;
            Ok(Questions::NONE)
        }
    }
}

/// Whether a login may begin at all.
fn admit(agent: &Agent, peer: Peer, begin: &Begin, phase: Phase) -> Result<Caller, Refusal> {
    let caller = authorise(agent, peer, begin, phase)?;
    has_directory(agent)?;
    // An older module believes only its clock and what is signed, and would call a clock that is
    // ahead "offline"; one that asks for the server's time is not misled.
    let clock = if begin.asks_time == Some(true) { None } else { server_time::cause(agent) };
    clock.map_or(Ok(caller), Err)
}

/// What a login of this person would be shown. Nothing is recorded.
pub fn preview(agent: &Agent, person: &LoginName) -> Result<Grant, Refusal> {
    has_directory(agent)?;
    grant(agent, Some(person))
}

fn has_directory(agent: &Agent) -> Result<(), Refusal> {
    if agent.identity().is_none() {
        return Err(refusal(Code::NotJoined, "this terminal has not joined: wardkey join"));
    }
    if !agent.directory.view().is_complete() {
        return Err(refusal(Code::NotSynced, "the directory has not arrived yet: wardkey status"));
    }
    Ok(())
}

fn record_refused(agent: &Agent, peer: Peer, begin: &Begin, refused: &Refusal) -> EventId {
    let mut event = begun::base(agent, begin, None, peer.uid);
    event.reason = Some(refused.code);
    event.detail.clone_from(&refused.detail);
    event.account = begin.account.clone().filter(|account| is_known(agent, account));
    // Root's names and hosts are worth a record each; anyone else could make up any number of them.
    let coarse = format!("begin {} {}", refused.code, peer.uid);
    let (account, rhost) = match (&begin.account, &begin.rhost) {
        (account, rhost) if peer.is_root() => {
            (account.as_ref().map_or("", LoginName::as_str), rhost.as_deref().unwrap_or_default())
        }
        _ => ("", ""),
    };
    agent.record_counted(&format!("{coarse} {account} {rhost}"), &coarse, event)
}

fn record_account(agent: &Agent, caller: &Caller, begin: &Begin, grant: &Grant) {
    let (Some(account), Some(evidence), Some(anchor)) =
        (&begin.account, &grant.evidence, agent.anchor())
    else {
        return;
    };
    let mut marks = agent.marks();
    signed::remember_seen(agent, caller, account, &mut marks);
    // The module has yet to ask for the server's time.
    let now = match begin.asks_time {
        Some(true) => server_time::as_the_server_says(agent),
        _ => agent.clock.now(),
    };
    let request =
        LoginContext { account, service: &begin.service, remote: false, now, marks: &marks };
    let permitted = Snapshot::verify(evidence, &anchor, &agent.marks(), account)
        .and_then(|snapshot| evaluate_account_phase(&snapshot, &request).into_permit());
    let word = if permitted.is_ok() { "allowed" } else { "refused" };
    // As with names: anyone but root could make up any number of services, and fill the spool with
    // them.
    let service = if caller.peer.is_root() { begin.service.as_str() } else { "" };
    if !agent.is_due(&format!("account {word} {} {account} {service}", caller.peer.uid), QUIET) {
        return;
    }
    let mut event: event::Event = begun::base(agent, begin, Some(caller), caller.peer.uid);
    event.name = EventName::Account;
    event.account = Some(account.clone()).filter(|account| is_known(agent, account));
    match permitted {
        Ok(permit) => {
            event.outcome = Outcome::Success;
            event.stage = Some(permit.stage.as_str().to_owned());
            event.age = Some(permit.age);
        }
        Err(denial) => event.reason = Some(denial.code),
    }
    agent.record(vec![event]);
}
