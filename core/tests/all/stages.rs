//! What each offline stage allows: the table in docs/STAGES.md is what the decision does, and no
//! later stage allows what an earlier one refuses.

use proptest::prelude::*;
use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::directory::leaf_key;
use wardkey_core::marks::Marks;
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::document::OfflineLimits;
use wardkey_core::policy::evaluate::evaluate;
use wardkey_core::policy::stage::Stage;
use wardkey_core::snapshot::Snapshot;
use wardkey_core::time::UnixTime;
use wardkey_testkit::{Deployment, Key, T0, group, login, person, service};

const HOUR: u64 = 3600;
/// When what [`Deployment::new`] signed expires.
const EXPIRY: u64 = T0 + 840;
/// A moment in each stage and one after the last.
const MOMENTS: [(&str, u64); 5] = [
    ("online", EXPIRY),
    ("soft", EXPIRY + 24 * HOUR),
    ("degraded", EXPIRY + 72 * HOUR),
    ("hard", EXPIRY + 168 * HOUR),
    ("after that", EXPIRY + 168 * HOUR + 1),
];
/// (who, seen here, in an emergency group)
const PEOPLE: [(&str, bool, bool); 4] = [
    ("seen here", true, false),
    ("not seen here", false, false),
    ("emergency group, seen here", true, true),
    ("emergency group, not seen here", false, true),
];
const SERVICES: [&str; 2] = ["login", "sudo"];

fn marks(seen: bool) -> Marks {
    let mut marks = Marks::default();
    if seen {
        marks.remember(leaf_key(&login("hanako")), UnixTime(T0));
    }
    marks
}

fn ask(snapshot: &Snapshot, service_name: &str, now: u64, seen: bool) -> Result<Stage, Code> {
    let (account, service, marks) = (login("hanako"), service(service_name), marks(seen));
    let context = LoginContext {
        account: &account,
        service: &service,
        remote: false,
        now: UnixTime(now),
        marks: &marks,
    };
    evaluate(snapshot, &context)
        .into_permit()
        .map(|permit| permit.stage)
        .map_err(|denial| denial.code)
}

fn ward(emergency: bool) -> Snapshot {
    let mut world = Deployment::new();
    if emergency {
        world.scopes[1].1.emergency_groups = List::new(vec![group("nurses")]).unwrap();
        world.refresh();
    }
    world.snapshot("hanako").unwrap()
}

/// `UPDATE_DOCS=1 cargo test -p wardkey-core stages_md` writes the table anew.
#[test]
fn stages_md_is_what_the_decision_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/STAGES.md");
    let mut table = String::from(
        "| stage | person | other services | services that raise privilege |\n|---|---|---|---|\n",
    );
    for (stage, now) in MOMENTS {
        for (who, seen, emergency) in PEOPLE {
            let [plain, elevating] =
                SERVICES.map(|name| match ask(&ward(emergency), name, now, seen) {
                    Ok(allowed) => {
                        assert_eq!(allowed.as_str(), stage);
                        "yes".to_owned()
                    }
                    Err(code) => code.to_string(),
                });
            table += &format!("| {stage} | {who} | {plain} | {elevating} |\n");
        }
    }
    let file = std::fs::read_to_string(path).unwrap();
    let (head, _) = file.split_once("| stage |").expect("docs/STAGES.md has its table");
    let wanted = format!("{head}{table}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        wanted,
        "UPDATE_DOCS=1 writes docs/STAGES.md anew"
    );
}

#[test]
fn an_emergency_group_is_let_in_from_the_first_hour_offline_to_the_last() {
    let world = ward(true);
    for hour in 1..=168 {
        for seen in [false, true] {
            let allowed = ask(&world, "login", EXPIRY + hour * HOUR, seen);
            assert!(allowed.is_ok(), "hour {hour}, seen {seen}: {allowed:?}");
        }
    }
    assert_eq!(ask(&world, "login", EXPIRY + 168 * HOUR + 1, true), Err(Code::OfflineTooLong));
}

#[test]
fn what_raises_privilege_is_refused_from_the_degraded_stage_to_the_end() {
    for (who, seen, emergency) in PEOPLE {
        let world = ward(emergency);
        assert_eq!(ask(&world, "sudo", EXPIRY + 24 * HOUR, seen), Ok(Stage::Soft), "{who}");
        for hour in 25..=169 {
            assert!(ask(&world, "sudo", EXPIRY + hour * HOUR, seen).is_err(), "{who}, hour {hour}");
        }
    }
}

/// `hanako` in both scopes of the terminal, with these groups and emergency groups in each.
fn in_both(groups: [&[&str]; 2], emergency: [&[&str]; 2]) -> Deployment {
    let list = |names: &[&str]| List::new(names.iter().map(|name| group(name)).collect()).unwrap();
    let mut world = Deployment::new();
    world.scopes[0].0.people.push(person("hanako", 1, &Key::es256(1)));
    for (scope, names) in world.scopes.iter_mut().zip(groups) {
        scope.0.people[0].groups = list(names);
    }
    for (scope, names) in world.scopes.iter_mut().zip(emergency) {
        scope.1.emergency_groups =
            List::new(names.iter().map(|name| group(name)).collect()).unwrap();
    }
    world.refresh();
    world
}

#[test]
fn deny_wins_for_the_emergency_group_among_the_scopes_that_show_the_person() {
    for (groups, emergency, let_in) in [
        ([&["er"][..], &["er"][..]], [&["er"][..], &["er"][..]], true),
        ([&["er"], &["er", "icu"]], [&["er", "icu"], &["er"]], true),
        // One scope has taken the group away, whichever it is.
        ([&[], &["er"]], [&["er"], &["er"]], false),
        ([&["er"], &[]], [&["er"], &["er"]], false),
        // One scope names no emergency group of the person's.
        ([&["er"], &["er"]], [&[], &["er"]], false),
        ([&["er"], &["er"]], [&["er"], &[]], false),
        // Two groups that no scope agrees on.
        ([&["er"], &["icu"]], [&["er"], &["icu"]], false),
    ] {
        let allowed = ask(
            &in_both(groups, emergency).snapshot("hanako").unwrap(),
            "login",
            EXPIRY + 100 * HOUR,
            true,
        );
        let wanted = if let_in { Ok(Stage::Hard) } else { Err(Code::OfflineEmergencyOnly) };
        assert_eq!(allowed, wanted, "{groups:?} {emergency:?}");
    }
    // A scope that does not show the person says nothing about them.
    assert_eq!(ask(&ward(true), "login", EXPIRY + 100 * HOUR, false), Ok(Stage::Hard));
}

#[test]
fn deny_wins_for_the_groups_of_a_shared_account() {
    for (groups, let_in) in [
        ([&["nurses"][..], &["nurses"][..]], true),
        ([&["nurses"], &[]], false),
        ([&[], &["nurses"]], false),
        // Each record has one of the account's groups, but not the same one.
        ([&["nurses"], &["physicians"]], false),
    ] {
        let mut world = in_both(groups, [&[], &[]]);
        world.share("ward3", &["nurses", "physicians"]);
        let result = world.login("ward3", "hanako", "login", T0, &Marks::default());
        let wanted = (!let_in).then_some(Code::NotInSharedGroup);
        assert_eq!(result.err().map(|denial| denial.code), wanted, "{groups:?}");
    }
}

fn names() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(vec!["er", "icu", "nurses"], 0..=3)
}

fn limits() -> impl Strategy<Value = OfflineLimits> {
    proptest::collection::vec(0..200 * HOUR, 3).prop_map(|mut limits| {
        limits.sort_unstable();
        OfflineLimits { soft: limits[0], degraded: limits[1], hard: limits[2] }
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_refused_stays_refused_as_time_goes_on(
        (groups, emergency) in ((names(), names()), (names(), names())),
        limits in (limits(), limits()),
        elevating in any::<(bool, bool)>(),
        seen in any::<bool>(),
        mut hours in proptest::collection::vec(0..210u64, 8),
    ) {
        let mut world = in_both([&groups.0, &groups.1], [&emergency.0, &emergency.1]);
        for (scope, (limits, elevating)) in
            world.scopes.iter_mut().zip([(limits.0, elevating.0), (limits.1, elevating.1)])
        {
            scope.1.offline = limits;
            let services = if elevating { vec![service("sudo")] } else { Vec::new() };
            scope.1.elevating_services = List::new(services).unwrap();
        }
        world.refresh();
        hours.sort_unstable();
        let snapshot = world.snapshot("hanako").unwrap();
        for name in SERVICES {
            let allowed: Vec<bool> = hours
                .iter()
                .map(|hour| ask(&snapshot, name, EXPIRY + hour * HOUR, seen).is_ok())
                .collect();
            prop_assert!(
                allowed.is_sorted_by(|earlier, later| earlier >= later),
                "{name} {hours:?} {allowed:?}"
            );
        }
    }
}
