use wardkey_core::codec::Bytes;
use wardkey_core::id::{Aaguid, CredentialId};
use wardkey_core::name::RpId;
use wardkey_core::person::{CredentialFlags, CredentialRecord, Loan, Status};

use super::*;
use crate::admin::person as people;
use crate::admin::scope::{self as scopes, Rules};
use crate::admin::testing::{Deployment, NOW, login, scope as named};
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
    assert!(refused.contains("lent to yamada"), "{refused}");
    enrolled(&deployment, "loaner-2", 8).await;
    let refused = lent_at(&deployment, NOW, ("loaner-2", "yamada"), HOUR).await.unwrap_err();
    assert!(refused.to_string().contains("on loan already"), "{refused}");
    assert_eq!(published(&deployment, "sato").await, None);

    // The database holds it too, whatever comes before it.
    let twice = async |op: &mut Operation<'_>| {
        let yamada = stored::get(op.tx, &login("yamada")).await?.id;
        let open = loan::open_of_person(op.tx, yamada).await?.unwrap();
        let sato = stored::get(op.tx, &login("sato")).await?.id;
        let text = DisplayText::new("x").unwrap();
        let new = NewLoan {
            id: LoanId::new([1; 16]),
            key: open.key,
            person: sato,
            from: NOW,
            until: NOW.plus(HOUR),
            lender: &text,
            reason: &text,
        };
        loan::add(op.tx, &new).await
    };
    deployment.act(twice).await.unwrap_err();

    // Whose time is over keeps it from nobody, and has it no longer.
    let later = NOW.plus(8 * HOUR);
    lent_at(&deployment, later, ("loaner-1", "sato"), HOUR).await.unwrap();
    assert_eq!(published(&deployment, "yamada").await, None);
    let first = published(&deployment, "sato").await.unwrap();
    returned(&deployment).await.unwrap();
    lent_at(&deployment, later, ("loaner-1", "yamada"), HOUR).await.unwrap();
    let second = published(&deployment, "yamada").await.unwrap();
    assert_eq!(first.credential, second.credential);
    assert_ne!(first.id, second.id, "each loan has its own name");
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
    let mut tx = deployment.store.read().await.unwrap();
    let shown = show(&mut tx, &login("loaner-1"), NOW).await.unwrap();
    assert_eq!(shown.loan.unwrap().ended_by, Some("administrator"));
    drop(tx);
    let off = async |op: &mut Operation<'_>| {
        people::switch(op, &login("sato"), PersonStatus::Disabled).await
    };
    deployment.act(off).await.unwrap();
    lent(&deployment, "sato").await.unwrap_err();
}
