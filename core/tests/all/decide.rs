//! The decision by table: everything right is let in, each single thing wrong is refused with its
//! own code.

use wardkey_core::code::Code;
use wardkey_core::codec::{Bytes, List};
use wardkey_core::directory::leaf_key;
use wardkey_core::id::{Aaguid, Nonce, TerminalId};
use wardkey_core::marks::Marks;
use wardkey_core::person::{CredentialFlags, PersonRecord, Status};
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::evaluate::{evaluate, evaluate_account_phase};
use wardkey_core::policy::stage::Stage;
use wardkey_core::time::UnixTime;
use wardkey_testkit::{Deployment, Key, RP, T0, group, login, scope};

const HOUR: u64 = 3600;

fn code<T: std::fmt::Debug>(result: Result<T, wardkey_core::code::Denial>) -> Option<Code> {
    result.err().map(|denial| denial.code)
}

#[test]
fn everything_right_is_let_in_with_what_the_key_signed() {
    let granted =
        Deployment::new().login("hanako", "hanako", "login", T0, &Marks::default()).unwrap();
    assert_eq!(granted.permit().stage, Stage::Online);
    assert_eq!(granted.permit().age, 60);
    assert!(!granted.permit().shared);
    assert_eq!(granted.by_key().unwrap().facts.counter, 1);
    assert_eq!(granted.permit().scope, scope("ward3"));
}

#[test]
fn eddsa_keys_log_in_too() {
    let mut world = Deployment::new();
    let key = Key::eddsa(7);
    world.hanako().credentials = List::new(vec![key.record(1)]).unwrap();
    world.refresh();
    let data = world.client_data("hanako", "hanako", "login").to_bytes();
    let assertion = key.assert(1, &data, 0x05, 0, RP);
    assert!(
        world.decide("hanako", "hanako", "login", T0, &Marks::default(), &assertion, 1).is_ok()
    );
    // The other algorithm's signature under the same credential is none.
    let forged = Key::es256(7).assert(1, &data, 0x05, 0, RP);
    let refused = world.decide("hanako", "hanako", "login", T0, &Marks::default(), &forged, 1);
    assert_eq!(code(refused), Some(Code::AssertionSignature));
}

#[test]
fn each_wrong_thing_about_the_person_is_refused() {
    type Change = fn(&mut PersonRecord);
    let table: &[(&str, Change, Code)] = &[
        ("disabled", |p| p.status = Status::Disabled, Code::PersonDisabled),
        ("not yet valid", |p| p.not_before = Some(UnixTime(T0 + 1)), Code::PersonNotYetValid),
        ("expired this second", |p| p.not_after = Some(UnixTime(T0)), Code::PersonExpired),
        ("no keys", |p| p.credentials = List::default(), Code::KeyAndNameDoNotMatch),
        (
            "key disabled",
            |p| change_key(p, |k| k.status = Status::Disabled),
            Code::CredentialDisabled,
        ),
        (
            "key of another rp",
            |p| change_key(p, |k| k.rp_id = "other.example".parse().unwrap()),
            Code::RpIdMismatch,
        ),
        (
            "BE as enrolled",
            |p| change_key(p, |k| k.flags = CredentialFlags(CredentialFlags::BACKUP_ELIGIBLE)),
            Code::BackupFlags,
        ),
        (
            "other public key",
            |p| change_key(p, |k| k.public_key = Bytes::new(Key::es256(2).cose()).unwrap()),
            Code::AssertionSignature,
        ),
        (
            "public key is no key",
            |p| change_key(p, |k| k.public_key = Bytes::new(vec![0xa0]).unwrap()),
            Code::AssertionSignature,
        ),
    ];
    for (name, change, expected) in table {
        let mut world = Deployment::new();
        change(world.hanako());
        world.refresh();
        let result = world.login("hanako", "hanako", "login", T0, &Marks::default());
        assert_eq!(code(result), Some(*expected), "{name}");
    }
    // and what makes no difference
    let mut world = Deployment::new();
    world.hanako().not_before = Some(UnixTime(T0));
    world.hanako().not_after = Some(UnixTime(T0 + 1));
    change_key(world.hanako(), |k| k.aaguid = Aaguid::new([0; 16]));
    world.refresh();
    assert!(world.login("hanako", "hanako", "login", T0, &Marks::default()).is_ok());
}

fn change_key(person: &mut PersonRecord, change: fn(&mut wardkey_core::person::CredentialRecord)) {
    let mut keys = person.credentials.to_vec();
    change(&mut keys[0]);
    person.credentials = List::new(keys).unwrap();
}

#[test]
fn cve_2021_31924_up_and_uv_come_from_the_signed_flags() {
    let world = Deployment::new();
    let data = world.client_data("hanako", "hanako", "login").to_bytes();
    for (flags, expected) in [
        (0x05, None),
        (0x04, Some(Code::UserPresenceMissing)),
        (0x01, Some(Code::UserVerificationMissing)),
        (0x00, Some(Code::UserPresenceMissing)),
        (0x0d, Some(Code::BackupFlags)),       // BE, not enrolled so
        (0x15, Some(Code::BackupFlags)),       // BS without BE
        (0x45, Some(Code::AuthenticatorData)), // attested data in an assertion
        (0x85, Some(Code::AuthenticatorData)), // extensions announced, none there
    ] {
        let assertion = Key::es256(1).assert(1, &data, flags, 1, RP);
        let result =
            world.decide("hanako", "hanako", "login", T0, &Marks::default(), &assertion, 1);
        assert_eq!(code(result), expected, "flags {flags:#04x}");
    }
}

#[test]
fn authenticator_data_of_every_length_is_read_or_refused() {
    let world = Deployment::new();
    let data = world.client_data("hanako", "hanako", "login").to_bytes();
    let whole = Key::es256(1).assert(1, &data, 0x05, 1, RP).auth_data.into_vec();
    for length in 0..whole.len() {
        let assertion = Key::es256(1).assert_raw(1, &data, whole[..length].to_vec());
        let result =
            world.decide("hanako", "hanako", "login", T0, &Marks::default(), &assertion, 1);
        assert_eq!(code(result), Some(Code::AuthenticatorData), "{length} bytes");
    }
    let longer = [&whole[..], &[0]].concat();
    let result = world.decide(
        "hanako",
        "hanako",
        "login",
        T0,
        &Marks::default(),
        &Key::es256(1).assert_raw(1, &data, longer),
        1,
    );
    assert_eq!(code(result), Some(Code::AuthenticatorData));
}

#[test]
fn an_assertion_for_anything_else_is_refused() {
    let world = Deployment::new();
    let right = world.client_data("hanako", "hanako", "login");
    let key = Key::es256(1);
    let result = |data: Vec<u8>, rp: &str| {
        let assertion = key.assert(1, &data, 0x05, 1, rp);
        code(world.decide("hanako", "hanako", "login", T0, &Marks::default(), &assertion, 1))
    };
    let with = |change: fn(&mut wardkey_core::client_data::ClientData)| {
        let mut data = right.clone();
        change(&mut data);
        data.to_bytes()
    };
    assert_eq!(result(right.to_bytes(), RP), None);
    assert_eq!(result(right.to_bytes(), "other.example"), Some(Code::RpIdMismatch));
    assert_eq!(result(with(|d| d.terminal = TerminalId::new([8; 16])), RP), Some(Code::ClientData));
    assert_eq!(result(with(|d| d.account = login("root")), RP), Some(Code::ClientData));
    assert_eq!(result(with(|d| d.person = login("taro")), RP), Some(Code::ClientData));
    assert_eq!(result(with(|d| d.service = "sudo".parse().unwrap()), RP), Some(Code::ClientData));
    assert_eq!(result(with(|d| d.nonce = Nonce::new([6; 32])), RP), Some(Code::ClientData));
    assert_eq!(
        result(br#"{"type":"webauthn.get","challenge":"x"}"#.to_vec(), RP),
        Some(Code::ClientData)
    );
    assert_eq!(result([right.to_bytes(), vec![0]].concat(), RP), Some(Code::ClientData));
}

#[test]
fn client_data_can_never_be_a_webauthn_client_data_json() {
    let bytes = Deployment::new().client_data("hanako", "hanako", "login").to_bytes();
    assert_eq!(bytes[0], 0x82, "a CBOR array of two, where JSON begins with an opening brace");
    assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_err());
}

#[test]
fn a_challenge_lives_sixty_seconds() {
    let world = Deployment::new();
    let data = world.client_data("hanako", "hanako", "login").to_bytes();
    let assertion = Key::es256(1).assert(1, &data, 0x05, 1, RP);
    for (elapsed, expected) in [
        (0, None),
        (59, None),
        (60, None),
        (61, Some(Code::TooLate)),
        (u64::MAX, Some(Code::TooLate)),
    ] {
        let result =
            world.decide("hanako", "hanako", "login", T0, &Marks::default(), &assertion, elapsed);
        assert_eq!(code(result), expected, "{elapsed} s");
    }
}

#[test]
fn another_persons_key_is_refused_with_the_words_of_an_unknown_name() {
    let mut world = Deployment::new();
    world.scopes[1].0.people.push(wardkey_testkit::person("taro", 2, &Key::es256(2)));
    world.refresh();
    let data = world.client_data("hanako", "hanako", "login").to_bytes();
    let other = Key::es256(2).assert(2, &data, 0x05, 1, RP);
    let refused = world.decide("hanako", "hanako", "login", T0, &Marks::default(), &other, 1);
    assert_eq!(code(refused), Some(Code::KeyAndNameDoNotMatch));
    let unknown = world.login("nobody", "nobody", "login", T0, &Marks::default());
    assert_eq!(code(unknown), Some(Code::KeyAndNameDoNotMatch));
}

#[test]
fn user_handle_of_another_person_is_refused() {
    let world = Deployment::new();
    let data = world.client_data("hanako", "hanako", "login").to_bytes();
    let mut assertion = Key::es256(1).assert(1, &data, 0x05, 1, RP);
    assertion.user_handle = Some(Bytes::new(vec![1; 32]).unwrap());
    assert!(
        world.decide("hanako", "hanako", "login", T0, &Marks::default(), &assertion, 1).is_ok()
    );
    assertion.user_handle = Some(Bytes::new(vec![2; 32]).unwrap());
    let refused = world.decide("hanako", "hanako", "login", T0, &Marks::default(), &assertion, 1);
    assert_eq!(code(refused), Some(Code::UserHandleMismatch));
}

#[test]
fn offline_stages_by_table() {
    let expiry = T0 + 840;
    let mut seen = Marks::default();
    seen.remember(leaf_key(&login("hanako")), UnixTime(T0));
    let fresh = Marks::default();
    // (seconds after expiry, service, seen here, emergency group) -> stage or refusal
    type Row = (u64, &'static str, bool, bool, Result<Stage, Code>);
    let table: &[Row] = &[
        (0, "login", false, false, Ok(Stage::Online)),
        (1, "login", false, false, Ok(Stage::Soft)),
        (24 * HOUR, "sudo", false, false, Ok(Stage::Soft)),
        (24 * HOUR + 1, "login", true, false, Ok(Stage::Degraded)),
        (24 * HOUR + 1, "login", false, false, Err(Code::OfflineNotSeenHere)),
        (24 * HOUR + 1, "sudo", true, false, Err(Code::OfflineNoElevation)),
        (72 * HOUR + 1, "login", true, false, Err(Code::OfflineEmergencyOnly)),
        (72 * HOUR + 1, "login", false, true, Ok(Stage::Hard)),
        (168 * HOUR, "login", true, true, Ok(Stage::Hard)),
        (168 * HOUR + 1, "login", true, true, Err(Code::OfflineTooLong)),
        (365 * 24 * HOUR, "login", true, true, Err(Code::OfflineTooLong)),
    ];
    for (after, service, was_seen, emergency, expected) in table {
        let mut world = Deployment::new();
        if *emergency {
            world.scopes[1].1.emergency_groups = List::new(vec![group("nurses")]).unwrap();
            world.refresh();
        }
        let marks = if *was_seen { &seen } else { &fresh };
        let result = world.login("hanako", "hanako", service, expiry + after, marks);
        let result = result.map(|granted| granted.permit().stage).map_err(|denial| denial.code);
        assert_eq!(
            result, *expected,
            "{after} s after expiry, {service}, seen {was_seen}, emergency {emergency}"
        );
    }
}

#[test]
fn the_terminal_document_expires_like_a_head() {
    let mut world = Deployment::new();
    world.terminal.expires = UnixTime(T0 - 1);
    let granted = world.login("hanako", "hanako", "login", T0, &Marks::default()).unwrap();
    assert_eq!(granted.permit().stage, Stage::Soft);
}

#[test]
fn shared_accounts_by_table() {
    for (account, shared_with, expected) in [
        ("ward3", Some("nurses"), None),
        ("ward3", Some("physicians"), Some(Code::NotInSharedGroup)),
        ("ward3", None, Some(Code::NotInSharedGroup)),
        ("root", None, Some(Code::NotInSharedGroup)),
        // An account that is shared is nobody's own any more, not even of the person with its name.
        ("hanako", Some("physicians"), Some(Code::NotInSharedGroup)),
    ] {
        let mut world = Deployment::new();
        if let Some(shared_with) = shared_with {
            world.share(account, &[shared_with]);
        }
        let result = world.login(account, "hanako", "login", T0, &Marks::default());
        assert_eq!(code(result), expected, "{account} {shared_with:?}");
    }
    let mut world = Deployment::new();
    world.share("ward3", &["nurses"]);
    let granted = world.login("ward3", "hanako", "login", T0, &Marks::default()).unwrap();
    assert!(granted.permit().shared);
    assert_eq!(granted.client_data().person, login("hanako"));
}

#[test]
fn deny_wins_among_the_scopes_of_a_person() {
    let mut world = Deployment::new();
    let mut elsewhere = world.hanako().clone();
    elsewhere.status = Status::Disabled;
    world.scopes[0].0.people.push(elsewhere);
    world.refresh();
    let result = world.login("hanako", "hanako", "login", T0, &Marks::default());
    assert_eq!(code(result), Some(Code::PersonDisabled));

    let mut world = Deployment::new();
    let mut elsewhere = world.hanako().clone();
    elsewhere.credentials = List::default();
    world.scopes[0].0.people.push(elsewhere);
    world.refresh();
    assert!(world.snapshot("hanako").unwrap().allow_list().is_empty());
    let result = world.login("hanako", "hanako", "login", T0, &Marks::default());
    assert_eq!(code(result), Some(Code::KeyAndNameDoNotMatch));
}

#[test]
fn a_disabled_terminal_and_a_remote_session_let_nobody_in() {
    let mut world = Deployment::new();
    world.terminal.status = Status::Disabled;
    let result = world.login("hanako", "hanako", "login", T0, &Marks::default());
    assert_eq!(code(result), Some(Code::TerminalDisabled));

    let world = Deployment::new();
    let (account, service, marks) =
        (login("hanako"), wardkey_testkit::service("sshd"), Marks::default());
    let context = LoginContext {
        account: &account,
        service: &service,
        remote: true,
        now: UnixTime(T0),
        marks: &marks,
    };
    let refused = evaluate(&world.snapshot("hanako").unwrap(), &context).into_permit();
    assert_eq!(code(refused), Some(Code::RemoteSession));
}

#[test]
fn only_the_user_manager_of_a_shared_account_needs_no_person() {
    let expiry = T0 + 840;
    let allowed = |world: &Deployment, account: &str, service: &str, remote: bool, now: u64| {
        let (name, service, marks) =
            (login(account), wardkey_testkit::service(service), Marks::default());
        let context = LoginContext {
            account: &name,
            service: &service,
            remote,
            now: UnixTime(now),
            marks: &marks,
        };
        let permit =
            evaluate_account_phase(&world.snapshot(account).unwrap(), &context).into_permit();
        permit.map(|permit| (permit.stage, permit.shared)).map_err(|denial| denial.code)
    };
    let mut world = Deployment::new();
    world.share("ward3", &["nurses"]);
    // (account, service, remote, time) -> stage and whether shared, or refusal
    let table = [
        ("hanako", "systemd-user", false, T0, Ok((Stage::Online, false))),
        ("hanako", "cron", false, T0, Ok((Stage::Online, false))),
        ("ghost", "systemd-user", false, T0, Err(Code::KeyAndNameDoNotMatch)),
        ("ward3", "systemd-user", false, T0, Ok((Stage::Online, true))),
        ("ward3", "cron", false, T0, Err(Code::KeyAndNameDoNotMatch)),
        ("ward3", "login", false, T0, Err(Code::KeyAndNameDoNotMatch)),
        ("ward3", "systemd-user", true, T0, Err(Code::RemoteSession)),
        ("ward3", "systemd-user", false, expiry + 1, Ok((Stage::Soft, true))),
        ("ward3", "systemd-user", false, expiry + 168 * HOUR, Ok((Stage::Hard, true))),
        ("ward3", "systemd-user", false, expiry + 168 * HOUR + 1, Err(Code::OfflineTooLong)),
    ];
    for (account, service, remote, now, expected) in table {
        assert_eq!(
            allowed(&world, account, service, remote, now),
            expected,
            "{account} {service} {now}"
        );
    }
    world.terminal.status = Status::Disabled;
    assert_eq!(allowed(&world, "ward3", "systemd-user", false, T0), Err(Code::TerminalDisabled));
    // It is no login: a person is still needed there.
    let result = Deployment::new().login("ward3", "hanako", "systemd-user", T0, &Marks::default());
    assert_eq!(code(result), Some(Code::NotInSharedGroup));
}

#[test]
fn lockout_delay_rises_and_is_bounded() {
    let lockout =
        wardkey_core::policy::document::Lockout { threshold: 5, base_delay: 30, max_delay: 3600 };
    for (failures, delay) in
        [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (12, 3600), (u32::MAX, 3600)]
    {
        assert_eq!(lockout.delay(failures), delay, "{failures} failures");
    }
}
