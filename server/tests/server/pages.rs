//! The pages of administration: who signs in, and what is shown and done there.

use serde_json::json;

use super::support::admin::Site;
use super::support::browser::{Browser, PAGES, Signing, leads, short, token};
use super::support::{Deployment, ORIGIN};

#[test]
fn nothing_is_done_that_no_page_of_the_session_asked_for() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["owner"]);
    deployment.ok(&["person", "add", "kato", "--name", "K", "--scope", "icu"]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    let mut other = Browser::signed_in(&running, &key, 3);
    let path = "/people/kato/disable";
    let of_another = token(&other.get("/people/kato"));
    let own = token(&browser.get("/people/kato"));
    let before = deployment.actions();

    let refused = |answer: &super::support::client::Answer| {
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert!(answer.body.contains("WK-1744"), "{}", answer.body);
    };
    refused(&browser.send(path, &[("reason", "x")]));
    refused(&browser.send(path, &[("form", &of_another), ("reason", "x")]));
    refused(&browser.send(path, &[("form", "00"), ("reason", "x")]));
    let without = browser.send(path, &[("form", &own), ("reason", " ")]);
    assert_eq!((without.status, without.body.contains("a reason is needed")), (400, true));
    assert_eq!(browser.send(path, &[("form", &own), ("reason", "a\0b")]).status, 400);
    assert_eq!(browser.get("/people?search=%00").status, 400);
    for origin in [None, Some("https://evil.example"), Some(ORIGIN), Some("null")] {
        browser.origin = origin.map(str::to_owned);
        refused(&browser.send(path, &[("form", &own), ("reason", "x")]));
    }
    browser.origin = Some(PAGES.into());
    let json = browser.post(path, &json!({ "form": own, "reason": "x" }));
    assert_eq!(json.status, 415);
    let cookie = browser.cookies.remove("__Host-wardkey").unwrap();
    let answer = browser.send(path, &[("form", &own), ("reason", "x")]);
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert!(answer.body.contains("WK-1740"));
    let mut after = deployment.actions();
    after.retain(|act| act != "page.refuse");
    assert_eq!(after, before, "nothing was done");

    browser.cookies.insert("__Host-wardkey".into(), cookie);
    let answer = browser.send(path, &[("form", &own), ("reason", "left")]);
    assert_eq!(leads(&answer), "/people/kato?done=1");
    assert_eq!(deployment.json(&["person", "show", "kato"])["status"], "disabled");
    let trail = deployment.rows(&["audit", "list", "--limit", "1"]);
    assert_eq!((&trail[0]["actor"], &trail[0]["reason"]), (&json!("person:ito"), &json!("left")));
}

#[test]
fn who_lets_somebody_in_has_signed_within_five_minutes() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["help-desk"]);
    deployment.ok(&["person", "add", "kato", "--name", "K", "--scope", "icu"]);
    deployment.ok(&["scope", "set", "icu", "--passes", "12h"]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    for (page, fields, says) in [
        ("/people/kato/code", &[("hours", "24"), ("reason", "new key")][..], "Enrollment code"),
        (
            "/people/kato/pass",
            &[("hours", "8"), ("scope", "icu"), ("reason", "key at home")],
            "Temporary code",
        ),
    ] {
        let answer = browser.fill(page, page, fields);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let code = answer.body.split("class=\"code\">").nth(1).unwrap();
        let code = code.split('<').next().unwrap();
        assert!(answer.body.contains(says) && code.len() >= 10, "{code}");
        assert!(!browser.get("/people/kato").body.contains(code), "it is seen once");
    }

    let own = token(&browser.get("/people/kato/code"));
    running.clock.advance(300);
    let before = deployment.actions();
    for page in ["/people/kato/code", "/people/kato/pass"] {
        let to = format!("/sign-in?next={}&again=1", page.replace('/', "%2F"));
        assert_eq!(leads(&browser.get(page)), to);
        let once = "0".repeat(32);
        let fields = [
            ("form", own.as_str()),
            ("once", once.as_str()),
            ("hours", "8"),
            ("scope", "icu"),
            ("reason", "x"),
        ];
        let answer = browser.send(page, &fields);
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("WK-1743"), "{}", answer.body);
        assert!(answer.body.contains("/sign-in?next=%2Fpeople%2Fkato&amp;again=1"));
    }
    assert_eq!(deployment.actions(), before);
    // What shuts somebody out does not wait for that.
    let answer = browser.fill("/people/kato", "/people/kato/disable", &[("reason", "lost")]);
    assert_eq!(leads(&answer), "/people/kato?done=1");
    assert_eq!(browser.sign_in(&key, &Signing::counted(3)).status, 200);
    assert_eq!(browser.get("/people/kato/code").status, 200);
}

#[test]
fn a_lost_key_is_switched_off_and_a_terminal_approved() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let owner =
        deployment.administrator(&running, "ito", &["site-administrator", "--scope", "icu"]);
    let lost = deployment.with_key(&running, "kato");
    let mut browser = Browser::signed_in(&running, &owner, 2);
    let page = browser.get("/people/kato");
    assert!(page.body.contains(&short(&lost)), "{}", page.body);
    let path = format!("/keys/{}/disable", lost.fingerprint());
    let answer = browser.fill("/people/kato", &path, &[("reason", "lost on the bus")]);
    assert_eq!(leads(&answer), "/people/kato?done=1");
    assert_eq!(deployment.json(&["key", "show", &lost.fingerprint()])["status"], "disabled");
    let path = path.replace("disable", "enable");
    let answer = browser.fill("/people/kato", &path, &[("reason", "found")]);
    assert_eq!(leads(&answer), "/people/kato?done=1");

    deployment.halt("icu");
    let path = path.replace("enable", "disable");
    let answer = browser.fill("/people/kato", &path, &[("reason", "lost again")]);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("do not hear of it now"), "{}", answer.body);
}

#[test]
fn no_page_shows_or_changes_what_lies_at_another_site() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["owner", "--scope", "icu"]);
    let own = Site::new(&deployment, &running, "icu", "yamada", 0);
    let other = Site::new(&deployment, &running, "er", "sato", 1);
    let mut browser = Browser::signed_in(&running, &key, 2);
    let form = token(&browser.get("/"));
    let acts = || {
        let told = ["page.refuse", "page.download"];
        let mut acts = deployment.actions();
        acts.retain(|act| !told.contains(&act.as_str()));
        acts
    };
    let before = acts();
    let lists = ["/people", "/terminals", "/events", "/people.csv", "/terminals.csv"];
    let reports = ["inventory", "coverage"].map(|report| format!("/reports/{report}"));
    for path in lists
        .into_iter()
        .chain(["/events.csv", "/keys.csv"])
        .chain(reports.each_ref().map(String::as_str))
    {
        let page = browser.get(path);
        assert_eq!(page.status, 200, "{}", page.body);
        for secret in [other.login, &other.terminal, &other.key] {
            assert!(!page.body.contains(secret), "{path}: {secret}");
        }
        let is_own = [own.login, &own.terminal].iter().any(|name| page.body.contains(*name));
        assert!(is_own || page.body.contains("desk of yamada"), "{path}: {}", page.body);
    }
    let (login, terminal, fingerprint) = (other.login, &other.terminal, &other.key);
    for path in [
        format!("/people/{login}"),
        format!("/people/{login}/pass"),
        format!("/terminals/{terminal}"),
        "/people?scope=er".into(),
        "/terminals?scope=er".into(),
        format!("/events?terminal={terminal}"),
        "/people.csv?scope=er".into(),
        "/terminals.csv?scope=er".into(),
        format!("/events.csv?terminal={terminal}"),
        format!("/keys.csv?person={login}"),
        "/reports/logins?scope=er".into(),
        "/reports/exceptions?scope=er".into(),
        "/reports/inventory?scope=er".into(),
        "/reports/inventory?scope=er&table=keys".into(),
        "/reports/coverage?scope=er".into(),
        "/reports/shared-accounts?scope=er".into(),
    ] {
        let answer = browser.get(&path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(answer.body.contains("WK-1515") && !answer.body.contains("desk of"), "{path}");
    }
    assert_eq!(browser.get("/trail").status, 403);
    assert_eq!(browser.get("/trail.csv").status, 403);
    for path in [
        format!("/people/{login}/disable"),
        format!("/people/{login}/enable"),
        format!("/people/{login}/code"),
        format!("/people/{login}/code/withdraw"),
        format!("/people/{login}/pass"),
        format!("/people/{login}/pass/end"),
        format!("/keys/{fingerprint}/disable"),
        format!("/keys/{fingerprint}/enable"),
        format!("/terminals/{terminal}/approve"),
        format!("/terminals/{terminal}/disable"),
    ] {
        let once = "0".repeat(32);
        let fields = [
            ("form", form.as_str()),
            ("once", once.as_str()),
            ("hours", "1"),
            ("scope", "er"),
            ("reason", "x"),
        ];
        let answer = browser.send(&path, &fields);
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
    }
    assert_eq!(acts(), before, "nothing was done");
}

#[test]
fn what_terminals_and_people_are_called_is_text_and_nothing_else() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["owner"]);
    let name = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    deployment.ok(&["person", "add", "kato", "--name", name, "--scope", "icu"]);
    deployment.ok(&["person", "disable", "kato", "--reason", name]);
    deployment.join(&running, name, &["icu"]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    for path in [
        "/".to_owned(),
        "/people".into(),
        "/people/kato".into(),
        "/people/kato/pass".into(),
        "/terminals".into(),
        "/events".into(),
        "/trail".into(),
        "/reports".into(),
        "/reports/logins".into(),
        "/reports/exceptions".into(),
        "/reports/inventory".into(),
        "/reports/coverage".into(),
        "/reports/shared-accounts".into(),
        "/reports/logins?from=%22%3E%3Cscript%3E&scope=%22%3E%3Cscript%3E".into(),
        "/sessions".into(),
        "/%22%3E%3Cscript%3E".into(),
        format!("/people?search={}", "%22%3E%3Cscript%3E"),
        format!("/events?person={}", "%22%3E%3Cscript%3E"),
        format!("/trail?object={}", "%22%3E%3Cscript%3E"),
        "/sign-in?next=%22%3E%3Cscript%3E".into(),
    ] {
        let page = browser.get(&path).body;
        let (head, rest) = page.split_once("<main").unwrap();
        let rest = rest.replace("<script src=\"/assets/sign-in.js\"></script>", "");
        assert!(!head.contains("<script") && !rest.contains("<script"), "{path}: {rest}");
        assert!(!rest.contains("<img") && !rest.contains("\"'>"), "{path}: {rest}");
    }
    assert!(browser.get("/people").body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn every_answer_says_what_a_page_may_load_and_that_nobody_keeps_it() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["owner"]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    for path in [
        "/",
        "/sign-in",
        "/people/nobody",
        "/people.csv",
        "/reports/inventory",
        "/reports/inventory?table=keys",
        "/sessions",
        "/nowhere",
        "/assets/style.css",
        "/assets/sign-in.js",
    ] {
        let answer = browser.get(path);
        let of = |name: &str| answer.headers.get(name).unwrap().to_str().unwrap().to_owned();
        let policy = of("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
        assert_eq!(of("cache-control"), "no-store");
        assert_eq!(of("x-content-type-options"), "nosniff");
        assert_eq!(of("referrer-policy"), "same-origin");
        // What the policy forbids stands in none.
        for forbidden in [" style=", " onclick=", "<style", "javascript:", "http://"] {
            assert!(!answer.body.contains(forbidden), "{path}: {forbidden}");
        }
    }
}

#[test]
fn a_page_is_in_the_language_of_whoever_reads_it() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["auditor"]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    browser.language = "ja,en;q=0.5";
    assert!(browser.get("/people").body.contains("<html lang=\"ja\">"));
    let fields = [("language", "en"), ("back", "/people")];
    assert_eq!(leads(&browser.send("/language", &fields)), "/people");
    let page = browser.get("/people").body;
    assert!(page.contains("<html lang=\"en\">") && page.contains(">People<"), "{page}");
    let fields = [("language", "en"), ("back", "//evil.example")];
    assert_eq!(leads(&browser.send("/language", &fields)), "/");
    // An auditor reads, and nothing on the page offers more.
    let page = browser.get("/people/ito").body;
    assert!(!page.contains("/disable") && !page.contains("/code"), "{page}");
    let own = token(&browser.get("/"));
    let answer = browser.send("/people/ito/disable", &[("form", &own), ("reason", "x")]);
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("WK-1721"), "{}", answer.body);
}

#[test]
fn pages_are_where_keys_of_the_deployment_answer_or_nowhere() {
    for (pages, served) in [
        ("https://wardkey.test", true),
        ("https://admin.wardkey.test:8444", true),
        ("https://otherwardkey.test", false),
        ("https://wardkey.test.example", false),
    ] {
        let deployment = Deployment::administrated(&format!("pages = \"{pages}\""));
        let running = deployment.start();
        assert_eq!(running.server().administration().is_some(), served, "{pages}");
    }
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    let mut browser = Browser::new(&running);
    assert_eq!(browser.get("/sign-in").status, 404);
    assert_eq!(browser.get("/").status, 404);
}
