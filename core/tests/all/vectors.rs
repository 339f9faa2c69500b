//! The test vectors in `vectors/wardkey-1.json`: what this implementation makes of fixed keys is
//! what the file says, and what the file says is decided as it says. `vectors/check.py` is a second
//! implementation.
//!
//! After a deliberate change of a format:
//! `cargo test -p wardkey-core --test all vectors -- --ignored write`.

use crate::later::with_field;
use serde_json::{Value, json};
use wardkey_core::codec::{self, Document, List};
use wardkey_core::directory::{bucket_of, leaf_key};
use wardkey_core::id::{Salt, to_hex};
use wardkey_core::marks::Marks;
use wardkey_core::pass::{HASH, PassCode};
use wardkey_core::pass_key::PassKey;
use wardkey_core::pass_notes::PassNotes;
use wardkey_core::person::Status;
use wardkey_core::time::UnixTime;
use wardkey_core::vouch_book::VouchBook;
use wardkey_testkit::{CHOSEN_SEED, Deployment, Key, RP, T0, login, pass, signing};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/wardkey-1.json");

fn document<T: Document>(document: &T, seed: Option<u8>) -> Value {
    let bytes = codec::to_bytes(document);
    json!({
        "domain": T::DOMAIN,
        "encoding": to_hex(&bytes),
        "sha256": codec::hash_of(document).to_hex(),
        "signed": seed.map(|seed| to_hex(&signing(seed).sign(document))),
        "signed_by": seed.map(|seed| signing(seed).public().to_hex()),
    })
}

/// A document as a later version may write it: with what this one passes over, and with what it
/// refuses.
fn newer<T: Document + PartialEq + std::fmt::Debug>(document: &T) -> Value {
    let bytes = codec::to_bytes(document);
    let passed_over = with_field(&bytes, 100, true);
    assert_eq!(codec::from_bytes::<T>(&passed_over).as_ref(), Ok(document), "{}", T::DOMAIN);
    let refused = with_field(&bytes, 99, false);
    assert!(codec::from_bytes::<T>(&refused).is_err(), "{}", T::DOMAIN);
    json!({
        "domain": T::DOMAIN,
        "encoding": to_hex(&bytes),
        "passed_over": to_hex(&passed_over),
        "refused": to_hex(&refused),
    })
}

fn state(world: &Deployment, scope: usize, person: &str) -> Value {
    let state = &world.scopes[scope].0;
    let proof = state.proof(&login(person));
    let people: Vec<_> = state
        .people
        .iter()
        .map(|p| json!({"login": p.login.as_str(), "record": to_hex(&codec::to_bytes(p))}))
        .collect();
    json!({
        "scope": state.head.scope.as_str(),
        "people": people,
        "state_root": state.root().to_hex(),
        "proof_for": person,
        "bucket": bucket_of(&leaf_key(&login(person))),
        "proof": to_hex(&codec::to_message(&proof)),
    })
}

fn expire_hanako(world: &mut Deployment) {
    world.hanako().not_after = Some(UnixTime(T0));
}

fn disable_terminal(world: &mut Deployment) {
    world.terminal.status = Status::Disabled;
}

/// One login with one thing changed, and how it is decided.
fn login_vector(
    name: &str,
    change: impl FnOnce(&mut Deployment),
    now: u64,
    flags: u8,
    counter: u32,
) -> Value {
    let mut world = Deployment::new();
    change(&mut world);
    world.refresh();
    let client_data = world.client_data("hanako", "hanako", "login");
    let assertion = Key::es256(1).assert(1, &client_data.to_bytes(), flags, counter, RP);
    let result = world.decide("hanako", "hanako", "login", now, &Marks::default(), &assertion, 1);
    json!({
        "name": name,
        "evidence": to_hex(&codec::to_message(&world.evidence("hanako"))),
        "account": "hanako",
        "service": "login",
        "now": now,
        "client_data": to_hex(assertion.client_data.as_slice()),
        "authenticator_data": to_hex(assertion.auth_data.as_slice()),
        "credential_id": to_hex(assertion.credential_id.as_slice()),
        "signature": to_hex(assertion.signature.as_slice()),
        "event_id": client_data.event_id().to_hex(),
        "result": match result {
            Ok(granted) => json!({"granted": granted.permit().stage.as_str()}),
            Err(denial) => json!({"denied": denial.code.to_string()}),
        },
    })
}

/// Notes of a terminal where a wrong code was typed.
fn noted() -> PassNotes {
    let mut notes = PassNotes::default();
    notes.count(Some(&pass(1)), UnixTime(T0)).unwrap();
    assert!(notes.end(&pass(2), UnixTime(T0)));
    notes
}

/// The book of a terminal where somebody was vouched for.
fn kept() -> VouchBook {
    let mut book = VouchBook::default();
    assert!(book.add(wardkey_testkit::kept(&wardkey_testkit::vouch()), UnixTime(T0)));
    book
}

/// Codes as they are typed, the key pairs that are made of them, and what these sign.
fn passes() -> Value {
    let made = |typed: &str, salt: u8| {
        let (code, salt) = (PassCode::read(typed).unwrap(), Salt::new([salt; 16]));
        let key = PassKey::derive(&code, &salt, HASH).unwrap();
        let client_data = Deployment::new().client_data("hanako", "hanako", "login").to_bytes();
        json!({
            "typed": typed,
            "code": code.expose(),
            "salt": salt.to_hex(),
            "hash": HASH,
            "key": key.public().to_hex(),
            "client_data": to_hex(&client_data),
            "signature": to_hex(&key.sign(&client_data)),
        })
    };
    json!([made("ABCDE-FGHJK", 1), made("o1il0 23456", 2), made("ｋ７ｍ２ｑー９ｘｗｐｄ", 255)])
}

/// A vouch, and a login by it.
fn vouches() -> Value {
    let (world, vouch) = (Deployment::with_colleague(), wardkey_testkit::vouch());
    let assertion = wardkey_testkit::signed_vouch(&vouch);
    let client_data = world.client_data("hanako", "hanako", "login").to_bytes();
    let by_code = wardkey_testkit::signed_by_chosen(&vouch, CHOSEN_SEED, &client_data);
    let taro = Key::es256(2).record(2);
    json!([{
        "vouch": to_hex(assertion.client_data.as_slice()),
        "authenticator_data": to_hex(assertion.auth_data.as_slice()),
        "signature": to_hex(assertion.signature.as_slice()),
        "credential_id": to_hex(taro.id.as_slice()),
        "public_key": to_hex(taro.public_key.as_slice()),
        "rp_id": RP,
        "id": vouch.id().to_hex(),
        "client_data": to_hex(&client_data),
        "by_code": to_hex(by_code.signature.as_slice()),
    }])
}

fn make() -> Value {
    let mut world = Deployment::new();
    for n in 2..40u8 {
        world.scopes[1].0.people.push(wardkey_testkit::person(
            &format!("person{n}"),
            n,
            &Key::es256(n),
        ));
    }
    world.refresh();
    let mut with_pass = Deployment::with_pass();
    let except = List::new(vec![wardkey_testkit::service("xrdp")]).unwrap();
    with_pass.scopes[1].1.pass_except = Some(except);
    let with_sealed = Deployment::with_sealed();
    json!({
        "format": 1,
        "about": "Wardkey test vectors. Bytes are hexadecimal digits; times are seconds \
            since 1970. docs/ARCHITECTURE.md, Formats.",
        "anchor": {
            "root_key": signing(100).public().to_hex(),
            "terminal": world.anchor().terminal.to_hex(),
        },
        "documents": [
            document(&world.root, Some(100)),
            document(&world.terminal, Some(101)),
            document(&world.scopes[1].0.head, Some(101)),
            document(&world.scopes[1].1, None),
            document(&world.scopes[1].0.people[0], None),
            document(&world.client_data("hanako", "hanako", "login"), None),
            document(&with_pass.scopes[1].1, None),
            document(&with_pass.scopes[1].0.people[0], None),
            document(&noted(), None),
            document(&Deployment::with_colleague().scopes[1].1, None),
            document(&wardkey_testkit::vouch(), None),
            document(&kept(), None),
            document(&with_sealed.scopes[1].1, None),
            document(&with_sealed.scopes[1].0.people[0], None),
        ],
        "passes": passes(),
        "vouches": vouches(),
        "newer": [
            newer(&world.root),
            newer(&world.terminal),
            newer(&world.scopes[1].0.head),
            newer(&world.scopes[1].1),
            newer(&world.scopes[1].0.people[0]),
        ],
        "states": [
            state(&world, 1, "hanako"),
            state(&world, 1, "nobody"),
            state(&world, 0, "hanako"),
        ],
        "logins": [
            login_vector("everything right", |_| {}, T0, 0x05, 7),
            login_vector("person disabled", |w| w.hanako().status = Status::Disabled, T0, 0x05, 7),
            login_vector("person expired", expire_hanako, T0, 0x05, 7),
            login_vector("no keys", |w| w.hanako().credentials = List::default(), T0, 0x05, 7),
            login_vector("not touched", |_| {}, T0, 0x04, 7),
            login_vector("PIN not verified", |_| {}, T0, 0x01, 7),
            login_vector("backed up, not eligible", |_| {}, T0, 0x15, 7),
            login_vector("terminal disabled", disable_terminal, T0, 0x05, 7),
            login_vector("offline, soft", |_| {}, T0 + 841, 0x05, 7),
            login_vector("offline for a year", |_| {}, T0 + 365 * 86_400, 0x05, 7),
        ],
    })
}

#[test]
fn the_vectors_are_what_this_implementation_makes() {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    let made = make();
    let parts = ["format", "anchor", "documents", "passes", "vouches", "newer", "states", "logins"];
    for part in parts {
        assert_eq!(file[part], made[part], "{part}");
    }
    let results: Vec<_> = made["logins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|login| login["result"].to_string())
        .collect();
    assert_eq!(
        results.iter().filter(|result| result.contains("granted")).count(),
        2,
        "{results:?}"
    );
}

#[test]
#[ignore = "writes the file of vectors after a deliberate change"]
fn write() {
    std::fs::write(FILE, serde_json::to_string_pretty(&make()).unwrap() + "\n").unwrap();
}
