//! One's own page: who gets it, and what is done there.

use ureq::http::header;
use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::name::LoginName;

use super::support::authenticator::{Credential, Maker, Making};
use super::support::browser::{Browser, PAGES, Signing, leads, short, token};
use super::support::client::{Answer, Terminal};
use super::support::people::{recorded, refused, report};
use super::support::ward::enroll;
use super::support::{Deployment, now};

pub fn with_own_pages() -> Deployment {
    Deployment::administrated(&format!("pages = \"{PAGES}\"\nself_service = true"))
}

/// One more key for somebody who is there.
pub fn spare(deployment: &Deployment, terminal: &Terminal, login: &str) -> Credential {
    let code = deployment.ok(&["code", "add", login]);
    let (key, answer) = enroll(terminal, &code, &Maker::new(), Making::default());
    assert_eq!(answer.status, 200, "{}", answer.body);
    key
}

fn is_404(answer: &Answer, what: &str) {
    let is_so = answer.status == 404 && answer.body.contains("WK-1515");
    assert!(is_so, "{what}: {} {}", answer.status, answer.body);
}

fn status(deployment: &Deployment, key: &Credential) -> String {
    deployment.json(&["key", "show", &key.fingerprint()])["status"].as_str().unwrap().to_owned()
}

pub fn of(mut event: Event, person: Option<&str>, account: &str) -> Event {
    event.person = person.map(|login| LoginName::new(login).unwrap());
    event.account = LoginName::new(account).ok();
    event
}

/// What people without a role cannot ask for: every form of the pages of administration.
fn forms_of_others(login: &str, key: &Credential, terminal: &str) -> Vec<String> {
    let key = key.fingerprint();
    vec![
        format!("/people/{login}/disable"),
        format!("/people/{login}/enable"),
        format!("/people/{login}/code"),
        format!("/people/{login}/code/withdraw"),
        format!("/people/{login}/pass"),
        format!("/people/{login}/pass/end"),
        format!("/keys/{key}/disable"),
        format!("/keys/{key}/enable"),
        format!("/terminals/{terminal}/approve"),
        format!("/terminals/{terminal}/disable"),
    ]
}

#[test]
fn whoever_has_no_role_gets_a_page_of_their_own_and_lets_nobody_in_there() {
    let deployment = with_own_pages();
    let running = deployment.start();
    deployment.ok(&["scope", "set", "icu", "--passes", "12h"]);
    let key = deployment.with_key(&running, "kato");
    let other = deployment.with_key(&running, "sato");
    let terminals = deployment.rows(&["terminal", "list"]);
    let terminal = terminals[0]["id"].as_str().unwrap().to_owned();
    deployment.ok(&["key", "disable", &other.fingerprint()]);
    let mut thief = Browser::signed_in(&running, &key, 2);
    assert_eq!(leads(&thief.get("/")), "/me");
    let page = thief.get("/me");
    let form = token(&page);
    assert!(page.body.contains(&short(&key)) && !page.body.contains(&short(&other)));
    assert!(!page.body.contains("href=\"/people\""), "{}", page.body);

    let before = deployment.actions();
    let of_terminal = format!("/terminals/{terminal}");
    let pages = "/people /people.csv /people/kato /people/kato/code /people/kato/pass /keys.csv \
                 /terminals /terminals.csv /signed-in /signed-in.csv /events?person=kato \
                 /events.csv /trail /trail.csv /reports /reports/logins /reports/exceptions \
                 /reports/inventory /reports/coverage /reports/shared-accounts";
    for path in pages.split_whitespace().chain([of_terminal.as_str()]) {
        let answer = thief.get(path);
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        assert!(answer.body.contains("WK-1742") && !answer.body.contains("sato"), "{path}");
    }
    let once = "0".repeat(32);
    let fields = [
        ("form", form.as_str()),
        ("once", once.as_str()),
        ("hours", "8"),
        ("scope", "icu"),
        ("reason", "x"),
    ];
    let of_kato = forms_of_others("kato", &key, &terminal);
    for path in of_kato.into_iter().chain(forms_of_others("sato", &other, &terminal)) {
        let answer = thief.send(&path, &fields);
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        assert!(answer.body.contains("WK-1742"), "{path}: {}", answer.body);
    }
    let mut after = deployment.actions();
    assert!(after.len() > before.len(), "refusals are in the trail");
    after.retain(|act| act != "page.refuse");
    assert_eq!(after, before, "nothing was done");

    // What is left: to read, to name, to choose a language, to switch off; and not on again.
    let at = format!("/me/keys/{}", key.fingerprint());
    let lost = format!("{at}/lost");
    assert_eq!(
        leads(&thief.send(&format!("{at}/name"), &[("form", &form), ("name", "n")])),
        "/me?done=1"
    );
    assert_eq!(
        leads(&thief.send("/me/language", &[("form", &form), ("language", "en")])),
        "/me?done=1"
    );
    thief.fill(&lost, &lost, &[]);
    let acts = deployment.actions();
    let mut done: Vec<&str> =
        acts[..acts.len() - before.len()].iter().map(String::as_str).collect();
    done.retain(|act| *act != "page.refuse");
    assert_eq!(done, ["key.disable", "person.set", "key.name"]);
    let rows = deployment.rows(&["audit", "list", "--limit", "100"]);
    let detail = |act: &str| {
        let row = rows.as_array().unwrap().iter().find(|row| row["action"] == act).unwrap();
        row["detail"].as_str().unwrap().to_owned()
    };
    assert_eq!(detail("person.set"), "language en", "no scopes and groups");
    assert!(detail("session.begin").ends_with(", role none"), "{}", detail("session.begin"));
    assert_eq!(
        (status(&deployment, &key), status(&deployment, &other)),
        ("disabled".into(), "disabled".into())
    );
}

#[test]
fn own_pages_are_there_for_nobody_unless_they_are_wanted() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["owner"]);
    let nobody = deployment.with_key(&running, "kato");
    let answer = Browser::new(&running).sign_in(&nobody, &Signing::default());
    assert_eq!(answer.refusal(), (403, "WK-1742".into()));
    let mut browser = Browser::signed_in(&running, &key, 2);
    let form = token(&browser.get("/"));
    let at = format!("/me/keys/{}", key.fingerprint());
    for path in ["/me", "/me/logins", &format!("{at}/lost")] {
        assert_eq!(browser.get(path).status, 404, "{path}");
    }
    for path in ["/me/language", &format!("{at}/lost"), &format!("{at}/name")] {
        let answer = browser.send(path, &[("form", &form), ("language", "ja")]);
        assert_eq!(answer.status, 404, "{path}");
    }
    assert!(!browser.get("/").body.contains("/me\""));
    assert_eq!(status(&deployment, &key), "active");
}

#[test]
fn a_key_that_its_person_reports_lost_is_off_at_once_and_signs_out_what_it_signed_in() {
    let deployment = with_own_pages();
    let running = deployment.start();
    let owner = deployment.administrator(&running, "ito", &["owner"]);
    let first = deployment.with_key(&running, "kato");
    let terminal = deployment.join(&running, "ICU 2", &["icu"]);
    let second = spare(&deployment, &terminal, "kato");
    let lost = format!("/me/keys/{}/lost", first.fingerprint());
    let mut browser = Browser::signed_in(&running, &second, 2);
    let mut finder = Browser::signed_in(&running, &first, 2);
    let form = token(&browser.get("/me"));

    // The signature is one of the last minutes, and the page says why another is wanted.
    running.clock.advance(300);
    let again = format!("/sign-in?next={}&again=own", lost.replace('/', "%2F"));
    assert_eq!(leads(&browser.get(&lost)), again);
    assert_eq!(leads(&browser.send(&lost, &[("form", &form)])), again);
    assert_eq!(status(&deployment, &first), "active");
    assert!(browser.get(&again).body.contains("To report a key lost"));
    assert_eq!(browser.sign_in(&second, &Signing::counted(3)).status, 200);

    let page = browser.get(&lost);
    assert!(page.body.contains("at once at every terminal"), "{}", page.body);
    assert!(!page.body.contains("last key of yours") && !page.body.contains("this very key"));
    assert_eq!(browser.send(&lost, &[("reason", "x")]).status, 403, "no form of the session");
    let answer = browser.fill(&lost, &lost, &[("reason", "on the bus")]);
    assert_eq!(leads(&answer), "/me?done=1");
    assert_eq!(status(&deployment, &first), "disabled");
    let row = &deployment.rows(&["audit", "list", "--limit", "1"])[0];
    assert_eq!(
        (&row["actor"], &row["action"], &row["reason"]),
        (&"person:kato".into(), &"key.disable".into(), &"on the bus".into())
    );
    // Whoever found it is out, and has no way back in.
    assert_eq!(leads(&finder.get("/me")), "/sign-in?next=%2Fme");
    assert_eq!(finder.sign_in(&first, &Signing::counted(5)).refusal(), (403, "WK-1741".into()));
    let mut board = Browser::signed_in(&running, &owner, 2);
    let today = board.get("/").body;
    assert!(today.contains("Keys switched off today") && today.contains(&short(&first)));

    // The one that signed in, and the last one: that is said before and after.
    let lost = format!("/me/keys/{}/lost", second.fingerprint());
    let page = browser.get(&lost);
    assert!(page.body.contains("last key of yours") && page.body.contains("this very key"));
    deployment.halt("icu");
    let form = token(&page);
    let answer = browser.send(&lost, &[("form", &form)]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("do not hear of it now"), "{}", answer.body);
    let set = answer.headers.get(header::SET_COOKIE).unwrap().to_str().unwrap();
    assert!(set.starts_with("__Host-wardkey=;") && set.contains("Max-Age=0"), "{set}");
    let said = browser.get("/sign-in?next=%2Fme&reported=1").body;
    assert!(said.contains("so you are signed out") && said.contains("tell the help desk"));
    assert_eq!(leads(&browser.get("/me")), "/sign-in?next=%2Fme");
    assert_eq!(status(&deployment, &second), "disabled");
    let row = &deployment.rows(&["audit", "list", "--limit", "1"])[0];
    assert_eq!(row["reason"], "reported lost");
}

#[test]
fn nobody_sees_or_touches_what_is_somebody_elses_on_a_page_of_their_own() {
    let deployment = with_own_pages();
    let at = now();
    let running = deployment.start_at(at);
    let own = deployment.with_key(&running, "kato");
    let other = deployment.administrator(&running, "ito", &["owner"]);
    let gone = spare(&deployment, &deployment.join(&running, "ICU 3", &["icu"]), "kato");
    deployment.ok(&["key", "delete", &gone.fingerprint(), "--person", "kato"]);
    // Commands add people by the machine's own time.
    running.clock.advance(200);
    let at = at + 200;
    let terminal = deployment.join(&running, "ward of kato", &["icu"]);
    let elsewhere = deployment.join(&running, "ward of ito", &["icu"]);
    let login = |terminal, at| recorded(EventName::Login, Outcome::Success, terminal, at);
    let wrong = refused(&terminal, at - 50, Code::PinWrong);
    report(
        &terminal,
        &[
            of(login(&terminal, at - 60), Some("kato"), "kato"),
            of(wrong, Some("kato"), "kato"),
            of(
                recorded(EventName::SessionLocked, Outcome::Success, &terminal, at - 40),
                Some("kato"),
                "kato",
            ),
        ],
    );
    // Somebody else in an account of that name, and a name that was only typed.
    report(
        &elsewhere,
        &[
            of(login(&elsewhere, at - 30), Some("ito"), "kato"),
            of(refused(&elsewhere, at - 20, Code::KeyAndNameDoNotMatch), None, "kato"),
            of(login(&elsewhere, at - 10), Some("ito"), "ito"),
        ],
    );

    let mut browser = Browser::signed_in(&running, &own, 2);
    let form = token(&browser.get("/me"));
    for path in ["/me", "/me/logins"] {
        let page = browser.get(path).body;
        assert!(page.contains("ward of kato") && page.contains("WK-1203"), "{path}: {page}");
        assert!(!page.contains("ward of ito") && !page.contains("session-locked"), "{path}");
    }
    let before = format!("/me/logins?before={}-999", at - 59);
    let page = browser.get(&before).body;
    assert!(page.contains("ward of kato") && !page.contains("WK-1203"), "{page}");
    assert_eq!(browser.get("/me/logins?before=x").status, 400);

    let acts = deployment.actions();
    let (theirs, deleted, mine) = (other.fingerprint(), gone.fingerprint(), own.fingerprint());
    let beginning = &mine[..16];
    let whole = "0".repeat(64);
    for key in [theirs.as_str(), &theirs[..16], &deleted, beginning, &whole, "x"] {
        let (lost, name) = (format!("/me/keys/{key}/lost"), format!("/me/keys/{key}/name"));
        is_404(&browser.get(&lost), &lost);
        is_404(&browser.send(&lost, &[("form", &form), ("reason", "x")]), &lost);
        is_404(&browser.send(&name, &[("form", &form), ("name", "x")]), &name);
    }
    // Nor does an owner of everything there what is for the pages of administration.
    let mut owner = Browser::signed_in(&running, &other, 2);
    let token_of_owner = token(&owner.get("/me"));
    let lost = format!("/me/keys/{mine}/lost");
    is_404(&owner.send(&lost, &[("form", &token_of_owner)]), &lost);
    let refused = browser.send("/me/language", &[("form", &token_of_owner), ("language", "ja")]);
    assert_eq!(refused.status, 403);
    browser.origin = Some("https://evil.example".into());
    for path in [lost.as_str(), "/me/language", &format!("/me/keys/{mine}/name")] {
        let answer = browser.send(path, &[("form", &form), ("language", "ja"), ("name", "x")]);
        assert!(answer.status == 403 && answer.body.contains("WK-1744"), "{path}");
    }
    let mut done = deployment.actions();
    done.retain(|act| act != "page.refuse");
    let mut acts = acts;
    acts.retain(|act| act != "page.refuse");
    assert_eq!(done.len(), acts.len() + 1, "one more sign-in: {done:?}");
    assert_eq!(
        (status(&deployment, &own), status(&deployment, &other)),
        ("active".into(), "active".into())
    );
    let sessions = browser.get("/sessions").body;
    assert!(sessions.contains("(kato)") && !sessions.contains("(ito)"), "{sessions}");
}

#[test]
fn who_is_not_there_now_has_no_session_and_a_role_begins_with_a_signature() {
    let deployment = with_own_pages();
    let running = deployment.start();
    let key = deployment.with_key(&running, "kato");
    deployment.ok(&["scope", "set", "icu", "--loans", "12h"]);
    let terminal = deployment.join(&running, "ICU 2", &["icu"]);
    let code = deployment.ok(&["loaner", "add", "loaner-1"]);
    let (loaner, answer) = enroll(&terminal, &code, &Maker::new(), Making::default());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let lend = ["loaner", "lend", "loaner-1", "kato", "--pin-changed", "--reason", "at home"];
    deployment.ok(&lend);
    let answer = Browser::new(&running).sign_in(&loaner, &Signing::default());
    assert_eq!(answer.refusal(), (403, "WK-1741".into()), "a loaner key");
    let lent = Browser::signed_in(&running, &key, 2).get("/me").body;
    assert!(lent.contains("loaner-1 is lent to you"), "{lent}");

    let mut counter = 2;
    let mut next = || {
        counter += 1;
        Signing::counted(counter)
    };
    let id = key.fingerprint();
    for (off, on) in [
        (&["person", "disable", "kato"][..], &["person", "enable", "kato"][..]),
        (&["key", "disable", &id], &["key", "enable", &id]),
        (
            &["person", "set", "kato", "--valid-until", "2020-01-01"],
            &["person", "set", "kato", "--always-valid"],
        ),
    ] {
        let mut browser = Browser::new(&running);
        assert_eq!(browser.sign_in(&key, &next()).status, 200);
        deployment.ok(off);
        assert_eq!(leads(&browser.get("/me")), "/sign-in?next=%2Fme", "{off:?}");
        let answer = Browser::new(&running).sign_in(&key, &next());
        assert_eq!(answer.refusal(), (403, "WK-1741".into()), "{off:?}");
        deployment.ok(on);
    }

    // What was signed without a role does not come to have one; and goes with one.
    let mut browser = Browser::new(&running);
    assert_eq!(browser.sign_in(&key, &next()).status, 200);
    deployment.ok(&["administrator", "add", "kato", "--role", "owner"]);
    assert_eq!(leads(&browser.get("/me")), "/sign-in?next=%2Fme");
    assert_eq!(browser.sign_in(&key, &next()).status, 200);
    assert!(browser.get("/").body.contains("href=\"/me\""));
    deployment.ok(&["administrator", "remove", "kato", "--reason", "a test"]);
    assert_eq!(leads(&browser.get("/me")), "/sign-in?next=%2Fme");
}

#[test]
fn what_somebody_calls_a_key_is_for_administrators_and_the_language_for_terminals() {
    let deployment = with_own_pages();
    let running = deployment.start();
    let owner = deployment.administrator(&running, "ito", &["owner"]);
    let key = deployment.with_key(&running, "kato");
    let mut browser = Browser::signed_in(&running, &key, 2);
    let name = format!("/me/keys/{}/name", key.fingerprint());
    let called = "<b>blue</b> =1 on my badge";
    assert_eq!(leads(&browser.fill("/me", &name, &[("name", called)])), "/me?done=1");
    for bad in ["a\u{202e}b", "a\nb", &"x".repeat(200)] {
        assert_eq!(browser.fill("/me", &name, &[("name", bad)]).status, 400, "{bad:?}");
    }
    let listed = &deployment.rows(&["key", "list", "kato"])[0];
    assert_eq!(listed["own_name"], called);
    let escaped = "&lt;b&gt;blue&lt;/b&gt; =1 on my badge";
    assert!(browser.get("/me").body.contains(escaped));
    let mut board = Browser::signed_in(&running, &owner, 2);
    assert!(board.get("/people/kato").body.contains(escaped));
    // It goes nowhere else: not into the trail, nor to terminals.
    let trail = deployment.rows(&["audit", "list"]).to_string();
    assert!(trail.contains("key.name") && !trail.contains("badge"));
    let terminal = deployment.join(&running, "ICU 2", &["icu"]);
    let changes: wardkey_core::message::http::ChangesReply = terminal.changes("icu", 0);
    for change in &changes.changes {
        let record = change.record.as_ref().map(|record| record.0.as_slice()).unwrap_or_default();
        assert!(!record.windows(5).any(|part| part == b"badge"));
    }

    let seq = changes.changes.iter().map(|change| change.seq).max().unwrap();
    let answer = browser.fill("/me", "/me/language", &[("language", "en")]);
    assert_eq!(
        (leads(&answer), browser.cookies["__Host-wardkey-language"].as_str()),
        ("/me?done=1", "en")
    );
    assert_eq!(deployment.json(&["person", "show", "kato"])["language"], "en");
    let changes: wardkey_core::message::http::ChangesReply = terminal.changes("icu", seq);
    assert_eq!(changes.changes.len(), 1, "terminals hear of it");
    assert_eq!(browser.fill("/me", "/me/language", &[("language", "xx")]).status, 400);
    assert_eq!(leads(&browser.fill("/me", &name, &[("name", " ")])), "/me?done=1");
    assert!(deployment.rows(&["key", "list", "kato"])[0]["own_name"].is_null());
}
