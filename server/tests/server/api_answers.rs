//! Administration from afar: every answer is one that the document describes, every change is in
//! the trail with the key that made it, and pages of lists are full.

use serde_json::{Value, json};
use wardkey_server::admin::role::Kind;
use wardkey_server::api::{Described, described};

use super::support::Deployment;
use super::support::admin::{Admin, Site, filled, problem};
use super::support::client::Answer;
use super::support::schema::{check, resolve};

/// The operation of a route in the document.
fn operation<'a>(document: &'a Value, route: &Described) -> &'a Value {
    &document["paths"][route.path][route.method.as_str()]
}

/// Holds an answer against what the document says of its route.
fn hold(document: &Value, route: &Described, answer: &Answer) {
    let responses = &operation(document, route)["responses"];
    let status = answer.status.to_string();
    let response = responses.get(status.as_str()).unwrap_or(&responses["default"]);
    let kind = answer.headers["content-type"].to_str().unwrap();
    let content = &resolve(document, response)["content"][kind];
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let at = format!("{} {}", route.name, answer.status);
    check(document, &content["schema"], &body, &at).unwrap();
}

/// What a request of each route takes when it is right; `reason` is in the trail.
fn body_of(route: &Described, reason: &str) -> Option<Value> {
    let mut body = match route.name {
        "people.add" => json!({
            "login": "kato", "name": "加藤", "latin_name": "KATO", "scopes": ["icu"],
        }),
        "people.set" => json!({
            "name": "Yamada H.", "latin_name": "", "groups": ["nurses"],
        }),
        "codes.add" => json!({ "seconds": 600 }),
        "passes.add" => json!({ "seconds": 600, "scope": "icu" }),
        _ => json!({}),
    };
    body["reason"] = json!(reason);
    route.method.has_body().then_some(body)
}

#[test]
fn every_route_answers_as_described_and_leaves_its_key_and_its_reason_in_the_trail() {
    let deployment = Deployment::administrated("[limits]\naddress = 100000\n");
    let running = deployment.start();
    let site = Site::new(&deployment, &running, "icu", "yamada", 0);
    let admin = Admin::new(&running, &deployment.api_key("owner", &[]));
    let id = deployment.rows(&["api-key", "list"])[0]["id"].as_str().unwrap().to_owned();
    let document: Value = admin.get("/v1/openapi.json").json();

    let nobody = Admin::new(&running, "");
    let (mut changes, mut reads) = (0, 0);
    for route in described() {
        let reason = format!("because of {}", route.name);
        let body = body_of(&route, &reason);
        let mut path = filled(route.path, |name| site.target(name));
        let is_change = route.act.kind() == Kind::Changes;
        if is_change && body.is_none() {
            path = format!("{path}?reason={}", reason.replace(' ', "%20"));
        }
        if let Some(body) = &body {
            let taken = operation(&document, &route)
                .pointer("/requestBody/content/application~1json/schema");
            check(&document, taken.unwrap(), body, route.name).unwrap();
        }

        let answer = admin.ask(route.method.as_str(), &path, body.as_ref());
        assert_eq!(answer.status, 200, "{}: {}", route.name, answer.body);
        hold(&document, &route, &answer);
        if is_change {
            changes += 1;
            let row = &deployment.rows(&["audit", "list", "--limit", "1"])[0];
            assert_eq!(row["actor"], format!("api-key:{id} \"a test\""), "{}", route.name);
            assert_eq!(row["reason"], reason, "{}", route.name);
        } else {
            reads += 1;
        }

        // Refusals are described too: nobody asks; nothing is there.
        hold(&document, &route, &nobody.ask(route.method.as_str(), &path, body.as_ref()));
        let nowhere = filled(route.path, |_| "-".into());
        let answer = admin.ask(route.method.as_str(), &nowhere, body.as_ref());
        hold(&document, &route, &answer);
    }
    assert_eq!((changes, reads), (12, 20));
}

#[test]
fn every_member_of_a_body_is_refused_when_it_is_of_another_kind_or_unknown() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("owner", &[]));
    let document: Value = admin.get("/v1/openapi.json").json();
    let mut tried = 0;
    for route in described().iter().filter(|route| route.method.has_body()) {
        let path = filled(route.path, |name| match name {
            "fingerprint" => "0".repeat(64),
            "terminal" => "0".repeat(32),
            _ => "nobody".into(),
        });
        let taken = operation(&document, route)
            .pointer("/requestBody/content/application~1json/schema")
            .unwrap();
        let schema = resolve(&document, taken);
        let members = schema["properties"].as_object().unwrap();
        for name in members.keys().map(String::as_str).chain(["surprise"]) {
            let mut body = body_of(route, "r").unwrap();
            body[name] = json!({ "no": "such" });
            check(&document, taken, &body, name).unwrap_err();
            let answer = admin.ask(route.method.as_str(), &path, Some(&body));
            let what = format!("{}: {name}: {}", route.name, answer.body);
            assert_eq!(problem(&answer), (400, "WK-1516".into()), "{what}");
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried}");
}

/// What names a row, of whatever list.
fn name_of(row: &Value) -> String {
    let names = ["id", "fingerprint", "login", "name"];
    names.iter().find_map(|name| row[*name].as_str()).unwrap().to_owned()
}

/// All rows of a list, page by page of one row each, and how many pages there were.
fn pages(admin: &Admin, path: &str) -> (Vec<Value>, usize) {
    let (mut rows, mut count, mut next) = (Vec::new(), 0, String::new());
    loop {
        let page: Value = admin.get(&format!("{path}?limit=1{next}")).json();
        rows.extend(page["items"].as_array().unwrap().iter().cloned());
        count += 1;
        match page["next"].as_str() {
            Some(place) => next = format!("&after={place}"),
            None => return (rows, count),
        }
    }
}

#[test]
fn a_page_for_one_site_is_as_full_as_one_for_all_at_every_list() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    // One after the other, so that rows of elsewhere lie between.
    let sites = [("er", "ito"), ("icu", "kato"), ("er", "sato"), ("icu", "yamada"), ("er", "zen")];
    let sites: Vec<Site> = sites
        .iter()
        .zip(0..)
        .map(|(&(scope, login), number)| Site::new(&deployment, &running, scope, login, number))
        .collect();
    let all = Admin::new(&running, &deployment.api_key("owner", &[]));
    let icu = Admin::new(&running, &deployment.api_key("owner", &["icu"]));

    let mut lists = 0;
    for route in described() {
        let is_list = route.path.split('/').count() == 3
            && route.act.kind() == Kind::Reads
            && !["document", "status.show", "audit.list"].contains(&route.name);
        if !is_list {
            continue;
        }
        lists += 1;
        let (rows, count) = pages(&icu, route.path);
        let what = format!("{}: {rows:?}", route.name);
        assert_eq!(rows.len(), count, "a page without a row: {what}");
        let (whole, _) = pages(&all, route.path);
        let is_own = |row: &&Value| {
            let text = row.to_string();
            sites.iter().any(|site| site.scope == "icu" && !site.said_in(&text).is_empty())
        };
        let own: Vec<String> = whole.iter().filter(is_own).map(name_of).collect();
        assert_eq!(rows.iter().map(name_of).collect::<Vec<_>>(), own, "{what}");
        let least = if route.name == "scopes.list" { 1 } else { 2 };
        assert!(own.len() >= least && whole.len() > own.len(), "{what}");
    }
    assert_eq!(lists, 8);

    // Who is deleted, and whose name somebody else has got, is not seen by that other one's site.
    let old = sites.iter().find(|site| site.login == "zen").unwrap();
    deployment.ok(&["person", "delete", "zen"]);
    deployment.ok(&["person", "add", "zen", "--name", "Z", "--scope", "icu"]);
    for list in ["/v1/keys", "/v1/codes", "/v1/passes"] {
        let (rows, _) = pages(&icu, list);
        assert!(rows.iter().all(|row| !row.to_string().contains("\"zen\"")), "{rows:?}");
    }
    let key = format!("/v1/keys/{}", old.key);
    assert_eq!(problem(&icu.get(&key)), (404, "WK-1515".into()));
    assert_eq!(all.get(&key).status, 200);
}

#[test]
fn neither_searches_nor_bodies_are_longer_than_they_may_be() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("owner", &[]));
    let search = |length: usize| admin.get(&format!("/v1/audit?search={}", "x".repeat(length)));
    assert_eq!(search(200).status, 200);
    assert_eq!(problem(&search(201)), (400, "WK-1516".into()));
    // Longer than SQL takes as a pattern, and longer than a head may be.
    assert_eq!(problem(&search(60_000)), (400, "WK-1516".into()));

    let new =
        json!({ "login": "kato", "name": "K", "scopes": ["icu"], "reason": "x".repeat(9000) });
    assert_eq!(admin.post("/v1/people", &new).status, 200);
    let row = &deployment.rows(&["audit", "list", "--search", "person.add"])[0];
    assert!(row["reason"].as_str().unwrap().chars().count() <= 512);
}
