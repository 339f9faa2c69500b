//! How greeters and lockers treat messages and prompts.

use wardkey_core::code::{Code, Prompt};
use wardkey_core::name::Language;
use wardkey_core::texts;
use wardkey_e2e::{Login, PIN, Ward};

#[test]
fn lockers_drop_or_fail_messages_and_the_login_still_works() {
    let ward = Ward::ready();
    for greeter in ["normal", "null-info", "fail-info", "drop-info"] {
        let ended = Login::of("hanako").with(&["--greeter", greeter]).run();
        assert!(ended.is_in(), "{greeter}: {ended:?}");
        assert_eq!(ended.secret_prompts().len(), 1, "{greeter}: exactly one question");
    }
    drop(ward);
}

#[test]
fn cve_2021_31924_a_cancelled_or_empty_answer_is_a_refusal_and_spends_no_try() {
    let ward = Ward::ready();
    for (what, login) in [
        ("NULL", Login::of("hanako").with(&["--greeter", "null-secret"])),
        ("conversation error", Login::of("hanako").with(&["--greeter", "conv-err"])),
        ("empty", Login::of("hanako").answers(&[""])),
        ("three characters", Login::of("hanako").answers(&["123"])),
        ("64 bytes", Login::of("hanako").answers(&[&"1".repeat(64)])),
        ("a password of 200 bytes", Login::of("hanako").answers(&[&"secret pass".repeat(20)])),
    ] {
        ward.key.reset_exchanges();
        let ended = login.run();
        assert_eq!(
            ended.result("authenticate").as_deref(),
            Some("PAM_AUTH_ERR"),
            "{what}: {ended:?}"
        );
        // INIT, getInfo, retries and the silent request; no PIN exchange.
        assert!(ward.key.exchanges().total <= 4, "{what}: {:?}", ward.key.exchanges());
    }
    // All eight tries are there: seven wrong ones in a row would need a re-plug at three.
    Login::of("hanako").run().expect_in();
}

#[test]
fn the_touch_text_comes_before_the_touch_and_insert_before_the_key() {
    let ward = Ward::ready();
    ward.terminal.unplug();
    ward.key.touch("never");
    let running = Login::of("hanako").start();
    running.wait_code(Prompt::InsertKey);
    assert!(
        !running.texts().iter().any(|text| text.contains("WK-1203")),
        "not a wrong PIN: {:?}",
        running.texts()
    );
    ward.terminal.plug(&ward.key);
    running.wait_code(Prompt::TouchNow);
    assert!(ward.key.is_waiting(), "told before it was touched");
    ward.key.touch("once");
    running.end().expect_in();
}

#[test]
fn wrong_pin_says_how_many_tries_are_left_and_blocks_as_the_key_does() {
    let ward = Ward::ready();
    let wrong = || Login::of("hanako").answers(&["000000"]).run();
    for left in ["7", "6"] {
        let ended = wrong().expect_refused("PAM_AUTH_ERR", 1203);
        assert!(
            ended.texts().iter().any(|text| text.contains("WK-1203") && text.contains(left)),
            "{ended:?}"
        );
    }
    // The third in a row: the key wants to be plugged anew.
    let ended = wrong();
    assert_eq!(ended.result("authenticate").as_deref(), Some("PAM_MAXTRIES"), "{ended:?}");
    assert_eq!(ended.codes().last(), Some(&1204), "{ended:?}");
    ward.terminal.unplug();
    ward.terminal.plug(&ward.key);
    // The question now says how many are left, and the right PIN restores them.
    let ended = Login::of("hanako").run().expect_in();
    assert!(ended.secret_prompts()[0].contains('5'), "{ended:?}");
    let ended = Login::of("hanako").run().expect_in();
    assert!(!ended.secret_prompts()[0].contains('8'), "all tries: not mentioned: {ended:?}");
}

#[test]
fn an_unknown_name_gets_the_same_words_and_the_key_the_same_requests_as_for_a_wrong_key() {
    let ward = Ward::ready();
    ward.server.add_person("taro", "Demo Taro", "en");
    ward.terminal.sync();
    let shown = |user: &str| {
        ward.key.reset_exchanges();
        let ended = Login::of(user).run().expect_refused("PAM_AUTH_ERR", 1001);
        let kinds: Vec<_> =
            ward.key.exchanges().requests.into_iter().map(|(_, name)| name).collect();
        (ended.texts(), kinds)
    };
    // taro is a person without a key here, kenji an account that is no person, nobody-here is
    // neither.
    let known = shown("taro");
    let told = texts::message(Code::KeyNotRegistered, Language::Ja, &[]);
    assert!(known.0.contains(&told), "{known:?}");
    for unknown in ["kenji", "nobody-here", "no such name"] {
        assert_eq!(shown(unknown), known, "{unknown}");
    }
}

#[test]
fn pam_user_is_asked_for_only_when_it_is_empty() {
    let _ward = Ward::ready();
    let asked = Login::at_nobody().answers(&["hanako", PIN]).run().expect_in();
    assert_eq!(
        asked
            .events
            .iter()
            .find(|event| event["event"] == "user")
            .map(|event| event["name"].clone()),
        Some("hanako".into())
    );
}
