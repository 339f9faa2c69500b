//! One rule for programs: with `--json` an answer is one line on standard output and an error one
//! line on standard error, of one shape, with the exit status of the table. And one rule for
//! people: every command answers in the language of the locale.
//!
//! The commands are those that clap knows: one that is new fails here until it has its lines.

mod shape;

use std::collections::BTreeSet;

use shape::{commands, is_one_line, words};
pub use shape::{is_error, is_japanese};

use super::event_log::beats;
use super::json_refused::REFUSED;
use super::support::Deployment;
use super::support::authenticator::{Maker, Making};
use super::support::backups::Recipient;
use super::support::ward::enroll;

#[test]
fn every_command_has_its_lines_here() {
    let named: BTreeSet<String> = REFUSED.iter().map(|(path, ..)| (*path).to_owned()).collect();
    let all: BTreeSet<String> = commands().into_iter().filter(|path| path != "run").collect();
    assert_eq!(named, all);
}

#[test]
fn every_command_refuses_in_one_shape_on_one_stream_with_its_status() {
    let deployment = Deployment::new();
    for (path, args, status) in REFUSED {
        // The locale changes nothing in JSON but what is Japanese in both.
        let words = words(&["--json", path, args]);
        is_one_line(path, &deployment.cli(&words), *status);
        is_one_line(path, &deployment.cli_in("ja_JP.UTF-8", &words), *status);
    }
}

#[test]
fn every_command_says_a_usage_error_in_that_shape_and_to_people_with_where_to_look() {
    let deployment = Deployment::new();
    for path in commands().iter().chain([&"nonsense".to_owned(), &"person".to_owned()]) {
        let wrong = words(&[path, "--no-such-option"]);
        is_one_line(path, &deployment.cli(&[&["--json"], wrong.as_slice()].concat()), 2);
        let said = deployment.refused(2, &wrong);
        assert!(said.contains("See: wardkey-server") && said.contains("--help"), "{said}");
        assert!(said.trim_end().ends_with("(WK-1516)"), "{said}");
        let output = deployment.cli_in("ja_JP.UTF-8", &wrong);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("使い方: wardkey-server"), "{said}");
    }
    is_one_line("nothing", &deployment.cli(&["--json"]), 2);
    is_one_line("missing", &deployment.cli(&["--json", "person", "show"]), 2);
}

#[test]
fn every_command_without_its_configuration_or_with_a_damaged_store_says_so_in_that_shape() {
    let deployment = Deployment::new();
    let all = REFUSED.iter().map(|(path, args, _)| (*path, *args)).chain([("run", "")]);
    std::fs::write(deployment.database(), b"this is no database, and never was one").unwrap();
    for (path, args) in all.clone() {
        let status = match path {
            // It looks at no store.
            "init" | "restore" => 1,
            "config check" => 0,
            // It reads the password first.
            "migrate" => 3,
            _ => 4,
        };
        is_one_line(path, &deployment.cli(&words(&["--json", path, args])), status);
    }
    std::fs::remove_file(deployment.path()).unwrap();
    for (path, args) in all {
        is_one_line(path, &deployment.cli(&words(&["--json", path, args])), 3);
    }
}

/// Runs each command where it succeeds, in an order in which it can.
fn each_success(run: &mut dyn FnMut(&Deployment, &str, &[&str])) {
    let deployment = Deployment::new();
    let until = ["--valid-until", "2099-03-31"];
    let person = ["person", "add", "yamada", "--name", "Y", "--scope", "icu"];
    deployment.ok(&[person.as_slice(), &until].concat());
    deployment.configure("[retention]\noperation = \"30d\"");
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let code = deployment.ok(&["code", "add", "yamada"]);
    let (key, _) = enroll(&terminal, &code, &Maker::new(), Making::default());
    let key = key.fingerprint();
    let code = deployment.ok(&["loaner", "add", "loaner-1"]);
    enroll(&terminal, &code, &Maker::new(), Making::default());
    beats(&terminal, 0..1);
    let people = deployment.folder.path().join("people.csv");
    std::fs::write(&people, "login,name,scopes\nkato,K,icu\n").unwrap();
    let people = people.to_str().unwrap();
    let backup = deployment.folder.path().join("backup");
    let backup = backup.to_str().unwrap();
    let recipient = Recipient::new(deployment.folder.path());
    let recipients = deployment.folder.path().join("recipients");
    std::fs::write(&recipients, &recipient.text).unwrap();
    let recipients = recipients.to_str().unwrap();
    let root = deployment.folder.path().join("root.age");
    let root = root.to_str().unwrap();
    let log = deployment.folder.path().join("log");
    let log = log.to_str().unwrap();
    let archive = deployment.folder.path().join("a.wka");
    let archive = archive.to_str().unwrap();
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let token = || {
        deployment.ok(&["token", "add", "--scope", "icu"]);
        deployment.rows(&["token", "list"])[0]["id"].as_str().unwrap().to_owned()
    };
    let (one, other) = (token(), token());
    deployment.ok(&["api-key", "add", "watch", "--role", "auditor"]);
    let api_key = deployment.rows(&["api-key", "list"])[0]["id"].as_str().unwrap().to_owned();

    let mut ran = BTreeSet::new();
    for (path, args) in [
        ("person add", "sato --name S --scope icu"),
        ("person set", "sato --name SS"),
        ("person list", ""),
        ("person show", "yamada"),
        ("person import", &format!("{people} --check")),
        ("person import", people),
        ("person disable", "sato"),
        ("person disable", "sato"),
        ("person enable", "sato"),
        ("key list", ""),
        ("key show", &key),
        ("key disable", &key),
        ("key enable", &key),
        ("key clear-suspicion", &format!("{key} --reason r")),
        ("code add", "sato"),
        ("enroll", "sato"),
        ("code list", ""),
        ("code show", "sato"),
        ("code delete", "sato"),
        ("scope add", "pharmacy"),
        (
            "scope set",
            "icu --passes 12h --loans 12h --break-glass 1d --idle 15m --vouch-groups nurses \
             --vouch-per-month 2 --min-pin-length 6 --pin-change-at-first-use yes",
        ),
        ("scope set-offline", "icu --soft 1h --degraded 2h --hard 3h"),
        ("scope set-lockout", "icu --threshold 5 --delay 30s --longest 1h"),
        ("scope share", "ward --scope icu --group g"),
        ("scope list", ""),
        ("scope show", "icu"),
        ("account set", "ward --scope icu --group g"),
        ("account list", ""),
        ("account show", "ward"),
        ("account delete", "ward --scope icu"),
        ("pass add", "sato --for 1h --reason r"),
        ("pass list", ""),
        ("pass show", "sato"),
        ("pass disable", "sato"),
        ("break-glass add", "sato --for 1d --reason r"),
        ("break-glass list", ""),
        ("break-glass show", "sato"),
        ("break-glass disable", "sato"),
        ("break-glass clear-alarm", "sato --reason r"),
        ("loaner add", "loaner-2"),
        ("loaner list", ""),
        ("loaner show", "loaner-1"),
        ("loaner lend", "loaner-1 sato --pin-changed --reason r"),
        ("loaner show", "loaner-1"),
        ("loaner disable", "loaner-1"),
        ("loaner enable", "loaner-1"),
        ("loaner return", "loaner-1"),
        ("loaner delete", "loaner-1"),
        ("status", ""),
        ("terminal list", ""),
        ("terminal show", "ward-1"),
        ("terminal set", "ward-1 --add-scope er --name ward-2 --add-tag east"),
        ("terminal rename", "ward-2 ward-1"),
        ("terminal set-scopes", "ward-1 --scope icu"),
        ("terminal approve", "ward-1"),
        ("terminal disable", "ward-1"),
        ("terminal enable", "ward-1"),
        ("terminal token", "--scope icu"),
        ("terminal withdraw-token", &one),
        ("token add", "--scope icu --uses 2"),
        ("token list", ""),
        ("token show", &other),
        ("token delete", &other),
        ("administrator add", "yamada --role help-desk --scope icu --for 90d"),
        ("administrator list", "--role help-desk"),
        ("administrator show", "yamada"),
        ("person show", "yamada"),
        ("administrator set", "yamada --role owner --all-scopes --without-end"),
        ("administrator set", "yamada --role owner"),
        ("administrator add", "sato --role owner"),
        ("administrator remove", "yamada"),
        ("api-key add", "shift --role help-desk --scope icu"),
        ("api-key list", ""),
        ("api-key show", &api_key),
        ("api-key disable", &api_key),
        ("api-key disable", &api_key),
        ("api-key delete", &api_key),
        ("session list", ""),
        ("events list", ""),
        ("audit list", "--limit 1"),
        ("audit verify", ""),
        ("log show", ""),
        ("log checkpoint", ""),
        ("log export", log),
        ("log prove", "00000000000000000000000000000000"),
        ("log check", log),
        ("log verify", ""),
        ("archive create", archive),
        ("archive list", ""),
        ("archive show", "1"),
        ("archive verify", archive),
        ("archive prune", archive),
        ("ca show", ""),
        ("ca prepare", ""),
        ("ca rotate", ""),
        ("ca retire", "--anyway"),
        ("publish-key show", ""),
        ("publish-key rotate", ""),
        ("publish-key retire", "--anyway"),
        ("address show", ""),
        ("address set", "https://localhost:8443 --anyway"),
        ("address retire", "127.0.0.1 --anyway"),
        ("root-key show", ""),
        ("root-key rotate", ""),
        ("root-key export", &format!("{root} --recipients-file {recipients}")),
        ("report logins", "--by day"),
        ("report exceptions", ""),
        ("report inventory", "--unused 30d"),
        ("report coverage", ""),
        ("report shared-accounts", ""),
        ("epoch raise", ""),
        ("clock show", ""),
        ("clock confirm", &today),
        ("config check", ""),
        ("backup", &format!("{backup} --without-keys")),
        ("restore", &format!("{backup} --check")),
        ("terminal disable", "ward-1"),
        ("terminal delete", "ward-1"),
        ("key delete", &format!("{key} --yes")),
        ("person delete", "sato"),
    ] {
        // PostgreSQL's own tools do these, and the program refuses.
        if deployment.postgresql().is_none() || !matches!(path, "backup" | "restore") {
            run(&deployment, path, &words(&[path, args]));
        }
        ran.insert(path.to_owned());
    }
    running.stop();
    // What moves needs both databases: migrating.rs.
    let without = ["init", "migrate", "run"].map(str::to_owned).into();
    assert_eq!(ran, commands().difference(&without).cloned().collect());
}

#[test]
fn every_command_answers_programs_with_one_line() {
    each_success(&mut |deployment, path, args| {
        is_one_line(path, &deployment.cli(&[&["--json"], args].concat()), 0);
    });
}

#[test]
fn every_command_answers_people_in_the_language_of_the_locale() {
    each_success(&mut |deployment, path, args| {
        let output = deployment.cli_in("ja_JP.UTF-8", args);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(output.status.code(), Some(0), "{path}: {said}");
        assert!(is_japanese(&said), "{path}: {said}");
        // Two English words in a row are a sentence that was forgotten.
        let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
        let cells = said.lines().flat_map(|line| line.split("  "));
        // Commands to type are the same in every language, and so is what a key is called.
        for cell in cells.filter(|cell| !cell.contains("wardkey") && *cell != "blue key") {
            let plain: Vec<&str> = cell.split(' ').collect();
            let forgotten = plain.windows(2).any(|pair| pair.iter().all(is_word));
            assert!(!forgotten, "{path}: {cell} in {said}");
        }
    });
}
