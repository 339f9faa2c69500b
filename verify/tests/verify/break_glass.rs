//! A login by a sealed code is verified by what the export lists of it, and only as what it is.

use wardkey_core::codec::List;
use wardkey_core::event::{Event, EventName};
use wardkey_core::log_entry::Finding;
use wardkey_core::log_keys::ListedPass;
use wardkey_core::proof::ProofKind;
use wardkey_testkit::{SEALED_SEED, login, sealed};

use super::support::{Desk, Log, by_sealed, found, report};

/// A log whose last record is this event, and whose server lists the code.
fn log(event: &Event, change: impl FnOnce(&mut ListedPass)) -> Log {
    let mut log = Log::new(20);
    let mut listed = ListedPass::of_sealed(login("hanako"), &sealed(7));
    change(&mut listed);
    let mut passes = log.keys.passes.clone().into_vec();
    passes.push(listed);
    log.keys.passes = List::new(passes).unwrap();
    log.push(event);
    log
}

fn checked(log: &Log) -> serde_json::Value {
    let desk = Desk::new();
    report(&desk.exported("log", log), &[])
}

#[test]
fn a_break_glass_login_is_proved_without_the_server_and_counted_apart() {
    let report = checked(&log(&by_sealed(20_000, SEALED_SEED), |_| {}));
    assert_eq!(found(&report), [""; 0], "{report}");
    let logins = &report["logins"];
    assert_eq!((&logins["break_glass"], &logins["pass"]), (&1.into(), &2.into()), "{report}");
}

#[test]
fn what_the_code_did_not_sign_or_is_called_something_else_is_found() {
    type Act = fn(&mut Event);
    let cases: [Act; 5] = [
        |event| event.name = EventName::PassLogin,
        |event| event.proof = Some(ProofKind::TemporaryCode),
        |event| event.proof = None,
        |event| event.pass = None,
        |event| event.signed_by_code = None,
    ];
    for (number, act) in cases.into_iter().enumerate() {
        let mut event = by_sealed(20_000, SEALED_SEED);
        act(&mut event);
        let mut log = log(&event, |_| {});
        log.entries.last_mut().unwrap().finding = Finding::Valid;
        assert_eq!(found(&checked(&log)), ["1959 21"], "{number}");
    }
    let good = by_sealed(20_000, SEALED_SEED);
    let forged = by_sealed(20_000, SEALED_SEED + 1);
    for (what, log) in [
        ("another code", log(&forged, |_| {})),
        ("listed as a pass", log(&good, |listed| listed.is_sealed = None)),
        ("of somebody else", log(&good, |listed| listed.person = login("taro"))),
        ("over by then", log(&good, |listed| listed.until = good.time)),
    ] {
        assert_eq!(found(&checked(&log)), ["1959 21"], "{what}");
    }
}
