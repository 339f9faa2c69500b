//! Events come in: decoded strictly, stored once, their evidence verified again; at most so many a
//! minute and so much a day of one terminal.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use wardkey_core::client_data::ClientData;
use wardkey_core::code::Code;
use wardkey_core::codec::{self, Document as _, sha256};
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{EventId, TerminalId};
use wardkey_core::message::http::{Base64, EventsReply, EventsRequest, RefusedEvent};
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::time::UnixTime;

use super::body::Body;
use super::limit::Counted;
use super::peer::{ActiveTerminal, KnownTerminal};
use super::reply::{Answer, Refusal};
use super::{App, Shared};
use crate::error::Result;
use crate::store::audit::{self, Act, Actor};
use crate::store::credential::{self, Credential};
use crate::store::event::{self, Stored, Verdict};
use crate::store::{Tx, intake, person};

/// Events in one request.
const MAX_EVENTS: usize = 256;
/// 256 of the longest events, as base64, with what JSON adds.
const MAX_BODY: usize = 6 * 1024 * 1024;

/// The longest pause in seconds that is asked for: somebody may raise the quota meanwhile.
const LONGEST_PAUSE: u64 = 3600;

/// Seconds between a login's signed time and its record: challenge, touch, and two readings of a clock.
const RECORDED_WITHIN: u64 = 300;

/// `POST /v1/events`
pub async fn take(State(app): Shared, Sent { known, request }: Sent) -> Answer<EventsReply> {
    if request.events.len() > MAX_EVENTS {
        return Err(Refusal::invalid(format!("events: at most {MAX_EVENTS}")));
    }
    let terminal = known.terminal.id;
    // What is over the rate or the quota stays with the terminal, unacknowledged, and comes again.
    let wanted = request.events.len();
    let now_taken = match wanted {
        0 | 1 => wanted,
        // One was taken before the body.
        more => 1 + app.allowed(&terminal, more - 1).unwrap_or(0),
    };

    let mut reply = EventsReply { accepted: Vec::new(), refused: Vec::new() };
    let mut tx = app.store.write().await?;
    known.still_active(&mut tx).await?;
    let mut quota = Quota::read(&app, &mut tx, &terminal).await?;
    let mut aside = SetAside::default();
    for Base64(bytes) in request.events.iter().take(now_taken) {
        let (names, reason) = match Incoming::decode(bytes, &terminal) {
            Ok(incoming) => match app.store_event(&mut tx, &incoming, bytes, &terminal, &mut quota).await? {
                Some(Stored::New | Stored::Known) => {
                    reply.accepted.push(Base64(incoming.id.as_bytes().to_vec()));
                    continue;
                }
                Some(Stored::Conflict) => (vec![incoming.id], "another event has this id".to_owned()),
                None => continue,
            },
            Err(refused) => refused,
        };
        if aside.take(&mut tx, bytes, &terminal, (&reason, &mut quota)).await? {
            reply.refused.extend(names.into_iter().map(|id| refused(id, &reason)));
        }
    }
    aside.record(&mut tx, &terminal, quota.now).await?;
    quota.write(&app, &mut tx, &terminal).await?;
    tx.commit().await.map_err(crate::error::Error::from)?;

    if quota.is_full && reply.accepted.is_empty() && reply.refused.is_empty() {
        return Err(Refusal::too_many(quota.seconds_left().min(LONGEST_PAUSE)).coded(Code::EventQuota));
    }
    Ok(Json(reply))
}

/// A batch of events from a terminal that may come, within its rate.
pub struct Sent {
    known: KnownTerminal,
    request: EventsRequest,
}

impl FromRequest<Arc<App>> for Sent {
    type Rejection = Refusal;

    /// One event is taken from the allowance before the body is looked at: it is the longest that there is.
    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let ActiveTerminal(known) = ActiveTerminal::from_request_parts(&mut parts, app).await?;
        app.allowed(&known.terminal.id, 1)?;
        let Body(request) =
            Body::<EventsRequest, MAX_BODY>::from_request(Request::from_parts(parts, body), app).await?;
        Ok(Self { known, request })
    }
}

/// How much a terminal may still store today.
struct Quota {
    now: UnixTime,
    left: u64,
    events: u64,
    bytes: u64,
    is_full: bool,
}

impl Quota {
    async fn read(app: &App, tx: &mut Tx, terminal: &TerminalId) -> Result<Self> {
        let now = app.clock.now();
        let most = u64::from(app.config.limits.event_megabytes) * 1_000_000;
        let left = most.saturating_sub(intake::bytes(tx, terminal, intake::day(now)).await?);
        Ok(Self { now, left, events: 0, bytes: 0, is_full: false })
    }

    /// Takes room for a document of this length; false when there is none.
    fn take(&mut self, document: usize) -> bool {
        let bytes = intake::BESIDE.saturating_add(document as u64);
        if bytes > self.left {
            self.is_full = true;
            return false;
        }
        self.left -= bytes;
        self.bytes += bytes;
        self.events += 1;
        true
    }

    /// Counts what was stored; the first time in a day that it was too much, that is recorded.
    async fn write(&self, app: &App, tx: &mut Tx, terminal: &TerminalId) -> Result<()> {
        let day = intake::day(self.now);
        if self.events > 0 {
            intake::add(tx, terminal, day, (self.events, self.bytes)).await?;
        }
        if self.is_full && intake::note(tx, terminal, day).await? {
            let most = app.config.limits.event_megabytes;
            tracing::warn!(code = %Code::EventQuota, %terminal, megabytes = most, "a terminal has sent its records of a day");
            let (id, detail) = (terminal.to_hex(), format!("{most} MB of records today; the rest waits there"));
            let act = Act::new("terminal.quota", &id).with(&detail);
            audit::record(tx, self.now, &Actor::server(), act).await?;
        }
        Ok(())
    }

    const fn seconds_left(&self) -> u64 {
        86_400 - self.now.0 % 86_400
    }
}

fn refused(id: EventId, reason: &str) -> RefusedEvent {
    RefusedEvent { id: Base64(id.as_bytes().to_vec()), reason: reason.to_owned() }
}

struct Incoming {
    id: EventId,
    event: Event,
}

impl Incoming {
    /// An event of this terminal; else why it is not taken, and what it is called in the answer: one
    /// that cannot be read by every name that a terminal of whatever version may know it by.
    fn decode(bytes: &[u8], terminal: &TerminalId) -> Result<Self, (Vec<EventId>, String)> {
        let event: Event =
            codec::from_bytes(bytes).map_err(|error| (Event::names(bytes).collect(), error.to_string()))?;
        // What an agent recorded before it joined names no terminal; a login always does.
        let before_joining = event.terminal.is_none() && event.evidence.is_none() && event.name != EventName::Login;
        if event.terminal != Some(*terminal) && !before_joining {
            return Err((vec![event.id], "the event is of another terminal".into()));
        }
        Ok(Self { id: event.id, event })
    }
}

/// What a batch held that is not taken: kept as it came, and told once for the batch. A server that is
/// older than its agents would else lose what it cannot read, or be sent it for ever.
#[derive(Default)]
struct SetAside {
    count: usize,
    first: Option<String>,
}

impl SetAside {
    /// Keeps the bytes; false when there is no room for them today, so that they come again.
    async fn take(
        &mut self,
        tx: &mut Tx,
        bytes: &[u8],
        terminal: &TerminalId,
        (reason, quota): (&str, &mut Quota),
    ) -> Result<bool> {
        // Longer than any event of any version: nothing to keep.
        let is_kept = bytes.len() <= Event::MAX_BYTES;
        if is_kept && event::is_set_aside(tx, bytes).await? {
            return Ok(true);
        }
        if !quota.take(if is_kept { bytes.len() } else { 0 }) {
            return Ok(false);
        }
        if is_kept {
            event::set_aside(tx, bytes, terminal, (reason, quota.now)).await?;
        }
        self.count += 1;
        let kept = if is_kept { "" } else { ", too long to be kept" };
        self.first.get_or_insert_with(|| format!("{} ({reason}{kept})", sha256(bytes).short()));
        Ok(true)
    }

    async fn record(&self, tx: &mut Tx, terminal: &TerminalId, now: UnixTime) -> Result<()> {
        let Some(first) = &self.first else { return Ok(()) };
        let id = terminal.to_hex();
        tracing::warn!(%terminal, count = self.count, first, "events were set aside");
        let detail = format!("records that this version does not take: {}; the first is {first}", self.count);
        let act = Act::new("event.set-aside", &id).with(&detail);
        audit::record(tx, now, &Actor::terminal(terminal), act).await
    }
}

impl App {
    /// How many of so many events the terminal may send now.
    fn allowed(&self, terminal: &TerminalId, wanted: usize) -> Result<usize, Refusal> {
        self.limiter.take_up_to(Counted::Events(*terminal), wanted).map_err(|refusal| {
            if self.seen.first_in_an_hour("events", *terminal, self.clock.now()) {
                tracing::warn!(code = %Code::EventQuota, %terminal, "a terminal sends records faster than it may");
            }
            refusal.coded(Code::EventQuota)
        })
    }

    /// Stores an event; none when there is no room for it today. One that is here takes no room.
    async fn store_event(
        &self,
        tx: &mut Tx,
        incoming: &Incoming,
        bytes: &[u8],
        terminal: &TerminalId,
        quota: &mut Quota,
    ) -> Result<Option<Stored>> {
        if let Some(stored) = event::known(tx, &incoming.id, bytes).await? {
            if stored == Stored::Conflict {
                tracing::error!(%terminal, event = %incoming.id, "two different events have one id");
            }
            return Ok(Some(stored));
        }
        if !quota.take(bytes.len()) {
            return Ok(None);
        }
        let now = self.clock.now();
        let event = &incoming.event;
        let (verdict, key, counter) = verify(tx, event, terminal).await?;
        if let Verdict::Invalid(finding) = &verdict {
            tracing::error!(code = "WK-1015", %terminal, event = %event.id, finding, "the evidence of an event does not hold");
            let id = event.id.to_hex();
            let act = Act::new("event.evidence-invalid", &id).with(finding);
            audit::record(tx, now, &Actor::terminal(terminal), act).await?;
        }
        let mut suspicion = None;
        if let (Verdict::Valid, Some(key), Some(counter)) = (&verdict, &key, counter) {
            suspicion = event::counter_conflict(tx, key.row, (event.time, counter)).await?;
            if event.name == EventName::Login && event.outcome == Outcome::Success {
                credential::used(tx, key, counter, (event.time, terminal)).await?;
            }
        }
        event::add(tx, event, terminal, (key.as_ref().map(|key| key.row), counter), &verdict, now).await?;
        if let (Some(finding), Some(key)) = (suspicion, &key) {
            let fingerprint = key.fingerprint().short();
            tracing::error!(
                code = "WK-1021",
                key = fingerprint,
                finding,
                "a signature counter went backwards: the key may have been copied"
            );
            credential::suspect_clone(tx, key, now).await?;
            let act = Act::new("key.clone-suspected", &fingerprint).with(&finding);
            audit::record(tx, now, &Actor::terminal(terminal), act).await?;
        }
        Ok(Some(Stored::New))
    }
}

/// Verifies the evidence of an event; a success without any is a claim, not a login. With what the
/// evidence proves: the key and its signed counter.
async fn verify(
    tx: &mut Tx,
    event: &Event,
    terminal: &TerminalId,
) -> Result<(Verdict, Option<Credential>, Option<u32>)> {
    let Some(evidence) = &event.evidence else {
        let claims = event.name == EventName::Login && event.outcome == Outcome::Success;
        let verdict = if claims { Verdict::Invalid("a login without evidence".into()) } else { Verdict::None };
        return Ok((verdict, None, None));
    };
    let Some(key) = credential::find(tx, &evidence.credential_id).await? else {
        return Ok((Verdict::Invalid("the key was never enrolled".into()), None, None));
    };
    let person = person::by_id(tx, key.person).await?;
    if let Err(finding) = matches(evidence, event, terminal, &person) {
        return Ok((Verdict::Invalid(finding.into()), Some(key), None));
    }
    match evidence.verify(&key.record()) {
        Err(denial) => Ok((Verdict::Invalid(denial.to_string()), Some(key), None)),
        Ok(facts) if event.counter.is_some_and(|counter| counter != facts.counter) => {
            Ok((Verdict::Invalid("the counter is not the signed one".into()), Some(key), None))
        }
        // One assertion may stand in a second event (a clone suspicion): only the login counts it.
        Ok(facts) => {
            // So does a failure that was reported with it, unless it is about the counter itself.
            let counted = event.outcome == Outcome::Success || event.reason == Some(Code::CounterRegressed);
            let counter = (event.name == EventName::Login && counted).then_some(facts.counter);
            Ok((Verdict::Valid, Some(key), counter))
        }
    }
}

/// Whether what was signed is what the event says.
fn matches(
    evidence: &Assertion,
    event: &Event,
    terminal: &TerminalId,
    person: &person::Person,
) -> Result<(), &'static str> {
    let data = ClientData::from_bytes(evidence.client_data.as_slice()).map_err(|_| "the client data is malformed")?;
    if data.terminal != *terminal {
        return Err("signed for another terminal");
    }
    if event.person.as_ref() != Some(&data.person) || person.login != data.person {
        return Err("signed by another person");
    }
    if event.account.as_ref() != Some(&data.account) {
        return Err("signed for another account");
    }
    if event.service.as_deref().is_some_and(|service| service != data.service.as_str()) {
        return Err("signed for another service");
    }
    let success = event.name == EventName::Login && event.outcome == Outcome::Success;
    // The time is signed too: a genuine login cannot be moved to another day.
    if success && event.time.0.abs_diff(data.time.0) > RECORDED_WITHIN {
        return Err("signed at another time");
    }
    if success && event.id != data.event_id() {
        return Err("the event id is not that of the client data");
    }
    Ok(())
}
