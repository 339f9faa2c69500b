//! A batch of events from one terminal.

use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{EventId, TerminalId};
use wardkey_core::time::UnixTime;

use super::break_glass;
use super::desk;
use super::evidence::verify;
use super::incoming::{self, NotTaken};
use super::quota::Quota;
use super::set_aside::SetAside;
use crate::error::Result;
use crate::log;
use crate::store::Tx;
use crate::store::audit::{self, Act, Actor};
use crate::store::event::{self, Stored, Verdict};
use crate::store::pass::{self, EndedBy};
use crate::store::{credential, loan, state};

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Taken {
    /// Stored now or before.
    pub accepted: Vec<EventId>,
    /// Set aside, each with the reason.
    pub refused: Vec<(EventId, String)>,
    /// Whether a sealed code was used (break-glass): whoever runs the server is told at once.
    pub alarm: bool,
    /// Seconds until there is room again, when some of it found none today.
    pub full_for: Option<u64>,
}

/// Stores a batch; `megabytes` is what a terminal may store in a day. An event that finds no room
/// is in neither list of the answer, so it comes again.
pub async fn take<'a>(
    tx: &mut Tx,
    terminal: &TerminalId,
    events: impl Iterator<Item = &'a [u8]>,
    (megabytes, now): (u32, UnixTime),
) -> Result<Taken> {
    let mut taken = Taken::default();
    let mut quota = Quota::read(tx, terminal, megabytes, now).await?;
    let mut aside = SetAside::default();

    for bytes in events {
        let not_taken = match incoming::decode(bytes, terminal) {
            Ok(event) => {
                match store(tx, &event, bytes, terminal, (&mut quota, &mut taken)).await? {
                    Some(Stored::New | Stored::Known) => {
                        taken.accepted.push(event.id);
                        continue;
                    }
                    Some(Stored::Conflict) => NotTaken {
                        names: vec![event.id],
                        reason: "another event has this id".into(),
                    },
                    None => continue,
                }
            }
            Err(not_taken) => not_taken,
        };
        if aside.take(tx, bytes, terminal, (&not_taken.reason, &mut quota)).await? {
            let named = |id| (id, not_taken.reason.clone());
            taken.refused.extend(not_taken.names.into_iter().map(named));
        }
    }

    aside.record(tx, terminal, now).await?;
    quota.write(tx, terminal).await?;
    log::keep(tx).await?;
    taken.full_for = quota.is_full.then(|| quota.seconds_left());
    Ok(taken)
}

/// Stores an event; none when there is no room for it today. One that is here takes no room.
async fn store(
    tx: &mut Tx,
    event: &Event,
    bytes: &[u8],
    terminal: &TerminalId,
    (quota, taken): (&mut Quota, &mut Taken),
) -> Result<Option<Stored>> {
    if let Some(stored) = event::known(tx, &event.id, bytes).await? {
        if stored == Stored::Conflict {
            tracing::error!(%terminal, event = %event.id, "two different events have one id");
        }
        return Ok(Some(stored));
    }
    let (now, actor) = (quota.now, Actor::terminal(terminal));
    // Whether there is room for the record or not.
    if let Some(signed) = &event.signed_by_code {
        taken.alarm |= break_glass::note_use(tx, event, signed, terminal, now).await?;
    }
    if !quota.take(bytes.len()) {
        return Ok(None);
    }

    let (verdict, key, counter) = verify(tx, event, terminal).await?;
    if let Verdict::Invalid(finding) = &verdict {
        let code = Code::AssertionSignature;
        tracing::error!(%code, %terminal, event = %event.id, finding, "the evidence of an event \
            does not hold");
        let id = event.id.to_hex();
        let act = Act::new("event.evidence-invalid", &id).with(finding);
        audit::record(tx, now, &actor, act).await?;
    }

    let mut suspicion = None;
    if let (Verdict::Valid, Some(key), Some(counter)) = (&verdict, &key, counter) {
        let of = (key.row, key.suspicion_cleared);
        suspicion = event::counter_conflict(tx, of, (event.time, counter)).await?;
        if event.name == EventName::Login && event.outcome == Outcome::Success {
            credential::used(tx, key, counter, (event.time, terminal)).await?;
            match &event.loan {
                None => end_what_stands_in(tx, key.person, event, now).await?,
                Some(id) => loan::used(tx, id, event.time).await?,
            }
        }
    }
    let proved = (key.as_ref().map(|key| key.row), counter);
    event::add(tx, event, terminal, proved, &verdict, now).await?;
    desk::follow(tx, event, terminal, now).await?;

    if let (Some(finding), Some(key)) = (suspicion, &key) {
        let (code, fingerprint) = (Code::CounterRegressed, key.fingerprint().short());
        tracing::error!(
            %code,
            key = fingerprint,
            finding,
            "a signature counter went backwards: the key may have been copied"
        );
        credential::suspect_clone(tx, key, now).await?;
        let act = Act::new("key.clone-suspected", &fingerprint).with(&finding);
        audit::record(tx, now, &actor, act).await?;
    }
    Ok(Some(Stored::New))
}

/// The person's own key is back: pass and loan of before this login end everywhere.
async fn end_what_stands_in(tx: &mut Tx, person: i64, event: &Event, now: UnixTime) -> Result<()> {
    end_pass(tx, person, event, now).await?;
    end_loan(tx, person, event, now).await
}

async fn end_loan(tx: &mut Tx, person: i64, event: &Event, now: UnixTime) -> Result<()> {
    let open = loan::open_of_person(tx, person).await?;
    // What comes late, of a terminal that was offline, may be older than the loan.
    let Some(open) = open.filter(|open| event.time >= open.from) else { return Ok(()) };
    loan::end(tx, &open, loan::EndedBy::Key, now).await?;
    state::publish_person(tx, person).await?;
    let detail = format!("loan {}: a login with the person's own key", open.id);
    let act = Act::new("loaner.end", open.login.as_str()).with(&detail);
    audit::record(tx, now, &Actor::server(), act).await
}

async fn end_pass(tx: &mut Tx, person: i64, event: &Event, now: UnixTime) -> Result<()> {
    let open = pass::open_of(tx, person).await?;
    // What comes late, of a terminal that was offline, may be older than the pass.
    if open.is_none_or(|open| event.time < open.pass.from) {
        return Ok(());
    }
    if let Some(ended) = pass::end(tx, person, EndedBy::Key, now).await? {
        state::publish_person(tx, person).await?;
        let detail = format!("pass {}: a login with the key", ended.pass.id);
        let act = Act::new("pass.end", ended.login.as_str()).with(&detail);
        audit::record(tx, now, &Actor::server(), act).await?;
    }
    Ok(())
}
