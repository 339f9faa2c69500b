//! What modules and the command line say and ask of sessions. Answered at once: what takes time is
//! left to the thread.

use std::time::Instant;

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::event::Event;
use wardkey_core::id::Hash;
use wardkey_core::message::agent::Reply;
use wardkey_core::message::session::SessionOpen;
use wardkey_core::name::{LoginName, ServiceName, printable};
use wardkey_core::policy::session::SessionRules;
use wardkey_ipc::Peer;

use super::book::{Book, Proof};
use super::desk::{Act, Note, Now, Opened};
use crate::agent::Agent;
use crate::log;
use crate::login::authorise::{refusal, uid_of};
use crate::login::locker::is_locker;
use crate::random::fresh_id;
use crate::session::{Belongs, Place};

/// The time.
pub fn now(agent: &Agent) -> Now {
    Now { instant: Instant::now(), time: agent.clock.now() }
}

/// What the terminal's scopes say of sessions.
pub fn rules(agent: &Agent) -> SessionRules {
    let view = agent.directory.view();
    SessionRules::strictest(view.terminal_scopes().filter_map(|scope| scope.policy.sessions))
}

/// A session begins.
pub fn open(agent: &Agent, peer: Peer, open: &SessionOpen) -> Reply {
    if !peer.is_root() {
        return Reply::Refused(refusal(Code::NeedsRoot, format!("uid {}", peer.uid)));
    }
    // What su and sudo open within a session is a part of it.
    match agent.sessions.belongs(peer.pid) {
        Belongs::User(_) => return Reply::Recorded(open.login, None),
        Belongs::Session(session) if session.leader != Some(peer.pid) => {
            return Reply::Recorded(open.login, None);
        }
        Belongs::Session(_) | Belongs::Nobody | Belongs::NoLogind => {}
    }
    let now = now(agent);
    let row = Opened {
        id: fresh_id(),
        leader: peer.pid,
        boot: agent.clock.reading().boot_id,
        session: None,
        seat: None,
        account: open.account.clone(),
        person: open.person.clone(),
        key: open.key,
        service: open.service.as_str().to_owned(),
        tty: open.tty.as_deref().map(|tty| printable(tty, 64)),
        started: now.time,
        proven: now.time,
        locked: None,
        is_recorded: false,
    };
    let id = row.id;
    change(agent, |book| book.open(row, now));
    // logind may have its session already.
    agent.presence.tell(super::shared::News::Sessions);
    Reply::Recorded(id, None)
}

/// The session of this process ends.
pub fn close(agent: &Agent, peer: Peer, account: &LoginName) -> Reply {
    if !peer.is_root() {
        return Reply::Refused(refusal(Code::NeedsRoot, format!("uid {}", peer.uid)));
    }
    let now = now(agent);
    change(agent, |book| book.close(peer.pid, Some(account), now));
    Reply::Recorded(fresh_id(), None)
}

/// Who is signed in.
pub fn who(agent: &Agent, peer: Peer) -> Reply {
    let may_see = |account: &LoginName| peer.is_root() || uid_of(account) == Some(peer.uid);
    let sessions = agent.presence.book().who(may_see);
    Reply::Sessions(List::new(sessions).unwrap_or_default())
}

/// Somebody logged in: where that is a locker or a greeter, it may unlock a session.
pub fn logged_in(
    agent: &Agent,
    service: &ServiceName,
    place: &Place,
    event: &Event,
    key: Option<Hash>,
) {
    let (Some(account), Some(person)) = (&event.account, &event.person) else { return };
    if agent.presence.book().is_empty() {
        return;
    }
    let session = match &place.session {
        None => None,
        Some(session) if is_locker(service, place) => Some(session.id.clone()),
        Some(_) => return,
    };
    let proof = Proof { account: account.clone(), person: person.clone(), key, session };
    let now = now(agent);
    agent.presence.book().login(proof, now);
}

/// Lets the rules work and does what follows, one change after the other: what is on disk is never
/// older than what was kept last.
pub fn change(agent: &Agent, work: impl FnOnce(&mut Book) -> Vec<Act>) {
    let mut book = agent.presence.book();
    let acts = work(&mut book);
    perform(agent, acts);
}

/// Does what needs no waiting, and leaves the rest to the thread.
fn perform(agent: &Agent, acts: Vec<Act>) {
    let mut later = Vec::new();
    for act in acts {
        let kept = match act {
            Act::Save(row) => agent.state.keep_session(&row.id, &row),
            Act::Forget(id) => agent.state.forget_session(&id),
            Act::Record(note) => {
                agent.record(vec![event(agent, *note)]);
                Ok(())
            }
            act => {
                later.push(act);
                Ok(())
            }
        };
        // Then a restart of the agent forgets it, and no more.
        if let Err(error) = kept {
            log::warning(format_args!("session is in memory only: {error}"));
        }
    }
    agent.presence.leave(later);
}

fn event(agent: &Agent, note: Note) -> Event {
    let Note { name, outcome, reason, detail, row, is_beginning } = note;
    let mut event = agent.event(name, outcome);
    if is_beginning {
        event.id = row.id;
        event.time = row.started;
    } else {
        event.seconds = Some(event.time.since(row.started));
    }
    event.reason = reason;
    event.detail = detail.map(|detail| printable(&detail, 200));
    event.person = Some(row.person);
    event.account = Some(row.account);
    event.service = Some(row.service);
    event.tty = row.tty;
    event.session = row.session.map(|session| printable(&session, 32));
    event.seat = row.seat.map(|seat| printable(&seat, 32));
    event.key = row.key.map(|key| key.short());
    event
}
