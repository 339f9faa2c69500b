//! What is told to the login screen, and every shape of what it may answer.

use wardkey_core::name::Language;

use super::json::{decoded, text_at, write_text};
use super::{Page, pin_of};

/// An answer as GNOME 51 gives it.
const ANSWER: &str = concat!(
    r#"{"authSelection":{"status":"Ok","#,
    r#""passkey":{"pin":"135790","kerberos":false,"cryptoChallenge":""}}}"#
);

fn pin(json: &str) -> Option<String> {
    pin_of(json.as_bytes()).map(|pin| pin.as_str().to_owned())
}

fn with_pin(pin: &str) -> String {
    ANSWER.replace("135790", pin)
}

#[test]
fn the_pin_of_an_answer_is_read_whatever_it_is_written_like() {
    for (written, meant) in [
        ("135790", "135790"),
        ("", ""),
        ("暗証番号", "暗証番号"),
        (r"\u6697\u8A3c", "暗証"),
        (r#"a\"b\\c\/d"#, r#"a"b\c/d"#),
        (r"😀\n\t\b\f\r", "😀\n\t\u{8}\u{c}\r"),
        (&r"\\".repeat(200), &"\\".repeat(200)),
    ] {
        assert_eq!(pin(&with_pin(written)).as_deref(), Some(meant), "{written}");
    }
    let other_order = concat!(
        r#" { "x" : [ 1 , -2.5e+3 , [ ] , { } , null ] ,
        "authSelection" : { "passkey" : { "more" : { "pin" : "no" } , "pin" : "1" } , "#,
        r#""status" : "Ok" } } "#
    );
    assert_eq!(pin(other_order).as_deref(), Some("1"));
}

#[test]
fn what_is_not_a_whole_answer_is_none() {
    for wrong in [
        "",
        "{}",
        "null",
        "\"135790\"",
        r#"{"authSelection":{"status":"Ok"}}"#,
        r#"{"authSelection":{"passkey":{"pin":"135790"}}}"#,
        r#"{"authSelection":{"status":"Error","passkey":{"pin":"135790"}}}"#,
        r#"{"authSelection":{"status":"Ok","passkey":{"pin":null}}}"#,
        r#"{"authSelection":{"status":"Ok","passkey":{"pin":135790}}}"#,
        r#"{"authSelection":{"status":"Ok","passkey":{"pin":["135790"]}}}"#,
        r#"{"authSelection":{"status":"Ok","passkey":"135790"}}"#,
        r#"{"authSelection":{"status":"Ok","password":{"pin":"135790"}}}"#,
        r#"{"authSelection":{"status":"Ok","passkey":{"pin":"1","pin":"2"}}}"#,
        r#"{"authSelection":{"status":"Ok","status":"Ok","passkey":{"pin":"1"}}}"#,
        r#"{"authSelection":{"status":"Ok","passkey":{"pin":"1"}}}}"#,
        r#"{"authSelection":{"status":"Ok","passkey":{"pin":"1"},}}"#,
        r#"{"authSelection":{"status":"Ok","passkey":{"pin":"1"}},"x":01}"#,
        r#"{"authSelection":{"status":"Ok","passkey":{"pin":"1"}},"x":1.}"#,
        r#"{"authSelection":{"status":"Ok","passkey":{"pin":"1"}},"x":tru}"#,
        r#"{"authSelection":{"status":"Ok","passkey":{"pin":"1"}},"x":[1,]}"#,
    ] {
        assert_eq!(pin(wrong), None, "{wrong}");
    }
    for wrong in [
        r"\u12",
        r"\x41",
        r"\ud83d",
        r"\ude00",
        r"\ud83d\ude00",
        r"\ud83d\u0041",
        r"\u+123",
        "\u{1}",
        "\n",
        "\\",
    ] {
        assert_eq!(pin(&with_pin(wrong)), None, "{wrong:?}");
    }
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(pin(&deep), None);
    assert!(
        pin_of(b"{\"authSelection\":{\"status\":\"Ok\",\"passkey\":{\"pin\":\"\xff\"}}}").is_none()
    );
}

/// A generator of no quality but the same one each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[test]
fn damaged_answers_never_panic_and_never_give_another_pin_than_serde_reads() {
    let mut dice = Dice(51);
    let pieces = [
        &b"{"[..],
        b"}",
        b"\"",
        b"\\",
        b"\\u",
        b":",
        b",",
        b"[",
        b"]",
        b"pin",
        b"\xe6",
        b"0",
        b"-",
        b" ",
        b"\"pin\":\"2\"",
    ];
    for _ in 0..200_000 {
        let mut json = ANSWER.as_bytes().to_vec();
        for _ in 0..=dice.below(3) {
            let at = dice.below(json.len());
            match dice.below(4) {
                0 => json[at] = u8::try_from(dice.below(256)).unwrap(),
                1 => drop(json.drain(at..(at + dice.below(8)).min(json.len()))),
                2 => json.truncate(at.max(1)),
                _ => drop(
                    json.splice(at..at, pieces[dice.below(pieces.len())].iter().copied()).count(),
                ),
            }
            if json.is_empty() {
                json.push(b'{');
            }
        }
        let ours = pin_of(&json);
        let theirs: Option<serde_json::Value> = serde_json::from_slice(&json).ok();
        let theirs = theirs.and_then(|all| {
            let chosen = all.get("authSelection")?;
            (chosen.get("status")? == "Ok").then_some(())?;
            Some(chosen.get("passkey")?.get("pin")?.as_str()?.to_owned())
        });
        // Members that come twice are refused here, and the last one counts there.
        if let Some(ours) = ours {
            assert_eq!(
                Some(ours.as_str()),
                theirs.as_deref(),
                "{}",
                String::from_utf8_lossy(&json)
            );
        }
    }
}

#[test]
fn what_serde_reads_is_read() {
    let mut dice = Dice(52);
    for _ in 0..5000 {
        let pin: String = (0..dice.below(40))
            .filter_map(|_| char::from_u32(u32::try_from(dice.below(0x1_1000)).unwrap()))
            .collect();
        let json = serde_json::json!({
            "authSelection": {
                "status": "Ok",
                "passkey": {"pin": pin, "n": dice.below(9), "f": 0.5},
            },
        });
        let json = if dice.below(2) == 0 {
            json.to_string()
        } else {
            serde_json::to_string_pretty(&json).unwrap()
        };
        assert_eq!(pin_of(json.as_bytes()).as_deref(), Some(&pin), "{json}");
    }
}

#[test]
fn the_page_is_json_that_says_what_was_meant() {
    let question = "Key of \"花子\\\u{7}\". Enter the PIN";
    let page = Page {
        language: Language::Ja,
        instruction: "キーを差し込んでください。",
        question,
        touch: "触れてください。",
        tries: Some(3),
    };
    let json: serde_json::Value = serde_json::from_slice(&page.json()).unwrap();
    let expected = serde_json::json!({"authSelection": {
        "mechanisms": {"passkey": {
            "name": "セキュリティキー",
            "role": "passkey",
            "initInstruction": "キーを差し込んでください。",
            "keyConnected": true,
            "pinRequest": true,
            "pinAttempts": 3,
            "pinPrompt": question,
            "touchInstruction": "触れてください。",
            "kerberos": false,
            "cryptoChallenge": "",
        }},
        "priority": ["passkey"],
    }});
    assert_eq!(json, expected);
    let absent = Page { tries: None, ..page }.json();
    let absent: serde_json::Value = serde_json::from_slice(&absent).unwrap();
    assert_eq!(absent["authSelection"]["mechanisms"]["passkey"]["keyConnected"], false);
}

#[test]
fn every_character_is_written_so_that_it_is_read_again() {
    for char in (0..=0x1_1000_u32).filter_map(char::from_u32) {
        let mut json = Vec::from("{\"x\":");
        write_text(&mut json, &char.to_string());
        json.push(b'}');
        let read = decoded(text_at(&json, &["x"]).unwrap()).unwrap();
        assert_eq!(read.chars().collect::<Vec<_>>(), [char], "{json:?}");
    }
}
