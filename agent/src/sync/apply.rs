//! Verifies what the server sends. The directory changes only when the computed state is the signed
//! one.

use std::sync::Arc;

use wardkey_core::capability;
use wardkey_core::code::{Code, Denial};
use wardkey_core::codec::List;
use wardkey_core::document::{Head, RootDocument, SignedRoot};
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::message::http::{
    Base64, Change, ChangesReply, Program, ScopeChanges, ScopeState, WaitReply, WaitRequest,
};
use wardkey_core::name::LoginName;
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::sign::Verified;
use wardkey_core::snapshot::{verify_head, verify_policy, verify_roots, verify_terminal};

use crate::agent::Agent;
use crate::error::{AgentError, ServerError};
use crate::lock::lock;
use crate::store::update::{ScopeUpdate, Update};
use crate::store::view::{ScopeView, View};
use crate::sync::addresses;
use crate::sync::upstream::Upstream;

/// Pages of one transfer: a million people and room to spare.
const MAX_PAGES: u32 = 4096;

/// The request of a terminal for news: it says what this terminal has.
pub fn request_of(agent: &Agent, hold: u64, refetch: bool) -> WaitRequest {
    let view = agent.directory.view();
    let addresses = addresses::number(agent.identity().as_deref(), view.root.as_deref());
    WaitRequest { addresses, ..request(&view, hold, refetch) }
}

/// The same of one that was told no addresses.
pub fn request(view: &View, hold: u64, refetch: bool) -> WaitRequest {
    let scopes = view.scopes.iter().filter(|_| !refetch).map(|scope| ScopeState {
        scope: scope.head.scope.as_str().to_owned(),
        epoch: scope.head.epoch,
        seq: scope.head.seq,
        root: Base64(scope.head.root.as_bytes().to_vec()),
        issued: scope.head.issued.0,
        head: Some(Base64(scope.row.head.as_slice().to_vec())),
    });
    WaitRequest {
        scopes: scopes.collect(),
        root_version: view.root.as_ref().map_or(0, |root| root.version),
        terminal_number: view.terminal.as_ref().map_or(0, |terminal| terminal.number),
        terminal_issued: view.terminal.as_ref().map_or(0, |terminal| terminal.issued.0),
        hold,
        program: Some(Program {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            can: capability::ALL.map(str::to_owned).to_vec(),
        }),
        addresses: None,
    }
}

/// Applies an answer to `asked`. Says whether anything is new.
///
/// # Errors
/// The first of the errors; what was good in the answer is applied all the same.
pub fn apply(
    agent: &Agent,
    upstream: &dyn Upstream,
    asked: &WaitRequest,
    reply: WaitReply,
    refetch: bool,
) -> Result<bool, AgentError> {
    let _one_at_a_time = lock(&agent.applying);
    // While this answer was under way another one may have been applied: what was new then looks
    // like a rollback now. The server is asked again.
    let now = request_of(agent, asked.hold, refetch);
    let has = |request: &WaitRequest| {
        (request.root_version, request.terminal_number, request.terminal_issued)
    };
    if now.scopes != asked.scopes || has(&now) != has(asked) {
        return Ok(true);
    }
    let mut fresh = apply_roots(agent, &reply)?;
    fresh |= apply_terminal(agent, &reply)?;
    let mut failed = None;
    match addresses::apply(agent, upstream, &reply) {
        Ok(Some(number)) => {
            note(agent, format!("addresses {number}"));
            fresh = true;
        }
        Ok(None) => {}
        Err(error) => failed = Some(error),
    }
    let mut changes = reply.changes;
    for signed in reply.heads {
        match apply_head(agent, upstream, (&signed.0, &mut changes), refetch) {
            Ok(new) => fresh |= new,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    agent.raise_marks()?;
    failed.map_or(Ok(fresh), Err)
}

/// Takes new root documents, and in the same transaction what their keys have signed again of what
/// is here: whoever logs in meanwhile, and whoever starts after a power cut, finds documents that
/// hold under the root document beside them.
fn apply_roots(agent: &Agent, reply: &WaitReply) -> Result<bool, AgentError> {
    if reply.roots.is_empty() {
        return Ok(false);
    }
    let view = agent.directory.view();
    let invalid = |error: &dyn std::fmt::Display| Denial::new(Code::RootInvalid, error);
    let (Some(_), Some(anchor)) = (&view.root, agent.anchor()) else {
        return Err(invalid(&"no root document to follow").into());
    };
    let mut roots = view.roots.to_vec();
    for next in &reply.roots {
        roots.push(SignedRoot::try_from(next.clone())?);
    }
    // By the marks too: a directory that was put back alone shows less than this terminal has seen.
    let root = verify_roots(&roots, &anchor.root_key, &agent.marks())?;
    let version = root.version;
    agent.directory.update(|update| {
        update.roots(List::new(roots)?, root.clone())?;
        signed_again(agent, update, &root, reply)
    })?;
    note(agent, format!("root {version}"));
    Ok(true)
}

/// Takes from an answer what says what is here already, signed again. What is wrong in it is left
/// to whoever takes the rest, and reports it.
fn signed_again(
    agent: &Agent,
    update: &mut Update<'_>,
    root: &RootDocument,
    reply: &WaitReply,
) -> Result<(), AgentError> {
    let (marks, Some(anchor)) = (agent.marks(), agent.anchor()) else { return Ok(()) };
    if let (Some(signed), Some(known)) = (&reply.terminal, update.view().terminal.clone())
        && let Ok(document) = verify_terminal(&signed.0, root, &anchor, &marks)
        && (&document.scopes, document.status) == (&known.scopes, known.status)
    {
        update.terminal(&signed.0, document)?;
    }
    for signed in &reply.heads {
        let Ok(head) = verify_head(&signed.0, root, &marks) else { continue };
        let known = update.view().scope(&head.scope).cloned();
        if let Some(known) = known.filter(|known| is_same_state(known, &head)) {
            put_head(update, &known, &signed.0, head)?;
        }
    }
    Ok(())
}

fn apply_terminal(agent: &Agent, reply: &WaitReply) -> Result<bool, AgentError> {
    let Some(signed) = &reply.terminal else { return Ok(false) };
    let view = agent.directory.view();
    let (Some(root), Some(anchor)) = (&view.root, agent.anchor()) else { return Ok(false) };
    let document = verify_terminal(&signed.0, root, &anchor, &agent.marks())?;
    let is_older = view
        .terminal
        .as_ref()
        .is_some_and(|known| (document.number, document.issued) <= (known.number, known.issued));
    if is_older {
        return Ok(false);
    }
    let changed = view.terminal.as_ref().is_none_or(|known| known.number != document.number);
    let text = format!("terminal {} {:?}", document.number, document.status).to_lowercase();
    agent.directory.update(|update| update.terminal(&signed.0, document))?;
    if changed {
        note(agent, text);
    }
    Ok(true)
}

/// Whether a head names the very state and policy that are here: it needs no transfer, also in
/// another epoch. The root over all people is what both were checked against.
fn is_same_state(known: &ScopeView, head: &Head) -> bool {
    (known.head.root, known.head.count, known.head.policy) == (head.root, head.count, head.policy)
}

/// Takes another head of what is here.
fn put_head(
    update: &mut Update<'_>,
    known: &ScopeView,
    signed: &[u8],
    head: Verified<Head>,
) -> Result<(), AgentError> {
    let scope = update.scope(&head.scope, false)?;
    let policy = (known.row.policy.as_slice(), Arc::clone(&known.policy));
    update.finish(scope, signed, head, policy)
}

fn apply_head(
    agent: &Agent,
    upstream: &dyn Upstream,
    (signed, changes): (&[u8], &mut Vec<ScopeChanges>),
    refetch: bool,
) -> Result<bool, AgentError> {
    let view = agent.directory.view();
    let root =
        view.root.as_ref().ok_or_else(|| Denial::new(Code::RootInvalid, "no root document"))?;
    let head = verify_head(signed, root, &agent.marks())?;
    if !view.terminal.as_ref().is_some_and(|terminal| terminal.scopes.contains(&head.scope)) {
        return Err(Denial::new(
            Code::ScopesIncomplete,
            format!("scope {} is not this terminal's", head.scope),
        )
        .into());
    }
    let known = view.scope(&head.scope);
    if let Some(known) = known.filter(|known| !refetch && is_same_state(known, &head)) {
        // Signed again, also in another epoch. The marks made sure that it is not behind what is
        // here.
        if (head.position(), head.issued) <= (known.head.position(), known.head.issued) {
            return Ok(false);
        }
        let (position, is_at) = (head.position(), known.head.position());
        let text = format!("{} {position} {} people", head.scope, head.count);
        agent.directory.update(|update| put_head(update, known, signed, head))?;
        if position != is_at {
            note(agent, text);
        }
        return Ok(true);
    }
    let full = refetch || known.is_none_or(|known| known.head.epoch != head.epoch);
    // Little has changed: it came along with the head.
    let page = known
        .filter(|_| !full)
        .and_then(|known| take_out(changes, &head, known.head.seq))
        .map(|changes| ChangesReply { head: Base64(signed.to_vec()), changes, next: None });
    let came_along = page.is_some();
    let mut result = transfer(agent, upstream, &head, (full, page));
    if came_along && result.is_err() {
        result = transfer(agent, upstream, &head, (full, None));
    }
    if !full
        && matches!(&result, Err(AgentError::Denied(denial)) if denial.code == Code::ProofInvalid)
    {
        result = transfer(agent, upstream, &head, (true, None));
    }
    let applied = result?;
    note(agent, format!("{} {} {} people", applied.scope, applied.position(), applied.count));
    Ok(true)
}

/// The changes of a head's scope that follow on a sequence, out of those that came along.
fn take_out(changes: &mut Vec<ScopeChanges>, head: &Head, since: u64) -> Option<Vec<Change>> {
    let place = changes
        .iter()
        .position(|changes| changes.scope == head.scope.as_str() && changes.since == since)?;
    Some(changes.swap_remove(place).changes)
}

/// Fetches changes, or everything, and takes them if they give the state that a head signs. `first`
/// is the first page of changes where it is here already.
fn transfer(
    agent: &Agent,
    upstream: &dyn Upstream,
    wanted: &Head,
    (full, mut first): (bool, Option<ChangesReply>),
) -> Result<Verified<Head>, AgentError> {
    let view = agent.directory.view();
    let known = view.scope(&wanted.scope);
    let root =
        view.root.as_ref().ok_or_else(|| Denial::new(Code::RootInvalid, "no root document"))?;
    agent.directory.update(|update: &mut Update<'_>| {
        let mut scope = update.scope(&wanted.scope, full)?;
        let mut since = known.filter(|_| !full).map_or(0, |known| known.head.seq);
        let mut last = None;
        for _ in 0..MAX_PAGES {
            let page = match first.take() {
                Some(page) => page,
                None => upstream.changes(&wanted.scope, since)?,
            };
            let next = page.next;
            take_page(&mut scope, &page, since)?;
            last = Some(page.head.0);
            match next {
                None => break,
                Some(next) if next > since => since = next,
                Some(_) => {
                    return Err(ServerError::Malformed("pages do not go forward".into()).into());
                }
            }
        }
        let signed = last.ok_or_else(|| ServerError::Malformed("no page".into()))?;
        let head = verify_head(&signed, root, &agent.marks())?;
        if head.scope != wanted.scope || head.position() < wanted.position() {
            let detail = format!(
                "{} at {} instead of {} at {}",
                head.scope,
                head.position(),
                wanted.scope,
                wanted.position()
            );
            return Err(Denial::new(Code::HeadInvalid, detail).into());
        }
        let (computed, count) = scope.state()?;
        if computed != head.root || count != head.count {
            let detail =
                format!("{} at {}: state root or count differs", head.scope, head.position());
            return Err(Denial::new(Code::ProofInvalid, detail).into());
        }
        let (bytes, policy) = policy(upstream, known.map(|known| &known.row.policy), &head)?;
        update.finish(scope, &signed, head.clone(), (&bytes, policy))?;
        Ok(head)
    })
}

fn take_page(
    scope: &mut ScopeUpdate<'_>,
    page: &ChangesReply,
    since: u64,
) -> Result<(), AgentError> {
    let mut last = since;
    for change in &page.changes {
        if change.seq <= since || change.seq < last {
            return Err(ServerError::Malformed("changes are not in order".into()).into());
        }
        last = change.seq;
        let login = LoginName::new(change.login.as_str())
            .map_err(|error| ServerError::Malformed(error.into()))?;
        let record = change.record.as_ref().map(|record| record.0.as_slice());
        scope.change(&login, record).map_err(|error| match error {
            // With a malformed record the state cannot be the signed one.
            AgentError::Codec(error) => Denial::new(Code::ProofInvalid, error).into(),
            error => error,
        })?;
    }
    Ok(())
}

fn policy(
    upstream: &dyn Upstream,
    known: Option<&wardkey_core::codec::Bytes<{ 64 * 1024 }>>,
    head: &Head,
) -> Result<(Vec<u8>, Arc<PolicyDocument>), AgentError> {
    let bytes =
        match known.filter(|bytes| wardkey_core::codec::sha256(bytes.as_slice()) == head.policy) {
            Some(bytes) => bytes.as_slice().to_vec(),
            None => upstream.policy(&head.policy)?,
        };
    let policy = verify_policy(&bytes, head)?;
    Ok((bytes, Arc::new(policy)))
}

fn note(agent: &Agent, what: String) {
    let mut event = agent.event(EventName::Synced, Outcome::Success);
    event.detail = Some(what);
    agent.record(vec![event]);
}
