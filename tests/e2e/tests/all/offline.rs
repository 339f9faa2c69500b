//! The server away, the clock wrong, the cache broken, the disk full.

use std::process::Command;
use std::time::Duration;

use wardkey_core::code::Notice;
use wardkey_e2e::process::{run, wait_for};
use wardkey_e2e::{Login, Ward, audit};

#[test]
fn server_stopped_and_heads_expired_still_in_with_the_banner() {
    let mut ward = Ward::ready_with(3);
    Login::of("hanako").run().expect_in();
    ward.server.stop();
    std::thread::sleep(Duration::from_secs(5));
    let ended = Login::of("hanako").run().expect_in();
    assert!(ended.said(Notice::OfflineBanner), "{ended:?}");
    let record = audit::wait_for_records("login", 2).remove(1);
    assert_eq!(record["stage"], "soft", "{record:?}");
    // What happened meanwhile reaches the server when it is back.
    ward.server.resume();
    ward.terminal.sync();
    let id = record["id"].clone();
    wait_for("the event at the server", Duration::from_secs(60), || {
        ward.server.admin(&["--json", "events", "list"]).contains(&id).then_some(())
    });
}

#[test]
fn the_terminal_reboots_offline_and_still_lets_people_in() {
    let mut ward = Ward::ready();
    Login::of("hanako").run().expect_in();
    ward.server.kill();
    ward.terminal.kill_agent();

    // Another boot, as everything that asks the kernel sees it.
    const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
    let before = std::fs::read_to_string(BOOT_ID).unwrap();
    std::fs::write("/tmp/boot_id", "00000000-1111-4222-8333-444444444444\n").unwrap();
    run(Command::new("mount").args(["--bind", "/tmp/boot_id", BOOT_ID]), true);
    assert_ne!(std::fs::read_to_string(BOOT_ID).unwrap(), before);

    ward.terminal.start_agent();
    for _ in 0..2 {
        Login::of("hanako").run().expect_in();
    }
}

#[test]
fn a_corrupt_cache_is_set_aside_and_fetched_again() {
    let mut ward = Ward::ready();
    for file in ["directory.redb", "state.redb"] {
        ward.terminal.kill_agent();
        std::fs::write(format!("/var/lib/wardkey/{file}"), b"not a database").unwrap();
        run(
            Command::new("chown").args(["wardkey:wardkey", &format!("/var/lib/wardkey/{file}")]),
            true,
        );
        ward.terminal.start_agent();
        ward.terminal.wait_synced();
        wait_for("the directory", Duration::from_secs(60), || {
            Login::of("hanako").run().is_in().then_some(())
        });
    }
    let set_aside = audit::wait_for_records("state-set-aside", 1);
    assert_eq!(set_aside[0]["code"], "WE-13", "{set_aside:?}");
}

#[test]
fn without_a_cache_and_without_the_server_nobody_is_in() {
    let mut ward = Ward::ready();
    ward.server.kill();
    ward.terminal.kill_agent();
    std::fs::remove_file("/var/lib/wardkey/directory.redb").unwrap();
    ward.terminal.start_agent();
    let ended = Login::of("hanako").run();
    assert!(!ended.is_in(), "{ended:?}");
    assert!(ended.secret_prompts().is_empty(), "{ended:?}");
}

/// A program whose wall clock is off by so much; nobody can set CLOCK_BOOTTIME.
fn at_a_clock(offset: &str, program: &std::path::Path) -> Command {
    let mut command = Command::new("faketime");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").args(["-f", offset]).arg(program);
    command
}

/// hanako logs in by a module whose clock is off: whether she is in, and what was shown.
fn login_at(offset: &str) -> (bool, String) {
    let mut client = at_a_clock(offset, &wardkey_e2e::paths::test_program("wardkey-pamclient"));
    client.args([
        "--service",
        wardkey_e2e::terminal::SERVICE,
        "--user",
        "hanako",
        "--answer",
        wardkey_e2e::PIN,
    ]);
    let output = run(&mut client, false);
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_terminal_whose_clock_is_ahead_lets_staff_in_while_it_is_connected() {
    let mut ward = Ward::ready();
    Login::of("hanako").run().expect_in();
    ward.terminal.stop_agent();
    let mut agent = at_a_clock("+10d", &wardkey_e2e::paths::binary("wardkey-agent"));
    agent.args(["--config", "/etc/wardkey/agent.toml"]);
    ward.terminal.start_agent_by(&mut agent);
    wait_for("the server", Duration::from_secs(60), || {
        ward.terminal.status()["clock_ahead"].is_u64().then_some(())
    });

    let before = audit::records_of("login").len();
    let (is_in, shown) = login_at("+10d");
    assert!(is_in && !shown.contains("WK-1401"), "{shown}\n{}", wardkey_e2e::process::all_logs());
    let record = audit::wait_for_records("login", before + 1).remove(before);
    assert_eq!(
        (record["outcome"].as_str(), record["stage"].as_str()),
        ("success", "online"),
        "{record:?}"
    );

    // Without the server nobody can say that it is the clock.
    ward.server.stop();
    wait_for("the end of the connection", Duration::from_secs(60), || {
        (ward.terminal.status()["connected"] == false).then_some(())
    });
    let (is_in, shown) = login_at("+10d");
    assert!(!is_in && shown.contains("WK-1014"), "{shown}");
}

#[test]
fn the_clock_set_back_a_year_changes_nothing_and_set_forward_counts_as_offline() {
    let mut ward = Ward::ready();
    Login::of("hanako").run().expect_in();
    let (is_in, shown) = login_at("-365d");
    assert!(is_in && !shown.contains("WK-1401"), "back: the floor counts: {shown}");
    // Ahead, with the server there: its time counts, and nobody is told of being offline.
    for offset in ["+2h", "+170h"] {
        let (is_in, shown) = login_at(offset);
        assert!(is_in && !shown.contains("WK-1401"), "{offset}, connected: {shown}");
    }
    // 169 hours after the expiry of everything signed: nobody.
    ward.server.stop();
    wait_for("the end of the connection", Duration::from_secs(60), || {
        (ward.terminal.status()["connected"] == false).then_some(())
    });
    let (is_in, shown) = login_at("+170h");
    assert!(!is_in && shown.contains("WK-1014"), "forward: {shown}");
}

#[test]
fn a_full_disk_refuses_no_login_and_loses_no_state() {
    let mut ward = Ward::ready();
    ward.terminal.stop_agent();
    // The agent's folder on a file system of its own that then fills up.
    run(
        Command::new("sh").args([
            "-c",
            "cp -a /var/lib/wardkey /tmp/state \
             && mount -t tmpfs -o size=96m,mode=700,uid=890,gid=890 tmpfs /var/lib/wardkey \
             && cp -a /tmp/state/. /var/lib/wardkey/",
        ]),
        true,
    );
    ward.terminal.start_agent();
    Login::of("hanako").run().expect_in();
    let _ = run(
        Command::new("sh").args(["-c", "cat /dev/zero > /var/lib/wardkey/full 2>/dev/null; sync"]),
        false,
    );
    for _ in 0..3 {
        Login::of("hanako").run().expect_in();
    }
    audit::wait_for_records("login", 4);
    // And the agent starts again while it is full.
    ward.terminal.kill_agent();
    ward.terminal.start_agent();
    Login::of("hanako").run().expect_in();
    std::fs::remove_file("/var/lib/wardkey/full").unwrap();
    Login::of("hanako").run().expect_in();
}

#[test]
fn syslog_that_is_away_loses_no_record_and_delays_no_login() {
    let mut ward = Ward::ready();
    ward.rsyslog.stop();
    let ended = Login::of("hanako").run().expect_in();
    assert!(ended.took < Duration::from_secs(30), "{ended:?}");
    ward.rsyslog = wardkey_e2e::Rsyslog::start();
    let records = audit::wait_for_records("login", 1);
    assert_eq!(records.len(), 1, "written once: {records:?}");
}
