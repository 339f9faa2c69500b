//! Restoring over what is there: links, databases that cannot be read, trails that are given, and
//! what is said of all that.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::backups::sql;
use super::restoring::{add, restore, root_of};
use super::support::Deployment;

/// The database is lost, the keys are not.
fn lose_the_database(deployment: &Deployment) {
    deployment.lose();
    std::fs::create_dir(deployment.folder.path().join("data")).unwrap();
    let keys = deployment.folder.path().join("lost/keys");
    Command::new("cp").arg("-a").arg(&keys).arg(deployment.config().keys).status().unwrap();
}

/// What a rehearsal says beside its answer.
fn warned(deployment: &Deployment, backup: &Path, more: &[&str]) -> String {
    let output = deployment.cli(&restore(backup, &[&["--check"], more].concat()));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

fn epoch(report: &Value) -> u64 {
    report["epoch"].as_u64().unwrap()
}

#[test]
fn numbers_rise_above_those_of_a_trail_that_is_given() {
    const HIGH: u64 = 9_000_000_000;
    let deployment = Deployment::new();
    let (monday, _) = deployment.backup("monday");
    // Not raised by any act: only the database says it.
    let database = deployment.folder.path().join("copy.db");
    std::fs::copy(deployment.database(), &database).unwrap();
    sql(&database, &["UPDATE scope SET epoch = 9000000000"]);
    // Raised by an act: every copy of the trail says it.
    deployment.ok(&["epoch", "raise", "--at-least", "9000000000"]);
    let (tuesday, _) = deployment.backup("tuesday");
    let trail = tuesday.join("trail.jsonl");
    // A restore raises too, and says it in another form.
    deployment.ok(&restore(&monday, &["--replace", "--yes"]));
    let (wednesday, _) = deployment.backup("wednesday");
    let restored = wednesday.join("trail.jsonl");
    let text = std::fs::read_to_string(&restored).unwrap();
    assert!(text.contains("epoch 90000000"), "{text}");
    lose_the_database(&deployment);
    for given in [&database, &trail, &tuesday, &restored] {
        let given = given.to_str().unwrap();
        let report = deployment.json(&restore(&monday, &["--check", "--trail", given]));
        assert!(epoch(&report) > HIGH, "{given}: {report}");
    }
    let report = deployment.json(&restore(&monday, &["--check"]));
    assert!(epoch(&report) < HIGH, "{report}");

    // One above which none is left is refused.
    sql(&database, &["UPDATE scope SET epoch = 9223372036854775807"]);
    let args = ["--check", "--trail", database.to_str().unwrap()];
    let said = deployment.refused(1, &restore(&monday, &args));
    assert!(said.contains("WK-1873"), "{said}");
}

#[test]
fn a_trail_that_the_one_here_goes_on_from_counts_for_its_numbers() {
    let deployment = Deployment::new();
    let (monday, _) = deployment.backup("monday");
    let copy = deployment.folder.path().join("copy.db");
    std::fs::copy(deployment.database(), &copy).unwrap();
    sql(&copy, &["UPDATE scope SET epoch = 9000000000"]);
    add(&deployment, "hanako");
    let args = ["--check", "--trail", copy.to_str().unwrap()];
    let report = deployment.json(&restore(&monday, &args));
    assert!(epoch(&report) > 9_000_000_000, "{report}");
}

/// The database lies elsewhere, and a link is in its place.
fn linked(deployment: &Deployment) -> PathBuf {
    let real = deployment.folder.path().join("disk");
    std::fs::create_dir(&real).unwrap();
    let database = real.join("the.db");
    std::fs::rename(deployment.database(), &database).unwrap();
    std::os::unix::fs::symlink(&database, deployment.database()).unwrap();
    database
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_link_in_the_place_of_the_database_is_followed_once_and_for_all() {
    let deployment = Deployment::new();
    add(&deployment, "hanako");
    let (backup, _) = deployment.backup("monday");
    let database = linked(&deployment);
    let data = deployment.folder.path().join("data");
    for end in ["lock", "running"] {
        let _ = std::fs::remove_file(data.join("wardkey.db").with_extension(end));
    }
    deployment.ok(&["person", "disable", "hanako"]);

    let running = deployment.start();
    let said = deployment.refused(1, &restore(&backup, &["--replace", "--yes"]));
    assert!(said.contains("WK-1856"), "{said}");
    running.stop();

    let done = deployment.json(&restore(&backup, &["--replace", "--yes"]));
    assert_eq!(done["report"]["replayed"]["people"], serde_json::json!(["hanako"]));
    let aside = Path::new(done["aside"].as_str().unwrap());
    assert_eq!(aside.parent(), database.parent());
    assert!(deployment.database().is_symlink() && database.is_file());
    assert_eq!(names(&data), ["keys", "wardkey.db"], "all that is made lies beside the file");
    assert_eq!(deployment.json(&["person", "show", "hanako"])["status"], "disabled");

    std::fs::rename(&database, database.with_extension("gone")).unwrap();
    for more in [&["--check"][..], &["--yes"], &["--replace", "--yes"]] {
        let said = deployment.refused(1, &restore(&backup, more));
        assert!(said.contains("WK-1867"), "{said}");
    }
    assert_eq!(names(&data), ["keys", "wardkey.db"]);
    assert!(!database.exists());
}

#[test]
fn only_a_database_that_is_damaged_counts_as_none() {
    let deployment = Deployment::new();
    let (backup, _) = deployment.backup("monday");
    let root = root_of(&deployment, &backup);
    let database = deployment.database();
    let args = ["--replace", "--yes", "--root", &root];

    // What cannot be opened may hold everything that was done since.
    std::fs::remove_file(&database).unwrap();
    std::fs::create_dir(&database).unwrap();
    let said = deployment.refused(1, &restore(&backup, &args));
    assert!(said.contains("WK-1868"), "{said}");
    std::fs::remove_dir(&database).unwrap();

    for text in ["", "no database", "SQLite format 3\0 but not more"] {
        std::fs::write(&database, text).unwrap();
        deployment.ok(&restore(&backup, &args));
    }
    // A table of another program, or one that is cut.
    sql(&database, &["DROP TABLE root"]);
    deployment.ok(&restore(&backup, &args));
    let whole = std::fs::read(&database).unwrap();
    std::fs::write(&database, &whole[..whole.len() / 2]).unwrap();
    deployment.ok(&restore(&backup, &args));
}

#[test]
fn each_warning_is_true_whether_the_database_can_be_read_and_a_trail_is_given_or_not() {
    let deployment = Deployment::new();
    add(&deployment, "hanako");
    let (monday, _) = deployment.backup("monday");
    deployment.ok(&["person", "disable", "hanako"]);
    add(&deployment, "taro");
    let (tuesday, _) = deployment.backup("tuesday");
    let trail = tuesday.join("trail.jsonl");
    let given = ["--trail", trail.to_str().unwrap()];
    let (unread, none, ends, lost) =
        ("could not be read", "no newer trail", "the newer trail ends at", "to be done again");
    let says = |more: &[&str], expected: &[&str]| {
        let said = warned(&deployment, &monday, more);
        for part in [unread, none, ends, lost] {
            assert_eq!(said.contains(part), expected.contains(&part), "{part:?}, {more:?}: {said}");
        }
    };
    says(&[], &[lost]);
    says(&given, &[lost]);
    std::fs::write(deployment.database(), "no database").unwrap();
    says(&[], &[unread, none]);
    says(&given, &[unread, ends, lost]);
    std::fs::remove_file(deployment.database()).unwrap();
    says(&[], &[none]);
    says(&given, &[ends, lost]);
}

#[test]
fn what_is_refused_in_japanese_is_said_in_japanese() {
    let deployment = Deployment::new();
    let (backup, _) = deployment.backup("monday");
    let folder = deployment.folder.path();
    let said = |args: &[&str]| {
        let output = deployment.cli_in("ja_JP.UTF-8", args);
        String::from_utf8(output.stderr).unwrap()
    };
    // Names of files, options and programs may stay.
    let is_english = |said: &str| {
        [" a ", " the ", " not ", "longer", "regular", "digits", "manifest says"]
            .into_iter()
            .find(|words| said.contains(words))
            .map(str::to_owned)
    };
    let long = folder.join("long.jsonl");
    std::fs::write(&long, "x".repeat(1 << 20)).unwrap();
    let pipe = folder.join("pipe.jsonl");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    for path in [&long, &pipe] {
        let said = said(&restore(&backup, &["--check", "--trail", path.to_str().unwrap()]));
        assert!(said.contains("WK-1860"), "{said}");
        assert_eq!(is_english(&said), None, "{said}");
    }
    let said_of_root = said(&restore(&backup, &["--root", "xyz"]));
    assert!(
        said_of_root.contains("16 進数") && is_english(&said_of_root).is_none(),
        "{said_of_root}"
    );
    let said_of_age = said(&["backup", "/nowhere/x", "--recipient", "xyz"]);
    assert!(
        said_of_age.contains("age-keygen") && is_english(&said_of_age).is_none(),
        "{said_of_age}"
    );
    super::backups::rewrite(&deployment, &backup, |manifest| {
        manifest["contents"]["counts"]["people"] = 7.into();
    });
    let said_of_manifest = said(&restore(&backup, &["--check"]));
    assert!(said_of_manifest.contains("WK-1853"), "{said_of_manifest}");
    assert_eq!(is_english(&said_of_manifest), None, "{said_of_manifest}");
}
