//! Nobody says who logs in: the key of somebody who was seen here does.

use wardkey_core::code::Prompt;
use wardkey_e2e::login::Ended;
use wardkey_e2e::terminal::SERVICE;
use wardkey_e2e::{Login, PIN, Ward};

/// PAM_USER after authentication.
fn pam_user(ended: &Ended) -> Option<String> {
    let event = ended.events.iter().find(|event| event["event"] == "user")?;
    Some(event["name"].as_str()?.to_owned())
}

/// A ward where root lets a key say the name.
fn ward() -> Ward {
    let ward = Ward::ready();
    let path = "/etc/wardkey/pam.toml";
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, format!("{text}\nname_from = \"key\"\n")).unwrap();
    ward
}

#[test]
fn nobody_is_named_by_a_key_where_root_has_not_said_so() {
    let ward = Ward::ready();
    Login::of("hanako").run().expect_in();
    ward.key.reset_exchanges();
    let ended = Login::at_nobody().answers(&["hanako", PIN]).run().expect_in();
    assert_eq!(pam_user(&ended).as_deref(), Some("hanako"));
    assert!(!ended.said(Prompt::InsertOrWait) && !ended.said(Prompt::NamePrompt), "{ended:?}");
}

#[test]
fn insert_the_key_and_the_name_appears() {
    let ward = ward();
    // Seen from here on.
    Login::of("hanako").run().expect_in();

    // PAM_USER unset, or set to nothing: one question, one touch, her name in both.
    for nobody in [Login::at_nobody(), Login::at(SERVICE, "")] {
        ward.key.reset_exchanges();
        let ended = nobody.answers(&[PIN]).run().expect_in();
        let [question] = &ended.secret_prompts()[..] else { panic!("{ended:?}") };
        assert!(question.contains("Demo Hanako"), "{ended:?}");
        assert!(!ended.said(Prompt::NamePrompt), "{ended:?}");
        assert_eq!(pam_user(&ended).as_deref(), Some("hanako"));
        assert_eq!(ended.env("WARDKEY_PERSON").as_deref(), Some("hanako"));
    }

    // What is refused leaves PAM_USER as it was; who is named is asked for, whoever's key it is.
    let wrong = Login::at_nobody().answers(&["000000"]).run();
    assert_eq!(pam_user(&wrong.expect_refused("PAM_AUTH_ERR", 1203)), None);
    ward.server.add_person("taro", "Demo Taro", "en");
    ward.terminal.sync();
    let named = Login::of("taro").run().expect_refused("PAM_AUTH_ERR", 1001);
    assert_eq!(pam_user(&named).as_deref(), Some("taro"));
    assert!(named.secret_prompts().is_empty(), "{named:?}");

    // A key that is plugged in a moment later needs no Enter.
    ward.terminal.unplug();
    let running = Login::at_nobody().answers(&[PIN]).start();
    running.wait_code(Prompt::InsertOrWait);
    ward.terminal.plug(&ward.key);
    assert_eq!(pam_user(&running.end().expect_in()).as_deref(), Some("hanako"));

    // None comes: the name is asked for, and the login waits for the key as ever.
    ward.terminal.unplug();
    let running = Login::at_nobody().answers(&["hanako", PIN]).start();
    running.wait_code(Prompt::NamePrompt);
    running.wait_code(Prompt::InsertKey);
    ward.terminal.plug(&ward.key);
    assert_eq!(pam_user(&running.end().expect_in()).as_deref(), Some("hanako"));
}

#[test]
fn a_scope_may_have_the_name_asked_for_always() {
    let ward = ward();
    Login::of("hanako").run().expect_in();
    ward.server.admin(&["scope", "set", "ward3", "--ask-name", "yes"]);
    ward.terminal.sync();
    ward.key.reset_exchanges();
    let ended = Login::at_nobody().answers(&["hanako", PIN]).run().expect_in();
    assert_eq!(pam_user(&ended).as_deref(), Some("hanako"));
    assert!(!ended.said(Prompt::InsertOrWait) && !ended.said(Prompt::NamePrompt), "{ended:?}");
}
