//! Records in a file: each on a line, whatever happens to the file or to the agent.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use wardkey_agent::audit::carried::Carried;
use wardkey_agent::audit::deliver::batch;
use wardkey_agent::audit::destination::{self, SERVER};
use wardkey_agent::store::spool::read::Most;
use wardkey_agent::store::state::State;
use wardkey_core::code::Notice;
use wardkey_core::event::{Event, EventName, Format};
use wardkey_settings::sink::{LogFile, Sink};
use wardkey_sinks::file::Lines;

use crate::collectors::{destination_of, fixture_of, numbers, record, shown};
use crate::common::*;
use crate::reload::{Running, configure, destinations};

fn log_file(folder: &Path, format: Format) -> LogFile {
    LogFile { path: folder.join("records.log"), format }
}

fn lines(f: &Fixture, to: &LogFile) -> Carried<Lines> {
    let destination = destination_of(f, &Sink::File(to.clone()));
    Carried::new(&f.agent.config, destination, |terms| Lines::new(terms, to))
}

fn waiting(f: &Fixture, to: &LogFile) -> u64 {
    f.agent.state.waiting(destination_of(f, &Sink::File(to.clone()))).unwrap()
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn every_record_is_a_line_of_its_own_in_order_and_once() {
    for format in Format::ALL {
        let folder = tempfile::tempdir().unwrap();
        let to = log_file(folder.path(), format);
        let mut f = fixture_of(&[Sink::File(to.clone())]);
        record(&f, 0..600);
        let all = waiting(&f, &to);
        let mut transport = lines(&f, &to);
        while batch(&f.agent, &mut transport).unwrap() > 0 {}
        f.restart_with(|config| config.records_to = vec![Sink::File(to.clone())]);
        record(&f, 600..610);
        let more = waiting(&f, &to);
        while batch(&f.agent, &mut lines(&f, &to)).unwrap() > 0 {}
        let text = text(&to.path);
        assert_eq!((text.lines().count() as u64, waiting(&f, &to)), (all + more, 0));
        let has_numbers = matches!(format, Format::Ecs | Format::Ocsf | Format::Cef | Format::Fhir);
        assert!(!has_numbers || numbers(&text) == (0..610).collect::<Vec<_>>(), "{format:?}");
        let found = std::fs::metadata(&to.path).unwrap().permissions().mode();
        assert_eq!(found & 0o7777, 0o640, "whatever the umask is");
    }
}

#[test]
fn a_file_that_is_taken_away_at_any_moment_loses_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let to = log_file(folder.path(), Format::Ecs);
    let f = fixture_of(&[Sink::File(to.clone())]);
    let path = to.path.clone();
    // As logrotate does, with and without "create": the old one is compressed at once, so what is
    // written into it from then on is nowhere.
    let rotating = std::thread::spawn(move || {
        let mut kept = String::new();
        for number in 0..100 {
            let old = path.with_extension("1");
            let _ = std::fs::rename(&path, &old);
            if number % 2 == 0 {
                let _ = std::fs::File::options().create_new(true).write(true).open(&path);
            }
            kept += &text(&old);
            let _ = std::fs::remove_file(&old);
            std::thread::sleep(Duration::from_millis(3));
        }
        kept
    });
    let mut transport = lines(&f, &to);
    for number in 0..100 {
        record(&f, number * 5..number * 5 + 5);
        // One that is taken away again and again is tried again later.
        while batch(&f.agent, &mut transport).unwrap_or(1) > 0 {}
    }
    let all = rotating.join().unwrap() + &text(&to.path);
    assert_eq!(waiting(&f, &to), 0);
    // One may have been read in the middle of a write.
    let number = |rest: &str| rest.get(..5)?.parse::<u32>().ok();
    let found: BTreeSet<u32> = all.split("記録 ").skip(1).filter_map(number).collect();
    assert_eq!(found, (0..500).collect());
}

#[test]
fn a_line_that_was_cut_short_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let to = log_file(folder.path(), Format::Ecs);
    std::fs::write(&to.path, "{\"@timestamp\":\"20").unwrap();
    mode(&to.path, 0o640);
    let f = fixture_of(&[Sink::File(to.clone())]);
    record(&f, 0..10);
    let all = waiting(&f, &to) as usize;
    batch(&f.agent, &mut lines(&f, &to)).unwrap();
    let text = text(&to.path);
    let is_whole = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    let whole: Vec<bool> = text.lines().map(is_whole).collect();
    assert_eq!(whole, [vec![false], vec![true; all]].concat());
}

/// A small disk at a folder.
struct Disk<'p>(&'p Path);

impl<'p> Disk<'p> {
    fn mount(at: &'p Path, options: &str) -> Self {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at);
        assert!(mount.status().unwrap().success(), "run this test as root");
        Self(at)
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_keeps_the_records_waiting_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::mount(folder.path(), "size=64k,mode=755");
    let to = log_file(folder.path(), Format::Ecs);
    let f = fixture_of(&[Sink::File(to.clone())]);
    record(&f, 0..600);
    let before = waiting(&f, &to);
    let mut transport = lines(&f, &to);
    for _ in 0..3 {
        assert!(batch(&f.agent, &mut transport).is_err());
    }
    assert_eq!(waiting(&f, &to), before);
    let shown = shown(&f, &Sink::File(to.clone()).name());
    assert_eq!(shown.code, Some(Notice::RecordFileFull.number()));
    let remounted = Command::new("mount").args(["-o", "remount,size=8m"]).arg(disk.0).status();
    assert!(remounted.unwrap().success());
    while batch(&f.agent, &mut transport).unwrap() > 0 {}
    let text = text(&to.path);
    let is_whole = |line: &&str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    let whole: Vec<&str> = text.lines().filter(is_whole).collect();
    assert!(text.lines().count() - whole.len() <= 1, "one was cut short");
    let found: BTreeSet<u32> = whole.iter().flat_map(|line| numbers(line)).collect();
    assert_eq!((found, waiting(&f, &to)), ((0..600).collect(), 0));
}

#[test]
fn nothing_is_written_where_others_could_put_another_file() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let to = log_file(folder.path(), Format::Ecs);
    let f = fixture_of(&[Sink::File(to.clone())]);
    record(&f, 0..5);
    let before = waiting(&f, &to);
    let victim = other.path().join("victim");
    std::fs::write(&victim, "").unwrap();
    let refused = |why: &str| {
        assert!(batch(&f.agent, &mut lines(&f, &to)).is_err(), "{why}");
        let shown = shown(&f, &Sink::File(to.clone()).name());
        assert_eq!(shown.code, Some(Notice::RecordFileUnusable.number()), "{why}");
        assert_eq!((waiting(&f, &to), text(&victim).as_str()), (before, ""), "{why}");
    };
    symlink(&victim, &to.path).unwrap();
    refused("a link");
    std::fs::remove_file(&to.path).unwrap();
    std::fs::create_dir(&to.path).unwrap();
    refused("a folder");
    std::fs::remove_dir(&to.path).unwrap();
    mode(folder.path(), 0o777);
    refused("a folder that others write");
    mode(folder.path(), 0o755);
    chown(folder.path(), Some(1234), None).unwrap();
    refused("somebody else's folder");
    chown(folder.path(), Some(0), None).unwrap();
    batch(&f.agent, &mut lines(&f, &to)).unwrap();
    assert_eq!(waiting(&f, &to), 0);
}

/// The ids in lines of `name=value` pairs.
fn ids(text: &str) -> BTreeSet<String> {
    let id =
        |line: &str| line.split(' ').find_map(|pair| pair.strip_prefix("id=")).map(str::to_owned);
    text.lines().filter_map(id).collect()
}

#[test]
fn kill_9_at_any_moment_loses_no_record_and_sighup_takes_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    mode(at, 0o755);
    std::fs::create_dir(at.join("etc")).unwrap();
    let out = at.join("out");
    std::fs::create_dir(&out).unwrap();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    chown(&out, Some(nobody.uid.as_raw()), None).unwrap();
    let to = |name: &str| {
        let path = out.join(name);
        configure(at, &format!("records_to = [\"file://{} keyvalue\"]", path.display()));
        path
    };
    let first = to("first.log");
    for round in 0..8 {
        let running = Running::start(at);
        if round % 4 == 0 {
            let before = ids(&text(&first)).len();
            eventually("a record", || ids(&text(&first)).len() > before);
        } else {
            std::thread::sleep(Duration::from_millis(round * 15));
        }
        drop(running);
    }
    let mut running = Running::start(at);
    let before = ids(&text(&first)).len();
    eventually("a record", || ids(&text(&first)).len() > before);
    let second = to("second.log");
    running.signal(Signal::SIGHUP);
    // The server has none of them, so all are there for the new one.
    let name = format!("file {}", second.display());
    eventually("the second file", || {
        destinations(at).iter().any(|one| one.name == name && one.waiting == 0)
    });
    running.signal(Signal::SIGTERM);
    assert!(running.0.wait().unwrap().success());

    let state = at.join("state/state.redb");
    let state = State::open(&state, 10_000, 4, destination::all(&Default::default())).unwrap();
    let most = Most { events: usize::MAX, bytes: usize::MAX };
    let events = state
        .pending(&SERVER, most)
        .unwrap()
        .into_iter()
        .map(|record| wardkey_core::codec::from_bytes::<Event>(&record.event).unwrap());
    let events: Vec<Event> = events.filter(|event| event.name != EventName::AgentStopped).collect();
    assert!(events.len() >= 3, "{}", events.len());
    let found = ids(&text(&second));
    assert!(events.iter().all(|event| found.contains(&event.id.to_string())), "{found:?}");
    assert!(found.is_superset(&ids(&text(&first))), "and the first one had no others");
}
