//! Without the key: the decision about what the code of a pass signed, and which services take it.

use wardkey_core::code::Code;
use wardkey_core::codec::{self, List};
use wardkey_core::decide::{Freshness, Granted, decide_by_code};
use wardkey_core::id::{Nonce, TerminalId};
use wardkey_core::marks::Marks;
use wardkey_core::person::{PersonRecord, Status};
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::proof::{ProofKind, SignedByCode};
use wardkey_core::time::UnixTime;
use wardkey_testkit::{
    CODE_SEED, Deployment, LONGEST, T0, login, pass, scope, service, signed_by_code,
};

fn decide(
    world: &Deployment,
    service_name: &str,
    now: u64,
    signed: &SignedByCode,
) -> Result<Granted, Code> {
    let snapshot = world.snapshot("hanako").unwrap();
    let (account, service, marks) = (login("hanako"), service(service_name), Marks::default());
    let context = LoginContext {
        account: &account,
        service: &service,
        remote: false,
        now: UnixTime(now),
        marks: &marks,
    };
    let nonce = Nonce::new([5; 32]);
    let freshness = Freshness::Own { nonce: &nonce, elapsed: 1 };
    decide_by_code(&snapshot, &context, &world.anchor().terminal, freshness, signed)
        .map_err(|denial| denial.code)
}

fn signed(world: &Deployment, service: &str) -> SignedByCode {
    let data = world.client_data("hanako", "hanako", service);
    signed_by_code(1, CODE_SEED, &data.to_bytes())
}

/// A login with one thing changed.
fn login_with(
    service: &str,
    now: u64,
    change: impl FnOnce(&mut Deployment),
) -> Result<Granted, Code> {
    let mut world = Deployment::with_pass();
    change(&mut world);
    world.refresh();
    decide(&world, service, now, &signed(&world, service))
}

#[test]
fn everything_right_is_let_in_by_a_temporary_code() {
    let granted = login_with("login", T0, |_| {}).unwrap();
    assert_eq!(granted.proof(), ProofKind::TemporaryCode);
    assert!(granted.by_key().is_none());
    assert_eq!(granted.client_data().person, login("hanako"));
    let by_key = Deployment::with_pass().login("hanako", "hanako", "login", T0, &Marks::default());
    assert_eq!(by_key.unwrap().proof(), ProofKind::KeyWithPin, "the key still counts");
}

#[test]
fn each_wrong_thing_about_the_signature_is_a_wrong_code() {
    let world = Deployment::with_pass();
    let right = signed(&world, "login");
    let data = right.client_data.as_slice();
    let mut flipped = right.clone();
    let mut bytes = flipped.signature.as_slice().to_vec();
    bytes[7] ^= 1;
    flipped.signature = codec::Bytes::new(bytes).unwrap();
    let short = SignedByCode { signature: codec::Bytes::new([1; 63]).unwrap(), ..right.clone() };
    for (what, signed) in [
        ("another code", signed_by_code(1, CODE_SEED + 1, data)),
        ("another pass", signed_by_code(2, CODE_SEED, data)),
        ("a flipped bit", flipped),
        ("a short one", short),
    ] {
        assert_eq!(decide(&world, "login", T0, &signed).err(), Some(Code::PassWrong), "{what}");
    }
    let none = login_with("login", T0, |world| world.hanako().pass = None);
    assert_eq!(none.err(), Some(Code::PassWrong));
    let other_cost = login_with("login", T0, |world| {
        world.hanako().pass.as_mut().unwrap().hash = 2;
    });
    assert_eq!(other_cost.err(), Some(Code::PassWrong), "not hashed as this version does");
}

#[test]
fn client_data_of_another_login_is_refused() {
    let world = Deployment::with_pass();
    type Change = fn(&mut wardkey_core::client_data::ClientData);
    let table: [(&str, Change); 5] = [
        ("nonce", |data| data.nonce = Nonce::new([6; 32])),
        ("terminal", |data| data.terminal = TerminalId::new([9; 16])),
        ("service", |data| data.service = service("gdm-password")),
        ("account", |data| data.account = login("taro")),
        ("person", |data| data.person = login("taro")),
    ];
    for (what, change) in table {
        let mut data = world.client_data("hanako", "hanako", "login");
        change(&mut data);
        let signed = signed_by_code(1, CODE_SEED, &data.to_bytes());
        assert_eq!(decide(&world, "login", T0, &signed).err(), Some(Code::ClientData), "{what}");
    }
}

#[test]
fn time_and_place_of_the_pass_are_kept() {
    fn with_pass(
        change: impl FnOnce(&mut wardkey_core::pass::Pass),
    ) -> impl FnOnce(&mut Deployment) {
        move |world| change(world.hanako().pass.as_mut().unwrap())
    }
    let until = pass(1).until.0;
    let at = |now| {
        login_with("login", now, |world| {
            // Online for as long as the pass lasts.
            world.terminal.expires = UnixTime(until + 900);
            world
                .scopes
                .iter_mut()
                .for_each(|(state, _)| state.head.expires = UnixTime(until + 900));
        })
        .err()
    };
    assert_eq!((at(until - 1), at(until)), (None, Some(Code::PassExpired)));
    assert_eq!((at(T0 - 60), at(T0 - 61)), (None, Some(Code::PassNotYet)));
    let longer = with_pass(|pass| pass.from = UnixTime(T0 - 12 * 3600));
    assert_eq!(
        login_with("login", T0, longer).err(),
        Some(Code::PassExpired),
        "than policy allows"
    );

    let (here, other) = (wardkey_testkit::TERMINAL, TerminalId::new([9; 16]));
    for (place, is_in) in [
        ((None, Some(here)), true),
        ((Some("ward3"), Some(here)), true),
        ((None, Some(other)), false),
        ((Some("ward3"), Some(other)), false),
        ((Some("roaming"), None), false),
        ((Some("roaming"), Some(here)), false),
        ((None, None), false),
    ] {
        let placed = with_pass(|pass| (pass.scope, pass.terminal) = (place.0.map(scope), place.1));
        let expected = (!is_in).then_some(Code::PassElsewhere);
        assert_eq!(login_with("login", T0, placed).err(), expected, "{place:?}");
    }
}

#[test]
fn wherever_privilege_is_raised_only_keys_count() {
    for name in ["sudo", "sudo-i", "su", "su-l", "polkit-1", "sudo-rs", "pkexec", "runuser"] {
        let no_list = |world: &mut Deployment| {
            world.scopes.iter_mut().for_each(|(_, policy)| {
                policy.elevating_services = List::default();
            });
        };
        let by_code = login_with(name, T0, no_list);
        assert_eq!(by_code.err(), Some(Code::ProofRefused), "{name}");
        let world = Deployment::with_pass();
        assert!(world.login("hanako", "hanako", name, T0, &Marks::default()).is_ok(), "{name}");
    }
    let by_policy = login_with("gdm-password", T0, |world| {
        world.scopes[0].1.elevating_services = List::new(vec![service("gdm-password")]).unwrap();
    });
    assert_eq!(by_policy.err(), Some(Code::ProofRefused));
}

#[test]
fn what_no_scope_of_the_person_allows_is_no_way_in_and_deny_wins() {
    let only = |change: fn(&mut PolicyDocument)| {
        login_with("login", T0, |world| change(&mut world.scopes[1].1)).err()
    };
    assert_eq!(only(|policy| policy.pass_seconds = None), Some(Code::ProofRefused));
    assert_eq!(only(|policy| policy.pass_seconds = Some(0)), Some(Code::PassExpired));

    // In two scopes, of which one allows it.
    let in_both = |allows: bool| {
        login_with("login", T0, |world| {
            let hanako: PersonRecord = world.hanako().clone();
            world.scopes[0].0.people.push(hanako);
            world.scopes[0].1.pass_seconds = allows.then_some(LONGEST);
        })
        .err()
    };
    assert_eq!((in_both(true), in_both(false)), (None, Some(Code::ProofRefused)));
}

#[test]
fn a_policy_excepts_services_from_a_way_in_and_never_from_keys() {
    let mut world = Deployment::with_pass();
    let except = List::new(vec![service("login")]).unwrap();
    // Also of a scope that does not show the person: services belong to the terminal.
    world.scopes[0].1.pass_except = Some(except);
    world.refresh();
    let by_code = |service| decide(&world, service, T0, &signed(&world, service)).err();
    assert_eq!((by_code("login"), by_code("gdm")), (Some(Code::ProofRefused), None));
    assert!(world.login("hanako", "hanako", "login", T0, &Marks::default()).is_ok());
}

#[test]
fn who_may_not_log_in_is_told_so_only_for_the_right_code() {
    let disabled = |world: &mut Deployment| world.hanako().status = Status::Disabled;
    assert_eq!(login_with("login", T0, disabled).err(), Some(Code::PersonDisabled));
    let mut world = Deployment::with_pass();
    disabled(&mut world);
    world.refresh();
    let data = world.client_data("hanako", "hanako", "login").to_bytes();
    let wrong = signed_by_code(1, CODE_SEED + 1, &data);
    assert_eq!(decide(&world, "login", T0, &wrong).err(), Some(Code::PassWrong));
}

#[test]
fn a_reader_from_before_passes_over_all_that_lets_somebody_in() {
    let world = Deployment::with_pass();
    let known = |document: &[u8], last: i128| {
        let keys = crate::later::keys_of(document);
        assert!(keys.contains(&101) && keys.iter().all(|key| *key <= last || *key >= 100));
    };
    known(&codec::to_bytes(&world.scopes[1].0.people[0]), 8);
    known(&codec::to_bytes(&world.scopes[1].1), 5);
}
