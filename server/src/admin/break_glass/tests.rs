//! Sealed codes, made here.

use wardkey_core::code::Code;
use wardkey_core::pass::Pass;
use wardkey_core::pass_key::PassKey;

use super::*;
use crate::admin::person as people;
use crate::admin::scope::{self as rules, Rules};
use crate::admin::testing::{Deployment, NOW, import_key, login, scope as named};
use crate::store::person as stored;

async fn allow(deployment: &Deployment, seconds: u64) -> Result<()> {
    let rules = Rules { break_glass: Some(seconds), ..Rules::default() };
    deployment.act(async |op| rules::set(op, &named("icu"), rules).await).await.map(drop)
}

async fn seal(
    deployment: &Deployment,
    account: &str,
    place: Option<&str>,
    seconds: u64,
) -> Result<SealedMade> {
    let (prepared, account, place) = (prepare().unwrap(), login(account), place.map(named));
    deployment.act(async |op| add(op, &account, (place.as_ref(), seconds), prepared).await).await
}

async fn published(deployment: &Deployment, account: &str) -> Option<Pass> {
    let mut tx = deployment.store.read().await.unwrap();
    let row = stored::get(&mut tx, &login(account)).await.unwrap();
    state::record(&mut tx, &row).await.unwrap().break_glass
}

async fn shown(deployment: &Deployment, account: &str, now: UnixTime) -> SealedView {
    let mut tx = deployment.store.read().await.unwrap();
    show(&mut tx, &login(account), now).await.unwrap()
}

#[tokio::test]
async fn a_sealed_code_is_handed_out_once_with_eighty_bits_and_an_end() {
    let deployment = Deployment::new().await;
    deployment.add("emergency").await;
    allow(&deployment, 365 * DAY).await.unwrap();
    let made = seal(&deployment, "emergency", None, 90 * DAY).await.unwrap();
    let sealed = published(&deployment, "emergency").await.unwrap();
    assert_eq!((sealed.until, sealed.scope.clone()), (NOW.plus(90 * DAY), Some(named("icu"))));
    let code = PassCode::read_sealed(&made.code).unwrap();
    let key = PassKey::derive(&code, &sealed.salt, sealed.hash).unwrap();
    assert_eq!(key.public(), sealed.key);
    let record = wardkey_core::codec::to_message(&sealed);
    let plain = code.expose().as_bytes();
    assert!(!record.windows(plain.len()).any(|window| window == plain));
    assert_eq!(deployment.actions().await[0], "break-glass.add");
    let warned = made.warnings[0].to_string();
    assert!(warned.contains("in no emergency group"), "{warned}");

    let (now, later) = (NOW, NOW.plus(90 * DAY));
    assert_eq!(shown(&deployment, "emergency", now).await.status, "sealed");
    assert_eq!(shown(&deployment, "emergency", later).await.status, "ended");
}

#[tokio::test]
async fn an_account_has_one_at_a_time_and_an_administrator_makes_it_void() {
    let deployment = Deployment::new().await;
    deployment.add("emergency").await;
    allow(&deployment, 365 * DAY).await.unwrap();
    let first = seal(&deployment, "emergency", Some("icu"), DAY).await.unwrap();
    let second = seal(&deployment, "emergency", None, DAY).await.unwrap();
    assert!(second.warnings[0].to_string().contains("destroy"));
    assert_ne!(first.code, second.code);
    let one = published(&deployment, "emergency").await.unwrap();
    assert_eq!(one.id.to_hex(), second.sealed.id);

    let emergency = login("emergency");
    deployment.act(async |op| disable(op, &emergency).await).await.unwrap();
    assert_eq!(published(&deployment, "emergency").await, None);
    let listed = {
        let mut tx = deployment.store.read().await.unwrap();
        list(&mut tx, &PageRequest::default(), NOW).await.unwrap()
    };
    let listed: Vec<_> = listed.items.iter().map(|one| (one.status, one.ended_by)).collect();
    assert_eq!(listed, [("void", Some("administrator")), ("void", Some("another"))]);
    let again = deployment.act(async |op| disable(op, &emergency).await).await;
    assert_eq!(again.unwrap_err().code(), Code::NotFound);
    // Nothing was used: there is no alarm to clear.
    let none = deployment.act(async |op| clear_alarm(op, &emergency).await).await;
    assert_eq!(none.unwrap().cleared, 0);
}

#[tokio::test]
async fn nobody_gets_one_that_policy_reason_or_a_key_do_not_allow() {
    let deployment = Deployment::new().await;
    deployment.add("emergency").await;
    let refused = seal(&deployment, "emergency", None, DAY).await.unwrap_err();
    assert!(refused.to_string().contains("allows no break-glass codes"), "{refused}");
    allow(&deployment, 401 * DAY).await.unwrap_err();
    allow(&deployment, 30 * DAY).await.unwrap();
    seal(&deployment, "emergency", None, 31 * DAY).await.unwrap_err();
    seal(&deployment, "emergency", None, 401 * DAY).await.unwrap_err();
    seal(&deployment, "emergency", Some("er"), DAY).await.unwrap_err();
    seal(&deployment, "nobody", None, DAY).await.unwrap_err();
    import_key(&deployment, "hanako").await;
    let somebody = seal(&deployment, "hanako", None, DAY).await.unwrap_err();
    assert!(somebody.to_string().contains("nobody's"), "{somebody}");

    let without = async |op: &mut Operation<'_>| {
        op.reason = Some("  ");
        add(op, &login("emergency"), (None, DAY), prepare()?).await
    };
    assert!(matches!(deployment.act(without).await, Err(Error::Usage(_))));
    assert_eq!(published(&deployment, "emergency").await, None);

    // Whoever is switched off loses it for good.
    seal(&deployment, "emergency", None, DAY).await.unwrap();
    for status in [PersonStatus::Disabled, PersonStatus::Active] {
        let emergency = login("emergency");
        let switch = async |op: &mut Operation<'_>| people::switch(op, &emergency, status).await;
        deployment.act(switch).await.unwrap();
    }
    assert_eq!(published(&deployment, "emergency").await, None);
}
