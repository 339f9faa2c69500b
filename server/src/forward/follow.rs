//! The list of destinations: a task for each, and another list while the server runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use wardkey_settings::sink::Sink;
use wardkey_sinks::way::Terms;

use super::carry::{Carrier, End, LONGEST};
use super::party::{Parts, Sender};
use crate::config::Records;
use crate::error::Result;
use crate::store::destination::{self, Wanted};

/// How long a store is left alone that does not take the list.
const AGAIN: Duration = Duration::from_secs(5);

/// What the rest of the server has of it.
#[derive(Debug)]
pub struct Forwarder {
    records: watch::Sender<Records>,
    woken: watch::Sender<()>,
}

impl Forwarder {
    /// With the list that the server was started with.
    pub fn new(records: Records) -> Self {
        Self { records: watch::Sender::new(records), woken: watch::Sender::new(()) }
    }

    /// For those who follow.
    pub fn followed(&self) -> Followed {
        Followed { records: self.records.subscribe(), woken: self.woken.subscribe() }
    }

    /// Records have come.
    pub fn wake(&self) {
        self.woken.send_replace(());
    }

    /// Takes another list, or another way to its collectors; `false` when nothing has changed.
    pub fn change(&self, to: &Records) -> bool {
        self.records.send_if_modified(|records| {
            let is_another = records != to;
            records.clone_from(to);
            is_another
        })
    }
}

/// What is told to those who follow.
pub struct Followed {
    records: watch::Receiver<Records>,
    woken: watch::Receiver<()>,
}

/// A task.
struct Running {
    sink: Sink,
    end: watch::Sender<End>,
    task: JoinHandle<()>,
}

/// Delivers to all destinations until the server stops.
pub async fn follow(parts: Parts, from: Followed, mut stop: watch::Receiver<bool>) {
    let Followed { records: mut changes, woken } = from;
    let parts = Arc::new(parts);
    let party = Arc::new(Sender::new(&parts));
    let mut running = BTreeMap::<PathBuf, Running>::new();
    // Those that are in no list any more, until they have ended.
    let mut gone = BTreeMap::<PathBuf, Running>::new();
    let mut before = Records::default();
    while !*stop.borrow() {
        let now = changes.borrow_and_update().clone();
        if let Err(error) = list(&parts, &now).await {
            tracing::warn!(%error, "the list of destinations of records waits for the store");
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                _ = stop.changed() => {}
            }
            changes.mark_changed();
        } else {
            let terms = Terms {
                authorities: now.ca.clone(),
                source: party.source(now.enterprise),
                longest: LONGEST,
            };
            let is_same_way = before.ca == now.ca && before.enterprise == now.enterprise;
            let stays = |one: &Running| {
                is_same_way && now.to.contains(&one.sink) && !one.task.is_finished()
            };
            let mut next = BTreeMap::new();
            for sink in &now.to {
                // By whatever way: one task after the other has its place.
                let place = sink.place().to_owned();
                let known = running.remove(&place).or_else(|| gone.remove(&place));
                let one = match known {
                    Some(known) if stays(&known) && !is_ending(&known) => known,
                    known => begin((&parts, &party, &woken), (sink, &terms), known),
                };
                next.insert(place, one);
            }
            for (place, one) in std::mem::replace(&mut running, next) {
                one.end.send_replace(End::Changed);
                gone.insert(place, one);
            }
            gone.retain(|_, one| !one.task.is_finished());
            before = now;
        }
        tokio::select! {
            _ = changes.changed() => {}
            _ = stop.changed() => {}
        }
    }
    running.extend(gone);
    for one in running.values() {
        one.end.send_replace(End::Stopping);
    }
    for (_, one) in running {
        let _ = one.task.await;
    }
}

fn is_ending(one: &Running) -> bool {
    *one.end.borrow() != End::NotYet
}

/// A task for a sink; after the one before it, so that nothing is delivered twice.
fn begin(
    (parts, party, woken): (&Arc<Parts>, &Arc<Sender>, &watch::Receiver<()>),
    (sink, terms): (&Sink, &Terms),
    before: Option<Running>,
) -> Running {
    let (end, ends) = watch::channel(End::NotYet);
    let carrier = Carrier {
        parts: Arc::clone(parts),
        party: Arc::clone(party),
        sink: sink.clone(),
        terms: terms.clone(),
        woken: woken.clone(),
        end: ends,
    };
    let mut carrier = carrier;
    let task = tokio::spawn(async move {
        if let Some(Running { end, mut task, .. }) = before {
            end.send_replace(End::Changed);
            let stopping = async {
                let _ = carrier.end.wait_for(|now| *now == End::Stopping).await;
            };
            tokio::select! {
                _ = &mut task => {}
                // That one is to end at once, too.
                () = stopping => {
                    end.send_replace(End::Stopping);
                    let _ = task.await;
                }
            }
        }
        carrier.run().await;
    });
    Running { sink: sink.clone(), end, task }
}

/// Writes the list, if it is another one.
async fn list(parts: &Parts, records: &Records) -> Result<()> {
    let wanted =
        |sink: &Sink| Wanted { place: sink.place().display().to_string(), name: sink.name() };
    let mut all: Vec<Wanted> = records.to.iter().map(wanted).collect();
    all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    let known = destination::listed(&mut *parts.store.read().await?).await?;
    if known.iter().map(|known| &known.name).eq(all.iter().map(|one| &one.name)) {
        return Ok(());
    }
    let now = parts.now();
    let listed = parts
        .store
        .together(move |tx| Box::pin(async move { destination::list(tx, now, &all).await }));
    listed.await
}
