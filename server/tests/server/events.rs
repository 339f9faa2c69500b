//! Event intake: idempotent, evidence verified again, counters over all terminals.

use serde_json::{Value, json};
use wardkey_core::client_data::ClientData;
use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::document::Position;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{EventId, Nonce, TerminalId};
use wardkey_core::message::http::{Base64, EventsReply};
use wardkey_core::name::{LoginName, ScopeName, ServiceName};
use wardkey_core::time::UnixTime;
use wardkey_server::secret;

use super::support::authenticator::{Credential, Maker, Making};
use super::support::client::Terminal;
use super::support::now;
use super::support::ward::Ward;

impl Ward {
    fn listed(&self, filter: &[&str]) -> Vec<Value> {
        let events = self.deployment.rows(&[&["events", "list"], filter].concat());
        events.as_array().unwrap().clone()
    }

    fn key_row(&self) -> Value {
        self.deployment.rows(&["key", "list", "yamada"])[0].clone()
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

/// A login as an agent reports it.
pub fn login(key: &Credential, terminal: TerminalId, time: u64, counter: u32) -> Event {
    let data = client_data(terminal, time);
    let mut event = Event::new(data.event_id(), UnixTime(time), EventName::Login, Outcome::Success);
    event.terminal = Some(terminal);
    event.person = Some(data.person.clone());
    event.account = Some(data.account.clone());
    event.service = Some(data.service.to_string());
    event.counter = Some(counter);
    event.evidence = Some(key.assert(&data, counter, 0x05));
    event
}

pub fn send(terminal: &Terminal, events: &[Event]) -> EventsReply {
    let events: Vec<Base64> = events.iter().map(|event| Base64(codec::to_bytes(event))).collect();
    terminal.client.post("/v1/events", &json!({ "events": events })).json()
}

#[test]
fn a_login_is_stored_once_and_its_key_remembers_it() {
    let (ward, key) = Ward::with_key();
    let time = now();
    let event = login(&key, ward.terminal.id, time, 5);
    for _ in 0..3 {
        let reply = send(&ward.terminal, std::slice::from_ref(&event));
        assert_eq!(reply.accepted, [Base64(event.id.as_bytes().to_vec())]);
        assert!(reply.refused.is_empty());
    }
    let listed = ward.listed(&["--name", "login"]);
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["evidence"], &listed[0]["person"], &listed[0]["counter"]),
        (&json!("valid"), &json!("yamada"), &json!(5))
    );
    assert!(listed[0]["line"].as_str().unwrap().contains("event=login"));
    let key = ward.key_row();
    assert_eq!(
        (&key["last_used"], &key["counter"], &key["clone_suspected"]),
        (&json!(time), &json!(5), &Value::Null)
    );
    assert_eq!(key["last_terminal"], json!(ward.terminal.id.to_hex()));
    // Newest first, and filters.
    let mut beat = Event::new(
        EventId::new([3; 16]),
        UnixTime(time + 9),
        EventName::Heartbeat,
        Outcome::Success,
    );
    beat.terminal = Some(ward.terminal.id);
    send(&ward.terminal, &[beat]);
    let all = ward.listed(&[]);
    assert_eq!(all[0]["event"], "heartbeat");
    assert_eq!(
        ward.listed(&["--person", "yamada", "--outcome", "success", "--terminal", "ward-1"]).len(),
        1
    );
    assert_eq!(ward.listed(&["--person", "sato"]).len(), 0);
    assert_eq!(ward.listed(&["--limit", "1"]).len(), 1);
    // Searched, alone and together with what has a statement of its own.
    for (filter, found) in [
        (&["--search", "LOGIN"][..], 1),
        (&["--search", "gdm-pass"], 1),
        (&["--search", "Ward-1"], 2),
        (&["--search", "ward%"], 0),
        (&["--search", "yamada", "--person", "yamada"], 1),
        (&["--search", "heartbeat", "--person", "yamada"], 0),
        (&["--search", "heartbeat", "--terminal", "ward-1"], 1),
        (&["--search", "yamada", "--invalid"], 0),
    ] {
        assert_eq!(ward.listed(filter).len(), found, "{filter:?}");
    }
    ward.deployment.refused(1, &["events", "list", "--terminal", "nowhere"]);
}

#[test]
fn a_login_that_was_not_one_is_stored_reported_and_not_counted() {
    let (ward, key) = Ward::with_key();
    let terminal = ward.terminal.id;
    let time = now();
    let stranger = Credential::make(&Maker::new(), &[1; 32], Making::default());
    type Change = Box<dyn Fn(&mut Event)>;
    let cases: Vec<(&str, Change)> = vec![
        ("no evidence", Box::new(|event| event.evidence = None)),
        ("another person", Box::new(|event| event.person = Some(LoginName::new("sato").unwrap()))),
        ("no person", Box::new(|event| event.person = None)),
        (
            "another account",
            Box::new(|event| event.account = Some(LoginName::new("root").unwrap())),
        ),
        ("another service", Box::new(|event| event.service = Some("sudo".into()))),
        ("another counter", Box::new(|event| event.counter = Some(99))),
        ("another id", Box::new(|event| event.id = EventId::new([9; 16]))),
        (
            "a key never enrolled",
            Box::new(move |event| *event = login(&stranger, terminal, time, 7)),
        ),
        (
            "signature of other data",
            Box::new(move |event| {
                let other = client_data(terminal, time + 1).to_bytes();
                event.evidence.as_mut().unwrap().client_data = codec::Bytes::new(other).unwrap();
            }),
        ),
        (
            "malformed client data",
            Box::new(|event| {
                event.evidence.as_mut().unwrap().client_data =
                    codec::Bytes::new(&b"{}"[..]).unwrap();
            }),
        ),
    ];
    let count = cases.len();
    for (what, change) in cases {
        let mut event = login(&key, terminal, time, 7);
        change(&mut event);
        let reply = send(&ward.terminal, std::slice::from_ref(&event));
        assert_eq!(reply.accepted.len(), 1, "{what}");
        let listed = ward.listed(&["--invalid", "--limit", "1000"]);
        let row = listed
            .iter()
            .find(|row| row["id"] == event.id.to_hex())
            .unwrap_or_else(|| panic!("{what}"));
        assert!(row["finding"].is_string(), "{what}");
    }
    // UV=0, UP=0, BE changed: signed, and still no login.
    for flags in [0x01, 0x04, 0x0d] {
        let data = client_data(terminal, time);
        let mut event = login(&key, terminal, time, 7);
        event.id = data.event_id();
        event.evidence = Some(key.assert(&data, 7, flags));
        send(&ward.terminal, &[event]);
    }
    assert_eq!(ward.listed(&["--invalid", "--limit", "1000"]).len(), count + 3);
    let key = ward.key_row();
    assert_eq!((&key["last_used"], &key["clone_suspected"]), (&Value::Null, &Value::Null));
    let reported = ward
        .deployment
        .actions()
        .iter()
        .filter(|action| *action == "event.evidence-invalid")
        .count();
    assert_eq!(reported, count + 3);
}

#[test]
fn events_are_of_their_terminal_and_strictly_decoded() {
    let (ward, key) = Ward::with_key();
    let other = ward.deployment.join(&ward.running, "ward-2", &["icu"]);
    let event = login(&key, ward.terminal.id, now(), 5);
    let reply = send(&other, std::slice::from_ref(&event));
    assert!(reply.accepted.is_empty());
    assert_eq!(reply.refused[0].id.0, event.id.as_bytes());
    let mut nobodys = event.clone();
    nobodys.terminal = None;
    assert_eq!(send(&ward.terminal, &[nobodys]).refused.len(), 1);
    let bytes = codec::to_bytes(&event);
    for (what, bytes) in [
        ("trailing", [&bytes[..], &[0]].concat()),
        ("garbage", vec![0xff; 40]),
        ("empty", vec![]),
        ("long", vec![0; 20_000]),
    ] {
        let body = json!({ "events": [Base64(bytes)] });
        let reply: EventsReply = ward.terminal.client.post("/v1/events", &body).json();
        // By every name: the one that it claims, if that much can be read, and its hash.
        let names = if what == "trailing" { 2 } else { 1 };
        assert_eq!((reply.accepted.len(), reply.refused.len()), (0, names), "{what}");
    }
    // One bad event does not hold the others up; the same id with other content is refused.
    let reply = send(&ward.terminal, std::slice::from_ref(&event));
    assert_eq!(reply.accepted.len(), 1);
    let mut altered = event.clone();
    altered.tty = Some("tty9".into());
    assert_eq!(send(&ward.terminal, &[altered]).refused.len(), 1);
    let many: Vec<Base64> = vec![Base64(bytes); 257];
    assert_eq!(
        ward.terminal.client.post("/v1/events", &json!({ "events": many })).refusal(),
        (400, "WK-1516".into())
    );
}

#[test]
fn what_cannot_be_read_is_set_aside_once_and_named_as_its_sender_names_it() {
    let (ward, _) = Ward::with_key();
    // As a newer agent would send it: an event of a name that there is not yet.
    let mut event =
        Event::new(EventId::new([7; 16]), UnixTime(now()), EventName::Heartbeat, Outcome::Success);
    event.terminal = Some(ward.terminal.id);
    let mut later = codec::to_bytes(&event);
    let at = later.windows(2).rposition(|pair| pair == [0x03, 0x02]).unwrap() + 1;
    later.splice(at..=at, [0x18, 200]);
    let body = json!({ "events": [Base64(later.clone())] });
    for _ in 0..3 {
        let reply: EventsReply = ward.terminal.client.post("/v1/events", &body).json();
        let named: Vec<Vec<u8>> = reply.refused.into_iter().map(|refused| refused.id.0).collect();
        let ours: Vec<Vec<u8>> = Event::names(&later).map(|id| id.as_bytes().to_vec()).collect();
        assert_eq!(named, ours);
    }
    // A batch of nothing but these is a batch that is done, one row in the trail, and nothing is
    // lost.
    let trail = ward.deployment.rows(&["audit", "list", "--object", &ward.terminal.id.to_hex()]);
    let rows: Vec<&Value> =
        trail.as_array().unwrap().iter().filter(|row| row["action"] == "event.set-aside").collect();
    assert_eq!(rows.len(), 1);
    assert!(
        rows[0]["detail"].as_str().unwrap().contains(&codec::sha256(&later).short()),
        "{}",
        rows[0]
    );
    if let Some(database) = ward.deployment.postgresql() {
        let kept = database.run("SELECT encode(document, 'hex') FROM event_set_aside");
        assert_eq!(kept, wardkey_core::id::to_hex(&later));
        return;
    }
    let database = ["", "-wal"].map(|end| {
        let path = format!("{}{end}", ward.deployment.database().display());
        std::fs::read(path).unwrap_or_default()
    });
    assert!(database.iter().any(|bytes| bytes.windows(later.len()).any(|part| part == later)));
}

#[test]
fn a_copied_key_is_found_over_all_terminals() {
    let (ward, key) = Ward::with_key();
    let other = ward.deployment.join(&ward.running, "ward-2", &["icu"]);
    let time = now();
    send(&ward.terminal, &[login(&key, ward.terminal.id, time, 10)]);
    send(&other, &[login(&key, other.id, time + 100, 11)]);
    // What comes late from a terminal that was offline is in order.
    send(&ward.terminal, &[login(&key, ward.terminal.id, time - 100, 9)]);
    assert_eq!(ward.key_row()["clone_suspected"], Value::Null);
    assert_eq!(ward.key_row()["counter"], 11);
    assert_eq!(ward.key_row()["last_used"], json!(time + 100));
    // Later, but counted less: two keys count on their own.
    send(&other, &[login(&key, other.id, time + 200, 8)]);
    assert!(ward.key_row()["clone_suspected"].is_u64());
    assert!(ward.deployment.actions().contains(&"key.clone-suspected".to_owned()));
    assert!(ward.deployment.ok(&["key", "list", "yamada"]).contains("may have been copied"));
    ward.deployment.ok(&["audit", "verify"]);
}

#[test]
fn a_suspicion_is_cleared_with_a_reason_and_comes_back_with_the_next_one() {
    let (ward, key) = Ward::with_key();
    let time = now() - 1000;
    let fingerprint = key.fingerprint();
    let which = ["key", "clear-suspicion", &fingerprint];
    send(&ward.terminal, &[login(&key, ward.terminal.id, time, 10)]);
    let said = ward.deployment.ok(&[&which[..], &["--reason", "looked"]].concat());
    assert!(said.starts_with("nothing was suspected"), "{said}");
    // The clock of a terminal was an hour ahead.
    send(&ward.terminal, &[login(&key, ward.terminal.id, time + 3600, 11)]);
    send(&ward.terminal, &[login(&key, ward.terminal.id, time + 100, 12)]);
    assert!(ward.key_row()["clone_suspected"].is_u64());
    let said = ward.deployment.refused(2, &which);
    assert!(said.contains("--reason"), "{said}");
    ward.deployment.refused(2, &[&which[..], &["--reason", " "]].concat());
    assert!(ward.key_row()["clone_suspected"].is_u64());
    let done = ward.deployment.json(&[&which[..], &["--reason", "the clock was ahead"]].concat());
    assert!(done["suspected"].is_u64());
    assert_eq!(ward.key_row()["clone_suspected"], Value::Null);
    assert!(ward.deployment.actions().contains(&"key.suspicion-cleared".to_owned()));
    // What was here is compared with nothing any more.
    send(&ward.terminal, &[login(&key, ward.terminal.id, time + 200, 13)]);
    send(&ward.terminal, &[login(&key, ward.terminal.id, time + 400, 14)]);
    assert_eq!(ward.key_row()["clone_suspected"], Value::Null);
    // A copy that was used before, at a terminal that was offline: nobody had seen that.
    send(&ward.terminal, &[login(&key, ward.terminal.id, time + 300, 8)]);
    assert!(ward.key_row()["clone_suspected"].is_u64());
}

#[test]
fn the_same_count_twice_is_a_copy_and_no_counter_is_none() {
    let (ward, key) = Ward::with_key();
    let time = now();
    for at in 0..3 {
        send(&ward.terminal, &[login(&key, ward.terminal.id, time + at, 0)]);
    }
    assert_eq!(ward.key_row()["clone_suspected"], Value::Null, "a key without counter");
    send(&ward.terminal, &[login(&key, ward.terminal.id, time + 60, 4)]);
    send(&ward.terminal, &[login(&key, ward.terminal.id, time + 61, 4)]);
    assert!(ward.key_row()["clone_suspected"].is_u64());
}

#[test]
fn a_login_with_a_key_that_is_deleted_meanwhile_still_verifies() {
    let (ward, key) = Ward::with_key();
    let event = login(&key, ward.terminal.id, now(), 5);
    ward.deployment.ok(&["person", "delete", "yamada", "--reason", "left"]);
    send(&ward.terminal, &[event]);
    assert_eq!(ward.listed(&[])[0]["evidence"], "valid");
}

#[test]
fn the_list_says_whether_it_was_the_name_the_scope_or_the_key() {
    let (ward, _) = Ward::with_key();
    ward.deployment.ok(&["person", "add", "roaming", "--name", "R", "--scope", "er"]);
    let refused = |number: u8, account: Option<&str>| {
        let id = EventId::new([number; 16]);
        let mut event = Event::new(id, UnixTime(now()), EventName::Login, Outcome::Failure);
        event.terminal = Some(ward.terminal.id);
        event.reason = Some(Code::KeyAndNameDoNotMatch);
        event.account = account.map(|name| LoginName::new(name).unwrap());
        event.detail = Some("told by the terminal".into());
        event
    };
    let events = [
        refused(1, None),
        refused(2, Some("ghost")),
        refused(3, Some("roaming")),
        refused(4, Some("yamada")),
    ];
    send(&ward.terminal, &events);

    let mut listed = ward.listed(&["--outcome", "failure"]);
    listed.sort_by_key(|event| event["id"].as_str().unwrap().to_owned());
    let said: Vec<&str> =
        listed.iter().map(|event| event["explanation"].as_str().unwrap()).collect();
    for (said, part) in said.iter().zip([
        "nobody's",
        "no person ghost",
        "roaming is in scope er, this terminal in icu",
        "not one of yamada's",
    ]) {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(listed[0]["detail"], "told by the terminal");
    let by_code = format!("{}", Code::KeyAndNameDoNotMatch);
    assert_eq!(ward.listed(&["--search", &by_code]).len(), 4);
    let table = ward.deployment.ok(&["events", "list", "--outcome", "failure"]);
    assert!(table.contains("DETAIL") && table.contains("roaming is in scope er"), "{table}");
}
