//! Transactions run in this process against libpam and the distribution's modules.

mod common;

use std::time::{Duration, Instant};

use wardkey_pamclient::{Answer, Error, Greeter, Outcome, Script, Style, Transaction, code_name};

fn run(transaction: &Transaction, script: &mut Script) -> Outcome {
    transaction.run(&mut |style, text| script.answer(style, text)).unwrap()
}

#[test]
fn results_of_simple_stacks() {
    let folder = common::services();
    let table = [
        ("permit", false, 0, Some(0), Some(0), true),
        ("deny", false, 7, None, None, false),
        ("noaccount", false, 0, Some(7), None, false),
        ("noaccount", true, 0, None, Some(0), true),
    ];
    for (service, no_account, authenticate, account, setcred, authenticated) in table {
        let transaction = Transaction {
            confdir: Some(folder.path().into()),
            user: Some("root".into()),
            no_account,
            ..Transaction::new(service)
        };
        let outcome = run(&transaction, &mut Script::default());
        let results =
            (outcome.authenticate, outcome.account, outcome.setcred, outcome.authenticated);
        assert_eq!(
            results,
            (authenticate, account, setcred, authenticated),
            "{service} {no_account}"
        );
        assert!(outcome.messages.is_empty() && outcome.answered_at.is_none());
        assert_eq!(outcome.user.as_deref(), Some("root"));
    }
}

#[test]
fn the_answer_reaches_the_module() {
    let folder = common::services();
    let transaction = Transaction {
        confdir: Some(folder.path().into()),
        user: Some("root".into()),
        ..Transaction::new("pin")
    };
    for (pin, code) in [("1234", "PAM_SUCCESS"), ("4321", "PAM_SYSTEM_ERR")] {
        let mut script = Script::default().on("assword", pin);
        let outcome = run(&transaction, &mut script);
        assert_eq!(code_name(outcome.authenticate), code, "{pin}");
        assert_eq!((script.left(), script.unexpected()), (0, None));
        assert_eq!(outcome.texts(Style::PromptEchoOff).len(), 1);
        assert_eq!(outcome.texts(Style::Info), ["after"]);
        assert!(outcome.answered_at.unwrap() > outcome.called_at);
        assert!(outcome.after_answer().unwrap() > Duration::ZERO);
        assert!(outcome.took >= outcome.returned_at - outcome.called_at);
    }
}

#[test]
fn an_unexpected_question_is_refused_and_remembered() {
    let folder = common::services();
    let transaction =
        Transaction { confdir: Some(folder.path().into()), ..Transaction::new("permit") };
    let mut script = Script::default();
    let outcome = run(&transaction, &mut script);
    // pam_permit asks for a name only because none was given, and goes on as nobody without one.
    assert_eq!(script.unexpected(), Some("login:"));
    assert_eq!(outcome.texts(Style::PromptEchoOn), ["login:"]);

    let outcome = run(&transaction, &mut Script::new(["daemon"]));
    assert_eq!(outcome.user.as_deref(), Some("daemon"));
}

#[test]
fn delays_are_recorded_and_not_slept() {
    let folder = common::services();
    let transaction = Transaction {
        confdir: Some(folder.path().into()),
        user: Some("root".into()),
        ..Transaction::new("delay")
    };
    let begun = Instant::now();
    let outcome = run(&transaction, &mut Script::default());
    assert!(begun.elapsed() < Duration::from_secs(25), "slept {:?}", begun.elapsed());
    // libpam varies the delay by up to a half, both ways.
    let delay = outcome.fail_delay.unwrap();
    assert!((Duration::from_secs(30)..=Duration::from_secs(90)).contains(&delay), "{delay:?}");
}

#[test]
fn pam_unix_refuses_a_wrong_password() {
    let folder = common::services();
    let transaction = Transaction {
        confdir: Some(folder.path().into()),
        user: Some("daemon".into()),
        ..Transaction::new("unix")
    };
    let outcome = run(&transaction, &mut Script::new(["not the password"]));
    assert_eq!(code_name(outcome.authenticate), "PAM_AUTH_ERR");
    assert_eq!(outcome.texts(Style::PromptEchoOff), ["Password: "]);
    assert!(outcome.fail_delay.is_some());
}

#[test]
fn greeters_show_or_drop_texts() {
    let folder = common::services();
    let table = [
        (Greeter::Normal, true),
        (Greeter::EmptyInfo, true),
        (Greeter::NullInfo, true),
        (Greeter::FailInfo, true),
        (Greeter::DropInfo, false),
    ];
    for (greeter, shown) in table {
        let transaction = Transaction {
            confdir: Some(folder.path().into()),
            user: Some("root".into()),
            greeter,
            ..Transaction::new("info")
        };
        let mut seen = Vec::new();
        let outcome = transaction
            .run(&mut |style, text| {
                seen.push((style, text.to_owned()));
                Answer::Null
            })
            .unwrap();
        assert_eq!(outcome.texts(Style::Info), ["touch the key"], "{greeter:?}");
        assert!(outcome.messages.iter().all(|message| message.shown == shown));
        let expected =
            if shown { vec![(Style::Info, "touch the key".to_owned())] } else { Vec::new() };
        assert_eq!(seen, expected, "{greeter:?}");
    }
}

#[test]
fn greeters_that_answer_questions_by_themselves_ask_nobody() {
    let folder = common::services();
    for greeter in [Greeter::NullSecret, Greeter::ConvErr] {
        let transaction = Transaction {
            confdir: Some(folder.path().into()),
            user: Some("root".into()),
            greeter,
            ..Transaction::new("pin")
        };
        let mut script = Script::new(["1234"]);
        let outcome = run(&transaction, &mut script);
        assert!(!outcome.authenticated, "{greeter:?}");
        assert_eq!((script.left(), script.unexpected()), (1, None), "{greeter:?}");
        assert_eq!(outcome.answered_at.is_some(), greeter == Greeter::NullSecret);
    }
}

#[test]
fn what_cannot_be_run_is_an_error() {
    let folder = common::services();
    let absent = Transaction { confdir: Some(folder.path().into()), ..Transaction::new("absent") };
    assert!(matches!(
        absent.run(&mut |_, _| Answer::Null),
        Err(Error::Pam { call: "pam_start", .. })
    ));
    for transaction in [
        Transaction::new("a\0b"),
        Transaction { user: Some("a\0b".into()), ..Transaction::new("other") },
        Transaction { rhost: Some("a\0b".into()), ..Transaction::new("other") },
    ] {
        assert!(matches!(transaction.run(&mut |_, _| Answer::Null), Err(Error::Nul(_))));
    }
}

#[test]
#[should_panic(expected = "the person fainted")]
fn a_panic_of_the_person_ends_the_transaction_and_goes_on() {
    let folder = common::services();
    let transaction = Transaction {
        confdir: Some(folder.path().into()),
        user: Some("root".into()),
        ..Transaction::new("pin")
    };
    let _ = transaction.run(&mut |_, _| panic!("the person fainted"));
}

#[test]
fn items_reach_the_modules() {
    let folder = common::services();
    let path = folder.path().join("show");
    std::fs::write(&path, "#!/bin/sh\necho \"$PAM_USER $PAM_TTY $PAM_RHOST $PAM_SERVICE\"\n")
        .unwrap();
    common::write(
        folder.path(),
        "items",
        &format!("auth required pam_exec.so stdout /bin/sh {}\n", path.display()),
    );
    let transaction = Transaction {
        confdir: Some(folder.path().into()),
        user: Some("root".into()),
        tty: Some("tty7".into()),
        rhost: Some("ward3-b".into()),
        ..Transaction::new("items")
    };
    let outcome = run(&transaction, &mut Script::default());
    assert_eq!(outcome.texts(Style::Info), ["root tty7 ward3-b items"]);
}
