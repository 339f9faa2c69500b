//! Passes: issued here, used at a terminal, ended by the key.

use serde_json::{Value, json};
use wardkey_core::client_data::ClientData;
use wardkey_core::codec::{self, Bytes};
use wardkey_core::document::Position;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{Nonce, PassId, TerminalId};
use wardkey_core::message::http::{Base64, EventsReply};
use wardkey_core::name::{LoginName, ScopeName, ServiceName};
use wardkey_core::pass::{Pass, PassCode};
use wardkey_core::pass_key::PassKey;
use wardkey_core::proof::{ProofKind, SignedByCode};
use wardkey_core::time::UnixTime;
use wardkey_server::secret;

use super::support::authenticator::Credential;
use super::support::now;
use super::support::ward::Ward;

fn ward() -> (Ward, Credential) {
    let (ward, key) = Ward::with_key();
    ward.deployment.ok(&["scope", "set", "icu", "--passes", "12h"]);
    (ward, key)
}

impl Ward {
    /// A pass for yamada, and the key pair of its code.
    fn issue(&self, more: &[&str]) -> (Value, PassKey) {
        let arguments = [&["pass", "add", "yamada", "--reason", "key at home"], more].concat();
        let issued = self.deployment.json(&arguments);
        let code = PassCode::read(issued["code"].as_str().unwrap()).unwrap();
        let pass = self.published().expect("published at once");
        assert_eq!(issued["id"], pass.id.to_hex());
        (issued, PassKey::derive(&code, &pass.salt, pass.hash).unwrap())
    }

    fn published(&self) -> Option<Pass> {
        self.published_pass("yamada")
    }

    fn send(&self, event: &Event) -> Value {
        let body = json!({ "events": [Base64(codec::to_bytes(event))] });
        let reply: EventsReply = self.terminal.client.post("/v1/events", &body).json();
        assert_eq!(reply.accepted.len(), 1, "{:?}", reply.refused);
        let rows = self.deployment.rows(&["events", "list"]);
        let id = event.id.to_hex();
        rows.as_array().unwrap().iter().find(|row| row["id"] == id.as_str()).unwrap().clone()
    }
}

fn client_data(terminal: TerminalId, time: u64) -> ClientData {
    let login = LoginName::new("yamada").unwrap();
    ClientData {
        nonce: Nonce::new(secret::random().unwrap()),
        terminal,
        service: ServiceName::new("gdm-password").unwrap(),
        account: login.clone(),
        person: login,
        time: UnixTime(time),
        scope: ScopeName::new("icu").unwrap(),
        position: Position { epoch: 1, seq: 3 },
    }
}

fn event(name: EventName, data: &ClientData) -> Event {
    let mut event = Event::new(data.event_id(), data.time, name, Outcome::Success);
    event.terminal = Some(data.terminal);
    event.person = Some(data.person.clone());
    event.account = Some(data.account.clone());
    event.service = Some(data.service.to_string());
    event
}

/// A login by a pass, as an agent reports it.
fn pass_login(pass: &Value, key: &PassKey, data: &ClientData) -> Event {
    let pass = PassId::from_hex(pass["id"].as_str().unwrap()).unwrap();
    let client_data = Bytes::new(data.to_bytes()).unwrap();
    let signature = Bytes::new(key.sign(client_data.as_slice())).unwrap();
    let mut event = event(EventName::PassLogin, data);
    event.proof = Some(ProofKind::TemporaryCode);
    event.pass = Some(pass);
    event.signed_by_code = Some(SignedByCode { pass, client_data, signature });
    event
}

#[test]
fn a_login_by_a_pass_is_verified_and_remembered() {
    let (ward, _) = ward();
    let (pass, key) = ward.issue(&["--for", "8h"]);
    let login = pass_login(&pass, &key, &client_data(ward.terminal.id, now()));
    assert_eq!(ward.send(&login)["evidence"], "valid");
    let shown = ward.deployment.json(&["pass", "show", "yamada"]);
    assert_eq!((&shown["status"], &shown["used"]), (&json!("open"), &json!(login.time.0)));
    assert_eq!(shown["reason"], "key at home");
}

#[test]
fn what_the_code_did_not_sign_is_reported_as_no_login() {
    let (ward, _) = ward();
    let (pass, key) = ward.issue(&[]);
    let stranger = PassKey::derive(
        &PassCode::read("ZZZZZZZZZZ").unwrap(),
        &ward.published().unwrap().salt,
        wardkey_core::pass::HASH,
    )
    .unwrap();
    let fresh = || client_data(ward.terminal.id, now());
    let good = |data: &ClientData| pass_login(&pass, &key, data);
    let cases: Vec<(&str, Event)> = vec![
        ("another code", pass_login(&pass, &stranger, &fresh())),
        ("before it was issued", good(&client_data(ward.terminal.id, now() - 3600))),
        ("of another terminal", {
            let data = client_data(TerminalId::new([9; 16]), now());
            Event { terminal: Some(ward.terminal.id), ..good(&data) }
        }),
        ("no evidence", Event { signed_by_code: None, ..good(&fresh()) }),
        ("another pass", Event { pass: Some(PassId::new([7; 16])), ..good(&fresh()) }),
        ("as a login by key", Event { name: EventName::Login, ..good(&fresh()) }),
        ("another person", {
            Event { person: Some(LoginName::new("sato").unwrap()), ..good(&fresh()) }
        }),
    ];
    for (what, event) in cases {
        assert_eq!(ward.send(&event)["evidence"], "invalid", "{what}");
    }
    // A pass of another terminal.
    let desk = ward.deployment.join(&ward.running, "ward-2", &["icu"]);
    let (pass, key) = ward.issue(&["--terminal", "ward-2"]);
    let there = pass_login(&pass, &key, &fresh());
    assert_eq!(ward.send(&there)["evidence"], "invalid", "at {} instead of {}", "ward-1", desk.id);
}

#[test]
fn a_login_with_the_key_ends_the_pass_and_an_older_one_does_not() {
    let (ward, key) = ward();
    let by_key = |time: u64, counter: u32| {
        let data = client_data(ward.terminal.id, time);
        let mut event = event(EventName::Login, &data);
        event.counter = Some(counter);
        event.evidence = Some(key.assert(&data, counter, 0x05));
        event
    };
    let before = by_key(now() - 60, 1);
    ward.issue(&[]);
    assert_eq!(ward.send(&before)["evidence"], "valid");
    assert!(ward.published().is_some(), "it was offline, and came late");
    assert_eq!(ward.send(&by_key(now() + 1, 2))["evidence"], "valid");
    assert_eq!(ward.published(), None);
    let shown = ward.deployment.json(&["pass", "show", "yamada"]);
    assert_eq!(shown["ended_by"], "key");
    let trail = ward.deployment.rows(&["audit", "list"]);
    assert_eq!(trail[0]["action"], "pass.end");
}

#[test]
fn the_command_line_says_what_it_did() {
    let (ward, _) = ward();
    let text = ward.deployment.ok(&["pass", "add", "yamada", "--reason", "key at home"]);
    assert!(PassCode::read(text.trim()).is_some(), "a pipe gets the code alone: {text}");
    ward.deployment.refused(2, &["pass", "add", "yamada"]);
    ward.deployment.refused(2, &["pass", "add", "yamada", "--reason", " "]);
    ward.deployment.refused(1, &["pass", "add", "nobody", "--reason", "x"]);
    ward.deployment.refused(1, &["pass", "add", "yamada", "--for", "13h", "--reason", "x"]);
    let listed = ward.deployment.rows(&["pass", "list", "--search", "yama"]);
    assert_eq!((&listed[0]["login"], &listed[0]["status"]), (&json!("yamada"), &json!("open")));
    ward.deployment.ok(&["pass", "disable", "yamada", "--reason", "found"]);
    ward.deployment.refused(1, &["pass", "disable", "yamada", "--reason", "found"]);
    assert_eq!(ward.published(), None);
    let scope = ward.deployment.ok(&["scope", "show", "icu"]);
    let passes = scope.lines().find_map(|line| line.strip_prefix("passes ")).unwrap();
    assert!(passes.trim_start().starts_with("for 720 minutes at most"), "{scope}");
    ward.deployment.ok(&["scope", "set", "icu", "--pass-except", "kiosk"]);
    assert!(ward.deployment.ok(&["scope", "show", "icu"]).contains("services without: kiosk"));
}
