//! What pages refuse, who hears of it, and what is done once only.

use serde_json::{Value, json};

use super::support::admin::{Site, problem};
use super::support::browser::{Browser, hidden, leads, token};
use super::support::client::Answer;
use super::support::{Deployment, Running};

/// Refusals in the trail, the newest first: who, what they asked for, and the code.
fn told(deployment: &Deployment) -> Vec<[String; 3]> {
    let trail = deployment.rows(&["audit", "list", "--limit", "500"]);
    let rows = trail.as_array().unwrap().iter().filter(|row| row["action"] == "page.refuse");
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.map(|row| ["actor", "object", "detail"].map(|name| text(row, name))).collect()
}

#[test]
fn who_tries_what_is_not_theirs_is_in_the_trail() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["help-desk", "--scope", "icu"]);
    Site::new(&deployment, &running, "er", "sato", 1);
    let mut browser = Browser::signed_in(&running, &key, 2);
    let own = token(&browser.get("/"));
    let expect = |path: &str, code: &str| {
        let newest = told(&deployment).first().cloned();
        let expected = ["person:ito", path, code].map(str::to_owned);
        assert_eq!(newest, Some(expected));
    };
    for (path, status, code) in [
        ("/people/sato", 404, "WK-1515"),
        ("/people?scope=er", 404, "WK-1515"),
        ("/people.csv?scope=er", 404, "WK-1515"),
        ("/trail", 403, "WK-1721"),
        ("/reports/logins?scope=icu", 403, "WK-1721"),
    ] {
        assert_eq!(browser.get(path).status, status, "{path}");
        expect(path, code);
    }
    let fields = [("form", own.as_str()), ("reason", "x")];
    assert_eq!(browser.send("/people/sato/disable", &fields).status, 404);
    expect("/people/sato/disable", "WK-1515");
    assert_eq!(browser.send("/people/ito/disable", &[("form", "00"), ("reason", "x")]).status, 403);
    expect("/people/ito/disable", "WK-1744");

    // What is not there uses up nothing of what is forbidden.
    (0..40).for_each(|_| assert_eq!(browser.get("/people/sato").status, 404));
    assert_eq!(browser.get("/trail").status, 403);
    expect("/trail", "WK-1721");

    // What is mistyped, is no page, or is asked by nobody, is not.
    let before = told(&deployment).len();
    for (path, status) in [("/people?nonsense=1", 400), ("/nowhere", 404), ("/favicon.ico", 404)] {
        assert_eq!(browser.get(path).status, status, "{path}");
    }
    let mut nobody = Browser::new(&running);
    assert_eq!(leads(&nobody.get("/people/sato")), "/sign-in?next=%2Fpeople%2Fsato");
    assert_eq!(nobody.send("/people/sato/disable", &fields).status, 401);
    assert_eq!(told(&deployment).len(), before);
    // Who is refused is still who they are.
    assert!(browser.get("/people/sato").body.contains("ito (help desk)"));
}

#[test]
fn where_there_is_no_page_a_browser_has_one_that_says_so_and_a_program_its_problem() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let mut browser = Browser::new(&running);
    let kind = |answer: &Answer| answer.headers["content-type"].to_str().unwrap().to_owned();
    let none = || ("", String::new());
    for (language, no_page, no_method) in [
        ("en", "there is no such page", "does not take that kind of request"),
        ("ja", "このページはありません", "その操作はできません"),
    ] {
        browser.language = language;
        for (method, path, status, says) in [
            ("GET", "/nowhere", 404, no_page),
            ("GET", "/people/a/b/c", 404, no_page),
            ("POST", "/nowhere", 404, no_page),
            ("DELETE", "/people", 405, no_method),
            ("GET", "/people/kato/disable", 405, no_method),
        ] {
            let answer = browser.ask(method, path, none());
            let what = format!("{method} {path}: {}", answer.body);
            assert_eq!(
                (answer.status, kind(&answer).as_str()),
                (status, "text/html; charset=utf-8"),
                "{what}"
            );
            assert!(answer.body.contains(says) && answer.body.contains("<main"), "{what}");
            assert!(answer.body.contains(&format!("<html lang=\"{language}\">")), "{what}");
            assert!(answer.headers.contains_key("content-security-policy"));
            assert_eq!(answer.headers.contains_key("allow"), status == 405, "{what}");
        }
    }
    browser.accept = "application/json";
    for path in ["/nowhere", "/v1/nowhere", "/v1/people/a/b/c"] {
        assert_eq!(problem(&browser.get(path)), (404, "WK-1515".into()), "{path}");
    }
    assert_eq!(problem(&browser.get("/v1/people")), (401, "WK-1720".into()));
}

/// Codes and passes that were made.
fn made(deployment: &Deployment) -> usize {
    let is_one = |act: &&String| ["code.issue", "pass.issue"].contains(&act.as_str());
    deployment.actions().iter().filter(is_one).count()
}

#[test]
fn a_code_is_made_once_however_often_its_form_is_sent() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["help-desk"]);
    deployment.ok(&["person", "add", "kato", "--name", "K", "--scope", "icu"]);
    deployment.ok(&["scope", "set", "icu", "--passes", "12h"]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    for (path, scope) in [("/people/kato/code", ""), ("/people/kato/pass", "icu")] {
        let page = browser.get(path);
        let (form, once) = (token(&page), hidden(&page, "once").unwrap());
        let again = hidden(&browser.get(path), "once").unwrap();
        assert_ne!(once, again, "each page that is asked for has its own");
        let fields = |scope: &'static str| {
            [
                ("form", form.clone()),
                ("once", once.clone()),
                ("hours", "8".into()),
                ("scope", scope.into()),
                ("reason", "key at home".into()),
            ]
        };
        let send = |browser: &mut Browser, fields: &[(&str, String)]| {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            browser.send(path, &fields)
        };
        let before = made(&deployment);
        // What is not done does not use the form up.
        if !scope.is_empty() {
            assert_eq!(send(&mut browser, &fields("er")).status, 400);
        }
        let first = send(&mut browser, &fields(scope));
        assert_eq!(first.status, 200, "{}", first.body);
        assert_eq!(made(&deployment), before + 1);
        for _ in 0..2 {
            let second = send(&mut browser, &fields(scope));
            assert_eq!(second.status, 409, "{}", second.body);
            assert!(second.body.contains("WK-1745") && !second.body.contains("class=\"code\""));
            assert!(second.body.contains("href=\"/people/kato\""), "{}", second.body);
        }
        // One that cannot be told from others does nothing either.
        for once in [None, Some(String::new()), Some("1".into())] {
            let mut fields = fields(scope).to_vec();
            fields.retain(|(name, _)| *name != "once");
            fields.extend(once.map(|once| ("once", once)));
            assert_eq!(send(&mut browser, &fields).status, 403);
        }
        assert_eq!(made(&deployment), before + 1, "{path}");
        assert_eq!(
            send(
                &mut browser,
                &[&fields(scope)[..1], &[("once", again)], &fields(scope)[2..]].concat()
            )
            .status,
            200
        );
        assert_eq!(made(&deployment), before + 2, "on purpose");
    }
}

/// The paths that end sessions on the page of somebody.
fn ends(browser: &mut Browser) -> Vec<String> {
    let page = browser.get("/sessions").body;
    let parts = page.split("action=\"/sessions/").skip(1);
    parts.map(|part| format!("/sessions/{}", part.split('"').next().unwrap())).collect()
}

fn is_in(browser: &mut Browser) -> bool {
    browser.get("/").status == 200
}

fn begin(deployment: &Deployment, running: &Running) -> [Browser; 4] {
    let owner = deployment.administrator(running, "ito", &["owner"]);
    let desk = deployment.administrator(running, "kato", &["help-desk"]);
    [
        Browser::signed_in(running, &owner, 2),
        Browser::signed_in(running, &owner, 3),
        Browser::signed_in(running, &desk, 2),
        Browser::signed_in(running, &desk, 3),
    ]
}

#[test]
fn somebody_ends_sessions_of_their_own_and_an_owner_of_everything_any() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let [mut owner, mut owner_too, mut desk, mut desk_too] = begin(&deployment, &running);
    let of_desk = [ends(&mut desk), ends(&mut desk_too)].concat();
    let all = [ends(&mut owner), ends(&mut owner_too)].concat();
    assert_eq!((of_desk.len(), all.len()), (2, 6), "each but the one in which they look");
    let page = desk.get("/sessions").body;
    assert!(page.contains("(kato)") && !page.contains("(ito)"), "{page}");

    // Somebody else's is not there for whoever is no owner.
    let form = token(&desk.get("/sessions"));
    for path in all.iter().filter(|path| !of_desk.contains(path)) {
        let answer = desk.send(path, &[("form", &form), ("reason", "x")]);
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
    }
    assert!(is_in(&mut owner) && is_in(&mut owner_too));
    // Their own is ended at once, from a page of the session.
    assert_eq!(desk.send(&of_desk[0], &[("form", "00")]).status, 403);
    assert!(is_in(&mut desk_too));
    assert_eq!(leads(&desk.send(&of_desk[0], &[("form", &form)])), "/sessions?done=1");
    assert!(!is_in(&mut desk_too) && is_in(&mut desk));
    assert_eq!(desk.send(&of_desk[0], &[("form", &form)]).status, 404, "it is over");

    // An owner of everything ends any, and says why.
    let form = token(&owner.get("/sessions"));
    assert_eq!(owner.send(&of_desk[1], &[("form", &form)]).status, 400);
    assert!(is_in(&mut desk));
    let answer = owner.send(&of_desk[1], &[("form", &form), ("reason", "left open")]);
    assert_eq!(leads(&answer), "/sessions?done=1");
    assert!(!is_in(&mut desk) && is_in(&mut owner_too));
    let row = &deployment.rows(&["audit", "list", "--limit", "1"])[0];
    assert_eq!((&row["action"], &row["object"]), (&json!("session.end"), &json!("kato")));
    assert_eq!((&row["actor"], &row["reason"]), (&json!("person:ito"), &json!("left open")));
}
