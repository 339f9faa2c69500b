//! Copies of the records from syslog and from SIEMs, held against the log in both directions.

use wardkey_core::event::Format;
use wardkey_core::time::UnixTime;
use wardkey_records::{Forwarded, Source};
use wardkey_testkit::{T0, TERMINAL};

use super::support::{Desk, Log, found, offline, report, run};

/// What is found when the copy of twenty records was changed.
fn changed(change: impl FnOnce(&mut Vec<String>)) -> Vec<String> {
    let (desk, log) = (Desk::new(), Log::new(20));
    let folder = desk.exported("log", &log);
    let mut lines = log.lines();
    change(&mut lines);
    let copy = desk.lines("auth.log", &lines);
    found(&report(&folder, &["--records", copy.to_str().unwrap()]))
}

#[test]
fn a_copy_that_nobody_touched_is_the_log_in_every_form() {
    let (desk, log) = (Desk::new(), Log::new(20));
    let folder = desk.exported("log", &log);
    let source = Source::new("ward3-07", "wardkey-agent", "0.1.0", 32473);
    for format in [Format::KeyValue, Format::Rfc5424, Format::Ecs, Format::Ocsf] {
        let line = |place| wardkey_records::syslog_message(format, &log.event(place), &source);
        let plain = |place| wardkey_records::render(format, &log.event(place), &source);
        // With what stands in front of it on its way, and without.
        for (name, lines) in [
            ("sent", (0..20).map(line).collect::<Vec<_>>()),
            ("kept", (0..20).map(plain).collect()),
        ] {
            let with_others =
                [&["sshd[7]: Accepted publickey".to_owned()], lines.as_slice()].concat();
            let copy = desk.lines(name, &with_others);
            let report = report(&folder, &["--records", copy.to_str().unwrap()]);
            assert_eq!(found(&report), [""; 0], "{format:?} {name}");
            let counts = (&report["copies"][0]["records"], &report["copies"][0]["others"]);
            assert_eq!(counts, (&20.into(), &1.into()), "{format:?} {name}");
        }
    }
}

#[test]
fn what_was_done_to_a_copy_is_named_with_its_line() {
    assert_eq!(changed(|_| {}), [""; 0]);
    assert_eq!(changed(|lines| drop(lines.remove(4))), ["1955 5"]);
    let edit = |lines: &mut Vec<String>| lines[4] = lines[4].replace("person=taro", "person=jiro");
    assert_eq!(changed(edit), ["1954 5 :5"]);
    let back_date = |lines: &mut Vec<String>| {
        let time = |at: u64| format!("time={}", T0 + at);
        lines[6] = lines[6].replace(&time(6000), &time(1000));
    };
    assert_eq!(changed(back_date), ["1957 :7", "1954 7 :7"]);
    assert_eq!(
        changed(|lines| {
            let line = lines.remove(3);
            lines.insert(10, line);
        }),
        ["1957 :11"]
    );
    // One that the log never had.
    let forge = |lines: &mut Vec<String>| {
        let id = "id=ffffffffffffffffffffffffffffffff";
        let own = lines[5].split("id=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        let line = lines[5].replace(&format!("id={own}"), id);
        lines.insert(6, line);
    };
    assert_eq!(changed(forge), ["1955 :7"]);
    // A line that came twice, as after a crash; heartbeats, which stay at the terminal; and what is
    // newer than all that has arrived.
    let more = |lines: &mut Vec<String>| {
        lines.insert(5, lines[5].clone());
        let beat = lines[5].replace("event=offline", "event=heartbeat");
        let own = beat.split("id=").nth(1).unwrap()[..32].to_owned();
        lines.insert(6, beat.replace(&own, &"e".repeat(32)));
        let mut late = Log::new(0);
        late.push(&offline(500_000));
        lines.extend(late.lines());
    };
    assert_eq!(changed(more), [""; 0]);
}

/// What is found in a copy, changed so, of what the server sends on: first an alarm, then all that
/// the terminal had recorded before.
fn sent_on(format: Format, change: impl FnOnce(&mut Vec<String>)) -> Vec<String> {
    let (desk, mut log) = (Desk::new(), Log::new(0));
    // The alarms come before what was recorded earlier.
    let alarms = [42_000, 61_000];
    alarms.into_iter().chain((0..12).map(|n| n * 5000)).for_each(|at| log.push(&offline(at)));
    log.entries.iter_mut().for_each(|entry| entry.received = UnixTime(T0 + 100_000));
    let folder = desk.exported("log", &log);
    let line = |place: usize| {
        let forwarded = Forwarded {
            by: "wardkey".into(),
            terminal: TERMINAL.to_hex(),
            scopes: "icu".into(),
            received: UnixTime(T0 + 100_000),
            place: place as u64,
            verdict: "none".into(),
        };
        let source = Source::new("ward3-07", "wardkey-agent", "0.1.0", 32473);
        let source = Source { forwarded: Some(forwarded), ..source };
        wardkey_records::syslog_message(format, &log.event(place), &source)
    };
    // The first alarm came before there was the destination.
    let mut lines: Vec<String> = (1..log.entries.len()).map(line).collect();
    change(&mut lines);
    let copy = desk.lines("siem.log", &lines);
    found(&report(&folder, &["--records", copy.to_str().unwrap()]))
}

#[test]
fn what_the_server_sends_on_is_in_the_order_of_its_log() {
    for format in [Format::KeyValue, Format::Rfc5424, Format::Ecs, Format::Ocsf] {
        assert_eq!(sent_on(format, |_| {}), [""; 0], "{format:?}");
        assert_eq!(sent_on(format, |lines| lines.reverse()), [""; 0], "{format:?}");
        // As a search in a SIEM gives them: sorted by their time.
        assert_eq!(sent_on(format, |lines| lines.rotate_left(1)), [""; 0], "{format:?}");
        // A batch that comes again after a crash.
        let again = |lines: &mut Vec<String>| {
            let batch = lines[2..8].to_vec();
            lines.splice(8..8, batch);
        };
        assert_eq!(sent_on(format, again), [""; 0], "{format:?}");
        let moved = |lines: &mut Vec<String>| {
            let line = lines.remove(3);
            lines.insert(9, line);
        };
        assert_eq!(sent_on(format, moved), ["1957 :10"], "{format:?}");
        assert_eq!(sent_on(format, |lines| drop(lines.remove(6))), ["1955 8"], "{format:?}");
    }
}

#[test]
fn a_record_that_was_removed_from_the_log_is_found_by_its_copy() {
    let (desk, whole) = (Desk::new(), Log::new(20));
    let copy = desk.lines("auth.log", &whole.lines());
    let mut log = whole.clone();
    log.entries.remove(8);
    let folder = desk.exported("log", &log);
    let report = report(&folder, &["--records", copy.to_str().unwrap()]);
    // The gap in the numbers, and the record itself.
    assert_eq!(found(&report), ["1958 10", "1955 :9"]);
    let finding = &report["findings"][1];
    assert_eq!(finding["against"], "missing in the log");
    assert_eq!(finding["record"]["id"], whole.event(8).id.to_hex());
}

#[test]
fn a_copy_with_the_newest_first_is_said_to_be_so_once_and_what_was_moved_in_it() {
    let (desk, log) = (Desk::new(), Log::new(20));
    let folder = desk.exported("log", &log);
    let mut lines = log.lines();
    lines.reverse();
    let copy = desk.lines("search.log", &lines);
    let more = ["--records", copy.to_str().unwrap()];
    let report = report(&folder, &more);
    assert_eq!(found(&report), [""; 0]);
    assert_eq!(report["copies"][0]["newest_first"], true);
    for (language, sentence) in
        [("C.UTF-8", "has the newest record first"), ("ja_JP.UTF-8", "新しい記録から並んでいる")]
    {
        let said = String::from_utf8(run(language, &folder, &more).stdout).unwrap();
        assert_eq!(said.matches(sentence).count(), 1, "{said}");
    }

    let line = lines.remove(3);
    lines.insert(10, line);
    let copy = desk.lines("moved.log", &lines);
    let report = self::report(&folder, &["--records", copy.to_str().unwrap()]);
    assert_eq!(found(&report), ["1957 :11"]);
    // The oldest first is said of nothing.
    let copy = desk.lines("auth.log", &log.lines());
    let report = self::report(&folder, &["--records", copy.to_str().unwrap()]);
    assert_eq!(report["copies"][0]["newest_first"], false);
}

#[test]
fn a_copy_whose_id_is_cut_off_is_no_record_and_matches_nothing() {
    let cut = |lines: &mut Vec<String>| {
        let at = lines[5].find("id=").unwrap();
        lines[5].replace_range(at + 3 + 16..at + 3 + 32, "");
    };
    assert_eq!(changed(cut), ["1955 6"]);
}

#[test]
fn a_file_without_records_is_no_copy() {
    let desk = Desk::new();
    let folder = desk.exported("log", &Log::new(3));
    let copy = desk.lines("other.log", &["sshd[1]: hello".into()]);
    let output = run("C.UTF-8", &folder, &["--records", copy.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("WK-1953"));
}
