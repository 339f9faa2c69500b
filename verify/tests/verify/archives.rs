//! Archives by themselves, and exports from which records were pruned into one.

use std::path::{Path, PathBuf};

use wardkey_core::codec::{self, List, sha256};
use wardkey_core::event::{Class, Event};
use wardkey_core::log_archive::{
    KEPT_AT_LEAST, PruneAct, PruneDigest, Pruned, PrunedClass, PrunedEntry,
};
use wardkey_core::sign::SigningKey;
use wardkey_core::time::UnixTime;
use wardkey_testkit::T0;
use wardkey_tlog::{Checkpoint, KeyName, Note, Signer, bundle};

use super::support::{Desk, Log, ORIGIN, SECRET, by_key, found, offline, report, run};

/// An export of a log, with the records at some places pruned, as a server writes it; and the list
/// signed by a key.
fn pruned(desk: &Desk, log: &Log, gone: &[u64], archive: &Path) -> (PathBuf, Pruned) {
    let folder = desk.exported("pruned", log);
    let mut digest = PruneDigest::default();
    for place in gone {
        digest.add(*place);
        replace(&folder, *place, codec::to_bytes(&PrunedEntry { act: 1 }));
    }
    let act = PruneAct {
        number: 1,
        time: UnixTime(T0 + 1_000_000 + KEPT_AT_LEAST),
        archive: sha256(&std::fs::read(archive).unwrap()),
        records: digest.records,
        places: digest.places,
        classes: List::new(vec![PrunedClass::new(Class::Operation, UnixTime(T0 + 1_000_000))])
            .unwrap(),
    };
    let size = log.entries.len() as u64;
    let list = Pruned { origin: ORIGIN.into(), size, acts: List::new(vec![act]).unwrap() };
    sign(&folder, &list, &SECRET);
    (folder, list)
}

fn sign(folder: &Path, list: &Pruned, secret: &[u8; 32]) {
    std::fs::write(folder.join("pruned.cbor"), SigningKey::from_secret(secret).sign(list)).unwrap();
}

/// Puts something else in the place of an entry, and leaves its hash.
fn replace(folder: &Path, place: u64, entry: Vec<u8>) {
    let tile = folder.join("tile/entries");
    let (full, partial) = (tile.join(format!("{:03}", place / 256)), place / 256);
    let path = match full.exists() {
        true => full,
        false => {
            let folder = tile.join(format!("{partial:03}.p"));
            std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
        }
    };
    let bytes = std::fs::read(&path).unwrap();
    let mut entries: Vec<Vec<u8>> =
        bundle::entries(&bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect();
    entries[(place % 256) as usize] = entry;
    let mut out = Vec::new();
    assert!(entries.iter().all(|entry| bundle::append(&mut out, entry)));
    std::fs::write(path, out).unwrap();
}

#[test]
fn an_archive_is_checked_by_itself_and_goes_on_from_the_one_before() {
    let (desk, log) = (Desk::new(), Log::new(700));
    let (first, second) = (desk.at("first.wka"), desk.at("second.wka"));
    log.archive(&first, (0, 300));
    log.archive(&second, (300, 700));
    let report_of = |path: &Path, more: &[&str]| {
        let report = report(path, more);
        (found(&report), report["first"].as_u64().unwrap(), report["size"].as_u64().unwrap())
    };
    assert_eq!(report_of(&first, &[]), (vec![], 0, 300));
    assert_eq!(report_of(&second, &[]), (vec![], 300, 700));
    let logins = report(&first, &[]);
    assert_eq!((&logins["logins"]["key"], &logins["logins"]["pass"]), (&60.into(), &2.into()));
    // Against the one before, and against an export from the middle of it.
    assert_eq!(report_of(&second, &["--since", first.to_str().unwrap()]).0, [""; 0]);
    let middle = desk.exported("middle", &Log::new(500));
    assert_eq!(report_of(&second, &["--since", middle.to_str().unwrap()]).0, [""; 0]);
    // A later export goes on from an archive; an archive shows nothing of what came before it.
    let later = desk.exported("later", &Log::new(800));
    for archive in [&first, &second] {
        assert_eq!(found(&report(&later, &["--since", archive.to_str().unwrap()])), [""; 0]);
    }
    let early = desk.exported("early", &Log::new(200));
    let output = run("C.UTF-8", &second, &["--since", early.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));

    // An archive fills no gaps of another one: it has none.
    let output = run("C.UTF-8", &second, &["--archive", first.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));

    // Another history, with the server's keys.
    let mut other = Log::new(700);
    other.put(310, &offline(77));
    other.archive(&second, (300, 700));
    assert_eq!(found(&report(&second, &[])), [""; 0]);
    assert_eq!(found(&report(&second, &["--since", middle.to_str().unwrap()])), ["1907"]);
    assert_eq!(found(&report(&later, &["--since", second.to_str().unwrap()])), ["1907"]);
}

#[test]
fn whoever_touches_an_archive_is_found() {
    let (desk, log) = (Desk::new(), Log::new(40));
    let path = desk.at("a.wka");
    log.archive(&path, (10, 40));
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(61).chain([0, 18, 22, whole.len() - 1]) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let status = run("C.UTF-8", &path, &["--json"]).status.code();
        assert!(matches!(status, Some(1 | 3)), "byte {at}: {status:?}");
    }
    for length in [18, 25, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let status = run("C.UTF-8", &path, &[]).status.code();
        assert!(matches!(status, Some(1 | 3)), "{length}: {status:?}");
    }
    // Without its last record, which is whole.
    let entry = codec::to_bytes(&log.entries[39]).len() + 2;
    std::fs::write(&path, &whole[..whole.len() - entry]).unwrap();
    assert_eq!(found(&report(&path, &[])), ["1905"]);
    // A login that is given to somebody else, by whoever has the server's keys.
    let mut other = Log::new(40);
    let mut event = other.event(21);
    event.counter = Some(8);
    other.put(21, &event);
    other.archive(&path, (10, 40));
    assert_eq!(found(&report(&path, &[])), ["1959 22"]);
}

#[test]
fn what_was_pruned_is_said_by_its_act_and_looked_at_in_the_archive() {
    let (desk, log) = (Desk::new(), Log::new(300));
    let archive = desk.at("a.wka");
    log.archive(&archive, (0, 290));
    let gone: Vec<u64> = (0..280).filter(|place| ![1, 4, 7].contains(&(place % 10))).collect();
    let (folder, list) = pruned(&desk, &log, &gone, &archive);

    let without = report(&folder, &[]);
    assert_eq!((found(&without), &without["pruned"]), (vec!["1696".to_owned()], &196.into()));
    assert_eq!((&without["intact"], &without["remarks"]), (&true.into(), &1.into()));
    let said = String::from_utf8(run("C.UTF-8", &folder, &[]).stdout).unwrap();
    let digest = list.acts[0].archive.to_hex();
    assert!(said.contains("196 by act 1") && said.contains(&digest), "{said}");
    let with = ["--archive", archive.to_str().unwrap()];
    let filled = report(&folder, &with);
    assert_eq!((found(&filled), &filled["pruned"]), (vec![], &0.into()));
    assert_eq!(filled["logins"], without["logins"]);

    // An older export that has them, and copies: nobody removed anything.
    let older = desk.exported("older", &Log::new(200));
    assert_eq!(found(&report(&folder, &["--since", older.to_str().unwrap()])), ["1696"]);
    let copies = desk.lines("copies", &log.lines());
    let copied = ["--records", copies.to_str().unwrap()];
    let all = report(&folder, &copied);
    assert_eq!((&all["faults"], &all["remarks"]), (&0.into(), &197.into()));
    assert_eq!(found(&report(&folder, &[copied, with].concat())), [""; 0]);
}

#[test]
fn a_record_that_is_missing_by_nobody_s_act_is_found() {
    let (desk, log) = (Desk::new(), Log::new(300));
    let archive = desk.at("a.wka");
    log.archive(&archive, (0, 300));
    let gone = [0, 2, 3, 290];
    let (folder, list) = pruned(&desk, &log, &gone, &archive);
    let with = ["--archive", archive.to_str().unwrap()];
    assert_eq!(found(&report(&folder, &with)), [""; 0]);

    // One more, one fewer; with the archive or without.
    replace(&folder, 12, codec::to_bytes(&PrunedEntry { act: 1 }));
    assert_eq!(found(&report(&folder, &with)), ["1697"]);
    assert!(found(&report(&folder, &[])).contains(&"1697".to_owned()));
    replace(&folder, 12, codec::to_bytes(&log.entries[12]));
    replace(&folder, 0, codec::to_bytes(&log.entries[0]));
    assert_eq!(found(&report(&folder, &with)), ["1697"]);
    replace(&folder, 0, codec::to_bytes(&PrunedEntry { act: 1 }));
    // Another list: gone, by another key, of another size.
    let path = folder.join("pruned.cbor");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(found(&report(&folder, &with)), ["1697"]);
    sign(&folder, &list, &[3; 32]);
    assert_eq!(found(&report(&folder, &with)), ["1697"]);
    sign(&folder, &Pruned { size: 299, ..list.clone() }, &SECRET);
    assert_eq!(found(&report(&folder, &with)), ["1697"]);
    // What an archive has in its place must be what was there: else this one does not have it, and
    // another one may.
    sign(&folder, &list, &SECRET);
    let (right, wrong) = (desk.at("right.wka"), desk.at("wrong.wka"));
    std::fs::rename(&archive, &right).unwrap();
    let mut other = log.clone();
    other.put(2, &offline(77));
    other.archive(&wrong, (0, 300));
    let (right, wrong) = (right.to_str().unwrap(), wrong.to_str().unwrap());
    let with_wrong = report(&folder, &["--archive", wrong]);
    assert_eq!((found(&with_wrong), &with_wrong["pruned"]), (vec!["1696".to_owned()], &1.into()));
    for both in [[right, wrong], [wrong, right]] {
        let both = ["--archive", both[0], "--archive", both[1]];
        assert_eq!(found(&report(&folder, &both)), [""; 0]);
    }

    // An act that an older export knows does not vanish.
    let older = desk.at("older");
    std::fs::rename(&folder, &older).unwrap();
    let now = desk.exported("now", &log);
    assert_eq!(found(&report(&now, &["--since", older.to_str().unwrap()])), ["1697"]);
}

/// A list whose act names these classes, each with the time before which it pruned.
fn taking(list: &Pruned, classes: &[(Class, u64)], time: u64) -> Pruned {
    let classes = classes.iter().map(|(class, at)| PrunedClass::new(*class, UnixTime(T0 + at)));
    let classes = List::new(classes.collect()).unwrap();
    let act = PruneAct { classes, time: UnixTime(T0 + time), ..list.acts[0].clone() };
    Pruned { acts: List::new(vec![act]).unwrap(), ..list.clone() }
}

#[test]
fn what_was_not_past_its_time_is_named_with_the_archive_and_without_it() {
    let (desk, log) = (Desk::new(), Log::new(300));
    let archive = desk.at("a.wka");
    log.archive(&archive, (0, 300));
    // A login, which is of another class than the act names.
    let (folder, list) = pruned(&desk, &log, &[10, 21, 200], &archive);
    let with = ["--archive", archive.to_str().unwrap()];
    assert_eq!(found(&report(&folder, &with)), ["1697 @21"]);
    assert_eq!(found(&report(&folder, &[])), ["1696"], "nobody can tell");
    let both = [(Class::Operation, 1_000_000), (Class::Logins, 1_000_000)];
    let late = 1_000_000 + KEPT_AT_LEAST;
    sign(&folder, &taking(&list, &both, late), &SECRET);
    assert_eq!(found(&report(&folder, &with)), [""; 0]);

    // Records are a thousand seconds apart: the last one came later than the act says.
    let early = [(Class::Operation, 150_000), (Class::Logins, 150_000)];
    sign(&folder, &taking(&list, &early, late), &SECRET);
    assert_eq!(found(&report(&folder, &with)), ["1697 @200"]);
    assert_eq!(found(&report(&folder, &[])), ["1697 @200", "1696"]);
    // Thirty days are kept at least.
    sign(&folder, &taking(&list, &both, late - 1), &SECRET);
    assert_eq!(found(&report(&folder, &with)), ["1697"]);
}

#[test]
fn copies_of_what_no_act_can_have_taken_are_missing() {
    let (desk, log) = (Desk::new(), Log::new(60));
    let archive = desk.at("a.wka");
    log.archive(&archive, (0, 60));
    let (folder, _) = pruned(&desk, &log, &[10, 20], &archive);
    let report_of = |more: &[(usize, Event)]| {
        let mut lines = log.lines();
        for (at, event) in more {
            lines.insert(*at, format!("Jan 15 08:00:00 ward3 wardkey[1]: {}", event.to_line()));
        }
        let copies = desk.lines("copies", &lines);
        let report = report(&folder, &["--records", copies.to_str().unwrap()]);
        (report["faults"].as_u64().unwrap(), report["remarks"].as_u64().unwrap())
    };
    assert_eq!(report_of(&[]), (0, 3));
    // A login of that time; and a third record where two are missing.
    assert_eq!(report_of(&[(16, by_key(1, 15_500))]), (1, 3));
    assert_eq!(report_of(&[(26, offline(25_500))]), (1, 3));
}

#[test]
fn after_a_restore_acts_of_before_are_gone_and_somebody_looks_at_it() {
    let (desk, log) = (Desk::new(), Log::new(60));
    let archive = desk.at("a.wka");
    log.archive(&archive, (0, 60));
    let (folder, list) = pruned(&desk, &log, &[10, 20], &archive);
    let older = desk.at("older");
    std::fs::rename(&folder, &older).unwrap();
    let now = desk.exported("now", &log);
    let since = ["--since", older.to_str().unwrap()];
    let of_one_log = report(&now, &since);
    assert_eq!((found(&of_one_log), &of_one_log["faults"]), (vec!["1697".to_owned()], &1.into()));

    let name = ORIGIN.replace("/1", "/7");
    let note = std::fs::read(older.join("checkpoint")).unwrap();
    let then = Checkpoint::parse(Note::parse(&note).unwrap().unverified()).unwrap();
    let signer = Signer::new(KeyName::new(name.clone()).unwrap(), &SECRET);
    let then = Checkpoint::new(name.clone(), then.size(), *then.root()).unwrap();
    std::fs::write(older.join("checkpoint"), then.sign(&signer).unwrap().to_string()).unwrap();
    sign(&older, &Pruned { origin: name, ..list }, &SECRET);
    let restored = report(&now, &since);
    assert_eq!((&restored["faults"], &restored["remarks"]), (&0.into(), &1.into()));
    assert_eq!(found(&restored), ["1697"]);
}

#[test]
fn a_gap_excuses_no_more_numbers_than_it_has_records() {
    let (desk, mut log) = (Desk::new(), Log::new(60));
    let archive = desk.at("a.wka");
    for entry in log.entries.iter_mut().skip(13) {
        entry.number += 2;
    }
    log.archive(&archive, (0, 60));
    let (folder, _) = pruned(&desk, &log, &[10, 12], &archive);
    let report = report(&folder, &[]);
    assert_eq!((&report["faults"], &report["remarks"]), (&0.into(), &2.into()));
    assert_eq!(found(&report), ["1958 16", "1696"]);
}
