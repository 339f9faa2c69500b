//! The root key is exchanged, and what lies about from before does no harm.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::fleet::again;
use super::publish_key::{path, publish_key};
use super::publishing::ward;
use super::support::Deployment;
use super::support::follower::Follower;

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_root_key_that_cannot_be_read_is_neither_gone_nor_lost() {
    let deployment = Deployment::new();
    let own = path(&deployment, "root.key");
    let key = std::fs::read(&own).unwrap();
    for name in ["root.key", "root.next.key"] {
        let file = path(&deployment, name);
        std::fs::rename(&own, &file).unwrap();
        set_mode(&file, 0o644);
        assert_eq!(deployment.json(&["root-key", "show"])["here"], true, "{name}");
        assert_eq!(deployment.json(&["publish-key", "show"])["root_key_here"], true, "{name}");
        deployment.refused(3, &["root-key", "rotate", "--lost"]);
        assert_eq!(std::fs::read(&file).unwrap(), key, "{name}");
        assert_eq!(deployment.json(&["root-key", "show"])["root_version"], 1);
        set_mode(&file, 0o600);
        std::fs::rename(&file, &own).unwrap();
    }
    deployment.ok(&["root-key", "rotate"]);
}

#[test]
fn a_backup_of_before_is_not_put_in_the_place_of_what_has_a_newer_root_key() {
    let deployment = Deployment::new();
    let (backup, recipient) = deployment.backup("before");
    let old = deployment.json(&["root-key", "show"])["root_key"].clone();
    deployment.ok(&["root-key", "rotate"]);
    let backup = backup.to_str().unwrap();
    let said = deployment.refused(1, &["restore", backup, "--replace", "--yes"]);
    assert!(said.contains("WK-1862"), "{said}");
    assert_eq!(deployment.json(&["root-key", "show"])["root_version"], 2);

    // On an empty machine whoever kept the old key in the papers restores it.
    deployment.lose();
    let identity = recipient.file.to_str().unwrap();
    let root = old.as_str().unwrap();
    deployment.ok(&["restore", backup, "--identity", identity, "--yes", "--root", root]);
    assert_eq!(deployment.json(&["root-key", "show"])["root_key"], old);
}

#[test]
fn no_publish_key_is_exchanged_before_terminals_have_joined_again_after_a_lost_root_key() {
    let (deployment, running, one) = ward();
    let mut first = Follower::new(&running, &one);
    first.follow(&one);
    std::fs::remove_file(path(&deployment, "root.key")).unwrap();
    deployment.ok(&["root-key", "rotate", "--lost"]);
    let publish = publish_key(&deployment).public();
    let rotate = ["publish-key", "rotate"];
    let is_refused_for = |count: usize| {
        let said = deployment.refused(1, &rotate);
        assert!(said.contains("WK-1834") && said.contains(&format!(": {count}.")), "{said}");
        assert_eq!(publish_key(&deployment).public(), publish);
        assert!(!path(&deployment, "publish.next.key").exists());
    };
    is_refused_for(1);

    // Who has joined by the new chain, and said so, is not waited for, also with steps to go.
    let two = deployment.join(&running, "ward-2", &["icu"]);
    let mut second = Follower::new(&running, &two);
    second.follow(&two);
    assert!(second.ask(&two, 0).roots.is_empty());
    deployment.ok(&["root-key", "rotate"]);
    running.stop();
    is_refused_for(1);

    // Nor is one that is gone.
    deployment.ok(&["terminal", "disable", "ward-1"]);
    deployment.unheard(&rotate);
    let running = deployment.start();
    let two = again(two, &running);
    second.follow(&two);
    assert_eq!(second.keys(), [publish, publish_key(&deployment).public()]);
}

#[test]
fn a_publish_key_is_exchanged_after_a_lost_root_key_by_whoever_says_so() {
    for how in ["--anyway", "--stolen"] {
        let (deployment, running, terminal) = ward();
        let mut follower = Follower::new(&running, &terminal);
        follower.follow(&terminal);
        std::fs::remove_file(path(&deployment, "root.key")).unwrap();
        deployment.ok(&["root-key", "rotate", "--lost"]);
        let before = publish_key(&deployment).public();
        deployment.ok(&["publish-key", "rotate", how]);
        assert_ne!(publish_key(&deployment).public(), before, "{how}");
    }
    let deployment = Deployment::new();
    deployment.refused(2, &["publish-key", "rotate", "--anyway", "--stolen"]);
}
