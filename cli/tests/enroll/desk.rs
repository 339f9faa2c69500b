//! One person after the other: nothing of one is left for the next.

use std::time::Duration;

use wardkey_cli::Wait;

use super::{machine, plug};

const CLEAN: &str = "\x1b[H\x1b[2J\x1b[3J";
const CODE: Wait = Wait::OnceBegun(Duration::from_secs(120));
const AWAY: Wait = Wait::For(Duration::from_secs(120));
const READING: Wait = Wait::For(Duration::from_secs(60));

#[test]
fn one_person_comes_after_the_other_until_no_code_is_typed() {
    let machine = machine(0);
    plug(&machine, Some("2468"), 8);
    let answers =
        [["GOOD-CODE", "2468", "(read)"], ["BAD-CODE", "(away)", "GOOD-CODE"], ["2468", "", "^C"]];
    let ran = machine.run("enroll --desk", answers.as_flattened(), true, false);
    assert_eq!(ran.exit, 0);
    assert_eq!(ran.out.matches("has been registered").count(), 2, "{}", ran.out);
    assert!(ran.out.ends_with("\nKeys registered: 2\n"), "{}", ran.out);
    assert!(ran.errors.contains("WK-1506") && ran.errors.lines().count() == 1, "{}", ran.errors);
    // Each begins at a clean screen, by what it is for; the code waits as long as nobody types.
    let begins = |said: &&String| said.starts_with("Register your security key");
    assert_eq!(ran.said.iter().filter(begins).count(), 4);
    assert_eq!(ran.said.iter().filter(|said| *said == CLEAN).count(), 3);
    assert_eq!(
        ran.waits,
        [CODE, AWAY, READING, CODE, READING, CODE, AWAY, READING, CODE],
        "code, PIN, next; code, next; code, PIN, next; code"
    );
}

#[test]
fn whoever_goes_away_leaves_no_code_for_the_next_one() {
    let machine = machine(0);
    plug(&machine, Some("2468"), 8);
    let answers = ["GOOD-CODE", "(away)", "", "BAD-CODE", "", "^C"];
    let ran = machine.run("enroll --desk", &answers, true, false);
    assert!(ran.out == "Keys registered: 0\n" && ran.errors.contains("WK-1211"), "{}", ran.errors);
    let log = machine.log();
    assert!(!log.contains(&"key MakeCredential".to_owned()), "{log:?}");
    assert_eq!(log.iter().filter(|line| *line == "asked Enrollment code: ").count(), 3);
}

#[test]
fn a_script_gives_its_answers_without_being_told_to_press_a_key() {
    let machine = machine(0);
    plug(&machine, Some("2468"), 8);
    let answers = ["GOOD-CODE", "2468", "GOOD-CODE", "2468", "^C"];
    let ran = machine.run("enroll --desk --json", &answers, false, false);
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["login"]), (3, &"hanako".into()));
    assert_eq!(lines[2], serde_json::json!({ "enrolled": 2 }));
    assert!(!ran.said.contains(&CLEAN.to_owned()));
}
