//! A colleague's word is verified by what the colleague's key signed, and a login by it by the
//! code's signature too; what only the server could know is said to be open.

use wardkey_core::codec::List;
use wardkey_core::event::{Event, EventName};
use wardkey_core::id::TerminalId;
use wardkey_core::log_entry::Finding;
use wardkey_core::log_keys::{Change, ListedPerson, ListedStatus};
use wardkey_core::proof::ProofKind;
use wardkey_core::time::UnixTime;
use wardkey_core::vouch::{MAX_SECONDS, Vouch};
use wardkey_testkit::{CHOSEN_SEED, T0, login};

use super::support::{Desk, Log, by_vouch, found, report, vouch, vouched};

/// A log in whose last two records taro vouches for hanako, and she logs in by it.
fn log(word: &Event, login: &Event) -> Log {
    let mut log = Log::new(20);
    log.push(word);
    log.push(login);
    log
}

fn good() -> (Event, Event) {
    let word = vouch(20_000);
    (vouched(&word), by_vouch(&word, 21_000, CHOSEN_SEED))
}

fn checked(log: &Log) -> serde_json::Value {
    let desk = Desk::new();
    report(&desk.exported("log", log), &[])
}

#[test]
fn a_login_on_a_colleague_s_word_is_proved_without_the_server() {
    let (word, login) = good();
    let report = checked(&log(&word, &login));
    assert_eq!(found(&report), [""; 0], "{report}");
    let logins = &report["logins"];
    assert_eq!((&logins["vouch"], &logins["pass"]), (&1.into(), &2.into()), "{report}");
}

#[test]
fn what_the_colleague_did_not_sign_proves_no_vouch() {
    type Act = fn(&mut Event);
    let cases: [Act; 7] = [
        |event| event.evidence = None,
        |event| event.voucher = None,
        |event| event.voucher = Some(login("hanako")),
        |event| event.person = Some(login("jiro")),
        |event| event.counter = Some(9),
        |event| event.time = event.time.plus(600),
        |event| event.id = wardkey_core::id::EventId::new([1; 16]),
    ];
    for (number, act) in cases.into_iter().enumerate() {
        let (mut word, by_it) = good();
        act(&mut word);
        assert_eq!(found(&checked(&log(&word, &by_it))), ["1959 21"], "{number}");
    }
    type Sign = fn(&mut Vouch);
    let cases: [Sign; 4] = [
        |vouch| vouch.person = vouch.voucher.clone(),
        |vouch| vouch.until = vouch.from.plus(MAX_SECONDS + 1),
        |vouch| vouch.until = vouch.from,
        |vouch| vouch.terminal = TerminalId::new([9; 16]),
    ];
    for (number, sign) in cases.into_iter().enumerate() {
        let mut word = vouch(20_000);
        sign(&mut word);
        let both = log(&vouched(&word), &by_vouch(&word, 21_000, CHOSEN_SEED));
        assert_eq!(found(&checked(&both)), ["1959 21", "1959 22"], "{number}");
    }
}

#[test]
fn a_login_needs_the_signatures_of_both() {
    type Act = fn(&mut Event);
    let cases: [Act; 8] = [
        |event| event.evidence = None,
        |event| event.signed_by_code = None,
        |event| event.voucher = None,
        |event| event.proof = Some(ProofKind::TemporaryCode),
        |event| event.name = EventName::Login,
        |event| event.account = Some(login("root2")),
        |event| event.time = event.time.plus(3600),
        |event| *event = by_vouch(&vouch(20_000), 21_000, 1),
    ];
    for (number, act) in cases.into_iter().enumerate() {
        let (word, mut by_it) = good();
        act(&mut by_it);
        assert_eq!(found(&checked(&log(&word, &by_it))), ["1959 22"], "{number}");
    }
    // Before, after, and on the word for another code.
    for at in [19_900, 20_000 + wardkey_testkit::VOUCHED] {
        let word = vouch(20_000);
        let both = log(&vouched(&word), &by_vouch(&word, at, CHOSEN_SEED));
        assert_eq!(found(&checked(&both)), ["1959 22"], "{at}");
    }
    let (word, mut by_it) = good();
    let other = vouched(&vouch(20_001));
    (by_it.evidence, by_it.pass) = (other.evidence, other.pass);
    assert_eq!(found(&checked(&log(&word, &by_it))), ["1959 22"]);
}

#[test]
fn a_key_that_never_was_vouches_for_nobody() {
    let (word, by_it) = good();
    let mut log = log(&word, &by_it);
    log.change_keys(|keys| keys[1].key.enrolled = UnixTime(T0 + 25_000));
    let all = found(&checked(&log));
    assert!(all.ends_with(&["1959 21".into(), "1959 22".into()]), "{all:?}");
    log.change_keys(|keys| drop(keys.remove(1)));
    let all = found(&checked(&log));
    assert!(all.ends_with(&["1959 21".into(), "1959 22".into()]), "{all:?}");

    // Nor does one that is lent, which stands for nobody by itself.
    let (word, by_it) = good();
    let mut log = self::log(&word, &by_it);
    log.change_keys(|keys| keys[1].is_loaner = Some(true));
    let all = found(&checked(&log));
    assert!(all.ends_with(&["1959 21".into(), "1959 22".into()]), "{all:?}");

    // Switched off meanwhile: the terminal may not have heard of it.
    let (word, by_it) = good();
    let mut log = self::log(&word, &by_it);
    let off = Change { time: UnixTime(T0 + 20_500), to: ListedStatus::Disabled };
    log.change_keys(|keys| keys[1].changes = List::new(vec![off]).unwrap());
    let report = checked(&log);
    assert_eq!((found(&report), &report["intact"]), (vec!["1960 22".into()], &true.into()));
}

#[test]
fn for_whom_the_server_knew_nobody_is_open_and_no_alarm() {
    let mut word = vouch(20_000);
    word.person = login("ghost");
    let mut log = log(&vouched(&word), &by_vouch(&word, 21_000, CHOSEN_SEED));
    log.entries[20].finding = Finding::Invalid;
    log.entries[21].finding = Finding::Invalid;
    let report = checked(&log);
    assert_eq!(found(&report), ["1959 21", "1959 22"], "{report}");
    let open = (&report["intact"], &report["remarks"], &report["logins"]["vouch"]);
    assert_eq!(open, (&true.into(), &2.into(), &0.into()), "said, and counted as no login");
    let said = report["findings"][1]["message"].as_str().unwrap();
    assert!(said.contains("cannot be verified here"), "{said}");

    // Somebody whose key was there: then the server's word was changed.
    let (word, by_it) = good();
    let mut log = self::log(&word, &by_it);
    log.entries[20].finding = Finding::Invalid;
    log.entries[21].finding = Finding::Invalid;
    let report = checked(&log);
    assert_eq!(
        (found(&report), &report["intact"]),
        (vec!["1954 21".into(), "1954 22".into()], &false.into())
    );
    // Unless she was deleted before the record came.
    let gone = Change { time: UnixTime(T0 + 19_000), to: ListedStatus::Deleted };
    let changes = List::new(vec![gone]).unwrap();
    let person = ListedPerson { login: login("hanako"), changes };
    log.keys.people = List::new(vec![person]).unwrap();
    let report = checked(&log);
    assert_eq!((&report["intact"], &report["remarks"]), (&true.into(), &2.into()), "{report}");
}

#[test]
fn who_vouched_is_held_against_the_copies_too() {
    let (word, by_it) = good();
    let (desk, log) = (Desk::new(), log(&word, &by_it));
    let folder = desk.exported("log", &log);
    let mut lines = log.lines();
    let copied = |desk: &Desk, lines: &[String]| {
        let copy = desk.lines("auth.log", lines);
        found(&report(&folder, &["--records", copy.to_str().unwrap()]))
    };
    assert_eq!(copied(&desk, &lines), [""; 0]);
    assert!(lines[20].contains(" voucher=taro"), "{}", lines[20]);
    lines[20] = lines[20].replace("voucher=taro", "voucher=jiro");
    assert_eq!(copied(&desk, &lines), ["1954 21 :21"]);
}
