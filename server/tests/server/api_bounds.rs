//! Administration from afar: what it may take of the server, and what one site learns of another.

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
