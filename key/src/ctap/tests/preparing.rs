//! What a key is asked ahead of its PIN, while the person types.

use wardkey_core::message::key::Pin;

use super::*;
use crate::testkey::agreeing::Agreeing;

/// What a key is asked while the person types is not asked again, and a PIN needs two exchanges.
#[test]
fn a_pin_that_was_prepared_for_takes_two_exchanges() {
    let mut test = TestKey::new(|_, _| None);
    test.identify(&[id(1)]).unwrap();
    test.key.prepare_for_pin(&soon()).unwrap();
    test.key.prepare_for_pin(&soon()).unwrap();
    assert_eq!(test.asked(), [INIT, INFO, ASSERT, AGREEMENT]);
    test.assert().unwrap();
    assert_eq!(test.asked(), [INIT, INFO, ASSERT, AGREEMENT, TOKEN, ASSERT]);
    // Used up: a second PIN agrees anew.
    test.assert().unwrap();
    assert_eq!(test.asked()[6..], [AGREEMENT, TOKEN, ASSERT]);
}

/// A key makes another half of the agreement after a wrong PIN, among others: a PIN that is sent
/// with the old one would be a wrong one, and spend a try.
#[test]
fn what_may_have_changed_the_agreement_drops_it() {
    type Between = fn(&mut TestKey);
    let between: [Between; 4] = [
        |test| drop(test.key.change_pin(&pin(), &pin(), &soon())),
        |test| drop(test.key.retries(&soon())),
        |test| drop(test.key.touch(RP_ID, &id(1), b"client data", &soon())),
        |test| drop(test.key.make_credential(&new_credential(&pin(), &[]), &soon())),
    ];
    for between in between {
        let (mut test, key) = agreeing();
        test.key.prepare_for_pin(&soon()).unwrap();
        between(&mut test);
        key.begin_anew();
        let before = test.asked().len();
        test.assert().unwrap();
        assert_eq!(test.asked()[before..], [AGREEMENT, TOKEN, ASSERT]);
    }
    // A wrong PIN itself.
    let (mut test, _) = agreeing();
    test.key.prepare_for_pin(&soon()).unwrap();
    let wrong = Pin::new("4321".to_owned().into()).unwrap();
    assert!(matches!(test.assert_by(&wrong), Err(KeyError::PinWrong { .. })));
    test.assert().unwrap();
    assert_eq!(test.asked(), [INIT, INFO, AGREEMENT, TOKEN, RETRIES, AGREEMENT, TOKEN, ASSERT]);
}

/// A key that agrees as the specification says, and what changes its half.
fn agreeing() -> (TestKey, Agreeing) {
    let key = Agreeing::new();
    let its = key.clone();
    (TestKey::new(move |about, payload| its.answer(about, payload)), key)
}

/// So it shows above when a stale agreement is used.
#[test]
fn a_pin_by_a_half_of_before_is_a_wrong_one_to_the_test_key() {
    let (mut test, key) = agreeing();
    test.assert().unwrap();
    test.key.prepare_for_pin(&soon()).unwrap();
    key.begin_anew();
    assert!(matches!(test.assert(), Err(KeyError::PinWrong { .. })));
    test.assert().unwrap();
}

/// No try is spent: what failed is asked for again.
#[test]
fn a_preparation_that_fails_costs_the_pin_nothing() {
    let mut refused = 1;
    let mut test = TestKey::new(move |about, _| {
        (about == AGREEMENT && refused == 1).then(|| {
            refused = 0;
            vec![Reply::Cbor(0x7f, vec![])]
        })
    });
    assert_eq!(test.key.prepare_for_pin(&soon()), Err(KeyError::Status(0x7f)));
    test.assert().unwrap();
    assert_eq!(test.asked(), [INIT, INFO, AGREEMENT, AGREEMENT, TOKEN, ASSERT]);
    // Nor is a key asked that would not take the PIN.
    let unset = info(&|of| of.client_pin = Some(false));
    let mut test = TestKey::answering(INFO, vec![Reply::Cbor(0, unset)]);
    assert_eq!(test.key.prepare_for_pin(&soon()), Err(KeyError::PinNotSet));
    assert_eq!(test.asked(), [INIT, INFO]);
}
