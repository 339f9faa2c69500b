//! The evaluation of a login names the rule that decided, and denies what no rule allows.

use wardkey_core::marks::Marks;
use wardkey_core::person::Status;
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::evaluate::{Evaluation, evaluate, evaluate_account_phase};
use wardkey_core::policy::rule::Rule;
use wardkey_core::time::UnixTime;
use wardkey_testkit::{Deployment, T0, login, service};

const HOUR: u64 = 3600;
/// When what [`Deployment::new`] signed expires.
const EXPIRY: u64 = T0 + 840;

/// A login: person, account, service, remote, time.
type Asked = (&'static str, &'static str, &'static str, bool, u64);
const USUAL: Asked = ("hanako", "hanako", "login", false, T0);

fn evaluation(
    deployment: &Deployment,
    (person, account, service_name, remote, now): Asked,
) -> Evaluation {
    let (account, service, marks) = (login(account), service(service_name), Marks::default());
    let context = LoginContext {
        account: &account,
        service: &service,
        remote,
        now: UnixTime(now),
        marks: &marks,
    };
    evaluate(&deployment.snapshot(person).unwrap(), &context)
}

#[test]
fn the_rule_that_decided_is_named() {
    type Change = fn(&mut Deployment);
    let same: Change = |_| {};
    let cases: [(Change, Asked, bool, Rule); 14] = [
        (same, USUAL, true, Rule::OwnAccount),
        (
            |d| d.share("ward3", &["nurses"]),
            ("hanako", "ward3", "login", false, T0),
            true,
            Rule::SharedAccount,
        ),
        (
            |d| d.share("ward3", &["pharmacists"]),
            ("hanako", "ward3", "login", false, T0),
            false,
            Rule::SharedAccount,
        ),
        // An own account that is shared is the group's.
        (|d| d.share("hanako", &["pharmacists"]), USUAL, false, Rule::SharedAccount),
        (same, ("hanako", "taro", "login", false, T0), false, Rule::Default),
        (same, ("hanako", "hanako", "login", true, T0), false, Rule::LocalSession),
        (|d| d.terminal.status = Status::Disabled, USUAL, false, Rule::TerminalActive),
        (same, ("mallory", "mallory", "login", false, T0), false, Rule::PersonKnown),
        (|d| d.hanako().status = Status::Disabled, USUAL, false, Rule::PersonActive),
        (|d| d.hanako().not_before = Some(UnixTime(T0 + 1)), USUAL, false, Rule::PersonValid),
        (|d| d.hanako().not_after = Some(UnixTime(T0)), USUAL, false, Rule::PersonValid),
        (
            same,
            ("hanako", "hanako", "login", false, EXPIRY + 25 * HOUR),
            false,
            Rule::OfflineSeenHere,
        ),
        (
            same,
            ("hanako", "hanako", "sudo", false, EXPIRY + 25 * HOUR),
            false,
            Rule::OfflineNoElevation,
        ),
        (
            same,
            ("hanako", "hanako", "login", false, EXPIRY + 168 * HOUR + 1),
            false,
            Rule::OfflineLimit,
        ),
    ];
    for (number, (change, asked, allowed, rule)) in cases.into_iter().enumerate() {
        let mut deployment = Deployment::new();
        change(&mut deployment);
        deployment.refresh();

        let evaluation = evaluation(&deployment, asked);

        assert_eq!(evaluation.rule(), rule, "case {number}: {evaluation:?}");
        assert_eq!(matches!(evaluation, Evaluation::Allowed(_)), allowed, "case {number}");
    }
}

#[test]
fn a_rule_that_denies_wins_over_one_that_allows() {
    let mut deployment = Deployment::new();
    deployment.share("ward3", &["nurses"]);
    deployment.hanako().status = Status::Disabled;
    deployment.refresh();
    let evaluation = evaluation(&deployment, ("hanako", "ward3", "login", false, T0));
    assert_eq!(evaluation.rule(), Rule::PersonActive);
    assert!(evaluation.into_permit().is_err());
}

#[test]
fn the_user_manager_of_a_shared_account_is_allowed_by_its_own_rule_in_the_account_phase_only() {
    let mut deployment = Deployment::new();
    deployment.share("ward3", &["nurses"]);
    deployment.refresh();
    let (account, service, marks) = (login("ward3"), service("systemd-user"), Marks::default());
    let context = LoginContext {
        account: &account,
        service: &service,
        remote: false,
        now: UnixTime(T0),
        marks: &marks,
    };
    let snapshot = deployment.snapshot("ward3").unwrap();
    assert_eq!(evaluate_account_phase(&snapshot, &context).rule(), Rule::UserManager);
    assert_eq!(evaluate(&snapshot, &context).rule(), Rule::PersonKnown);
}
