//! Reports say what happened, to the record and to the second of a day's end.

use serde_json::{Value, json};
use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::PassId;
use wardkey_core::name::ScopeName;
use wardkey_core::pass::PassCode;
use wardkey_core::pass_key::PassKey;
use wardkey_core::proof::{ProofKind, SignedByCode};

use super::support::client::Terminal;
use super::support::now;
use super::support::people::{Keeper, entered, moment, recorded, refused, report};
use super::support::ward::Ward;

const TOKYO: &str = "time_zone = \"Asia/Tokyo\"";

/// Terminals `ward-1` of the intensive care unit, `er-1` of the emergency room and `between` of
/// both; yamada, and sato of both.
struct Hospital {
    ward: Ward,
    er: Terminal,
    both: Terminal,
    yamada: Keeper,
    sato: Keeper,
}

impl Hospital {
    fn new() -> Self {
        let ward = Ward::with(|_| TOKYO.into());
        let deployment = &ward.deployment;
        deployment.ok(&["person", "add", "sato", "--name", "佐藤", "--scope", "icu", "er"]);
        let er = deployment.join(&ward.running, "er-1", &["er"]);
        let both = deployment.join(&ward.running, "between", &["icu", "er"]);
        let (yamada, sato) = (ward.keeper("yamada"), ward.keeper("sato"));
        Self { ward, er, both, yamada, sato }
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.ward.deployment.json(&[&["report"], arguments].concat())
    }

    /// Two days in Tokyo, with what happened a second before and after them.
    fn april(&self) {
        let Self { ward, er, both, yamada, sato } = self;
        let mut claimed = yamada.login(&ward.terminal, moment("2026-04-01T05:00:00Z"));
        claimed.evidence = None;
        report(
            &ward.terminal,
            &[
                yamada.login(&ward.terminal, moment("2026-03-31T14:59:59Z")),
                yamada.login(&ward.terminal, moment("2026-03-31T15:00:00Z")),
                refused(&ward.terminal, moment("2026-04-01T03:00:00Z"), Code::KeyAndNameDoNotMatch),
                claimed,
            ],
        );
        let sudo = sato.login_at(both, "sato", "sudo", moment("2026-04-02T14:59:59Z"));
        report(both, &[sudo]);
        let wrong = Code::PinWrong;
        report(
            er,
            &[
                refused(er, moment("2026-04-02T02:00:00Z"), wrong),
                refused(er, moment("2026-04-02T02:00:05Z"), wrong),
                sato.login(er, moment("2026-04-02T15:00:00Z")),
            ],
        );
    }
}

/// Logins by key, by pass, refusals, unproven claims.
fn figures(row: &Value) -> [u64; 4] {
    ["with_key", "with_pass", "refused", "unproven"].map(|name| row[name].as_u64().unwrap())
}

#[test]
fn logins_are_counted_in_the_days_and_hours_of_the_time_zone() {
    let hospital = Hospital::new();
    hospital.april();
    let days = ["logins", "--from", "2026-04-01", "--to", "2026-04-02", "--by", "day"];
    let shown = hospital.json(&days);
    assert_eq!(shown["period"]["from"], json!(moment("2026-03-31T15:00:00Z")));
    assert_eq!(shown["period"]["to"], json!(moment("2026-04-02T15:00:00Z")));
    assert_eq!(shown["period"]["time_zone"], "Asia/Tokyo");
    assert_eq!(figures(&shown["total"]), [2, 0, 3, 1]);
    assert_eq!(shown["total"]["logins"], 2);
    assert_eq!(shown["total"]["two_factors_percent"], 100.0);

    let times = |shown: &Value| -> Vec<(u64, [u64; 4])> {
        let rows = shown["by_time"].as_array().unwrap();
        rows.iter().map(|row| (row["begins"].as_u64().unwrap(), figures(row))).collect()
    };
    let first = (moment("2026-03-31T15:00:00Z"), [1, 0, 1, 1]);
    let second = (moment("2026-04-01T15:00:00Z"), [1, 0, 2, 0]);
    assert_eq!(times(&shown), [first, second]);

    // What happened at the terminal of both scopes is of both, and once in all.
    let scopes: Vec<_> = shown["by_scope"].as_array().unwrap().iter().collect();
    assert_eq!((&scopes[0]["scope"], figures(scopes[0])), (&json!("er"), [1, 0, 2, 0]));
    assert_eq!((&scopes[1]["scope"], figures(scopes[1])), (&json!("icu"), [2, 0, 1, 1]));
    assert_eq!((scopes.len(), &shown["in_several_scopes"]), (2, &json!(1)));
    let both: Vec<_> = shown["by_scope_and_time"].as_array().unwrap().iter().map(figures).collect();
    assert_eq!(both, [[1, 0, 1, 1], [1, 0, 2, 0], [1, 0, 0, 0]], "icu; er and icu");

    let services = shown["by_service"].as_array().unwrap();
    let services: Vec<_> = services.iter().map(|row| (&row["service"], figures(row))).collect();
    let (greeter, sudo) = (json!("gdm-password"), json!("sudo"));
    assert_eq!(services, [(&greeter, [1, 0, 3, 1]), (&sudo, [1, 0, 0, 0])]);
    assert_eq!(
        shown["refusals"],
        json!([{ "reason": "WK-1203", "refused": 2 }, { "reason": "WK-1001", "refused": 1 }])
    );

    // One scope: its terminals only.
    let er = hospital.json(&[&days[..], &["--scope", "er"]].concat());
    assert_eq!((figures(&er["total"]), &er["scope"]), ([1, 0, 2, 0], &json!("er")));
    assert_eq!(er["by_scope"].as_array().unwrap().len(), 1);

    // The days before and after have what was a second beside.
    let whole = hospital.json(&["logins", "--from", "2026-03-31", "--to", "2026-04-03"]);
    let by_day: Vec<_> = times(&whole).into_iter().map(|(_, figures)| figures).collect();
    assert_eq!(by_day, [[1, 0, 0, 0], first.1, second.1, [1, 0, 0, 0]]);
    let hours = hospital.json(&["logins", "--from", "2026-04-01", "--to", "2026-04-02"]);
    assert_eq!((&hours["by"], times(&hours).len()), (&json!("hour"), 48));
    let with_any: Vec<_> = times(&hours).into_iter().filter(|(_, of)| of[0] > 0).collect();
    let last = moment("2026-04-02T14:00:00Z");
    assert_eq!(with_any, [(first.0, [1, 0, 0, 0]), (last, [1, 0, 0, 0])]);

    // The same records in the days of another zone.
    hospital.ward.deployment.configure("time_zone = \"UTC\"");
    let utc = hospital.json(&days);
    let by_day: Vec<_> = times(&utc).into_iter().map(|(_, figures)| figures).collect();
    assert_eq!(by_day, [[0, 0, 1, 1], [2, 0, 2, 0]]);
}

#[test]
fn a_period_that_is_none_and_one_of_too_many_hours_are_refused() {
    let hospital = Hospital::new();
    let deployment = &hospital.ward.deployment;
    let logins = ["report", "logins", "--from", "2026-04-02"];
    let said = deployment.refused(1, &[&logins[..], &["--to", "2026-04-01"]].concat());
    assert!(said.contains("WK-1970") && said.contains("2026-04-02T00:00:00+09:00"), "{said}");
    let hours = [&logins[..], &["--to", "2026-12-31", "--by", "hour"]].concat();
    assert!(deployment.refused(1, &hours).contains("WK-1971"));
    assert!(
        deployment.refused(1, &[&logins[..], &["--scope", "nowhere"]].concat()).contains("nowhere")
    );
    let said = deployment.refused(2, &["report", "logins", "--table", "nothing"]);
    assert!(said.contains("scopes-and-times, scopes, times, services, refusals"), "{said}");
}

#[test]
fn exceptions_are_passes_stages_ways_in_and_what_was_overridden() {
    let hospital = Hospital::new();
    let Hospital { ward, er, yamada, .. } = &hospital;
    let deployment = &ward.deployment;
    deployment.ok(&["scope", "set", "icu", "--passes", "12h"]);
    let issued = deployment.json(&["pass", "add", "yamada", "--reason", "key at home"]);

    let at = now();
    let mut by_pass = yamada.data(ward.terminal.id, "yamada", "gdm-password", at);
    by_pass.scope = ScopeName::new("icu").unwrap();
    let pass = PassId::from_hex(issued["id"].as_str().unwrap()).unwrap();
    let code = PassCode::read(issued["code"].as_str().unwrap()).unwrap();
    let published = ward.published_pass("yamada").unwrap();
    let key = PassKey::derive(&code, &published.salt, published.hash).unwrap();
    let client_data = Bytes::new(by_pass.to_bytes()).unwrap();
    let signature = Bytes::new(key.sign(client_data.as_slice())).unwrap();
    let mut login = entered(EventName::PassLogin, &by_pass);
    login.proof = Some(ProofKind::TemporaryCode);
    login.pass = Some(pass);
    login.stage = Some("degraded".into());
    // The same claim without what the code signed.
    let mut claimed = login.clone();
    claimed.id = wardkey_core::id::EventId::new([7; 16]);
    login.signed_by_code = Some(SignedByCode { pass, client_data, signature });

    let happened = |name, outcome, terminal| recorded(name, outcome, terminal, at);
    let (failure, success) = (Outcome::Failure, Outcome::Success);
    report(
        &ward.terminal,
        &[
            login,
            claimed,
            happened(EventName::PassWrong, failure, &ward.terminal),
            happened(EventName::WayIn, failure, &ward.terminal),
            happened(EventName::WayIn, failure, &ward.terminal),
            happened(EventName::WayIn, success, &ward.terminal),
            happened(EventName::SessionUnlocked, failure, &ward.terminal),
            happened(EventName::SessionUnlocked, success, &ward.terminal),
        ],
    );
    report(
        er,
        &[
            happened(EventName::DeviceSuspected, failure, er),
            happened(EventName::WayIn, failure, er),
            recorded(EventName::WayIn, failure, er, at - 40 * 86_400),
        ],
    );

    let shown = hospital.json(&["exceptions"]);
    let count = |shown: &Value, kind: &str| {
        let kinds = shown["kinds"].as_array().unwrap();
        let row = kinds.iter().find(|row| row["kind"] == kind);
        row.map(|row| (row["count"].as_u64().unwrap(), row["terminals"].as_u64()))
    };
    for (kind, expected) in [
        ("pass.issue", (1, None)),
        ("code.issue", (2, None)),
        ("key.enroll", (2, None)),
        ("clock.confirm", (0, None)),
        ("pass-login", (1, Some(1))),
        ("pass-wrong", (1, Some(1))),
        ("pass-void", (0, Some(0))),
        ("way-in-opened", (3, Some(2))),
        ("way-in-accepted", (1, Some(1))),
        ("unlocked-without-key", (1, Some(1))),
        ("device-suspected", (1, Some(1))),
        ("evidence-invalid", (1, Some(1))),
    ] {
        assert_eq!(count(&shown, kind), Some(expected), "{kind}");
    }
    let stages = shown["stages"].as_array().unwrap();
    assert_eq!(stages[1]["stage"], "degraded");
    assert_eq!(stages.iter().map(figures).collect::<Vec<_>>(), [[0; 4], [0, 1, 0, 1], [0; 4]]);
    assert_eq!(shown["stage_unknown"], 0);
    let pass = &shown["passes"][0];
    assert_eq!((&pass["person"], &pass["reason"]), (&json!("yamada"), &json!("key at home")));
    assert_eq!((&pass["scope"], &pass["used"]), (&json!("icu"), &json!(at)));

    // Of one scope; acts of administration are of none.
    let er = hospital.json(&["exceptions", "--scope", "er"]);
    assert_eq!(count(&er, "way-in-opened"), Some((1, Some(1))));
    assert_eq!((count(&er, "pass.issue"), &er["passes"]), (None, &json!([])));

    // With a pass a login has no two factors.
    let logins = hospital.json(&["logins"]);
    assert_eq!(figures(&logins["total"]), [0, 1, 1, 1]);
    assert_eq!(logins["total"]["two_factors_percent"], 0.0);
    report(
        &ward.terminal,
        &[yamada.login(&ward.terminal, at), yamada.login(&ward.terminal, at - 60)],
    );
    let logins = hospital.json(&["logins"]);
    assert_eq!(logins["total"]["two_factors_percent"], 66.6);
}

#[test]
fn the_inventory_names_who_has_no_spare_and_what_is_not_used() {
    let hospital = Hospital::new();
    let Hospital { ward, yamada, sato, .. } = &hospital;
    let deployment = &ward.deployment;
    let spare = ward.keeper("yamada");
    for (login, scope) in [("kato", "icu"), ("ito", "er"), ("mori", "icu")] {
        deployment.ok(&["person", "add", login, "--name", login, "--scope", scope]);
    }
    deployment.ok(&["person", "disable", "mori"]);
    ward.keeper("kato");
    let used = now() - 10;
    report(&ward.terminal, &[yamada.login(&ward.terminal, used)]);

    let shown = hospital.json(&["inventory"]);
    let total = &shown["total"];
    let of = |names: &[&str]| -> Vec<u64> {
        names.iter().map(|name| total[*name].as_u64().unwrap()).collect()
    };
    let people = ["people", "with_spare", "without_spare", "without_key", "people_disabled"];
    assert_eq!(of(&people), [4, 1, 2, 1, 1]);
    assert_eq!(of(&["keys", "keys_disabled", "attested", "unused_keys"]), [4, 0, 0, 0]);
    assert_eq!(shown["models"][0]["keys"], 4);
    let key = |shown: &Value, keeper: &Keeper| {
        let all = shown["keys"].as_array().unwrap().clone();
        let own = keeper.key.fingerprint();
        all.into_iter().find(|row| row["fingerprint"] == own.as_str()).unwrap()
    };
    let row = key(&shown, yamada);
    assert_eq!((&row["last_used"], &row["last_terminal"]), (&json!(used), &json!("ward-1")));
    assert_eq!(key(&shown, &spare)["last_used"], Value::Null);
    let person = |shown: &Value, login: &str| {
        let all = shown["people"].as_array().unwrap().clone();
        all.into_iter().find(|row| row["login"] == login).unwrap()
    };
    assert_eq!(person(&shown, "ito")["keys"], 0);
    assert_eq!(person(&shown, "yamada")["last_login"], json!(used));
    let said = deployment.ok(&["report", "inventory"]);
    let line = |login: &str| said.lines().find(|line| line.starts_with(login)).map(str::to_owned);
    assert!(line("ito").unwrap().ends_with("no key"), "{said}");
    assert!(line("sato").unwrap().ends_with("no spare"), "{said}");
    assert_eq!((line("yamada"), line("mori")), (None, None), "{said}");

    // A key that is disabled is no spare; one scope has its people only.
    deployment.ok(&["key", "disable", &sato.key.fingerprint()]);
    deployment.ok(&["key", "disable", &spare.key.fingerprint()]);
    let er = hospital.json(&["inventory", "--scope", "er"]);
    assert_eq!((&er["total"]["people"], &er["total"]["without_key"]), (&json!(2), &json!(2)));
    let all = hospital.json(&["inventory"]);
    assert_eq!(
        (&all["total"]["with_spare"], &all["total"]["keys_disabled"]),
        (&json!(0), &json!(2))
    );
}

#[test]
fn coverage_and_shared_accounts_are_counted_for_each_terminal_and_person() {
    let hospital = Hospital::new();
    let Hospital { ward, er, yamada, sato, .. } = &hospital;
    let deployment = &ward.deployment;
    for scope in ["icu", "er"] {
        deployment.ok(&["account", "set", "desk", "--scope", scope, "--group", "nurses"]);
    }
    let at = now();
    let desk =
        |keeper: &Keeper, terminal, at| keeper.login_at(terminal, "desk", "gdm-password", at);
    let mut nobody = refused(&ward.terminal, at, Code::KeyAndNameDoNotMatch);
    nobody.account = Some(wardkey_core::name::LoginName::new("desk").unwrap());
    let mut ended = recorded(EventName::SessionEnded, Outcome::Success, &ward.terminal, at);
    ended.account.clone_from(&nobody.account);
    report(
        &ward.terminal,
        &[
            desk(yamada, &ward.terminal, at - 300),
            desk(yamada, &ward.terminal, at - 200),
            desk(sato, &ward.terminal, at - 100),
            yamada.login(&ward.terminal, at),
            nobody,
            ended,
            recorded(EventName::WayIn, Outcome::Failure, &ward.terminal, at),
        ],
    );
    report(er, &[desk(sato, er, at - 50)]);

    let shown = hospital.json(&["shared-accounts"]);
    let account = &shown["accounts"][0];
    assert_eq!((figures(account), &account["people"]), ([4, 0, 1, 0], &json!(2)));
    assert_eq!(
        (&account["scopes"], &account["groups"]),
        (&json!(["er", "icu"]), &json!(["nurses"]))
    );
    let uses = shown["uses"].as_array().unwrap();
    let rows: Vec<_> = uses.iter().map(|row| (row["person"].as_str(), figures(row))).collect();
    assert_eq!(
        rows,
        [(None, [0, 0, 1, 0]), (Some("sato"), [2, 0, 0, 0]), (Some("yamada"), [2, 0, 0, 0])]
    );
    assert_eq!((&uses[1]["name"], &uses[1]["terminals"]), (&json!("佐藤"), &json!(2)));
    assert_eq!((&uses[2]["first"], &uses[2]["last"]), (&json!(at - 300), &json!(at - 200)));
    let of_er = hospital.json(&["shared-accounts", "--scope", "er"]);
    assert_eq!(of_er["uses"].as_array().unwrap().len(), 1);

    let shown = hospital.json(&["coverage"]);
    let terminals = shown["terminals"].as_array().unwrap();
    let of = |name: &str| terminals.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(figures(of("ward-1")), [4, 0, 1, 0]);
    assert_eq!(
        (&of("ward-1")["ways_in_opened"], &of("er-1")["ways_in_opened"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(
        (&of("er-1")["last_login"], &of("between")["last_login"]),
        (&json!(at - 50), &Value::Null)
    );
    let total = &shown["total"];
    let of = |names: [&str; 4]| names.map(|name| total[name].as_u64().unwrap());
    assert_eq!(of(["active", "pending", "with_logins", "with_ways_in"]), [3, 0, 2, 1]);
}
