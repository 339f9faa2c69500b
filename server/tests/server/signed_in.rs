//! Who is signed in where: what terminals record of sessions, as a list, over the interface and on
//! pages.

use serde_json::{Value, json};
use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::name::LoginName;
use wardkey_core::time::UnixTime;
use wardkey_server::secret;

use super::restoring::restore;
use super::support::admin::{Admin, problem};
use super::support::browser::{Browser, short};
use super::support::client::Terminal;
use super::support::people::report;
use super::support::{Deployment, Running, now};

/// What a terminal records of a session of a shared account.
fn of(terminal: &Terminal, name: EventName, (session, person): (&str, &str), at: u64) -> Event {
    let id = EventId::new(secret::random().unwrap());
    let mut event = Event::new(id, UnixTime(at), name, Outcome::Success);
    event.terminal = Some(terminal.id);
    event.person = LoginName::new(person).ok();
    event.account = LoginName::new("ward3pc").ok();
    event.service = Some("gdm-password".into());
    event.session = Some(session.into());
    event.seat = Some("seat0".into());
    event.key = Some("8f14e45fceea167a".into());
    event
}

fn after(mut event: Event, seconds: u64) -> Event {
    event.seconds = Some(seconds);
    event
}

fn because(mut event: Event, reason: Code) -> Event {
    event.reason = Some(reason);
    event
}

fn listed(deployment: &Deployment, filter: &[&str]) -> Vec<Value> {
    deployment.rows(&[&["session", "list"], filter].concat()).as_array().unwrap().clone()
}

/// Who, since when, what the screen is since when, and whether it is certain.
fn said(row: &Value) -> Value {
    json!([row["person"], row["since"], row["screen"], row["screen_since"], row["uncertain"]])
}

fn failed(mut event: Event) -> Event {
    event.outcome = Outcome::Failure;
    event
}

/// Two people of the scope `icu`, and a terminal of it.
fn ward() -> (Deployment, Running, Terminal) {
    let deployment = Deployment::administrated("");
    for (login, name) in [("hanako", "山田花子"), ("taro", "鈴木太郎")] {
        deployment.ok(&["person", "add", login, "--name", name, "--scope", "icu"]);
    }
    let running = deployment.start();
    let desk = deployment.join(&running, "desk 1", &["icu"]);
    (deployment, running, desk)
}

#[test]
fn a_session_is_listed_from_its_beginning_to_its_end() {
    let (deployment, _running, desk) = ward();
    let at = now();
    let hanako = ("c2", "hanako");
    let began = of(&desk, EventName::SessionStarted, hanako, at);
    let locked = of(&desk, EventName::SessionLocked, hanako, at + 60);
    let locked = because(after(locked, 60), Code::LockedByRemoval);
    // Another person unlocks it: as the terminal says it, by two records.
    let opened = after(of(&desk, EventName::SessionUnlocked, ("c2", "taro"), at + 90), 90);
    let changed = after(of(&desk, EventName::SessionPersonChanged, ("c2", "taro"), at + 90), 90);
    let ended = after(of(&desk, EventName::SessionEnded, ("c2", "taro"), at + 120), 120);

    report(&desk, std::slice::from_ref(&began));
    let rows = listed(&deployment, &[]);
    let terminal = desk.id.to_hex();
    assert_eq!(rows.len(), 1);
    for (field, value) in [
        ("terminal", json!(terminal)),
        ("terminal_name", json!("desk 1")),
        ("session", json!("c2")),
        ("seat", json!("seat0")),
        ("service", json!("gdm-password")),
        ("account", json!("ward3pc")),
        ("name", json!("山田花子")),
        ("key", json!("8f14e45fceea167a")),
        ("began", json!(at)),
    ] {
        assert_eq!(rows[0][field], value, "{field}");
    }
    assert_eq!(said(&rows[0]), json!(["hanako", at, "open", null, false]));

    report(&desk, &[locked]);
    let rows = listed(&deployment, &[]);
    assert_eq!(said(&rows[0]), json!(["hanako", at, "locked", at + 60, false]));
    assert_eq!(rows[0]["screen_reason"], "WK-1405");
    report(&desk, &[opened, changed]);
    let rows = listed(&deployment, &[]);
    assert_eq!(said(&rows[0]), json!(["taro", at + 90, "open", null, false]));
    assert_eq!((&rows[0]["began"], rows.len()), (&json!(at), 1));
    report(&desk, &[ended]);
    assert_eq!(listed(&deployment, &[]).len(), 0);
    // What comes a second time moves nothing.
    report(&desk, &[began]);
    assert_eq!(listed(&deployment, &[]).len(), 0);
}

#[test]
fn records_in_the_order_of_their_urgency_say_the_same_as_in_the_order_of_time() {
    let (deployment, _running, desk) = ward();
    let at = now();
    let hanako = ("c2", "hanako");
    let began = of(&desk, EventName::SessionStarted, hanako, at);
    let locked = after(of(&desk, EventName::SessionLocked, hanako, at + 60), 60);
    let opened = after(of(&desk, EventName::SessionUnlocked, hanako, at + 90), 90);
    let opened = because(failed(opened), Code::UnlockedWithoutKey);
    report(&desk, &[opened, began, locked]);
    let rows = listed(&deployment, &[]);
    assert_eq!(said(&rows[0]), json!(["hanako", null, "opened", at + 90, false]));
    assert_eq!((&rows[0]["screen_reason"], rows.len()), (&json!("WK-1410"), 1));
    let table = deployment.ok(&["session", "list"]);
    assert!(table.contains("opened without a login"), "{table}");

    // After a power cut: nobody saw the end.
    let taro = ("c3", "taro");
    let ended = after(of(&desk, EventName::SessionEnded, taro, at + 300), 100);
    let ended = because(failed(ended), Code::EndNotSeen);
    let began = of(&desk, EventName::SessionStarted, taro, at + 200);
    let locked = after(of(&desk, EventName::SessionLocked, taro, at + 210), 10);
    report(&desk, &[ended, began, locked]);
    let people =
        |rows: &[Value]| -> Vec<Value> { rows.iter().map(|row| row["person"].clone()).collect() };
    assert_eq!(people(&listed(&deployment, &[])), ["hanako"]);
    // The next boot counts sessions anew.
    let again = of(&desk, EventName::SessionStarted, ("c3", "hanako"), at + 400);
    report(&desk, &[again]);
    assert_eq!(people(&listed(&deployment, &[])), ["hanako", "hanako"]);
}

#[test]
fn what_is_not_known_of_a_session_is_not_made_up() {
    let (deployment, _running, desk) = ward();
    let at = now();
    // Records of before this was kept: a session is here from its next record on.
    let locked =
        |person, at, age| after(of(&desk, EventName::SessionLocked, ("c7", person), at), age);
    report(&desk, &[locked("hanako", at, 3600)]);
    let rows = listed(&deployment, &[]);
    assert_eq!(rows[0]["began"], json!(at - 3600));
    assert_eq!(said(&rows[0]), json!(["hanako", null, "locked", at, false]));

    // Records were lost: perhaps that of its end. The next one says that it goes on; one that is
    // older says nothing.
    let lost = |detail: Option<&str>, at| {
        let mut lost = failed(of(&desk, EventName::RecordsLost, ("", "hanako"), at));
        lost.session = None;
        lost.count = Some(3);
        lost.detail = detail.map(str::to_owned);
        lost
    };
    let is_uncertain = || listed(&deployment, &[])[0]["uncertain"].as_bool().unwrap();
    // What a collector lacks is here.
    report(&desk, &[lost(Some("syslog 3, collector 2"), at + 5)]);
    assert!(!is_uncertain());
    report(&desk, &[lost(Some("syslog 1, server 3"), at + 9), locked("hanako", at + 8, 3608)]);
    assert!(is_uncertain());
    let table = deployment.ok(&["session", "list"]);
    assert!(table.contains("perhaps ended") && table.contains("locked since"), "{table}");
    let japanese = deployment.cli_in("ja_JP.UTF-8", &["session", "list"]);
    let japanese = String::from_utf8(japanese.stdout).unwrap();
    assert!(japanese.contains("終了した可能性あり") && japanese.contains("状態"), "{japanese}");
    report(&desk, &[locked("hanako", at + 10, 3610)]);
    assert!(!is_uncertain());
    report(&desk, &[lost(None, at + 11)]);
    assert!(is_uncertain());
    report(&desk, &[locked("hanako", at + 12, 3612)]);
    report(&desk, &[failed(of(&desk, EventName::StateSetAside, ("", "hanako"), at + 13))]);
    assert!(is_uncertain());

    // A session older than the clock is none.
    report(&desk, &[locked("taro", at + 14, at + 15)]);
    assert_eq!(listed(&deployment, &[]).len(), 1);
    // Somebody of no scope of the terminal has no name there.
    assert_eq!(listed(&deployment, &[])[0]["name"], "山田花子");
    deployment.ok(&["person", "set", "hanako", "--scope", "er"]);
    assert_eq!(listed(&deployment, &[])[0]["name"], Value::Null);
}

#[test]
fn a_terminal_that_is_revoked_or_joins_anew_or_says_too_much_is_not_believed_for_ever() {
    let (deployment, running, desk) = ward();
    let at = now() - 1000;
    let begins = |terminal: &Terminal, later: u64| {
        of(terminal, EventName::SessionStarted, ("c2", "hanako"), at + later)
    };
    let many: Vec<Event> = (0..70).map(|later| begins(&desk, later)).collect();
    report(&desk, &many);
    let rows = listed(&deployment, &[]);
    assert_eq!((rows.len(), &rows[0]["began"]), (64, &json!(at + 69)));
    // Whatever kind of record it is.
    let locks =
        |later: u64| after(of(&desk, EventName::SessionLocked, ("c3", "hanako"), at + 99), later);
    report(&desk, &(0..70).map(locks).collect::<Vec<_>>());
    assert_eq!(listed(&deployment, &[]).len(), 64);
    // Text that no database takes is left out, and holds up nothing.
    let mut odd = begins(&desk, 200);
    odd.session = Some("x".repeat(300));
    odd.tty = Some("a\0b".into());
    odd.key = Some("nonsense".into());
    report(&desk, &[odd]);
    let rows = listed(&deployment, &[]);
    let left_out = (&rows[0]["session"], &rows[0]["tty"], &rows[0]["key"]);
    assert_eq!((rows.len(), left_out), (64, (&Value::Null, &Value::Null, &Value::Null)));

    deployment.ok(&["terminal", "disable", "desk 1", "--reason", "stolen"]);
    assert_eq!(listed(&deployment, &[]).len(), 0);
    deployment.ok(&["terminal", "enable", "desk 1", "--reason", "found"]);
    // What it said before may be over.
    let rows = listed(&deployment, &[]);
    assert_eq!((rows.len(), &rows[0]["uncertain"]), (64, &json!(true)));
    let token = deployment.ok(&["terminal", "token", "--replace", "desk 1"]);
    let again = Terminal::join(&running, &token, "desk 1", b"another").unwrap();
    assert_eq!((again.id, listed(&deployment, &[]).len()), (desk.id, 0));
}

#[test]
fn after_a_restore_nobody_is_said_to_be_signed_in_before_the_terminal_says_so_again() {
    let (deployment, running, desk) = ward();
    let at = now();
    report(&desk, &[of(&desk, EventName::SessionStarted, ("c2", "hanako"), at)]);
    running.stop();
    let (backup, _) = deployment.backup("monday");
    deployment.ok(&restore(&backup, &["--replace", "--yes"]));
    assert_eq!(listed(&deployment, &[]).len(), 0);
}

#[test]
fn sessions_are_listed_by_place_and_person_in_pages() {
    let (deployment, running, desk) = ward();
    let other = deployment.join(&running, "desk 2", &["er"]);
    let at = now();
    for (terminal, session, person, at) in
        [(&desk, "c1", "hanako", at - 9), (&desk, "c2", "taro", at), (&other, "c1", "hanako", at)]
    {
        report(terminal, &[of(terminal, EventName::SessionStarted, (session, person), at)]);
    }
    for (filter, found) in [
        (&[][..], &["desk 2", "desk 1", "desk 1"][..]),
        (&["--scope", "icu"], &["desk 1", "desk 1"]),
        (&["--scope", "er"], &["desk 2"]),
        (&["--terminal", "desk 1"], &["desk 1", "desk 1"]),
        (&["--person", "hanako"], &["desk 2", "desk 1"]),
        (&["--person", "hanako", "--scope", "icu"], &["desk 1"]),
        (&["--search", "DESK 2"], &["desk 2"]),
        (&["--search", "鈴木"], &["desk 1"]),
        (&["--limit", "1"], &["desk 2"]),
    ] {
        let rows = listed(&deployment, filter);
        let names: Vec<&Value> = rows.iter().map(|row| &row["terminal_name"]).collect();
        assert_eq!(names, found, "{filter:?}");
    }
    let first = deployment.json(&["session", "list", "--limit", "2"]);
    let next = first["next"].as_str().unwrap();
    assert_eq!(listed(&deployment, &["--limit", "2", "--after", next]).len(), 1);
    deployment.refused(1, &["session", "list", "--terminal", "nowhere"]);
    deployment.refused(1, &["session", "list", "--scope", "nowhere"]);

    // Each role sees its own place.
    let asked = |role, scopes: &[&str], path: &str| {
        let answer = Admin::new(&running, &deployment.api_key(role, scopes)).get(path);
        if answer.status != 200 {
            return Err(problem(&answer));
        }
        let rows: Value = answer.json();
        let rows = rows["items"].as_array().unwrap().clone();
        Ok(rows.iter().map(|row| row["terminal_name"].as_str().unwrap().to_owned()).collect())
    };
    let all: Result<Vec<String>, _> = asked("auditor", &[], "/v1/sessions");
    assert_eq!(all.unwrap(), ["desk 2", "desk 1", "desk 1"]);
    for (path, found) in [
        ("/v1/sessions", Ok(vec!["desk 2"])),
        ("/v1/sessions?person=hanako", Ok(vec!["desk 2"])),
        ("/v1/sessions?person=taro", Ok(vec![])),
        ("/v1/sessions?scope=er", Ok(vec!["desk 2"])),
        ("/v1/sessions?scope=icu", Err((404, "WK-1515".to_owned()))),
        ("/v1/sessions?scope=nowhere", Err((404, "WK-1515".to_owned()))),
    ] {
        let found = found.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(asked("help-desk", &["er"], path), found, "{path}");
    }
    // A terminal of two places: whoever is for one has its names alone, also to search.
    let both = deployment.join(&running, "desk 3", &["icu", "er"]);
    for (account, person, began) in [("ward3pc", "hanako", at), ("ward4pc", "jiro", at + 1)] {
        let mut event = of(&both, EventName::SessionStarted, ("c9", person), began);
        event.account = LoginName::new(account).ok();
        report(&both, &[event]);
    }
    deployment.ok(&["person", "add", "jiro", "--name", "佐藤次郎", "--scope", "er"]);
    let names = |scopes: &[&str], search: &str| -> Vec<Value> {
        let path = format!("/v1/sessions?terminal={}&search={search}", both.id.to_hex());
        let admin = Admin::new(&running, &deployment.api_key("help-desk", scopes));
        let rows: Value = admin.get(&path).json();
        rows["items"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect()
    };
    assert_eq!(names(&[], ""), ["佐藤次郎", "山田花子"]);
    assert_eq!(names(&["er"], ""), [json!("佐藤次郎"), Value::Null]);
    assert_eq!(names(&["icu"], ""), [Value::Null, json!("山田花子")]);
    let jiro = "%E4%BD%90%E8%97%A4";
    assert_eq!((names(&["er"], jiro).len(), names(&["icu"], jiro).len()), (1, 0));

    let icu = format!("/v1/sessions?terminal={}", desk.id.to_hex());
    let two = asked("help-desk", &["icu"], &format!("{icu}&scope=nowhere"));
    assert_eq!(two.unwrap_err().0, 400);
    assert_eq!(asked("help-desk", &["er"], &icu).unwrap_err().0, 404);
    assert_eq!(asked("help-desk", &["icu"], &icu).unwrap().len(), 2);
    assert_eq!(asked("approver", &[], "/v1/sessions").unwrap_err().0, 403);
}

#[test]
fn the_pages_show_who_is_signed_in_and_which_keys_were_lost_today() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["help-desk", "--scope", "icu"]);
    deployment.ok(&["person", "set", "ito", "--name", "伊藤"]);
    let lost = deployment.with_key(&running, "hanako");
    let desk = deployment.join(&running, "desk 1", &["icu"]);
    let other = deployment.join(&running, "desk 2", &["er"]);
    let at = now();
    for (terminal, person) in [(&desk, "hanako"), (&other, "nobody")] {
        report(terminal, &[of(terminal, EventName::SessionStarted, ("c1", person), at)]);
    }
    let before = now();
    deployment.ok(&["key", "disable", &short(&lost), "--person", "hanako", "--reason", "lost"]);
    let row = deployment.rows(&["key", "list", "--disabled-since", "2026-01-01"])[0].clone();
    assert_eq!(
        (&row["person"], row["disabled"].as_u64() >= Some(before)),
        (&json!("hanako"), true)
    );

    let mut browser = Browser::signed_in(&running, &key, 2);
    browser.language = "ja";
    let here = format!("/terminals/{}", desk.id.to_hex());
    for (page, shows, is_whole) in [
        ("/", "現在ログイン中", true),
        ("/", "今日無効にしたキー", true),
        ("/signed-in", "どの端末に誰が", true),
        ("/people/hanako", "現在ログイン中", true),
        (&here, "現在ログイン中", true),
        ("/signed-in?search=desk+1", "desk 1", true),
        ("/signed-in?scope=icu", "desk 1", true),
        ("/signed-in?search=elsewhere", "どの端末に誰が", false),
    ] {
        let body = browser.get(page).body;
        assert!(body.contains(shows), "{page}: {body}");
        assert_eq!(body.contains("ロックされていません"), is_whole, "{page}");
        assert!(!body.contains("desk 2"), "{page}");
    }
    assert!(browser.get("/").body.contains(&short(&lost)));
    assert_eq!(browser.get("/signed-in?scope=er").status, 404);
    let file = browser.get("/signed-in.csv");
    assert!(file.body.contains("desk 1") && !file.body.contains("desk 2"), "{}", file.body);
    // The nurse has another key: the lost one is lost no longer.
    deployment.ok(&["key", "enable", &short(&lost), "--person", "hanako", "--reason", "found"]);
    assert!(!browser.get("/").body.contains("今日無効にしたキー"));
    assert_eq!(deployment.rows(&["key", "list", "--disabled-since", "2026-01-01"]), json!([]));
}
