//! Records that somebody changed, removed, put in or moved are named: by whoever can write to the
//! copy, and by whoever has the server with its keys.

use std::path::Path;

use wardkey_core::codec::List;
use wardkey_core::log_keys::ReplacedLogKey;
use wardkey_core::sign::SigningKey;
use wardkey_core::time::UnixTime;
use wardkey_testkit::T0;
use wardkey_tlog::bundle;

use super::support::{
    Desk, Log, ORIGIN, STOLEN, VERIFIER, by_key, found, offline, report, run, verifier_of,
};

#[test]
fn an_export_that_nobody_touched_holds() {
    let desk = Desk::new();
    for count in [0, 1, 255, 256, 300, 600] {
        let folder = desk.exported(&count.to_string(), &Log::new(count));
        let report = report(&folder, &[]);
        assert_eq!(found(&report), [""; 0], "{count}");
        assert_eq!((&report["intact"], &report["size"]), (&true.into(), &count.into()));
    }
    let report = report(&desk.at("300"), &[]);
    assert_eq!((&report["logins"]["key"], &report["logins"]["pass"]), (&60.into(), &2.into()));
    assert_eq!((&report["keys"], &report["passes"]), (&2.into(), &1.into()));
}

/// Changes the entries in a bundle, and leaves its hashes.
fn rewrite(folder: &Path, name: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let path = folder.join(name);
    let bytes = std::fs::read(&path).unwrap();
    let mut entries: Vec<_> =
        bundle::entries(&bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect();
    change(&mut entries);
    let mut out = Vec::new();
    assert!(entries.iter().all(|entry| bundle::append(&mut out, entry)));
    std::fs::write(path, out).unwrap();
}

#[test]
fn whoever_has_only_the_copy_is_found_record_by_record() {
    type Act = fn(&mut Vec<Vec<u8>>);
    let cases: [(Act, &[&str]); 5] = [
        // The last byte of an event: how it ended.
        (|all| *all[43].last_mut().unwrap() ^= 1, &["1954 300"]),
        (|all| all.truncate(43), &["1955 @299"]),
        (|all| drop(all.remove(3)), &["1955 @259"]),
        (|all| all.insert(4, all[4].clone()), &["1956 261", "1958 261", "1956 @261"]),
        (|all| all.swap(3, 4), &["1957 260", "1958 260", "1958 260"]),
    ];
    for (act, wanted) in cases {
        let desk = Desk::new();
        let folder = desk.exported("log", &Log::new(300));
        rewrite(&folder, "tile/entries/001.p/44", act);
        let report = report(&folder, &[]);
        let mut found = found(&report);
        found.retain(|found| wanted.contains(&found.as_str()));
        assert_eq!(found, wanted, "{}", report["findings"]);
        assert_eq!(report["intact"], false);
    }
}

#[test]
fn a_file_that_is_gone_or_not_what_was_signed_is_named() {
    for name in [
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ] {
        let desk = Desk::new();
        let folder = desk.exported("log", &Log::new(300));
        std::fs::remove_file(folder.join(name)).unwrap();
        let report = report(&folder, &[]);
        let said = report["findings"].to_string();
        assert!(said.contains("WK-1905") && said.contains(name), "{said}");
    }

    // Hashes that fit the entries, and not the root.
    let desk = Desk::new();
    let folder = desk.exported("log", &Log::new(300));
    let other = desk.exported("other", &Log::new(301));
    std::fs::copy(other.join("checkpoint"), folder.join("checkpoint")).unwrap();
    assert_eq!(report(&folder, &[])["intact"], false);
}

#[test]
fn whoever_signs_another_history_is_found_by_an_older_export() {
    type Act = fn(&mut Log);
    let cases: [(Act, &[&str]); 8] = [
        // Nothing but what has come since.
        (|log| log.push(&offline(900_000)), &[]),
        (|log| log.entries[2].received.0 += 1, &["1907", "1954 3"]),
        (
            |log| {
                let mut event = log.event(5);
                event.time.0 -= 86_400;
                log.put(5, &event);
            },
            &["1907", "1954 6"],
        ),
        (|log| drop(log.entries.remove(2)), &["1958 4", "1906", "1955 3"]),
        (
            |log| {
                log.entries.remove(2);
                log.push(&offline(900_000));
            },
            &["1958 4", "1907", "1955 3"],
        ),
        (
            |log| {
                log.push(&by_key(1, 4500));
                let new = log.entries.pop().unwrap();
                log.entries.insert(5, new);
            },
            &["1958 6", "1907", "1956 301"],
        ),
        (
            |log| log.entries.swap(280, 290),
            &["1958 282", "1958 281", "1907", "1957 291", "1957 281"],
        ),
        (|log| log.entries.truncate(299), &["1906", "1955 300"]),
    ];
    let desk = Desk::new();
    let older = desk.exported("older", &Log::new(300));
    for (number, (act, wanted)) in cases.into_iter().enumerate() {
        let mut log = Log::new(300);
        act(&mut log);
        let folder = desk.exported(&number.to_string(), &log);
        let report = report(&folder, &["--since", older.to_str().unwrap()]);
        let found = found(&report);
        let named: Vec<&str> = found.iter().map(String::as_str).collect();
        for wanted in wanted {
            assert!(named.contains(wanted), "{number}: {wanted} not in {named:?}");
        }
        let is_wanted = |name: &&&str| name.starts_with("1958") || wanted.contains(*name);
        let others: Vec<_> = named.iter().filter(|name| !is_wanted(name)).collect();
        assert_eq!(others, Vec::<&&str>::new(), "{number}: {}", report["findings"]);

        // A checkpoint alone says that, and not which.
        let report =
            self::report(&folder, &["--since", older.join("checkpoint").to_str().unwrap()]);
        let code = wanted.iter().find(|code| matches!(**code, "1906" | "1907"));
        let found = self::found(&report);
        assert_eq!(
            found.iter().find(|found| !found.starts_with("1958")).map(String::as_str),
            code.copied()
        );
    }
}

/// Whoever makes a record picks its id.
#[test]
fn two_ids_that_begin_alike_are_two_records() {
    let (desk, mut log) = (Desk::new(), Log::new(20));
    let mut event = offline(20_000);
    let mut id = *log.event(19).id.as_bytes();
    id[8] ^= 1;
    event.id = wardkey_core::id::EventId::new(id);
    let copy = desk.lines("before.log", &log.lines());
    log.push(&event);
    let folder = desk.exported("log", &log);
    assert_eq!(found(&report(&folder, &[])), [""; 0]);
    // Nor is a copy of the one a copy of the other.
    let copy = copy.to_str().unwrap();
    log.entries.remove(19);
    log.entries[19].number = 20;
    let folder = desk.exported("without", &log);
    let found = found(&report(&folder, &["--records", copy]));
    assert_eq!(found, ["1955 :20"]);
}

#[test]
fn an_older_export_that_a_stolen_key_signed_is_compared_by_that_key_alone() {
    let (desk, mut log) = (Desk::new(), Log::new(300));
    let older = desk.at("older");
    log.export_by(&older, &STOLEN);
    log.push(&offline(400_000));
    let unlisted = desk.exported("unlisted", &log);
    let stolen = ReplacedLogKey {
        origin: ORIGIN.into(),
        key: SigningKey::from_secret(&STOLEN).public(),
        replaced: UnixTime(T0 + 350_000),
    };
    log.keys.replaced = Some(List::new(vec![stolen]).unwrap());
    let folder = desk.exported("log", &log);

    let since = ["--since", older.to_str().unwrap()];
    let refused = |folder: &Path, more: &[&str]| {
        let output = run("C.UTF-8", folder, &[&since[..], more].concat());
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused(&folder, &[]);
    assert!(said.contains("WK-1962") && said.contains("2027-01-19T09:13:20Z"), "{said}");
    // A list that says nothing of it, and another key.
    assert!(refused(&unlisted, &[]).contains("WK-1904"));
    assert!(refused(&folder, &["--since-key", &VERIFIER]).contains("WK-1962"));
    assert!(refused(&folder, &["--since-key", &verifier_of(&[7; 32])]).contains("WK-1962"));

    let (own, time) = (verifier_of(&STOLEN), (T0 + 350_000).into());
    let by_own = [&since[..], &["--since-key", &own]].concat();
    for (folder, stolen) in [(&folder, &time), (&unlisted, &serde_json::Value::Null)] {
        let report = report(folder, &by_own);
        assert_eq!(found(&report), [""; 0]);
        let since = &report["since"];
        assert_eq!((&since["size"], &since["verifier"]), (&300.into(), &own.as_str().into()));
        assert_eq!(&since["key_stolen"], stolen);
    }
    let said = String::from_utf8(run("C.UTF-8", &folder, &by_own).stdout).unwrap();
    assert!(said.contains("replaced as stolen on 2027-01-19T09:13:20Z"), "{said}");
    // What became of the records and keys of then is found by the other key too.
    log.entries.remove(2);
    log.change_keys(|keys| drop(keys.remove(0)));
    let found = found(&report(&desk.exported("changed", &log), &by_own));
    assert!(found.contains(&"1961".to_owned()) && found.contains(&"1955 3".to_owned()));
    let alone = run("C.UTF-8", &folder, &["--since-key", &own]);
    assert_eq!(alone.status.code(), Some(2));
}

#[test]
fn a_record_that_stands_there_twice_and_numbers_that_fall_are_found() {
    let desk = Desk::new();
    let mut log = Log::new(20);
    let mut again = log.entries[1].clone();
    again.number = 21;
    again.received = log.entries[19].received;
    log.entries.push(again);
    let report = report(&desk.exported("twice", &log), &[]);
    assert_eq!(found(&report), ["1956 @20"], "{report}");

    let mut log = Log::new(20);
    log.entries[7].number = 3;
    let report = self::report(&desk.exported("number", &log), &[]);
    assert_eq!(found(&report)[0], "1958 3");
    // What is missing without a fall: to be looked at.
    let mut log = Log::new(20);
    log.entries.iter_mut().skip(7).for_each(|entry| entry.number += 2);
    let report = self::report(&desk.exported("gap", &log), &[]);
    assert_eq!((found(&report), &report["remarks"]), (vec!["1958 10".to_owned()], &1.into()));
    assert_eq!(report["intact"], true);
}
