//! Records that the server sends on: each destination gets all of them, in their order, as the
//! terminal told them, and nothing else waits for it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use wardkey_core::code::Code;

use super::archives::{event, operation, send, wait};
use super::support::client::{Client, Terminal};
use super::support::port::Port;
use super::support::ward::Ward;
use super::support::{Deployment, now, until};
use super::watching::{measures, reasons, watch};

/// The file of this name in the folder of a deployment, as a destination.
pub fn file(deployment: &Deployment, name: &str, form: &str) -> (PathBuf, String) {
    let path = deployment.folder.path().join(name);
    (path.clone(), format!("file://{} {form}", path.display()))
}

/// The line of the configuration that names destinations.
pub fn records_to(all: &[&str]) -> String {
    format!("records_to = {all:?}\n[limits]\nevents = 100000\naddress = 100000\n")
}

impl Ward {
    /// Takes another list of destinations, as a reload does.
    pub fn forward(&self, to: &[&str]) -> bool {
        self.deployment.configure(&records_to(to));
        self.running.server().forward(&self.deployment.config().records())
    }

    /// What `status` says of a destination.
    pub fn destination(&self, name: &str) -> Option<Value> {
        self.deployment.destination(name)
    }
}

impl Deployment {
    /// What `status` says of a destination.
    pub fn destination(&self, name: &str) -> Option<Value> {
        let status = self.json(&["status"]);
        let all = status["destinations"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["name"].as_str().unwrap().contains(name))
    }
}

pub fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The whole lines of a file of JSON.
fn objects(path: &Path) -> Vec<Value> {
    text(path).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The numbers of records of [`send`] in lines that have their ids, in their order.
pub fn numbers<'l>(lines: impl Iterator<Item = &'l str>) -> Vec<u32> {
    let id = |line: &str| {
        let at = line.rfind("070707070707070707070707")?.checked_sub(8)?;
        u32::from_str_radix(line.get(at..at + 8)?, 16).ok()
    };
    lines.filter_map(id).collect()
}

pub fn numbers_in(path: &Path) -> Vec<u32> {
    numbers(text(path).lines())
}

#[test]
fn each_destination_has_the_records_of_the_terminals_and_by_which_way_they_came() {
    let ward = Ward::new();
    send(&ward.terminal, now(), 0..5);
    let (ecs, to_ecs) = file(&ward.deployment, "records.ecs", "ecs");
    let (plain, to_plain) = file(&ward.deployment, "records.log", "keyvalue");
    let (told, to_told) = file(&ward.deployment, "records.syslog", "rfc5424");
    assert!(ward.forward(&[&to_ecs, &to_plain, &to_told]));
    assert!(!ward.forward(&[&to_ecs, &to_plain, &to_told]), "it is the same list");
    let all = || ward.deployment.json(&["status"])["destinations"].as_array().unwrap().len();
    until("the list", || all() == 3);

    let happened = now() - 3600;
    send(&ward.terminal, happened, 5..300);
    for path in [&ecs, &plain, &told] {
        until("all records", || numbers_in(path).len() >= 295);
        assert_eq!(numbers_in(path), (5..300).collect::<Vec<_>>(), "from then on, in order");
    }
    let record = event(&ward.terminal, 6, happened);
    let one = objects(&ecs).remove(1);
    assert_eq!((&one["host"]["name"], &one["event"]["id"]), (&"ward-1".into(), &id(&record)));
    assert_eq!(one["host"]["id"], ward.terminal.id.to_hex());
    assert_eq!(one["@timestamp"], record.time.to_rfc3339(), "the terminal's moment");
    assert_eq!(one["observer"]["product"], "wardkey-agent");
    let own = &one["wardkey"];
    let here = nix_host();
    assert_eq!((&own["via"], &own["scope"]), (&here.as_str().into(), &"icu".into()));
    assert_eq!((&own["place"], &own["verdict"]), (&6.into(), &"none".into()));
    assert!(own["received"].as_u64().unwrap() > happened);

    let line = text(&plain).lines().nth(1).unwrap().to_owned();
    let end = line.strip_prefix(&record.to_line()).unwrap();
    let sender = ward.terminal.id.to_hex();
    let begins = format!(" host=ward-1 scope=icu via={here} sender={sender} received=");
    assert!(end.starts_with(&begins), "{end}");
    assert!(end.ends_with(" place=6 verdict=none"), "{end}");
    let line = text(&told).lines().nth(1).unwrap().to_owned();
    assert!(line.contains(" ward-1 wardkey - login [wardkey@32473 "), "{line}");
    assert!(line.contains("][wardkeyServer@32473 host=\"ward-1\" scope=\"icu\" "), "{line}");

    let shown = ward.destination("records.ecs").unwrap();
    until("what has arrived is noted", || ward.destination("records.ecs").unwrap()["waiting"] == 0);
    assert_eq!((&shown["last_error"], &shown["refused"]), (&Value::Null, &0.into()));
}

fn id(event: &wardkey_core::event::Event) -> Value {
    event.id.to_hex().into()
}

fn nix_host() -> String {
    nix::unistd::gethostname().unwrap().into_string().unwrap()
}

#[test]
fn a_destination_that_comes_back_goes_on_where_it_was_and_a_new_one_begins_now() {
    let ward = Ward::new();
    let (one, to_one) = file(&ward.deployment, "one.log", "cef");
    let (two, to_two) = file(&ward.deployment, "two.log", "leef");
    let has = |name: &str, is_there: bool| {
        until(name, || ward.destination(name).is_some() == is_there);
    };
    ward.forward(&[&to_one]);
    has("one.log", true);
    send(&ward.terminal, now(), 0..10);
    until("the first ones", || numbers_in(&one).len() == 10);
    until("are noted", || ward.destination("one.log").unwrap()["waiting"] == 0);

    ward.forward(&[&to_two]);
    has("one.log", false);
    has("two.log", true);
    send(&ward.terminal, now(), 10..20);
    until("records for the other one", || numbers_in(&two).len() == 10);
    // In another form it is the same place.
    let (_, again) = file(&ward.deployment, "one.log", "ecs");
    ward.forward(&[&again, &to_two]);
    until("those of meanwhile", || numbers_in(&one).len() == 20);
    assert_eq!(numbers_in(&one), (0..20).collect::<Vec<_>>());
    assert_eq!(objects(&one).len(), 10);
    assert_eq!(numbers_in(&two), (10..20).collect::<Vec<_>>());

    // A start goes on there, too.
    until("are noted", || ward.destination("one.log").unwrap()["waiting"] == 0);
    ward.running.stop();
    let running = ward.deployment.start();
    let identity = (ward.terminal.certificate.as_slice(), &ward.terminal.key);
    let client = Client::new(&running, Some(identity));
    send(&Terminal { client, ..ward.terminal }, now(), 20..21);
    until("one more", || numbers_in(&one).len() > 20);
    assert_eq!(numbers_in(&one), (0..21).collect::<Vec<_>>());
}

#[test]
fn a_collector_that_never_reads_delays_no_terminal_and_what_waits_is_said() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    // Nobody listens there yet.
    let held = Port::held();
    let away = held.number;
    let [to_silent, to_away] = [port, away].map(|port| format!("tcp://127.0.0.1:{port} rfc5424"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.log");
    let to_file = format!("file://{} cef", path.display());
    let ward =
        Ward::with(|_| records_to(&[&to_silent, &to_away, &to_file]) + &watch("silent_hours = 0"));
    until("the list", || ward.destination(&away.to_string()).is_some());
    send(&ward.terminal, now(), 0..500);
    until("the file has all", || numbers_in(&path).len() == 500);

    until("why nothing arrives", || {
        ward.destination(&away.to_string()).unwrap()["last_error_code"] == "WK-1417"
    });
    let shown = ward.destination(&away.to_string()).unwrap();
    assert_eq!((&shown["waiting"], &shown["refused"]), (&500.into(), &0.into()));
    assert!(shown["last_error"].as_str().unwrap().contains("refused"), "{shown}");
    assert!(shown["since"].as_u64().is_some() && shown["failed"].as_u64().is_some());
    let shown = ward.destination(&port.to_string()).unwrap();
    assert_eq!(shown["waiting"], 500, "its connection is open");
    let said = ward.deployment.ok(&["status"]);
    assert!(said.contains(&format!("tcp 127.0.0.1:{away}: 500 waiting")), "{said}");
    // For those who look at figures, and for those who are told.
    let waiting = measures(&ward.running)
        .0
        .into_iter()
        .find(|(name, _)| name.contains("records_waiting{") && name.contains(&away.to_string()));
    assert_eq!(waiting.unwrap().1, 500.0);
    assert!(!reasons(&ward.running).1.contains_key("WK-1429"));
    ward.running.pass(3601);
    assert_eq!(reasons(&ward.running).1["WK-1429"], "warning");

    // The collector comes, and gets all, from the first one on.
    let collected = held.collect();
    until("all records", || ward.destination(&away.to_string()).unwrap()["waiting"] == 0);
    let read = collected.text();
    let found = numbers(read.split("[wardkey@"));
    assert_eq!(found, (0..500).collect::<Vec<_>>());
    let shown = ward.destination(&away.to_string()).unwrap();
    assert_eq!((&shown["since"], &shown["last_error_code"]), (&Value::Null, &Value::Null));
    drop(silent);
}

#[test]
fn config_check_looks_at_the_list_and_at_the_files_that_it_names() {
    let deployment = Deployment::new();
    let folder = deployment.folder.path().display().to_string();
    let token = deployment.folder.path().join("siem.token");
    std::fs::write(&token, "0123456789\n").unwrap();
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    for (to, said) in [
        ("tls://siem.example.org:6514".to_owned(), "tls://HOST:PORT FORMAT"),
        (format!("file://{folder}/nowhere/records.log ecs"), "install -d -o wardkey-server "),
        (format!("splunk://127.0.0.1:8088 ecs {}", token.display()), "siem.token"),
        ("tls://127.0.0.1:6514 ecs".to_owned(), "records_ca: "),
    ] {
        let ca = format!("records_ca = \"{folder}/no-ca.pem\"\n");
        deployment.configure(&(ca + &records_to(&[&to])));
        let refused = deployment.refused(3, &["config", "check"]);
        assert!(refused.contains(said), "{to}: {refused}");
    }
    // What the server would not believe is not said to be right.
    let ca = deployment.folder.path().join("siem-ca.pem");
    std::fs::copy(deployment.folder.path().join("data/keys/ca.crt"), &ca).unwrap();
    deployment
        .configure(&format!("records_ca = {ca:?}\n{}", records_to(&["tls://127.0.0.1:6514 ecs"])));
    for (mode, is_right) in [(0o666, false), (0o644, true)] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&ca, mode).unwrap();
        if is_right {
            deployment.ok(&["config", "check"]);
        } else {
            assert!(deployment.refused(3, &["config", "check"]).contains("records_ca: "));
        }
    }
    deployment.configure(&records_to(&["tcp://127.0.0.1:601 ecs", "udp://127.0.0.1:514 cef"]));
    deployment.ok(&["config", "check"]);
}

/// A small disk at a folder.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Self {
        std::fs::create_dir(at).unwrap();
        let options = ["-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs"];
        let done = Command::new("mount").args(options).arg(at).status().unwrap();
        assert!(done.success(), "run this test as root");
        Self(at.to_owned())
    }

    fn grow(&self) {
        let done = Command::new("mount").args(["-o", "remount,size=8m"]).arg(&self.0).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_keeps_the_records_of_a_file_waiting() {
    let ward = Ward::new();
    let disk = Disk::mount(&ward.deployment.folder.path().join("disk"));
    let (path, to) = file(&ward.deployment, "disk/records.log", "ecs");
    ward.forward(&[&to]);
    until("the list", || ward.destination("records.log").is_some());
    send(&ward.terminal, now(), 0..400);
    until("that it is full", || {
        ward.destination("records.log").unwrap()["last_error_code"] == "WK-1425"
    });
    disk.grow();
    until("all records", || ward.destination("records.log").unwrap()["waiting"] == 0);
    // What was written before there was no room comes again, and one line was cut short.
    let lines = text(&path).lines().count();
    let whole = objects(&path);
    assert!(lines - whole.len() <= 20, "{lines} lines, {} whole", whole.len());
    let found: std::collections::BTreeSet<u32> = numbers_in(&path).into_iter().collect();
    assert_eq!(found, (0..400).collect());
}

#[test]
fn what_is_pruned_before_it_was_sent_is_a_record_with_the_count() {
    let ward = Ward::new();
    let held = Port::held();
    let to = format!("tcp://127.0.0.1:{} ecs", held.number);
    ward.forward(&[&to]);
    until("the list", || ward.destination("tcp").is_some());
    send(&ward.terminal, now(), 0..30);
    wait(&ward.deployment, &ward.running);
    let archive = ward.deployment.archived("a.wka");
    let clock = ward.running.clock.clone();
    // It is said who lacks what would go, and nothing goes by that.
    let pruning = |how| ward.deployment.pruning_as(&archive, &operation(), &clock, how);
    let would = pruning((true, false)).unwrap();
    let [lacks] = would.unsent.as_slice() else { panic!("{would:?}") };
    assert_eq!((lacks.records, would.records), (19, 19));
    let refused = pruning((false, false)).unwrap_err();
    assert_eq!(refused.code(), Code::RecordsUnsent);
    let said = refused.to_string();
    assert!(said.contains(&lacks.destination) && said.contains("19"), "{said}");
    assert!(!ward.deployment.actions().iter().any(|act| act == "archive.prune"));
    // Two of three: each login that was refused stays.
    let pruned = ward.deployment.prune(&archive, &operation(), &clock).unwrap().records;
    assert_eq!(pruned, 19, "the newest record stays");
    let shown = ward.destination("tcp").unwrap();
    // Said as soon as they are gone, not when the collector is back.
    assert_eq!((&shown["waiting"], &shown["pruned"]), (&(30 - pruned).into(), &pruned.into()));

    let collected = held.collect();
    until("all records", || ward.destination("tcp").unwrap()["waiting"] == 0);
    let read = collected.text();
    let starts = read.match_indices("{\"@timestamp\"").map(|(at, _)| at);
    let records: Vec<Value> = starts
        .map(|at| {
            let mut values = serde_json::Deserializer::from_str(&read[at..]).into_iter();
            values.next().unwrap().unwrap()
        })
        .collect();
    let names: Vec<&str> =
        records.iter().map(|record| record["event"]["action"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["login", "records-lost", "login"], "where they would have been");
    let lost = records.iter().filter(|record| record["event"]["action"] == "records-lost");
    let counts: Vec<u64> =
        lost.map(|record| record["wardkey"]["count"].as_u64().unwrap()).collect();
    assert_eq!(counts.iter().sum::<u64>(), pruned);
    let detail = records[1]["wardkey"]["detail"].as_str().unwrap();
    assert!(detail.contains("pruned before they were sent, places 1 to 2"), "{detail}");
    assert_eq!(records[1]["observer"]["product"], "wardkey-server");
    let shown = ward.destination("tcp").unwrap();
    assert_eq!((&shown["pruned"], &shown["refused"]), (&pruned.into(), &0.into()));
    assert_eq!(ward.deployment.actions()[0], "records.pruned-unsent");
    // Who has everything keeps nobody from pruning.
    assert!(pruning((false, false)).unwrap().unsent.is_empty());
}
