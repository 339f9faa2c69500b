//! Break-glass: the decision about what a sealed code signed, and what its record must say.

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::decide::{Freshness, Granted, decide_by_code};
use wardkey_core::event::{Event, EventName, Outcome, Severity};
use wardkey_core::evidence::{self, Unproven};
use wardkey_core::id::{Nonce, PassId, TerminalId};
use wardkey_core::log_keys::ListedPass;
use wardkey_core::marks::Marks;
use wardkey_core::pass::{MAX_SEALED_SECONDS, Pass};
use wardkey_core::policy::context::LoginContext;
use wardkey_core::proof::{ProofKind, SignedByCode};
use wardkey_core::time::UnixTime;
use wardkey_testkit::{
    CODE_SEED, Deployment, SEALED_SEED, T0, TERMINAL, login, pass, scope, sealed, service,
    signed_by_code,
};

const DAY: u64 = 86_400;

fn signed(world: &Deployment, service: &str) -> SignedByCode {
    let data = world.client_data("hanako", "hanako", service);
    signed_by_code(7, SEALED_SEED, &data.to_bytes())
}

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

/// A login with one thing changed.
fn login_with(
    service: &str,
    now: u64,
    change: impl FnOnce(&mut Deployment),
) -> Result<Granted, Code> {
    let mut world = Deployment::with_sealed();
    change(&mut world);
    // Online for as long as the code lasts.
    world.terminal.expires = UnixTime(T0 + 500 * DAY);
    let expires = UnixTime(T0 + 500 * DAY);
    world.scopes.iter_mut().for_each(|(state, _)| state.head.expires = expires);
    world.refresh();
    decide(&world, service, now, &signed(&world, service))
}

fn with_sealed(change: impl FnOnce(&mut Pass)) -> impl FnOnce(&mut Deployment) {
    move |world| change(world.hanako().break_glass.as_mut().unwrap())
}

#[test]
fn a_sealed_code_lets_in_as_itself_and_a_pass_beside_it_as_a_pass() {
    let granted = login_with("login", T0, |_| {}).unwrap();
    assert_eq!(granted.proof(), ProofKind::BreakGlass);
    assert!(granted.by_key().is_none());

    let mut world = Deployment::with_sealed();
    world.hanako().pass = Some(pass(1));
    world.scopes[1].1.pass_seconds = Some(12 * 3600);
    world.refresh();
    let data = world.client_data("hanako", "hanako", "login").to_bytes();
    let by_pass = decide(&world, "login", T0, &signed_by_code(1, CODE_SEED, &data));
    assert_eq!(by_pass.unwrap().proof(), ProofKind::TemporaryCode);
    assert!(decide(&world, "login", T0, &signed(&world, "login")).is_ok());
    // Neither opens as the other.
    for (number, seed) in [(1, SEALED_SEED), (7, CODE_SEED), (9, SEALED_SEED)] {
        let mixed = decide(&world, "login", T0, &signed_by_code(number, seed, &data));
        assert_eq!(mixed.err(), Some(Code::PassWrong), "{number} {seed}");
    }
}

#[test]
fn time_and_scope_of_a_sealed_code_are_kept() {
    let until = sealed(7).until.0;
    let at = |now| login_with("login", now, |_| {}).err();
    let not_here = Some(Code::BreakGlassNotHere);
    assert_eq!((at(until - 1), at(until)), (None, not_here));
    assert_eq!((at(T0 - 60), at(T0 - 61)), (None, not_here));
    let old = with_sealed(|sealed| sealed.from = UnixTime(T0 - 366 * DAY));
    assert_eq!(login_with("login", T0, old).err(), not_here, "longer than policy allows");
    let bounded = login_with("login", T0, |world| {
        world.scopes[1].1.break_glass_seconds = Some(u64::MAX);
        let sealed = world.hanako().break_glass.as_mut().unwrap();
        sealed.from = UnixTime(T0 - MAX_SEALED_SECONDS);
    });
    assert_eq!(bounded.err(), not_here, "longer than any policy may allow");
    for place in [(Some("roaming"), None), (None, None), (Some("ward3"), Some(9))] {
        let placed = with_sealed(|sealed| {
            sealed.scope = place.0.map(scope);
            sealed.terminal = place.1.map(|id| TerminalId::new([id; 16]));
        });
        assert_eq!(login_with("login", T0, placed).err(), not_here, "{place:?}");
    }
}

#[test]
fn a_sealed_code_never_raises_privilege_and_needs_the_policy_of_every_scope() {
    for name in ["sudo", "sudo-i", "su", "su-l", "polkit-1", "sudo-rs", "pkexec", "run0"] {
        let no_list = |world: &mut Deployment| {
            for (_, policy) in &mut world.scopes {
                policy.elevating_services = List::default();
            }
        };
        assert_eq!(login_with(name, T0, no_list).err(), Some(Code::ProofRefused), "{name}");
    }
    let excepted = login_with("login", T0, |world| {
        world.scopes[0].1.pass_except = Some(List::new(vec![service("login")]).unwrap());
    });
    assert_eq!(excepted.err(), Some(Code::ProofRefused));
    let none = login_with("login", T0, |world| world.scopes[1].1.break_glass_seconds = None);
    assert_eq!(none.err(), Some(Code::ProofRefused));
    // An account that somebody has a key of is no longer nobody's.
    let with_key = login_with("login", T0, |world| {
        let key = wardkey_testkit::Key::es256(1).record(1);
        world.hanako().credentials = List::new(vec![key]).unwrap();
    });
    assert_eq!(with_key.err(), Some(Code::BreakGlassNotHere));
    // A pass that policy allows makes no sealed code allowed.
    let only_passes = login_with("login", T0, |world| {
        world.scopes[1].1.break_glass_seconds = None;
        world.scopes[1].1.pass_seconds = Some(72 * 3600);
    });
    assert_eq!(only_passes.err(), Some(Code::ProofRefused));

    let in_both = |has_it: bool, allows: bool| {
        login_with("login", T0, |world| {
            let mut hanako = world.hanako().clone();
            hanako.break_glass = hanako.break_glass.filter(|_| has_it);
            world.scopes[0].0.people.push(hanako);
            world.scopes[0].1.break_glass_seconds = allows.then_some(366 * DAY);
        })
        .err()
    };
    assert_eq!(in_both(true, true), None);
    assert_eq!(in_both(true, false), Some(Code::ProofRefused));
    assert_eq!(in_both(false, true), Some(Code::PassWrong), "a scope has taken it away");
}

/// A login by the sealed code, as an agent reports it.
fn event(world: &Deployment) -> Event {
    let data = world.client_data("hanako", "hanako", "login");
    let mut event =
        Event::new(data.event_id(), data.time, EventName::BreakGlassLogin, Outcome::Success);
    event.terminal = Some(TERMINAL);
    event.person = Some(login("hanako"));
    event.account = Some(login("hanako"));
    event.service = Some("login".into());
    event.proof = Some(ProofKind::BreakGlass);
    event.pass = Some(sealed(7).id);
    event.signed_by_code = Some(signed(world, "login"));
    event
}

#[test]
fn the_record_of_a_use_says_that_it_is_one_or_proves_nothing() {
    let world = Deployment::with_sealed();
    let right = event(&world);
    let (listed, plain) = (
        ListedPass::of_sealed(login("hanako"), &sealed(7)),
        ListedPass::of(login("hanako"), &sealed(7)),
    );
    let judge = |event: &Event, listed: &ListedPass| {
        let signed = event.signed_by_code.clone().unwrap();
        evidence::by_code(event, &signed, &TERMINAL, listed)
    };
    assert_eq!(judge(&right, &listed), Ok(()));
    assert_eq!(judge(&right, &plain), Err(Unproven::OtherPass), "no pass is a sealed code");
    for (what, event) in [
        ("a pass", Event { name: EventName::PassLogin, ..right.clone() }),
        ("a login by key", Event { name: EventName::Login, ..right.clone() }),
        ("another proof", Event { proof: Some(ProofKind::TemporaryCode), ..right.clone() }),
        ("no proof", Event { proof: None, ..right.clone() }),
        ("a failure", Event { outcome: Outcome::Failure, ..right.clone() }),
        ("another code", Event { pass: Some(PassId::new([1; 16])), ..right.clone() }),
    ] {
        assert_eq!(judge(&event, &listed), Err(Unproven::OtherPass), "{what}");
        let signed = event.signed_by_code.as_ref().unwrap();
        assert!(
            evidence::use_of_sealed(signed, &TERMINAL, &listed).is_some(),
            "{what}: it was used"
        );
    }

    let signed = right.signed_by_code.as_ref().unwrap();
    let other = TerminalId::new([9; 16]);
    assert!(
        evidence::use_of_sealed(signed, &other, &listed).is_none(),
        "signed for another terminal"
    );
    let data = world.client_data("hanako", "hanako", "login").to_bytes();
    let wrong = signed_by_code(7, SEALED_SEED + 1, &data);
    assert!(evidence::use_of_sealed(&wrong, &TERMINAL, &listed).is_none(), "by another code");
    let taro = ListedPass::of_sealed(login("taro"), &sealed(7));
    assert!(evidence::use_of_sealed(signed, &TERMINAL, &taro).is_none(), "of another account");
}

#[test]
fn a_use_is_as_loud_as_a_record_can_be() {
    let at = |name: EventName, outcome| name.severity(outcome);
    for outcome in [Outcome::Success, Outcome::Failure] {
        assert_eq!(at(EventName::BreakGlassLogin, outcome), Severity::Critical);
        assert_eq!(at(EventName::BreakGlassVoid, outcome), Severity::Critical);
    }
    assert_eq!(at(EventName::BreakGlassWrong, Outcome::Failure), Severity::Warning);
    let names = [EventName::BreakGlassLogin, EventName::BreakGlassWrong, EventName::BreakGlassVoid];
    assert_eq!(names.map(EventName::code), ["WE-57", "WE-58", "WE-59"]);
    let line = event(&Deployment::with_sealed()).to_line();
    assert!(line.contains("event=break-glass-login") && line.contains("proof=break-glass"));
}
