//! Vouches: allowed by a policy, and verified here again, as are the logins by them.

use serde_json::{Value, json};
use wardkey_core::client_data::ClientData;
use wardkey_core::code::Code;
use wardkey_core::codec::{self, Bytes};
use wardkey_core::document::Position;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{CredentialId, EventId, LoanId, Nonce, Salt, TerminalId};
use wardkey_core::message::http::{Base64, EventsReply};
use wardkey_core::name::{DisplayText, LoginName, ScopeName, ServiceName};
use wardkey_core::pass::{HASH, PassCode};
use wardkey_core::pass_key::PassKey;
use wardkey_core::proof::{ProofKind, SignedByCode};
use wardkey_core::time::UnixTime;
use wardkey_core::vouch::{MAX_SECONDS, Vouch};
use wardkey_server::secret;

use super::loaners;
use super::support::authenticator::Credential;
use super::support::now;
use super::support::ward::Ward;

fn login(name: &str) -> LoginName {
    LoginName::new(name).unwrap()
}

fn code_key(code: &str) -> PassKey {
    PassKey::derive(&PassCode::read_chosen(code).unwrap(), &Salt::new([7; 16]), HASH).unwrap()
}

/// yamada vouches for sato, whose key is elsewhere.
fn vouch(terminal: TerminalId, key: &Credential, code: &PassKey) -> Vouch {
    Vouch {
        nonce: Nonce::new(secret::random().unwrap()),
        terminal,
        voucher: login("yamada"),
        credential: CredentialId::new(key.id.clone()).unwrap().fingerprint(),
        person: login("sato"),
        from: UnixTime(now()),
        until: UnixTime(now() + 8 * 3600),
        reason: Some(DisplayText::new("key at home").unwrap()),
        hash: HASH,
        key: code.public(),
    }
}

/// The event of a vouch, as an agent reports it.
fn vouched(vouch: &Vouch, key: &Credential, counter: u32) -> Event {
    let mut event = Event::new(vouch.event_id(), vouch.from, EventName::Vouched, Outcome::Success);
    event.terminal = Some(vouch.terminal);
    event.person = Some(vouch.person.clone());
    event.voucher = Some(vouch.voucher.clone());
    event.pass = Some(vouch.id());
    event.counter = Some(counter);
    event.evidence = Some(key.assert_bytes(vouch.to_bytes(), counter, 0x05));
    event
}

/// A login by it.
fn login_by(vouch: &Vouch, key: &Credential, code: &PassKey, time: u64) -> Event {
    let data = ClientData {
        nonce: Nonce::new(secret::random().unwrap()),
        terminal: vouch.terminal,
        service: ServiceName::new("gdm-password").unwrap(),
        account: vouch.person.clone(),
        person: vouch.person.clone(),
        time: UnixTime(time),
        scope: ScopeName::new("icu").unwrap(),
        position: Position { epoch: 1, seq: 3 },
    };
    let client_data = Bytes::new(data.to_bytes()).unwrap();
    let signature = Bytes::new(code.sign(client_data.as_slice())).unwrap();
    Event {
        id: data.event_id(),
        time: data.time,
        name: EventName::PassLogin,
        account: Some(data.account.clone()),
        service: Some(data.service.to_string()),
        proof: Some(ProofKind::Vouch),
        counter: None,
        signed_by_code: Some(SignedByCode { pass: vouch.id(), client_data, signature }),
        ..vouched(vouch, key, 1)
    }
}

fn send(ward: &Ward, event: &Event) -> Value {
    let body = json!({ "events": [Base64(codec::to_bytes(event))] });
    let reply: EventsReply = ward.terminal.client.post("/v1/events", &body).json();
    assert_eq!(reply.accepted.len(), 1, "{:?}", reply.refused);
    let rows = ward.deployment.rows(&["events", "list"]);
    let id = event.id.to_hex();
    rows.as_array().unwrap().iter().find(|row| row["id"] == id.as_str()).unwrap().clone()
}

#[test]
fn a_vouch_and_a_login_by_it_are_verified() {
    let (ward, key) = Ward::with_key();
    let code = code_key("246813");
    let vouch = vouch(ward.terminal.id, &key, &code);
    let row = send(&ward, &vouched(&vouch, &key, 1));
    assert_eq!((&row["evidence"], &row["event"]), (&json!("valid"), &json!("vouched")));
    assert_eq!(row["person"], "sato");
    let all = ward.deployment.rows(&["events", "list", "--name", "vouched"]);
    assert_eq!(all.as_array().unwrap().len(), 1);
    let row = send(&ward, &login_by(&vouch, &key, &code, now()));
    assert_eq!(row["evidence"], "valid", "{row}");
    // The counter of the vouch stands in the login too, and counts once.
    let shown = ward.deployment.json(&["key", "show", &key.fingerprint()]);
    assert!(shown["clone_suspected"].is_null(), "{shown}");
    // Nor does a failure that brings the genuine word again say that the key was copied.
    let id = EventId::new([0x5a; 16]);
    let again = Event { id, outcome: Outcome::Failure, ..vouched(&vouch, &key, 1) };
    send(&ward, &again);
    let shown = ward.deployment.json(&["key", "show", &key.fingerprint()]);
    assert!(shown["clone_suspected"].is_null(), "{shown}");
}

#[test]
fn what_the_colleague_did_not_sign_is_reported_as_nobody_s_word() {
    let (ward, key) = Ward::with_key();
    let code = code_key("246813");
    let fresh = || vouch(ward.terminal.id, &key, &code);
    let changed = |change: fn(&mut Vouch)| {
        let mut vouch = fresh();
        change(&mut vouch);
        vouched(&vouch, &key, 0)
    };
    let good = || vouched(&fresh(), &key, 0);
    let cases: Vec<(&str, Event)> = vec![
        ("no evidence", Event { evidence: None, ..good() }),
        ("no touch", {
            let vouch = fresh();
            let evidence = Some(key.assert_bytes(vouch.to_bytes(), 0, 0x04));
            Event { evidence, ..vouched(&vouch, &key, 0) }
        }),
        ("no PIN", {
            let vouch = fresh();
            let evidence = Some(key.assert_bytes(vouch.to_bytes(), 0, 0x01));
            Event { evidence, ..vouched(&vouch, &key, 0) }
        }),
        ("another vouch's signature", Event { evidence: good().evidence, ..good() }),
        ("by somebody else", changed(|v| v.voucher = login("sato"))),
        ("by another key", changed(|v| v.credential = wardkey_core::id::Hash::new([1; 32]))),
        ("for oneself", changed(|v| v.person = login("yamada"))),
        ("for nobody", changed(|v| v.person = login("ghost"))),
        ("too long", changed(|v| v.until = v.from.plus(MAX_SECONDS + 1))),
        ("ends before it begins", changed(|v| v.until = UnixTime(5))),
        ("at another terminal", {
            let event = changed(|v| v.terminal = TerminalId::new([9; 16]));
            Event { terminal: Some(ward.terminal.id), ..event }
        }),
        ("of another day", {
            let event = changed(|v| v.from = UnixTime(v.from.0 - 4000));
            Event { time: UnixTime(now()), ..event }
        }),
        ("said to be of another", Event { voucher: Some(login("sato")), ..good() }),
        ("said to be for another", Event { person: Some(login("yamada")), ..good() }),
        ("said without a name", Event { voucher: None, ..good() }),
        ("said to be by a key on loan", Event { loan: Some(LoanId::new([7; 16])), ..good() }),
        ("another counter", Event { counter: Some(7), ..good() }),
    ];
    for (what, event) in cases {
        assert_eq!(send(&ward, &event)["evidence"], "invalid", "{what}");
    }
}

/// What fails for its counter is recorded with what the key signed, twice; a genuine word that is
/// sent as a failure of another day, or another one, is neither.
#[test]
fn a_word_proves_the_failure_of_its_own_moment_only() {
    let (ward, key) = Ward::with_key();
    let code = code_key("246813");
    let fresh = || vouch(ward.terminal.id, &key, &code);
    let failed = |vouch: &Vouch| Event {
        outcome: Outcome::Failure,
        reason: Some(Code::CounterRegressed),
        ..vouched(vouch, &key, 0)
    };
    let other_id = || wardkey_core::id::EventId::new(secret::random().unwrap());
    let copied =
        |vouch: &Vouch| Event { id: other_id(), name: EventName::CloneSuspected, ..failed(vouch) };
    let mut old = fresh();
    old.from = UnixTime(now() - 4000);
    let login = login_by(&fresh(), &key, &code, now());
    let refused = |login: &Event| Event {
        outcome: Outcome::Failure,
        reason: Some(Code::VouchLapsed),
        ..login.clone()
    };
    let cases: Vec<(&str, Event, &str)> = vec![
        ("of its counter", failed(&fresh()), "valid"),
        ("a copied key", copied(&fresh()), "valid"),
        ("another id", Event { id: other_id(), ..failed(&fresh()) }, "invalid"),
        ("another day", Event { time: UnixTime(now()), ..failed(&old) }, "invalid"),
        ("copied another day", Event { time: UnixTime(now()), ..copied(&old) }, "invalid"),
        ("a login, another id", Event { id: other_id(), ..refused(&login) }, "invalid"),
        (
            "a login, another time",
            { Event { time: UnixTime(login.time.0 + 400), ..refused(&login) } },
            "invalid",
        ),
    ];
    for (what, event, verdict) in cases {
        assert_eq!(send(&ward, &event)["evidence"], verdict, "{what}");
    }
}

#[test]
fn a_login_needs_the_code_s_signature_and_the_colleague_s() {
    let (ward, key) = Ward::with_key();
    let (code, other) = (code_key("246813"), code_key("975318"));
    let fresh = || vouch(ward.terminal.id, &key, &code);
    let good = || login_by(&fresh(), &key, &code, now());
    let cases: Vec<(&str, Event)> = vec![
        ("another code", login_by(&fresh(), &key, &other, now())),
        ("no code", Event { signed_by_code: None, ..good() }),
        ("nobody's word", Event { evidence: None, ..good() }),
        ("nobody named", Event { voucher: None, ..good() }),
        ("as on loan", Event { loan: Some(LoanId::new([7; 16])), ..good() }),
        ("as by a pass", Event { proof: Some(ProofKind::TemporaryCode), ..good() }),
        ("as by a key", Event { name: EventName::Login, ..good() }),
        ("before it was vouched for", {
            let mut vouch = fresh();
            vouch.from = UnixTime(now() + 100);
            login_by(&vouch, &key, &code, now())
        }),
        ("after its end", {
            let mut vouch = fresh();
            (vouch.from, vouch.until) = (UnixTime(now() - 100), UnixTime(now() - 10));
            login_by(&vouch, &key, &code, now())
        }),
        ("by a word for another code", {
            let (word, login) = (vouched(&fresh(), &key, 1), good());
            Event { evidence: word.evidence, pass: word.pass, ..login }
        }),
    ];
    for (what, event) in cases {
        assert_eq!(send(&ward, &event)["evidence"], "invalid", "{what}");
    }
}

/// Neither the borrower in whose name it is, nor its holder in the pool.
#[test]
fn a_loaner_key_vouches_for_nobody() {
    let (ward, _, loaner) = loaners::ward();
    let loan = ward.lend("yamada");
    let code = code_key("246813");
    for voucher in ["yamada", "loaner-1"] {
        let mut word = vouch(ward.terminal.id, &loaner, &code);
        word.voucher = login(voucher);
        let on_loan = |event: Event| Event { loan: Some(loan.id), ..event };
        for event in [vouched(&word, &loaner, 1), login_by(&word, &loaner, &code, now())] {
            assert_eq!(send(&ward, &event)["evidence"], "invalid", "{voucher}");
        }
        word.nonce = Nonce::new(secret::random().unwrap());
        let event = on_loan(vouched(&word, &loaner, 1));
        assert_eq!(send(&ward, &event)["evidence"], "invalid", "{voucher}");
    }
}

#[test]
fn nobody_vouches_until_a_scope_names_groups() {
    let (ward, _) = Ward::with_key();
    let show = || ward.deployment.json(&["scope", "show", "icu"]);
    assert_eq!((&show()["vouch_groups"], &show()["vouch_seconds"]), (&json!([]), &Value::Null));
    ward.deployment.ok(&["scope", "set", "icu", "--vouch-groups", "nurses", "seniors"]);
    let shown = show();
    assert_eq!(shown["vouch_groups"], json!(["nurses", "seniors"]));
    assert_eq!((&shown["vouch_seconds"], &shown["vouch_per_month"]), (&json!(28800), &json!(3)));
    let text = ward.deployment.ok(&["scope", "show", "icu"]);
    assert!(text.contains("by nurses, seniors, for 480 minutes at most, 3 times"), "{text}");

    ward.deployment.ok(&["scope", "set", "icu", "--vouch-longest", "4h"]);
    ward.deployment.ok(&["scope", "set", "icu", "--vouch-per-month", "1"]);
    let shown = show();
    assert_eq!((&shown["vouch_seconds"], &shown["vouch_per_month"]), (&json!(14400), &json!(1)));
    assert_eq!(shown["vouch_groups"], json!(["nurses", "seniors"]), "what is not given stays");
    ward.deployment.refused(1, &["scope", "set", "icu", "--vouch-longest", "25h"]);
    ward.deployment.ok(&["scope", "set", "icu", "--vouch-groups"]);
    assert_eq!(show()["vouch_groups"], json!([]));
    let trail = ward.deployment.rows(&["audit", "list"]);
    assert_eq!(trail[0]["action"], "scope.vouching");
}
