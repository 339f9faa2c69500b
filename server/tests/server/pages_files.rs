//! Lists of the pages as files: what a spreadsheet makes of them, and who took them away.

use serde_json::json;
use wardkey_core::code::Code;

use super::support::admin::Site;
use super::support::browser::Browser;
use super::support::client::Answer;
use super::support::people::{refused, report};
use super::support::{Deployment, now};

/// The rows of a file, the columns first.
fn rows(answer: &Answer) -> Vec<Vec<String>> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    let text = answer.body.strip_prefix('\u{feff}').expect("what says that it is UTF-8");
    assert!(text.ends_with("\r\n") && !text.replace("\r\n", "").contains('\n'));
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

#[test]
fn a_long_list_is_a_whole_file_and_the_trail_says_who_took_it() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["owner"]);
    // Three parts of a thousand.
    let people: String =
        (0..2345).map(|number| format!("p{number:04},利用者 {number},icu\n")).collect();
    let path = deployment.folder.path().join("people.csv");
    std::fs::write(&path, format!("login,name,scopes\n{people}")).unwrap();
    deployment.ok(&["person", "import", path.to_str().unwrap()]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    browser.language = "ja";

    let answer = browser.get("/people.csv?scope=icu&search=");
    let place = answer.headers["content-disposition"].to_str().unwrap();
    assert!(place.starts_with("attachment; filename=\"wardkey-people-"), "{place}");
    assert!(place.ends_with(".csv\"") && place.len() < 60, "{place}");
    let all = rows(&answer);
    assert_eq!(all.len(), 1 + 2345 + 1, "the columns, and everybody once");
    assert_eq!(all[0][..4], ["ユーザー名", "名前", "ローマ字氏名", "状態"]);
    assert_eq!(all[1][..4], ["ito", "ito", "", "有効"]);
    assert_eq!(all[2346][..2], ["p2344", "利用者 2344"]);
    let row = &deployment.rows(&["audit", "list", "--limit", "1"])[0];
    assert_eq!((&row["action"], &row["object"]), (&json!("page.download"), &json!("people")));
    assert_eq!((&row["actor"], &row["detail"]), (&json!("person:ito"), &json!("scope=icu")));
}

#[test]
fn names_in_a_file_are_no_formulas_and_stay_as_they_are() {
    let deployment = Deployment::with_pages();
    let at = now();
    let running = deployment.start_at(at);
    let key = deployment.administrator(&running, "ito", &["owner"]);
    let names =
        ["=HYPERLINK(\"http://x\",\"y\")", "+1", "-1+2", "@SUM(A1)", "＝1", "a,\"b\"", "x; =1"];
    for (number, name) in names.iter().enumerate() {
        // Login names of digits are those of staff numbers.
        deployment.ok(&[
            "person",
            "add",
            &format!("00{number}"),
            &format!("--name={name}"),
            "--scope",
            "icu",
        ]);
    }
    deployment.ok(&["person", "disable", "000", "--reason", "=cmd|' /C calc'!A0"]);
    // Nothing is cut off: what somebody may do stands at the end, too.
    let groups: Vec<String> =
        (0..20).map(|number| format!("group-{number:02}-{}", "x".repeat(20))).collect();
    let mut add = vec!["person", "add", "long", "--name", "L", "--scope", "icu"];
    add.extend(groups.iter().flat_map(|group| ["--group", group.as_str()]));
    let reason = format!("{} the end", "y".repeat(400));
    deployment.ok(&[&add[..], &["--reason", &reason]].concat());
    let desk = deployment.join(&running, "@SUM(1+1)", &["icu"]);
    report(&desk, &[refused(&desk, at, Code::PinWrong)]);
    let mut browser = Browser::signed_in(&running, &key, 2);
    let people = rows(&browser.get("/people.csv"));
    for (number, name) in names.iter().enumerate() {
        let row = people.iter().find(|row| row[0] == format!("'00{number}")).unwrap();
        let expected = match name.chars().next().unwrap() {
            'x' => "x; '=1".to_owned(),
            'a' => (*name).to_owned(),
            _ => format!("'{name}"),
        };
        assert_eq!(row[1], expected);
    }
    for path in ["/people.csv", "/terminals.csv", "/events.csv", "/keys.csv", "/trail.csv"] {
        let all = rows(&browser.get(path));
        assert!(all.len() > 1, "{path}");
        let begins = |cell: &String| cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']);
        for row in &all {
            assert_eq!(row.len(), all[0].len(), "{path}: {row:?}");
            assert!(!row.iter().any(begins), "{path}: {row:?}");
        }
    }
    let long = people.iter().find(|row| row[0] == "long").unwrap();
    assert_eq!(long[7], groups.join(", "));
    let trail = browser.get("/trail.csv").body;
    assert!(trail.contains(&reason), "{trail}");
    assert!(trail.contains(",'=cmd|' /C calc'!A0,"), "{trail}");
}

#[test]
fn a_file_has_what_whoever_takes_it_may_see_and_nothing_else() {
    let deployment = Deployment::with_pages();
    let running = deployment.start();
    let key = deployment.administrator(&running, "ito", &["site-administrator", "--scope", "icu"]);
    let approver = deployment.administrator(&running, "kato", &["approver"]);
    let own = Site::new(&deployment, &running, "icu", "yamada", 0);
    let other = Site::new(&deployment, &running, "er", "sato", 1);
    let mut browser = Browser::signed_in(&running, &key, 2);
    for path in ["/people.csv", "/terminals.csv", "/events.csv", "/keys.csv"] {
        let text = browser.get(path).body;
        let (own, other) = ([own.login, &own.terminal], [other.login, &other.terminal]);
        let desk = ["desk of yamada", "desk of sato"];
        assert!(own.iter().chain(&desk[..1]).any(|name| text.contains(*name)), "{path}: {text}");
        assert!(!other.iter().chain(&desk[1..]).any(|name| text.contains(*name)), "{path}: {text}");
    }
    assert_eq!(browser.get("/trail.csv").status, 403);
    // Nobody takes its head alone: it would not be told.
    for path in ["/people.csv", "/reports/inventory?table=keys"] {
        let answer = browser.ask("HEAD", path, ("", String::new()));
        assert_eq!((answer.status, &answer.headers["allow"]), (405, &"GET".parse().unwrap()));
    }

    let before = deployment.actions().iter().filter(|act| *act == "page.download").count();
    let mut approver = Browser::signed_in(&running, &approver, 2);
    for path in ["/events.csv", "/trail.csv", "/reports/inventory?table=keys"] {
        let answer = approver.get(path);
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        assert!(answer.body.contains("WK-1721") && answer.body.contains("<main"), "{path}");
    }
    let mut nobody = Browser::new(&running);
    assert_eq!(nobody.get("/people.csv").status, 303);
    let after = deployment.actions().iter().filter(|act| *act == "page.download").count();
    assert_eq!(after, before, "what was not taken is not told");
}
