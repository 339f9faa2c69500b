//! Where the enrollment console is open, and what is seen of it.

use std::os::unix::fs::PermissionsExt;

use wardkey_core::code::Code;
use wardkey_core::message::agent::{self, Reply as AgentReply};

use super::common::{Machine, status};

#[test]
fn the_console_is_open_where_an_administrator_says_and_nowhere_else() {
    const UNIT: &str = "wardkey-enroll.service";
    const LINK: &str = "etc/systemd/system/multi-user.target.wants/wardkey-enroll.service";
    let machine = Machine::new();
    machine.agent(|request| {
        vec![match request {
            agent::Request::Status => AgentReply::Status(Box::new(status())),
            _ => AgentReply::Refused(agent::Refusal {
                code: Code::NotJoined,
                detail: None,
                retry_after: None,
                record: None,
            }),
        }]
    });
    let link = machine.path(LINK);
    let is_there = || link.symlink_metadata().is_ok();
    let write = |name: &str, text: &str| {
        let path = machine.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    };
    let run = |line: &str| machine.run(line, &[], false, true);
    let state = || run("enroll-console status --json").json()["enabled"].clone();
    let without = run("enroll-console enable");
    assert!(without.exit == 3 && without.errors.contains(UNIT) && !is_there());

    write("usr/lib/systemd/system/wardkey-enroll.service", "");
    let refused = machine.run("enroll-console enable", &[], false, false);
    assert!(refused.errors.contains("WK-1513") && !is_there(), "{}", refused.errors);
    assert_eq!((refused.exit, state()), (1, false.into()));
    assert!(!run("status").out.contains("Enrollment console"));

    // The account has to be as the package makes it.
    let good =
        ("wardkey-enroll:x:997:996::/nonexistent:/usr/sbin/nologin\n", "wardkey-enroll:!*:1:\n");
    let groups = "users:x:100:hanako\nwardkey-enroll:x:996:\n";
    let account = |passwd: &str, shadow: &str, group: &str| {
        write("etc/passwd", &format!("root:x:0:0::/root:/bin/sh\n{passwd}"));
        write("etc/shadow", shadow);
        write("etc/group", group);
    };
    for (passwd, shadow, group, why) in [
        ("hanako:x:1000:100::/home/hanako:/bin/sh\n", "", "", "no such account"),
        (&good.0.replace("997", "0"), good.1, groups, "uid"),
        (&good.0.replace("997", "1000"), good.1, groups, "uid"),
        (&format!("{}agent:x:997:990::/:/bin/false\n", good.0), good.1, groups, "uid"),
        (&good.0.replace("/usr/sbin/nologin", "/bin/sh"), good.1, groups, "shell"),
        (good.0, "wardkey-enroll:$y$j9T$salt$hash:1:\n", groups, "password"),
        (good.0, "wardkey-enroll::1:\n", groups, "password"),
        (&good.0.replace(":x:", "::"), good.1, groups, "password"),
        (good.0, good.1, "tty:x:5:hanako,wardkey-enroll\nwardkey-enroll:x:996:\n", "group"),
        (&good.0.replace("996", "100"), good.1, groups, "group"),
    ] {
        account(passwd, shadow, group);
        let refused = run("enroll-console enable");
        assert!(refused.exit == 1 && refused.errors.contains("WK-1756"), "{}", refused.errors);
        assert!(refused.errors.contains(why) && !is_there(), "{why}: {}", refused.errors);
        let found = run("doctor --json").out;
        assert!(found.contains("WK-1756"), "{why}");
    }
    account(good.0, good.1, groups);

    // The terminal has to be free.
    let getty = "etc/systemd/system/getty.target.wants/getty@tty12.service";
    write(getty, "");
    let taken = run("enroll-console enable");
    assert!(taken.errors.contains("WK-1751") && taken.errors.contains("getty@tty12"));
    std::fs::remove_file(machine.path(getty)).unwrap();
    write("proc/77/comm", "rsyslogd\n");
    std::fs::create_dir(machine.path("proc/77/fd")).unwrap();
    let open = machine.path("proc/77/fd/5");
    std::os::unix::fs::symlink("/dev/tty12", &open).unwrap();
    let taken = run("enroll-console enable");
    assert!(taken.errors.contains("rsyslogd (77)") && !is_there(), "{}", taken.errors);
    std::fs::remove_file(&open).unwrap();
    std::os::unix::fs::symlink("/dev/tty1", &open).unwrap();

    let opened = run("enroll-console enable");
    assert!(opened.exit == 0 && is_there(), "{}", opened.errors);
    let target = std::fs::read_link(&link).unwrap();
    assert_eq!(target.to_str(), Some("/usr/lib/systemd/system/wardkey-enroll.service"));
    assert_eq!((run("enroll-console enable").exit, state()), (0, true.into()));
    // Anybody sees it.
    let seen = machine.run("status", &[], false, false).out;
    assert!(seen.contains("Enrollment console: open on tty12"), "{seen}");

    let doctor = || -> Vec<(String, String, String)> {
        let json = run("doctor --json").json();
        let findings = json["findings"].as_array().unwrap().clone();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let ours = findings.iter().filter(|finding| {
            ["WK-1753", "WK-1754", "WK-1756"].contains(&finding["code"].as_str().unwrap())
        });
        ours.map(|found| (text(&found["code"]), text(&found["level"]), text(&found["subject"])))
            .collect()
    };
    let found = |code: &str, level: &str, about: &str| {
        (code.to_owned(), level.to_owned(), about.to_owned())
    };
    let open = found("WK-1753", "note", "tty12");
    assert_eq!(doctor(), std::slice::from_ref(&open));

    // Others may have it started, by hand and until the machine is off: they are closed too.
    for link in
        ["etc/systemd/system/graphical.target.requires", "run/systemd/system/a.target.wants"]
    {
        write(&format!("{link}/{UNIT}"), "");
    }
    assert_eq!(run("enroll-console disable").exit, 0);
    assert_eq!((state(), doctor()), (false.into(), vec![]));
    // What changes the unit is said, also while it is closed.
    for change in [
        "etc/systemd/system/wardkey-enroll.service.d/mine.conf",
        "run/systemd/system.control/wardkey-enroll.service.d/50-NoExecPaths.conf",
        "run/systemd/transient/wardkey-enroll.service",
        "etc/systemd/system/service.d/all.conf",
        "usr/lib/systemd/system/wardkey-.service.d/a.conf",
    ] {
        write(change, "");
        assert_eq!(doctor(), [found("WK-1754", "warning", &format!("/{change}"))]);
        std::fs::remove_file(machine.path(change)).unwrap();
    }
}
