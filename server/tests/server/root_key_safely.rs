//! The root key is exchanged, and what lies about from before does no harm.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::publish_key::path;
use super::support::Deployment;

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
