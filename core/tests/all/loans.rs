//! Keys on loan: the decision about what one signed.

use wardkey_core::code::Code;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::decide::Granted;
use wardkey_core::id::LoanId;
use wardkey_core::marks::Marks;
use wardkey_core::person::{Loan, Status};
use wardkey_core::proof::ProofKind;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::time::UnixTime;
use wardkey_core::vouch::Vouch;
use wardkey_testkit::{
    Deployment, LOANER, LONGEST, T0, loan, service, signed_on_loan, signed_vouch, vouch,
};

use super::vouches::{login_by, vouches};

fn decide(
    world: &Deployment,
    service: &str,
    now: u64,
    change: impl FnOnce(&mut Assertion),
) -> Result<Granted, Code> {
    let mut signed = signed_on_loan(&world.client_data("hanako", "hanako", service).to_bytes());
    change(&mut signed);
    world
        .decide("hanako", "hanako", service, now, &Marks::default(), &signed, 1)
        .map_err(|denial| denial.code)
}

/// A login by the key on loan with one thing changed.
fn login_with(
    service: &str,
    now: u64,
    change: impl FnOnce(&mut Deployment),
) -> Result<Granted, Code> {
    let mut world = Deployment::with_loan();
    change(&mut world);
    world.refresh();
    decide(&world, service, now, |_| {})
}

fn with_loan(change: impl FnOnce(&mut Loan)) -> impl FnOnce(&mut Deployment) {
    move |world| change(world.hanako().loan.as_mut().unwrap())
}

/// Online for as long as the loan lasts.
fn stay_online(world: &mut Deployment) {
    let late = UnixTime(loan(1).until.0 + 900);
    world.terminal.expires = late;
    world.scopes.iter_mut().for_each(|(state, _)| state.head.expires = late);
}

#[test]
fn a_key_on_loan_lets_its_borrower_in_as_a_key_and_says_so() {
    let granted = login_with("login", T0, |_| {}).unwrap();
    assert_eq!(granted.proof(), ProofKind::KeyWithPin);
    let by_key = granted.by_key().unwrap();
    assert_eq!(by_key.loan, Some(loan(1)));
    assert_eq!(by_key.credential.id.as_slice(), [LOANER; 32]);

    let own = Deployment::with_loan().login("hanako", "hanako", "login", T0, &Marks::default());
    assert_eq!(own.unwrap().by_key().unwrap().loan, None, "the own key is none on loan");
}

#[test]
fn a_loan_has_a_beginning_and_an_end() {
    let until = loan(1).until.0;
    let at = |now| login_with("login", now, stay_online).err();
    assert_eq!((at(until - 1), at(until)), (None, Some(Code::LoanOver)));
    assert_eq!((at(T0 - 60), at(T0 - 61)), (None, Some(Code::LoanNotYet)));

    let longer = with_loan(|loan| loan.from = UnixTime(T0 - LONGEST));
    assert_eq!(login_with("login", T0, longer).err(), Some(Code::LoanOver), "than policy allows");
}

#[test]
fn a_terminal_that_is_offline_takes_it_until_its_end_and_no_longer_than_any_key() {
    let expires = Deployment::with_loan().scopes[1].0.head.expires;
    let until = loan(1).until;
    assert!(expires < until, "offline before the loan ends");
    let at = |hours: u64, soft| {
        login_with("login", T0 + hours * 3600, move |world| {
            world.scopes.iter_mut().for_each(|(_, policy)| {
                policy.offline.soft = soft;
                (policy.offline.degraded, policy.offline.hard) = (soft, soft);
            });
        })
        .err()
    };
    assert_eq!((at(7, 24 * 3600), at(8, 24 * 3600)), (None, Some(Code::LoanOver)));
    assert_eq!(at(7, 3600), Some(Code::OfflineTooLong));
}

#[test]
fn wherever_privilege_is_raised_only_own_keys_count() {
    for name in ["sudo", "sudo-i", "su", "su-l", "polkit-1", "sudo-rs", "pkexec", "runuser"] {
        let no_list = |world: &mut Deployment| {
            world.scopes.iter_mut().for_each(|(_, policy)| {
                policy.elevating_services = List::default();
            });
        };
        assert_eq!(login_with(name, T0, no_list).err(), Some(Code::LoanRefused), "{name}");
        let world = Deployment::with_loan();
        assert!(world.login("hanako", "hanako", name, T0, &Marks::default()).is_ok(), "{name}");
    }
    let by_policy = login_with("gdm-password", T0, |world| {
        world.scopes[0].1.elevating_services = List::new(vec![service("gdm-password")]).unwrap();
    });
    assert_eq!(by_policy.err(), Some(Code::LoanRefused));
}

#[test]
fn every_scope_of_the_borrower_must_allow_it() {
    let only =
        |longest| login_with("login", T0, |world| world.scopes[1].1.loan_seconds = longest).err();
    assert_eq!(only(None), Some(Code::LoanRefused));
    assert_eq!(only(Some(0)), Some(Code::LoanRefused));
    assert_eq!(only(Some(60)), Some(Code::LoanOver));
    assert_eq!(only(Some(61)), None);

    let in_both = |longest| {
        login_with("login", T0, |world| {
            let hanako = world.hanako().clone();
            world.scopes[0].0.people.push(hanako);
            world.scopes[0].1.loan_seconds = longest;
        })
        .err()
    };
    assert_eq!((in_both(Some(LONGEST)), in_both(None)), (None, Some(Code::LoanRefused)));

    // A scope that has taken it back is heard, though another has not.
    let in_one = login_with("login", T0, |world| {
        let mut hanako = world.hanako().clone();
        hanako.loan = None;
        world.scopes[0].0.people.push(hanako);
    });
    assert_eq!(in_one.err(), Some(Code::KeyAndNameDoNotMatch));
}

#[test]
fn the_key_is_the_pool_s_and_no_borrower_s_own() {
    let world = Deployment::with_loan();
    let by = |handle: [u8; 32]| {
        let handle = Some(Bytes::new(handle).unwrap());
        decide(&world, "login", T0, |signed| signed.user_handle = handle).err()
    };
    assert_eq!(by([99; 32]), None);
    assert_eq!(by([1; 32]), Some(Code::UserHandleMismatch), "the borrower's");
    assert_eq!(decide(&world, "login", T0, |signed| signed.user_handle = None).err(), None);
}

/// Whoever has it got it from a desk, and others know its PIN: it is for one person's logins.
#[test]
fn it_vouches_for_nobody_and_its_borrower_s_own_key_does() {
    let mut world = Deployment::with_colleague();
    world.scopes[1].1.loan_seconds = Some(LONGEST);
    world.taro().loan = Some(loan(1));
    world.refresh();
    let both = |vouch: &Vouch, signed: &Assertion| {
        let by_it = login_by(&world, ("login", T0, false), vouch, signed);
        (vouches(&world, T0, signed).err(), by_it.err())
    };
    assert_eq!(both(&vouch(), &signed_vouch(&vouch())), (None, None));

    let vouch = Vouch { credential: loan(1).credential.fingerprint(), ..vouch() };
    let with_handle = signed_on_loan(&vouch.to_bytes());
    let without = Assertion { user_handle: None, ..with_handle.clone() };
    let lapsed = Some(Code::VouchLapsed);
    for signed in [with_handle, without] {
        assert_eq!(both(&vouch, &signed), (lapsed, lapsed));
    }
}

#[test]
fn a_lost_key_a_disabled_borrower_and_another_s_loan_let_nobody_in() {
    let lost = with_loan(|loan| loan.credential.status = Status::Disabled);
    assert_eq!(login_with("login", T0, lost).err(), Some(Code::CredentialDisabled));
    let disabled = |world: &mut Deployment| world.hanako().status = Status::Disabled;
    assert_eq!(login_with("login", T0, disabled).err(), Some(Code::PersonDisabled));
    let back = |world: &mut Deployment| world.hanako().loan = None;
    assert_eq!(login_with("login", T0, back).err(), Some(Code::KeyAndNameDoNotMatch));
    let another = with_loan(|loan| {
        loan.id = LoanId::new([2; 16]);
        loan.credential = wardkey_testkit::Key::es256(8).record(8);
    });
    assert_eq!(login_with("login", T0, another).err(), Some(Code::KeyAndNameDoNotMatch));
    // A key that its owner lost is not on again because another one is lent.
    let mut world = Deployment::with_loan();
    let mut keys = world.hanako().credentials.to_vec();
    keys[0].status = Status::Disabled;
    world.hanako().credentials = List::new(keys).unwrap();
    world.refresh();
    let own = world.login("hanako", "hanako", "login", T0, &Marks::default());
    assert_eq!(own.err().map(|denial| denial.code), Some(Code::CredentialDisabled));
    assert!(decide(&world, "login", T0, |_| {}).is_ok());
}

#[test]
fn a_reader_from_before_knows_no_key_on_loan() {
    let world = Deployment::with_loan();
    let record = &world.scopes[1].0.people[0];
    let known = |document: &[u8], last: i128, ours: i128| {
        let keys = crate::later::keys_of(document);
        assert!(keys.contains(&ours) && keys.iter().all(|key| *key <= last || *key >= 100));
    };
    known(&codec::to_bytes(record), 8, 102);
    known(&codec::to_bytes(&world.scopes[1].1), 5, 115);
    // What such a reader keeps of the record are the person's own keys.
    assert!(record.credentials.iter().all(|own| own.id.as_slice() != [LOANER; 32]));
}
