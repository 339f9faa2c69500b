//! kill -9 of agent and key process at each stage of a login: refused or logged in cleanly,
//! recorded once, state intact.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wardkey_core::code::Prompt;
use wardkey_e2e::login::Ended;
use wardkey_e2e::process::{find, signal, wait_for};
use wardkey_e2e::relay::{Fate, Way};
use wardkey_e2e::{Login, Ward, audit};

use rustix::process::Signal;

/// After the stage: nothing is lost, and the next login works.
fn settle(ward: &mut Ward, what: &str, ended: &Ended) {
    let result = ended.result("authenticate").unwrap_or_default();
    assert!(
        ended.is_in() || matches!(result.as_str(), "PAM_AUTHINFO_UNAVAIL" | "PAM_AUTH_ERR"),
        "{what}: {ended:?}"
    );
    let again = Login::of("hanako").run();
    assert!(
        again.is_in(),
        "{what}: the next login: {again:?}\n{}",
        wardkey_e2e::process::all_logs()
    );
    let wanted = 1 + usize::from(ended.is_in());
    let successes = wait_for(&format!("{what}: {wanted} records"), Duration::from_secs(60), || {
        let found: Vec<_> =
            audit::records_of("login").into_iter().filter(|r| r["outcome"] == "success").collect();
        (found.len() >= wanted).then_some(found)
    });
    // A line that was on its way when the agent was killed is written again, the very same
    // (docs/AUDIT.md).
    let mut events = std::collections::BTreeMap::new();
    let mut again = 0;
    for record in audit::records() {
        if let Some(before) = events.insert(record["id"].clone(), record.clone()) {
            assert_eq!(before, record, "{what}: one event in two versions");
            again += 1;
        }
    }
    assert!(again <= 1, "{what}: {again} lines were written again");
    let successes: std::collections::BTreeSet<_> =
        successes.into_iter().map(|record| record["id"].clone()).collect();
    // Never more than the logins that happened; a refused one whose success was already durable may
    // be recorded, as the person did authenticate.
    assert!(successes.len() <= 2, "{what}: {successes:?}");
    assert_eq!(
        ward.terminal.status()["scopes"].as_array().map(Vec::len),
        Some(2),
        "{what}: directory"
    );
}

/// The agent is killed when the `number`-th frame of a way passes (not delivered when `before`),
/// and started again at once, as its unit does.
fn agent_killed_at(way: Way, number: usize, what: &'static str) {
    let mut ward = Ward::ready();
    let relay = ward.terminal.relay_agent();
    let pid = ward.terminal.agent().id();
    let done = Arc::new(AtomicBool::new(false));
    let flag = done.clone();
    relay.script(move |frame| {
        if frame.way == way && frame.number == number && !flag.swap(true, Ordering::SeqCst) {
            signal(pid, Signal::KILL);
            return Fate::Close;
        }
        Fate::Pass
    });
    let login = Login::of("hanako").start();
    wait_for(what, Duration::from_secs(60), || done.load(Ordering::SeqCst).then_some(()));
    ward.terminal.kill_agent();
    restart_behind_the_relay(&mut ward);
    let ended = login.end();
    drop(relay);
    ward.terminal.stop_agent();
    ward.terminal.start_agent();
    settle(&mut ward, what, &ended);
}

/// A new agent makes its socket at its own place; the relay expects it behind.
fn restart_behind_the_relay(ward: &mut Ward) {
    // The relay listens at the agent's place; its name moves away while the agent makes its own.
    let (place, behind) =
        (Path::new(wardkey_e2e::terminal::AGENT_SOCKET), Path::new("/run/wardkey/agent.real"));
    std::fs::rename(place, "/run/wardkey/relay").unwrap();
    ward.terminal.start_agent();
    std::fs::rename(place, behind).unwrap();
    std::fs::rename("/run/wardkey/relay", place).unwrap();
}

#[test]
fn agent_killed_at_begin() {
    agent_killed_at(Way::Request, 0, "agent killed at begin");
}

#[test]
fn agent_killed_before_it_grants() {
    agent_killed_at(Way::Reply, 0, "agent killed before it grants");
}

#[test]
fn agent_killed_when_the_pin_is_about_to_leave() {
    agent_killed_at(Way::Request, 1, "agent killed at hold");
}

#[test]
fn agent_killed_when_the_outcome_is_told() {
    agent_killed_at(Way::Request, 2, "agent killed before the outcome reaches it");
}

#[test]
fn agent_killed_after_the_durable_write_before_the_reply() {
    agent_killed_at(Way::Reply, 2, "agent killed after the durable write");
}

/// strace kills the agent when it is about to make its `number`-th durable write after the login
/// began.
#[test]
fn agent_killed_before_each_durable_write() {
    for number in 1..=3 {
        let mut ward = Ward::ready();
        let pid = ward.terminal.agent().id();
        let login = Login::of("hanako").with(&["--wait-file", "/tmp/gate"]).start();
        wait_for("the question", Duration::from_secs(60), || {
            Path::new("/tmp/gate.asked").exists().then_some(())
        });
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o", "/tmp/strace.out", "-e", "trace=fsync,fdatasync"]);
        strace.args([
            "-e",
            &format!("inject=fsync,fdatasync:signal=KILL:when={number}"),
            "-p",
            &pid.to_string(),
        ]);
        let mut tracer = wardkey_e2e::process::Process::start("strace", &mut strace);
        wait_for("strace", Duration::from_secs(60), || {
            tracer.log().contains("attached").then_some(())
        });
        std::fs::write("/tmp/gate", "").unwrap();
        let hit = wait_for("the end of the agent or of the login", Duration::from_secs(60), || {
            let dead = !ward.terminal.agent().is_running();
            (dead || !find("--wait-file").iter().any(|_| true)).then_some(dead)
        });
        tracer.kill();
        ward.terminal.kill_agent();
        ward.terminal.start_agent();
        let ended = login.end();
        std::fs::remove_file("/tmp/gate").unwrap();
        std::fs::remove_file("/tmp/gate.asked").unwrap();
        assert!(hit || number > 1, "the first durable write of a login was never made");
        settle(&mut ward, &format!("agent killed before durable write {number}"), &ended);
        // A ward for each: start over.
        return_to_empty(ward);
    }
}

/// Ends everything of a ward and removes what it left, so that the same test can set up another.
fn return_to_empty(mut ward: Ward) {
    ward.terminal.kill_agent();
    ward.terminal.stop_key();
    ward.server.kill();
    ward.rsyslog.stop();
    drop(ward);
    for path in [
        "/var/lib/wardkey",
        "/var/lib/wardkey-server",
        "/var/lib/wardkey-marks",
        "/etc/wardkey",
        "/run/keys",
    ] {
        let _ = std::fs::remove_dir_all(path);
    }
    let _ = std::fs::remove_file("/var/log/wardkey-audit.log");
}

fn kill_key_processes() {
    for pid in find("--worker --seats-dir") {
        signal(pid, Signal::KILL);
    }
}

/// The key process is killed when the `number`-th frame of a way passes.
fn key_killed_at(way: Way, number: usize, what: &'static str) {
    let mut ward = Ward::ready();
    let relay = ward.terminal.relay_key();
    let done = Arc::new(AtomicBool::new(false));
    let flag = done.clone();
    // The agent watches over the same socket; the login is recognised by what it sends first.
    let login_connection = Arc::new(std::sync::Mutex::new(None));
    relay.script(move |frame| {
        let mut mine = login_connection.lock().unwrap();
        if frame.way == Way::Request && frame.number == 0 && frame.body.len() > 20 && mine.is_none()
        {
            *mine = Some(frame.connection);
        }
        if *mine == Some(frame.connection)
            && frame.way == way
            && frame.number == number
            && !flag.swap(true, Ordering::SeqCst)
        {
            kill_key_processes();
            return Fate::Close;
        }
        Fate::Pass
    });
    let ended = Login::of("hanako").run();
    assert!(done.load(Ordering::SeqCst), "{what}: the stage was never reached: {ended:?}");
    assert!(!ended.is_in(), "{what}: {ended:?}");
    relay.script(|_| Fate::Pass);
    settle(&mut ward, what, &ended);
}

#[test]
fn key_process_killed_at_connect() {
    key_killed_at(Way::Request, 0, "key process killed at connect");
}

#[test]
fn key_process_killed_when_identified() {
    key_killed_at(Way::Reply, 0, "key process killed when identified");
}

#[test]
fn key_process_killed_when_the_pin_is_sent() {
    key_killed_at(Way::Request, 1, "key process killed when the PIN is sent");
}

#[test]
fn key_process_killed_when_the_assertion_is_returned() {
    key_killed_at(Way::Reply, 1, "key process killed at its reply to the PIN");
}

#[test]
fn key_process_killed_while_waiting_for_a_key_and_for_a_touch() {
    let mut ward = Ward::ready();
    ward.terminal.unplug();
    let login = Login::of("hanako").start();
    login.wait_code(Prompt::InsertKey);
    kill_key_processes();
    let ended = login.end();
    ward.terminal.plug(&ward.key);
    assert_eq!(ended.result("authenticate").as_deref(), Some("PAM_AUTHINFO_UNAVAIL"), "{ended:?}");

    ward.key.touch("never");
    let login = Login::of("hanako").start();
    ward.key.wait_until_waiting();
    kill_key_processes();
    let ended = login.end();
    assert_eq!(ended.result("authenticate").as_deref(), Some("PAM_AUTHINFO_UNAVAIL"), "{ended:?}");
    // Nobody was left to send CANCEL; a new login allocates a channel, which ends the old request.
    ward.key.touch("always");
    settle(&mut ward, "key process killed while waiting for a touch", &ended);
}

#[test]
fn without_the_agent_staff_are_refused_and_the_administrator_is_in() {
    let mut ward = Ward::ready();
    ward.terminal.kill_agent();
    let ended = Login::of("hanako").run();
    assert_eq!(ended.result("authenticate").as_deref(), Some("PAM_AUTHINFO_UNAVAIL"), "{ended:?}");
    assert!(ended.secret_prompts().is_empty(), "{ended:?}");
    Login::at(wardkey_e2e::terminal::SERVICE, "localadmin").answer("emergency").run().expect_in();
    let wrong = Login::at(wardkey_e2e::terminal::SERVICE, "localadmin").answer("wrong").run();
    assert!(!wrong.is_in(), "{wrong:?}");
    // Without the key process likewise.
    ward.terminal.start_agent();
    ward.terminal.stop_key();
    let ended = Login::of("hanako").run();
    assert_eq!(ended.result("authenticate").as_deref(), Some("PAM_AUTHINFO_UNAVAIL"), "{ended:?}");
}
