//! Administration from afar: who may what, where.

use serde_json::{Value, json};
use wardkey_server::admin::role::{Act, Role};
use wardkey_server::api::described;

use super::support::Deployment;
use super::support::admin::{Admin, Site, filled, problem};

fn nothing_there(name: &str) -> String {
    match name {
        "fingerprint" => "0".repeat(64),
        "terminal" => "0".repeat(32),
        _ => "nowhere".into(),
    }
}

#[test]
fn each_role_has_its_acts_at_each_route_and_no_others() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    for role in Role::ALL {
        let scopes: &[&str] = if role == Role::SiteAdministrator { &["icu", "er"] } else { &[] };
        let admin = Admin::new(&running, &deployment.api_key(role.as_str(), scopes));
        let mut had = 0;
        for route in described() {
            let mut path = filled(route.path, nothing_there);
            if route.act == Act::ReadReports {
                path += "?scope=icu";
            }
            let body = route.method.has_body().then(|| json!({ "reason": "a test" }));
            let answer = admin.ask(route.method.as_str(), &path, body.as_ref());
            let what = format!("{} {} {path}: {}", role.as_str(), route.name, answer.body);
            if route.act.roles().contains(&role) {
                had += 1;
                assert!(![401, 403, 405, 500].contains(&answer.status), "{what}");
            } else {
                assert_eq!(problem(&answer), (403, "WK-1721".into()), "{what}");
                assert!(answer.body.contains(route.act.as_str()), "{what}");
            }
        }
        assert!(had > 5, "{}", role.as_str());
    }
}

#[test]
fn every_act_has_a_route() {
    let routes = described();
    for act in Act::ALL {
        assert!(routes.iter().any(|route| route.act == *act), "{act:?}");
    }
}

#[test]
fn nobody_of_one_site_reads_or_writes_another_at_any_route() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    let own = Site::new(&deployment, &running, "icu", "yamada", 0);
    let other = Site::new(&deployment, &running, "er", "sato", 1);
    // The role with every act, for one site.
    let admin = Admin::new(&running, &deployment.api_key("owner", &["icu"]));
    let before = deployment.actions();

    for route in described() {
        let body = match route.name {
            "people.add" => Some(json!({ "login": "kato", "name": "K", "scopes": ["er"] })),
            "people.set" => Some(json!({ "add_scopes": ["icu"], "remove_scopes": ["er"] })),
            _ => route.method.has_body().then(|| json!({ "reason": "a test" })),
        };
        let path = filled(route.path, |name| other.target(name));
        // Whoever is for certain scopes has the report of one of them.
        let path = if route.act == Act::ReadReports {
            assert_eq!(problem(&admin.get(&path)), (403, "WK-1722".into()), "{path}");
            let elsewhere = admin.get(&format!("{path}?scope=er"));
            assert_eq!(problem(&elsewhere), (404, "WK-1515".into()), "{path}");
            format!("{path}?scope=icu")
        } else {
            path
        };
        let answer = admin.ask(route.method.as_str(), &path, body.as_ref());
        let what = format!("{} {path}: {}", route.name, answer.body);
        if route.path.contains('{') || route.name == "people.add" {
            assert_eq!(problem(&answer), (404, "WK-1515".into()), "{what}");
        } else if [Act::ReadTrail, Act::ReadStatus].contains(&route.act) {
            assert_eq!(problem(&answer), (403, "WK-1722".into()), "{what}");
        } else {
            assert_eq!(answer.status, 200, "{what}");
            assert!(other.said_in(&answer.body).is_empty(), "{what}");
            if route.act != Act::Describe {
                assert!(!own.said_in(&answer.body).is_empty(), "{what}");
            }
        }
    }
    for asked in [
        "/v1/people?scope=er".to_owned(),
        "/v1/terminals?scope=er".to_owned(),
        format!("/v1/keys?person={}", other.login),
        format!("/v1/events?terminal={}", other.terminal),
        format!("/v1/events?terminal={}", nothing_there("terminal")),
    ] {
        assert_eq!(problem(&admin.get(&asked)), (404, "WK-1515".into()), "{asked}");
    }
    for asked in [
        format!("/v1/events?person={}&limit=1", other.login),
        format!("/v1/people?search={}&limit=1", other.login),
        format!("/v1/keys?search={}&limit=1", other.login),
        // It has two.
        format!("/v1/codes?search={}&limit=1", other.login),
        format!("/v1/passes?search={}&limit=1", other.login),
        format!("/v1/terminals?search={}&limit=1", other.login),
        format!("/v1/scopes?search={}&limit=1", other.scope),
    ] {
        let answer = admin.get(&asked);
        let listing: Value = answer.json();
        assert_eq!(listing, json!({ "items": [], "more": false, "next": null }), "{asked}");
    }
    assert_eq!(deployment.actions(), before, "nothing was done");
}

#[test]
fn who_is_of_two_sites_is_seen_by_each_and_changed_by_who_has_both() {
    let deployment = Deployment::administrated("");
    deployment.ok(&["person", "add", "ito", "--name", "I", "--scope", "icu", "er"]);
    let running = deployment.start();
    let one = Admin::new(&running, &deployment.api_key("site-administrator", &["icu"]));
    let both = Admin::new(&running, &deployment.api_key("site-administrator", &["icu", "er"]));

    let seen: Value = one.get("/v1/people/ito").json();
    assert_eq!(seen["scopes"], json!(["icu"]), "the other scope is not named");
    let off = |admin: &Admin| admin.post("/v1/people/ito/disable", &json!({ "reason": "left" }));
    assert_eq!(problem(&off(&one)), (403, "WK-1722".into()));
    let away = json!({ "remove_scopes": ["er"] });
    let answer = one.ask("patch", "/v1/people/ito", Some(&away));
    assert_eq!(problem(&answer), (403, "WK-1722".into()));
    let shown = deployment.json(&["person", "show", "ito"]);
    assert_eq!((&shown["status"], &shown["scopes"]), (&json!("active"), &json!(["er", "icu"])));

    // Nor does anybody of one site take somebody into another, or out of their own into it.
    deployment.ok(&["person", "add", "kato", "--name", "K", "--scope", "icu"]);
    let into = one.ask("patch", "/v1/people/kato", Some(&json!({ "add_scopes": ["er"] })));
    assert_eq!(problem(&into), (403, "WK-1722".into()));
    let done: Value = off(&both).json();
    assert_eq!((&done["status"], &done["changed"]), (&json!("disabled"), &json!(true)));
}

#[test]
fn who_is_in_a_protected_group_or_comes_into_one_is_let_in_by_an_owner_of_everything_alone() {
    let deployment = Deployment::administrated("protected_groups = [\"it\"]");
    let group = ["--group", "it"];
    deployment
        .ok(&[&["person", "add", "ito", "--name", "I", "--scope", "icu"], &group[..]].concat());
    deployment.ok(&["person", "add", "kato", "--name", "K", "--scope", "icu"]);
    let running = deployment.start();
    let whole = Admin::new(&running, &deployment.api_key("owner", &[]));
    let others = [
        ("owner", &["icu"][..]),
        ("site-administrator", &["icu"]),
        ("help-desk", &[]),
        ("help-desk", &["icu"]),
    ];
    for (role, scopes) in others {
        let admin = Admin::new(&running, &deployment.api_key(role, scopes));
        let writes = role != "help-desk";
        let reason = json!({ "reason": "the key is at home" });
        let mut tried = vec![
            ("post", "/v1/people/ito/codes", reason.clone()),
            ("post", "/v1/people/ito/pass", reason.clone()),
        ];
        if writes {
            tried.extend([
                ("post", "/v1/people/ito/enable", reason.clone()),
                ("patch", "/v1/people/ito", json!({ "remove_groups": ["it"] })),
                ("patch", "/v1/people/ito", json!({ "groups": [] })),
                ("patch", "/v1/people/kato", json!({ "add_groups": ["it"] })),
                ("patch", "/v1/people/kato", json!({ "groups": ["it"] })),
                (
                    "post",
                    "/v1/people",
                    json!({ "login": "abe", "name": "A", "scopes": ["icu"], "groups": ["it"] }),
                ),
            ]);
        }
        for (method, path, body) in &tried {
            let answer = admin.ask(method, path, Some(body));
            let what = format!("{role} {method} {path}: {}", answer.body);
            assert_eq!(problem(&answer), (403, "WK-1728".into()), "{what}");
        }

        // Everybody else, and what takes away.
        let answer = admin.post("/v1/people/kato/codes", &reason);
        assert_eq!(answer.status, 200, "{role}: {}", answer.body);
        let answer = admin.post("/v1/people/ito/disable", &reason);
        assert_eq!(answer.status, 200, "{role}: {}", answer.body);
    }
    let none: Value = deployment.json(&["code", "list", "--search", "ito"]);
    assert_eq!(none["items"], json!([]));

    let answer = whole.post("/v1/people/ito/enable", &json!({ "reason": "she is back" }));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = whole.post("/v1/people/ito/codes", &json!({ "reason": "a new key" }));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = whole.ask("patch", "/v1/people/kato", Some(&json!({ "add_groups": ["it"] })));
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[test]
fn the_trail_names_the_key_and_the_reason() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("owner", &[]));
    let new = json!({
        "login": "yamada", "name": "Yamada", "scopes": ["icu"], "groups": ["nurses"],
        "valid_until": "2099-03-31", "reason": "begins in April",
    });
    let added: Value = admin.post("/v1/people", &new).json();
    assert_eq!((&added["login"], &added["groups"]), (&json!("yamada"), &json!(["nurses"])));
    assert_eq!(added["warnings"].as_array().unwrap().len(), 1);
    let id = deployment.rows(&["api-key", "list"])[0]["id"].as_str().unwrap().to_owned();
    let row = &deployment.rows(&["audit", "list", "--search", "person.add"])[0];
    assert_eq!(row["actor"], format!("api-key:{id} \"a test\""));
    assert_eq!(row["reason"], "begins in April");
    let rows: Value = admin.get("/v1/audit?object=yamada").json();
    assert_eq!(&rows["items"][0], row);
}

#[test]
fn what_is_taken_away_is_at_terminals_at_once() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    let site = Site::new(&deployment, &running, "icu", "yamada", 0);
    let desk = Admin::new(&running, &deployment.api_key("help-desk", &["icu"]));
    let terminal = deployment.join(&running, "desk", &["icu"]);
    let before = terminal.heads(&running)[0].seq;
    let lost = json!({ "person": "yamada", "reason": "lost on the bus" });
    let off = desk.post(&format!("/v1/keys/{}/disable", site.key), &lost);
    let off: Value = off.json();
    assert_eq!((&off["status"], &off["unheard"]), (&json!("disabled"), &Value::Null));
    assert!(terminal.heads(&running)[0].seq > before, "published before it was answered");

    // A slip in the person hits nobody.
    let wrong = json!({ "person": "sato", "reason": "r" });
    let answer = desk.post(&format!("/v1/keys/{}/disable", site.key), &wrong);
    assert!(answer.status >= 400, "{}", answer.body);
    // Where a scope is halted, that is said.
    deployment.halt("icu");
    let off: Value = desk.post("/v1/people/yamada/disable", &json!({})).json();
    assert_eq!(off["unheard"]["code"], "WK-1545");
}

#[test]
fn no_token_holds_that_is_none_wrong_switched_off_or_over() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    let token = deployment.api_key("auditor", &[]);
    let status = |token: &str| {
        let answer = Admin::new(&running, token).get("/v1/people");
        if answer.status == 200 {
            return "in".to_owned();
        }
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        let (status, code) = problem(&answer);
        format!("{status} {code}")
    };
    assert_eq!(status(&token), "in");
    let refused = "401 WK-1720";
    let (begin, _) = token.split_at(token.len() - 1);
    for wrong in ["x", begin, &format!("{token}0"), &token.replace("wardkey_api_", "")] {
        assert_eq!(status(wrong), refused, "{wrong}");
    }

    // Two that are made in the same second have no order.
    let id = |token: &str| token.split('_').nth(2).unwrap().to_owned();
    deployment.ok(&["api-key", "disable", &id(&token)]);
    assert_eq!(status(&token), refused);
    let short = deployment.ok(&["api-key", "add", "x", "--role", "auditor", "--expires", "1h"]);
    assert_eq!(status(&short), "in");
    running.pass(7200);
    assert_eq!(status(&short), refused);
    let gone = deployment.api_key("auditor", &[]);
    deployment.ok(&["api-key", "delete", &id(&gone)]);
    assert_eq!(status(&gone), refused);
    deployment.refused(1, &["api-key", "add", "x", "--role", "site-administrator"]);
}

#[test]
fn a_key_may_ask_so_often_and_wrong_tokens_use_up_nothing_of_it() {
    let deployment = Deployment::administrated("[limits]\naddress = 20\napi_key = 3\n");
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("auditor", &[]));
    let wrong = Admin::new(&running, "wrong");
    // However slow the machine is: it would have to take seconds for each.
    let refused_after = |asks: &Admin, before: u16| {
        (0..200).map(|_| asks.get("/v1/people")).find(|answer| answer.status != before)
    };
    let last = refused_after(&wrong, 401).unwrap();
    assert_eq!(problem(&last), (429, "WK-1512".into()));

    assert_eq!(admin.get("/v1/people").status, 200);
    let last = refused_after(&admin, 200).unwrap();
    assert_eq!(problem(&last), (429, "WK-1512".into()));
    assert!(last.retry_after.is_some());
}
