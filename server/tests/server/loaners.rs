//! Loaner keys: enrolled for the pool, lent here, used at a terminal, ended by the own key.

use serde_json::{Value, json};
use wardkey_core::client_data::ClientData;
use wardkey_core::codec;
use wardkey_core::document::Position;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::evidence::{self, Unproven, Whose};
use wardkey_core::id::{LoanId, Nonce};
use wardkey_core::message::http::{Base64, ChangesReply, EnrollBeginReply, EventsReply};
use wardkey_core::name::{LoginName, ScopeName, ServiceName};
use wardkey_core::person::{Loan, PersonRecord};
use wardkey_core::proof::ProofKind;
use wardkey_core::time::UnixTime;
use wardkey_server::secret;

use super::backups::sql;
use super::event_log_keys::listed;
use super::support::authenticator::{Credential, Making};
use super::support::ward::{Ward, begin, enroll};
use super::support::{Deployment, now};

/// yamada with a key of her own, sato without, and a key of the pool.
pub fn ward() -> (Ward, Credential, Credential) {
    let (ward, own) = Ward::with_key();
    ward.deployment.ok(&["scope", "set", "icu", "--loans", "12h"]);
    let code = ward.deployment.ok(&["loaner", "add", "loaner-1"]);
    let (loaner, answer) = enroll(&ward.terminal, &code, &ward.maker, Making::default());
    assert_eq!(answer.status, 200, "{}", answer.body);
    (ward, own, loaner)
}

impl Ward {
    fn people(&self) -> Vec<PersonRecord> {
        let changes: ChangesReply = self.terminal.changes("icu", 0);
        let records = changes.changes.iter().filter_map(|change| change.record.as_ref());
        records.map(|record| codec::from_bytes(&record.0).unwrap()).collect()
    }

    fn lent_to(&self, login: &str) -> Option<Loan> {
        self.people().into_iter().find(|person| person.login.as_str() == login)?.loan
    }

    pub fn lend(&self, login: &str) -> Loan {
        let lend =
            ["loaner", "lend", "loaner-1", login, "--pin-changed", "--reason", "key at home"];
        let lent = self.deployment.json(&lend);
        let loan = self.lent_to(login).expect("published at once");
        assert_eq!(lent["loan"]["id"], loan.id.to_hex());
        loan
    }

    fn verdict(&self, event: &Event) -> Value {
        let body = json!({ "events": [Base64(codec::to_bytes(event))] });
        let reply: EventsReply = self.terminal.client.post("/v1/events", &body).json();
        assert_eq!(reply.accepted.len(), 1, "{:?}", reply.refused);
        let rows = self.deployment.rows(&["events", "list"]);
        let id = event.id.to_hex();
        let row = rows.as_array().unwrap().iter().find(|row| row["id"] == id.as_str()).unwrap();
        row["evidence"].clone()
    }

    /// A login as an agent reports it.
    fn login(&self, (key, person): (&Credential, &str), loan: Option<LoanId>, time: u64) -> Event {
        let login = LoginName::new(person).unwrap();
        let data = ClientData {
            nonce: Nonce::new(secret::random().unwrap()),
            terminal: self.terminal.id,
            service: ServiceName::new("gdm-password").unwrap(),
            account: login.clone(),
            person: login.clone(),
            time: UnixTime(time),
            scope: ScopeName::new("icu").unwrap(),
            position: Position { epoch: 1, seq: 3 },
        };
        // Rises with time, as that of a key does.
        let counter = u32::try_from(time).unwrap();
        let mut event = Event::new(data.event_id(), data.time, EventName::Login, Outcome::Success);
        event.terminal = Some(data.terminal);
        event.person = Some(login.clone());
        event.account = Some(login);
        event.service = Some("gdm-password".into());
        event.proof = Some(ProofKind::KeyWithPin);
        event.counter = Some(counter);
        event.loan = loan;
        event.evidence = Some(key.assert(&data, counter, 0x05));
        event
    }
}

#[test]
fn a_key_of_the_pool_is_published_for_its_borrower_only() {
    let (ward, _, loaner) = ward();
    assert!(ward.people().iter().all(|person| person.loan.is_none()));
    assert_eq!(ward.people().len(), 2, "no terminal hears of the holder");
    let loan = ward.lend("sato");
    assert_eq!(loan.credential.id.as_slice(), loaner.id);
    assert_eq!(ward.lent_to("yamada"), None);
    let shown = ward.deployment.json(&["loaner", "show", "loaner-1"]);
    assert_eq!((&shown["status"], &shown["loan"]["login"]), (&json!("lent"), &json!("sato")));
    ward.deployment.ok(&["loaner", "return", "loaner-1"]);
    assert_eq!(ward.lent_to("sato"), None);
}

#[test]
fn a_login_on_loan_is_the_borrower_s_for_as_long_as_the_loan_was() {
    let (ward, _, loaner) = ward();
    let loan = ward.lend("sato");
    let (id, from) = (Some(loan.id), loan.from.0);
    let login = ward.login((&loaner, "sato"), id, now());
    assert_eq!(ward.verdict(&login), "valid");
    let shown = ward.deployment.json(&["loaner", "show", "loaner-1"]);
    assert_eq!(shown["loan"]["used"], login.time.0);
    assert_eq!(shown["last_used"], login.time.0);

    for (what, event) in [
        ("without the loan", ward.login((&loaner, "sato"), None, now())),
        ("of somebody else", ward.login((&loaner, "yamada"), id, now())),
        ("by the holder", ward.login((&loaner, "loaner-1"), None, now())),
        ("before it", ward.login((&loaner, "sato"), id, from - 1)),
        ("after it", ward.login((&loaner, "sato"), id, loan.until.0)),
        ("by another loan", ward.login((&loaner, "sato"), Some(LoanId::new([7; 16])), now())),
    ] {
        assert_eq!(ward.verdict(&event), "invalid", "{what}");
    }

    // The next borrower has another loan: the one before lets nobody in as either.
    ward.deployment.ok(&["loaner", "return", "loaner-1"]);
    let next = ward.lend("yamada");
    assert_ne!(next.id, loan.id);
    let late = ward.login((&loaner, "sato"), id, now() + 301);
    assert_eq!(ward.verdict(&late), "invalid", "it had been returned");
    let mixed = ward.login((&loaner, "sato"), Some(next.id), now());
    assert_eq!(ward.verdict(&mixed), "invalid", "the key is somebody else's now");
    let right = ward.login((&loaner, "yamada"), Some(next.id), now());
    assert_eq!(ward.verdict(&right), "valid");
}

#[test]
fn a_login_with_the_own_key_ends_the_loan_and_an_older_one_does_not() {
    let (ward, own, loaner) = ward();
    let before = ward.login((&own, "yamada"), None, now() - 60);
    let loan = ward.lend("yamada");
    assert_eq!(ward.verdict(&before), "valid");
    let on_loan = ward.login((&loaner, "yamada"), Some(loan.id), now());
    assert_eq!(ward.verdict(&on_loan), "valid");
    assert_eq!(ward.lent_to("yamada"), Some(loan), "neither of these ends it");

    let own = ward.login((&own, "yamada"), None, now() + 1);
    assert_eq!(ward.verdict(&own), "valid");
    assert_eq!(ward.lent_to("yamada"), None);
    let shown = ward.deployment.json(&["loaner", "show", "loaner-1"]);
    assert_eq!((&shown["status"], &shown["loan"]["ended_by"]), (&json!("out"), &json!("key")));
    assert_eq!(ward.deployment.rows(&["audit", "list"])[0]["action"], "loaner.end");

    // The key is still in her hand, and the list says who has it.
    let list = ward.deployment.ok(&["loaner", "list"]);
    assert!(list.contains("not back (key)") && list.contains("yamada"), "{list}");
    ward.deployment.ok(&["loaner", "return", "loaner-1"]);
    let shown = ward.deployment.json(&["loaner", "show", "loaner-1"]);
    assert_eq!((&shown["status"], &shown["loan"]["ended_by"]), (&json!("free"), &json!("key")));
    assert!(shown["loan"]["returned"].is_u64(), "{shown}");
    assert_eq!(ward.deployment.rows(&["audit", "list"])[0]["action"], "loaner.return");
    ward.deployment.refused(1, &["loaner", "return", "loaner-1"]);
}

#[test]
fn who_had_a_key_before_is_not_who_has_it_now_however_the_loan_ended() {
    let (ward, own, loaner) = ward();
    let loan = ward.lend("yamada");
    let own = ward.login((&own, "yamada"), None, now());
    assert_eq!(ward.verdict(&own), "valid");
    assert_eq!(ward.lent_to("yamada"), None, "ended by the own key");
    // At a terminal that has not heard of it she still has the key in her hand.
    let late = ward.login((&loaner, "yamada"), Some(loan.id), now() + 301);
    assert_eq!(ward.verdict(&late), "valid");

    ward.deployment.ok(&["loaner", "return", "loaner-1"]);
    let next = ward.lend("sato");
    let late = ward.login((&loaner, "yamada"), Some(loan.id), now() + 302);
    assert_eq!(ward.verdict(&late), "invalid", "it is in the hand of sato");
    let right = ward.login((&loaner, "sato"), Some(next.id), now() + 303);
    assert_eq!(ward.verdict(&right), "valid");
}

#[test]
fn an_export_has_the_loans_by_which_its_logins_are_verified() {
    let (ward, own, loaner) = ward();
    let loan = ward.lend("sato");
    let login = ward.login((&loaner, "sato"), Some(loan.id), now());
    assert_eq!(ward.verdict(&login), "valid");
    let list = listed(&ward.deployment, &ward.deployment.exported("log")).unwrap();
    let key = |id: &[u8]| list.keys.iter().find(|key| key.key.id.as_slice() == id).unwrap();
    assert_eq!(key(&own.id).is_loaner, None);
    let pool = key(&loaner.id);
    assert_eq!((pool.is_loaner, pool.person.as_str()), (Some(true), "loaner-1"));

    let loans = list.loans.clone().unwrap();
    let [sato] = &*loans else { panic!("{loans:?}") };
    assert_eq!((sato.id, sato.person.as_str(), sato.back), (loan.id, "sato", None));
    assert_eq!((sato.from, sato.until), (loan.from, loan.until));
    let evidence = login.evidence.as_ref().unwrap();
    let by =
        |whose| evidence::by_key(&login, evidence, &ward.terminal.id, (whose, &pool.key)).map(drop);
    assert_eq!(by(Whose::Loaner(Some(sato))), Ok(()));
    assert_eq!(by(Whose::Loaner(None)), Err(Unproven::OtherLoan));

    // A key that is back, or out of the pool, is listed all the same.
    ward.deployment.ok(&["loaner", "return", "loaner-1"]);
    ward.deployment.ok(&["loaner", "delete", "loaner-1"]);
    let list = listed(&ward.deployment, &ward.deployment.exported("log")).unwrap();
    assert!(list.loans.as_ref().unwrap()[0].back.is_some());
    assert!(list.keys.iter().any(|key| key.is_loaner == Some(true)));
}

#[test]
fn nobody_enrolls_a_key_of_the_pool_as_an_own_one() {
    let (ward, own, loaner) = ward();
    // The key itself says no.
    let is_excluded = |code: String| {
        let begun: EnrollBeginReply = begin(&ward.terminal, &code).json();
        let before = begun.public_key.exclude_credentials.unwrap();
        let before = before.iter().any(|key| key.id.0 == loaner.id);
        assert_eq!(before, begun.pool.iter().any(|id| id.0 == loaner.id));
        before
    };
    let code = || ward.deployment.ok(&["code", "add", "sato"]);
    assert!(is_excluded(code()), "in the drawer");
    ward.lend("sato");
    assert!(is_excluded(code()), "on loan");
    ward.deployment.ok(&["loaner", "return", "loaner-1"]);
    ward.lend("yamada");
    assert!(is_excluded(code()), "with a friend");
    let home = ward.login((&own, "yamada"), None, now());
    assert_eq!(ward.verdict(&home), "valid");
    assert!(is_excluded(code()), "not back, though the loan ended");
    assert!(is_excluded(ward.deployment.ok(&["loaner", "add", "loaner-2"])), "twice in the pool");
    ward.deployment.ok(&["loaner", "delete", "loaner-1"]);
    assert!(!is_excluded(code()), "no key of the pool");
}

#[test]
fn a_database_of_before_gets_its_pool() {
    const POOL: &str =
        "DROP TABLE loan; DROP INDEX person_loaner; ALTER TABLE person DROP COLUMN kind";
    let deployment = Deployment::new();
    sql(&deployment.database(), &[POOL, "DELETE FROM _sqlx_migrations WHERE version = 20"]);
    deployment.ok(&["loaner", "add", "loaner-1"]);
    assert_eq!(deployment.rows(&["loaner", "list"])[0]["status"], "unenrolled");
}

#[test]
fn a_code_of_the_pool_gives_one_key_and_the_last_code_counts() {
    let (ward, _, _) = ward();
    ward.deployment.refused(1, &["loaner", "add", "loaner-1"]);
    let first = ward.deployment.ok(&["loaner", "add", "loaner-2"]);
    let second = ward.deployment.ok(&["loaner", "add", "loaner-2"]);
    let begin = |code: &str| ward.terminal.client.post("/v1/enroll/begin", &json!({"code": code}));
    assert_eq!(begin(first.trim()).status, 403);
    assert_eq!(begin(second.trim()).status, 200);
    ward.deployment.ok(&["loaner", "delete", "loaner-2"]);
    assert_eq!(begin(second.trim()).status, 403, "out of the pool");
}

#[test]
fn loans_of_before_a_restore_are_over() {
    let (ward, ..) = ward();
    ward.lend("sato");
    let Ward { deployment, running, terminal, .. } = ward;
    running.stop();
    drop(terminal);
    let (backup, _) = deployment.backup("monday");
    let done = deployment.json(&["restore", backup.to_str().unwrap(), "--replace", "--yes"]);
    assert_eq!(done["report"]["loans"], 1, "{done}");
    let shown = deployment.json(&["loaner", "show", "loaner-1"]);
    assert_eq!((&shown["status"], &shown["loan"]["login"]), (&json!("out"), &json!("sato")));
    assert_eq!(shown["loan"]["ended_by"], "administrator");
    // Nobody knows where it is: the desk looks.
    let lend = ["loaner", "lend", "loaner-1", "yamada", "--pin-changed", "--reason", "x"];
    let said = deployment.refused(1, &lend);
    assert!(said.contains("loaner return loaner-1"), "{said}");
    deployment.ok(&["loaner", "return", "loaner-1"]);
    assert_eq!(deployment.json(&["loaner", "show", "loaner-1"])["status"], "free");
}

#[test]
fn the_command_line_says_what_is_missing() {
    let (ward, _, _) = ward();
    let lend = ["loaner", "lend", "loaner-1", "sato"];
    let said = ward.deployment.refused(2, &[&lend[..], &["--reason", "x"]].concat());
    assert!(said.contains("change-pin") && said.contains("--pin-changed"), "{said}");
    ward.deployment.refused(2, &[&lend[..], &["--pin-changed"]].concat());
    ward.deployment.refused(2, &[&lend[..], &["--pin-changed", "--reason", " "]].concat());
    let long = ["--pin-changed", "--reason", "x", "--for", "13h"];
    ward.deployment.refused(1, &[&lend[..], &long].concat());
    let scope = ward.deployment.ok(&["scope", "show", "icu"]);
    assert!(scope.contains("for 720 minutes at most"), "{scope}");
    let list = ward.deployment.ok(&["loaner", "list"]);
    assert!(list.contains("loaner-1") && list.contains("free"), "{list}");

    // What she has at home, or lost.
    let lend = ["loaner", "lend", "loaner-1", "yamada", "--pin-changed", "--reason", "x"];
    let done = ward.deployment.cli(&lend);
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success() && said.contains("key list yamada"), "{said}");
}
