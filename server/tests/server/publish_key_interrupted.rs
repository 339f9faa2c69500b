//! Exchanges of the publish key that end in the middle.

use std::time::Duration;

use super::fleet::again;
use super::publish_key::{keyring, path, publish_key, time_by};
use super::publishing::ward;
use super::support::Deployment;
use super::support::follower::{Follower, is_all_signed_by};

#[test]
fn a_command_that_ends_before_or_after_the_commit_leaves_keys_by_which_the_server_goes_on() {
    let (deployment, running, terminal) = ward();
    let mut follower = Follower::new(&running, &terminal);
    follower.follow(&terminal);
    running.stop();
    let (own, next) = (path(&deployment, "publish.key"), path(&deployment, "publish.next.key"));
    let old = publish_key(&deployment).public();

    // Before: a key lies there that nobody has named.
    keyring(&deployment).make_next().unwrap();
    let running = deployment.start();
    let terminal = again(terminal, &running);
    is_all_signed_by(&Follower::new(&running, &terminal).follow(&terminal), old);
    running.stop();
    assert_eq!(publish_key(&deployment).public(), old);

    // After: it is named, and lies where it was made.
    let kept = std::fs::read(&own).unwrap();
    deployment.ok(&["publish-key", "rotate", "--stolen"]);
    let new = publish_key(&deployment).public();
    std::fs::rename(&own, &next).unwrap();
    std::fs::write(&own, kept).unwrap();
    // No key file of ours is readable by others.
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (backup, _) = deployment.backup("between");
    let check = ["restore", backup.to_str().unwrap(), "--check"];
    deployment.ok(&check);
    let running = deployment.start();
    let terminal = again(terminal, &running);
    is_all_signed_by(&follower.follow(&terminal), new);
    assert!(!next.exists(), "a start tidies");
    assert_eq!(publish_key(&deployment).public(), new);
    assert_eq!(follower.keys(), [new]);
}

/// The folder as each moment after the commit leaves it, of a key of the log in a file of its own.
#[test]
fn after_the_commit_of_a_theft_nothing_that_was_stolen_signs_the_log() {
    let deployment = Deployment::new();
    deployment.ok(&["publish-key", "rotate"]);
    deployment.ok(&["publish-key", "retire"]);
    let verifier = || deployment.json(&["log", "show"])["verifier"].clone();
    let (own, next) = (path(&deployment, "publish.key"), path(&deployment, "publish.next.key"));
    let log = path(&deployment, "log.key");
    let (before, stolen) = (verifier(), [own.clone(), log.clone()]);
    let stolen = stolen.map(|path| (std::fs::read(&path).unwrap(), path));
    deployment.ok(&["publish-key", "rotate", "--stolen"]);
    let after = verifier();
    assert_ne!(after, before);
    assert!(!log.exists());

    std::fs::rename(&own, &next).unwrap();
    for (bytes, path) in &stolen {
        std::fs::write(path, bytes).unwrap();
        let own = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path, own).unwrap();
    }
    assert_eq!(verifier(), after, "committed");
    // Whoever has an export of this moment can check it.
    let export = deployment.folder.path().join("export");
    let export = export.to_str().unwrap();
    deployment.ok(&["log", "export", export]);
    deployment.ok(&["log", "check", export]);
    deployment.ok(&["log", "check", export, "--key", after.as_str().unwrap()]);
    std::fs::remove_file(&log).unwrap();
    assert_eq!(verifier(), after, "the log's file is gone");

    let running = deployment.start();
    assert!(!next.exists(), "a start tidies");
    assert_eq!(verifier(), after);
    running.stop();
}

#[test]
fn kill_9_at_any_moment_of_an_exchange_leaves_a_deployment_that_publishes() {
    let (deployment, running, terminal) = ward();
    let mut follower = Follower::new(&running, &terminal);
    follower.follow(&terminal);
    running.stop();
    let mut terminal = terminal;
    for delay in (0..12).map(|step| Duration::from_millis(step * 5)) {
        deployment.killed_after(delay, &["publish-key", "rotate", "--stolen"]);

        let running = deployment.start();
        terminal = again(terminal, &running);
        follower.follow(&terminal);
        let newest = running.root();
        assert_eq!(*follower.root, newest, "{delay:?}");
        time_by(&terminal, *newest.publish_keys.last().unwrap());
        running.stop();
        deployment.ok(&["audit", "verify"]);
    }
}
