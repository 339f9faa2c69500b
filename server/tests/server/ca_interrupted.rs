//! Exchanges of the CA that end in the middle, or lie in a backup.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rcgen::KeyPair;
use serde_json::json;
use wardkey_core::message::http::{Base64, JoinReply};

use super::fleet::again;
use super::publish_key::{keyring, path};
use super::publishing::ward;
use super::support::client::{Client, Terminal, request};
use super::support::follower::Follower;

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The folder at each moment at which a command may end.
#[test]
fn a_command_that_ends_before_or_after_the_commit_leaves_a_ca_by_which_the_server_goes_on() {
    let (deployment, running, terminal) = ward();
    let mut follower = Follower::new(&running, &terminal);
    let first = running.root();
    running.stop();
    let names = ["ca.key", "ca.crt", "ca.links.crt"];
    let files =
        || names.map(|name| std::fs::read_to_string(path(&deployment, name)).unwrap_or_default());
    let old = files();

    // Before: one lies there that nobody has named, or nothing of use.
    deployment.ok(&["ca", "prepare"]);
    for damage in [false, true] {
        if damage {
            write(&path(&deployment, "ca.next.pem"), "half of it");
        }
        let running = deployment.start();
        assert_eq!(
            Client::knowing(running.address.port(), None, first.tls_ca.as_slice())
                .get("/healthz")
                .status,
            200
        );
        running.stop();
        assert_eq!(files(), old);
    }
    assert!(deployment.refused(3, &["ca", "rotate"]).contains("ca.next.pem"));
    std::fs::remove_file(path(&deployment, "ca.next.pem")).unwrap();

    // After: it is named, and lies where it was made; or some of its files have their place.
    deployment.ok(&["ca", "rotate"]);
    let new = files();
    let whole = format!("{}{}{}", new[0], new[1], new[2]);
    for moved in 0..=3 {
        write(&path(&deployment, "ca.next.pem"), &whole);
        for (at, name) in ["ca.links.crt", "ca.key", "ca.crt"].iter().enumerate() {
            let of = names.iter().position(|one| one == name).unwrap();
            write(&path(&deployment, name), if at < moved { &new[of] } else { &old[of] });
        }
        if moved == 1 {
            let (backup, _) = deployment.backup("between");
            deployment.ok(&["restore", backup.to_str().unwrap(), "--check"]);
        }
        let running = deployment.start();
        assert_eq!(files(), new, "a start tidies after {moved} files");
        assert!(!path(&deployment, "ca.next.pem").exists());
        let newest = running.root();
        for root in [&first, &newest] {
            let client = Client::knowing(running.address.port(), None, root.tls_ca.as_slice());
            assert_eq!(client.get("/healthz").status, 200, "{moved}");
        }
        running.stop();
    }
    let running = deployment.start();
    follower.follow(&again(terminal, &running));
    assert_eq!(follower.root.version, 2);
    running.stop();

    // Another deployment's CA is none.
    write(&path(&deployment, "ca.key"), &old[0]);
    write(&path(&deployment, "ca.crt"), &old[1]);
    assert!(deployment.refused(3, &["run"]).contains("ca.crt"));
}

#[test]
fn a_backup_of_an_open_exchange_has_both() {
    let (deployment, running, terminal) = ward();
    deployment.ok(&["ca", "rotate"]);
    let (backup, _) = deployment.backup("open");
    // Time passes, and what the backup knows of the terminal's certificate is of before.
    running.pass(5);
    let body = json!({ "csr": Base64(request(&terminal.key)) });
    let reply: JoinReply = terminal.client.post("/v1/renew", &body).json();
    let old = again(terminal, &running);
    let terminal =
        Terminal::new(&running, &reply, KeyPair::from_pem(&old.key.serialize_pem()).unwrap());
    assert_eq!(terminal.wait(&[], 0).status, 200);
    running.stop();
    let backup = backup.to_str().unwrap();
    let restore = || {
        deployment.ok(&["restore", backup, "--replace", "--yes", "--reason", "disk"]);
        deployment.json(&["ca", "show"])["former"].as_array().unwrap().len()
    };
    assert_eq!(restore(), 1);
    let running = deployment.start();
    let terminal = again(terminal, &running);
    assert_eq!(terminal.wait(&[], 0).status, 200);
    assert!(deployment.actions().contains(&"terminal.renewed-since".into()));
    assert_eq!(deployment.json(&["ca", "show"])["have"], 1);
    // The one before is a copy's, as ever.
    running.settle();
    assert_eq!(again(old, &running).wait(&[], 0).refusal(), (403, "WK-1514".into()));
    deployment.ok(&["ca", "retire"]);
    running.settle();
    assert_eq!(terminal.wait(&[], 0).status, 200);
    running.stop();
    assert_eq!(restore(), 0, "what was ended is ended again");
}

#[test]
fn kill_9_at_any_moment_of_an_exchange_of_the_ca_leaves_a_server_that_terminals_believe() {
    let (deployment, running, terminal) = ward();
    let mut follower = Follower::new(&running, &terminal);
    let first = running.root();
    running.stop();
    let mut terminal = terminal;
    for delay in (0..6).map(|step| Duration::from_millis(step * 10)) {
        deployment.killed_after(delay, &["ca", "rotate", "--stolen"]);

        let running = deployment.start();
        terminal = again(terminal, &running);
        follower.follow(&terminal);
        let newest = running.root();
        assert_eq!(*follower.root, newest, "{delay:?}");
        let keys = keyring(&deployment).authority(&newest).unwrap();
        assert!(keys.certificate.starts_with("-----BEGIN"), "{delay:?}");
        for root in [&first, &newest] {
            let client = Client::knowing(running.address.port(), None, root.tls_ca.as_slice());
            assert_eq!(client.get("/healthz").status, 200, "{delay:?}");
        }
        running.stop();
        deployment.ok(&["audit", "verify"]);
    }
}
