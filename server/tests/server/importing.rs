//! Files of people, through the command line.

use serde_json::json;

use super::publishing::Copy;
use super::support::Deployment;
use super::support::authenticator::{Credential, Maker, Making};

#[test]
fn an_import_is_all_or_nothing_and_says_the_line() {
    let deployment = Deployment::new();
    deployment.ok(&["person", "add", "there", "--name", "There", "--scope", "icu"]);
    let key = Credential::make(&Maker::new(), &[1; 32], Making::default());
    let id = json!(wardkey_core::message::http::Base64(key.id.clone()));
    let public_key = json!(wardkey_core::message::http::Base64(key.public_key.clone()));
    let path = deployment.folder.path().join("people.jsonl");
    let import = |text: &str| std::fs::write(&path, text).unwrap();
    let file = path.to_str().unwrap();
    let good = json!({
        "login": "a", "name": "A", "language": "en",
        "scopes": ["icu"], "groups": ["g"],
        "credentials": [{
            "id": id, "public_key": public_key,
            "label": "old key", "counter": 7,
        }],
    });
    let with = |member: &str, value: serde_json::Value| {
        let mut line = good.clone();
        line["login"] = json!("b");
        line["credentials"] = json!([]);
        line[member] = value;
        line
    };
    for (what, line, part) in [
        ("unknown member", with("surprise", json!(1)), "surprise"),
        ("unknown scope", with("scopes", json!(["nowhere"])), "nowhere"),
        ("no scope", with("scopes", json!([])), "scopes"),
        ("bad login", with("login", json!("a b")), "WK-1527"),
        ("twice", with("login", json!("a")), "twice"),
        ("there already", with("login", json!("there")), "exists already"),
        ("bad name", with("name", json!("a\nb")), "WK-1528"),
        ("bad name in Latin letters", with("latin_name", json!("花子")), "WK-1750"),
        ("bad language", with("language", json!("fr")), "WK-1529"),
        ("bad time", with("valid_from", json!("soon")), "valid_from"),
        ("bad key", with("credentials", json!([{ "id": "AAAA", "public_key": public_key }])), "id"),
        (
            "bad COSE key",
            with("credentials", json!([{ "id": id, "public_key": "oQEC" }])),
            "public_key",
        ),
        (
            "key twice",
            with("credentials", json!([{ "id": id, "public_key": public_key }])),
            "enrolled already",
        ),
        (
            "attested by claim",
            with("credentials", json!([{ "id": id, "public_key": public_key, "attested": true }])),
            "attested",
        ),
    ] {
        import(&format!("{good}\n\n{line}\n"));
        let said = deployment.refused(1, &["person", "import", file]);
        assert!(
            said.contains("people.jsonl:3: ")
                && said.contains(part)
                && said.contains("Nothing was imported"),
            "{what}: {said}"
        );
        assert_eq!(deployment.rows(&["person", "list"]).as_array().unwrap().len(), 1, "{what}");
    }
    import(&format!("{good}\n{}\n", with("login", json!("there"))));
    let done =
        deployment.json(&["person", "import", file, "--skip-existing", "--reason", "migration"]);
    assert_eq!(done, json!({ "people": 1, "keys": 1, "skipped": 1 }));
    let person = deployment.json(&["person", "show", "a"]);
    assert_eq!(
        (&person["keys"][0]["label"], &person["keys"][0]["counter"]),
        (&json!("old key"), &json!(7))
    );
    assert_eq!(person["keys"][0]["attested"], false);
    let csv = deployment.folder.path().join("people.csv");
    std::fs::write(
        &csv,
        "login,name,ローマ字,scopes,groups,valid_until\n\
         x,山田,ＹＡＭＡＤＡ　Ｘ,icu er,g1;g2,2030-01-01\ny,Y,,er,,\n",
    )
    .unwrap();
    assert_eq!(deployment.json(&["person", "import", csv.to_str().unwrap()])["people"], 2);
    let person = deployment.json(&["person", "show", "x"]);
    assert_eq!(
        (&person["scopes"], &person["groups"]),
        (&json!(["er", "icu"]), &json!(["g1", "g2"]))
    );
    // Letters of the width of Japanese ones are those that they stand for.
    assert_eq!(person["latin_name"], "YAMADA X");
    assert_eq!(deployment.json(&["person", "show", "y"])["latin_name"], json!(null));
    // What was imported is published like anyone, also where somebody of that name was before.
    deployment.ok(&["person", "delete", "y"]);
    std::fs::write(&csv, "login,name,scopes\ny,Y again,icu er\n").unwrap();
    deployment.ok(&["person", "import", csv.to_str().unwrap()]);
    let running = deployment.start();
    let terminal = deployment.join(&running, "t", &["icu", "er"]);
    for scope in ["icu", "er"] {
        let mut copy = Copy::default();
        let (head, _) = copy.sync(&terminal, scope);
        assert_eq!((head.root, head.count), (copy.root(), copy.len()));
        assert_eq!(copy.person("y").unwrap().display_name.as_str(), "Y again");
    }
}
