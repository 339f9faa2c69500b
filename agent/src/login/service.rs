//! One login's conversation with the module, from Begin to its outcome.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use wardkey_core::code::Code;
use wardkey_core::event;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::message::agent::{Begin, Grant, Refusal, Reply, Request};
use wardkey_core::name::LoginName;
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::evaluate::evaluate_account_phase;
use wardkey_core::snapshot::Snapshot;
use wardkey_ipc::{Deadline, IpcError, Peer};

use crate::agent::Agent;
use crate::connection::Connection;
use crate::login::arbiter::{Asking, Ticket};
use crate::login::authorise::{Caller, Phase, authorise, is_known, later, refusal};
use crate::login::evidence::{candidates, grant, keys_of, prove};
use crate::login::locker::is_locker;
use crate::login::preverified::Preverified;
use crate::login::server_time::Questions;
use crate::login::{outcome, server_time, signed};

/// The longest that one login may take.
const LOGIN: Duration = Duration::from_secs(600);
/// Logins of one user other than root at a time, of each session, and again as many for its locker.
const MAX_PER_USER: usize = 2;
/// Logins that one user other than root may begin in a minute.
const PER_MINUTE: usize = 30;
const MINUTE: Duration = Duration::from_secs(60);
/// Logins that a user started through programs of root's (su, sudo) at a time: a prompt or two that
/// were left standing shall not keep the user's own screen locked.
const MAX_PER_INVOKER: usize = 4;
/// Requests for evidence in one login: one is needed, more come with devices that claim to be
/// somebody's.
const MAX_PROOFS: usize = 128;
/// Pages of candidates in one login: those of 30,000 keys, however long their ids are.
const MAX_PAGES: usize = 1024;
/// The same of one user other than root, in a minute: twice those of 30,000 keys.
const PAGES_PER_MINUTE: usize = 128;
/// How often those who wait look who is in the foreground.
const LOOK: Duration = Duration::from_millis(250);
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
    let deadline = Deadline::after(LOGIN);
    let mut told = None;
    let (mut proofs, mut pages) = (0, 0);
    let mut questions = Questions::LOGIN;
    let mut person = begin.account.clone();
    let (mut tried, mut preverified) = (None, None);
    loop {
        if ticket.is_displaced() {
            return connection
                .send(&Reply::Refused(later("a newer login of this user took the place")));
        }
        let granted = ticket.is_granted();
        if told != Some(granted) {
            if !granted {
                connection.send(&Reply::Wait)?;
            } else {
                match grant(agent, begin.account.as_ref()) {
                    Ok(grant) => connection.send(&Reply::Granted(Box::new(grant)))?,
                    Err(refused) => return connection.send(&Reply::Refused(refused)),
                }
            }
            told = Some(granted);
        }
        if deadline.has_passed() {
            return Err(IpcError::TimedOut);
        }
        if !wait(agent, connection, &ticket, deadline)? {
            continue;
        }
        match connection.receive::<Request>(Deadline::after(Duration::from_secs(5)))? {
            Request::Hold => {
                if ticket.hold(agent.sessions.as_ref()) {
                    connection.send(&Reply::Held)?;
                    // The security key works on the PIN now, and this is one thing less after the
                    // touch.
                    if tried != person {
                        tried.clone_from(&person);
                        preverified =
                            person.as_ref().and_then(|person| Preverified::of(agent, person));
                    }
                } else {
                    told = Some(false);
                    connection.send(&Reply::Wait)?;
                }
            }
            Request::Prove(_) if proofs >= MAX_PROOFS => {
                return connection.send(&Reply::Refused(later("too many requests for evidence")));
            }
            Request::Prove(found) => {
                proofs += 1;
                let reply = match prove(agent, &caller, begin, &found) {
                    Ok(grant) => {
                        person = Some(found);
                        Reply::Granted(Box::new(grant))
                    }
                    Err(refused) => Reply::Refused(refused),
                };
                connection.send(&reply)?;
            }
            // The key went to another login, which the module reads next.
            Request::Candidates(_) if told != Some(true) => {}
            Request::Candidates(_) if pages >= MAX_PAGES || !has_pages_left(agent, peer) => {
                return connection.send(&Reply::Refused(later("too many pages of candidates")));
            }
            Request::Candidates(page) => {
                pages += 1;
                match candidates(agent, begin, page) {
                    Ok(page) => connection.send(&Reply::Candidates(Box::new(page)))?,
                    Err(refused) => return connection.send(&Reply::Refused(refused)),
                }
            }
            Request::KeysOf(_) if told != Some(true) => {}
            Request::KeysOf(_) if pages >= MAX_PAGES => {
                return connection.send(&Reply::Refused(later("too many pages of candidates")));
            }
            Request::KeysOf(people) => {
                pages += 1;
                match keys_of(agent, &caller, begin, &people) {
                    Ok(page) => connection.send(&Reply::Candidates(Box::new(page)))?,
                    Err(refused) => return connection.send(&Reply::Refused(refused)),
                }
            }
            Request::Time(nonce) => connection.send(&questions.answer(agent, &nonce))?,
            Request::Outcome(what) => {
                let answered = outcome::record(
                    agent,
                    peer,
                    &what,
                    Some(outcome::LoginInProgress { begin, caller: &caller, preverified }),
                );
                if answered.is_login() {
                    ticket.has_logged_in();
                }
                drop(ticket);
                return answered.tell(agent, connection);
            }
            _ => {
                return connection.send(&Reply::Refused(refusal(
                    Code::ProtocolError,
                    "not a request of a login",
                )));
            }
        }
    }
}

/// Whether a user other than root may have one more page: each is a look at everybody who shares
/// the account.
fn has_pages_left(agent: &Agent, peer: Peer) -> bool {
    peer.is_root()
        || (0..PAGES_PER_MINUTE)
            .any(|slot| agent.is_due(&format!("page {} {slot}", peer.uid), MINUTE))
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

/// Waits for a request (`true`) or for news of the queue.
fn wait(
    agent: &Agent,
    connection: &Connection,
    ticket: &Ticket<'_>,
    deadline: Deadline,
) -> Result<bool, IpcError> {
    if connection.has_message() {
        return Ok(true);
    }
    let contended = ticket.is_contended();
    let at_most = if contended { LOOK.min(deadline.left()) } else { deadline.left() };
    let timeout = PollTimeout::try_from(i32::try_from(at_most.as_millis() + 1).unwrap_or(i32::MAX))
        .unwrap_or(PollTimeout::MAX);
    let mut fds = [
        PollFd::new(connection.as_fd(), PollFlags::POLLIN),
        PollFd::new(ticket.wake().as_fd(), PollFlags::POLLIN),
    ];
    match poll(&mut fds, timeout) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(std::io::Error::from(errno).into()),
    }
    let [request, news] = fds;
    if news.any() == Some(true) {
        ticket.awake();
    }
    if request.any() == Some(true) {
        return Ok(true);
    }
    if contended {
        agent.arbiter.look_again(agent.sessions.as_ref());
    }
    Ok(false)
}

fn record_refused(agent: &Agent, peer: Peer, begin: &Begin, refused: &Refusal) -> EventId {
    let mut event = outcome::base(agent, begin, None, peer.uid);
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
    let mut event: event::Event = outcome::base(agent, begin, Some(caller), caller.peer.uid);
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
