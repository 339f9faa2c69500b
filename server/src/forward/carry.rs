//! The task of a destination: takes the next records at its place in the log, delivers them, moves
//! on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use wardkey_core::name::printable;
use wardkey_settings::sink::Sink;
use wardkey_sinks::failure::{CollectorError, RecordFileError, SinkError};
use wardkey_sinks::way::{Delivery, Record, Terms, Way};

use super::batch::Batch;
use super::party::{Parts, Sender};
use crate::error::{Error, Result};
use crate::store::audit::{self, Act, Actor};
use crate::store::destination::{self, Failed, Moved, SAID_CHARS};

/// Stack of a thread in bytes.
const STACK: usize = 512 * 1024;
/// How often somebody looks whom nobody wakes: other processes take records into the log, too.
const IDLE: Duration = Duration::from_secs(30);
/// How long a store that cannot be used is left alone.
const STORE: Duration = Duration::from_secs(5);
/// How long a batch is waited for that is under way as the server stops.
const LAST: Duration = Duration::from_secs(5);
/// What a destination does not take is told at once, and further losses together after this.
const TELL_AGAIN: Duration = Duration::from_secs(3600);
/// A destination that is down is a warning again after this.
const WARN_AGAIN: Duration = Duration::from_secs(600);
/// The longest pause between two attempts.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// Whether a task is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// No.
    NotYet,
    /// Another one takes its place: after the batch that is under way.
    Changed,
    /// The server stops.
    Stopping,
}

/// What a task has.
pub(super) struct Carrier {
    pub parts: Arc<Parts>,
    pub party: Arc<Sender>,
    pub sink: Sink,
    pub terms: Terms,
    pub woken: watch::Receiver<()>,
    pub end: watch::Receiver<End>,
}

/// Why nothing more has arrived.
enum Stopped {
    Store(Error),
    Sink(SinkError),
    /// The thread is gone, or the server stops.
    Gone,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// What a task remembers.
struct Memory {
    /// By this the store knows the destination.
    place: String,
    name: String,
    way: Option<Box<dyn Way>>,
    told: Option<Instant>,
    warned: Option<Instant>,
    /// What has arrived and is not noted: nothing more is delivered before it is, else the same
    /// records would go out again and again while the store takes nothing.
    unnoted: Option<Moved>,
    /// What is noted of the failure: it is written once.
    failure: Option<(u16, Option<String>)>,
}

impl Carrier {
    /// Delivers until it is to end.
    pub(super) async fn run(mut self) {
        let mut memory = Memory {
            place: self.sink.place().display().to_string(),
            name: self.sink.name(),
            way: None,
            told: None,
            warned: None,
            unnoted: None,
            failure: None,
        };
        while self.goes_on() {
            self.woken.mark_unchanged();
            let pause = match self.batch(&mut memory).await {
                Ok(true) => continue,
                Ok(false) => {
                    self.wait(IDLE, true).await;
                    continue;
                }
                Err(Stopped::Gone) => STORE,
                Err(Stopped::Store(error)) => {
                    if is_due(&mut memory.warned, WARN_AGAIN) {
                        let to = &memory.name;
                        tracing::warn!(%error, to, "records wait for a destination");
                    }
                    STORE
                }
                Err(Stopped::Sink(error)) => {
                    if is_due(&mut memory.warned, WARN_AGAIN) {
                        let (to, code) = (&memory.name, error.notice());
                        tracing::warn!(%code, %error, to, "records wait for a destination");
                    }
                    memory.way.as_mut().map_or(STORE, |way| way.pause_after_failure())
                }
            };
            self.wait(pause, false).await;
        }
        // Whoever is next would deliver it again.
        let _ = tokio::time::timeout(LAST, self.note(&mut memory)).await;
    }

    /// Whether it is not to end; nobody may be there any more who could say so.
    fn goes_on(&self) -> bool {
        *self.end.borrow() == End::NotYet && self.end.has_changed().is_ok()
    }

    /// Waits for a time, until the end, or until records have come where that counts.
    async fn wait(&mut self, at_most: Duration, for_records: bool) {
        tokio::select! {
            () = tokio::time::sleep(at_most) => {}
            _ = self.end.changed() => {}
            _ = self.woken.changed(), if for_records => {}
        }
    }

    /// Delivers the next records; `false` when none are left.
    async fn batch(&mut self, memory: &mut Memory) -> Result<bool, Stopped> {
        self.note(memory).await?;
        let way = match memory.way.take() {
            Some(way) => way,
            None => wardkey_sinks::to(&self.sink, &self.terms),
        };
        let way = &mut *memory.way.insert(way);
        let (most, now) = (way.most(), self.parts.now());
        let mut tx = self.parts.store.read().await?;
        let Some(to) = destination::find(&mut tx, &memory.place).await? else { return Ok(false) };
        let tells = memory.told.is_none_or(|told| told.elapsed() >= TELL_AGAIN);
        let batch = Batch::read(&mut tx, &to, (most, tells), (&self.terms.source, now)).await?;
        drop(tx);
        let mut batch = batch;
        let records = std::mem::take(&mut batch.records);
        if records.is_empty() {
            return Ok(false);
        }

        let way = memory.way.take().ok_or(Stopped::Gone)?;
        let Some((way, delivery)) = self.deliver(way, records).await else {
            return Err(self.gone(memory).await);
        };
        let way = memory.way.insert(way);
        let moved = batch.moved(&delivery);
        let has_moved = moved.position > to.position || moved.told > 0;
        if delivery.error.is_none() {
            way.worked();
        }
        memory.unnoted = has_moved.then_some(moved);
        self.note(memory).await?;
        match delivery.error {
            None => {
                memory.warned = None;
                // One that takes nothing and complains of nothing is not asked without end.
                if has_moved { Ok(true) } else { Err(Stopped::Gone) }
            }
            Some(error) => {
                self.note_failure(memory, &error).await;
                Err(Stopped::Sink(error))
            }
        }
    }

    /// In a thread: a collector may take its time, and the system's calls wait.
    async fn deliver(
        &mut self,
        mut way: Box<dyn Way>,
        records: Vec<Record>,
    ) -> Option<(Box<dyn Way>, Delivery)> {
        let (tell, mut told) = oneshot::channel();
        let party = Arc::clone(&self.party);
        let thread = std::thread::Builder::new().name("sink".into()).stack_size(STACK);
        let spawned = thread.spawn(move || {
            let delivery = way.deliver(&*party, &records);
            // Nobody may be there any more: then it comes again.
            let _ = tell.send((way, delivery));
        });
        if let Err(error) = spawned {
            tracing::warn!(%error, "there is no thread for a destination of records");
            return None;
        }
        let stopping = async {
            // Without a sender the server stops, too.
            let _ = self.end.wait_for(|end| *end == End::Stopping).await;
        };
        tokio::select! {
            done = &mut told => return done.ok(),
            () = stopping => {}
        }
        tokio::time::timeout(LAST, told).await.ok()?.ok()
    }

    /// Why a thread has brought nothing back: the server stops; or it has ended by itself, and may
    /// do so with the same records again.
    async fn gone(&self, memory: &mut Memory) -> Stopped {
        if !self.goes_on() {
            return Stopped::Gone;
        }
        let why = || std::io::Error::other("its thread has ended");
        let error = match &self.sink {
            Sink::File(file) => RecordFileError::of(&file.path, why()).into(),
            Sink::Journal(_) => SinkError::Journal(why()),
            Sink::Collector(_) | Sink::Datagrams(_) | Sink::Intake(_) => {
                CollectorError::Broken(why()).into()
            }
        };
        self.note_failure(memory, &error).await;
        Stopped::Sink(error)
    }

    /// Notes how far the destination is, if that is not noted yet, and in the trail what it never
    /// gets.
    async fn note(&self, memory: &mut Memory) -> Result<()> {
        let Some(moved) = memory.unnoted else { return Ok(()) };
        let (place, name) = (memory.place.clone(), memory.name.clone());
        let now = self.parts.now();
        let noted = self.parts.store.together(move |tx| {
            Box::pin(async move {
                destination::moved(tx, &place, &moved).await?;
                for (action, count) in
                    [("records.pruned-unsent", moved.pruned), ("records.not-taken", moved.told)]
                {
                    if count > 0 {
                        let detail = format!("{count} records");
                        let act = Act::new(action, &name).with(&detail);
                        audit::record(tx, now, &Actor::server(), act).await?;
                    }
                }
                Ok(())
            })
        });
        noted.await?;
        (memory.unnoted, memory.failure) = (None, None);
        if moved.told > 0 {
            memory.told = Some(Instant::now());
        }
        Ok(())
    }

    /// Notes why nothing arrives: once, and again when it is another reason. A store that takes no
    /// note changes nothing for the destination.
    async fn note_failure(&self, memory: &mut Memory, error: &SinkError) {
        let said = error.system().map(|said| printable(&said, SAID_CHARS));
        let why = (error.notice().number(), said);
        if memory.failure.as_ref() == Some(&why) {
            return;
        }
        let failed = Failed { since: self.parts.now(), code: why.0, said: why.1.clone() };
        let place = memory.place.clone();
        let noted = self.parts.store.together(move |tx| {
            Box::pin(async move { destination::failed(tx, &place, &failed).await })
        });
        match noted.await {
            Ok(()) => memory.failure = Some(why),
            Err(error) => {
                tracing::warn!(%error, to = memory.name, "why records wait cannot be noted");
            }
        }
    }
}

/// Whether something is said again.
fn is_due(last: &mut Option<Instant>, after: Duration) -> bool {
    let is_due = last.is_none_or(|last| last.elapsed() >= after);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}
