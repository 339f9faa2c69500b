//! A finger and its time: what is held meanwhile, and what is let go.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU8, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pam::constants::PamResultCode::PAM_SUCCESS;
use wardkey_core::code::{Code, Prompt};
use wardkey_core::message::agent::{Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};

use super::scene::*;
use super::sensor::*;

#[test]
fn the_key_is_held_before_a_finger_is_asked_for_and_its_loss_is_noticed_at_the_question() {
    // Another login has the key when this one wants it: no finger before it is back.
    let mut scene = at_the_sensor(&[Right]);
    let held = AtomicUsize::new(0);
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Hold if held.fetch_add(1, SeqCst) == 0 => {
            let again = granted(&wardkey_testkit::Deployment::new(), "hanako");
            vec![Act::Say(AgentReply::Wait), Act::Say(again)]
        }
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!((seen.pam(), asked(&seen, true)), (PAM_SUCCESS, 1), "{:?}", seen.result);
    let holds = seen.agent.iter().filter(|request| **request == AgentRequest::Hold).count();
    assert_eq!(holds, 2);

    // Pulled out while the question stands that came after the finger.
    let mut scene = at_the_sensor(&[]);
    scene.timeouts = SHORT;
    scene.person.answers.push_back(types(PIN));
    scene.key_instead(|number, request| match request {
        KeyRequest::AssertByFinger(_) => vec![Act::Say(failed(Code::TouchTimeout, None))],
        KeyRequest::Identify(_) if number > 0 => vec![Act::Say(KeyReply::Insert)],
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!((seen.code(), seen.pin_sent()), (Code::KeyRemoved.number(), false));
}

/// A sensor that does not stop when it is told to leaves its process out of step.
#[test]
fn while_the_question_stands_nothing_is_held_and_a_sensor_that_does_not_stop_takes_the_pin() {
    let mut scene = at_the_sensor(&[Fails(Code::TouchTimeout)]);
    scene.key_instead(|number, request| match request {
        KeyRequest::Assert(_) if number == 0 => vec![Act::Say(failed(Code::KeyFault, None))],
        _ => vec![],
    });
    let holds = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&holds);
    scene.agent_instead(move |number, request| {
        if *request == AgentRequest::Hold {
            noted.lock().unwrap().push(number);
        }
        vec![]
    });
    let open = [&scene.agent.open, &scene.key.open].map(Arc::clone);
    scene.person.before_answer = Some(Box::new(move || {
        let until = Instant::now() + Duration::from_secs(60);
        while open.iter().any(|count| count.load(SeqCst) > 0) {
            assert!(Instant::now() < until, "a connection is kept");
            std::thread::yield_now();
        }
    }));
    scene.person.answers.push_back(types(PIN));
    let seen = scene.run();
    assert_eq!(seen.pam(), PAM_SUCCESS, "{:?}", seen.result);
    assert_eq!(seen.person.questions, [question(Prompt::PinAfterFinger)]);
    // Each with a lease of its own.
    assert_eq!(*holds.lock().unwrap(), [0, 1]);
}

#[test]
fn all_fingers_of_a_login_share_one_time() {
    let waits = |seen: &Seen| -> Vec<u32> {
        let wait = |request: &KeyRequest| match request {
            KeyRequest::AssertByFinger(asked) => Some(asked.wait_ms),
            _ => None,
        };
        seen.key.iter().filter_map(wait).collect()
    };
    let wrong_after = |milliseconds, left| {
        vec![
            Act::Say(KeyReply::Touch),
            Act::Sleep(milliseconds),
            Act::Say(failed(Code::FingerWrong, Some(left))),
        ]
    };

    // What a finger took, the next one lacks.
    let mut scene = at_the_sensor(&[]);
    scene.settings.touch_wait = Duration::from_secs(14);
    let left = AtomicU8::new(2);
    scene.key_instead(move |_, request| match request {
        KeyRequest::AssertByFinger(_) => wrong_after(50, left.fetch_sub(1, SeqCst)),
        _ => vec![],
    });
    scene.person.answers.push_back(types(PIN));
    let seen = scene.run();
    assert_eq!(seen.pam(), PAM_SUCCESS, "{:?}", seen.result);
    let waited = waits(&seen);
    assert_eq!(waited.len(), 3);
    assert!(waited.windows(2).all(|pair| pair[1] + 50 <= pair[0]), "{waited:?}");

    // When it is over the PIN is asked for, whatever tries are left.
    let mut scene = at_the_sensor(&[]);
    scene.settings.touch_wait = Duration::from_millis(100);
    scene.key_instead(move |_, request| match request {
        KeyRequest::AssertByFinger(_) => wrong_after(200, 7),
        _ => vec![],
    });
    scene.person.answers.push_back(types(PIN));
    let seen = scene.run();
    assert_eq!(seen.pam(), PAM_SUCCESS, "{:?}", seen.result);
    assert_eq!((asked(&seen, true), asked(&seen, false)), (1, 1));
    assert!(seen.person.errors.is_empty(), "nobody is told to try again");

    // However long a touch may take: 15 s, in which a login of login(1) has time for the PIN.
    let mut scene = at_the_sensor(&[Right]);
    scene.settings.touch_wait = Duration::from_secs(55);
    assert_eq!(waits(&scene.run()), [15_000]);
}
