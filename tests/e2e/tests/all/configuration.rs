//! A fault in pam.toml: who gets in, who is told, and the editor that saves none.

use std::process::Command;

use wardkey_e2e::process::run;
use wardkey_e2e::terminal::text;
use wardkey_e2e::{Login, PIN, Terminal, Ward, audit, paths};

const LIST: &str = "/etc/wardkey/local-accounts";
const PAM: &str = "/etc/wardkey/pam.toml";

fn admin() -> Login {
    Login::at(wardkey_e2e::terminal::SERVICE, "localadmin").answer("emergency")
}

#[test]
fn a_typo_in_pam_toml_costs_staff_their_login_and_nobody_else() {
    let ward = Ward::ready();
    let watch = || ward.terminal.wardkey(&["config", "check", "--watch"]);
    assert!(watch().status.success());
    let list = std::fs::read_to_string(LIST).unwrap();
    assert!(
        list.contains("\nlocaladmin\n") && list.contains("\nroot\n") && list.contains("\ndaemon\n"),
        "{list}"
    );
    assert!(!list.contains("hanako") && !list.contains("taro"), "{list}");
    Login::of("hanako").run().expect_in();
    admin().run().expect_in();

    let good = std::fs::read_to_string(PAM).unwrap();
    // Every key of the installed file.
    let installed = std::fs::read_to_string(paths::checkout().join("config/pam.toml")).unwrap();
    let keys = installed
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once(" = "))
        .map(|(key, _)| key);
    let keys: Vec<_> =
        keys.filter(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_')).collect();
    assert!(keys.len() >= 12, "{keys:?}");
    let mut damages: Vec<String> = keys.iter().map(|key| format!("{key} = [\n")).collect();
    damages.extend(
        ["nouserok = 1\n", "[section]\n", "\u{0}", "local_accounts = \"admin\"\n"]
            .map(String::from),
    );
    for damage in damages {
        std::fs::write(PAM, format!("{good}{damage}")).unwrap();
        admin().run().expect_in();
        assert!(
            !Login::at(wardkey_e2e::terminal::SERVICE, "localadmin").answer("wrong").run().is_in()
        );
        Login::of("hanako").run().expect_refused("PAM_AUTHINFO_UNAVAIL", 1308);
        // It is told before anybody logs in, and the list of before stays.
        let told = watch();
        assert_eq!(told.status.code(), Some(3), "{damage:?}");
        assert!(
            text(&told.stderr).contains("<4>WK-1308 /etc/wardkey/pam.toml"),
            "{}",
            text(&told.stderr)
        );
        assert_eq!(std::fs::read_to_string(LIST).unwrap(), list, "{damage:?}");
        assert_ne!(ward.terminal.status()["configuration_faults"], 0, "{damage:?}");
    }
    std::fs::remove_file(PAM).unwrap();
    admin().run().expect_in();
    Login::of("hanako").run().expect_refused("PAM_AUTHINFO_UNAVAIL", 1308);
    std::fs::write(PAM, format!("{good}x")).unwrap();
    // A list that others can write is no list.
    run(Command::new("chmod").args(["0666", LIST]), true);
    assert!(!admin().run().is_in());
    run(Command::new("chmod").args(["0644", LIST]), true);
    admin().run().expect_in();

    // Mended, everything is as before, and the local login is a line in the log.
    std::fs::write(PAM, &good).unwrap();
    Login::of("hanako").run().expect_in();
    admin().run().expect_in();
    assert_eq!(ward.terminal.status()["configuration_faults"], 0);
    let line = "local account localadmin (local_accounts) is left to the next module";
    assert!(audit::lines().iter().any(|said| said.contains(line)), "{:#?}", audit::lines());
}

#[test]
fn the_editor_saves_nothing_that_is_wrong() {
    let ward = Ward::ready();
    let edit = |editor: &str, answers: &str| {
        std::fs::write("/tmp/editor", format!("#!/bin/sh\n{editor}\n")).unwrap();
        run(Command::new("chmod").args(["0755", "/tmp/editor"]), true);
        let script = format!(
            "printf '{answers}' | EDITOR='/tmp/editor' LANG=en_US.UTF-8 {} config edit",
            paths::binary("wardkey").display()
        );
        run(Command::new("sh").args(["-c", &script]), false)
    };
    let good = std::fs::read_to_string(PAM).unwrap();
    let said = |output: &std::process::Output| text(&output.stdout) + &text(&output.stderr);
    let is_untouched = || {
        assert_eq!(std::fs::read_to_string(PAM).unwrap(), good);
        assert!(!std::path::Path::new("/etc/wardkey/pam.toml.edit").exists());
    };

    for (editor, answers, told) in [
        ("echo 'nouserok = 1' >>\"$1\"", "", "unknown key"),
        ("echo 'nouserok = 1' >>\"$1\"", "x\\n", "unknown key"),
        ("echo 'language = 5' >>\"$1\"", "e\\nd\\n", "\"language\" takes"),
        ("sed -i 's/localadmin/admim/' \"$1\"", "", "there is no account admim"),
        ("sed -i 's/localadmin/hanako/' \"$1\"", "", "hanako is a person of the directory"),
    ] {
        let output = edit(editor, answers);
        assert_eq!(output.status.code(), Some(1), "{editor}: {}", said(&output));
        assert!(
            said(&output).contains(told) && said(&output).contains("WK-1640"),
            "{editor}: {}",
            said(&output)
        );
        is_untouched();
    }
    // The editor itself fails, or changes nothing.
    assert_eq!(edit("exit 3", "").status.code(), Some(1));
    is_untouched();
    let output = edit("true", "");
    assert!(
        output.status.success() && said(&output).contains("Nothing was changed"),
        "{}",
        said(&output)
    );
    is_untouched();

    // Wrong at first, right in the end.
    let both = "if [ -e /tmp/seen ]; then sed -i /nouserok/d \"$1\"; \
                echo 'touch_seconds = 20' >>\"$1\"; \
                else : >/tmp/seen; echo 'nouserok = 1' >>\"$1\"; fi";
    let output = edit(both, "e\\n");
    assert!(output.status.success(), "{}", said(&output));
    let saved = std::fs::read_to_string(PAM).unwrap();
    assert!(saved.contains("touch_seconds = 20") && !saved.contains("nouserok"), "{saved}");
    assert!(std::fs::read_to_string(LIST).unwrap().contains("\nlocaladmin\n"));
    Login::of("hanako").answers(&[PIN]).run().expect_in();

    // The same is told at every check.
    for (listed, told) in
        [("admim", "there is no account admim"), ("hanako", "is a person of the directory")]
    {
        std::fs::write(PAM, format!("local_accounts = [\"localadmin\", \"{listed}\"]\n")).unwrap();
        let output = ward.terminal.wardkey(&["config", "check"]);
        assert_eq!(output.status.code(), Some(3));
        assert!(said(&output).contains(told), "{}", said(&output));
    }
    Terminal::configure_module("");
}
