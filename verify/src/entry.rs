//! One record of the log: whether it says what it was, and whether its evidence holds.

use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::event::{Class, Event};
use wardkey_core::evidence;
use wardkey_core::log_entry::{Finding as Found, LogEntry};
use wardkey_core::time::UnixTime;
use wardkey_tlog::Hash;

use crate::archive::Archives;
use crate::copies::Copies;
use crate::differ::Item;
use crate::finding::{Finding, Record};
use crate::keys::{Judged, Keys, Proof};
use crate::texts::{Phrase, Text};

/// What was seen of a record.
#[derive(Debug)]
pub struct Seen {
    /// The record by its hash.
    pub item: Item,
    /// What names it.
    pub record: Record,
    /// Number and arrival, of one that can be read.
    pub entry: Option<(u64, UnixTime)>,
    /// By what it is proved.
    pub proof: Option<Proof>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Its class, of one that can be read.
    pub class: Option<Class>,
    /// The act by which it was pruned. What an archive has of it is seen all the same.
    pub act: Option<u64>,
    /// Whether it was pruned, and no archive that was given has it.
    pub is_gap: bool,
}

/// What is known of a record that an act pruned.
pub fn gap(place: u64, hash: Hash, act: u64) -> Seen {
    let (item, record) = (Item { hash, id: None }, Record::at(place));
    Seen { act: Some(act), is_gap: true, ..nothing(item, record) }
}

/// Nothing was seen but what it is.
const fn nothing(item: Item, record: Record) -> Seen {
    Seen {
        item,
        record,
        entry: None,
        proof: None,
        findings: Vec::new(),
        class: None,
        act: None,
        is_gap: false,
    }
}

/// By what records are judged.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Keys and passes; without them no evidence is verified.
    pub keys: Option<&'a Keys>,
    /// Copies from elsewhere.
    pub copies: &'a Copies,
    /// What was pruned.
    pub archives: &'a Archives,
}

/// Looks at the entry at a place.
pub fn look(place: u64, bytes: &[u8], by: By<'_>) -> Seen {
    let hash = Hash::of_entry(bytes);
    let Ok(entry) = codec::from_bytes::<LogEntry>(bytes) else { return unreadable(place, hash) };
    let Ok(event) = codec::from_bytes::<Event>(entry.event.as_slice()) else {
        let mut seen = unreadable(place, hash);
        seen.record = Record::of(place, &entry, None);
        seen.entry = Some((entry.number, entry.received));
        return seen;
    };

    let record = Record::of(place, &entry, Some(&event));
    let mut findings = Vec::new();
    // What an agent recorded before it joined names no terminal.
    if event.terminal.is_some_and(|terminal| terminal != entry.terminal) {
        findings.push(Finding::what(Code::RecordChanged, Text::OtherTerminal));
    }
    let proof = by.keys.and_then(|keys| judge(keys, &entry, &event, &mut findings));
    findings.extend(by.copies.compare(place, &event));
    let named = |finding: Finding| finding.of(record.clone());
    let findings = findings.into_iter().map(named).collect();
    let item = Item { hash, id: Some(*event.id.as_bytes()) };
    Seen {
        entry: Some((entry.number, entry.received)),
        proof,
        findings,
        class: Some(entry.class(&event)),
        ..nothing(item, record)
    }
}

fn unreadable(place: u64, hash: Hash) -> Seen {
    let record = Record::at(place);
    let finding = Finding::what(Code::RecordChanged, Text::EntryUnreadable).of(record.clone());
    Seen { findings: vec![finding], ..nothing(Item { hash, id: None }, record) }
}

/// Verifies the evidence, and compares that with what the server found.
fn judge(
    keys: &Keys,
    entry: &LogEntry,
    event: &Event,
    findings: &mut Vec<Finding>,
) -> Option<Proof> {
    let claims = evidence::claims_proof(event);
    let person = event.person.as_ref();
    let unproven = |what| Finding::what(Code::RecordUnproven, what);
    match (keys.judge(event, &entry.terminal, entry.received), entry.finding) {
        (Judged::Proved(proof, off), Found::Valid) => {
            // The terminal may have been offline.
            let remark = |off: Phrase| Finding::what(Code::RecordKeyInvalid, off).remark();
            findings.extend(off.map(remark));
            return Some(proof).filter(|_| evidence::claims_success(event));
        }
        (Judged::Nothing, Found::None) => {}
        // The server saw that there is nobody of that name; only it knows people without a key.
        (Judged::Proved(Proof::Vouch, _), Found::Invalid)
            if person.is_some_and(|person| !keys.was_there(person, entry.received)) =>
        {
            findings.push(unproven(Text::VouchedForNobody.into()).remark());
        }
        (Judged::Unproved(why), _) if claims => findings.push(unproven(why)),
        // Of a refusal: the server has noted that, so nothing was changed.
        (Judged::Unproved(_), Found::Invalid) => {}
        (Judged::Unproved(why), _) => findings.push(unproven(why)),
        (Judged::Proved(..) | Judged::Nothing, _) => {
            findings.push(Finding::what(Code::RecordChanged, Text::OtherFinding));
        }
    }
    None
}
