use wardkey_core::codec::Bytes;
use wardkey_core::id::{Aaguid, CredentialId, Hash, TerminalId};
use wardkey_core::name::{DisplayText, RpId};
use wardkey_core::person::{CredentialFlags, CredentialRecord, Loan, Status};

use super::*;
use crate::admin::person as people;
use crate::admin::scope::{self as scopes, Rules};
use crate::admin::testing::{Deployment, NOW, config_in, import_key, login, scope as named};
use crate::enroll::Enrollments;
use crate::enroll::redeem::{self, Begun};
use crate::store::credential::Registration;
use crate::store::person as stored;

const HOUR: u64 = 3600;

/// yamada and sato, of whom each may borrow for twelve hours, and one key in the pool.
async fn deployment() -> Deployment {
    let deployment = Deployment::new().await;
    deployment.add("yamada").await;
    deployment.add("sato").await;
    allow(&deployment, 12 * HOUR).await;
    enrolled(&deployment, "loaner-1", 7).await;
    deployment
}

async fn allow(deployment: &Deployment, seconds: u64) {
    let rules = Rules { loans: Some(seconds), ..Rules::default() };
    deployment.act(async |op| scopes::set(op, &named("icu"), rules).await).await.unwrap();
}

async fn enrolled(deployment: &Deployment, name: &str, seed: u8) {
    let add = async |op: &mut Operation<'_>| add(op, &login(name), HOUR, &[7; 32]).await;
    deployment.act(add).await.unwrap();
    let record = CredentialRecord {
        id: CredentialId::new([seed; 32]).unwrap(),
        public_key: Bytes::new([seed; 77]).unwrap(),
        rp_id: RpId::new("wardkey.test").unwrap(),
        aaguid: Aaguid::new([0; 16]),
        flags: CredentialFlags(0),
        cred_protect: 2,
        status: Status::Active,
        label: DisplayText::new(name).unwrap(),
        enrolled: NOW,
    };
    let key = Registration {
        record,
        counter: 0,
        min_pin_length: None,
        attestation_format: None,
        attestation: None,
    };
    let put = async |op: &mut Operation<'_>| {
        let holder = loaner::find(op.tx, &login(name)).await?.unwrap();
        credential::add(op.tx, holder.id, &key, 4).await?;
        state::publish_person(op.tx, holder.id).await
    };
    assert_eq!(deployment.act(put).await.unwrap(), 0, "a holder is in no scope");
}

async fn lent_at(
    deployment: &Deployment,
    now: UnixTime,
    (name, to): (&str, &str),
    seconds: u64,
) -> Result<KeyLent> {
    let lend =
        async |op: &mut Operation<'_>| lend(op, &login(name), &login(to), seconds, true).await;
    deployment.act_at(now, lend).await
}

async fn lent(deployment: &Deployment, to: &str) -> Result<KeyLent> {
    lent_at(deployment, NOW, ("loaner-1", to), 8 * HOUR).await
}

async fn returned(deployment: &Deployment) -> Result<KeyReturned> {
    deployment.act(async |op| give_back(op, &login("loaner-1")).await).await
}

async fn published(deployment: &Deployment, name: &str) -> Option<Loan> {
    let mut tx = deployment.store.read().await.unwrap();
    let row = stored::get(&mut tx, &login(name)).await.unwrap();
    let record = state::record(&mut tx, &row).await.unwrap();
    assert!(record.credentials.is_empty(), "never among the person's own keys");
    record.loan
}

async fn status(deployment: &Deployment, now: UnixTime) -> &'static str {
    let mut tx = deployment.store.read().await.unwrap();
    let listed = list(&mut tx, &PageRequest::default(), now).await.unwrap();
    let shown = show(&mut tx, &login("loaner-1"), now).await.unwrap();
    assert_eq!(listed.items[0].status, shown.status);
    shown.status
}

#[tokio::test]
async fn a_key_is_in_the_borrower_s_record_while_it_is_lent_and_in_nobody_s_before_and_after() {
    let deployment = deployment().await;
    assert_eq!(status(&deployment, NOW).await, "free");
    assert_eq!(published(&deployment, "yamada").await, None);

    let done = lent(&deployment, "yamada").await.unwrap();
    let loan = published(&deployment, "yamada").await.unwrap();
    assert_eq!(done.loaner.loan.unwrap().id, loan.id.to_hex());
    assert_eq!((loan.from, loan.until), (NOW, NOW.plus(8 * HOUR)));
    assert_eq!((loan.lender.as_str(), loan.reason.as_str()), ("server", "a test"));
    assert_eq!(loan.credential.id.as_slice(), [7; 32]);
    assert_eq!(status(&deployment, NOW).await, "lent");
    assert_eq!(status(&deployment, NOW.plus(8 * HOUR)).await, "over");

    let back = returned(&deployment).await.unwrap();
    assert_eq!((back.login.as_str(), back.loan), ("yamada", loan.id.to_hex()));
    assert_eq!(back.reach, Reach::TerminalsOf([named("icu")].into()));
    assert_eq!(published(&deployment, "yamada").await, None);
    assert_eq!(status(&deployment, NOW).await, "free");
    assert!(returned(&deployment).await.is_err(), "it is back already");
    let actions = deployment.actions().await;
    assert_eq!(actions[..2], ["loaner.return", "loaner.lend"]);
}

#[tokio::test]
async fn a_key_has_one_borrower_at_a_time_and_a_person_one_key() {
    let deployment = deployment().await;
    lent(&deployment, "yamada").await.unwrap();
    let refused = lent(&deployment, "sato").await.unwrap_err().to_string();
    assert!(refused.contains("not back from yamada"), "{refused}");
    enrolled(&deployment, "loaner-2", 8).await;
    let refused = lent_at(&deployment, NOW, ("loaner-2", "yamada"), HOUR).await.unwrap_err();
    assert!(refused.to_string().contains("on loan already"), "{refused}");
    assert_eq!(published(&deployment, "sato").await, None);
    forced(&deployment, "sato").await.unwrap_err();

    // When its time is over she has it no longer, and may get another one.
    let later = NOW.plus(8 * HOUR);
    lent_at(&deployment, later, ("loaner-2", "yamada"), HOUR).await.unwrap();
    let first = published(&deployment, "yamada").await.unwrap();
    assert_eq!(first.credential.id.as_slice(), [8; 32]);
    assert_eq!(status(&deployment, later).await, "out");
    assert_eq!(latest(&deployment).await.ended_by, Some("time"));
    returned(&deployment).await.unwrap();
    lent_at(&deployment, later, ("loaner-1", "sato"), HOUR).await.unwrap();
    let second = published(&deployment, "sato").await.unwrap();
    assert_ne!(first.id, second.id, "each loan has its own name");
}

#[tokio::test]
async fn a_key_is_lent_to_nobody_before_it_is_back_however_its_loan_ended() {
    let deployment = deployment().await;
    lent(&deployment, "yamada").await.unwrap();
    // Its time is over: it may be lost all the same.
    let later = NOW.plus(9 * HOUR);
    let refused = lent_at(&deployment, later, ("loaner-1", "sato"), HOUR).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("not back from yamada"), "{refused}");
    assert!(refused.contains("loaner return loaner-1"), "{refused}");
    assert!(refused.contains("loaner disable loaner-1"), "{refused}");

    off(&deployment, "yamada").await;
    assert_eq!(status(&deployment, NOW).await, "out");
    lent(&deployment, "sato").await.unwrap_err();
    forced(&deployment, "sato").await.unwrap_err();

    let ended = latest(&deployment).await;
    let back = async |op: &mut Operation<'_>| give_back(op, &login("loaner-1")).await;
    let back = deployment.act_at(later, back).await.unwrap();
    assert_eq!((back.login.as_str(), &back.loan), ("yamada", &ended.id));
    assert_eq!(back.reach, Reach::Nobody, "terminals have heard of the end");
    let returned = latest(&deployment).await;
    assert_eq!((returned.ended, returned.ended_by), (ended.ended, Some("administrator")));
    assert_eq!((ended.returned, returned.returned), (None, Some(later.0)));
    assert_eq!(status(&deployment, NOW).await, "free");
    lent(&deployment, "sato").await.unwrap();
}

/// The row of a loan of loaner-1, whatever the rules say.
async fn forced(deployment: &Deployment, to: &str) -> Result<()> {
    let add = async |op: &mut Operation<'_>| {
        let holder = loaner::find(op.tx, &login("loaner-1")).await?.unwrap().id;
        let key = in_use(op.tx, holder).await?.unwrap().row;
        let text = DisplayText::new("x").unwrap();
        let new = NewLoan {
            id: LoanId::new([1; 16]),
            key,
            person: stored::get(op.tx, &login(to)).await?.id,
            from: NOW,
            until: NOW.plus(HOUR),
            lender: &text,
            reason: &text,
        };
        loan::add(op.tx, &new).await
    };
    deployment.act(add).await
}

async fn off(deployment: &Deployment, name: &str) {
    let off = async |op: &mut Operation<'_>| {
        people::switch(op, &login(name), PersonStatus::Disabled).await
    };
    deployment.act(off).await.unwrap();
}

/// The latest loan of loaner-1.
async fn latest(deployment: &Deployment) -> LoanView {
    let mut tx = deployment.store.read().await.unwrap();
    show(&mut tx, &login("loaner-1"), NOW).await.unwrap().loan.unwrap()
}

#[tokio::test]
async fn nothing_is_lent_without_a_reason_a_changed_pin_and_a_policy_that_allows_it() {
    let deployment = deployment().await;
    let pin = async |op: &mut Operation<'_>| {
        lend(op, &login("loaner-1"), &login("yamada"), HOUR, false).await
    };
    assert!(matches!(deployment.act(pin).await, Err(Error::Usage(_))));
    let reason = async |op: &mut Operation<'_>| {
        op.reason = Some("  ");
        lend(op, &login("loaner-1"), &login("yamada"), HOUR, true).await
    };
    assert!(matches!(deployment.act(reason).await, Err(Error::Usage(_))));

    let too_long = lent_at(&deployment, NOW, ("loaner-1", "yamada"), 12 * HOUR + 1).await;
    assert!(too_long.unwrap_err().to_string().contains("720 minutes"));
    allow(&deployment, 0).await;
    let none = lent(&deployment, "yamada").await.unwrap_err().to_string();
    assert!(none.contains("allows no loans"), "{none}");
    let rules = Rules { loans: Some(73 * HOUR), ..Rules::default() };
    let too_long = deployment.act(async |op| scopes::set(op, &named("icu"), rules).await).await;
    assert!(too_long.unwrap_err().to_string().contains("72 hours"));
    assert_eq!(published(&deployment, "yamada").await, None);
}

#[tokio::test]
async fn a_holder_is_nobody_who_could_log_in() {
    let deployment = deployment().await;
    let holder = login("loaner-1");
    let mut tx = deployment.store.read().await.unwrap();
    let people = people::list(&mut tx, None, &PageRequest::default()).await.unwrap();
    assert_eq!(people.items.len(), 2, "it is no person");
    people::show(&mut tx, &holder).await.unwrap_err();
    drop(tx);
    let scoped = async |op: &mut Operation<'_>| {
        people::set(op, &login("loaner-1"), people::Changes::default()).await
    };
    deployment.act(scoped).await.unwrap_err();
    let code = async |op: &mut Operation<'_>| {
        crate::admin::code::add(op, &login("loaner-1"), HOUR, &[7; 32]).await
    };
    deployment.act(code).await.unwrap_err();
    // Nor does a person get its name, or it a person's.
    let person = crate::admin::testing::someone("loaner-1");
    deployment.act(async |op| people::add(op, person).await).await.unwrap_err();
    let taken = async |op: &mut Operation<'_>| add(op, &login("yamada"), HOUR, &[7; 32]).await;
    deployment.act(taken).await.unwrap_err();
    let again = async |op: &mut Operation<'_>| add(op, &login("loaner-1"), HOUR, &[7; 32]).await;
    let again = deployment.act(again).await.unwrap_err().to_string();
    assert!(again.contains("enrolled already"), "{again}");
}

#[tokio::test]
async fn a_lost_key_is_off_for_its_borrower_and_stays_off() {
    let deployment = deployment().await;
    lent(&deployment, "yamada").await.unwrap();
    let to = async |status| {
        deployment.act(async |op| switch(op, &login("loaner-1"), status).await).await
    };
    let done = to(CredentialStatus::Disabled).await.unwrap();
    assert_eq!(done.reach, Reach::TerminalsOf([named("icu")].into()), "the borrower's terminals");
    let loan = published(&deployment, "yamada").await.unwrap();
    assert_eq!(loan.credential.status, Status::Disabled);
    assert_eq!(status(&deployment, NOW).await, "disabled");

    returned(&deployment).await.unwrap();
    let refused = lent(&deployment, "sato").await.unwrap_err().to_string();
    assert!(refused.contains("disabled"), "{refused}");
    to(CredentialStatus::Active).await.unwrap();
    lent(&deployment, "sato").await.unwrap();

    to(CredentialStatus::Deleted).await.unwrap();
    assert_eq!(published(&deployment, "sato").await, None);
    let mut tx = deployment.store.read().await.unwrap();
    assert!(list(&mut tx, &PageRequest::default(), NOW).await.unwrap().items.is_empty());
    show(&mut tx, &login("loaner-1"), NOW).await.unwrap_err();
}

#[tokio::test]
async fn a_borrower_who_is_switched_off_has_it_no_longer() {
    let deployment = deployment().await;
    lent(&deployment, "yamada").await.unwrap();
    for status in [PersonStatus::Disabled, PersonStatus::Active] {
        let switch =
            async |op: &mut Operation<'_>| people::switch(op, &login("yamada"), status).await;
        deployment.act(switch).await.unwrap();
        assert_eq!(published(&deployment, "yamada").await, None);
    }
    assert_eq!(latest(&deployment).await.ended_by, Some("administrator"));
    returned(&deployment).await.unwrap();
    off(&deployment, "sato").await;
    let refused = lent(&deployment, "sato").await.unwrap_err().to_string();
    assert!(refused.contains("sato"), "{refused}");
}

#[tokio::test]
async fn whoever_lends_a_key_is_asked_where_the_borrower_s_own_keys_are() {
    let deployment = deployment().await;
    assert!(lent(&deployment, "yamada").await.unwrap().warnings.is_empty(), "she has none");
    returned(&deployment).await.unwrap();

    let own = import_key(&deployment, "kato").await;
    let warnings = lent(&deployment, "kato").await.unwrap().warnings;
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    let said = warning.to_string();
    assert!(said.contains("active keys of kato: 1") && said.contains("key list kato"), "{said}");
    returned(&deployment).await.unwrap();

    let lost = async |op: &mut Operation<'_>| {
        let which = Which { fingerprint: &own, of: None };
        key::switch(op, &which, CredentialStatus::Disabled).await
    };
    deployment.act(lost).await.unwrap();
    assert!(lent(&deployment, "kato").await.unwrap().warnings.is_empty(), "it opens nothing");
}

/// What somebody's new key is asked for.
async fn begun(deployment: &Deployment, name: &str) -> Begun {
    let add = async |op: &mut Operation<'_>| code::add(op, &login(name), HOUR, &[7; 32]).await;
    let made = deployment.act(add).await.unwrap();
    let hash = secret::code_hash(&[7; 32], &made.code).unwrap();
    let config = config_in(std::path::Path::new("/nowhere"));
    let rp_id = RpId::new("wardkey.test").unwrap();
    let enrollments = Enrollments::new(&config, &rp_id, "Test").unwrap();
    let mut tx = deployment.store.read().await.unwrap();
    let at = TerminalId::new([1; 16]);
    redeem::begin(&mut tx, &enrollments, (&hash, at), 4, NOW).await.unwrap()
}

#[tokio::test]
async fn a_key_of_the_pool_is_excluded_from_every_enrollment_wherever_it_is() {
    let deployment = deployment().await;
    let own = import_key(&deployment, "kato").await;
    for number in 2..=40 {
        enrolled(&deployment, &format!("loaner-{number}"), 100 + number).await;
    }
    lent(&deployment, "sato").await.unwrap();
    for (name, status) in
        [("loaner-2", CredentialStatus::Disabled), ("loaner-3", CredentialStatus::Deleted)]
    {
        let to = async |op: &mut Operation<'_>| switch(op, &login(name), status).await;
        deployment.act(to).await.unwrap();
    }

    let begun = begun(&deployment, "kato").await;
    assert_eq!(begun.pool.len(), 39);
    let has = |seed: u8| begun.pool.iter().any(|id| id.as_slice() == [seed; 32]);
    assert!(has(7), "on loan to somebody else");
    assert!(has(102), "switched off: whoever found it has it in hand");
    assert!(!has(103), "out of the pool");
    assert!(has(140), "in the drawer");
    // Of before: the own ones first, and no more than an agent takes.
    let asked = begun.options.exclude_credentials.unwrap();
    assert_eq!((asked.len(), Hash::of(&asked[0].id.0).to_hex()), (32, own));
}

#[tokio::test]
async fn a_pool_has_no_more_keys_than_an_enrollment_excludes() {
    let deployment = deployment().await;
    let fill = async |op: &mut Operation<'_>| {
        for number in 2..=MAX_POOL {
            loaner::add(op.tx, &login(&format!("loaner-{number}")), NOW).await?;
        }
        Ok::<_, Error>(())
    };
    deployment.act(fill).await.unwrap();
    let added = async |name: &str| {
        let add = async |op: &mut Operation<'_>| add(op, &login(name), HOUR, &[7; 32]).await;
        deployment.act(add).await
    };
    let full = added("one-more").await.unwrap_err().to_string();
    assert!(full.contains("200"), "{full}");
    added("loaner-2").await.unwrap();
    let out = async |op: &mut Operation<'_>| {
        switch(op, &login("loaner-2"), CredentialStatus::Deleted).await
    };
    deployment.act(out).await.unwrap();
    added("one-more").await.unwrap();
}
