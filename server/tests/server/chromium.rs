//! The pages in a real browser: `make web-test`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::name::LoginName;

use super::support::authenticator::{Credential, Maker, Making};
use super::support::client::Terminal;
use super::support::driver::Chromium;
use super::support::people::{recorded, refused, report};
use super::support::ward::{begin, finish_body};
use super::support::{Deployment, Running, now, until};

/// A ward with people, terminals and records, and its pages.
struct Stage {
    deployment: Deployment,
    running: Running,
    key: Credential,
    handle: Vec<u8>,
    origin: String,
}

fn enrolled(terminal: &Terminal, code: &str) -> (Credential, Vec<u8>) {
    let begun: wardkey_core::message::http::EnrollBeginReply = begin(terminal, code).json();
    let options = &begun.public_key;
    let key = Credential::make(&Maker::new(), &options.challenge.0, Making::default());
    let body = finish_body(&begun.session, &key);
    assert_eq!(terminal.client.post("/v1/enroll/finish", &body).status, 200);
    (key, options.user.id.0.clone())
}

/// A session of each kind of screen, and one that may be over.
fn sessions(terminal: &Terminal, at: u64) -> Vec<Event> {
    let of = |name, outcome, (login, account): (&str, &str), (age, at)| {
        let mut event = recorded(name, outcome, terminal, at);
        event.person = LoginName::new(login).ok();
        event.account = LoginName::new(account).ok();
        event.service = Some("lightdm".into());
        event.key = Some("8f14e45fceea167a".into());
        event.seconds = Some(age);
        event
    };
    let (done, not) = (Outcome::Success, Outcome::Failure);
    vec![
        of(EventName::SessionStarted, done, ("sato", "desk"), (0, at - 9000)),
        recorded(EventName::RecordsLost, not, terminal, at - 8000),
        of(EventName::SessionStarted, done, ("yamada", "desk"), (0, at - 7000)),
        of(EventName::SessionLocked, done, ("ito", "ito"), (60, at - 600)),
        of(EventName::SessionUnlocked, not, ("yamada", "yamada"), (90, at - 300)),
    ]
}

impl Stage {
    fn new() -> Self {
        Self::with("")
    }

    fn with(more: &str) -> Self {
        // Released again: the pages say their port before the server has it.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let origin = format!("https://admin.wardkey.test:{port}");
        let deployment = Deployment::with(&format!(
            "[admin]\nlisten = \"127.0.0.1:{port}\"\npages = \"{origin}\"\n{more}"
        ));
        for (login, name) in [("ito", "伊藤 誠"), ("yamada", "山田 花子"), ("sato", "佐藤 次郎")]
        {
            deployment.ok(&["person", "add", login, "--name", name, "--scope", "icu"]);
        }
        deployment.ok(&["person", "disable", "sato", "--reason", "退職"]);
        deployment.ok(&["scope", "set", "icu", "--passes", "12h"]);
        deployment.ok(&["account", "set", "desk", "--scope", "icu", "--group", "nurses"]);
        let at = now();
        let running = deployment.start_at(at);
        let terminal = deployment.join(&running, "ICU 1番端末", &["icu"]);
        deployment.join(&running, "ICU 2番端末", &["icu"]);
        let (_, _) = enrolled(&terminal, &deployment.ok(&["code", "add", "yamada"]));
        let (key, handle) = enrolled(&terminal, &deployment.ok(&["code", "add", "ito"]));
        deployment.ok(&["administrator", "add", "ito", "--role", "owner"]);
        let events = vec![
            refused(&terminal, at, wardkey_core::code::Code::PinWrong),
            recorded(EventName::AgentStarted, Outcome::Success, &terminal, at),
        ];
        report(&terminal, &events);
        report(&terminal, &sessions(&terminal, at));
        deployment.ok(&["person", "add", "kato", "--name", "加藤 愛", "--scope", "icu"]);
        let (lost, _) = enrolled(&terminal, &deployment.ok(&["code", "add", "kato"]));
        let lost = lost.fingerprint();
        deployment.ok(&["key", "disable", &lost, "--person", "kato", "--reason", "紛失"]);
        Self { deployment, running, key, handle, origin }
    }

    /// Each has the same key in turn: it has signed more often than in the one before.
    fn chromium(&self, language: &str, signed: u32) -> Chromium {
        let chromium = Chromium::new(language);
        chromium.insert(&self.key, &self.handle, signed);
        chromium
    }

    fn sign_in(&self, chromium: &Chromium) {
        chromium.go(&format!("{}/", self.origin));
        chromium.arrive("/sign-in?next=%2F");
        chromium.click("#sign-in");
        chromium.arrive(&format!("{}/", self.origin));
    }
}

fn pictures() -> PathBuf {
    std::env::var_os("PICTURES").expect("tests/web/run says where pictures go").into()
}

/// What axe-core calls serious or worse.
fn serious(chromium: &Chromium, axe: &str) -> Vec<String> {
    chromium.run(axe);
    let script = "return await axe.run(document).then(found => found.violations)";
    let violations = chromium.run(script);
    let is_serious =
        |found: &&Value| ["serious", "critical"].iter().any(|impact| found["impact"] == *impact);
    let found = violations.as_array().unwrap().iter().filter(is_serious);
    found.map(|found| format!("{}: {}", found["id"], found["nodes"][0]["html"])).collect()
}

#[test]
#[ignore = "needs Chromium: make web-test"]
fn every_page_is_seen_in_both_languages_at_two_widths() {
    let axe = std::env::var_os("AXE").expect("tests/web/run says where axe-core is");
    let axe = std::fs::read_to_string(axe).unwrap();
    let stage = Stage::new();
    stage.deployment.ok(&["code", "add", "yamada"]);
    stage.deployment.ok(&["pass", "add", "yamada", "--reason", "忘れた"]);
    let terminals = stage.deployment.rows(&["terminal", "list"]);
    let terminal = terminals[0]["id"].as_str().unwrap().to_owned();
    for (language, signed) in [("ja", 1), ("en", 10)] {
        let chromium = stage.chromium(language, signed);
        for width in [1280, 390] {
            chromium.resize(width, 900);
            chromium.go(&format!("{}/sign-in", stage.origin));
            look(&chromium, &axe, &format!("sign-in-{language}-{width}"));
        }
        stage.sign_in(&chromium);
        for (name, path) in [
            ("today", "/"),
            ("people", "/people"),
            ("nobody", "/people?search=nobody"),
            ("person", "/people/yamada"),
            ("code", "/people/yamada/code"),
            ("pass", "/people/yamada/pass"),
            ("terminals", "/terminals"),
            ("terminal", &format!("/terminals/{terminal}")),
            ("signed-in", "/signed-in"),
            ("events", "/events"),
            ("trail", "/trail"),
            ("reports", "/reports"),
            ("report-logins", "/reports/logins?by=day"),
            ("report-exceptions", "/reports/exceptions"),
            ("report-inventory", "/reports/inventory?unused=30"),
            ("report-coverage", "/reports/coverage?scope=icu"),
            ("report-shared", "/reports/shared-accounts"),
            ("sessions", "/sessions"),
            ("not-there", "/people/nobody"),
            ("no-page", "/nowhere"),
        ] {
            for width in [1280, 390] {
                chromium.resize(width, 900);
                chromium.go(&format!("{}{path}", stage.origin));
                let lang = chromium.run("return document.documentElement.lang");
                assert_eq!(lang, language, "{path}");
                look(&chromium, &axe, &format!("{name}-{language}-{width}"));
            }
            // On paper: as wide as A4 without its margins.
            chromium.resize(690, 900);
            chromium.show_on("print");
            printed(&chromium, &format!("{name}-{language}-print"));
            chromium.show_on("screen");
        }
    }
    assert!(stage.running.server().administration().is_some());
}

/// Takes a picture of what is printed: what is on it, by whom and when, and nothing to press.
fn printed(chromium: &Chromium, name: &str) {
    chromium.picture(&Path::new(&pictures()).join(format!("{name}.png")));
    let is_seen = |css: &str| {
        let all = format!("[...document.querySelectorAll('{css}')]");
        chromium.run(&format!("return {all}.some(found => found.offsetParent !== null)"))
    };
    for css in ["header", "form", "button", "nav", ".file", "summary"] {
        assert_eq!(is_seen(css), false, "{name}: {css}");
    }
    assert_eq!(is_seen(".on-paper"), true, "{name}");
    assert!(chromium.text().contains("Test") && chromium.text().contains("ito"), "{name}");
}

/// Takes a picture; nothing of the page is too wide, forbidden or out of somebody's reach.
fn look(chromium: &Chromium, axe: &str, name: &str) {
    let wide = chromium
        .run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
    chromium.picture(&Path::new(&pictures()).join(format!("{name}.png")));
    assert_eq!(wide, 0, "{name} is wider than the window");
    assert_eq!(serious(chromium, axe), Vec::<String>::new(), "{name}");
    let complaints: Vec<String> = chromium
        .complaints()
        .into_iter()
        .filter(|said| !said.contains("favicon") && !said.contains("404"))
        .collect();
    assert_eq!(complaints, Vec::<String>::new(), "{name}");
}

#[test]
#[ignore = "needs Chromium: make web-test"]
fn a_lost_key_is_switched_off_and_a_code_issued_by_hand() {
    let stage = Stage::new();
    let chromium = stage.chromium("ja", 1);
    chromium.resize(1280, 900);
    stage.sign_in(&chromium);
    assert!(chromium.text().contains("伊藤 誠"), "{}", chromium.text());

    chromium.type_in("main input[name=search]", "山田");
    chromium.click("main form[role=search] button");
    chromium.click("a[href='/people/yamada']");
    chromium.click("td details summary");
    chromium.type_in("td details input[name=reason]", "病棟で紛失");
    chromium.click("td details button");
    chromium.arrive("/people/yamada?done=1");
    assert!(chromium.text().contains("停止中"), "{}", chromium.text());

    chromium.click("a[href='/people/yamada/pass']");
    chromium.type_in("input[name=reason]", "キーを紛失");
    chromium.click("main form button");
    until("a code", || {
        let code = chromium.run("return document.querySelector('.code')?.innerText ?? ''");
        code.as_str().unwrap().len() >= 10
    });
    chromium.picture(&pictures().join("pass-issued-ja-1280.png"));
    // Loaded again, the form is sent again: it does nothing.
    let before = stage.deployment.actions();
    chromium.post("/refresh", &serde_json::json!({}));
    until("that it was sent before", || chromium.text().contains("WK-1745"));
    chromium.picture(&pictures().join("pass-issued-again-ja-1280.png"));
    assert_eq!(stage.deployment.actions(), before);

    // The other language, and out.
    chromium.click("form[action='/language'] button");
    until_english(&chromium);
    chromium.click("form[action='/sign-out'] button");
    chromium.arrive("/sign-in");
    chromium.go(&format!("{}/people", stage.origin));
    chromium.arrive("/sign-in?next=%2Fpeople");
    let keys = stage.deployment.rows(&["key", "list", "yamada"]);
    assert_eq!(keys[0]["status"], "disabled");
    let done = stage.deployment.actions();
    for act in ["session.end", "pass.issue", "key.disable", "session.begin"] {
        assert!(done.iter().any(|row| row == act), "{act}: {done:?}");
    }
}

fn until_english(chromium: &Chromium) {
    until("the page in English", || chromium.run("return document.documentElement.lang") == "en");
}

#[test]
#[ignore = "needs Chromium: make web-test"]
fn a_key_without_a_role_is_told_so() {
    let stage = Stage::new();
    stage.deployment.ok(&["administrator", "remove", "ito", "--reason", "a test"]);
    let chromium = stage.chromium("ja", 1);
    chromium.go(&format!("{}/", stage.origin));
    chromium.click("#sign-in");
    until("a refusal", || chromium.text().contains("WK-1742"));
    chromium.picture(&pictures().join("without-role-ja.png"));
}

#[test]
#[ignore = "needs Chromium: make web-test"]
fn somebody_without_a_role_names_a_key_and_reports_it_lost() {
    let axe = std::env::var_os("AXE").expect("tests/web/run says where axe-core is");
    let axe = std::fs::read_to_string(axe).unwrap();
    let stage = Stage::with("self_service = true");
    stage.deployment.ok(&["administrator", "remove", "ito", "--reason", "a test"]);
    let key = stage.key.fingerprint();
    for (language, signed, name) in [("ja", 1, "名札の青いキー"), ("en", 10, "blue on my badge")]
    {
        let chromium = stage.chromium(language, signed);
        chromium.go(&format!("{}/", stage.origin));
        chromium.click("#sign-in");
        chromium.arrive("/me");
        chromium.click("td details summary");
        chromium.type_in("td details input[name=name]", name);
        chromium.click("td details button");
        chromium.arrive("/me?done=1");
        until("the name", || chromium.text().contains(name));
        let lost = format!("/me/keys/{key}/lost");
        for (page, path) in [("me", "/me"), ("my-logins", "/me/logins"), ("lost", lost.as_str())] {
            for width in [1280, 390] {
                chromium.resize(width, 900);
                chromium.go(&format!("{}{path}", stage.origin));
                look(&chromium, &axe, &format!("{page}-{language}-{width}"));
            }
        }
        chromium.click("main form button.bad");
        chromium.arrive("/sign-in?next=%2Fme&reported=1");
        look(&chromium, &axe, &format!("lost-signed-out-{language}"));
        assert_eq!(stage.deployment.rows(&["key", "list", "ito"])[0]["status"], "disabled");
        // For the other language.
        stage.deployment.ok(&["key", "enable", &key, "--person", "ito", "--reason", "found"]);
    }
}
