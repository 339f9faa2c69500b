//! The rules by which an outcome changes a [`Ledger`]: replay, signature counters, failures,
//! events.
//!
//! The same rules run over a transaction of `state.redb` and, when the disk takes nothing, over
//! memory.
//!
//! Errors of this module are [`AgentError`]: the store cannot be used, and nothing may be kept.

use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{EventId, Hash};
use wardkey_core::policy::document::Lockout;
use wardkey_core::time::UnixTime;

use crate::error::AgentError;

/// A key of the store under which failures are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(pub Vec<u8>);

/// Failures in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last was.
    pub last: UnixTime,
}

/// An outcome that is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What it was settled for: digest of the evidence or of the failure.
    pub digest: Hash,
    /// Refused with this code; 0 for recorded.
    pub code: u16,
    /// When.
    pub time: UnixTime,
}

/// Where outcomes are settled.
pub trait Ledger {
    /// The outcome with this id, if it was settled before.
    fn settled(&self, id: &EventId) -> Result<Option<Settled>, AgentError>;
    /// Settles an outcome.
    fn settle(&mut self, id: &EventId, settled: Settled) -> Result<(), AgentError>;
    /// The greatest signature counter of a credential.
    fn counter(&self, key: &Hash) -> Result<Option<u32>, AgentError>;
    /// Stores a signature counter.
    fn set_counter(&mut self, key: &Hash, counter: u32) -> Result<(), AgentError>;
    /// Failures of a subject.
    fn failures(&self, subject: &Subject) -> Result<Failures, AgentError>;
    /// Stores failures; a count of 0 forgets the subject.
    fn set_failures(&mut self, subject: &Subject, failures: Failures) -> Result<(), AgentError>;
    /// Remembers a person who logged in here.
    fn seen(&mut self, person: &Hash, now: UnixTime) -> Result<(), AgentError>;
    /// Appends an event to the spool.
    fn push(&mut self, event: &Event) -> Result<(), AgentError>;
}

/// An outcome that was judged and is to be recorded.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The event; its id names the outcome.
    pub event: Event,
    /// Digest of what the event is for: another digest under the same id is a replay.
    pub digest: Hash,
    /// What the caller is told when this is new: `None` for recorded.
    pub refuse: Option<Code>,
    /// The module's own id of the attempt, when the event has another one: a module whose success
    /// was refused reports the refusal as a failure, under this id.
    pub attempt: Option<EventId>,
    /// Credential and signature counter of a good assertion.
    pub counter: Option<(Hash, u32)>,
    /// The subjects whose failures count up (failure) or are forgotten (success).
    pub subjects: Vec<Subject>,
    /// Whether this failure counts.
    pub counts: bool,
    /// The person to remember after a success.
    pub seen: Option<Hash>,
    /// Lock-out rules; the strictest counts.
    pub lockouts: Vec<Lockout>,
    /// A fresh id for each further event that this may cause.
    pub spare: [EventId; 2],
}

/// The result of settling an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Recorded now or before.
    Recorded(EventId),
    /// Recorded as a failure; the caller is refused.
    Refused(Code),
}

/// Settles an entry.
pub fn settle(ledger: &mut impl Ledger, entry: &Entry) -> Result<Answer, AgentError> {
    let [first_spare, second_spare] = entry.spare;
    let id = entry.event.id;
    if let Some(before) = ledger.settled(&id)? {
        return settle_again(ledger, entry, &before);
    }

    let mut event = entry.event.clone();
    let mut refuse = entry.refuse;
    let mut counts = entry.counts;
    if let Some((key, counter)) = entry.counter {
        let known = ledger.counter(&key)?;
        // Both 0: the key has no counter (WebAuthn level 3, 7.2 step 22).
        if known.is_some_and(|known| counter <= known && (counter, known) != (0, 0)) {
            let detail = format!("counter {counter} after {}", known.unwrap_or_default());
            fail(&mut event, Code::CounterRegressed, &detail);
            refuse = Some(Code::CounterRegressed);
            counts = true;
            let mut clone = event.clone();
            clone.id = first_spare;
            clone.name = EventName::CloneSuspected;
            ledger.push(&clone)?;
        } else {
            ledger.set_counter(&key, counter)?;
        }
    }

    let settled =
        Settled { digest: entry.digest, code: refuse.map_or(0, Code::number), time: event.time };
    ledger.settle(&id, settled)?;
    if let (Some(_), Some(attempt)) = (refuse, entry.attempt.filter(|attempt| *attempt != id)) {
        ledger.settle(&attempt, settled)?;
    }
    ledger.push(&event)?;

    if event.outcome == Outcome::Success {
        for subject in &entry.subjects {
            ledger.set_failures(subject, Failures::default())?;
        }
        if let Some(person) = &entry.seen {
            ledger.seen(person, event.time)?;
        }
    } else if counts {
        count_failure(ledger, entry, &event, second_spare)?;
    }
    Ok(refuse.map_or(Answer::Recorded(id), Answer::Refused))
}

/// An outcome whose id has been settled before.
fn settle_again(
    ledger: &mut impl Ledger,
    entry: &Entry,
    before: &Settled,
) -> Result<Answer, AgentError> {
    let id = entry.event.id;
    // The refusal of a success comes back as a failure: it is recorded, and has been counted.
    if before.code != 0 && entry.refuse.is_none() && entry.event.outcome == Outcome::Failure {
        return Ok(Answer::Recorded(id));
    }
    if before.digest == entry.digest {
        return Ok(match Code::from_number(before.code) {
            Some(code) => Answer::Refused(code),
            None => Answer::Recorded(id),
        });
    }

    // A different outcome under a used id is recorded as a replay, never as what it claims.
    let mut event = entry.event.clone();
    [event.id, _] = entry.spare;
    // Its counter was seen with the first one, and seen again it would look like a copied key.
    event.evidence = None;
    fail(&mut event, Code::Replayed, "the id of this outcome was used before");
    ledger.push(&event)?;
    Ok(Answer::Refused(Code::Replayed))
}

/// Counts a failure of each subject; what is locked by it is recorded under `spare`.
fn count_failure(
    ledger: &mut impl Ledger,
    entry: &Entry,
    event: &Event,
    spare: EventId,
) -> Result<(), AgentError> {
    let mut longest = 0;
    let mut most = 0;
    for subject in &entry.subjects {
        let count = ledger.failures(subject)?.count.saturating_add(1);
        ledger.set_failures(subject, Failures { count, last: event.time })?;
        longest = longest.max(strictest(&entry.lockouts, count));
        most = most.max(count);
    }
    if longest == 0 {
        return Ok(());
    }

    let mut locked = event.clone();
    locked.id = spare;
    locked.name = EventName::LockedOut;
    locked.evidence = None;
    locked.count = Some(u64::from(most));
    fail(&mut locked, Code::LockedOut, &format!("for {longest} s"));
    ledger.push(&locked)
}

/// Seconds of refusal after this many failures, by the strictest of the rules.
pub fn strictest(rules: &[Lockout], failures: u32) -> u64 {
    match rules.iter().map(|rule| rule.delay(failures)).max() {
        Some(delay) => delay,
        None => Lockout::default().delay(failures),
    }
}

fn fail(event: &mut Event, code: Code, detail: &str) {
    event.outcome = Outcome::Failure;
    event.reason = Some(code);
    event.detail = Some(detail.to_owned());
}
