//! A login by a key on loan is proved by its loan: who had the key, and when.

use wardkey_core::codec::List;
use wardkey_core::log_keys::{Change, ListedPerson, ListedStatus};
use wardkey_core::time::UnixTime;
use wardkey_testkit::{T0, loan, login};

use super::support::{Desk, Log, found, on_loan, report};

/// When the login on loan is, which is the last of 21 records.
const AT: u64 = 20_500;

/// What is found in a log that ends with a login by hanako's key on loan, signed again after a
/// change.
fn changed(change: impl FnOnce(&mut Log)) -> Vec<String> {
    let (desk, mut log) = (Desk::new(), Log::with_loan());
    log.push(&on_loan(1, AT));
    change(&mut log);
    found(&report(&desk.exported("log", &log), &[]))
}

fn with_loan(change: impl FnOnce(&mut wardkey_core::log_keys::ListedLoan)) -> Vec<String> {
    changed(|log| log.change_loan(change))
}

#[test]
fn a_login_by_a_key_on_loan_is_proved_and_counted_as_such() {
    let (desk, mut log) = (Desk::new(), Log::with_loan());
    log.push(&on_loan(1, AT));
    let report = report(&desk.exported("log", &log), &[]);
    assert_eq!(found(&report), [""; 0]);
    let logins = &report["logins"];
    assert_eq!((&logins["loan"], &logins["key"]), (&1.into(), &4.into()));
}

#[test]
fn without_its_loan_the_key_stands_for_nobody() {
    let unproved = ["1959 21"];
    assert_eq!(changed(|log| log.keys.loans = None), unproved);
    assert_eq!(changed(|log| log.keys.loans = Some(List::default())), unproved);
    assert_eq!(changed(|log| log.change_keys(|keys| keys[2].is_loaner = None)), unproved);
    let names_none = |log: &mut Log| {
        let mut event = log.event(20);
        event.loan = None;
        log.put(20, &event);
    };
    assert_eq!(changed(names_none), unproved);
    // Nor for the one who has it next, or for somebody who never had it.
    assert_eq!(with_loan(|loan| loan.person = login("taro")), unproved);
    assert_eq!(changed(|log| log.push(&on_loan(2, AT + 10))), ["1959 22"]);
    // Nor is a key of one's own one on loan.
    let own = |log: &mut Log| {
        let mut event = log.event(11);
        event.loan = log.event(20).loan;
        log.put(11, &event);
    };
    assert_eq!(changed(own), ["1959 12"]);
    let other = wardkey_core::id::Hash::of(b"another key");
    assert_eq!(with_loan(|loan| loan.key = other), unproved);
}

#[test]
fn it_is_proved_from_the_beginning_of_its_loan_to_its_end_or_return() {
    let signed = UnixTime(T0 + AT);
    assert_eq!(with_loan(|loan| loan.from = signed), [""; 0]);
    assert_eq!(with_loan(|loan| loan.from = signed.plus(1)), ["1959 21"]);
    assert_eq!(with_loan(|loan| loan.until = signed.plus(1)), [""; 0]);
    assert_eq!(with_loan(|loan| loan.until = signed), ["1959 21"]);

    let back = |seconds: u64| with_loan(|loan| loan.back = Some(UnixTime(T0 + AT - seconds)));
    assert_eq!(back(301), ["1959 21"]);
    assert_eq!(back(300), [""; 0], "clocks differ a little");
    // What the server did not know when the record came, of a terminal whose clock is ahead.
    let ahead = changed(|log| {
        log.change_loan(|loan| loan.back = Some(UnixTime(T0 + AT - 900)));
        log.entries[20].received = UnixTime(T0 + AT - 1000);
    });
    assert_eq!(ahead, [""; 0]);
}

#[test]
fn by_which_loan_it_was_is_held_against_the_copies_too() {
    let (desk, mut log) = (Desk::new(), Log::with_loan());
    log.push(&on_loan(1, AT));
    let folder = desk.exported("log", &log);
    let mut lines = log.lines();
    let copied = |lines: &[String]| {
        let copy = desk.lines("auth.log", lines);
        found(&report(&folder, &["--records", copy.to_str().unwrap()]))
    };
    assert_eq!(copied(&lines), [""; 0]);
    let (lent, other) = (format!(" loan={}", loan(1).id), format!(" loan={}", "0".repeat(32)));
    assert!(lines[20].contains(&lent), "{}", lines[20]);
    lines[20] = lines[20].replace(&lent, &other);
    assert_eq!(copied(&lines), ["1954 21 :21"]);
}

#[test]
fn a_borrower_who_was_switched_off_by_then_is_shown() {
    let off = |at: u64| {
        changed(|log| {
            let changes = vec![Change { time: UnixTime(at), to: ListedStatus::Disabled }];
            let changes = List::new(changes).unwrap();
            let person = ListedPerson { login: login("hanako"), changes };
            log.keys.people = List::new(vec![person]).unwrap();
        })
    };
    assert_eq!(off(T0 + 20_000), ["1960 21"]);
    // Before the loan: somebody of this name who is gone, as nothing is lent to who is off.
    assert!(!off(T0 - 5000).contains(&"1960 21".to_owned()));
}

#[test]
fn a_loan_stays_what_an_older_list_says_of_it() {
    let desk = Desk::new();
    let older = desk.exported("older", &Log::with_loan());
    let compare = |name: &str, change: &dyn Fn(&mut Log)| {
        let mut log = Log::with_loan();
        change(&mut log);
        found(&report(&desk.exported(name, &log), &["--since", older.to_str().unwrap()]))
    };
    let back = |log: &mut Log| log.change_loan(|loan| loan.back = Some(UnixTime(T0 + 5)));
    assert_eq!(compare("same", &|_| {}), [""; 0]);
    assert_eq!(compare("back", &back), [""; 0], "it has been returned since");
    let other = |log: &mut Log| log.change_loan(|loan| loan.person = login("taro"));
    assert_eq!(compare("other", &other), ["1961"]);
    assert_eq!(compare("gone", &|log| log.keys.loans = None), ["1961"]);
    let own = |log: &mut Log| log.change_keys(|keys| keys[2].is_loaner = None);
    assert_eq!(compare("own", &own), ["1961"]);

    let mut log = Log::with_loan();
    back(&mut log);
    let older = desk.exported("returned", &log);
    let report =
        report(&desk.exported("out", &Log::with_loan()), &["--since", older.to_str().unwrap()]);
    assert_eq!(found(&report), ["1961"], "what was back is not out again");
}

#[test]
fn a_loan_that_began_before_an_older_list_was_made_is_in_it() {
    let desk = Desk::new();
    for (name, loans) in [("unknown", None), ("none", Some(List::default()))] {
        let mut log = Log::with_loan();
        log.keys.loans = loans;
        let made = log.keys.made;
        let older = desk.exported(name, &log);
        let begun = |from: UnixTime| {
            let mut log = Log::with_loan();
            log.change_loan(|loan| (loan.from, loan.until) = (from, from.plus(3600)));
            let newer = desk.exported(&format!("{name}-{}", from.0), &log);
            report(&newer, &["--since", older.to_str().unwrap()])
        };
        assert_eq!(found(&begun(made)), [""; 0], "lent since");
        let report = begun(UnixTime(made.0 - 1));
        assert_eq!(found(&report), ["1961"]);
        let said = report["findings"][0].to_string();
        assert!(said.contains("to hanako is said to be older"), "{said}");
    }
}
