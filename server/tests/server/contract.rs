//! One contract for every command: verbs, lists in pages, questions before what hits the wrong one,
//! and what comes next.

use serde_json::{Value, json};

use super::json::is_error;
use super::support::Deployment;
use super::support::authenticator::{Maker, Making};
use super::support::ward::enroll;

fn add(deployment: &Deployment, login: &str) {
    deployment.ok(&["person", "add", login, "--name", login, "--scope", "icu"]);
}

/// The names in a page, and where to go on.
fn page(deployment: &Deployment, args: &[&str], name: &str) -> (Vec<String>, Option<String>) {
    let listing = deployment.json(args);
    let items = listing["items"].as_array().unwrap();
    let names = items.iter().map(|item| item[name].as_str().unwrap().to_owned()).collect();
    let next = listing["next"].as_str().map(str::to_owned);
    assert_eq!(listing["more"], Value::from(next.is_some()), "{args:?}");
    (names, next)
}

#[test]
fn every_list_is_given_in_pages_that_say_where_to_go_on() {
    let deployment = Deployment::new();
    for login in ["a", "b", "c"] {
        add(&deployment, login);
        deployment.ok(&["code", "add", login]);
        deployment.ok(&["token", "add", "--scope", "icu"]);
        deployment.ok(&[
            "account",
            "set",
            &format!("ward-{login}"),
            "--scope",
            "icu",
            "--group",
            "g",
        ]);
    }
    for (list, name) in [
        (&["person", "list"][..], "login"),
        (&["person", "list", "--scope", "icu"], "login"),
        (&["code", "list"], "login"),
        (&["token", "list"], "id"),
        (&["account", "list"], "account"),
        (&["audit", "list"], "action"),
    ] {
        let (all, _) = page(&deployment, list, name);
        let (mut seen, mut next) = (Vec::new(), None::<String>);
        loop {
            let after: Vec<&str> =
                next.iter().flat_map(|next| ["--after", next.as_str()]).collect();
            let (names, following) =
                page(&deployment, &[list, &["--limit", "2"], after.as_slice()].concat(), name);
            assert!(names.len() <= 2, "{list:?}");
            seen.extend(names);
            next = following;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(seen, all, "{list:?}");
        assert!(seen.len() >= 3, "{list:?}");
    }
    // People see it too.
    let output = deployment.cli(&["person", "list", "--limit", "1"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("more") && said.contains("--after a"), "{said}");
    assert!(deployment.cli(&["person", "list"]).stderr.is_empty());
    deployment.refused(2, &["person", "list", "--limit", "0"]);
}

#[test]
fn lists_are_searched() {
    let deployment = Deployment::new();
    deployment.ok(&["person", "add", "hanako", "--name", "Yamada Hanako", "--scope", "icu"]);
    add(&deployment, "taro");
    let found = |args: &[&str], name: &str| page(&deployment, args, name).0;
    assert_eq!(found(&["person", "list", "--search", "YAMADA"], "login"), ["hanako"]);
    deployment.ok(&["code", "add", "taro"]);
    assert_eq!(found(&["code", "list", "--search", "tar"], "login"), ["taro"]);
    assert!(found(&["code", "list", "--search", "hanako"], "login").is_empty());
    assert_eq!(found(&["scope", "list", "--search", "ic"], "name"), ["icu"]);
    assert_eq!(found(&["audit", "list", "--search", "YAMADA"], "object"), ["hanako"]);
    assert_eq!(found(&["audit", "list", "--search", "code."], "action"), ["code.issue"]);
    assert_eq!(found(&["terminal", "list", "--search", "none"], "id"), [""; 0]);
    assert_eq!(found(&["key", "list", "--search", "none"], "person"), [""; 0]);
}

#[test]
fn every_list_has_a_search_a_limit_and_a_place_to_go_on_from() {
    fn lists(command: &clap::Command, found: &mut usize) {
        if command.get_name() == "list" {
            let has = |name: &str| command.get_arguments().any(|arg| arg.get_id() == name);
            assert!(has("search") && has("limit") && has("after"), "{command:?}");
            *found += 1;
        }
        command.get_subcommands().for_each(|sub| lists(sub, found));
    }
    let mut found = 0;
    lists(&wardkey_server::command(), &mut found);
    assert!(found >= 10, "{found}");
}

#[test]
fn a_few_digits_of_a_key_never_hit_somebody_else_s_unasked() {
    let deployment = Deployment::new();
    add(&deployment, "yamada");
    add(&deployment, "sato");
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let code = deployment.ok(&["code", "add", "yamada"]);
    let (key, _) = enroll(&terminal, &code, &Maker::new(), Making::default());
    let (few, shown) = (&key.fingerprint()[..4], &key.fingerprint()[..16]);
    let status = || deployment.json(&["key", "show", few])["status"].clone();

    // A script has to say whose it is, and is told whose it was.
    for verb in ["disable", "delete", "enable"] {
        let said = deployment.refused(1, &["key", verb, few]);
        assert!(said.contains("WK-1553") && said.contains("yamada"), "{said}");
    }
    let said = deployment.refused(1, &["key", "disable", few, "--person", "sato"]);
    assert!(said.contains("WK-1552"), "{said}");
    assert_eq!(status(), "active");

    deployment.ok(&["key", "disable", few, "--person", "yamada"]);
    assert_eq!(status(), "disabled");
    deployment.ok(&["key", "enable", few, "--yes"]);
    // All that "key list" shows is more than anybody mistypes into another key.
    deployment.ok(&["key", "disable", shown]);
    assert_eq!(status(), "disabled");

    // At a terminal it asks, and says whose it is.
    let at_a_terminal = |answer: &str, verb: &str| {
        let program = env!("CARGO_BIN_EXE_wardkey-server");
        let line = format!("{program} --config {} key {verb} {few}", deployment.path().display());
        let mut script = std::process::Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).stdin(std::process::Stdio::piped());
        let mut child = script.stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (exit, said) = at_a_terminal("n\n", "enable");
    assert!(exit == Some(1) && said.contains("yamada") && said.contains("[y/N]"), "{said}");
    assert_eq!(status(), "disabled");
    assert_eq!(at_a_terminal("y\n", "enable").0, Some(0));
    assert_eq!(status(), "active");

    let listed = deployment.rows(&["key", "list"]);
    assert_eq!((&listed[0]["person"], listed.as_array().unwrap().len()), (&json!("yamada"), 1));
    running.stop();
}

#[test]
fn a_token_and_a_code_say_until_when_and_what_comes_next() {
    let deployment = Deployment::with("time_zone = \"UTC\"");
    add(&deployment, "yamada");
    for (args, next) in [
        (&["code", "add", "yamada", "--expires", "2h"][..], "wardkey enroll"),
        (&["code", "issue", "yamada"], "wardkey enroll"),
        (&["enroll", "yamada"], "wardkey enroll"),
        (&["enrol", "yamada"], "wardkey enroll"),
        (&["token", "add", "--scope", "icu"], "wardkey join"),
        (&["terminal", "token", "--scope", "icu"], "wardkey join"),
    ] {
        let output = deployment.cli(args);
        // What is copied or read by a script stands alone.
        let value = String::from_utf8(output.stdout).unwrap();
        assert_eq!(value.split_whitespace().count(), 1, "{args:?}: {value}");
        let notes = String::from_utf8(output.stderr).unwrap();
        assert!(notes.contains("until 20") && notes.contains(next), "{args:?}: {notes}");
        let json = deployment.cli(&[&["--json"], args].concat());
        assert!(json.stderr.is_empty());
        assert!(
            serde_json::from_slice::<Value>(&json.stdout).unwrap()["expires"].is_u64(),
            "{args:?}"
        );
    }
}

#[test]
fn old_spellings_are_understood_and_hidden() {
    let deployment = Deployment::new();
    add(&deployment, "yamada");
    let running = deployment.start();
    let _terminal = deployment.join(&running, "ward-1", &["icu"]);
    for args in [
        &["terminal", "set-scopes", "ward-1", "--scope", "icu", "er"][..],
        &["terminal", "revoke", "ward-1"],
        &["terminal", "enable", "ward-1"],
        &["scope", "set-offline", "icu", "--soft", "1h", "--degraded", "2h", "--hard", "3h"],
        &["scope", "set-lockout", "icu", "--threshold", "5", "--delay", "30s", "--longest", "1h"],
        &["scope", "share", "ward", "--scope", "icu", "--group", "g"],
        &["code", "issue", "yamada"],
        &["code", "withdraw", "yamada"],
        &["event", "list"],
    ] {
        deployment.ok(args);
    }
    let shown = deployment.ok(&["scope", "show", "icu"]);
    assert!(shown.contains("1/2/3 h") && shown.contains("ward:g"), "{shown}");
    for (args, old) in [
        (&["terminal", "--help"][..], "revoke"),
        (&["terminal", "--help"], "set-scopes"),
        (&["scope", "--help"], "set-offline"),
        (&["code", "--help"], "withdraw "),
        (&["help"], "enrol "),
    ] {
        let help = deployment.ok(args);
        assert!(!help.contains(old), "{args:?} shows {old}");
    }
    let terminal = deployment.json(&["terminal", "show", "ward-1"]);
    assert_eq!(
        (&terminal["status"], &terminal["scopes"]),
        (&json!("active"), &json!(["er", "icu"]))
    );
    running.stop();
}

#[test]
fn names_that_a_careful_administrator_would_not_give_are_refused_or_pointed_out() {
    let deployment = Deployment::new();
    add(&deployment, "taro");
    for (login, code) in [("root", "WK-1550"), ("Taro", "WK-1551")] {
        let said =
            deployment.refused(1, &["person", "add", login, "--name", "X", "--scope", "icu"]);
        assert!(said.contains(code), "{said}");
    }
    let path = deployment.folder.path().join("people.csv");
    std::fs::write(&path, "login,name,scopes\nroot,R,icu\nTARO,T,icu\n").unwrap();
    let said = deployment.refused(1, &["person", "import", path.to_str().unwrap()]);
    assert!(
        said.contains(":2: ") && said.contains("WK-1550") && said.contains("WK-1551"),
        "{said}"
    );

    let share = ["account", "set", "ward", "--scope", "icu", "--group", "nurse"];
    let output = deployment.cli(&share);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.contains("warning: nobody is in group nurse"),
        "{said}"
    );
    assert_eq!(deployment.json(&share)["warnings"].as_array().unwrap().len(), 1);
    deployment.refused(1, &["account", "delete", "word", "--scope", "icu"]);
    deployment.ok(&["person", "set", "taro", "--add-group", "nurse", "--remove-group", "x"]);
    assert!(deployment.cli(&share).stderr.is_empty());
    deployment.refused(2, &["person", "set", "taro", "--group", "a", "--add-group", "b"]);
}

#[test]
fn the_same_verbs_say_the_same_everywhere() {
    fn verbs(command: &clap::Command, nouns: &[&str], all: &mut Vec<String>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let path = [nouns, &[sub.get_name()]].concat();
            if sub.has_subcommands() {
                verbs(sub, &path, all);
            } else if path.len() > 1 {
                all.push(path.join(" "));
            }
        }
    }
    let mut all = Vec::new();
    verbs(&wardkey_server::command(), &[], &mut all);
    let common = ["list", "show", "add", "set", "disable", "enable", "delete"];
    // What none of these says.
    let own = [
        "person import",
        "key clear-suspicion",
        "loaner lend",
        "loaner return",
        "break-glass clear-alarm",
        "terminal approve",
        "administrator remove",
        "audit verify",
        "log checkpoint",
        "log export",
        "log prove",
        "log check",
        "log verify",
        "archive create",
        "archive verify",
        "archive prune",
        "report logins",
        "report exceptions",
        "report inventory",
        "report coverage",
        "report shared-accounts",
        "publish-key rotate",
        "publish-key retire",
        "root-key rotate",
        "root-key export",
        "ca prepare",
        "ca rotate",
        "ca retire",
        "address retire",
        "epoch raise",
        "clock confirm",
        "config check",
    ];
    all.retain(|path| !common.contains(&path.rsplit(' ').next().unwrap()));
    assert_eq!(all, own);
}

#[test]
fn each_command_has_an_example_and_its_plumbing_at_the_end() {
    fn leaves(command: &clap::Command, path: &str, all: &mut Vec<(String, String)>) {
        let path = format!("{path} {}", command.get_name());
        let mut subs = command.get_subcommands().filter(|sub| !sub.is_hide_set()).peekable();
        if subs.peek().is_none() {
            let help = command.clone().render_long_help().to_string();
            all.push((path.trim().to_owned(), help));
            return;
        }
        subs.filter(|sub| sub.get_name() != "help").for_each(|sub| leaves(sub, &path, all));
    }
    let mut command = wardkey_server::command();
    command.build();
    let mut all = Vec::new();
    leaves(&command, "", &mut all);
    assert!(all.len() > 30, "{all:?}");
    for (path, help) in all.iter().filter(|(path, _)| path != "wardkey-server run") {
        assert!(help.contains(&format!("\n  {path}")), "{path} has no example: {help}");
        let plumbing = help.find("Options of every command").expect(path);
        assert!(help.find("--config").expect(path) > plumbing, "{path}");
        assert!(help.find("--reason").is_none_or(|reason| reason < plumbing), "{path}");
    }
}

#[test]
fn what_is_done_but_not_heard_is_an_answer_and_an_error() {
    let deployment = Deployment::new();
    deployment.ok(&["person", "add", "sato", "--name", "S", "--scope", "icu"]);
    let output = deployment.cli(&["--json", "person", "disable", "sato"]);
    assert_eq!(output.status.code(), Some(5));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["changed"], true);
    is_error("not heard", &serde_json::from_slice(&output.stderr).unwrap());
}
