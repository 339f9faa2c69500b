//! The server over PostgreSQL: what is its own work, and what a lost connection does. These tests
//! need one: `tests/postgresql/run`.

use super::support::{Deployment, RP_ID, Running, until};

/// A deployment in a database of its own.
fn deployment() -> Deployment {
    let deployment = Deployment::new();
    assert!(deployment.postgresql().is_some(), "run by tests/postgresql/run");
    deployment
}

#[test]
#[ignore = "needs PostgreSQL"]
fn backups_and_restores_are_left_to_postgresql_s_own_tools() {
    let deployment = deployment();
    let to = deployment.folder.path().join("backup");
    for args in [
        ["backup", to.to_str().unwrap(), "--without-keys"].as_slice(),
        &["restore", to.to_str().unwrap(), "--yes"],
        &["restore", to.to_str().unwrap(), "--check"],
    ] {
        let said = deployment.refused(1, args);
        assert!(said.contains("WK-1685") && said.contains("pg_dump"), "{said}");
    }
    assert!(!to.exists());
    // Nobody is warned of backups that are made elsewhere, nor told of a disk that is another's.
    let status = deployment.json(&["status"]);
    assert!(status["database_bytes"].as_u64().unwrap() > 1_000_000, "{status}");
    assert_eq!(status["disk_free_bytes"], serde_json::Value::Null, "{status}");
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_database_has_one_deployment_and_the_file_says_where_it_is() {
    let deployment = deployment();
    let url = deployment.postgresql().unwrap().url();
    let said = std::fs::read_to_string(deployment.database()).unwrap();
    assert!(said.contains(deployment.postgresql().unwrap().name()), "{said}");

    let folder = tempfile::tempdir().unwrap();
    let (path, data) = (folder.path().join("server.toml"), folder.path().join("data"));
    let text = format!(
        "store = \"{0}/wardkey.db\"\nkeys = \"{0}/keys\"\ndatabase = \"{url}\"",
        data.display()
    );
    std::fs::write(&path, text).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wardkey-server"));
    command.arg("--config").arg(&path).args(["init", "--name", "T", "--rp-id", RP_ID]);
    let output = command.args(["--scope", "icu", "--server-name", "localhost"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("WK-1684"), "{said}");
    assert!(!data.join("keys").exists() && !data.join("wardkey.db").exists());
    // The one that is there is as it was.
    assert_eq!(deployment.actions(), ["init"]);
}

/// On a second machine, or when the file of SQLite was removed after a move.
#[test]
#[ignore = "needs PostgreSQL"]
fn a_server_starts_where_there_are_only_the_keys() {
    let deployment = deployment();
    std::fs::remove_file(deployment.database()).unwrap();
    let running = deployment.start();
    deployment.join(&running, "ward-1", &["icu"]);
    running.stop();
    let unit = include_str!("../../../config/systemd/wardkey-server.service");
    let conditions: Vec<&str> = unit.lines().filter(|line| line.starts_with("Condition")).collect();
    let folder = "ConditionPathExists=|/var/lib/wardkey-server";
    assert_eq!(conditions, ["wardkey.db", "keys/publish.key"].map(|at| format!("{folder}/{at}")));
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_second_server_over_the_database_does_not_start_and_nothing_is_signed_twice() {
    let deployment = deployment();
    let running: Running = deployment.start();
    // On another machine: its own folder, with a copy of the keys.
    let config = wardkey_server::config::Config {
        store: deployment.folder.path().join("elsewhere.db"),
        ..deployment.config()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let clock = wardkey_server::clock::Clock::system();
    let refused = runtime
        .block_on(wardkey_server::serve::Server::start(config, clock))
        .map(|_| ())
        .unwrap_err();
    assert_eq!(refused.code().number(), 1683, "{refused}");
    running.stop();
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_server_whose_connections_were_cut_goes_on_and_terminals_hear_of_changes_again() {
    let deployment = deployment();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    for number in 0..3 {
        deployment.postgresql().unwrap().run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        let login = format!("p{number}");
        deployment.ok(&["person", "add", &login, "--name", &login, "--scope", "icu"]);
        until("the change", || {
            let heads = terminal.heads(&running);
            heads.first().is_some_and(|head| head.count == number + 1)
        });
    }
    assert!(deployment.ok(&["audit", "verify"]).contains("none changed"));
}
