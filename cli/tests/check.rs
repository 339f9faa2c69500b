//! `wardkey config check`, and what `wardkey enable` says before it touches anything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::os::unix::fs::PermissionsExt;

use common::Machine;

const CHECK: &str = "config check --pam DIR/etc/pam.toml --agent DIR/etc/agent.toml";

/// Files that are right; the users of the packages may be missing on the machine that tests.
fn machine() -> Machine {
    let machine = Machine::new();
    std::fs::create_dir(machine.path("etc")).unwrap();
    let agent =
        format!("user = \"root\"\nstate_dir = \"{}/state\"\n", machine.folder.path().display());
    write(&machine, "agent.toml", &agent);
    pam(&machine, "");
    machine
}

fn pam(machine: &Machine, lines: &str) {
    let folder = machine.folder.path().display();
    let text = format!(
        "agent_user = \"root\"\nanchor = \"{folder}/etc/anchor.toml\"\n\
            marks = \"{folder}/marks/marks\"\n{lines}"
    );
    write(machine, "pam.toml", &text);
}

fn write(machine: &Machine, name: &str, text: &str) {
    std::fs::write(machine.path("etc").join(name), text).unwrap();
}

#[test]
fn a_right_configuration_is_right() {
    let machine = machine();
    let ran = machine.run(CHECK, &[], false, false);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "The configuration is right.\n"),
        "{}",
        ran.errors
    );
    let ran = machine.run(&format!("{CHECK} --json"), &[], false, false);
    assert_eq!(ran.json(), serde_json::json!({"problems": []}));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let machine = machine();
    pam(&machine, "touch_seconds = 99\nnouserok = 1\nagent_socket = \"/run/other.sock\"\n");
    write(&machine, "agent.toml", "sokcet = \"/a\"\n[table]\nwait_seconds = 60\n");
    write(&machine, "anchor.toml", "root_key = \"00\"\n");
    std::fs::set_permissions(
        machine.path("etc/agent.toml"),
        std::fs::Permissions::from_mode(0o666),
    )
    .unwrap();
    let ran = machine.run(&format!("{CHECK} --json"), &[], false, false);
    assert_eq!(ran.exit, 3);
    let error = ran.json()["error"].clone();
    assert_eq!(error["code"], "WK-1308");
    let told: Vec<_> = error["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            let file = problem["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            assert!(!problem["fix"].as_str().unwrap().is_empty(), "{problem}");
            (file, problem["line"].as_u64(), problem["key"].as_str().map(str::to_owned))
        })
        .collect();
    let expected = [
        ("pam.toml", Some(4), Some("touch_seconds")),
        ("pam.toml", Some(5), Some("nouserok")),
        ("agent.toml", None, None),
        ("agent.toml", Some(1), Some("sokcet")),
        ("agent.toml", Some(2), None),
        ("agent.toml", Some(3), Some("wait_seconds")),
        ("anchor.toml", Some(1), None),
        ("pam.toml", None, Some("agent_socket")),
        ("pam.toml", None, Some("agent_user")),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(file, line, key)| ((*file).to_owned(), *line, key.map(str::to_owned)))
        .collect();
    assert_eq!(told, expected);
    let ran = machine.run(CHECK, &[], false, false);
    assert!(ran.errors.starts_with("This terminal's configuration is wrong."), "{}", ran.errors);
    assert!(
        ran.errors.contains("pam.toml:5: unknown key \"nouserok\"; fix: remove the line"),
        "{}",
        ran.errors
    );
    assert!(ran.errors.contains("run: chmod go-w "), "{}", ran.errors);
    assert_eq!(ran.errors.lines().count(), 10, "{}", ran.errors);
}

#[test]
fn anchor_and_agent_must_be_of_the_same_terminal() {
    let machine = machine();
    let (key, terminal) = ("01".repeat(32), "02".repeat(16));
    write(&machine, "anchor.toml", &format!("root_key = \"{key}\"\nterminal = \"{terminal}\"\n"));
    let state = machine.path("state");
    std::fs::create_dir(&state).unwrap();
    for name in ["terminal.toml", "terminal.pem", "terminal.key"] {
        let other = "03".repeat(16);
        std::fs::write(
            state.join(name),
            format!("server = \"s\"\nterminal = \"{other}\"\nroot_key = \"{key}\"\n"),
        )
        .unwrap();
        std::fs::set_permissions(state.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let told = |line: &str| {
        let ran = machine.run(CHECK, &[], false, false);
        assert!(ran.errors.contains(line), "{}", ran.errors);
        ran.errors.lines().count() - 1
    };
    let root = nix::unistd::geteuid().is_root();
    let owners = if root { 0 } else { 3 };
    assert_eq!(told("terminal.toml: key \"terminal\" is not that of the trust anchor"), 1 + owners);
    std::fs::set_permissions(state.join("terminal.key"), std::fs::Permissions::from_mode(0o644))
        .unwrap();
    assert_eq!(told("terminal.key: mode 0644 lets others in; fix: run: chmod 600"), 2 + owners);
    std::fs::remove_file(state.join("terminal.pem")).unwrap();
    assert_eq!(
        told("terminal.pem: there is no such file, but a trust anchor; fix: run: wardkey join"),
        3 + owners.min(2)
    );
}

#[test]
fn enabling_begins_with_what_is_missing() {
    let machine = machine();
    let run = |line: &str, root| machine.run(line, &[], true, root);
    for line in ["enable --json", "enable --confirm --json", "disable --json"] {
        let ran = run(line, false);
        assert_eq!(
            (ran.exit, ran.json()["error"]["code"].as_str()),
            (1, Some("WK-1513")),
            "{line}"
        );
    }
    // No question is asked: the scripted person would fail the test.
    assert_eq!(
        run("enable --json", true).json()["error"]["code"],
        "WK-1308",
        "the configuration is not there"
    );
    assert_eq!(run("enable --confirm --json", true).json()["error"]["code"], "WK-1605");
    let ran = run("disable --json", true);
    assert_eq!(
        ran.json(),
        serde_json::json!({
            "enabled": false, "confirmed": false, "changed": false, "services": [],
        })
    );
    assert_eq!(run("disable", true).out, "Logins with keys are disabled already.\n");
    std::fs::write(machine.path("pam.d/common-auth"), "auth required pam_fido.so\n").unwrap();
    for line in ["enable --json", "disable --json"] {
        let ran = run(line, true);
        assert_eq!(
            (ran.exit, ran.json()["error"]["code"].as_str()),
            (1, Some("WK-1604")),
            "{line}"
        );
    }
    assert_eq!(
        std::fs::read_to_string(machine.path("pam.d/common-auth")).unwrap(),
        "auth required pam_fido.so\n"
    );
}

#[test]
fn disabling_names_the_services_that_still_have_the_module() {
    let machine = machine();
    let run = |line: &str| machine.run(line, &[], true, true);
    let service = |name: &str, text: &str| {
        std::fs::write(machine.path(&format!("pam.d/{name}")), text).unwrap();
    };
    service("sshd", "# pam_fido.so\n@include common-auth\n");
    for left in ["sudo.dpkg-old", "sudo~", ".sudo.swp", "sudo.pam-old"] {
        service(left, "auth required pam_fido.so\n");
    }
    assert_eq!(run("disable").out, "Logins with keys are disabled already.\n");

    service("sudo", "auth required pam_fido.so\n");
    let out = run("disable").out;
    assert!(out.contains("in lines of their own: sudo. ") && !out.contains("passwd"), "{out}");

    // The example, as an administrator copies it.
    service("passwd", include_str!("../../config/pam.d/passwd"));
    let out = run("disable").out;
    assert!(out.contains("passwd, sudo. "), "{out}");
    assert!(out.contains("nobody but local accounts gets a password"), "{out}");
    let json = run("disable --json").json();
    assert_eq!(json["services"], serde_json::json!(["passwd", "sudo"]));
    assert_eq!(json["enabled"], false);
}
