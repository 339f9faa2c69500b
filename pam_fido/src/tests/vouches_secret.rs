//! A colleague vouches: what was typed in secret gets to nobody who is not to know it.

use wardkey_core::code::Code;
use wardkey_core::codec::to_message;

use super::scene::PIN;
use super::vouches::scene;
use super::vouches_refused::refused_of;
use wardkey_testkit::{CHOSEN, login};

/// Four questions without echo follow each other: what is typed one too late is neither signed nor
/// recorded, nor does the agent see it.
#[test]
fn a_code_in_the_place_of_a_reason_or_a_name_goes_nowhere() {
    let wide: String = CHOSEN.chars().filter_map(|c| char::from_u32(c as u32 + 0xfee0)).collect();
    let within = format!("at home {CHOSEN}");
    let grouped = format!("{}-{}", &CHOSEN[..3], &CHOSEN[3..]);
    let reasons = [CHOSEN, &wide, &within, &grouped, "975310"].map(|reason| vec![reason]);
    let names = [CHOSEN, &wide].map(|name| vec!["at home", name]);
    for typed in reasons.into_iter().chain(names) {
        let answers = [&["0", CHOSEN, CHOSEN][..], &typed].concat();
        let seen = refused_of(scene(&answers));
        assert_eq!(seen.code(), 1579, "{typed:?}");
        let agent = seen.agent.iter().map(to_message).collect::<Vec<_>>().concat();
        for secret in [CHOSEN, &wide, "975310"] {
            let is_there = agent.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
            assert!(!is_there, "{typed:?}");
        }
    }
}

/// Somebody who takes it for a login of theirs types the PIN at once.
#[test]
fn a_pin_that_is_typed_by_habit_is_no_consent_and_goes_nowhere() {
    for typed in [PIN, "yes", "hanako2", "taro", ""] {
        let seen = refused_of(scene(&["0", CHOSEN, CHOSEN, "", "taro", typed]));
        assert_eq!(seen.code(), Code::VouchNotMeant.number(), "{typed}");
        assert_eq!(seen.person.questions.len(), 6, "{typed}: no PIN is asked for");
        assert!(!seen.pin_sent(), "{typed}");
        let key = seen.key.iter().map(to_message).collect::<Vec<_>>().concat();
        assert!(!key.windows(PIN.len()).any(|bytes| bytes == PIN.as_bytes()));
        let outcomes = seen.outcomes();
        let [outcome] = outcomes[..] else { panic!("{outcomes:?}") };
        assert_eq!(outcome.login.account, Some(login("taro")));
    }
}
