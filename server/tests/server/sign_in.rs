//! Who signs in to the pages of administration, and until when.

use std::cell::Cell;

use serde_json::json;
use ureq::http::header;

use super::support::browser::{Browser, Signing, leads, token};
use super::support::client::Answer;
use super::support::{Deployment, ORIGIN};

/// Status and code of a refusal to the script of signing in.
fn refusal(answer: &Answer) -> (u16, String) {
    answer.refusal()
}

#[test]
fn a_key_of_somebody_with_a_role_signs_in_and_nothing_else_does() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["owner"]);
    let nobody = deployment.with_key(&running, "kato");
    let mut browser = Browser::new(&running);
    assert_eq!(leads(&browser.get("/people?search=a")), "/sign-in?next=%2Fpeople%3Fsearch%3Da");

    let good = Signing::default();
    for wrong in [
        Signing { origin: ORIGIN.into(), ..good.clone() },
        Signing { origin: "https://evil.example".into(), ..good.clone() },
        Signing { kind: "webauthn.create", ..good.clone() },
        // Without PIN, and without touch.
        Signing { flags: 0x01, ..good.clone() },
        Signing { flags: 0x04, ..good.clone() },
    ] {
        let answer = browser.sign_in(&key, &wrong);
        assert_eq!(refusal(&answer), (403, "WK-1741".into()), "{wrong:?}");
    }
    assert_eq!(refusal(&browser.sign_in(&nobody, &good)), (403, "WK-1742".into()));
    let challenge = browser.challenge();
    let mut of_another = Browser::signed(&key, &challenge, &good);
    of_another["id"] = Browser::signed(&nobody, &challenge, &good)["id"].clone();
    assert_eq!(refusal(&browser.post("/sign-in", &of_another)), (403, "WK-1741".into()));
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);

    // A challenge is one of the last minutes, and is taken once.
    let signed = Browser::signed(&key, &challenge, &good);
    running.clock.advance(180);
    assert_eq!(refusal(&browser.post("/sign-in", &signed)), (403, "WK-1741".into()));
    let challenge = browser.challenge();
    let signed = Browser::signed(&key, &challenge, &good);
    let answer = browser.post("/sign-in", &signed);
    assert_eq!(answer.json::<serde_json::Value>(), json!({ "next": "/" }));
    let set = answer.headers.get(header::SET_COOKIE).unwrap().to_str().unwrap();
    assert!(
        set.starts_with("__Host-wardkey=") && set.contains("Secure; HttpOnly; SameSite=Strict")
    );
    assert_eq!(refusal(&browser.post("/sign-in", &signed)), (403, "WK-1741".into()));
    assert!(browser.get("/").body.contains("ito (owner)"));

    // Whoever has a key that was switched off, and its PIN, is not there unseen.
    deployment.ok(&["key", "disable", &key.fingerprint()]);
    let mut thief = Browser::new(&running);
    let answer = thief.sign_in(&key, &Signing::counted(3));
    assert_eq!(refusal(&answer), (403, "WK-1741".into()));
    let actions = deployment.actions();
    let of = |action: &str| actions.iter().filter(|row| *row == action).count();
    assert_eq!((of("session.begin"), of("session.refuse")), (1, 2), "{actions:?}");
}

#[test]
fn a_key_whose_counter_goes_back_signs_nobody_in_and_is_suspected() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["owner"]);
    let mut first = Browser::signed_in(&running, &key, 7);
    let mut copy = Browser::new(&running);
    let answer = copy.sign_in(&key, &Signing::counted(7));
    assert_eq!(refusal(&answer), (403, "WK-1741".into()));
    let shown = deployment.json(&["key", "show", &key.fingerprint()]);
    assert!(shown["clone_suspected"].is_number(), "{shown}");
    // Nor does it keep anybody in, until that is cleared up.
    assert_eq!(leads(&first.get("/")), "/sign-in?next=%2F");
    let again = Signing::counted(8);
    assert_eq!(refusal(&copy.sign_in(&key, &again)), (403, "WK-1741".into()));
    let id = key.fingerprint();
    deployment.ok(&["key", "clear-suspicion", &id, "--reason", "it was a test"]);
    assert_eq!(copy.sign_in(&key, &Signing::counted(9)).status, 200);
}

#[test]
fn a_session_ends_with_time_and_with_all_that_it_rests_on() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["owner"]);
    let counter = Cell::new(1);
    let next = || {
        counter.set(counter.get() + 1);
        counter.get()
    };
    let begin = || Browser::signed_in(&running, &key, next());
    let is_out = |browser: &mut Browser| browser.get("/").status == 303;

    let mut browser = begin();
    for _ in 0..3 {
        running.clock.advance(899);
        assert!(!is_out(&mut browser));
    }
    running.clock.advance(900);
    assert!(is_out(&mut browser), "not used for a quarter of an hour");

    let mut browser = begin();
    for _ in 0..12 * 6 {
        assert!(!is_out(&mut browser));
        running.clock.advance(600);
    }
    assert!(is_out(&mut browser), "after twelve hours");

    let mut browser = begin();
    let mut other = begin();
    let page = browser.get("/");
    let answer = browser.send("/sign-out", &[("form", &token(&page))]);
    assert_eq!(leads(&answer), "/sign-in");
    assert!(is_out(&mut browser) && !is_out(&mut other));

    for (off, on) in [
        (vec!["person", "disable", "ito"], vec!["person", "enable", "ito"]),
        (vec!["key", "disable", &key.fingerprint()], vec!["key", "enable", &key.fingerprint()]),
        (
            vec!["administrator", "remove", "ito", "--reason", "a test"],
            vec!["administrator", "add", "ito", "--role", "owner"],
        ),
    ] {
        let (mut browser, mut idle) = (begin(), begin());
        assert!(!is_out(&mut browser));
        deployment.ok(&off);
        assert!(is_out(&mut browser), "{off:?}");
        let answer = Browser::new(&running).sign_in(&key, &Signing::counted(next()));
        assert_eq!(answer.status, 403, "{off:?}");
        deployment.ok(&on);
        // Nor does one that was not used meanwhile come back.
        assert!(is_out(&mut browser) && is_out(&mut idle), "{off:?}");
    }
}
