//! Administration from afar: what it may take of the server, and what one site learns of another.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::support::Deployment;
use super::support::admin::{Admin, Site, problem};

#[test]
fn many_who_ask_for_the_status_at_once_do_not_wait_for_each_other_for_ever() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("auditor", &[]));
    // Twice as many as the store has readers.
    std::thread::scope(|threads| {
        let asked = || admin.get("/v1/status").status;
        let all: Vec<_> = (0..16).map(|_| threads.spawn(asked)).collect();
        assert!(all.into_iter().all(|one| one.join().unwrap() == 200));
    });
    assert_eq!(running.anyone().get("/readyz").status, 200);
}

/// Else what one asks for by hanging up at once is bounded by nothing: codes take 64 MiB each.
#[test]
fn whoever_hangs_up_keeps_the_turn_until_the_work_is_done() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    deployment.ok(&["person", "add", "yamada", "--name", "yamada", "--scope", "icu"]);
    deployment.ok(&["scope", "set", "icu", "--passes", "12h"]);
    let token = deployment.api_key("owner", &[]);
    let body = json!({ "seconds": 600, "scope": "icu", "reason": "hung up" }).to_string();
    let request = format!(
        "POST /v1/people/yamada/pass HTTP/1.1\r\nhost: localhost\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let port = running.server().administration().unwrap().port();
    let is_there = || {
        let passes = deployment.rows(&["pass", "list"]);
        passes.as_array().unwrap().iter().any(|pass| pass["reason"] == "hung up")
    };
    // A little later each time, until it was while the server worked: before, it had not all of the
    // request yet.
    for pause in (0..200).map(|n| Duration::from_millis(10 * n)) {
        let mut openssl = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", &format!("127.0.0.1:{port}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = openssl.stdin.take().unwrap();
        stdin.write_all(request.as_bytes()).unwrap();
        std::thread::sleep(pause);
        openssl.kill().unwrap();
        let output = openssl.wait_with_output().unwrap();
        drop(stdin);
        assert!(output.stdout.is_empty(), "it was answered before anybody hung up");
        if (0..10).any(|_| is_there()) {
            return;
        }
    }
    panic!("what was begun has ended with the connection");
}

#[test]
fn a_key_changes_so_much_a_minute_and_goes_on_reading() {
    let deployment = Deployment::administrated("[limits]\napi_key_changes = 2\n");
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("owner", &[]));
    let body = json!({});
    // However slow the machine is: it would have to take half a minute for each.
    let last = (0..20)
        .map(|_| admin.post("/v1/people/nobody/disable", &body))
        .find(|answer| answer.status != 404)
        .unwrap();
    assert_eq!(problem(&last), (429, "WK-1512".into()));
    assert_eq!(admin.get("/v1/people").status, 200);
}

#[test]
fn records_are_searched_within_bounds_only() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("auditor", &[]));
    assert_eq!(problem(&admin.get("/v1/events?search=x")), (400, "WK-1516".into()));
    for bound in ["person=yamada", "since=2026-04-01"] {
        assert_eq!(admin.get(&format!("/v1/events?search=x&{bound}")).status, 200, "{bound}");
    }
}

#[test]
fn one_site_learns_nothing_of_the_terminals_of_another() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    let own = Site::new(&deployment, &running, "icu", "yamada", 0);
    let other = Site::new(&deployment, &running, "er", "sato", 1);
    let icu = Admin::new(&running, &deployment.api_key("owner", &["icu"]));
    let all = Admin::new(&running, &deployment.api_key("owner", &[]));

    // A pass at a terminal: of another site, and of none.
    let pass = |terminal: &str| {
        let body = json!({ "terminal": terminal, "reason": "a test" });
        icu.post("/v1/people/yamada/pass", &body)
    };
    let (there, nowhere) = (pass(&other.terminal), pass(&"0".repeat(32)));
    assert_eq!((there.status, &there.body), (404, &nowhere.body));
    assert_eq!(pass(&own.terminal).status, 200);

    // Who is of both has one at a terminal of the other site.
    deployment.ok(&["person", "add", "ito", "--name", "I", "--scope", "icu", "er"]);
    deployment.ok(&["pass", "add", "ito", "--terminal", &other.terminal, "--reason", "a test"]);
    let of_ito = |admin: &Admin| {
        let listing: Value = admin.get("/v1/passes?search=ito").json();
        listing["items"][0]["terminal"].clone()
    };
    assert_eq!((of_ito(&icu), of_ito(&all)), (Value::Null, json!(other.terminal)));

    // What cannot be is refused for somebody of elsewhere as for nobody.
    for login in ["sato", "nobody"] {
        let body = json!({ "add_scopes": ["!"] });
        let answer = icu.ask("patch", &format!("/v1/people/{login}"), Some(&body));
        assert_eq!(problem(&answer), (400, "WK-1516".into()), "{login}");
    }

    // A terminal that is called as another one's id stands in nobody's way.
    deployment.ok(&["terminal", "set", &own.terminal, "--name", &other.terminal]);
    let shown: Value = all.get(&format!("/v1/terminals/{}", other.terminal)).json();
    assert_eq!(shown["id"], json!(other.terminal));
    let off = all.post(&format!("/v1/terminals/{}/disable", other.terminal), &json!({}));
    assert_eq!(off.json::<Value>()["id"], json!(other.terminal));
}
