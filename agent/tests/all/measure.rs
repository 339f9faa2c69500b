//! Figures, printed and not judged:
//! `cargo test --release -p wardkey-agent --test all measure:: -- --ignored --nocapture`.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::server::Server;
use crate::common::*;
use wardkey_agent::audit::destination::{self, SERVER, SYSLOG};
use wardkey_agent::store::spool::forget::Progress;
use wardkey_agent::store::spool::read::Most;
use wardkey_agent::store::state::At;
use wardkey_core::codec::{self, List};
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::message::MAX_FRAME;
use wardkey_core::message::agent::{Join, Reply, Request};
use wardkey_core::name::{DisplayText, GroupName};
use wardkey_core::policy::document::SharedAccount;
use wardkey_ipc::{Channel, Deadline};
use wardkey_settings::sink::Sink;

fn fill(ward: &Ward, people: u32) {
    ward.change(|state| {
        let row = state.scopes.get_mut(&scope("ward3")).unwrap();
        for n in 0..people {
            let mut key = credential((n % 200) as u8 + 1);
            let mut id = vec![7; 28];
            id.extend_from_slice(&n.to_be_bytes());
            key.id = wardkey_core::id::CredentialId::new(id).unwrap();
            row.seq += 1;
            let someone = person(&format!("p{n}"), vec![key]);
            row.rows.insert(format!("p{n}"), (row.seq, Some(codec::to_bytes(&someone))));
        }
        let hanako = codec::to_bytes(&person("hanako", vec![credential(1)]));
        row.seq += 1;
        row.rows.insert("hanako".into(), (row.seq, Some(hanako)));
    });
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
#[ignore = "a measurement"]
fn evidence_and_outcome_by_number_of_people() {
    for people in [10, 30_000, 100_000] {
        let f = Fixture::joined();
        fill(&f.ward, people);
        let started = Instant::now();
        f.sync().unwrap();
        let synced = started.elapsed();
        let evidence = (0..200).map(|_| {
            let started = Instant::now();
            f.agent.directory.evidence(&login("hanako")).unwrap().unwrap();
            started.elapsed()
        });
        let evidence = median(evidence.collect());
        let whole = (0..50).map(|_| {
            let mut client = f.root();
            let started = Instant::now();
            client.granted(&Request::Begin(begin("hanako")));
            let begun = started.elapsed();
            client.ask(&Request::Hold);
            let assertion = f.assertion("hanako", "hanako", 1, |_| {});
            let started = Instant::now();
            assert!(matches!(client.ask(&success("hanako", &assertion)), Reply::Recorded(..)));
            (begun, started.elapsed())
        });
        let (begun, ended): (Vec<_>, Vec<_>) = whole.unzip();
        f.ward.put("ward3", &person("hanako", vec![credential(1), credential(2)]));
        let started = Instant::now();
        f.sync().unwrap();
        let delta = started.elapsed();
        println!(
            "{people} people: first sync {synced:?} (with the test's own publisher), change of one \
                {delta:?} (same), evidence {evidence:?}, \
             Begin to Granted {:?}, Outcome to Recorded {:?}",
            median(begun),
            median(ended)
        );
        f.agent.state.close();
        f.agent.directory.close();
        let started = Instant::now();
        let size = std::fs::metadata(f.folder.path().join("directory.redb")).unwrap().len();
        let _again = Fixture::at(f.folder, |_| {});
        println!(
            "  start with integrity check {:?}, directory.redb {} MiB",
            started.elapsed(),
            size >> 20
        );
    }
}

fn memory(pid: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Ends the program also when the measurement fails.
struct Ends(std::process::Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "a measurement"]
fn memory_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o777)).unwrap();
    let text = format!(
        "socket = \"{0}/agent.sock\"\nkey_socket = \"{0}/key.sock\"\nstate_dir = \"{0}/state\"\n\
            syslog = \"{0}/log\"\nuser = \"nobody\"\n",
        at.display()
    );
    std::fs::write(at.join("agent.toml"), text).unwrap();
    let ward = Ward::new();
    fill(&ward, 30_000);
    let server = Server::start(&ward, false);
    // Another build of the program, for example the one that is shipped.
    let program = std::env::var_os("AGENT_UNDER_MEASUREMENT")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_wardkey-agent").into());
    let child = Command::new(program)
        .arg("--config")
        .arg(at.join("agent.toml"))
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut child = Ends(child);
    let pid = child.0.id();
    let show = |when: &str| {
        let (rss, peak, file) =
            (memory(pid, "VmRSS"), memory(pid, "VmHWM"), memory(pid, "RssFile"));
        println!(
            "{when}: RSS {rss} KiB (of it files {file}), peak {peak} KiB, threads {}",
            memory(pid, "Threads")
        );
    };
    eventually("it comes up", || at.join("agent.sock").exists());
    std::thread::sleep(Duration::from_millis(300));
    show("started");
    let soon = || Deadline::after(Duration::from_secs(120));
    let mut channel = Channel::connect(&at.join("agent.sock"), None, MAX_FRAME, soon()).unwrap();
    let mut ask = |request: &Request| -> Reply {
        channel.send(request, soon()).unwrap();
        channel.receive(soon()).unwrap()
    };
    let join = Join {
        server: server.address.clone(),
        token: server.token_text.clone(),
        name: DisplayText::new("t").unwrap(),
        machine: wardkey_core::id::Hash::new([1; 32]),
        replace: None,
    };
    let reply = ask(&Request::Join(join));
    assert!(matches!(reply, Reply::Joined(_)), "{reply:?}");
    let started = Instant::now();
    loop {
        let Reply::Status(status) = ask(&Request::Status) else { panic!() };
        if status.scopes.len() == 2 {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(100));
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("30,000 people over TLS in {:?}", started.elapsed());
    std::thread::sleep(Duration::from_secs(1));
    show("synchronised");
    for n in 0..200 {
        let mut channel =
            Channel::connect(&at.join("agent.sock"), None, MAX_FRAME, soon()).unwrap();
        channel.send(&Request::Begin(begin(&format!("p{n}"))), soon()).unwrap();
        // The one before is gone, which the agent may notice a moment later.
        let mut reply: Reply = channel.receive(soon()).unwrap();
        while reply == Reply::Wait {
            reply = channel.receive(soon()).unwrap();
        }
        assert!(matches!(reply, Reply::Granted(_)), "{reply:?}");
    }
    show("after 200 logins begun");
    let started = Instant::now();
    ward.put("ward3", &person("hanako", vec![credential(1), credential(2)]));
    ask(&Request::Sync);
    println!("one change in {:?} (with the test's own publisher)", started.elapsed());
    show("after a change");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(pid as i32),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    child.0.wait().unwrap();
}

#[test]
#[ignore = "a measurement"]
fn pages_of_candidates_by_number_of_people() {
    for people in [3_000, 30_000] {
        let f = Fixture::joined();
        f.ward.policy("ward3", |policy| {
            let groups = List::new(vec![GroupName::new("nurses").unwrap()]).unwrap();
            policy.shared_accounts =
                List::new(vec![SharedAccount { account: login("ward3pc"), groups }]).unwrap();
        });
        fill(&f.ward, people);
        f.sync().unwrap();
        let seen = f.agent.state.seen_people().unwrap();
        let mut times = Vec::new();
        let (mut after, mut named) = (None, 0);
        loop {
            let started = Instant::now();
            let page = f.agent.directory.candidates(&login("ward3pc"), after, &seen).unwrap();
            times.push(started.elapsed());
            named += page.candidates.len();
            after = page.more;
            if after.is_none() {
                break;
            }
        }
        let (pages, all) = (times.len(), times.iter().sum::<Duration>());
        println!(
            "{people} people: {named} keys, {pages} pages, {:?} a page, {all:?} all",
            median(times)
        );
    }
}

#[test]
#[ignore = "a measurement"]
fn longest_wait_of_a_record_while_a_collector_goes() {
    let f = Fixture::at(tempfile::tempdir().unwrap(), |config| {
        config.records_to = vec![Sink::read("tcp://192.0.2.7:601 ecs").unwrap()];
        (config.spool_events, config.spool_mib) = (200_000, 256);
    });
    let event = || f.agent.event(EventName::KeyChanged, Outcome::Success);
    for _ in 0..100 {
        f.agent.state.append((0..1000).map(|_| event()).collect());
    }
    for to in [&SYSLOG, &SERVER] {
        let most = Most { events: 4096, bytes: usize::MAX };
        let next = || f.agent.state.pending(to, most).unwrap();
        let mut records = next();
        while !records.is_empty() {
            let arrived: Vec<At> = records.iter().map(|record| record.at).collect();
            f.agent.state.delivered(to, &arrived).unwrap();
            records = next();
        }
    }
    let started = Instant::now();
    f.agent.state.set_destinations(destination::all(&Default::default()));
    println!("another list: {:?}", started.elapsed());
    let agent = std::sync::Arc::clone(&f.agent);
    let sweeping = std::thread::spawn(move || {
        while agent.state.sweep().unwrap() == Progress::More {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let mut waits = Vec::new();
    while !sweeping.is_finished() {
        let started = Instant::now();
        f.agent.state.append(vec![event()]);
        waits.push(started.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    sweeping.join().unwrap();
    let longest = waits.iter().max().unwrap();
    println!(
        "all gone: {:?}; the longest of {} waits: {longest:?}",
        started.elapsed(),
        waits.len()
    );
}
