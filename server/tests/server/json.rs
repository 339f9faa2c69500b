//! One rule for programs: with `--json` an answer is one line on standard output and an error one
//! line on standard error, of one shape, with the exit status of the table. And one rule for
//! people: every command answers in the language of the locale.
//!
//! The commands are those that clap knows: one that is new fails here until it has its lines.

mod shape;

use std::collections::BTreeSet;

pub use shape::is_error;
use shape::{commands, is_japanese, is_one_line, words};

use super::event_log::beats;
use super::support::Deployment;
use super::support::authenticator::{Maker, Making};
use super::support::backups::Recipient;
use super::support::ward::enroll;

/// For each command arguments that a new deployment refuses, or takes where there is nothing to
/// refuse; and the exit status.
const REFUSED: &[(&str, &str, i32)] = &[
    ("init", "--name X --rp-id wardkey.test --server-name localhost", 1),
    ("person add", "ghost --name G --scope nowhere", 1),
    ("person set", "ghost --name G", 1),
    ("person disable", "ghost", 1),
    ("person enable", "ghost", 1),
    ("person delete", "ghost", 1),
    ("person list", "", 0),
    ("person show", "ghost", 1),
    ("person import", "/nowhere/people.csv", 1),
    ("key list", "ghost", 1),
    ("key show", "3f9a", 1),
    ("key disable", "3f9a", 1),
    ("key enable", "3f9a", 1),
    ("key delete", "3f9a", 1),
    ("key clear-suspicion", "3f9a --reason r", 1),
    ("code add", "ghost", 1),
    ("code list", "", 0),
    ("code show", "ghost", 1),
    ("code delete", "ghost", 1),
    ("pass add", "ghost --reason r", 1),
    ("pass list", "", 0),
    ("pass show", "ghost", 1),
    ("pass disable", "ghost", 1),
    ("loaner add", "root", 1),
    ("loaner list", "", 0),
    ("loaner show", "ghost", 1),
    ("loaner lend", "ghost ghost --pin-changed --reason r", 1),
    ("loaner return", "ghost", 1),
    ("loaner disable", "ghost", 1),
    ("loaner enable", "ghost", 1),
    ("loaner delete", "ghost", 1),
    ("break-glass add", "ghost --reason r", 1),
    ("break-glass list", "", 0),
    ("break-glass show", "ghost", 1),
    ("break-glass disable", "ghost", 1),
    ("break-glass clear-alarm", "ghost --reason r", 1),
    ("enroll", "ghost", 1),
    ("status", "", 0),
    ("terminal list", "--silent --behind --old-root --stage over --version 0.1.0 --tag east", 0),
    ("terminal show", "ghost", 1),
    ("terminal set", "ghost --add-scope icu", 1),
    ("terminal rename", "ghost desk", 1),
    ("terminal delete", "ghost", 1),
    ("terminal approve", "ghost", 1),
    ("terminal disable", "ghost", 1),
    ("terminal enable", "ghost", 1),
    ("terminal token", "--scope nowhere", 1),
    ("terminal withdraw-token", "0123456789abcdef", 1),
    ("terminal set-scopes", "ghost --scope icu", 1),
    ("token add", "--scope nowhere", 1),
    ("token list", "", 0),
    ("token show", "0123456789abcdef", 1),
    ("token delete", "0123456789abcdef", 1),
    ("api-key add", "x --role auditor --scope nowhere", 1),
    ("api-key list", "", 0),
    ("api-key show", "0123456789abcdef", 1),
    ("api-key disable", "0123456789abcdef", 1),
    ("api-key delete", "0123456789abcdef", 1),
    ("administrator add", "ghost --role owner", 1),
    ("administrator list", "", 0),
    ("administrator show", "ghost", 1),
    ("administrator set", "ghost --role auditor", 1),
    ("administrator remove", "ghost", 1),
    ("scope add", "icu", 1),
    ("scope list", "", 0),
    ("scope show", "nowhere", 1),
    ("scope set", "nowhere --soft 1h", 1),
    ("scope set-offline", "nowhere --soft 1h --degraded 2h --hard 3h", 1),
    ("scope set-lockout", "nowhere --threshold 5 --delay 30s --longest 1h", 1),
    ("scope share", "ward --scope nowhere --group g", 1),
    ("account list", "", 0),
    ("account show", "ward", 1),
    ("account set", "ward --scope nowhere --group g", 1),
    ("account delete", "ward --scope icu", 1),
    ("events list", "--terminal ghost", 1),
    ("audit list", "", 0),
    ("audit verify", "", 0),
    ("log show", "", 0),
    ("log checkpoint", "", 0),
    ("log export", "/etc", 1),
    ("log prove", "6d0c8f14e45fceea167a2fc0579f8113", 1),
    ("log check", "/nowhere/log", 1),
    ("log verify", "", 0),
    ("publish-key show", "", 0),
    ("publish-key rotate", "--root-key /nowhere/root.key", 3),
    ("publish-key retire", "", 1),
    ("root-key export", RECIPIENT, 3),
    ("report logins", "--scope nowhere", 1),
    ("report exceptions", "--from 2026-04-02 --to 2026-04-01", 1),
    ("report inventory", "--scope nowhere", 1),
    ("report coverage", "--scope nowhere", 1),
    ("report shared-accounts", "--scope nowhere", 1),
    ("epoch raise", "", 0),
    ("clock show", "", 0),
    ("clock confirm", "2001-01-01", 1),
    ("config check", "", 0),
    ("backup", "/nowhere/backup", 1),
    ("restore", "/nowhere/backup", 1),
];

/// Where the root key cannot be written.
const RECIPIENT: &str =
    "/nowhere/r --recipient age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";

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
        ("events list", ""),
        ("audit list", "--limit 1"),
        ("audit verify", ""),
        ("log show", ""),
        ("log checkpoint", ""),
        ("log export", log),
        ("log prove", "00000000000000000000000000000000"),
        ("log check", log),
        ("log verify", ""),
        ("publish-key show", ""),
        ("publish-key rotate", ""),
        ("publish-key retire", "--anyway"),
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
        run(&deployment, path, &words(&[path, args]));
        ran.insert(path.to_owned());
    }
    running.stop();
    let without = ["init", "run"].map(str::to_owned).into();
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
