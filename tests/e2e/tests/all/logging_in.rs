//! What a login does when all is well, for each kind of application.

use std::process::Command;
use std::time::{Duration, Instant};

use wardkey_e2e::process::{run, wait_for};
use wardkey_e2e::terminal::{SEATS, SERVICE};
use wardkey_e2e::{Login, PIN, SoftKey, Ward, audit};

#[test]
fn a_person_is_in_with_one_question_and_recorded_with_what_the_key_signed() {
    let ward = Ward::ready();
    let ended = Login::of("hanako").run().expect_in();
    assert_eq!(ended.secret_prompts().len(), 1, "{ended:?}");
    assert!(ended.secret_prompts()[0].contains("Demo Hanako"), "whose key: {ended:?}");
    assert_eq!(ended.env("WARDKEY_PERSON").as_deref(), Some("hanako"));
    let record = audit::wait_for_records("login", 1).remove(0);
    for (field, value) in [
        ("schema", "1"),
        ("code", "WE-01"),
        ("outcome", "success"),
        ("person", "hanako"),
        ("account", "hanako"),
        ("service", SERVICE),
        ("tty", "tty1"),
        ("up", "1"),
        ("uv", "1"),
        ("stage", "online"),
        ("evidence", "signed"),
    ] {
        assert_eq!(record.get(field).map(String::as_str), Some(value), "{field}: {record:?}");
    }
    for field in ["id", "time", "key", "model", "counter", "age", "terminal"] {
        assert!(record.contains_key(field), "{field}: {record:?}");
    }
    // The same event reaches the server, which verified its signature again.
    let id = record["id"].clone();
    wait_for("the event at the server", Duration::from_secs(60), || {
        ward.server.admin(&["--json", "events", "list"]).contains(&id).then_some(())
    });
}

#[test]
fn sudo_by_an_ordinary_user() {
    let _ward = Ward::ready();
    std::fs::write("/etc/sudoers.d/ward", "hanako ALL=(ALL:ALL) ALL\n").unwrap();
    run(Command::new("chmod").args(["0440", "/etc/sudoers.d/ward"]), true);
    let sudo = |pin: &str| {
        run(
            Command::new("sh").args([
                "-c",
                &format!(
                    "echo {pin} | setpriv --reuid 2001 --regid 2001 --init-groups sudo -S -k id -u"
                ),
            ]),
            false,
        )
    };
    let right = sudo(PIN);
    assert_eq!(
        String::from_utf8_lossy(&right.stdout),
        "0\n",
        "{right:?}\n{}",
        wardkey_e2e::process::all_logs()
    );
    let wrong = sudo("000000");
    assert!(!wrong.status.success() && wrong.stdout.is_empty(), "{wrong:?}");
    // sudo asks modules to be silent; its next question says how many tries are left.
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("tries left: 7"), "{wrong:?}");
}

#[test]
fn a_locker_runs_as_the_user_and_may_ask_for_that_user_only() {
    let _ward = Ward::ready();
    std::fs::create_dir_all(SEATS).unwrap();
    std::fs::write(format!("{SEATS}/seat0"), "IS_SEAT0=1\nACTIVE=c1\nACTIVE_UID=2001\n").unwrap();
    let locker = |user: &str, uid: &str| {
        Login::at("ward-lock", user).answer(PIN).with(&["--uid", uid]).run()
    };
    locker("hanako", "2001").expect_in();
    // Another user of the machine, not at the seat, and the user at the seat for somebody else.
    for (user, uid) in [("hanako", "2002"), ("taro", "2001"), ("hanako", "65534")] {
        let ended = locker(user, uid);
        assert!(!ended.is_in(), "{user} by {uid}: {ended:?}");
        assert!(ended.secret_prompts().is_empty(), "{user} by {uid}: {ended:?}");
    }
}

#[test]
fn disabled_is_refused_within_a_second_and_enabled_is_in_again() {
    let ward = Ward::ready();
    Login::of("hanako").run().expect_in();
    ward.server.admin(&["person", "disable", "hanako", "--reason", "left"]);
    let disabled = Instant::now();
    // A terminal that is not told asks again after a minute or so.
    let seconds = wait_for("the refusal", Duration::from_secs(20), || {
        // Never more than the PIN tries: a refused login spends none.
        let ended = Login::of("hanako").run();
        (!ended.is_in()).then(|| (disabled.elapsed().as_secs_f64(), ended))
    });
    println!("refused {:.3} s after the command ended", seconds.0);
    seconds.1.expect_refused("PAM_AUTH_ERR", 1002);
    ward.server.admin(&["person", "enable", "hanako", "--reason", "back"]);
    ward.terminal.sync();
    Login::of("hanako").run().expect_in();
}

#[test]
fn a_backup_key_just_works_and_the_other_keys_are_not_asked() {
    let ward = Ward::ready();
    let backup = SoftKey::start("backup");
    ward.terminal.unplug();
    ward.terminal.plug(&backup);
    ward.terminal.enroll(&ward.server, "hanako");
    Login::of("hanako").run().expect_in();
    ward.terminal.unplug();
    ward.terminal.plug(&ward.key);
    ward.key.reset_exchanges();
    Login::of("hanako").run().expect_in();
    let exchanges = ward.key.exchanges();
    assert!(exchanges.total <= 7, "with two keys no more than with one: {exchanges:?}");
}

#[test]
fn twenty_people_in_and_out_leave_nothing_behind() {
    let ward = Ward::ready();
    for _ in 0..20 {
        Login::of("hanako").run().expect_in();
    }
    wait_for("no login to be left", Duration::from_secs(60), || {
        (ward.terminal.status()["logins"] == 0).then_some(())
    });
    // The process that waits for the next login is all that is left.
    wait_for("the key processes to end", Duration::from_secs(60), || {
        (wardkey_e2e::process::find("--worker --seats-dir").len() <= 2).then_some(())
    });
    assert_eq!(audit::wait_for_records("login", 20).len(), 20);
}
