//! What terminals take: root documents, heads, changes, policies.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use tokio::time::Instant;
use wardkey_core::capability;
use wardkey_core::document::{MAX_SCOPES, Position};
use wardkey_core::id::Hash;
use wardkey_core::message::http::{
    Base64, Change, ChangesReply, PolicyReply, RootJson, RootReply, ScopeChanges, ScopeState,
    WaitReply, WaitRequest,
};
use wardkey_core::name::ScopeName;

use super::app::{App, Shared};
use super::body::Body;
use super::peer::{ActiveTerminal, Anyone, KnownTerminal};
use super::reply::{Answer, ErrorResponse};
use crate::publish::{self, ShownTerminal};
use crate::store::scope;
use crate::store::state::StateRow;
use crate::store::terminal::TerminalStatus;

/// Longest time in seconds that a request is held.
const MAX_HOLD: u64 = 55;

/// `GET /v1/root`
pub async fn root(State(app): Shared, _: Anyone) -> Json<RootReply> {
    Json(RootReply {
        roots: app.publisher.keys().roots().iter().map(RootJson::from).collect(),
        time: app.clock.now().0,
    })
}

/// `POST /v1/wait`
pub async fn wait(
    State(app): Shared,
    known: KnownTerminal,
    Body(request): Body<WaitRequest, 16_384>,
) -> Answer<WaitReply> {
    let at_terminal = parse(&request.scopes)?;
    if let Some(program) = &request.program {
        if !program.is_valid() {
            return Err(ErrorResponse::invalid("program: too long, or not printable"));
        }
        app.seen.note_program(known.terminal.id, program);
    }
    let own = |(scope, position, ..): &ScopeAtTerminal| {
        known.terminal.scopes.contains(scope).then(|| (scope.clone(), *position))
    };
    app.seen.note_positions(known.terminal.id, at_terminal.iter().filter_map(own).collect());
    let newest = app.publisher.keys().root().version;
    app.seen.note_root(known.terminal.id, request.root_version.min(newest));
    let _waiting = app.counters.wait();
    for (state, (scope, position, root, _)) in request.scopes.iter().zip(&at_terminal) {
        let Some(signed) = &state.head else { continue };
        if known.terminal.status == TerminalStatus::Active && known.terminal.scopes.contains(scope)
        {
            let claim = (*position, *root);
            app.publisher.compare(&known.terminal.id, scope, claim, &signed.0).await?;
        }
    }
    // One who does not wait wants to know what is true now, not what was published last.
    if request.hold == 0 {
        app.refresh().await?;
    }
    let until = Instant::now() + Duration::from_secs(request.hold.min(MAX_HOLD));
    let mut news = app.publisher.subscribe(&known.terminal.id);
    let mut stop = app.stop.clone();
    loop {
        news.borrow_and_update();
        // As it is known now: it may have been revoked or approved while the request was held.
        let terminal = app
            .publisher
            .terminal(&known.terminal.id)
            .unwrap_or_else(|| Arc::clone(&known.terminal));
        // Replaced while the request was held: whoever holds it has no part in what is new.
        if let Some(error) = app.publisher.refusal(&terminal, &known.certificate) {
            return Err(error.into());
        }
        let (reply, renewal) = what_is_new(&app, &terminal, &request, &at_terminal)?;
        // A revoked terminal that has had the document that says so is refused whether it waits or
        // not: an empty answer would be a success, after which it asks again at once.
        if terminal.status == TerminalStatus::Revoked && is_empty(&reply) {
            let revoked = KnownTerminal { terminal, certificate: known.certificate };
            return revoked.must_be_active().map(|()| Json(reply));
        }
        if !is_empty(&reply) || Instant::now() >= until || *stop.borrow() {
            return Ok(Json(reply));
        }
        tokio::select! {
            _ = news.changed() => {}
            _ = stop.changed() => {}
            () = tokio::time::sleep_until(until.min(Instant::now() + renewal)) => {}
        }
    }
}

type ScopeAtTerminal = (ScopeName, Position, Hash, u64);

fn parse(scopes: &[ScopeState]) -> Result<Vec<ScopeAtTerminal>, ErrorResponse> {
    if scopes.len() > MAX_SCOPES {
        return Err(ErrorResponse::invalid(format!("scopes: at most {MAX_SCOPES}")));
    }
    let parse = |state: &ScopeState| {
        let scope = ScopeName::new(state.scope.as_str())
            .map_err(|error| ErrorResponse::invalid(error.to_string()))?;
        let root = Hash::from_slice(&state.root.0)
            .map_err(|_| ErrorResponse::invalid("root: 32 bytes"))?;
        Ok((scope, Position { epoch: state.epoch, seq: state.seq }, root, state.issued))
    };
    scopes.iter().map(parse).collect()
}

/// What the terminal lacks, and how long its document stays as it is.
fn what_is_new(
    app: &App,
    terminal: &ShownTerminal,
    request: &WaitRequest,
    at_terminal: &[ScopeAtTerminal],
) -> Result<(WaitReply, Duration), ErrorResponse> {
    let mut reply = WaitReply { time: app.clock.now().0, ..WaitReply::default() };
    // What is said is of the same keys, or the terminal could verify only a part of it.
    let _steady = app.publisher.hold_keys();
    let keys = app.publisher.keys();
    reply.roots = keys.after(request.root_version).iter().map(RootJson::from).collect();
    // What it has may be signed by a key that the next root document no longer names.
    let signs_anew = !reply.roots.is_empty();
    let (document, issued) = app.publisher.terminal_document(terminal)?;
    let has_document =
        request.terminal_number == terminal.number && request.terminal_issued >= issued.0;
    if signs_anew || !has_document {
        reply.terminal = Some(Base64(document.to_vec()));
    }
    let can = |what: &str| {
        request.program.as_ref().is_some_and(|program| program.can.iter().any(|can| can == what))
    };
    let takes_changes = can(capability::CHANGES_IN_WAIT);
    if can(capability::SERVER_ADDRESSES) && terminal.status == TerminalStatus::Active {
        // What it names is of its root document.
        let has = request.addresses.filter(|_| !signs_anew);
        let signed = app.publisher.signed_addresses(has)?;
        reply.addresses = signed.map(|signed| Base64(signed.to_vec()));
    }
    if terminal.status == TerminalStatus::Active {
        let shown = app.publisher.shown_to(terminal);
        let mut halted = None;
        for (name, shown) in &shown {
            if let Some(why) = &shown.halted {
                halted = Some(publish::halted(name, why));
                continue;
            }
            let has = at_terminal.iter().find(|(scope, ..)| scope == name);
            let same = has.is_some_and(|(_, position, root, issued)| {
                *position == shown.head.position()
                    && *root == shown.head.root
                    && *issued >= shown.head.issued.0
            });
            if same && !signs_anew {
                continue;
            }
            reply.heads.push(Base64(shown.signed.to_vec()));
            if takes_changes && let Some((_, position, ..)) = has {
                reply.changes.extend(small_change(name, shown, *position));
            }
        }
        let all_halted = shown.iter().all(|(_, shown)| shown.halted.is_some());
        if let Some(error) = halted.filter(|_| all_halted && is_empty(&reply)) {
            return Err(error.into());
        }
    }
    let half = (app.config.head_seconds / 2).max(1);
    let left = half.saturating_sub(app.publisher.time().since(issued)).max(1);
    Ok((reply, Duration::from_secs(left)))
}

/// All that leads from a position to the head that is shown, where that is little.
fn small_change(name: &ScopeName, shown: &publish::Shown, from: Position) -> Option<ScopeChanges> {
    if from.epoch != shown.head.epoch || from.seq >= shown.head.seq {
        return None;
    }
    let rows = shown.recent.following(from.seq)?;
    Some(ScopeChanges {
        scope: name.as_str().to_owned(),
        since: from.seq,
        changes: rows.cloned().map(change).collect(),
    })
}

fn change(row: StateRow) -> Change {
    Change { seq: row.seq, login: row.login, record: row.record.map(Base64) }
}

const fn is_empty(reply: &WaitReply) -> bool {
    reply.roots.is_empty()
        && reply.terminal.is_none()
        && reply.heads.is_empty()
        && reply.addresses.is_none()
}

/// The query of `/v1/scopes/{scope}/changes`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// Changes after this sequence; 0 is the whole state.
    since: u64,
}

/// `GET /v1/scopes/{scope}/changes?since=SEQ`
pub async fn changes(
    State(app): Shared,
    ActiveTerminal(known): ActiveTerminal,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<Since>, QueryRejection>,
) -> Answer<ChangesReply> {
    let Query(Since { since }) =
        query.map_err(|_| ErrorResponse::invalid("the query is since=NUMBER and nothing else"))?;
    let scope = path.ok().and_then(|Path(name)| ScopeName::new(name).ok());
    let scope = scope
        .filter(|scope| known.terminal.scopes.contains(scope))
        .ok_or_else(not_this_terminals)?;
    let page = app.publisher.changes(&scope, since).await?;
    let next = if page.more { page.rows.last().map(|row| row.seq) } else { None };
    Ok(Json(ChangesReply {
        head: Base64(page.head.to_vec()),
        changes: page.rows.into_iter().map(change).collect(),
        next,
    }))
}

/// `GET /v1/policies/{hash}`
pub async fn policy(
    State(app): Shared,
    ActiveTerminal(known): ActiveTerminal,
    path: Result<Path<String>, PathRejection>,
) -> Answer<PolicyReply> {
    let hash = path
        .ok()
        .and_then(|Path(hash)| Hash::from_hex(&hash).ok())
        .ok_or_else(not_this_terminals)?;
    let found = scope::policy_bytes(&mut *app.store.read().await?, &hash).await?;
    let allowed = |scope: &str| known.terminal.scopes.iter().any(|own| own.as_str() == scope);
    let (_, document) = found.filter(|(scope, _)| allowed(scope)).ok_or_else(not_this_terminals)?;
    Ok(Json(PolicyReply { policy: Base64(document) }))
}

/// The same words for what is not there and for what is another terminal's.
fn not_this_terminals() -> ErrorResponse {
    crate::error::Error::not_found("this scope or policy").into()
}
