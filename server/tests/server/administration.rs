//! The command line: exit statuses, messages, the trail, imports, bad files.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::support::{Deployment, RP_ID};

#[test]
fn exit_statuses_and_codes_say_what_to_do() {
    let deployment = Deployment::new();
    let add = ["person", "add", "a", "--name", "A", "--scope", "icu"];
    deployment.ok(&add);
    for (status, args, part) in [
        (1, &add[..], "WK-1516"),
        (1, &["person", "add", "b", "--name", "B", "--scope", "nowhere"], "WK-1515"),
        (1, &["person", "show", "nobody"], "WK-1515"),
        (1, &["person", "disable", "nobody"], "WK-1515"),
        (1, &["code", "issue", "nobody"], "WK-1515"),
        (1, &["terminal", "revoke", "nowhere"], "WK-1515"),
        (1, &["scope", "add", "icu"], "exists already"),
        (
            1,
            &["init", "--name", "X", "--rp-id", RP_ID, "--server-name", "x"],
            "nothing was changed",
        ),
        (
            1,
            &[
                "person",
                "add",
                "c",
                "--name",
                "C",
                "--scope",
                "icu",
                "--valid-from",
                "2026-02-01",
                "--valid-until",
                "2026-01-01",
            ],
            "ends before",
        ),
        (2, &["person", "add", "bad name", "--name", "X", "--scope", "icu"], "login name"),
        (2, &["person", "add", "c", "--name", "X"], "--scope"),
        (2, &["scope", "add", "ICU"], "scope name"),
        (2, &["terminal", "token", "--scope", "icu", "--expires", "1y"], "24h"),
        (2, &["nonsense"], "nonsense"),
        (2, &["person", "import", "people.txt"], "--format"),
        (2, &["terminal", "withdraw-token", "xyz"], "16 hexadecimal digits"),
    ] {
        let said = deployment.refused(status, args);
        assert!(said.contains(part), "{args:?}: {said}");
    }
    let output = deployment.cli(&["--json", "person", "show", "nobody"]);
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(
        (&error["error"]["code"], &error["error"]["number"]),
        (&json!("WK-1515"), &json!(1515))
    );
    assert!(output.stdout.is_empty());
    // What clap refuses has the same shape.
    let output =
        deployment.cli(&["--json", "person", "add", "a b", "--name", "A", "--scope", "icu"]);
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((output.status.code(), &error["error"]["code"]), (Some(2), &json!("WK-1516")));
    assert!(error["error"]["message"].as_str().unwrap().contains("login name"), "{error}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_wrong_configuration_names_file_line_key_and_fix() {
    let deployment = Deployment::new();
    deployment.configure("head_second = 5");
    let said = deployment.refused(3, &["run"]);
    for part in ["server.toml", "line 4", "head_second", "head_seconds", "WK-1308"] {
        assert!(said.contains(part), "{said}");
    }
    std::fs::remove_file(deployment.path()).unwrap();
    assert!(deployment.refused(3, &["person", "list"]).contains("--config"));
}

#[test]
fn config_check_says_file_line_key_and_fix_and_starts_nothing() {
    let deployment = Deployment::new();
    let check = |json: bool| {
        let output = deployment.cli(if json {
            &["--json", "config", "check"]
        } else {
            &["config", "check"]
        });
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    assert_eq!(check(false).0, Some(0));
    let sound: serde_json::Value = serde_json::from_str(&check(true).1).unwrap();
    assert_eq!(sound["ok"], true);
    // Everything that is wrong at once, not one after the other.
    deployment.configure("head_seconds = 1\n[limits]\nevents = 0");
    let (status, text) = check(false);
    assert_eq!(status, Some(3));
    let file = deployment.path().display().to_string();
    for part in
        [format!("{file}:4: head_seconds: 2 to 86400"), format!("{file}:6: events: at least 1")]
    {
        assert!(text.contains(&part), "{text} lacks {part}");
    }
    let wrong: serde_json::Value = serde_json::from_str(&check(true).1).unwrap();
    let wrong = &wrong["error"];
    assert_eq!((&wrong["code"], &wrong["problems"][0]["line"]), (&json!("WK-1308"), &json!(4)));
    assert_eq!(wrong["problems"][1]["key"], "events");
    // A key that is not known; a file of roots that holds none.
    deployment.configure("head_secnds = 1");
    assert!(check(true).1.contains("head_secnds"));
    let roots = deployment.folder.path().join("roots.pem");
    std::fs::write(&roots, "no certificate").unwrap();
    deployment.configure(&format!("attestation_roots = [\"{}\"]", roots.display()));
    let (status, text) = check(false);
    assert!(
        status == Some(3) && text.contains("roots.pem") && text.contains(":4: attestation_roots"),
        "{text}"
    );
    // Keys that others can read.
    deployment.configure("");
    let key = deployment.folder.path().join("data/keys/publish.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(check(false).1.contains("publish.key: others can read it; run: chmod 600"));
    // A file that is not there.
    std::fs::remove_file(deployment.path()).unwrap();
    assert_eq!(check(true).0, Some(3));
}

#[test]
fn keys_that_others_can_read_or_that_are_not_there_are_refused() {
    let deployment = Deployment::new();
    let keys = deployment.folder.path().join("data/keys");
    for (file, command) in [
        ("publish.key", vec!["run"]),
        ("ca.key", vec!["run"]),
        ("code.key", vec!["code", "issue", "a"]),
    ] {
        deployment.cli(&["person", "add", "a", "--name", "A", "--scope", "icu"]);
        let path = keys.join(file);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(deployment.refused(3, &command).contains("chmod 600"), "{file}");
        std::fs::rename(&path, keys.join("away")).unwrap();
        assert!(deployment.refused(3, &command).contains(file), "{file}");
        std::fs::rename(keys.join("away"), &path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    // Another deployment's publish key: nothing is signed with it.
    let other = Deployment::new();
    std::fs::copy(other.folder.path().join("data/keys/publish.key"), keys.join("publish.key"))
        .unwrap();
    assert!(deployment.refused(3, &["run"]).contains("does not name this key"));
    // The root key may be kept elsewhere.
    std::fs::remove_file(other.folder.path().join("data/keys/root.key")).unwrap();
    other.start().stop();
}

#[test]
fn a_store_that_is_gone_or_damaged_is_said_and_not_replaced() {
    let deployment = Deployment::new();
    let database = deployment.database();
    let whole = std::fs::read(&database).unwrap();
    std::fs::write(&database, b"this is not a database, and never was one").unwrap();
    let said = deployment.refused(4, &["person", "list"]);
    assert!(said.contains("WK-1305"), "{said}");
    assert_eq!(std::fs::read(&database).unwrap(), b"this is not a database, and never was one");
    std::fs::remove_file(&database).unwrap();
    deployment.refused(4, &["run"]);
    assert!(
        !database.exists(),
        "an empty store in place of a lost one would look like a working one"
    );
    std::fs::write(&database, whole).unwrap();
    deployment.ok(&["person", "list"]);
}

#[test]
fn every_act_is_in_the_trail_with_actor_and_reason_and_none_can_be_changed() {
    let deployment = Deployment::new();
    let acts: &[(&str, &[&str])] = &[
        (
            "person.add",
            &["person", "add", "a", "--name", "A", "--scope", "icu", "--reason", "why-1"],
        ),
        ("person.set", &["person", "set", "a", "--name", "AA", "--reason", "why-2"]),
        ("person.disable", &["person", "disable", "a", "--reason", "why-3"]),
        ("person.enable", &["person", "enable", "a", "--reason", "why-4"]),
        ("code.issue", &["code", "issue", "a", "--reason", "why-5"]),
        ("code.withdraw", &["code", "withdraw", "a", "--reason", "why-6"]),
        (
            "scope.share",
            &["scope", "share", "nurse", "--scope", "icu", "--group", "g", "--reason", "why-7"],
        ),
        ("epoch.raise", &["epoch", "raise", "--reason", "why-8"]),
        (
            "administrator.add",
            &["administrator", "add", "a", "--role", "owner", "--reason", "why-10"],
        ),
        (
            "administrator.set",
            &["administrator", "set", "a", "--role", "auditor", "--reason", "why-11"],
        ),
        ("administrator.remove", &["administrator", "remove", "a", "--reason", "why-12"]),
        ("person.delete", &["person", "delete", "a", "--reason", "why-9\u{7}\n"]),
    ];
    for (action, args) in acts {
        deployment.ok(args);
        let row = deployment.rows(&["audit", "list", "--limit", "1"])[0].clone();
        assert_eq!(row["action"], *action);
        assert!(row["reason"].as_str().unwrap().starts_with("why-"), "{row}");
        assert!(row["actor"].as_str().unwrap().starts_with("unix:"), "{row}");
    }
    deployment.ok(&["terminal", "token", "--scope", "icu"]);
    deployment.ok(&["scope", "add", "ward-7"]);
    assert_eq!(deployment.actions()[..2], ["scope.add", "terminal.token"]);
    // Lessons: control characters in a reason reach no line.
    let trail = deployment.ok(&["audit", "list"]);
    assert!(trail.contains("why-9??"), "{trail}");
    assert!(deployment.ok(&["audit", "verify"]).contains("none changed"));

    const TAMPER: &str = "UPDATE audit SET reason = 'nothing' WHERE action = 'person.disable'";
    if let Some(database) = deployment.postgresql() {
        for sql in ["DELETE FROM audit", "UPDATE audit SET actor = 'x'", "TRUNCATE audit"] {
            database.try_running(sql).unwrap_err();
        }
        // Who takes the guard away is found by the chain.
        database.run(&format!("DROP TRIGGER audit_is_fixed ON audit; {TAMPER}"));
        assert!(deployment.refused(4, &["audit", "verify"]).contains("damaged"));
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let url = format!("sqlite://{}", deployment.database().display());
        let mut db = sqlx::SqliteConnection::connect(&url).await.unwrap();
        for sql in
            ["DELETE FROM audit", "UPDATE audit SET actor = 'x'", "DELETE FROM event WHERE 1"]
        {
            let done = sqlx::query(sql).execute(&mut db).await;
            assert!(done.is_err() || sql.contains("event"), "{sql}");
        }
        // Who takes the guard away is found by the chain.
        sqlx::query("DROP TRIGGER audit_is_fixed").execute(&mut db).await.unwrap();
        sqlx::query(TAMPER).execute(&mut db).await.unwrap();
    });
    assert!(deployment.refused(4, &["audit", "verify"]).contains("damaged"));
}

#[test]
fn people_are_shown_as_they_were_given() {
    let deployment = Deployment::with("time_zone = \"UTC\"");
    deployment.ok(&[
        "person",
        "add",
        "yamada",
        "--name",
        "山田 花子",
        "--scope",
        "icu",
        "er",
        "--group",
        "nurses",
        "leads",
        "--language",
        "en",
        "--valid-from",
        "2026-04-01",
        "--valid-until",
        "2027-04-01T00:00:00+09:00",
    ]);
    let person = deployment.json(&["person", "show", "yamada"]);
    assert_eq!(person["name"], "山田 花子");
    assert_eq!((&person["language"], &person["status"]), (&json!("en"), &json!("active")));
    assert_eq!(
        (&person["scopes"], &person["groups"]),
        (&json!(["er", "icu"]), &json!(["leads", "nurses"]))
    );
    assert_eq!(
        (&person["valid_from"], &person["valid_until"]),
        (&json!(1_775_001_600), &json!(1_806_505_200))
    );
    deployment.ok(&["person", "set", "yamada", "--always-valid", "--group"]);
    let person = deployment.json(&["person", "show", "yamada"]);
    assert_eq!((&person["valid_from"], &person["groups"]), (&json!(null), &json!([])));
    assert_eq!(person["scopes"], json!(["er", "icu"]));
    deployment.ok(&["person", "add", "sato", "--name", "佐藤", "--scope", "er"]);
    assert_eq!(deployment.rows(&["person", "list"]).as_array().unwrap().len(), 2);
    assert_eq!(deployment.rows(&["person", "list", "--scope", "icu"]).as_array().unwrap().len(), 1);
    deployment.refused(1, &["person", "list", "--scope", "nowhere"]);
}

#[test]
fn the_command_is_well_formed_for_manuals_and_completions() {
    let command = wardkey_server::command();
    command.clone().debug_assert();
    let names: Vec<_> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in
        ["init", "run", "person", "key", "terminal", "code", "scope", "events", "audit", "epoch"]
    {
        assert!(names.contains(&name.to_owned()), "{name}");
    }
}

#[test]
fn the_server_stops_cleanly_on_sigterm_and_serves_again() {
    let deployment = Deployment::new();
    for _ in 0..2 {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_wardkey-server"))
            .arg("--config")
            .arg(deployment.path())
            .arg("run")
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines =
            std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
        let line =
            lines.find(|line| line.as_ref().unwrap().contains("listening")).unwrap().unwrap();
        assert!(line.contains("address=127.0.0.1:"), "{line}");
        let pid = nix::unistd::Pid::from_raw(child.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(!deployment.database().with_extension("db-wal").exists(), "the log is folded in");
    }
}
