//! A deployment that moves from SQLite to PostgreSQL. What moves needs one: `tests/postgresql/run`.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use wardkey_testkit::TestDatabase;

use super::event_log::beats;
use super::json::{is_error, is_japanese};
use super::support::Deployment;
use super::support::client::state;
use super::witnesses::again;

#[test]
fn nothing_is_moved_while_the_server_runs_or_out_of_postgresql_or_to_a_place_that_is_none() {
    let deployment = Deployment::of_a_file();
    let running = deployment.start();
    let said = deployment.refused(1, &["migrate", "--to", "postgresql:///wardkey"]);
    assert!(said.contains("WK-1686") && said.contains("systemctl stop"), "{said}");
    running.stop();

    for (to, part) in [
        ("mysql:///wardkey", "an address such as"),
        ("postgresql://db.example/wardkey", "this machine itself"),
        ("postgresql://me:secret@localhost/wardkey", "no password here"),
    ] {
        let said = deployment.refused(2, &["migrate", "--to", to]);
        assert!(said.contains(part), "{to}: {said}");
    }
    let nowhere = deployment.folder.path().display().to_string();
    let nowhere = format!("postgresql:///wardkey?host={nowhere}");
    let said = deployment.refused(4, &["migrate", "--to", &nowhere]);
    assert!(said.contains("WK-1681"), "{said}");
    assert_eq!(deployment.actions(), ["init"], "the deployment is where it was");

    deployment.configure("database = \"postgresql:///elsewhere\"");
    let said = deployment.refused(1, &["migrate", "--to", &nowhere]);
    assert!(said.contains("WK-1685"), "{said}");
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_deployment_that_moved_goes_on_where_it_was_and_the_old_server_does_not_start() {
    let deployment = Deployment::of_a_file();
    deployment.ok(&["person", "add", "yamada", "--name", "山田花子", "--scope", "icu"]);
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    beats(&terminal, 0..300);
    let head = terminal.heads(&running).remove(0);
    running.stop();
    let log = deployment.json(&["log", "show"])["checkpoint"].clone();
    let numbers = |deployment: &Deployment| {
        let trail = deployment.rows(&["audit", "list"]);
        trail.as_array().unwrap().iter().map(|row| row["chain"].clone()).collect::<Vec<_>>()
    };
    let trail = numbers(&deployment);

    let database = TestDatabase::wanted().expect("run by tests/postgresql/run");
    let url = database.url();
    let output = deployment.cli(&["--json", "migrate", "--to", &url, "--reason", "two servers"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let moved: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(moved["configuration"][0], format!("database = \"{url}\""));
    let events = moved["tables"].as_array().unwrap().iter().find(|table| table["name"] == "event");
    assert_eq!(events.unwrap()["rows"], 300);

    // By mistake: neither a server nor a command goes on with what was before.
    for (args, locale) in [(["status"], "C.UTF-8"), (["run"], "C.UTF-8"), (["run"], "ja_JP.UTF-8")]
    {
        let output = deployment.cli_in(locale, &args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("WK-1688") && said.contains(database.name()), "{said}");
        assert_eq!(is_japanese(&said), locale.starts_with("ja"), "{said}");
    }
    let output = deployment.cli(&["--json", "status"]);
    is_error("status", &serde_json::from_slice(&output.stderr).unwrap());

    // With the line in the configuration all goes on: trail, log, positions, terminals.
    let deployment = deployment.at(database);
    assert_eq!(numbers(&deployment)[1..], trail);
    assert_eq!(deployment.actions()[0], "migrate");
    assert!(deployment.ok(&["audit", "verify"]).contains("none changed"));
    assert_eq!(deployment.json(&["log", "show"])["checkpoint"], log);
    deployment.ok(&["log", "verify"]);
    let running = deployment.start();
    let terminal = again(&terminal, &running);
    let same = terminal.heads(&running).remove(0);
    assert_eq!((same.epoch, same.seq, same.root), (head.epoch, head.seq, head.root));
    deployment.ok(&["person", "disable", "yamada"]);
    let changed = terminal.wait(&[state(&same)], 30);
    assert_eq!(changed.status, 200);
    beats(&terminal, 300..310);
    assert_eq!(deployment.json(&["log", "show"])["size"], 310);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn people_are_told_how_far_it_is_and_what_to_write_where() {
    for (locale, done) in [("C.UTF-8", "read back and compared"), ("ja_JP.UTF-8", "照合しました")]
    {
        let deployment = Deployment::of_a_file();
        let database = TestDatabase::wanted().expect("run by tests/postgresql/run");
        let url = database.url();
        let password = deployment.folder.path().join("password");
        std::fs::write(&password, "anything\n").unwrap();
        std::fs::set_permissions(&password, Permissions::from_mode(0o600)).unwrap();
        // As it stands from the folder in which this is run, and as the service finds it.
        let here = std::env::current_dir().unwrap();
        let up = "../".repeat(here.components().count() - 1);
        let relative = format!("{up}{}", password.strip_prefix("/").unwrap().display());
        let password = format!("{}/{relative}", here.display());
        // The line may stand there already.
        deployment.configure(&format!("database = \"{url}\""));
        let args = ["migrate", "--to", &url, "--password-file", &relative];
        let output = deployment.cli_in(locale, &args);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.contains(done), "{said}");
        for line in [
            format!("  database = \"{url}\""),
            format!("  database_password_file = \"{password}\""),
        ] {
            assert!(said.lines().any(|said| said == line), "{line}: {said}");
        }
        // As often as it is asked, also without the words that stand in the configuration.
        let both = format!("database = \"{url}\"\ndatabase_password_file = \"{password}\"");
        deployment.configure(&both);
        let again = deployment.cli_in(locale, &["migrate", "--to", &url]);
        let said = String::from_utf8(again.stdout).unwrap();
        assert!(again.status.success() && said.contains("password"), "{said}");
        let progress = String::from_utf8(output.stderr).unwrap();
        assert!(progress.contains("setting"), "{progress}");
        assert_eq!(is_japanese(&progress), locale.starts_with("ja"), "{progress}");
    }
}
