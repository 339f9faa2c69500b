//! The next records for a destination, and how far it is when some of them have arrived.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use wardkey_core::id::TerminalId;
use wardkey_core::time::UnixTime;
use wardkey_records::{Forwarded, Source};
use wardkey_sinks::way::{At, Delivery, Most, Record};

use super::lost::Lost;
use crate::error::Result;
use crate::store::Db;
use crate::store::destination::{self, Destination, Due, Known, Moved};
use crate::store::log::{self, State};

/// Records that are read at once: few enough that those of a batch are not read in vain.
const AT_ONCE: u64 = 128;
/// What stands for a version that is not known.
const UNKNOWN: &str = "-";

/// Records on their way, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The records.
    pub records: Vec<Record>,
    marks: Vec<Mark>,
    from: u64,
}

/// Where a destination is when it has a record.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: At,
    /// The place behind it.
    end: u64,
    /// What is lost when this is a record of that.
    lost: Option<Lost>,
}

impl Batch {
    /// Reads the next records; with `tells` first how many the destination did not take.
    pub(super) async fn read(
        db: &mut Db,
        to: &Destination,
        (most, tells): (Most, bool),
        (server, now): (&Source, UnixTime),
    ) -> Result<Self> {
        let mut batch = Self { from: to.position, ..Self::default() };
        let log = log::state(db).await?;
        if tells && to.untold > 0 {
            let lost = Lost::NotTaken { count: to.untold, of: to.refused };
            batch.lose((to, &log), lost, to.position, now);
        }

        let due = due(db, to.position, most).await?;
        let ids: BTreeSet<TerminalId> = due.iter().map(|due| due.terminal).collect();
        let ids: Vec<TerminalId> = ids.into_iter().collect();
        let known = destination::terminals(db, &ids).await?;
        let mut place = to.position;
        for due in due {
            if due.place > place {
                let lost = Lost::Pruned { from: place, until: due.place };
                batch.lose((to, &log), lost, due.place, now);
            }
            place = due.place.saturating_add(1);
            batch.add(due, &known, server);
        }
        Ok(batch)
    }

    fn lose(&mut self, (to, log): (&Destination, &State), lost: Lost, end: u64, now: UnixTime) {
        let record = lost.record(to, log, now);
        self.marks.push(Mark { at: record.at, end, lost: Some(lost) });
        self.records.push(record);
    }

    fn add(&mut self, due: Due, known: &BTreeMap<TerminalId, Known>, server: &Source) {
        let at = At::Disk(due.place);
        self.marks.push(Mark { at, end: due.place.saturating_add(1), lost: None });
        let source = Some(Box::new(source(&due, known.get(&due.terminal), server)));
        self.records.push(Record { at, event: due.document, source });
    }

    /// How far the destination is now: up to the first record that it lacks.
    pub(super) fn moved(&self, delivery: &Delivery) -> Moved {
        let arrived: HashSet<At> = delivery.arrived.iter().copied().collect();
        let refused: HashSet<At> = delivery.gave_up.iter().copied().collect();
        let mut moved = Moved { position: self.from, ..Moved::default() };
        for mark in &self.marks {
            let is_refused = refused.contains(&mark.at);
            if !is_refused && !arrived.contains(&mark.at) {
                break;
            }
            moved.position = mark.end;
            match mark.lost {
                Some(Lost::Pruned { .. }) => moved.pruned += mark.count(),
                Some(Lost::NotTaken { .. }) => moved.told += mark.count(),
                None => moved.refused += u64::from(is_refused),
            }
        }
        moved
    }
}

impl Mark {
    const fn count(&self) -> u64 {
        match self.lost {
            Some(lost) => lost.count(),
            None => 0,
        }
    }
}

/// Records up to a limit; one is taken however long it is.
async fn due(db: &mut Db, from: u64, most: Most) -> Result<Vec<Due>> {
    let (mut all, mut bytes, mut from) = (Vec::new(), 0_usize, from);
    loop {
        let left = (most.events.saturating_sub(all.len()) as u64).min(AT_ONCE);
        if left == 0 {
            return Ok(all);
        }
        let part = destination::due(db, from, left).await?;
        let is_last = (part.len() as u64) < left;
        for due in part {
            bytes = bytes.saturating_add(due.document.len());
            if !all.is_empty() && bytes > most.bytes {
                return Ok(all);
            }
            from = due.place.saturating_add(1);
            all.push(due);
        }
        if is_last {
            return Ok(all);
        }
    }
}

/// The terminal, as the one that tells of its record by way of the server.
fn source(due: &Due, known: Option<&Known>, server: &Source) -> Source {
    let terminal = due.terminal.to_hex();
    let name = known.map_or_else(|| terminal.clone(), |known| known.name.clone());
    let version = known.and_then(|known| known.version.as_deref()).unwrap_or(UNKNOWN);
    let scopes = known.map(|known| known.scopes.join(",")).unwrap_or_default();
    let forwarded = Forwarded {
        by: server.host.clone(),
        terminal,
        scopes,
        received: due.received,
        place: due.place,
        verdict: due.verdict.clone(),
    };
    let own = Source::new(&name, "wardkey-agent", version, server.enterprise);
    Source { forwarded: Some(forwarded), ..own }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(marks: &[(u64, Option<Lost>)]) -> Batch {
        let mark = |(place, lost): &(u64, Option<Lost>)| Mark {
            at: At::Disk(*place),
            end: place + 1,
            lost: *lost,
        };
        Batch { records: Vec::new(), marks: marks.iter().map(mark).collect(), from: 5 }
    }

    fn at(places: &[u64]) -> Vec<At> {
        places.iter().copied().map(At::Disk).collect()
    }

    #[test]
    fn a_place_is_moved_up_to_the_first_record_that_has_not_arrived() {
        let pruned = Lost::Pruned { from: 7, until: 10 };
        let told = Lost::NotTaken { count: 4, of: 9 };
        let batch = batch(&[(4, Some(told)), (5, None), (6, None), (9, Some(pruned)), (10, None)]);
        let position = |position| Moved { position, ..Moved::default() };
        for (arrived, gave_up, expected) in [
            (&[][..], &[][..], position(5)),
            (&[5, 6], &[], position(5)),
            (&[4], &[], Moved { told: 4, ..position(5) }),
            (&[4, 5, 9, 10], &[], Moved { told: 4, ..position(6) }),
            (&[4, 6, 9], &[5], Moved { told: 4, refused: 1, pruned: 3, ..position(10) }),
            (&[4, 5, 6, 9, 10], &[], Moved { told: 4, pruned: 3, ..position(11) }),
        ] {
            let delivery =
                Delivery { arrived: at(arrived), gave_up: at(gave_up), ..Delivery::default() };
            assert_eq!(batch.moved(&delivery), expected, "{arrived:?} {gave_up:?}");
        }
    }
}
