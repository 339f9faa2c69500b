//! Keys with a sensor: the finger first, then the PIN; what is said, and what is recorded.

use pam::constants::PamResultCode::{self, PAM_AUTH_ERR, PAM_MAXTRIES, PAM_SUCCESS};
use wardkey_core::code::{Code, Prompt};
use wardkey_core::message::agent::{Finger, LoginResult};
use wardkey_core::message::key::{KeyDetails, Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::texts;
use wardkey_settings::pam::Services;
use wardkey_testkit::service;

use super::scene::*;
use super::sensor::*;
use crate::talk::Answer;

/// (fingers, what is typed, PAM result, code, the question that stands there, fingers asked for,
/// PINs sent, what is recorded of fingers)
type Case = (
    &'static str,
    &'static [Says],
    Option<&'static str>,
    PamResultCode,
    Option<Code>,
    Option<Prompt>,
    (usize, usize),
    Option<Finger>,
);

const BLOCKED: Option<Prompt> = Some(Prompt::PinFingerBlocked);
const GAVE_UP: Option<Prompt> = Some(Prompt::PinAfterFinger);

const fn finger(verified: bool, wrong: u8) -> Option<Finger> {
    Some(Finger { verified, wrong, blocked: false })
}

const fn blocked_after(wrong: u8) -> Option<Finger> {
    Some(Finger { verified: false, wrong, blocked: true })
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("right finger", &[Right], None,
        PAM_SUCCESS, None, None, (1, 0), finger(true, 0)),
    ("two wrong ones, then the right one", &[Wrong(Some(2)), Wrong(Some(1)), Right], None,
        PAM_SUCCESS, None, None, (3, 0), finger(true, 2)),
    ("a wrong one of a key that counts nothing", &[Wrong(None), Right], None,
        PAM_SUCCESS, None, None, (2, 0), finger(true, 1)),
    ("the last try was wrong, then the PIN", &[Wrong(Some(1)), Wrong(Some(0))], Some(PIN),
        PAM_SUCCESS, None, BLOCKED, (2, 1), blocked_after(2)),
    ("blocked before, then the PIN", &[Fails(Code::FingerBlocked)], Some(PIN),
        PAM_SUCCESS, None, BLOCKED, (1, 1), blocked_after(0)),
    ("blocked, and a wrong PIN", &[Fails(Code::FingerBlocked)], Some("9999"),
        PAM_AUTH_ERR, Some(Code::PinWrong), BLOCKED, (1, 1), blocked_after(0)),
    ("wrong, blocked, and no PIN", &[Wrong(Some(1)), Fails(Code::FingerBlocked)], None,
        PAM_AUTH_ERR, Some(Code::Cancelled), BLOCKED, (2, 0), blocked_after(1)),
    ("no finger in time, then the PIN", &[Fails(Code::TouchTimeout)], Some(PIN),
        PAM_SUCCESS, None, GAVE_UP, (1, 1), None),
    ("no finger in time, and no PIN", &[Fails(Code::TouchTimeout)], None,
        PAM_AUTH_ERR, Some(Code::Cancelled), GAVE_UP, (1, 0), None),
    ("the sensor is broken, then the PIN", &[Fails(Code::KeyFault)], Some(PIN),
        PAM_SUCCESS, None, GAVE_UP, (1, 1), None),
    ("the finger is no longer known", &[Fails(Code::KeyUnsuitable)], Some(PIN),
        PAM_SUCCESS, None, GAVE_UP, (1, 1), None),
    ("wrong without end, then the PIN", &[Wrong(Some(9)); 8], Some(PIN),
        PAM_SUCCESS, None, GAVE_UP, (8, 1), finger(false, 8)),
    ("pulled out at the finger", &[Fails(Code::KeyRemoved)], None,
        PAM_AUTH_ERR, Some(Code::KeyRemoved), None, (1, 0), None),
    ("the key process ends at the finger", &[HangsUp], None,
        PamResultCode::PAM_AUTHINFO_UNAVAIL, Some(Code::KeyProcessUnreachable), None, (1, 0), None),
    ("says that it verified a finger, and signs that it did not", &[Lies], None,
        PAM_AUTH_ERR, Some(Code::UserVerificationMissing), None, (1, 0), None),
    ("a wrong finger, and then it lies", &[Wrong(Some(2)), Lies], None,
        PAM_AUTH_ERR, Some(Code::UserVerificationMissing), None, (2, 0), finger(false, 1)),
    ("signs with another credential", &[Other], None,
        PAM_AUTH_ERR, Some(Code::KeyAndNameDoNotMatch), None, (1, 0), None),
    ("the PIN is blocked as well", &[Fails(Code::PinBlocked)], None,
        PAM_MAXTRIES, Some(Code::PinBlocked), None, (1, 0), None),
];

#[test]
fn the_finger_comes_first_and_the_pin_when_the_sensor_gives_up() {
    for (what, fingers, typed, pam, code, prompt, counts, recorded) in CASES {
        let mut scene = at_the_sensor(fingers);
        if prompt.is_some() {
            scene.person.answers.push_back(typed.map_or(Answer::None, types));
        }
        let seen = scene.run();
        assert_eq!(seen.pam(), *pam, "{what}: {:?}", seen.result);
        assert_eq!(seen.code(), code.map_or(0, Code::number), "{what}");
        let questions: Vec<String> = prompt.iter().map(|prompt| question(*prompt)).collect();
        assert_eq!(seen.person.questions, questions, "{what}");
        assert_eq!((asked(&seen, true), asked(&seen, false)), *counts, "{what}");

        let outcomes = seen.outcomes();
        let [outcome] = &outcomes[..] else { panic!("{what}: {outcomes:?}") };
        assert_eq!(outcome.finger, *recorded, "{what}");
        let is_success = matches!(outcome.result, LoginResult::Success(_));
        assert_eq!(is_success, code.is_none(), "{what}");
    }
}

#[test]
fn what_the_sensor_wants_is_said_once_and_the_tries_after_each_wrong_finger() {
    let scene = at_the_sensor(&[Wrong(Some(2)), Wrong(Some(1)), Right]);
    let seen = scene.run();
    assert_eq!(seen.pam(), PAM_SUCCESS);
    let now = "Demo Hanako さんのキーです。センサーに指を当ててください。";
    assert_eq!(seen.person.touches, [now]);
    let wrong = |left: u8| {
        format!(
            "指紋を確認できませんでした。あと {left} 回です。もう一度センサーに指を当ててください。(WK-1281)"
        )
    };
    let said: Vec<String> =
        seen.person.errors.iter().map(|text| text.replace(" (WK", "(WK")).collect();
    assert_eq!(said, [wrong(2), wrong(1)]);

    // A key that wants a touch as well says so, and the person is told of both.
    let mut scene = at_the_sensor(&[]);
    scene.key_instead(|_, request| match request {
        KeyRequest::AssertByFinger(asked) => {
            let signed = signature(1, 1, asked.client_data.as_slice(), 0x05);
            vec![Act::Say(KeyReply::Touch), Act::Say(KeyReply::Touch), Act::Say(signed)]
        }
        _ => vec![],
    });
    let seen = scene.run();
    let touch = texts::message(Prompt::TouchNow, Language::Ja, &[]);
    assert_eq!(seen.person.touches, [now.to_owned(), touch]);
}

/// sudo shows no notices; SDDM and lockers neither, but do not say so, and may have a PIN already.
#[test]
fn where_a_question_is_needed_enter_is_the_finger_and_the_pin_is_an_answer_too() {
    let named = ["lightdm", "sddm", "swaylock", "i3lock", "hyprlock", "kde"];
    let places = named.map(|name| (name, false));
    for (name, is_silent) in places.into_iter().chain([("sudo", true)]) {
        for (typed, counts) in [("", (1, 0)), (PIN, (0, 1))] {
            let mut scene = at_the_sensor(&[Right]);
            (scene.login.service, scene.person.silent) = (service(name), is_silent);
            scene.person.answers.push_back(types(typed));
            let seen = scene.run();
            assert_eq!(seen.pam(), PAM_SUCCESS, "{name} {typed:?}: {:?}", seen.result);
            assert_eq!(seen.person.questions, [question(Prompt::FingerOrPin)], "{name}");
            assert_eq!((asked(&seen, true), asked(&seen, false)), counts, "{name} {typed:?}");
        }
    }
    // No answer ends it: no finger is taken for one.
    let mut scene = at_the_sensor(&[]);
    scene.person.silent = true;
    scene.person.answers.push_back(Answer::None);
    assert_eq!(scene.run().code(), Code::Cancelled.number());
}

#[test]
fn where_the_configuration_takes_no_finger_the_pin_is_asked_for() {
    let only_sudo = || Services::of(vec![service("sudo")]);
    for (taken_by_pin, name, counts) in [
        (Services::default(), "sudo", (1, 0)),
        (only_sudo(), "login", (1, 0)),
        (only_sudo(), "sudo", (0, 1)),
        (Services::EVERY, "login", (0, 1)),
    ] {
        let mut scene = at_the_sensor(&[Right]);
        scene.login.service = service(name);
        scene.settings.no_finger_for = taken_by_pin;
        let is_asked = counts.1 == 1;
        scene.person.answers.extend(is_asked.then(|| types(PIN)));
        let seen = scene.run();
        assert_eq!(seen.pam(), PAM_SUCCESS, "{name}: {:?}", seen.result);
        assert_eq!((asked(&seen, true), asked(&seen, false)), counts, "{name}");
        let questions: Vec<String> =
            is_asked.then(|| question(Prompt::PinPromptNamed)).into_iter().collect();
        assert_eq!(seen.person.questions, questions, "{name}");
    }
}

#[test]
fn a_key_whose_pin_could_not_be_used_is_refused_before_a_finger_is_asked_for() {
    type Change = fn(&mut KeyDetails);
    let cases: [(Code, Change); 3] = [
        (Code::PinNotSet, |details| details.pin_set = false),
        (Code::PinBlocked, |details| details.pin_tries = Some(0)),
        (Code::PinMustChange, |details| details.pin_must_change = true),
    ];
    for (code, change) in cases {
        let mut scene = at_the_sensor(&[]);
        // Only root's programs have a PIN changed within the login.
        scene.machine.is_root = false;
        scene.key_instead(move |_, request| match request {
            KeyRequest::Identify(_) => {
                let all = |details: &mut KeyDetails| {
                    details.fingerprint = Some(true);
                    change(details);
                };
                vec![Act::Say(with_details(identified(request, 1), &all))]
            }
            _ => vec![],
        });
        let seen = scene.run();
        assert_eq!((seen.code(), seen.pin_sent()), (code.number(), false));
        assert_eq!((asked(&seen, true), seen.person.questions.len()), (0, 0), "{code}");
    }
}

#[test]
fn who_may_not_log_in_is_asked_for_no_finger() {
    let mut deployment = wardkey_testkit::Deployment::new();
    deployment.scopes[1].0.people[0].status = wardkey_core::person::Status::Disabled;
    deployment.refresh();
    let mut scene = at_the_sensor(&[]);
    scene.agent_shows(&deployment);
    let seen = scene.run();
    assert_eq!((seen.code(), asked(&seen, true)), (Code::PersonDisabled.number(), 0));
}

#[test]
fn a_pages_greeter_asks_for_the_pin_and_an_older_key_process_for_nothing_new() {
    let mut scene = at_the_sensor(&[]);
    scene.person.pages = Some(std::collections::VecDeque::new());
    scene.person.answers.push_back(types(PIN));
    let seen = scene.run();
    assert_eq!((seen.pam(), asked(&seen, true), asked(&seen, false)), (PAM_SUCCESS, 0, 1));

    for said in [None, Some(false)] {
        let mut scene = Scene::new();
        scene.key_instead(move |_, request| match request {
            KeyRequest::Identify(_) => {
                let says = move |details: &mut KeyDetails| details.fingerprint = said;
                vec![Act::Say(with_details(identified(request, 1), &says))]
            }
            _ => vec![],
        });
        let seen = scene.run();
        assert_eq!((seen.pam(), asked(&seen, true), asked(&seen, false)), (PAM_SUCCESS, 0, 1));
        assert_eq!(seen.outcomes()[0].finger, None);
    }
}
