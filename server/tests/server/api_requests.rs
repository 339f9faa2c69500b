//! Administration from afar: requests that come twice, that come too late, and what describes them.

use std::collections::BTreeSet;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use ureq::tls::{Certificate, ClientCert, PrivateKey};
use wardkey_server::api::described;

use super::support::Deployment;
use super::support::admin::{Admin, filled, problem};

fn with_people(logins: &[&str]) -> Deployment {
    let deployment = Deployment::administrated("");
    for login in logins {
        deployment.ok(&["person", "add", login, "--name", login, "--scope", "icu"]);
    }
    deployment
}

#[test]
fn it_is_off_unless_the_configuration_says_where() {
    let deployment = Deployment::new();
    assert!(deployment.start().server().administration().is_none());
}

#[test]
fn a_request_that_comes_twice_is_done_once_and_its_answer_is_kept_from_the_store() {
    let deployment = with_people(&["yamada", "sato"]);
    let token = deployment.api_key("help-desk", &[]);
    let ask = |admin: &Admin, path: &str, body: Value, name: &str| {
        let headers = [("idempotency-key", name)];
        admin.try_ask(("post", path), Some(&body), &headers).unwrap()
    };
    let codes = "/v1/people/yamada/codes";
    let body = || json!({ "seconds": 600, "reason": "new key" });

    let running = deployment.start();
    let admin = Admin::new(&running, &token);
    let first = ask(&admin, codes, body(), "one");
    let again = ask(&admin, codes, body(), "one");
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let issued = || deployment.actions().iter().filter(|act| *act == "code.issue").count();
    assert_eq!(issued(), 1);

    // The same name for something else; another name; the same name of somebody else.
    let other = ask(&admin, codes, json!({ "seconds": 601 }), "one");
    assert_eq!(problem(&other), (422, "WK-1724".into()));
    let other = ask(&admin, "/v1/people/sato/codes", body(), "one");
    assert_eq!(problem(&other), (422, "WK-1724".into()));
    assert_eq!(issued(), 1);
    let other = Admin::new(&running, &deployment.api_key("help-desk", &[]));
    for answer in [ask(&admin, codes, body(), "two"), ask(&other, codes, body(), "one")] {
        assert_ne!(answer.body, first.body);
    }
    assert_eq!(issued(), 3);
    for wrong in ["", &"x".repeat(65)] {
        assert_eq!(problem(&ask(&admin, codes, body(), wrong)).0, 400);
    }
    // What failed is tried again.
    let failed = ask(&admin, "/v1/people/kato/codes", body(), "three");
    assert_eq!(failed.status, 404);
    deployment.ok(&["person", "add", "kato", "--name", "K", "--scope", "icu"]);
    assert_eq!(ask(&admin, "/v1/people/kato/codes", body(), "three").status, 200);
    running.stop();

    // The store has no code, and the next server gives the answer all the same.
    let made: Value = first.json();
    let code = made["code"].as_str().unwrap().as_bytes();
    for file in std::fs::read_dir(deployment.database().parent().unwrap()).unwrap() {
        let path = file.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        assert!(!bytes.windows(code.len()).any(|window| window == code), "{path:?}");
    }
    let running = deployment.start();
    let again = ask(&Admin::new(&running, &token), codes, body(), "one");
    assert_eq!(again.body, first.body);
}

#[test]
fn nobody_overwrites_what_somebody_else_has_changed() {
    let deployment = with_people(&["yamada"]);
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("owner", &[]));
    let path = "/v1/people/yamada";
    let tag = || admin.get(path).headers["etag"].to_str().unwrap().to_owned();
    let set = |tag: &str, name: &str| {
        let body = json!({ "name": name });
        admin.try_ask(("patch", path), Some(&body), &[("if-match", tag)]).unwrap()
    };
    let before = tag();
    assert_eq!(tag(), before);
    assert_eq!(set(&before, "Yamada H.").status, 200);
    assert_ne!(tag(), before);
    assert_eq!(problem(&set(&before, "Yamada I.")), (412, "WK-1723".into()));
    assert_eq!(deployment.json(&["person", "show", "yamada"])["name"], "Yamada H.");
    assert_eq!(set(&tag(), "Yamada J.").status, 200);
    assert_eq!(set("*", "Yamada K.").status, 200);

    // Switching, too; and who relies on it where it says nothing is told so, and nothing is done.
    let off = |tag: &str| {
        let path = format!("{path}/disable");
        admin.try_ask(("post", &path), Some(&json!({})), &[("if-match", tag)]).unwrap()
    };
    let actions = deployment.actions();
    assert_eq!(problem(&off(&before)), (412, "WK-1723".into()));
    let codes = ("post", "/v1/people/yamada/codes");
    let made = admin.try_ask(codes, Some(&json!({})), &[("if-match", "*")]).unwrap();
    assert_eq!(problem(&made), (400, "WK-1516".into()));
    assert_eq!(deployment.actions(), actions);
    let now = tag();
    assert_eq!(off(&now).status, 200);
    assert_eq!(problem(&off(&now)), (412, "WK-1723".into()));
    assert_eq!(deployment.json(&["person", "show", "yamada"])["status"], "disabled");
}

#[test]
fn every_kind_of_change_is_done_once_under_one_name() {
    let deployment = with_people(&["yamada"]);
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("owner", &[]));
    let set = |name: &str, tag: Option<&str>| {
        let headers = [("idempotency-key", "set"), ("if-match", tag.unwrap_or_default())];
        let headers = if tag.is_some() { &headers[..] } else { &headers[..1] };
        admin.try_ask(("patch", "/v1/people/yamada"), Some(&json!({ "name": name })), headers)
    };
    let withdraw = |path: &str| {
        admin.try_ask(("delete", path), None, &[("idempotency-key", "withdraw")]).unwrap()
    };
    let tag = admin.get("/v1/people/yamada").headers["etag"].to_str().unwrap().to_owned();

    let first = set("Yamada H.", Some(&tag)).unwrap();
    assert_eq!(first.status, 200);
    // What it compares has changed by itself: the answer is the same all the same.
    let again = set("Yamada H.", Some(&tag)).unwrap();
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    for other in [set("Yamada I.", Some(&tag)), set("Yamada H.", None)] {
        assert_eq!(problem(&other.unwrap()), (422, "WK-1724".into()));
    }

    let codes = "/v1/people/yamada/codes";
    let gone = withdraw(&format!("{codes}?reason=lost"));
    assert_eq!(gone.body, withdraw(&format!("{codes}?reason=lost")).body);
    assert_eq!(problem(&withdraw(codes)), (422, "WK-1724".into()), "another reason");
    // A name is that of one method and path alone.
    let put = [("idempotency-key", "withdraw")];
    let other = admin.try_ask(("post", codes), Some(&json!({})), &put).unwrap();
    assert_eq!(problem(&other), (422, "WK-1724".into()));
    let actions = deployment.actions();
    let done = |act: &str| actions.iter().filter(|one| *one == act).count();
    assert_eq!((done("person.set"), done("code.withdraw"), done("code.issue")), (1, 1, 0));
}

#[test]
fn a_list_goes_on_where_the_page_before_ended_and_its_places_are_sealed() {
    let logins = ["p0", "p1", "p2", "p3", "p4"];
    let deployment = with_people(&logins);
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("auditor", &[]));
    let other = Admin::new(&running, &deployment.api_key("auditor", &[]));
    let (mut seen, mut next) = (Vec::new(), None::<String>);
    loop {
        let after = next.map(|next| format!("&after={next}")).unwrap_or_default();
        let page: Value = admin.get(&format!("/v1/people?limit=2{after}")).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|item| item["login"].as_str().unwrap().to_owned()));
        next = page["next"].as_str().map(str::to_owned);
        assert_eq!(page["more"], next.is_some());
        let Some(next) = &next else { break };
        // Not the place of another list, of another question, or of another key.
        for elsewhere in ["/v1/codes?", "/v1/people?search=p&", "/v1/people?scope=icu&"] {
            let answer = admin.get(&format!("{elsewhere}after={next}"));
            assert_eq!(problem(&answer), (400, "WK-1516".into()), "{elsewhere}");
        }
        let answer = other.get(&format!("/v1/people?after={next}"));
        assert_eq!(problem(&answer), (400, "WK-1516".into()));
        assert_eq!(admin.get(&format!("/v1/people?after={next}&limit=9")).status, 200);
    }
    assert_eq!(seen, logins);
    for wrong in ["after=p1", "limit=0", "limit=1001", "limit=x", "sort=name"] {
        let answer = admin.get(&format!("/v1/people?{wrong}"));
        assert_eq!(problem(&answer), (400, "WK-1516".into()), "{wrong}");
    }
}

/// Every `$ref` in a document.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn the_document_has_every_route_with_its_act_and_the_server_has_every_route_of_the_document() {
    let deployment = Deployment::administrated("");
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("auditor", &[]));
    let nobody = Admin::new(&running, "");
    let document: Value = admin.get("/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");

    let routes = described();
    let (mut found, mut names) = (0, BTreeSet::new());
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let of = |route: &&wardkey_server::api::Described| {
                (route.path, route.method.as_str()) == (path.as_str(), method.as_str())
            };
            let route = routes.iter().find(of).unwrap();
            assert_eq!(operation["x-wardkey-act"], route.act.as_str(), "{method} {path}");
            assert!(!operation["summary"].as_str().unwrap().is_empty());
            assert_eq!(operation.get("requestBody").is_some(), route.method.has_body());
            names.insert(operation["operationId"].as_str().unwrap().to_owned());
            // It is there, and for nobody without a token.
            let body = route.method.has_body().then(|| json!({}));
            let answer = nobody.ask(method, path, body.as_ref());
            assert_eq!(problem(&answer), (401, "WK-1720".into()), "{method} {path}");
            found += 1;
        }
        let other = admin.ask("put", path, Some(&json!({})));
        assert_eq!(problem(&other), (405, "WK-1516".into()), "{path}");
    }
    assert_eq!((found, names.len()), (routes.len(), routes.len()));
    assert_eq!(problem(&admin.get("/v1/nothing")), (404, "WK-1515".into()));

    let mut all = BTreeSet::new();
    references(&document, &mut all);
    assert!(all.len() > 15, "{all:?}");
    for reference in all {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference}");
    }
}

#[test]
fn a_body_is_taken_as_described_only() {
    let deployment = with_people(&["yamada"]);
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("owner", &[]));
    let path = "/v1/people/yamada/disable";
    for wrong in [json!({ "reson": "x" }), json!({ "reason": 5 }), json!([])] {
        assert_eq!(problem(&admin.post(path, &wrong)), (400, "WK-1516".into()), "{wrong}");
    }
    let long = json!({ "reason": "x".repeat(70_000) });
    assert_eq!(problem(&admin.post(path, &long)), (413, "WK-1516".into()));
    let foreign = [("origin", "https://evil.example")];
    let answer = admin.try_ask(("post", path), Some(&json!({})), &foreign).unwrap();
    assert_eq!(problem(&answer), (403, "WK-1516".into()));
    assert_eq!(deployment.json(&["person", "show", "yamada"])["status"], "active");
}

/// Of whatever database the server has: one of them takes no NUL in a text.
#[test]
fn a_nul_in_a_query_a_path_or_a_body_is_refused_or_replaced_and_never_a_fault() {
    let deployment = with_people(&["yamada"]);
    let running = deployment.start();
    let admin = Admin::new(&running, &deployment.api_key("owner", &[]));
    let document: Value = admin.get("/v1/openapi.json").json();
    let (mut queries, mut paths) = (0, 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        let Some(operation) = methods.get("get") else { continue };
        let parameters = operation["parameters"].as_array().unwrap();
        for name in parameters.iter().filter(|one| one["in"] == "query").map(|one| &one["name"]) {
            let asked =
                format!("{}?{}=a%00b", filled(path, |_| "x".into()), name.as_str().unwrap());
            assert_eq!(problem(&admin.get(&asked)), (400, "WK-1516".into()), "{asked}");
            queries += 1;
        }
        if path.contains('{') {
            let asked = filled(path, |_| "a%00b".into());
            assert_eq!(problem(&admin.get(&asked)), (400, "WK-1516".into()), "{asked}");
            paths += 1;
        }
    }
    assert!(queries > 20 && paths > 3, "{queries} {paths}");

    let add = |field: &str| {
        let mut body = json!({ "login": "sato", "name": "S", "scopes": ["icu"], "reason": "x" });
        body[field] = if field == "scopes" { json!(["i\0u"]) } else { json!("a\0b") };
        admin.post("/v1/people", &body)
    };
    for field in ["login", "name", "scopes"] {
        assert_eq!(problem(&add(field)), (400, "WK-1516".into()), "{field}");
    }
    assert_eq!(add("reason").status, 200);
    let trail: Value = admin.get("/v1/audit?object=sato").json();
    assert_eq!(trail["items"][0]["reason"], "a?b");
}

#[test]
fn with_client_certificates_nobody_else_gets_a_connection() {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = |params: &CertificateParams| {
        CertifiedIssuer::self_signed(params.clone(), KeyPair::generate().unwrap()).unwrap()
    };
    let (right, wrong) = (issuer(&params), issuer(&params));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.pem");
    std::fs::write(&file, right.pem()).unwrap();
    let deployment = Deployment::administrated(&format!("client_ca = {file:?}"));
    let running = deployment.start();
    let token = deployment.api_key("auditor", &[]);
    let ask = |issuer: Option<&CertifiedIssuer<'_, KeyPair>>| {
        let certificate = issuer.map(|issuer| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec!["desk".to_owned()]).unwrap();
            let der = params.signed_by(&key, issuer).unwrap();
            ClientCert::new_with_certs(
                &[Certificate::from_der(der.der()).to_owned()],
                PrivateKey::from_pem(key.serialize_pem().as_bytes()).unwrap(),
            )
        });
        let admin = Admin::with_certificate(&running, &token, certificate);
        admin.try_ask(("get", "/v1/people"), None, &[]).map(|answer| answer.status).ok()
    };
    assert_eq!(ask(Some(&right)), Some(200));
    assert_eq!((ask(Some(&wrong)), ask(None)), (None, None));
}
