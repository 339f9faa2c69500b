//! `wardkey who`: who is signed in, for people and programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::Machine;
use serde_json::json;
use wardkey_core::codec::List;
use wardkey_core::id::Hash;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_core::message::session::SessionInfo;
use wardkey_core::name::LoginName;
use wardkey_core::time::UnixTime;

fn session(person: &str, locked: Option<UnixTime>, key_here: Option<bool>) -> SessionInfo {
    SessionInfo {
        session: Some("c2".into()),
        seat: Some("seat0".into()),
        account: LoginName::new("ward3").unwrap(),
        person: LoginName::new(person).unwrap(),
        key: Some(Hash::new([0xab; 32])),
        service: "lightdm".into(),
        tty: Some(":0".into()),
        started: UnixTime(1_000_000),
        proven: UnixTime(1_000_100),
        locked,
        key_here,
    }
}

fn ran(sessions: Vec<SessionInfo>, line: &str) -> common::Ran {
    let machine = Machine::new();
    machine.agent(move |request| match request {
        Request::Who => vec![Reply::Sessions(List::new(sessions.clone()).unwrap())],
        other => panic!("{other:?}"),
    });
    machine.run(line, &[], false, false)
}

#[test]
fn who_is_signed_in_is_told_with_key_and_lock() {
    let sessions = vec![
        session("hanako", Some(UnixTime(1_000_200)), Some(false)),
        session("taro", None, Some(true)),
        session("kenji", None, Some(false)),
    ];
    let ended = ran(sessions.clone(), "who");
    assert_eq!(ended.exit, 0);
    assert_eq!(
        ended.out,
        "hanako at account ward3 (seat0 :0 c2) since 1970-01-12 13:46:40 UTC, \
         key abababababababab\n  locked since 1970-01-12 13:50:00 UTC\n\
         taro at account ward3 (seat0 :0 c2) since 1970-01-12 13:46:40 UTC, \
         key abababababababab\n  not locked\n\
         kenji at account ward3 (seat0 :0 c2) since 1970-01-12 13:46:40 UTC, \
         key abababababababab\n  not locked, and the key is not plugged in\n"
    );
    let ended = ran(sessions[..1].to_vec(), "who --json");
    assert_eq!(
        ended.json(),
        json!({"sessions": [{
            "session": "c2", "seat": "seat0", "account": "ward3", "person": "hanako",
            "key": "abababababababab", "service": "lightdm", "tty": ":0", "started": 1_000_000,
            "proven": 1_000_100, "locked": 1_000_200, "key_plugged": false,
        }]})
    );
    let ended = ran(sessions, "who --lang ja");
    assert!(ended.out.starts_with("hanako（アカウント ward3、seat0 :0 c2）"), "{}", ended.out);
}

#[test]
fn who_is_in_without_a_key_is_told() {
    let without = SessionInfo { key: None, ..session("hanako", None, None) };
    let ended = ran(vec![without.clone()], "who");
    assert!(ended.out.contains("key none (in by a pass)\n  not locked\n"), "{}", ended.out);
    let json = ran(vec![without], "who --json").json();
    assert_eq!(json["sessions"][0]["key"], serde_json::Value::Null);
}

#[test]
fn that_nobody_is_there_is_said() {
    assert_eq!(ran(vec![], "who").out, "Nobody is signed in here with a security key.\n");
    assert_eq!(ran(vec![], "who --json").json(), json!({"sessions": []}));
}

#[test]
fn a_search_shows_only_what_has_the_text_in_it() {
    let sessions = vec![session("hanako", None, None), session("taro", None, None)];
    let people = |line: &str| {
        let json = ran(sessions.clone(), &format!("who --json --search {line}")).json();
        let all = json["sessions"].as_array().unwrap().clone();
        all.iter().map(|one| one["person"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(people("HANA"), ["hanako"]);
    assert_eq!(people("seat0"), ["hanako", "taro"]);
    assert_eq!(people("nobody"), [""; 0]);
    assert_eq!(ran(sessions.clone(), "who --search nobody").out, "Nothing has \"nobody\" in it.\n");
}
