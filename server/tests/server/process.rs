//! The server as a process: signals, a full disk, files that do not belong together.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rcgen::KeyPair;
use serde_json::json;
use wardkey_core::codec;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::message::http::Base64;
use wardkey_core::time::UnixTime;

use super::support::admin::Admin;
use super::support::client::Client;
use super::support::{Deployment, now};

/// `wardkey-server run`, killed when dropped.
pub struct Process {
    pub child: Child,
    pub port: u16,
    said: Arc<Mutex<Vec<String>>>,
}

impl Process {
    pub fn start(deployment: &Deployment) -> Self {
        // SIGXFSZ is ignored as a service manager may do it: a write over the limit is an error
        // then.
        let mut child = Command::new("/bin/sh")
            .args([
                "-c",
                "trap '' XFSZ; exec \"$@\"",
                "sh",
                env!("CARGO_BIN_EXE_wardkey-server"),
                "--config",
            ])
            .arg(deployment.path())
            .arg("run")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (lines, stderr) = (Arc::clone(&said), BufReader::new(child.stderr.take().unwrap()));
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| lines.lock().unwrap().push(line))
        });
        let mut process = Self { child, port: 0, said };
        let line = process.until("address=127.0.0.1:");
        process.port = line.rsplit(':').next().unwrap().trim().parse().unwrap();
        process
    }

    /// Waits for a line of the log.
    pub fn until(&self, part: &str) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(line) = self.said.lock().unwrap().iter().find(|line| line.contains(part)) {
                return line.clone();
            }
            assert!(Instant::now() < end, "{part}: {:?}", self.said.lock().unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn sighup_reads_again_what_can_be_read_and_ends_nothing() {
    let deployment = Deployment::new();
    let mut process = Process::start(&deployment);
    process.signal(Signal::SIGHUP);
    process.until("reloaded");
    // A configuration that is wrong, or another one: said, and what runs goes on.
    deployment.configure("head_seconds = 901");
    process.signal(Signal::SIGHUP);
    process.until("restart the service to use it");
    deployment.configure("stroe = 1");
    process.signal(Signal::SIGHUP);
    process.until("the configuration cannot be used");
    assert!(process.is_running());
    assert_eq!(Client::at(process.port, None).get("/healthz").status, 200);

    deployment.configure("");
    process.signal(Signal::SIGTERM);
    assert!(process.child.wait().unwrap().success());
}

#[test]
fn a_checkpoint_is_in_the_log_of_the_service_on_one_line() {
    let deployment = Deployment::new();
    let process = Process::start(&deployment);
    let line = process.until("the log of records was signed");
    let note = line.split_once("checkpoint=").unwrap().1;
    let note: String = serde_json::from_str(note).unwrap();
    assert_eq!(deployment.json(&["log", "show"])["checkpoint"], note);
}

#[test]
fn the_log_names_api_keys_and_has_neither_their_tokens_nor_the_codes_that_they_get() {
    let deployment = Deployment::administrated("");
    deployment.ok(&["person", "add", "yamada", "--name", "Y", "--scope", "icu"]);
    deployment.ok(&["scope", "set", "icu", "--passes", "12h"]);
    let token = deployment.api_key("help-desk", &["icu"]);
    let process = Process::start(&deployment);
    let line = process.until("administration is served");
    let port = line.rsplit(':').next().unwrap().trim().parse().unwrap();
    let admin = Admin::trusting_anybody(port, &token);
    let body = json!({ "reason": "a test" });
    let made = |path: &str| {
        let answer: serde_json::Value = admin.post(path, &body).json();
        answer["code"].as_str().unwrap().to_owned()
    };
    let codes = [made("/v1/people/yamada/codes"), made("/v1/people/yamada/pass")];
    let wrong = format!("{}{}", &token[..token.len() - 32], "0123456789abcdef".repeat(2));
    assert_eq!(Admin::trusting_anybody(port, &wrong).get("/v1/people").status, 401);
    assert_eq!(admin.get("/v1/status").status, 403);

    let (id, secret) = token.strip_prefix("wardkey_api_").unwrap().split_once('_').unwrap();
    process.until("WK-1720");
    process.until(&format!("api_key=\"{id}\""));
    process.until("action=\"code.issue\"");
    let said = process.said.lock().unwrap().join("\n");
    let wrong = &wrong[wrong.len() - 64..];
    for text in [secret, wrong, "0123456789abcdef0123", "wardkey_api_", &codes[0], &codes[1]] {
        assert!(!said.contains(text), "{text}: {said}");
    }
}

#[test]
fn a_certificate_that_is_not_of_its_key_is_said_and_replaced() {
    let deployment = Deployment::new();
    let key = deployment.folder.path().join("data/keys/server.key");
    deployment.ok(&["config", "check"]);
    std::fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let output = deployment.cli(&["config", "check"]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("server.crt") && said.contains("do not belong together"), "{said}");

    // Terminals believe the deployment's authority: a new pair serves them.
    let process = Process::start(&deployment);
    process.until("do not belong together");
    assert_eq!(Client::at(process.port, None).get("/healthz").status, 200);
    deployment.ok(&["config", "check"]);

    // The authority itself cannot be made anew.
    drop(process);
    let key = deployment.folder.path().join("data/keys/ca.key");
    std::fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(deployment.refused(3, &["run"]).contains("ca.crt"));
}

#[test]
fn when_the_disk_has_room_again_the_next_record_is_taken() {
    let deployment = Deployment::with("[limits]\naddress = 100000");
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    running.stop();
    let process = Process::start(&deployment);
    let client = Client::at(process.port, Some((&terminal.certificate, &terminal.key)));
    let mut number = 0u8;
    let mut send = |count: u8| {
        let events = (0..count).map(|_| {
            number += 1;
            let mut event = Event::new(
                EventId::new([number; 16]),
                UnixTime(now()),
                EventName::Heartbeat,
                Outcome::Success,
            );
            event.terminal = Some(terminal.id);
            event.detail = Some("x".repeat(4000));
            Base64(codec::to_bytes(&event))
        });
        client.post("/v1/events", &json!({ "events": events.collect::<Vec<_>>() })).status
    };
    let limit = |bytes: &str| {
        let pid = process.child.id().to_string();
        // The size of files, instead of a disk of one's own, which needs root.
        let done = Command::new("prlimit")
            .args(["--pid", &pid, &format!("--fsize={bytes}:")])
            .status()
            .unwrap();
        assert!(done.success());
    };
    let readyz = || Client::at(process.port, None).get("/readyz");
    let until_ready = |ready: bool| {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = readyz();
            if (answer.status == 200) == ready {
                return answer;
            }
            assert!(Instant::now() < end, "{}", answer.body);
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    assert_eq!(send(1), 200);
    until_ready(true);

    for _ in 0..2 {
        limit("4096");
        for _ in 0..4 {
            assert_eq!(send(20), 503);
        }
        // A write that fits in what is there may be taken a moment later.
        let refused = until_ready(false);
        assert!(refused.body.contains("WK-1922"), "{}", refused.body);

        limit("unlimited");
        for _ in 0..10 {
            assert_eq!(send(1), 200, "{:?}", process.said.lock().unwrap());
        }
        until_ready(true);
    }
}
