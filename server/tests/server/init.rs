//! A new deployment: asked for what is for ever, made whole or not at all, nobody else's to read.

use std::os::unix::fs::MetadataExt;

use super::support::{Deployment, RP_ID};

#[test]
fn files_are_the_owner_s_alone() {
    let deployment = Deployment::new();
    let keys = deployment.folder.path().join("data/keys");
    assert_eq!(std::fs::metadata(&keys).unwrap().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(keys).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o777, 0o600);
    }
    assert_eq!(std::fs::metadata(deployment.database()).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn half_an_init_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    let data = folder.path().join("data");
    std::fs::write(
        &path,
        format!("store = \"{0}/wardkey.db\"\nkeys = \"{0}/keys\"", data.display()),
    )
    .unwrap();
    let init = |name: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wardkey-server"));
        let args =
            ["init", "--name", "T", "--rp-id", RP_ID, "--scope", "icu", "--server-name", name];
        command.arg("--config").arg(&path).args(args).output().unwrap().status
    };
    assert_eq!(init("not a dns name").code(), Some(2));
    assert!(!data.exists());
    // A folder that cannot be written stops it in the middle: the keys are there, the store is not.
    std::fs::create_dir(&data).unwrap();
    std::fs::create_dir(data.join("wardkey.db-wal")).unwrap();
    assert!(!init("localhost").success());
    std::fs::remove_dir(data.join("wardkey.db-wal")).unwrap();
    // Locks stay: whoever waits for one would have another than who comes next.
    let left = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name());
    let mut left: Vec<_> = left.collect();
    left.sort();
    assert_eq!(left, ["wardkey.lock", "wardkey.running"]);
    assert!(init("localhost").success());
}

#[test]
fn what_cannot_be_a_relying_party_id_is_refused_before_it_is_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    let data = folder.path().join("data");
    std::fs::write(
        &path,
        format!("store = \"{0}/wardkey.db\"\nkeys = \"{0}/keys\"", data.display()),
    )
    .unwrap();
    let init = |rp_id: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wardkey-server"));
        let args = [
            "init",
            "--name",
            "T",
            "--rp-id",
            rp_id,
            "--scope",
            "icu",
            "--server-name",
            "127.0.0.1",
        ];
        let output = command.arg("--config").arg(&path).args(args).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    for (rp_id, part) in [
        ("192.0.2.1", "IP address"),
        ("wardkey", "one word"),
        ("example.org:8443", "port"),
        ("https://example.org", "web page"),
        ("Example.org", "example.org"),
        ("example.org.", "dot"),
    ] {
        let (status, said) = init(rp_id);
        assert_eq!(status, Some(2), "{rp_id}: {said}");
        assert!(said.contains(part), "{rp_id}: {said}");
        assert!(!data.exists(), "{rp_id}");
    }
    // At a terminal it asks first.
    let at_a_terminal = |answer: &str| {
        let program = env!("CARGO_BIN_EXE_wardkey-server");
        let line = format!(
            "{program} --config {} init --name T --rp-id example.org \
             --server-name 127.0.0.1 --scope icu",
            path.display()
        );
        let mut script = std::process::Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).stdin(std::process::Stdio::piped());
        let mut child = script.stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (status, said) = at_a_terminal("yes\n");
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("for ever") && said.contains("not confirmed"), "{said}");
    assert!(!data.join("wardkey.db").exists());
    assert_eq!(at_a_terminal("example.org\n").0, Some(0));
    std::fs::remove_dir_all(&data).unwrap();

    let (status, said) = init("example.org");
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("example.org (for ever)"), "{said}");
    // A second time: nothing is touched, and it says how to start over.
    let (status, said) = init("other.example");
    assert_eq!(status, Some(1));
    assert!(said.contains("start over") && said.contains("keys"), "{said}");
}
