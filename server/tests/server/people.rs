//! Files of people as hospitals have them, days in their time zone, and what is said when no
//! terminal hears of a change.

use serde_json::{Value, json};

use super::support::Deployment;
use super::support::authenticator::{Maker, Making};
use super::support::ward::enroll;

struct Files(Deployment);

impl Files {
    fn new() -> Self {
        Self(Deployment::with("time_zone = \"Asia/Tokyo\""))
    }

    /// Puts a file down; its path.
    fn put(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn logins(&self) -> Vec<String> {
        let people = self.0.rows(&["person", "list"]);
        people
            .as_array()
            .unwrap()
            .iter()
            .map(|person| person["login"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[test]
fn what_excel_writes_in_japan_is_taken() {
    let header = "ログイン名;氏名;スコープ;グループ;有効期限;言語";
    let text = format!("{header}\r\nhanako;髙橋 花子;icu er;nurses;2027/3/31;\r\n;;;;;\r\n");
    let (shift_jis, _, lossy) = encoding_rs::SHIFT_JIS.encode(&text);
    assert!(!lossy);
    let utf_16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(text.replace(';', "\t").encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    for (what, content) in [
        ("UTF-8 with its mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("Shift_JIS", shift_jis.into_owned()),
        ("UTF-16 with tabs", utf_16),
    ] {
        let files = Files::new();
        let path = files.put("people.CSV", &content);
        // Checked first: nothing happens, and it says what would.
        let would = files.0.json(&["person", "import", "--check", &path]);
        assert_eq!(would, json!({ "people": 1, "keys": 0, "skipped": 0 }), "{what}");
        assert!(files.logins().is_empty(), "{what}");
        assert!(!files.0.actions().contains(&"person.import".to_owned()));

        files.0.ok(&["person", "import", &path]);
        let person = files.0.json(&["person", "show", "hanako"]);
        assert_eq!(person["name"], "髙橋 花子", "{what}");
        assert_eq!(
            (&person["scopes"], &person["groups"]),
            (&json!(["er", "icu"]), &json!(["nurses"])),
            "{what}"
        );
        // The last day counts whole: it ends at 24:00 in Tokyo, 15:00 UTC.
        assert_eq!(person["valid_until"], json!(1_806_505_200), "{what}");
        assert!(
            files.0.ok(&["person", "show", "hanako"]).contains("to the end of 2027-03-31"),
            "{what}"
        );
    }
    let files = Files::new();
    let mark_and_json = [
        b"\xef\xbb\xbf".to_vec(),
        json!({ "login": "a", "name": "A", "scopes": ["icu"] }).to_string().into_bytes(),
    ];
    files.0.ok(&["person", "import", &files.put("people.jsonl", &mark_and_json.concat())]);
    assert_eq!(files.logins(), ["a"]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_line() {
    let files = Files::new();
    files.0.ok(&["person", "add", "there", "--name", "There", "--scope", "icu"]);
    let text = "login,name,language,scopes,groups,valid_from,valid_until\n\
                good,Good,ja,icu,,,\n\
                \n\
                a b,A,xx,icu nowhere,,soon,31/3/2027\n\
                \"c\",\"C\nof two lines\",,,,2027-04-01,2027-03-01\n\
                good,Again,ja,icu,,,\n\
                there,There,ja,icu,,,\n\
                d,,ja,icu,g/h,,,surprise\n";
    let path = files.put("people.csv", text.as_bytes());
    for args in [&["person", "import", &path][..], &["person", "import", "--check", &path]] {
        let output = files.0.cli(&[&["--json"], args].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let said: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(said["error"]["code"], "WK-1523");
        let problems: Vec<(u64, &str, &str)> = said["error"]["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| {
                let text = |member: &str| problem[member].as_str().unwrap_or("");
                (problem["line"].as_u64().unwrap(), text("code"), text("value"))
            })
            .collect();
        assert_eq!(
            problems,
            [
                (4, "WK-1527", "a b"),
                (4, "WK-1529", "xx"),
                (4, "WK-1532", "soon"),
                (4, "WK-1532", "31/3/2027"),
                (4, "WK-1530", "nowhere"),
                (5, "WK-1528", "C\nof two lines"),
                (5, "WK-1533", ""),
                (5, "WK-1526", ""),
                (7, "WK-1535", "good"),
                (8, "WK-1536", "there"),
                (9, "WK-1540", "surprise"),
            ]
        );
        assert_eq!(files.logins(), ["there"], "nobody was added");
    }
    let said = files.0.refused(1, &["person", "import", &path]);
    assert!(said.contains("people.csv:4: There is no scope nowhere."), "{said}");
    assert!(said.contains("the file has 11 problems"), "{said}");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wardkey-server"));
    let japanese = command.env("LC_ALL", "ja_JP.UTF-8").arg("--config").arg(files.0.path());
    let said = japanese.args(["person", "import", &path]).output().unwrap().stderr;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("people.csv:4: スコープ「nowhere」がありません"), "{said}");
}

#[test]
fn refusals_are_said_in_japanese_where_the_locale_is_and_in_english_to_programs() {
    let files = Files::new();
    let refused = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wardkey-server"));
        command.env("LC_ALL", "ja_JP.UTF-8").arg("--config").arg(files.0.path());
        let output = command.args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(
        refused(&["person", "show", "nobody"]),
        (Some(1), "wardkey-server: 職員 nobody は登録されていません (WK-1515)\n".into())
    );
    let (status, said) = refused(&["scope", "add", "icu"]);
    assert!(status == Some(1) && said.contains("スコープ icu はすでにあります"), "{said}");
    let (status, said) = refused(&["person", "show", "nobody", "--json"]);
    assert!(status == Some(1) && said.contains("person nobody is not known"), "{said}");
}

#[test]
fn a_file_that_names_nobody_is_never_a_success() {
    let files = Files::new();
    for (content, code, line) in [
        ("hanako,山田 花子,ja,icu,,,\n", "WK-1524", 1),
        ("\n\nhanako,山田 花子\nb,B\n", "WK-1524", 3),
        ("login,name,scopes\n", "WK-1542", 1),
        ("", "WK-1542", 1),
        ("login,naem,scopes\na,A,icu\n", "WK-1525", 1),
        ("login,name,scopes\na,\"A,icu\nb,B,icu\n", "WK-1539", 2),
    ] {
        let path = files.put("people.csv", content.as_bytes());
        let said = files.0.refused(1, &["person", "import", &path]);
        assert!(
            said.contains(&format!("people.csv:{line}: ")) && said.contains(code),
            "{content:?}: {said}"
        );
    }
    let path = files.put("people.csv", b"login,name\n\xff\xff\xff\xff,B\n");
    assert!(files.0.refused(1, &["person", "import", &path]).contains("people.csv:2: "));
}

#[test]
fn the_last_day_is_included_in_the_deployment_s_time_zone() {
    let files = Files::new();
    files.0.ok(&[
        "person",
        "add",
        "a",
        "--name",
        "A",
        "--scope",
        "icu",
        "--valid-from",
        "2027/3/31",
        "--valid-until",
        "2027-03-31",
    ]);
    let person = files.0.json(&["person", "show", "a"]);
    assert_eq!(
        (&person["valid_from"], &person["valid_until"]),
        (&json!(1_806_418_800), &json!(1_806_505_200))
    );
    files.0.ok(&["person", "set", "a", "--valid-until", "2027-03-31T17:30:00+09:00"]);
    assert_eq!(files.0.json(&["person", "show", "a"])["valid_until"], json!(1_806_481_800));
    let said = files.0.refused(1, &["person", "set", "a", "--valid-until", "2027-03-30"]);
    assert!(said.contains("ends before"), "{said}");
    files.0.refused(2, &["person", "set", "a", "--valid-until", "31/3/2027"]);
    files.0.ok(&["events", "list", "--since", "2027-03-31"]);
}

#[test]
fn a_change_that_no_terminal_hears_of_is_not_called_done() {
    let deployment = Deployment::new();
    deployment.ok(&["person", "add", "yamada", "--name", "Y", "--scope", "icu"]);
    deployment.ok(&["person", "add", "sato", "--name", "S", "--scope", "er"]);
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let code = deployment.ok(&["code", "issue", "yamada"]);
    let (key, _) = enroll(&terminal, &code, &Maker::new(), Making::default());
    let key = &key.fingerprint()[..16];
    let heard = |args: &[&str]| {
        let output = deployment.cli(args);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.stderr.is_empty());
    };
    heard(&["key", "disable", key]);
    heard(&["key", "enable", key]);

    // Halted: terminals of that scope do not hear of it, those of others do.
    deployment.halt("icu");
    assert!(deployment.unheard(&["key", "disable", key]).contains("WK-1545"));
    assert!(deployment.unheard(&["person", "disable", "yamada"]).contains("icu"));
    heard(&["person", "disable", "sato"]);
    heard(&["person", "enable", "yamada"]);
    deployment.ok(&["epoch", "raise"]);
    heard(&["person", "disable", "yamada"]);

    running.stop();
    for args in [
        &["key", "disable", key][..],
        &["person", "disable", "yamada"],
        &["terminal", "revoke", "ward-1"],
        &["key", "delete", key],
        &["person", "delete", "yamada"],
    ] {
        assert!(deployment.unheard(args).contains("WK-1544"), "{args:?}");
    }
    // It is stored: the server publishes it when it runs.
    assert_eq!(deployment.rows(&["terminal", "list"])[0]["status"], "revoked");
    heard(&["person", "enable", "sato"]);
    heard(&["person", "add", "c", "--name", "C", "--scope", "icu"]);
}
