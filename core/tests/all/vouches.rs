//! A colleague vouches: the decision when it is signed, and at each login by it.

use wardkey_core::code::Code;
use wardkey_core::codec::{self, List};
use wardkey_core::decide::{By, Freshness, Granted, decide_by_vouch, decide_vouch};
use wardkey_core::directory::leaf_key;
use wardkey_core::id::{Nonce, TerminalId};
use wardkey_core::marks::Marks;
use wardkey_core::person::Status;
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::vouching::{longest, offered, per_month};
use wardkey_core::policy::ways::is_offered;
use wardkey_core::proof::ProofKind;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::time::UnixTime;
use wardkey_core::vouch::{MAX_SECONDS, Vouch};
use wardkey_testkit::{
    CHOSEN_SEED, Deployment, Key, RP, T0, TERMINAL, VOUCHED, group, login, service,
    signed_by_chosen, signed_vouch, vouch,
};

/// The context of a login of hanako.
fn in_context<T>(
    service_name: &str,
    now: u64,
    remote: bool,
    work: impl FnOnce(&LoginContext<'_>) -> T,
) -> T {
    let (account, service, marks) = (login("hanako"), service(service_name), Marks::default());
    work(&LoginContext {
        account: &account,
        service: &service,
        remote,
        now: UnixTime(now),
        marks: &marks,
    })
}

/// Whether taro may vouch, by what his key signed.
pub fn vouches(world: &Deployment, now: u64, assertion: &Assertion) -> Result<Vouch, Code> {
    let nonce = vouch().nonce;
    let freshness = Freshness::Own { nonce: &nonce, elapsed: 1 };
    let (person, voucher) = (world.snapshot("hanako").unwrap(), world.snapshot("taro").unwrap());
    in_context("login", now, false, |context| {
        decide_vouch(&person, &voucher, context, &TERMINAL, freshness, assertion)
            .map_err(|denial| denial.code)
    })
}

/// A login by it.
pub fn login_by(
    world: &Deployment,
    (service_name, now, remote): (&str, u64, bool),
    vouch: &Vouch,
    assertion: &Assertion,
) -> Result<Granted, Code> {
    let data = world.client_data("hanako", "hanako", service_name);
    let signed = signed_by_chosen(vouch, CHOSEN_SEED, &data.to_bytes());
    let freshness = Freshness::Own { nonce: &data.nonce, elapsed: 1 };
    let (person, voucher) = (world.snapshot("hanako").unwrap(), world.snapshot("taro").unwrap());
    in_context(service_name, now, remote, |context| {
        let terminal = &TERMINAL;
        decide_by_vouch(&person, &voucher, context, terminal, freshness, &signed, assertion)
            .map_err(|denial| denial.code)
    })
}

fn world(change: impl FnOnce(&mut Deployment)) -> Deployment {
    let mut world = Deployment::with_colleague();
    change(&mut world);
    world.refresh();
    world
}

/// Both decisions with one thing of the directory changed.
fn both(change: impl FnOnce(&mut Deployment)) -> (Option<Code>, Option<Code>) {
    let world = world(change);
    let assertion = signed_vouch(&vouch());
    let by_it = login_by(&world, ("login", T0, false), &vouch(), &assertion);
    (vouches(&world, T0, &assertion).err(), by_it.err())
}

#[test]
fn everything_right_is_let_in_by_a_vouch() {
    let world = Deployment::with_colleague();
    let assertion = signed_vouch(&vouch());
    assert_eq!(vouches(&world, T0, &assertion), Ok(vouch()));
    let granted = login_by(&world, ("login", T0, false), &vouch(), &assertion).unwrap();
    assert_eq!(granted.proof(), ProofKind::Vouch);
    assert!(granted.by_key().is_none());
    let By::Vouch(by) = granted.by() else { panic!("{granted:?}") };
    assert_eq!((by.voucher.clone(), by.person.clone()), (login("taro"), login("hanako")));
    assert_eq!(granted.client_data().person, login("hanako"));
}

#[test]
fn nobody_may_vouch_until_a_policy_names_groups_times_and_how_often() {
    let unnamed = Deployment::new().snapshot("hanako").unwrap();
    assert_eq!((longest(&unnamed), offered(&unnamed), per_month(&unnamed)), (0, 0, 0));
    assert!(!is_offered(&unnamed, &service("login"), ProofKind::Vouch));
    let refused = Some(Code::VouchLapsed);
    assert_eq!(both(|w| w.scopes[1].1.vouch_groups = None), (refused, Some(Code::ProofRefused)));
    assert_eq!(both(|w| w.scopes[1].1.vouch_groups = Some(List::default())), (refused, refused));
    let none = (Some(Code::PassExpired), Some(Code::ProofRefused));
    assert_eq!(both(|w| w.scopes[1].1.vouch_seconds = None), none);
    let over = (Some(Code::PassExpired), Some(Code::PassExpired));
    assert_eq!(both(|w| w.scopes[1].1.vouch_seconds = Some(0)), over);

    let capped = world(|w| w.scopes[1].1.vouch_seconds = Some(10 * MAX_SECONDS));
    let capped = capped.snapshot("hanako").unwrap();
    assert_eq!((longest(&capped), offered(&capped)), (MAX_SECONDS, MAX_SECONDS));
}

#[test]
fn deny_wins_among_the_scopes_of_either() {
    // hanako is in two scopes, of which one names no groups.
    let unnamed = both(|w| {
        let hanako = w.hanako().clone();
        w.scopes[0].0.people.push(hanako);
    });
    assert_eq!(unnamed, (Some(Code::VouchLapsed), Some(Code::ProofRefused)));
    // taro is in two, of which one does not have him in the group.
    let outside = both(|w| {
        let mut taro = w.taro().clone();
        taro.groups = List::new(vec![group("nurses")]).unwrap();
        w.scopes[0].0.people.push(taro);
    });
    assert_eq!(outside, (Some(Code::VouchLapsed), Some(Code::VouchLapsed)));
    // In both he is in the group: a scope that does not show hanako has no say about her.
    let inside = both(|w| {
        let taro = w.taro().clone();
        w.scopes[0].0.people.push(taro);
    });
    assert_eq!(inside, (None, None));
}

#[test]
fn a_colleague_is_active_has_the_key_and_is_not_the_person() {
    let lapsed = (Some(Code::VouchLapsed), Some(Code::VouchLapsed));
    assert_eq!(both(|w| w.taro().status = Status::Disabled), lapsed);
    assert_eq!(both(|w| w.taro().not_after = Some(UnixTime(T0))), lapsed);
    assert_eq!(both(|w| w.taro().not_before = Some(UnixTime(T0 + 1))), lapsed);
    assert_eq!(both(|w| w.taro().credentials = List::default()), lapsed);
    assert_eq!(both(|w| drop(w.scopes[1].0.people.pop())), lapsed);
    let disabled = both(|w| {
        let mut credentials = w.taro().credentials.to_vec();
        credentials[0].status = Status::Disabled;
        w.taro().credentials = List::new(credentials).unwrap();
    });
    assert_eq!(disabled, lapsed);

    // hanako in the group, and with her own key.
    let own = world(|w| w.hanako().groups = List::new(vec![group("seniors")]).unwrap());
    let (key, mut for_herself) = (Key::es256(1), vouch());
    for_herself.voucher = login("hanako");
    for_herself.credential = key.record(1).fingerprint();
    let assertion = key.assert(1, &for_herself.to_bytes(), 0x05, 1, RP);
    let person = own.snapshot("hanako").unwrap();
    let nonce = for_herself.nonce;
    let freshness = Freshness::Own { nonce: &nonce, elapsed: 1 };
    let decided = in_context("login", T0, false, |context| {
        decide_vouch(&person, &person, context, &TERMINAL, freshness, &assertion)
    });
    assert_eq!(decided.unwrap_err().code, Code::VouchLapsed);
}

#[test]
fn each_wrong_thing_about_the_signature_is_no_word() {
    let world = Deployment::with_colleague();
    let (bytes, key) = (vouch().to_bytes(), Key::es256(2));
    let mut handle = signed_vouch(&vouch());
    handle.user_handle = Some(codec::Bytes::new(vec![9; 32]).unwrap());
    for (what, assertion) in [
        ("no touch", key.assert(2, &bytes, 0x04, 1, RP)),
        ("no PIN", key.assert(2, &bytes, 0x01, 1, RP)),
        ("silent", key.assert(2, &bytes, 0x00, 1, RP)),
        ("another relying party", key.assert(2, &bytes, 0x05, 1, "evil.example")),
        ("another key", Key::es256(3).assert(2, &bytes, 0x05, 1, RP)),
        ("another credential", key.assert(3, &bytes, 0x05, 1, RP)),
        ("another user handle", handle),
    ] {
        assert_eq!(vouches(&world, T0, &assertion).err(), Some(Code::VouchLapsed), "{what}");
        let by_it = login_by(&world, ("login", T0, false), &vouch(), &assertion);
        assert_eq!(by_it.err(), Some(Code::VouchLapsed), "{what}");
    }
    // What a login signs is no vouch, and a vouch is no login.
    let data = world.client_data("taro", "taro", "login").to_bytes();
    let login = key.assert(2, &data, 0x05, 1, RP);
    assert_eq!(vouches(&world, T0, &login).err(), Some(Code::ClientData));
    let by_login = login_by(&world, ("login", T0, false), &vouch(), &login);
    assert_eq!(by_login.err(), Some(Code::PassWrong));
    let as_login =
        world.decide("taro", "taro", "login", T0, &Marks::default(), &signed_vouch(&vouch()), 1);
    assert_eq!(as_login.unwrap_err().code, Code::ClientData);
}

#[test]
fn nothing_that_was_signed_can_be_changed_afterwards() {
    let world = Deployment::with_colleague();
    // The colleague signed something else in one field, and it is shown as what fits.
    let shown = |change: fn(&mut Vouch)| {
        let mut signed = vouch();
        change(&mut signed);
        let mut assertion = signed_vouch(&signed);
        assertion.client_data = codec::Bytes::new(vouch().to_bytes()).unwrap();
        let at_once = vouches(&world, T0, &assertion).err();
        let by_it = login_by(&world, ("login", T0, false), &vouch(), &assertion).err();
        assert_eq!(at_once, by_it);
        by_it
    };
    assert_eq!(shown(|_| {}), None);
    type Change = fn(&mut Vouch);
    let fields: [(&str, Change); 10] = [
        ("nonce", |v| v.nonce = Nonce::new([5; 32])),
        ("terminal", |v| v.terminal = TerminalId::new([9; 16])),
        ("voucher", |v| v.voucher = login("hanako")),
        ("credential", |v| v.credential = Key::es256(1).record(1).fingerprint()),
        ("person", |v| v.person = login("jiro")),
        ("from", |v| v.from = UnixTime(T0 - 1)),
        ("until", |v| v.until = UnixTime(T0 + 60)),
        ("reason", |v| v.reason = None),
        ("hash", |v| v.hash = 2),
        ("key", |v| v.key = wardkey_testkit::pass(1).key),
    ];
    for (field, change) in fields {
        assert_eq!(shown(change), Some(Code::VouchLapsed), "{field}");
    }
}

#[test]
fn person_place_and_time_are_kept() {
    let world = world(|w| {
        w.terminal.expires = UnixTime(T0 + 100 * 3600);
        w.scopes.iter_mut().for_each(|(state, _)| state.head.expires = UnixTime(T0 + 100 * 3600));
    });
    let by_it = |now: u64, change: fn(&mut Vouch)| {
        let mut vouch = vouch();
        change(&mut vouch);
        login_by(&world, ("login", now, false), &vouch, &signed_vouch(&vouch)).err()
    };
    assert_eq!(by_it(T0, |_| {}), None);
    assert_eq!(by_it(T0 + VOUCHED - 1, |_| {}), None);
    assert_eq!(by_it(T0 + VOUCHED, |_| {}), Some(Code::PassExpired));
    assert_eq!(by_it(T0 - 1, |_| {}), Some(Code::PassNotYet));
    let long = |v: &mut Vouch| v.until = UnixTime(T0 + 50 * 3600);
    assert_eq!(by_it(T0 + VOUCHED, long), Some(Code::PassExpired), "than policy allows");
    let elsewhere = |v: &mut Vouch| v.terminal = TerminalId::new([9; 16]);
    assert_eq!(by_it(T0, elsewhere), Some(Code::PassElsewhere));
    assert_eq!(by_it(T0, |v| v.person = login("jiro")), Some(Code::VouchLapsed));
    assert_eq!(by_it(T0, |v| v.voucher = login("jiro")), Some(Code::VouchLapsed));
    assert_eq!(
        by_it(T0, |v| v.credential = Key::es256(1).record(1).fingerprint()),
        Some(Code::VouchLapsed)
    );
    assert_eq!(by_it(T0, |v| v.hash = 2), Some(Code::PassWrong));
}

#[test]
fn what_is_signed_just_now_is_of_this_challenge_terminal_and_minute() {
    let world = Deployment::with_colleague();
    let (person, voucher) = (world.snapshot("hanako").unwrap(), world.snapshot("taro").unwrap());
    let assertion = signed_vouch(&vouch());
    let decided = |freshness, terminal: &TerminalId| {
        in_context("login", T0, false, |context| {
            decide_vouch(&person, &voucher, context, terminal, freshness, &assertion)
                .map_err(|denial| denial.code)
                .err()
        })
    };
    let (nonce, other) = (vouch().nonce, Nonce::new([5; 32]));
    let own = |nonce, elapsed| Freshness::Own { nonce, elapsed };
    assert_eq!(decided(own(&nonce, 60), &TERMINAL), None);
    assert_eq!(decided(own(&nonce, 61), &TERMINAL), Some(Code::TooLate));
    assert_eq!(decided(own(&other, 1), &TERMINAL), Some(Code::ClientData));
    assert_eq!(decided(own(&nonce, 1), &TerminalId::new([9; 16])), Some(Code::ClientData));
    let reported = |least| Freshness::Reported { least: UnixTime(least) };
    assert_eq!(decided(reported(T0 + 60), &TERMINAL), None);
    assert_eq!(decided(reported(T0 + 61), &TERMINAL), Some(Code::TooLate), "a replay");
}

#[test]
fn whom_time_offline_keeps_out_vouches_for_nobody() {
    let world = Deployment::with_colleague();
    let (person, voucher) = (world.snapshot("hanako").unwrap(), world.snapshot("taro").unwrap());
    let decided = |hours: u64, seen: &[&str]| {
        let now = UnixTime(T0 + hours * 3600);
        let mut marks = Marks::default();
        seen.iter().for_each(|name| marks.remember(leaf_key(&login(name)), now));
        let vouch = Vouch { from: now, until: now.plus(VOUCHED), ..vouch() };
        let (account, service, nonce) = (login("hanako"), service("login"), vouch.nonce);
        let context = LoginContext {
            account: &account,
            service: &service,
            remote: false,
            now,
            marks: &marks,
        };
        let freshness = Freshness::Own { nonce: &nonce, elapsed: 1 };
        let assertion = signed_vouch(&vouch);
        decide_vouch(&person, &voucher, &context, &TERMINAL, freshness, &assertion)
            .map_err(|denial| denial.code)
            .err()
    };
    assert_eq!(decided(12, &[]), None);
    assert_eq!(decided(48, &["hanako", "taro"]), None);
    assert_eq!(decided(48, &["hanako"]), Some(Code::VouchLapsed), "taro was never here");
    assert_eq!(decided(48, &["taro"]), Some(Code::OfflineNotSeenHere));
    assert_eq!(decided(100, &["hanako", "taro"]), Some(Code::VouchLapsed));
}

#[test]
fn nobody_s_word_raises_privilege_or_reaches_over_the_network() {
    let assertion = signed_vouch(&vouch());
    let no_list = world(|w| {
        w.scopes.iter_mut().for_each(|(_, policy)| policy.elevating_services = List::default());
    });
    for name in ["sudo", "sudo-i", "su", "su-l", "polkit-1", "sudo-rs", "pkexec", "runuser"] {
        let by_it = login_by(&no_list, (name, T0, false), &vouch(), &assertion);
        assert_eq!(by_it.err(), Some(Code::ProofRefused), "{name}");
    }
    let listed = world(|w| {
        w.scopes[0].1.elevating_services = List::new(vec![service("gdm-password")]).unwrap();
    });
    let by_it = login_by(&listed, ("gdm-password", T0, false), &vouch(), &assertion);
    assert_eq!(by_it.err(), Some(Code::ProofRefused));
    let excepted = world(|w| {
        w.scopes[0].1.pass_except = Some(List::new(vec![service("kiosk")]).unwrap());
    });
    let by_it = login_by(&excepted, ("kiosk", T0, false), &vouch(), &assertion);
    assert_eq!(by_it.err(), Some(Code::ProofRefused));
    let remote = login_by(&no_list, ("login", T0, true), &vouch(), &assertion);
    assert_eq!(remote.err(), Some(Code::RemoteSession));
}

#[test]
fn a_colleague_who_is_shown_as_of_before_vouches_for_nobody() {
    let before = Deployment::with_colleague();
    let now = world(|w| {
        for (state, _) in &mut w.scopes {
            state.head.seq += 1;
        }
    });
    let data = now.client_data("hanako", "hanako", "login");
    let signed = signed_by_chosen(&vouch(), CHOSEN_SEED, &data.to_bytes());
    let decided = |person: &Deployment, voucher: &Deployment| {
        let freshness = Freshness::Own { nonce: &data.nonce, elapsed: 1 };
        let person = person.snapshot("hanako").unwrap();
        let voucher = voucher.snapshot("taro").unwrap();
        let assertion = signed_vouch(&vouch());
        in_context("login", T0, false, |context| {
            let terminal = &TERMINAL;
            decide_by_vouch(&person, &voucher, context, terminal, freshness, &signed, &assertion)
                .map_err(|denial| denial.code)
                .err()
        })
    };
    assert_eq!(decided(&now, &now), None);
    assert_eq!(decided(&before, &now), None);
    assert_eq!(decided(&now, &before), Some(Code::VouchLapsed));
}

#[test]
fn who_may_not_log_in_is_told_so_only_for_the_right_code() {
    let disabled = world(|w| w.hanako().status = Status::Disabled);
    let assertion = signed_vouch(&vouch());
    let by_it = login_by(&disabled, ("login", T0, false), &vouch(), &assertion);
    assert_eq!(by_it.err(), Some(Code::PersonDisabled));
    let mut other_code = vouch();
    other_code.key = wardkey_testkit::pass(1).key;
    let assertion = signed_vouch(&other_code);
    let wrong = login_by(&disabled, ("login", T0, false), &other_code, &assertion);
    assert_eq!(wrong.err(), Some(Code::PassWrong));
}

#[test]
fn the_longest_vouch_fits_what_a_key_signs() {
    let mut longest = vouch();
    longest.voucher = login(&"v".repeat(64));
    longest.person = login(&"p".repeat(64));
    longest.reason = Some(wardkey_core::name::DisplayText::new("r".repeat(128)).unwrap());
    (longest.from, longest.until) = (UnixTime(u64::MAX), UnixTime(u64::MAX));
    let bytes = longest.to_bytes();
    assert!(bytes.len() <= 512, "{}", bytes.len());
    assert_eq!(Vouch::from_bytes(&bytes).unwrap(), longest);
    assert_ne!(longest.id(), vouch().id());
}

#[test]
fn a_reader_from_before_passes_over_who_may_vouch() {
    let world = Deployment::with_colleague();
    let keys = crate::later::keys_of(&codec::to_bytes(&world.scopes[1].1));
    assert!([112, 113, 114].iter().all(|key| keys.contains(key)));
    assert!(keys.iter().all(|key| *key <= 5 || *key >= 100), "{keys:?}");
}
