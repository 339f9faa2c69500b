//! All of a log, from its first record to its last: several tiles at once, their results in order.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

use wardkey_core::code::Code;
use wardkey_core::evidence::RECORDED_WITHIN;
use wardkey_core::log_archive::PrunedEntry;
use wardkey_core::time::UnixTime;
use wardkey_tlog::{Checkpoint, Frontier, Hash, Level, Tile, WIDTH, bundle, since};

use crate::archive::{Archive, Block};
use crate::differ::{Change, Item, differ};
use crate::entry::{By, Seen, gap, look};
use crate::error::shown;
use crate::finding::{Finding, Findings, Record};
use crate::folder::Folder;
use crate::gone::Gone;
use crate::keys::Proof;
use crate::texts::{Phrase, Text};

/// Tiles that are looked at before their results are taken: 16,384 records.
const AT_ONCE: usize = 64;

/// What was seen of a log.
#[derive(Debug, Default)]
pub struct Walked {
    /// Logins that keys prove.
    pub by_key: u64,
    /// Logins that keys on loan prove.
    pub by_loan: u64,
    /// Logins that the codes of passes prove.
    pub by_pass: u64,
    /// Logins by codes for which colleagues vouched.
    pub by_vouch: u64,
    /// Logins by sealed codes (break-glass).
    pub by_sealed: u64,
    /// Whether the log goes on from the older checkpoint; none when it is shorter.
    pub goes_on: Option<bool>,
    /// When the last record arrived.
    pub last_received: UnixTime,
    /// When the first record arrived.
    pub first_received: UnixTime,
    /// The time of the newest record of each terminal.
    pub newest: HashMap<String, u64>,
    /// Records that were pruned.
    pub gone: Gone,
    last_number: Option<u64>,
    /// Each id, and where it stands.
    ids: Vec<([u8; 16], u64)>,
}

/// Looks at all that a checkpoint covers.
pub fn walk(
    folder: &Folder,
    checkpoint: &Checkpoint,
    older: Option<&Checkpoint>,
    by: By<'_>,
    findings: &mut Findings,
) -> Walked {
    let mut walked = Walked::default();
    let mut frontier = Frontier::new();
    walked.compare(&frontier, older);
    let mut tiles =
        since(0, checkpoint.size()).take_while(|tile| tile.level() == Level::ENTRIES).peekable();
    while tiles.peek().is_some() {
        let round: Vec<Tile> = tiles.by_ref().take(AT_ONCE).collect();
        for looked in in_parallel(&round, |tile| look_at(folder, tile, by)) {
            findings.extend(looked.findings);
            for hash in looked.hashes {
                for full in frontier.push(hash) {
                    same(folder, &full.tile, &full.hashes, findings);
                }
                walked.compare(&frontier, older);
            }
            looked.seen.into_iter().for_each(|seen| walked.take(seen, findings));
        }
    }
    for (tile, hashes) in frontier.partial() {
        same(folder, &tile, hashes, findings);
    }
    if frontier.root() != *checkpoint.root() {
        findings.add(Finding::path(Code::LogExportDamaged, shown(folder.path())));
    }
    walked.twice(findings);
    walked
}

/// Looks at all of an archive.
pub fn walk_archive(
    archive: &Archive,
    checkpoint: &Checkpoint,
    older: Option<&Checkpoint>,
    by: By<'_>,
    findings: &mut Findings,
) -> Walked {
    let mut walked = Walked::default();
    let damaged = || Finding::path(Code::LogExportDamaged, shown(archive.path()));
    let Some(mut frontier) = archive.before() else {
        findings.add(damaged());
        return walked;
    };
    walked.compare(&frontier, older);
    for round in archive.blocks().chunks(AT_ONCE) {
        for seen in in_parallel(round, |block| look_at_block(archive, block, by)) {
            for seen in seen {
                frontier.push(seen.item.hash);
                walked.compare(&frontier, older);
                walked.take(seen, findings);
            }
        }
    }
    let is_whole = frontier.size() == archive.end() && frontier.size() == checkpoint.size();
    if !is_whole || frontier.root() != *checkpoint.root() {
        findings.add(damaged());
    }
    walked.twice(findings);
    walked
}

fn look_at_block(archive: &Archive, block: &Block, by: By<'_>) -> Vec<Seen> {
    let bytes = archive.bundle(block).unwrap_or_default();
    let entries = bundle::entries(&bytes).unwrap_or_default();
    (block.first..).zip(entries).map(|(place, entry)| look(place, entry, by)).collect()
}

impl Walked {
    fn compare(&mut self, frontier: &Frontier, older: Option<&Checkpoint>) {
        if let Some(older) = older.filter(|older| older.size() == frontier.size()) {
            self.goes_on = Some(*older.root() == frontier.root());
        }
    }

    fn take(&mut self, seen: Seen, findings: &mut Findings) {
        findings.extend(seen.findings);
        match seen.proof {
            Some(Proof::Key) => self.by_key += 1,
            Some(Proof::Loan) => self.by_loan += 1,
            Some(Proof::Pass) => self.by_pass += 1,
            Some(Proof::Vouch) => self.by_vouch += 1,
            Some(Proof::BreakGlass) => self.by_sealed += 1,
            None => {}
        }
        self.ids.extend(seen.item.id.zip(seen.record.place));
        if let Some((terminal, time)) = seen.record.terminal.clone().zip(seen.record.time) {
            let newest = self.newest.entry(terminal).or_default();
            *newest = time.max(*newest);
        }
        if let Some((act, place)) = seen.act.zip(seen.record.place) {
            if seen.is_gap {
                self.gone.gap(act, place);
            } else {
                let received = seen.entry.map(|(_, received)| received).unwrap_or_default();
                let time = seen.record.time.map(UnixTime).unwrap_or_default();
                self.gone.filled(act, seen.class, (received.max(time), place));
            }
        }
        let Some((number, received)) = seen.entry else { return };
        let last = self.last_number.map(|_| self.last_received);
        let pruned = self.gone.passed(last, received);
        if self.last_number.is_none() {
            self.first_received = received;
        }
        if let Some(last) = self.last_number {
            let order =
                |what: Phrase| Finding::what(Code::RecordOrder, what).of(seen.record.clone());
            if number <= last {
                findings.add(order(Text::NumberFalls.into()));
            } else if number - last - 1 > pruned {
                let args = [("from", (last + 1).into()), ("to", (number - 1).into())];
                findings.add(order(Text::NumbersMissing.with(args)).remark());
            }
            if received.plus(RECORDED_WITHIN) < self.last_received {
                findings.add(order(Text::ReceivedFalls.into()).remark());
            }
        }
        self.last_number = Some(number);
        self.last_received = received;
    }

    /// Records that stand there twice: each is stored once.
    fn twice(&mut self, findings: &mut Findings) {
        self.ids.sort_unstable();
        for pair in self.ids.windows(2) {
            if let [(one, first), (other, second)] = pair
                && one == other
            {
                let what = Text::StandsAt.with([("n", (*first).into())]);
                let record = Record::at(*second);
                findings.add(Finding::new(Code::RecordAdded).of(record).against(what));
            }
        }
        self.ids = Vec::new();
    }
}

/// Whether a tile has these hashes.
fn same(folder: &Folder, tile: &Tile, hashes: &[Hash], findings: &mut Findings) {
    // The hashes of the lowest level come from the tiles themselves.
    let is_own = tile.level() == Level::ENTRIES;
    if !is_own && folder.hashes(tile).ok().as_deref() != Some(hashes) {
        let path = folder.path().join(tile.path());
        findings.add(Finding::path(Code::LogExportDamaged, shown(&path)));
    }
}

/// What was seen of a tile.
struct Looked {
    hashes: Vec<Hash>,
    seen: Vec<Seen>,
    findings: Vec<Finding>,
}

/// Does the same with all items, with as many threads as there are processors; what comes of them,
/// in their order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        items.get(at).map(|item| (at, item))
    };
    let run = || std::iter::from_fn(take).map(|(at, item)| (at, work(item))).collect::<Vec<_>>();
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    let mut all: Vec<(usize, R)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let done = running.into_iter().map(|thread| match thread.join() {
            Ok(done) => done,
            // Nothing is passed over in silence.
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.flatten().collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, done)| done).collect()
}

fn look_at(folder: &Folder, tile: &Tile, by: By<'_>) -> Looked {
    let mut findings = Vec::new();
    let damaged =
        |name: String| Finding::path(Code::LogExportDamaged, shown(&folder.path().join(name)));

    let bundle = folder.bundle(tile).ok();
    // More than some that were put in: not worth the memory.
    let entries = bundle
        .as_deref()
        .and_then(bundle::entries)
        .filter(|entries| entries.len() <= 2 * usize::from(WIDTH));
    if entries.is_none() {
        findings.push(damaged(tile.bundle_path().unwrap_or_default()));
    }
    let read = folder.hashes(tile).ok();
    let read = read.filter(|hashes| hashes.len() == usize::from(tile.width()));
    let mut looked = seen(tile, entries.as_deref().unwrap_or_default(), read.as_deref(), by);

    let own: Vec<Item> = looked.seen.iter().map(|seen| seen.item).collect();
    let Some(hashes) = read else {
        findings.push(damaged(tile.path()));
        let hashes = own.iter().map(|item| item.hash).collect();
        return Looked { hashes, findings, ..looked };
    };
    if entries.is_some() {
        let wanted: Vec<Item> = hashes.iter().map(|hash| Item { hash: *hash, id: None }).collect();
        let changes = differ(&wanted, &own).into_iter();
        findings.extend(changes.map(|change| name(change, tile, &looked.seen)));
    }
    looked.hashes = hashes;
    Looked { findings, ..looked }
}

/// Looks at the entries of a tile. In the place of what was pruned stands what an archive has of
/// it, when that is what the tile's hash is of, or else its hash.
fn seen(tile: &Tile, entries: &[&[u8]], hashes: Option<&[Hash]>, by: By<'_>) -> Looked {
    let mut seen = Vec::with_capacity(entries.len());
    let mut archived: Option<HashMap<Hash, Vec<u8>>> = None;
    for ((place, entry), at) in (tile.first()..).zip(entries).zip(0..) {
        let Some(act) = PrunedEntry::act_of(entry) else {
            seen.push(look(place, entry, by));
            continue;
        };
        let archived = archived.get_or_insert_with(|| {
            let all = by.archives.of_tile(tile.index()).into_iter();
            all.map(|entry| (Hash::of_entry(&entry), entry)).collect()
        });
        let hash = hashes.and_then(|hashes: &[Hash]| hashes.get::<usize>(at)).copied();
        seen.push(match hash.and_then(|hash| archived.get(&hash)) {
            Some(entry) => Seen { act: Some(act), ..look(place, entry, by) },
            None => gap(place, hash.unwrap_or_else(|| Hash::of_entry(entry)), act),
        });
    }
    Looked { hashes: Vec::new(), seen, findings: Vec::new() }
}

fn name(change: Change, tile: &Tile, seen: &[Seen]) -> Finding {
    let record = |at: usize| seen.get(at).map(|seen| seen.record.clone()).unwrap_or_default();
    match change {
        Change::Changed(_, to) => {
            Finding::what(Code::RecordChanged, Text::OtherHash).of(record(to))
        }
        Change::Removed(from) => {
            let place = tile.first().saturating_add(from as u64);
            Finding::new(Code::RecordRemoved).of(Record::at(place))
        }
        Change::Added(to) => Finding::new(Code::RecordAdded).of(record(to)),
        Change::Moved(_, to) => Finding::new(Code::RecordMoved).of(record(to)),
    }
}
