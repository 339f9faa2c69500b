//! Looking at the server's log, and saying what was seen.

use std::sync::Arc;
use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::document::RootDocument;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::TerminalId;
use wardkey_core::message::agent::LogStatus;
use wardkey_core::message::http::{CheckpointReply, CosignatureRequest, witness_name};
use wardkey_core::name::printable;
use wardkey_core::person::Status;
use wardkey_tlog::{Checkpoint, Cosigner, KeyName, Note};

use super::judge::{Judged, judge};
use super::seen::Seen;
use super::{evidence, key};
use crate::agent::Agent;
use crate::error::{AgentError, ServerError};
use crate::lock::lock;
use crate::log;
use crate::store::view::View;
use crate::sync::apply::{apply, request_of};
use crate::sync::upstream::Upstream;

/// How often the log is looked at.
const EVERY: Duration = Duration::from_secs(300);
/// How often what is seen becomes a record, and the same contradiction another one.
const RECORDED: Duration = Duration::from_secs(3600);

/// Looks at the log when that is due. What goes wrong concerns nobody but the witness.
pub fn when_due(agent: &Agent, upstream: &dyn Upstream) {
    if !agent.is_due("log", EVERY) {
        return;
    }
    if let Err(error) = look(agent, upstream)
        && agent.is_due("log error", RECORDED)
    {
        log::warning(format_args!("the server's log of records was not witnessed: {error}"));
    }
}

/// Looks at the log once.
///
/// # Errors
/// [`AgentError`] when the server does not answer, or something cannot be kept. A contradiction is
/// no error: it is recorded.
pub fn look(agent: &Agent, upstream: &dyn Upstream) -> Result<(), AgentError> {
    let _one_at_a_time = lock(&agent.witnessing);
    let view = agent.directory.view();
    let (Some(root), Some(epoch)) = (view.root.as_deref(), epoch(&view)) else { return Ok(()) };
    let is_active =
        view.terminal.as_ref().is_some_and(|terminal| terminal.status == Status::Active);
    if !is_active {
        return Ok(());
    }
    let seen = Seen::read(&agent.state, &root.deployment)?;
    let since = seen.as_ref().and_then(Seen::checkpoint).map_or(0, |seen| seen.size());
    let shown = match upstream.checkpoint(since) {
        // An older server keeps no such log, or has not signed it yet.
        Err(ServerError::Refused { status: 404, .. }) => return Ok(()),
        shown => shown?,
    };

    let mut epoch = epoch;
    let mut judged = judge(seen.as_ref(), &shown, root, epoch);
    if matches!(judged, Judged::Contradicts(Code::LogRenamed | Code::LogHistoryUnsigned)) {
        // It may have been restored, or got another key, a moment ago.
        let view = match refreshed(agent, upstream) {
            Err(error @ AgentError::Server(_)) => return Err(error),
            // What was right in it is kept: the root document, for one.
            Err(_) => agent.directory.view(),
            Ok(view) => view,
        };
        epoch = self::epoch(&view).unwrap_or(epoch);
        judged = judge(seen.as_ref(), &shown, view.root.as_deref().unwrap_or(root), epoch);
    }
    let kept = |note: &Note| {
        Ok::<_, AgentError>(Seen {
            deployment: root.deployment,
            epoch,
            note: Bytes::new(note.to_string().into_bytes())?,
            time: agent.clock.now(),
            cosigned: false,
        })
    };
    let seen = match (judged, seen) {
        (Judged::Contradicts(code), seen) => {
            return contradicted(agent, code, (seen.as_ref(), &shown));
        }
        (Judged::Same, Some(seen)) => Seen { epoch, time: agent.clock.now(), ..seen },
        (Judged::Grown(note, checkpoint), _) => {
            note_seen(agent, &checkpoint);
            kept(&note)?
        }
        (Judged::Anew(note, checkpoint), seen) => {
            let before = seen.as_ref().and_then(Seen::checkpoint);
            note_anew(agent, before.as_ref(), &checkpoint);
            kept(&note)?
        }
        // What was seen is the same as nothing: it never is.
        (Judged::Same, None) => return Ok(()),
    };
    // Before anybody else hears of it: what was signed must not be forgotten.
    seen.write(&agent.state)?;
    if seen.cosigned {
        return Ok(());
    }
    cosign(agent, upstream, &view, &seen)?;
    Seen { cosigned: true, ..seen }.write(&agent.state)
}

/// The greatest epoch of the terminal's scopes; none before they are here.
fn epoch(view: &View) -> Option<u64> {
    view.terminal_scopes().map(|scope| scope.head.epoch).max()
}

/// What the server has to say now.
fn refreshed(agent: &Agent, upstream: &dyn Upstream) -> Result<Arc<View>, AgentError> {
    let asked = request_of(agent, 0, false);
    let reply = upstream.wait(&asked)?;
    apply(agent, upstream, &asked, reply, false)?;
    Ok(agent.directory.view())
}

/// Says to the server that this was seen.
fn cosign(
    agent: &Agent,
    upstream: &dyn Upstream,
    view: &View,
    seen: &Seen,
) -> Result<(), AgentError> {
    let (Some(identity), Some(root)) = (agent.identity(), &view.root) else { return Ok(()) };
    let key = key::read(&agent.config.state_dir, key_name(root, &identity.terminal)?)?;
    let mut note = Note::parse(seen.note.as_slice())
        .map_err(|_| ServerError::Malformed("the checkpoint that was seen".into()))?;
    let signature = note.cosign(&key, agent.clock.now().0);
    note.add(signature);
    upstream.cosignature(&CosignatureRequest {
        key: key.verifier().to_string(),
        checkpoint: note.to_string(),
    })?;
    Ok(())
}

fn contradicted(
    agent: &Agent,
    code: Code,
    (seen, shown): (Option<&Seen>, &CheckpointReply),
) -> Result<(), AgentError> {
    let kept = evidence::keep(&agent.config.state_dir, code, (seen, shown), agent.clock.now());
    if agent.is_due(&format!("log {code}"), RECORDED) {
        let before = seen.and_then(Seen::checkpoint);
        let shown = Note::parse(shown.checkpoint.as_bytes()).ok();
        let shown = shown.and_then(|note| Checkpoint::parse(note.unverified()).ok());
        let detail = format!("seen: {}; shown: {}", said(before.as_ref()), said(shown.as_ref()));
        log::warning(format_args!("the server's log of records contradicts itself: {detail}"));
        let mut event = agent.event(EventName::LogContradicted, Outcome::Failure);
        event.reason = Some(code);
        event.detail = Some(printable(&detail, 300));
        agent.record(vec![event]);
    }
    kept
}

/// A head in a record: size and root, then the log's name.
fn said(head: Option<&Checkpoint>) -> String {
    head.map_or_else(
        || "none".to_owned(),
        |head| format!("{} {} {}", head.size(), head.root(), head.origin()),
    )
}

/// Another log, as a restore begins one.
fn note_anew(agent: &Agent, before: Option<&Checkpoint>, after: &Checkpoint) {
    let mut event = agent.event(EventName::LogContradicted, Outcome::Success);
    event.reason = Some(Code::LogBegunAnew);
    event.detail = Some(printable(&format!("{}; now {}", said(before), said(Some(after))), 300));
    agent.record(vec![event]);
}

/// Where records of terminals come together, heads of two histories stand beside each other.
fn note_seen(agent: &Agent, head: &Checkpoint) {
    if agent.is_due("log seen", RECORDED) {
        let mut event = agent.event(EventName::Synced, Outcome::Success);
        event.detail = Some(printable(&format!("log {}", said(Some(head))), 300));
        agent.record(vec![event]);
    }
}

/// The key by which this terminal cosigns, if it has one.
fn own_key(agent: &Agent, view: &View) -> Result<Option<Cosigner>, AgentError> {
    let (Some(identity), Some(root)) = (agent.identity(), &view.root) else { return Ok(None) };
    key::known(&agent.config.state_dir, key_name(root, &identity.terminal)?)
}

fn key_name(root: &RootDocument, terminal: &TerminalId) -> Result<KeyName, ServerError> {
    KeyName::new(witness_name(&root.rp_id, terminal))
        .map_err(|_| ServerError::Malformed("the name of the witness key".into()))
}

/// What was seen of the log, for `wardkey status`; none before anything was.
pub fn status(agent: &Agent) -> Option<LogStatus> {
    let is_contradicted = evidence::is_there(&agent.config.state_dir);
    let view = agent.directory.view();
    let seen = view.root.as_ref().and_then(|root| {
        let seen = Seen::read(&agent.state, &root.deployment).ok().flatten()?;
        let size = seen.checkpoint()?.size();
        Some((size, seen.time))
    });
    let (size, time) = seen.unzip();
    let key = own_key(agent, &view).ok().flatten().map(|key| key.verifier().to_string());
    (is_contradicted || size.is_some()).then_some(LogStatus { size, time, is_contradicted, key })
}
