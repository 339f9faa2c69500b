//! What was pruned from an export: whether the gaps in it are those that the server signed, and
//! whether what they stand for was past its time.

use std::collections::HashSet;

use wardkey_core::code::Code;
use wardkey_core::event::{Class, EventName};
use wardkey_core::evidence::RECORDED_WITHIN;
use wardkey_core::log_archive::{PruneAct, Pruned};
use wardkey_core::time::UnixTime;
use wardkey_tlog::Checkpoint;

use crate::finding::{Finding, Record};
use crate::folder::Folder;
use crate::gone::Gone;
use crate::texts::{Phrase, Text};

/// Compares the gaps that were met with the signed list, and that with an older one.
pub fn check(
    folder: &Folder,
    checkpoint: &Checkpoint,
    (older, list): (Option<&Pruned>, Option<&Pruned>),
    gone: &Gone,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut acts: &[PruneAct] = &[];
    if !gone.gaps.is_empty() || folder.says_pruned() {
        let list = list
            .filter(|list| list.origin == checkpoint.origin() && list.size == checkpoint.size());
        let Some(list) = list else { return vec![changed(Text::PrunedUnlisted.into())] };
        acts = &list.acts;
    }

    findings.extend(gone.gaps.unlike(acts).into_iter().map(|act| of_act(Text::PrunedOther, act)));
    findings.extend(acts.iter().flat_map(|act| untimely(act, gone)));
    findings.extend(older.into_iter().flat_map(|older| vanished(older, acts, checkpoint)));
    findings.extend(gone.unfilled.iter().map(|(number, count)| {
        let listed = acts.iter().find(|act| act.number == *number);
        let time = listed.map(|act| act.time.to_rfc3339()).unwrap_or_default();
        let archive = listed.map(|act| act.archive.to_hex()).unwrap_or_default();
        let args = [
            ("count", (*count).into()),
            ("act", (*number).into()),
            ("time", time.into()),
            ("archive", archive.into()),
        ];
        Finding::what(Code::RecordsPruned, Text::PrunedByAct.with(args)).remark()
    }));
    findings
}

fn changed(what: Phrase) -> Finding {
    Finding::what(Code::PrunedChanged, what)
}

fn of_act(text: Text, act: u64) -> Finding {
    changed(text.with([("act", act.into())]))
}

/// What an act pruned before its time, by its own classes and times.
fn untimely(act: &PruneAct, gone: &Gone) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !act.keeps_long_enough() {
        findings.push(of_act(Text::PrunedTooYoung, act.number));
    }
    let not_due = |place: u64| of_act(Text::PrunedNotDue, act.number).of(Record::at(place));
    // Of what archives have class and age are known.
    let own = (act.number, None)..=(act.number, Some(Class::Operation));
    for ((_, class), (time, place)) in gone.filled.range(own) {
        if class.is_none_or(|class| !act.takes(class, *time)) {
            findings.push(not_due(*place));
        }
    }
    // Of the others it is known behind what they stand in the log.
    if let Some((arrived, place)) = gone.arrived.get(&act.number)
        && *arrived >= act.before().plus(RECORDED_WITHIN)
    {
        findings.push(not_due(*place));
    }
    findings
}

/// Acts of an older list that are not there any more. After a restore of a backup from before the
/// act that is so, and the log has another name: somebody has to look at it.
fn vanished(older: &Pruned, acts: &[PruneAct], checkpoint: &Checkpoint) -> Vec<Finding> {
    let is_same_log = older.origin == checkpoint.origin();
    let gone = older.acts.iter().filter(|was| !acts.iter().any(|now| goes_on(was, now)));
    let found = gone.map(|gone| {
        let finding = of_act(Text::PrunedActGone, gone.number);
        if is_same_log {
            return finding;
        }
        let renamed = Text::Renamed.with([("origin", older.origin.as_str().into())]);
        finding.against(renamed).remark()
    });
    found.collect()
}

/// Whether an act is the one of before: it may have pruned more since.
fn goes_on(was: &PruneAct, now: &PruneAct) -> bool {
    let is_same = was.number == now.number && was.archive == now.archive && was.time == now.time;
    let is_whole = was.records != now.records || was.places == now.places;
    is_same && is_whole && was.records <= now.records && was.classes == now.classes
}

/// Copies of which the log has no record, where they may be of those that were pruned and that no
/// archive has that was given: these are no faults, as nobody can tell without the archive. They
/// are of a class that an act took, past its time, and no more than what is missing: the others
/// are faults.
pub fn may_be_gone(left: Vec<Finding>, list: Option<&Pruned>, gone: &Gone) -> Vec<Finding> {
    let acts = list.map(|list| &*list.acts).unwrap_or_default();
    let acts: Vec<&PruneAct> =
        acts.iter().filter(|act| gone.unfilled.contains_key(&act.number)).collect();
    let (mut ids, most) = (HashSet::new(), gone.unfilled());
    let excused = |finding: Finding| {
        let record = finding.record.clone().unwrap_or_default();
        let may_be = acts.iter().any(|act| may_take(act, &record));
        let Some(id) = record.id.filter(|_| may_be) else { return finding };
        // Several copies of a record are one.
        if !ids.contains(&id) && ids.len() as u64 >= most {
            return finding;
        }
        ids.insert(id);
        finding.against(Text::MaybePruned).remark()
    };
    left.into_iter().map(excused).collect()
}

/// Whether an act may have pruned a record, by its copy: one whose evidence does not hold is of
/// another class, and only the log says so.
fn may_take(act: &PruneAct, record: &Record) -> bool {
    let name = record.event.as_deref().and_then(EventName::of_word);
    let Some((name, time)) = name.zip(record.time.map(UnixTime)) else { return false };
    act.takes(Class::of(name, false), time) || act.takes(Class::of(name, true), time)
}

#[cfg(test)]
mod tests {
    use wardkey_core::codec::List;
    use wardkey_core::id::Hash;
    use wardkey_core::log_archive::PrunedClass;

    use super::*;

    fn act(number: u64, class: Class, before: u64) -> PruneAct {
        PruneAct {
            number,
            time: UnixTime(before + 40 * 86_400),
            archive: Hash::new([1; 32]),
            records: 1,
            places: Hash::new([2; 32]),
            classes: List::new(vec![PrunedClass::new(class, UnixTime(before))]).unwrap(),
        }
    }

    fn copy(id: u8, event: &str, time: u64) -> Finding {
        let (id, event) = (Some(id.to_string()), Some(event.to_owned()));
        let record = Record { id, event, time: Some(time), ..Record::default() };
        Finding::new(Code::RecordRemoved).of(record)
    }

    /// Which of these copies are faults when an act took records of how terminals are, and two
    /// records are missing by it.
    fn faults(copies: &[(u8, &str, u64)]) -> Vec<usize> {
        let mut gone = Gone::default();
        gone.gap(1, 5);
        gone.gap(1, 9);
        let acts = vec![act(1, Class::Operation, 1000), act(2, Class::Logins, 9000)];
        let list = Pruned { origin: "o".into(), size: 10, acts: List::new(acts).unwrap() };
        let left = copies.iter().map(|(id, event, time)| copy(*id, event, *time)).collect();
        let found = may_be_gone(left, Some(&list), &gone);
        (0..found.len()).filter(|at| !found[*at].is_remark).collect()
    }

    #[test]
    fn only_what_an_act_can_have_taken_may_be_pruned() {
        assert_eq!(faults(&[(1, "offline", 999), (2, "online", 5)]), [0; 0]);
        // Another class, the time of the act, an act that took nothing that is missing, a word that
        // is none.
        assert_eq!(faults(&[(1, "login", 5), (2, "offline", 1000), (3, "other", 5)]), [0, 1, 2]);
        assert_eq!(faults(&[(1, "login", 8000)]), [0]);
    }

    #[test]
    fn no_more_copies_may_be_pruned_than_records_are_missing() {
        let all = [(1, "offline", 5), (2, "offline", 6), (1, "offline", 5), (3, "offline", 7)];
        assert_eq!(faults(&all), [3]);
    }
}
