//! hanako's key has a sensor: what comes of each finger.

use wardkey_core::code::{Code, Prompt};
use wardkey_core::message::key::{KeyDetails, Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;
use wardkey_core::texts;

use super::scene::*;
use crate::talk::Answer;

/// What comes of one finger.
#[derive(Clone, Copy, PartialEq)]
pub enum Says {
    Right,
    /// Not recognised, with so many tries left.
    Wrong(Option<u8>),
    Fails(Code),
    /// It signs that it verified nobody.
    Lies,
    /// It signs with somebody else's credential.
    Other,
    HangsUp,
}

pub use Says::{Fails, HangsUp, Lies, Other, Right, Wrong};

/// Changes what the key says of itself.
pub fn with_details(reply: KeyReply, change: &dyn Fn(&mut KeyDetails)) -> KeyReply {
    let KeyReply::Identified(mut identified) = reply else { panic!("{reply:?}") };
    change(identified.key.details.as_mut().unwrap());
    KeyReply::Identified(identified)
}

/// hanako's key has a sensor; what comes of each finger, in order.
pub fn at_the_sensor(fingers: &'static [Says]) -> Scene {
    let mut scene = Scene::new();
    scene.person.answers.clear();
    // However slow the machine is, it is not what ends the fingers.
    scene.settings.touch_wait = std::time::Duration::from_secs(30);
    let fingers = std::sync::Mutex::new(fingers.iter().copied());
    scene.key_instead(move |_, request| match request {
        KeyRequest::Identify(_) => {
            let known = |details: &mut KeyDetails| details.fingerprint = Some(true);
            vec![Act::Say(with_details(identified(request, 1), &known))]
        }
        KeyRequest::AssertByFinger(asked) => {
            assert_eq!(
                (asked.credential.as_slice(), &*asked.path),
                (&[1; 32][..], "/dev/hidraw0"),
                "the key that proved itself"
            );
            let sign = |id, flags| {
                vec![
                    Act::Say(KeyReply::Touch),
                    Act::Say(signature(id, id, asked.client_data.as_slice(), flags)),
                ]
            };
            match fingers.lock().unwrap().next().expect("one finger too many") {
                Right => sign(1, 0x05),
                Lies => sign(1, 0x01),
                Other => sign(2, 0x05),
                Wrong(left) => {
                    vec![Act::Say(KeyReply::Touch), Act::Say(failed(Code::FingerWrong, left))]
                }
                // Without a touch: it says so at once.
                Fails(code @ Code::FingerBlocked) => vec![Act::Say(failed(code, None))],
                Fails(code) => vec![Act::Say(KeyReply::Touch), Act::Say(failed(code, None))],
                HangsUp => vec![Act::Say(KeyReply::Touch), Act::HangUp],
            }
        }
        _ => vec![],
    });
    scene
}

pub fn types(text: &str) -> Answer {
    Answer::Typed(text.to_owned().into())
}

pub fn asked(seen: &Seen, by_finger: bool) -> usize {
    let is = |request: &&KeyRequest| match request {
        KeyRequest::AssertByFinger(_) => by_finger,
        KeyRequest::Assert(_) => !by_finger,
        _ => false,
    };
    seen.key.iter().filter(is).count()
}

pub fn question(prompt: Prompt) -> String {
    texts::pin_question(prompt, Language::Ja, Some("Demo Hanako"), None)
}
