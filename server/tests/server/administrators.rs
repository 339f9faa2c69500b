//! People who have a role: given and taken away on the command line, and after a restore.

use serde_json::{Value, json};

use super::restoring::{add, restore};
use super::support::Deployment;
use super::support::admin::{Admin, problem};

fn role_of(deployment: &Deployment, login: &str) -> Value {
    deployment.json(&["person", "show", login])["administrator"].clone()
}

#[test]
fn a_role_is_given_shown_changed_and_taken_away() {
    let deployment = Deployment::with("time_zone = \"UTC\"");
    ["hanako", "taro", "jiro"].iter().for_each(|login| add(&deployment, login));
    assert_eq!(role_of(&deployment, "taro"), Value::Null);

    let said = deployment.ok(&["administrator", "add", "hanako", "--role", "owner"]);
    assert!(
        said.contains("hanako is now owner") && said.contains("Scopes: all. Ends: never"),
        "{said}"
    );
    let given = ["--scope", "icu", "er", "--until", "2099-03-31"];
    let add = ["administrator", "add", "taro", "--role", "help-desk"];
    let added = deployment.json(&[add.as_slice(), &given].concat());
    assert_eq!(added["until"], 4_078_684_800_u64, "the whole day counts: {added}");
    assert_eq!((&added["scopes"], &added["everywhere"]), (&json!(["er", "icu"]), &json!(false)));
    assert!(added["by"].as_str().unwrap().starts_with("unix:"), "{added}");
    let twice = deployment.refused(1, &add);
    assert!(twice.contains("administrator set taro"), "{twice}");

    let logins = |args: &[&str]| {
        let rows = deployment.rows(&[&["administrator", "list"], args].concat());
        let login = |row: &Value| row["login"].as_str().unwrap().to_owned();
        rows.as_array().unwrap().iter().map(login).collect::<Vec<_>>()
    };
    assert_eq!(logins(&[]), ["hanako", "taro"]);
    assert_eq!(logins(&["--role", "owner"]), ["hanako"]);
    assert_eq!(logins(&["--search", "TAR"]), ["taro"]);
    assert_eq!(logins(&["--after", "hanako", "--limit", "1"]), ["taro"]);
    let shown = deployment.ok(&["administrator", "show", "taro"]);
    for part in ["help-desk", "er, icu", "active", "the end of 2099-03-31"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let person = deployment.ok(&["person", "show", "taro"]);
    assert!(person.contains("help-desk, scopes er, icu, active"), "{person}");
    assert_eq!(role_of(&deployment, "taro")["role"], "help-desk");

    let set = ["administrator", "set", "taro"];
    let change = ["--role", "auditor", "--all-scopes", "--without-end"];
    let changed = deployment.json(&[set.as_slice(), &change].concat());
    assert_eq!((&changed["changed"], &changed["until"]), (&json!(true), &Value::Null));
    assert_eq!((&changed["role"], &changed["everywhere"]), (&json!("auditor"), &json!(true)));
    assert_eq!(deployment.json(&set)["changed"], false);
    deployment.unheard(&["person", "disable", "taro"]);
    assert_eq!(role_of(&deployment, "taro")["status"], "disabled");

    assert!(deployment.ok(&["administrator", "remove", "taro"]).contains("no longer auditor"));
    assert_eq!(role_of(&deployment, "taro"), Value::Null);
    for args in [&["administrator", "remove", "taro"][..], &["administrator", "show", "jiro"], &set]
    {
        assert!(deployment.refused(1, args).contains("has no role (WK-1515)"), "{args:?}");
    }
    for wrong in [
        &["--role", "king"][..],
        &["--scope", "icu", "--all-scopes"],
        &["--until", "2099-01-01", "--for", "1d"],
        &["--for", "1d", "--without-end"],
        &["--until", "2001-01-01"],
    ] {
        deployment.refused(2, &[&["administrator", "set", "hanako"], wrong].concat());
    }
    let unbound = ["administrator", "add", "jiro", "--role", "site-administrator"];
    assert!(deployment.refused(1, &unbound).contains("WK-1725"));
}

#[test]
fn who_has_no_key_to_sign_in_with_is_warned_of() {
    let deployment = Deployment::new();
    add(&deployment, "hanako");
    let output = deployment.cli(&["administrator", "add", "hanako", "--role", "owner"]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("warning: hanako has no active key"), "{said}");
    let shown = deployment.json(&["administrator", "show", "hanako"]);
    assert_eq!(shown["warnings"].as_array().unwrap().len(), 1);
}

/// Who made one when the person was nobody in particular would enroll a key with it.
#[test]
fn a_code_of_before_the_role_enrolls_no_key() {
    let deployment = Deployment::new();
    add(&deployment, "hanako");
    let is_open = || deployment.json(&["code", "show", "hanako"])["status"] == "open";
    deployment.ok(&["code", "add", "hanako"]);
    assert!(is_open());
    deployment.ok(&["administrator", "add", "hanako", "--role", "auditor"]);
    assert!(!is_open());
    deployment.ok(&["code", "add", "hanako"]);
    deployment.ok(&["administrator", "set", "hanako", "--without-end"]);
    assert!(is_open(), "nothing changed");
    deployment.ok(&["administrator", "set", "hanako", "--role", "owner"]);
    assert!(!is_open());
}

/// Else whoever may issue codes would enroll a key in an owner's name.
#[test]
fn who_has_a_role_is_let_in_by_an_owner_of_everything_alone() {
    let deployment = Deployment::administrated("");
    add(&deployment, "hanako");
    add(&deployment, "jiro");
    deployment.ok(&["administrator", "add", "hanako", "--role", "auditor"]);
    let running = deployment.start();
    let reason = json!({ "reason": "the key is at home" });
    for (role, scopes) in [
        ("owner", &["icu"][..]),
        ("site-administrator", &["icu"]),
        ("help-desk", &[]),
        ("help-desk", &["icu"]),
    ] {
        let admin = Admin::new(&running, &deployment.api_key(role, scopes));
        for path in ["/v1/people/hanako/codes", "/v1/people/hanako/pass"] {
            let answer = admin.post(path, &reason);
            assert_eq!(problem(&answer), (403, "WK-1728".into()), "{role} {path}");
        }
        let answer = admin.post("/v1/people/jiro/codes", &reason);
        assert_eq!(answer.status, 200, "{role}: {}", answer.body);
        // To shut somebody out does not wait for an owner.
        let answer = admin.post("/v1/people/hanako/disable", &reason);
        assert_eq!(answer.status, 200, "{role}: {}", answer.body);
    }
    let whole = Admin::new(&running, &deployment.api_key("owner", &[]));
    assert_eq!(whole.post("/v1/people/hanako/enable", &reason).status, 200);
    assert_eq!(whole.post("/v1/people/hanako/codes", &reason).status, 200);
}

#[test]
fn a_restore_brings_no_role_back_that_was_taken_away_or_changed_since() {
    let deployment = Deployment::new();
    let logins = ["kept", "removed", "less", "again", "gone", "new", "brief"];
    logins.iter().for_each(|login| add(&deployment, login));
    let owner = |login: &str| {
        deployment.ok(&["administrator", "add", login, "--role", "owner"]);
    };
    ["kept", "removed", "less", "again", "gone"].into_iter().for_each(owner);
    let (backup, _) = deployment.backup("monday");

    let remove = |login: &str| {
        deployment.ok(&["administrator", "remove", login, "--reason", "another ward"]);
    };
    ["removed", "again"].into_iter().for_each(remove);
    deployment.ok(&["administrator", "set", "less", "--role", "auditor"]);
    deployment.ok(&["administrator", "add", "again", "--role", "auditor"]);
    deployment.ok(&["person", "delete", "gone"]);
    ["new", "brief"].into_iter().for_each(owner);
    remove("brief");

    let check = deployment.json(&restore(&backup, &["--check"]));
    let done = deployment.json(&restore(&backup, &["--replace", "--yes"]));
    for replayed in [&check["replayed"], &done["report"]["replayed"]] {
        assert_eq!(replayed["administrators"], json!(["again", "less", "removed"]));
        assert_eq!((&replayed["people"], &replayed["unknown"]), (&json!(["gone"]), &json!([])));
        // To be done again by hand.
        let lost = json!({ "administrator.add": 3, "administrator.set": 1 });
        assert_eq!(replayed["lost"], lost);
    }
    assert_eq!(role_of(&deployment, "kept")["role"], "owner");
    for login in ["removed", "less", "again", "new", "brief"] {
        assert_eq!(role_of(&deployment, login), Value::Null, "{login}");
    }
    assert_eq!(deployment.rows(&["administrator", "list"]).as_array().unwrap().len(), 1);
    deployment.ok(&["audit", "verify"]);
}
