//! Break-glass: sealed here, used at a terminal, void everywhere from then on.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wardkey_core::client_data::ClientData;
use wardkey_core::codec::{self, Bytes};
use wardkey_core::document::Position;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::evidence;
use wardkey_core::id::{EventId, Nonce, PassId, TerminalId};
use wardkey_core::message::http::{Base64, ChangesReply, EventsReply};
use wardkey_core::name::{LoginName, ScopeName, ServiceName};
use wardkey_core::pass::{Pass, PassCode};
use wardkey_core::pass_key::PassKey;
use wardkey_core::person::PersonRecord;
use wardkey_core::proof::{ProofKind, SignedByCode};
use wardkey_core::time::UnixTime;
use wardkey_server::secret;

use super::event_log_keys::listed;
use super::support::client::Terminal;
use super::support::ward::Ward;
use super::support::{Deployment, now};

const ADD: [&str; 5] = ["break-glass", "add", "emergency", "--reason", "safe of the ward"];

/// An account that is nobody's, of a scope that allows sealed codes.
fn prepared(deployment: &Deployment) {
    deployment.ok(&["person", "add", "emergency", "--name", "緊急用", "--scope", "icu"]);
    deployment.ok(&["scope", "set", "icu", "--break-glass", "400d", "--passes", "12h"]);
}

fn ward() -> Ward {
    let ward = Ward::new();
    prepared(&ward.deployment);
    ward
}

impl Ward {
    /// A sealed code, and the key pair of it.
    fn seal(&self) -> (Value, PassKey) {
        let made = self.deployment.json(&ADD);
        let code = PassCode::read_sealed(made["code"].as_str().unwrap()).unwrap();
        let sealed = self.sealed().expect("published at once");
        assert_eq!(made["id"], sealed.id.to_hex());
        (made, PassKey::derive(&code, &sealed.salt, sealed.hash).unwrap())
    }

    /// What terminals know of it.
    fn sealed(&self) -> Option<Pass> {
        let changes: ChangesReply = self.terminal.changes("icu", 0);
        let records = changes.changes.iter().filter_map(|change| change.record.as_ref());
        let people = records.map(|record| codec::from_bytes::<PersonRecord>(&record.0).unwrap());
        people.into_iter().find(|person| person.login.as_str() == "emergency")?.break_glass
    }

    /// What the server finds of an event of a terminal.
    fn found_of(&self, terminal: &Terminal, event: &Event) -> Value {
        let body = json!({ "events": [Base64(codec::to_bytes(event))] });
        let reply: EventsReply = terminal.client.post("/v1/events", &body).json();
        assert_eq!(reply.accepted.len(), 1, "{:?}", reply.refused);
        let rows = self.deployment.rows(&["events", "list"]);
        let id = event.id.to_hex();
        let row = rows.as_array().unwrap().iter().find(|row| row["id"] == id.as_str()).unwrap();
        row["evidence"].clone()
    }

    fn shown(&self) -> Value {
        self.deployment.json(&["break-glass", "show", "emergency"])
    }
}

/// A login by a sealed code, as an agent reports it.
fn used(made: &Value, key: &PassKey, terminal: TerminalId, time: u64) -> Event {
    let login = LoginName::new("emergency").unwrap();
    let data = ClientData {
        nonce: Nonce::new(secret::random().unwrap()),
        terminal,
        service: ServiceName::new("gdm-password").unwrap(),
        account: login.clone(),
        person: login.clone(),
        time: UnixTime(time),
        scope: ScopeName::new("icu").unwrap(),
        position: Position { epoch: 1, seq: 3 },
    };
    let pass = PassId::from_hex(made["id"].as_str().unwrap()).unwrap();
    let client_data = Bytes::new(data.to_bytes()).unwrap();
    let signature = Bytes::new(key.sign(client_data.as_slice())).unwrap();
    let mut event =
        Event::new(data.event_id(), data.time, EventName::BreakGlassLogin, Outcome::Success);
    event.terminal = Some(terminal);
    event.person = Some(login.clone());
    event.account = Some(login);
    event.service = Some("gdm-password".into());
    event.proof = Some(ProofKind::BreakGlass);
    event.pass = Some(pass);
    event.signed_by_code = Some(SignedByCode { pass, client_data, signature });
    event
}

fn alarms(deployment: &Deployment) -> Vec<Value> {
    let status = deployment.json(&["status"]);
    let problems = status["problems"].as_array().unwrap();
    problems.iter().filter(|problem| problem["code"] == "WK-1595").cloned().collect()
}

#[test]
fn a_use_is_verified_makes_the_code_void_everywhere_and_is_an_alarm_until_it_is_cleared() {
    let ward = ward();
    let (made, key) = ward.seal();
    assert_eq!(ward.shown()["status"], "sealed");
    assert!(alarms(&ward.deployment).is_empty());

    let login = used(&made, &key, ward.terminal.id, now());
    assert_eq!(ward.found_of(&ward.terminal, &login), "valid");
    assert_eq!(ward.sealed(), None, "no terminal that hears of it takes the code");
    let shown = ward.shown();
    assert_eq!((&shown["status"], &shown["used"]), (&json!("used"), &json!(login.time.0)));
    assert_eq!((&shown["used_at"], &shown["ended_by"]), (&json!("ward-1"), &json!("use")));
    let trail = ward.deployment.rows(&["audit", "list"]);
    assert_eq!(
        (&trail[0]["action"], &trail[0]["object"]),
        (&json!("break-glass.used"), &json!("emergency"))
    );
    assert_eq!(alarms(&ward.deployment).len(), 1);
    let report = ward.deployment.json(&["report", "exceptions"]);
    let kinds = report["kinds"].as_array().unwrap();
    for kind in ["break-glass.add", "break-glass.used", "break-glass-login"] {
        let row = kinds.iter().find(|row| row["kind"] == kind).unwrap();
        assert_eq!(row["count"], 1, "{kind}");
    }

    // The same record again is the same use.
    let body = json!({ "events": [Base64(codec::to_bytes(&login))] });
    let _: EventsReply = ward.terminal.client.post("/v1/events", &body).json();
    assert_eq!(ward.shown()["uses"], 1);

    ward.deployment.refused(2, &["break-glass", "clear-alarm", "emergency"]);
    ward.deployment.ok(&["break-glass", "clear-alarm", "emergency", "--reason", "a drill"]);
    assert!(alarms(&ward.deployment).is_empty());
    assert!(ward.shown()["cleared"].is_u64());
    // Another envelope: the one before stays what it was.
    ward.seal();
    let listed = ward.deployment.rows(&["break-glass", "list"]);
    let statuses: Vec<_> = listed.as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["sealed", "used"]);
}

#[test]
fn a_second_terminal_that_was_offline_is_told_apart_and_alarms_again() {
    let ward = ward();
    let other = ward.deployment.join(&ward.running, "ward-2", &["icu"]);
    let (made, key) = ward.seal();
    let first = used(&made, &key, ward.terminal.id, now());
    assert_eq!(ward.found_of(&ward.terminal, &first), "valid");
    ward.deployment.ok(&["break-glass", "clear-alarm", "emergency", "--reason", "a drill"]);

    let second = used(&made, &key, other.id, now());
    assert_eq!(ward.found_of(&other, &second), "valid", "it could not know");
    let shown = ward.shown();
    assert_eq!((&shown["uses"], &shown["used_at"]), (&json!(2), &json!("ward-1")));
    assert_eq!(alarms(&ward.deployment).len(), 1);
}

#[test]
fn a_use_that_is_called_something_else_counts_and_proves_nothing() {
    for change in [
        (|event| event.name = EventName::PassLogin) as fn(&mut Event),
        |event| (event.name, event.proof) = (EventName::PassLogin, Some(ProofKind::TemporaryCode)),
        |event| event.name = EventName::Login,
        |event| event.proof = None,
        |event| event.voucher = Some(LoginName::new("yamada").unwrap()),
        |event| (event.name, event.outcome) = (EventName::BreakGlassWrong, Outcome::Failure),
    ] {
        let ward = ward();
        let (made, key) = ward.seal();
        let mut event = used(&made, &key, ward.terminal.id, now());
        change(&mut event);
        assert_eq!(ward.found_of(&ward.terminal, &event), "invalid", "{event:?}");
        assert_eq!(ward.shown()["status"], "used", "{event:?}");
        assert_eq!(ward.sealed(), None);
    }
}

#[test]
fn a_record_whose_time_is_made_up_alarms_all_the_same() {
    for time in [0, now() + 50 * 365 * 86_400] {
        let ward = ward();
        let (made, key) = ward.seal();
        let signed = now();
        let event = used(&made, &key, ward.terminal.id, signed);
        let event = Event { time: UnixTime(time), ..event };
        assert_eq!(ward.found_of(&ward.terminal, &event), "invalid", "{time}");
        assert_eq!(alarms(&ward.deployment).len(), 1, "{time}");
        assert_eq!(ward.shown()["used"], signed, "as it was signed");
    }
}

#[test]
fn one_signature_is_one_use_however_often_it_is_sent() {
    let ward = ward();
    let (made, key) = ward.seal();
    let login = used(&made, &key, ward.terminal.id, now());
    assert_eq!(ward.found_of(&ward.terminal, &login), "valid");
    ward.deployment.ok(&["break-glass", "clear-alarm", "emergency", "--reason", "a drill"]);
    for id in 1..4 {
        let again = Event { id: EventId::new([id; 16]), ..login.clone() };
        assert_eq!(ward.found_of(&ward.terminal, &again), "invalid");
    }
    assert_eq!(ward.shown()["uses"], 1);
    assert!(alarms(&ward.deployment).is_empty());
    let trail = ward.deployment.rows(&["audit", "list"]);
    let told = trail.as_array().unwrap().iter().filter(|row| row["action"] == "break-glass.used");
    assert_eq!(told.count(), 1);
}

#[test]
fn what_the_code_did_not_sign_here_makes_nothing_void() {
    let ward = ward();
    let other = ward.deployment.join(&ward.running, "ward-2", &["icu"]);
    let (made, key) = ward.seal();
    let salt = ward.sealed().unwrap().salt;
    let wrong = PassCode::read_sealed("ZZZZZZZZZZZZZZZZ").unwrap();
    let stranger = PassKey::derive(&wrong, &salt, wardkey_core::pass::HASH).unwrap();
    let here = |key: &PassKey| used(&made, key, ward.terminal.id, now());
    let elsewhere = used(&made, &key, other.id, now());
    for (what, event) in [
        ("another code", here(&stranger)),
        ("no evidence", Event { signed_by_code: None, ..here(&key) }),
        ("signed at another terminal", Event { terminal: Some(ward.terminal.id), ..elsewhere }),
    ] {
        assert_eq!(ward.found_of(&ward.terminal, &event), "invalid", "{what}");
        assert_eq!(ward.shown()["status"], "sealed", "{what}");
    }
    // A sealed code is no pass, whatever its record says: it has to be the person's pass.
    let pass = ward.deployment.json(&["pass", "add", "emergency", "--reason", "r"]);
    let event = used(&pass, &key, ward.terminal.id, now());
    assert_eq!(ward.found_of(&ward.terminal, &event), "invalid");
    assert!(ward.sealed().is_some());
}

#[test]
fn whoever_runs_the_server_is_told_of_each_use() {
    let told = tempfile::tempdir().unwrap();
    let file = told.path().join("told");
    let script = format!("cat > '{0}.new' && mv '{0}.new' '{0}'", file.display());
    let notify = format!("\n[watch]\nnotify = [\"/bin/sh\", \"-c\", \"{script}\"]\n");
    let ward = Ward::with(|_| notify);
    prepared(&ward.deployment);
    let (made, key) = ward.seal();
    let login = used(&made, &key, ward.terminal.id, now());
    assert_eq!(ward.found_of(&ward.terminal, &login), "valid");

    let heard = || -> Value {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < end, "nothing was told");
            let text = std::fs::read(&file).unwrap_or_default();
            match serde_json::from_slice::<Value>(&text) {
                Ok(notice) if notice["began"].to_string().contains("WK-1595") => return notice,
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    };
    let notice = heard();
    let began = notice["began"].as_array().unwrap();
    let alarm = began.iter().find(|reason| reason["code"] == "WK-1595").unwrap();
    assert!(alarm["message_ja"].as_str().unwrap().contains("緊急用コード"));

    // A second use while nobody has looked into the first.
    std::fs::remove_file(&file).unwrap();
    let again = used(&made, &key, ward.terminal.id, now());
    assert_eq!(ward.found_of(&ward.terminal, &again), "valid");
    heard();
}

#[test]
fn what_was_sealed_before_a_restore_is_void() {
    let ward = ward();
    ward.seal();
    let Ward { deployment, running, terminal, .. } = ward;
    running.stop();
    drop(terminal);
    let (backup, _) = deployment.backup("monday");
    let done = deployment.json(&["restore", backup.to_str().unwrap(), "--replace", "--yes"]);
    assert_eq!(done["report"]["sealed"], 1, "{done}");
    let shown = deployment.json(&["break-glass", "show", "emergency"]);
    assert_eq!((&shown["status"], &shown["ended_by"]), (&json!("void"), &json!("restore")));
}

#[test]
fn an_export_lists_it_as_what_it_is_so_that_auditors_find_what_the_server_found() {
    let ward = ward();
    let (made, key) = ward.seal();
    let login = used(&made, &key, ward.terminal.id, now());
    assert_eq!(ward.found_of(&ward.terminal, &login), "valid");
    ward.seal();
    let folder = ward.deployment.exported("log");
    let list = listed(&ward.deployment, &folder).unwrap();
    let listed = &list.passes;
    let all: Vec<_> = listed.iter().map(|pass| (pass.person.as_str(), pass.is_sealed)).collect();
    assert_eq!(all, [("emergency", Some(true)), ("emergency", Some(true))]);
    let of_login = listed.iter().find(|pass| Some(pass.id) == login.pass).unwrap();
    let signed = login.signed_by_code.as_ref().unwrap();
    assert_eq!(evidence::by_code(&login, signed, &ward.terminal.id, of_login), Ok(()));
}

#[test]
fn the_command_line_says_what_it_did() {
    let ward = ward();
    let text = ward.deployment.ok(&ADD);
    assert!(PassCode::read_sealed(text.trim()).is_some(), "a pipe gets the code alone: {text}");
    ward.deployment.refused(2, &["break-glass", "add", "emergency"]);
    ward.deployment.refused(2, &["break-glass", "add", "emergency", "--reason", " "]);
    ward.deployment.refused(1, &["break-glass", "add", "nobody", "--reason", "x"]);
    ward.deployment.refused(1, &[&ADD[..], &["--for", "401d"]].concat());
    ward.deployment.refused(1, &[&ADD[..], &["--scope", "er"]].concat());
    ward.deployment.ok(&["break-glass", "withdraw", "emergency", "--reason", "envelope lost"]);
    assert_eq!((ward.sealed(), &ward.shown()["status"]), (None, &json!("void")));
    ward.deployment.refused(1, &["break-glass", "disable", "emergency"]);
    let scope = ward.deployment.ok(&["scope", "show", "icu"]);
    assert!(scope.contains("for 400 days at most"), "{scope}");
}
