//! Who is given a role, and when it counts.

use wardkey_core::code::Code;

use super::*;
use crate::admin::person::{self as people, NewPerson};
use crate::admin::role::Act;
use crate::admin::testing::{Deployment, NOW, import_key, login, scope, someone};
use crate::admin::trail;
use crate::error::Error;
use crate::store::audit::Actor;
use crate::store::statements_run;

fn new(name: &str, role: Role, scopes: &[&str], end: End) -> NewAdministrator {
    let scopes = scopes.iter().map(|name| scope(name)).collect();
    NewAdministrator { login: login(name), role, scopes, end }
}

async fn give(deployment: &Deployment, wanted: NewAdministrator) -> Result<AdministratorView> {
    deployment.act(async |op| add(op, wanted).await).await
}

async fn change(
    deployment: &Deployment,
    name: &str,
    changes: Changes,
) -> Result<AdministratorChanged> {
    deployment.act(async |op| set(op, &login(name), changes).await).await
}

/// What somebody may do after so many seconds.
async fn grant(deployment: &Deployment, name: &str, after: u64) -> Option<Grant> {
    let mut tx = deployment.store.read().await.unwrap();
    let person = person::get(&mut tx, &login(name)).await.unwrap();
    grant_of(&mut tx, person.id, NOW.plus(after)).await.unwrap()
}

async fn last_detail(deployment: &Deployment) -> String {
    let mut tx = deployment.store.read().await.unwrap();
    let rows = trail::list(&mut tx, None, &PageRequest::default()).await.unwrap();
    rows.items[0].detail.clone().unwrap_or_default()
}

#[tokio::test]
async fn a_role_counts_from_the_moment_that_it_is_given_until_it_is_taken_away() {
    let deployment = Deployment::new().await;
    deployment.add("sato").await;
    assert_eq!(grant(&deployment, "sato", 0).await, None);

    let view = give(&deployment, new("sato", Role::HelpDesk, &["icu"], End::Never)).await.unwrap();
    assert_eq!((view.status, view.role, view.until), ("active", "help-desk", None));
    let has = grant(&deployment, "sato", 0).await.unwrap();
    assert!(has.has(Act::IssueCodes) && !has.has(Act::EnablePeople));
    assert!(has.covers("icu") && !has.covers("er") && !has.is_everywhere());
    assert_eq!(last_detail(&deployment).await, "help-desk, scopes icu, no end");

    let other = Changes { role: Some(Role::Owner), scopes: Some(vec![]), end: None };
    assert!(change(&deployment, "sato", other).await.unwrap().changed);
    assert!(grant(&deployment, "sato", 0).await.unwrap().is_whole());
    assert_eq!(
        last_detail(&deployment).await,
        "owner, scopes all, no end; before: help-desk, scopes icu, no end"
    );
    let same = Changes { role: Some(Role::Owner), ..Changes::default() };
    assert!(!change(&deployment, "sato", same).await.unwrap().changed);
    assert_eq!(last_detail(&deployment).await, "no change");

    deployment.act(async |op| remove(op, &login("sato")).await).await.unwrap();
    assert_eq!(grant(&deployment, "sato", 0).await, None);
    let acts =
        ["administrator.remove", "administrator.set", "administrator.set", "administrator.add"];
    assert_eq!(deployment.actions().await[..4], acts);

    // Once more, and from nobody: there is nothing to take away.
    for name in ["sato", "nobody"] {
        let gone = deployment.act(async |op| remove(op, &login(name)).await).await;
        assert_eq!(gone.unwrap_err().code(), Code::NotFound);
        let gone = change(&deployment, name, Changes::default()).await;
        assert_eq!(gone.unwrap_err().code(), Code::NotFound);
    }
}

#[tokio::test]
async fn a_role_counts_neither_after_its_end_nor_while_its_person_is_not_valid() {
    let deployment = Deployment::new().await;
    let at = |after: u64| Some(When::Moment(NOW.plus(after)));
    let sato = NewPerson { valid_from: at(10), valid_until: at(100), ..someone("sato") };
    deployment.act(async |op| people::add(op, sato).await).await.unwrap();
    give(&deployment, new("sato", Role::Owner, &[], End::After(50))).await.unwrap();

    let standing = async |after: u64| {
        let mut tx = deployment.store.read().await.unwrap();
        let shown = show(&mut tx, &login("sato"), NOW.plus(after)).await;
        (shown.unwrap().status, grant(&deployment, "sato", after).await.is_some())
    };
    for (after, status) in
        [(9, "not-valid"), (10, "active"), (49, "active"), (50, "over"), (100, "not-valid")]
    {
        assert_eq!(standing(after).await, (status, status == "active"), "{after}");
    }
    let longer = Changes { end: Some(End::At(at(99).unwrap())), ..Changes::default() };
    change(&deployment, "sato", longer).await.unwrap();
    assert_eq!(standing(98).await, ("active", true));
    let ever = Changes { end: Some(End::Never), ..Changes::default() };
    assert_eq!(change(&deployment, "sato", ever).await.unwrap().administrator.until, None);

    for (status, expected) in
        [(PersonStatus::Disabled, ("disabled", false)), (PersonStatus::Active, ("active", true))]
    {
        let switch = async |op: &mut Operation<'_>| {
            people::switch(op, &login("sato"), status).await.map(drop)
        };
        deployment.act(switch).await.unwrap();
        assert_eq!(standing(20).await, expected);
    }
}

#[tokio::test]
async fn whoever_is_deleted_has_no_role_and_neither_has_the_next_one_of_that_name() {
    let deployment = Deployment::new().await;
    deployment.add("sato").await;
    give(&deployment, new("sato", Role::Owner, &[], End::Never)).await.unwrap();
    let mut tx = deployment.store.read().await.unwrap();
    let first = person::get(&mut tx, &login("sato")).await.unwrap().id;
    drop(tx);

    let deleted = PersonStatus::Deleted;
    let delete = async |op: &mut Operation<'_>| people::switch(op, &login("sato"), deleted).await;
    deployment.act(delete).await.unwrap();
    deployment.add("sato").await;

    assert_eq!(grant(&deployment, "sato", 0).await, None);
    let mut tx = deployment.store.read().await.unwrap();
    assert_eq!(grant_of(&mut tx, first, NOW).await.unwrap(), None);
    assert!(administrator::of_person(&mut tx, first).await.unwrap().is_none());
}

#[tokio::test]
async fn a_role_is_refused_to_whom_has_one_for_scopes_that_there_are_not_and_for_the_past() {
    let deployment = Deployment::new().await;
    deployment.add("sato").await;
    let past = End::At(When::Moment(NOW));
    let many: Vec<String> = (0..=MAX_SCOPES).map(|number| format!("w{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (wanted, code) in [
        (new("nobody", Role::Owner, &[], End::Never), Some(Code::NotFound)),
        (new("sato", Role::HelpDesk, &["nowhere"], End::Never), Some(Code::NotFound)),
        (new("sato", Role::SiteAdministrator, &[], End::Never), Some(Code::RoleNeedsScopes)),
        (new("sato", Role::Owner, &[], past), None),
        (new("sato", Role::Owner, &many, End::Never), None),
    ] {
        let error = give(&deployment, wanted).await.unwrap_err();
        match code {
            Some(code) => assert_eq!(error.code(), code),
            None => assert!(matches!(error, Error::Usage(_)), "{error}"),
        }
        assert_eq!(grant(&deployment, "sato", 0).await, None);
    }

    give(&deployment, new("sato", Role::Auditor, &[], End::Never)).await.unwrap();
    let twice = give(&deployment, new("sato", Role::Owner, &[], End::Never)).await.unwrap_err();
    assert_eq!(twice.code(), Code::RequestInvalid);
    let unbound = Changes { role: Some(Role::SiteAdministrator), ..Changes::default() };
    let unbound = change(&deployment, "sato", unbound).await.unwrap_err();
    assert_eq!(unbound.code(), Code::RoleNeedsScopes);
    assert_eq!(grant(&deployment, "sato", 0).await.unwrap().role(), Role::Auditor);
}

#[tokio::test]
async fn what_an_administrator_does_is_theirs_in_the_trail() {
    let deployment = Deployment::new().await;
    deployment.add("sato").await;
    let mut tx = deployment.store.write().await.unwrap();
    let (actor, zone) = (Actor::person(&login("hanako")), jiff::tz::TimeZone::UTC);
    let mut op = Operation { tx: &mut tx, actor: &actor, now: NOW, reason: None, zone: &zone };
    let wanted = new("sato", Role::Auditor, &[], End::Never);
    let view = add(&mut op, wanted).await.unwrap();
    assert_eq!(view.by, "person:hanako");
    let rows = trail::list(&mut tx, None, &PageRequest::default()).await.unwrap();
    assert_eq!((&*rows.items[0].actor, &*rows.items[0].object), ("person:hanako", "sato"));
}

#[tokio::test]
async fn who_has_no_key_to_sign_in_with_is_pointed_out() {
    let deployment = Deployment::new().await;
    deployment.add("sato").await;
    import_key(&deployment, "kato").await;
    for (name, is_warned_of) in [("sato", true), ("kato", false)] {
        let wanted = new(name, Role::Owner, &["icu"], End::Never);
        let view = deployment.act(async |op| add(op, wanted).await).await.unwrap();
        let said = view.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        assert_eq!(said.contains("no active key"), is_warned_of, "{name}: {said}");
    }
}

#[tokio::test]
async fn they_are_listed_by_name_by_role_and_by_the_scopes_that_they_lie_in() {
    let deployment = Deployment::new().await;
    for (name, role) in [("c", Role::Auditor), ("a", Role::Owner), ("b", Role::HelpDesk)] {
        deployment.add(name).await;
        give(&deployment, new(name, role, &["er", "icu"], End::Never)).await.unwrap();
    }
    deployment.add("d").await;
    let mut tx = deployment.store.read().await.unwrap();
    for limit in [1, 3] {
        let (request, before) = (PageRequest { limit, ..PageRequest::default() }, statements_run());
        let page = list(&mut tx, None, &request, NOW).await.unwrap();
        assert_eq!((page.items.len(), statements_run() - before), (limit as usize, 5));
    }
    let mut listed = async |role: Option<Role>, request: PageRequest| {
        let page = list(&mut tx, role, &request, NOW).await.unwrap();
        assert!(page.items.iter().all(|row| row.scopes == ["er", "icu"] && !row.everywhere));
        let names = page.items.iter().map(|row| row.login.clone()).collect::<String>();
        (names, page.next)
    };
    let default = PageRequest::default;
    assert_eq!(listed(None, default()).await, ("abc".into(), None));
    assert_eq!(listed(Some(Role::HelpDesk), default()).await, ("b".into(), None));
    let first = PageRequest { limit: 2, ..default() };
    assert_eq!(listed(None, first).await, ("ab".into(), Some("b".into())));
    let rest = PageRequest { after: Some("b".into()), ..default() };
    assert_eq!(listed(None, rest).await, ("c".into(), None));
    let search = PageRequest { search: Some("A".into()), ..default() };
    assert_eq!(listed(None, search).await, ("a".into(), None));
    for (within, expected) in [("icu", "abc"), ("er", "")] {
        let within = PageRequest { within: Some([scope(within)].into()), ..default() };
        assert_eq!(listed(None, within).await.0, expected);
    }
}
