//! Events on their way to syslog and to the server: whole, once, bounded, never waited for.

use std::collections::HashMap;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::common::*;
use wardkey_agent::agent::Agent;
use wardkey_agent::audit::deliver::{self, Transport, batch};
use wardkey_agent::audit::destination::{SERVER, SYSLOG};
use wardkey_agent::audit::transport::server::Upload;
use wardkey_agent::audit::transport::syslog::SystemLog;
use wardkey_agent::error::AgentError;
use wardkey_agent::upkeep::{self, record_lost};
use wardkey_core::code::Code;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::message::agent::Reply;

fn listen(folder: &Path) -> UnixDatagram {
    let path = folder.join("log");
    let _ = std::fs::remove_file(&path);
    let log = UnixDatagram::bind(path).unwrap();
    log.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    log
}

fn lines(log: &UnixDatagram) -> Vec<String> {
    let mut out = Vec::new();
    let mut buffer = [0; 8192];
    while let Ok(length) = log.recv(&mut buffer) {
        out.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    out
}

/// Delivers all that is due, as far as the destination takes it.
fn drain(agent: &Agent, transport: &mut impl Transport) -> Result<(), AgentError> {
    while batch(agent, transport)? > 0 {}
    Ok(())
}

fn upload() -> Upload {
    Upload::new(60)
}

#[test]
fn each_event_is_one_line_in_authpriv_written_once() {
    let mut f = Fixture::synced();
    let log = listen(f.folder.path());
    let mut writer = SystemLog::new(&f.folder.path().join("log"));
    for _ in 0..3 {
        f.root().ask(&failure("hanako", Some("hanako"), Some(1), Code::PinWrong));
    }
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    f.root().ask(&success("hanako", &assertion));
    let _ = drain(&f.agent, &mut writer);
    let written = lines(&log);
    // The server gets all but those of states.
    let states = written.iter().filter(|line| line.contains("event=synced")).count();
    assert_eq!(written.len() - states, f.events().len());
    // LOG_AUTHPRIV is 10: notice 85, info 86.
    let login = written.last().unwrap();
    assert!(login.starts_with("<85>"), "{login}");
    assert!(login.contains(&format!("wardkey[{}]: schema=1 id=", std::process::id())), "{login}");
    assert!(!login.contains('\n'));
    assert!(written.iter().any(|line| line.starts_with("<86>") && line.contains("event=synced")));
    // Not again: not now, not after a restart.
    let _ = drain(&f.agent, &mut writer);
    f.restart();
    let _ = drain(&f.agent, &mut writer);
    assert!(lines(&log).is_empty());
}

#[test]
fn a_system_log_that_is_down_loses_nothing_and_stops_nobody() {
    let mut f = Fixture::synced();
    let mut writer = SystemLog::new(&f.folder.path().join("log"));
    assert!(drain(&f.agent, &mut writer).is_err());
    let before = f.agent.state.waiting(&SYSLOG).unwrap();
    for _ in 0..5 {
        let assertion = f.assertion("hanako", "hanako", 1, |_| {});
        assert!(matches!(f.root().ask(&success("hanako", &assertion)), Reply::Recorded(..)));
        assert!(drain(&f.agent, &mut writer).is_err());
    }
    assert_eq!(f.agent.state.waiting(&SYSLOG).unwrap(), before + 5);
    // The server gets them meanwhile; syslog still has to.
    drain(&f.agent, &mut upload()).unwrap();
    assert_eq!(f.agent.state.waiting(&SERVER).unwrap(), 0);
    f.restart();
    let log = listen(f.folder.path());
    let mut writer = SystemLog::new(&f.folder.path().join("log"));
    let _ = drain(&f.agent, &mut writer);
    let written = lines(&log);
    assert_eq!(written.iter().filter(|line| line.contains("event=login")).count(), 5);
    // The log is started anew: the next line comes through at once.
    drop(log);
    let log = listen(f.folder.path());
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    f.root().ask(&success("hanako", &assertion));
    let _ = drain(&f.agent, &mut writer);
    assert_eq!(lines(&log).len(), 1);
    assert_eq!(f.agent.state.waiting(&SERVER).unwrap(), 1);
}

#[test]
fn failures_and_alarms_travel_first_and_each_event_arrives_once() {
    let f = Fixture::synced();
    for _ in 0..3 {
        let assertion = f.assertion("hanako", "hanako", 1, |_| {});
        f.root().ask(&success("hanako", &assertion));
    }
    f.root().ask(&failure("taro", Some("taro"), Some(2), Code::PinWrong));
    // The server was away: nothing is lost.
    f.ward.change(|state| state.down = true);
    assert!(batch(&f.agent, &mut upload()).is_err());
    f.ward.change(|state| {
        state.down = false;
        state.deaf = true;
    });
    assert!(
        batch(&f.agent, &mut upload()).is_err(),
        "a server that acknowledges nothing is no success"
    );
    f.ward.change(|state| state.deaf = false);
    drain(&f.agent, &mut upload()).unwrap();
    let events = f.ward.events();
    assert_eq!(events[0].reason, Some(Code::PinWrong), "the failure first");
    assert_eq!(events[1].outcome, Outcome::Success);
    assert!(events.iter().skip(1).any(|event| event.evidence.is_some()), "with evidence");
    let mut seen = HashMap::new();
    events.iter().for_each(|event| *seen.entry(event.id).or_insert(0) += 1);
    assert!(seen.values().all(|count| *count == 1));
    assert_eq!(f.agent.state.waiting(&SERVER).unwrap(), 0);
}

#[test]
fn a_server_that_can_read_no_event_of_a_batch_does_not_stop_the_upload() {
    let f = Fixture::synced();
    f.root().ask(&failure("taro", Some("taro"), Some(2), Code::PinWrong));
    f.ward.change(|state| state.older = true);
    drain(&f.agent, &mut upload()).unwrap();
    assert_eq!(f.agent.state.waiting(&SERVER).unwrap(), 0);
    // What comes after it arrives.
    f.ward.change(|state| state.older = false);
    f.root().ask(&failure("taro", Some("taro"), Some(2), Code::PinWrong));
    drain(&f.agent, &mut upload()).unwrap();
    assert!(f.ward.events().iter().any(|event| event.reason == Some(Code::PinWrong)));
}

#[test]
fn batches_are_of_256_at_most() {
    let f = Fixture::synced();
    for _ in 0..30 {
        let events =
            (0..10).map(|_| f.agent.event(EventName::KeyChanged, Outcome::Success)).collect();
        f.agent.record(events);
    }
    drain(&f.agent, &mut upload()).unwrap();
    let batches = f.ward.change(|state| state.event_batches.clone());
    assert_eq!(batches[0], 256);
    assert!(batches.iter().sum::<usize>() >= 300);
}

#[test]
fn when_there_are_too_many_the_least_give_way_and_the_loss_is_recorded() {
    let f = Fixture::at(tempfile::tempdir().unwrap(), |config| config.spool_events = 100);
    f.sync().unwrap();
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    assert!(matches!(f.root().ask(&success("hanako", &assertion)), Reply::Recorded(..)));
    let mut alarm = f.agent.event(EventName::DirectoryRefused, Outcome::Failure);
    alarm.reason = Some(Code::Fork);
    f.agent.record(vec![alarm]);
    // An intruder tries to push the login out of the records.
    for n in 0..150 {
        f.pass(4000);
        f.root().ask(&failure("hanako", Some("hanako"), Some(1), Code::PinWrong));
        if n % 3 == 0 {
            f.agent.record(vec![f.agent.event(EventName::KeyChanged, Outcome::Success)]);
        }
    }
    let events = f.events();
    assert!(events.len() <= 100, "{}", events.len());
    assert!(
        !events.iter().any(|event| event.name == EventName::KeyChanged),
        "the least severe first"
    );
    assert!(
        events
            .iter()
            .any(|event| event.name == EventName::Login && event.outcome == Outcome::Success)
    );
    assert!(events.iter().any(|event| event.reason == Some(Code::Fork)));
    record_lost(&f.agent);
    let lost: Vec<_> =
        f.events().into_iter().filter(|event| event.name == EventName::RecordsLost).collect();
    assert_eq!(lost.len(), 1);
    assert!(lost[0].count.unwrap() > 50);
    record_lost(&f.agent);
    assert!(f.events().iter().filter(|event| event.name == EventName::RecordsLost).count() <= 2);
}

#[test]
fn the_heartbeat_comes_by_itself() {
    let f = Fixture::at(tempfile::tempdir().unwrap(), |config| config.heartbeat_seconds = 1);
    let log = listen(f.folder.path());
    let agent = Arc::clone(&f.agent);
    let path = f.folder.path().join("log");
    let running = [
        std::thread::spawn({
            let agent = Arc::clone(&agent);
            move || upkeep::run(&agent)
        }),
        std::thread::spawn(move || deliver::run(&agent, SystemLog::new(&path))),
    ];
    let mut written = Vec::new();
    eventually("two heartbeats", || {
        written.extend(lines(&log));
        written.iter().filter(|line| line.contains("event=heartbeat")).count() >= 2
    });
    f.agent.stop();
    running.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(
        written.iter().any(|line| line.contains("event=heartbeat") && line.contains("count=2"))
    );
}

/// A file system of a few MiB that is really full. Needs root; without it the test fails.
#[test]
fn a_full_disk_refuses_no_login_and_loses_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"])
        .arg(folder.path())
        .status()
        .is_ok_and(|status| status.success());
    assert!(mounted, "run this test as root where a tmpfs can be mounted");
    let unmount = Unmount(folder.path().to_owned());
    let inner = tempfile::tempdir_in(folder.path()).unwrap();
    let mut f = Fixture::at(inner, |_| {});
    f.sync().unwrap();
    let full = folder.path().join("fill");
    let _ = std::process::Command::new("dd")
        .args(["if=/dev/zero", "bs=64k"])
        .arg(format!("of={}", full.display()))
        .output();
    assert!(std::fs::write(folder.path().join("one-more"), [0; 8192]).is_err(), "it is full");
    let _ = std::fs::remove_file(folder.path().join("one-more"));
    // What is reserved is enough for logins.
    for _ in 0..50 {
        let assertion = f.assertion("hanako", "hanako", 1, |_| {});
        let mut client = f.root();
        client.granted(&wardkey_core::message::agent::Request::Begin(begin("hanako")));
        assert!(matches!(client.ask(&success("hanako", &assertion)), Reply::Recorded(..)));
    }
    // The directory cannot grow: the last good state stays and serves.
    for n in 0..1500u32 {
        let mut someone = person(&format!("p{n}"), vec![credential((n % 250) as u8 + 1)]);
        someone.groups = wardkey_core::codec::List::default();
        f.ward.put("ward3", &someone);
    }
    for n in 0..6 {
        f.ward.put("ward3", &{
            let keys = (1..=30).map(|seed| {
                let mut key = credential(seed);
                key.id = wardkey_core::id::CredentialId::new(vec![seed; 1023]).unwrap();
                key
            });
            person(&format!("big{n}"), keys.collect())
        });
    }
    let synced = f.sync();
    let assertion = f.assertion("hanako", "hanako", 1, |_| {});
    let mut client = f.root();
    client.granted(&wardkey_core::message::agent::Request::Begin(begin("hanako")));
    assert!(
        matches!(client.ask(&success("hanako", &assertion)), Reply::Recorded(..)),
        "after {synced:?}"
    );
    // And when there is room again, all is there and goes on.
    std::fs::remove_file(&full).unwrap();
    f.sync().unwrap();
    f.agent.state.recover().unwrap();
    f.restart();
    assert_eq!(f.events().iter().filter(|event| event.name == EventName::Login).count(), 51);
    drop(f);
    drop(unmount);
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
