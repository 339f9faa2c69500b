//! What a change costs is what it concerns: counted, at few scopes and at many.

use std::collections::BTreeSet;

use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::name::{DisplayText, Language, LoginName, ScopeName};

use super::publisher::Publisher;
use crate::admin::init::{self, NewDeployment};
use crate::admin::testing::{NOW, config_at, new_deployment};
use crate::clock::Clock;
use crate::keyring::Keyring;
use crate::pki::Issued;
use crate::store::audit::Actor;
use crate::store::person;
use crate::store::profile::Profile;
use crate::store::terminal::{self, Joining, TerminalStatus};
use crate::store::testing::Home;
use crate::store::{Store, scope, state, statements_run};

fn name(text: impl Into<String>) -> ScopeName {
    ScopeName::new(text).unwrap()
}

/// A deployment with so many scopes, each with a terminal.
async fn deployment(scopes: u32) -> (Home, Publisher) {
    let home = Home::new();
    let config = config_at(&home);
    let new = NewDeployment { scopes: vec![name("ward0")], ..new_deployment() };
    init::create(&config, &new, &Actor::server(), NOW).await.unwrap();
    let store = Store::open(config.place().unwrap()).await.unwrap();
    let mut tx = store.write().await.unwrap();
    for number in 0..scopes {
        let scope = name(format!("ward{number}"));
        if number > 0 {
            scope::add(&mut tx, &scope, NOW).await.unwrap();
        }
        join(&mut tx, number, &[scope].into()).await;
    }
    tx.commit().await.unwrap();
    let keyring = Keyring::at(&config.keys);
    let publisher = Publisher::start(store, keyring, 900, Clock::manual(NOW.0)).await.unwrap();
    (home, publisher)
}

fn terminal_id(number: u32) -> TerminalId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    TerminalId::new(id)
}

async fn join(tx: &mut crate::store::Tx, number: u32, scopes: &BTreeSet<ScopeName>) {
    let issued = Issued {
        certificate: Vec::new(),
        serial: Default::default(),
        begins: NOW,
        expires: NOW,
        key: Hash::new([0; 32]),
        by: Hash::new([0; 32]),
    };
    let mut machine = [0; 32];
    machine[..4].copy_from_slice(&number.to_be_bytes());
    let joining = Joining {
        id: terminal_id(number),
        name: &DisplayText::new(format!("terminal {number}")).unwrap(),
        machine: Hash::new(machine),
        status: TerminalStatus::Active,
        issued: &issued,
        scopes,
    };
    terminal::put(tx, &joining, NOW).await.unwrap();
}

/// Adds a person to the scope `ward1`; the statements of publishing that.
async fn change(publisher: &Publisher, login: &str) -> u64 {
    let profile = Profile {
        login: LoginName::new(login).unwrap(),
        display_name: DisplayText::new(login).unwrap(),
        latin_name: None,
        language: Language::En,
        not_before: None,
        not_after: None,
        groups: BTreeSet::new(),
        scopes: [name("ward1")].into(),
    };
    let mut tx = publisher.store.write().await.unwrap();
    let id = person::add(&mut tx, &profile, NOW).await.unwrap();
    state::publish_person(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();

    let before = statements_run();
    publisher.refresh().await.unwrap();
    statements_run() - before
}

#[tokio::test]
async fn a_change_takes_as_many_statements_and_signatures_at_many_scopes_as_at_few() {
    let mut counts = Vec::new();
    for scopes in [3, 200] {
        let (_folder, publisher) = deployment(scopes).await;
        let before = publisher.shown();
        assert_eq!(before.len(), scopes as usize);
        let statements = change(&publisher, "a").await;
        let after = publisher.shown();
        // What was not signed again is the very same.
        let signed: Vec<_> = after
            .iter()
            .filter(|(name, shown)| before.get(*name).is_none_or(|old| old.signed != shown.signed))
            .collect();
        assert_eq!(signed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["ward1"]);
        counts.push(statements);
    }
    assert_eq!(counts[0], counts[1]);
    assert!(counts[0] <= 6, "{counts:?}");
}

#[tokio::test]
async fn only_the_terminals_that_a_change_concerns_are_woken() {
    let (_folder, publisher) = deployment(3).await;
    let mut waiting: Vec<_> =
        (0..3).map(|number| publisher.subscribe(&terminal_id(number))).collect();
    let mut woken = || -> Vec<bool> {
        let woken = waiting.iter().map(|news| news.has_changed().unwrap()).collect();
        waiting.iter_mut().for_each(|news| _ = news.borrow_and_update());
        woken
    };
    change(&publisher, "a").await;
    assert_eq!(woken(), [false, true, false]);
    publisher.refresh().await.unwrap();
    assert_eq!(woken(), [false; 3], "nothing is new");

    // A page shows what the next refresh would have shown, and tells it.
    let mut tx = publisher.store.write().await.unwrap();
    scope::next_seq(&mut tx, &name("ward2")).await.unwrap();
    tx.commit().await.unwrap();
    publisher.changes(&name("ward2"), 0).await.unwrap();
    assert_eq!(woken(), [false, false, true]);

    // Another scope: the terminal hears of its document, and then of that scope alone.
    let mut tx = publisher.store.write().await.unwrap();
    let moved = terminal::by_id(&mut tx, &terminal_id(0)).await.unwrap();
    terminal::set_scopes(&mut tx, &moved, &[name("ward1")].into()).await.unwrap();
    tx.commit().await.unwrap();
    publisher.refresh().await.unwrap();
    assert_eq!(woken(), [true, false, false]);
    change(&publisher, "b").await;
    assert_eq!(woken(), [true, true, false]);
    let mut tx = publisher.store.write().await.unwrap();
    scope::next_seq(&mut tx, &name("ward0")).await.unwrap();
    tx.commit().await.unwrap();
    publisher.refresh().await.unwrap();
    assert_eq!(woken(), [false; 3]);

    // Half of a life later all are signed again, and all are told.
    publisher.clock.advance(450);
    publisher.refresh().await.unwrap();
    assert_eq!(woken(), [true; 3]);
}

#[tokio::test]
async fn of_many_that_ask_at_once_one_looks_for_all() {
    let (_folder, publisher) = deployment(3).await;
    let publisher = std::sync::Arc::new(publisher);
    let mut counts = Vec::new();
    for askers in [1, 200] {
        let before = statements_run();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..askers {
            let publisher = std::sync::Arc::clone(&publisher);
            tasks.spawn(async move { publisher.refresh().await });
        }
        assert!(tasks.join_all().await.iter().all(Result::is_ok));
        counts.push(statements_run() - before);
    }
    // The one that looks, and a few more for those who came when it had begun.
    assert!(counts[1] <= 5 * counts[0], "{counts:?}");
    // Alone again, each one looks: what is committed before it is seen.
    assert!(change(&publisher, "a").await > 0);
    assert_eq!(publisher.shown()[&name("ward1")].head.count, 1);
}

#[tokio::test]
async fn a_page_of_what_is_shown_waits_for_nobody() {
    let (_folder, publisher) = deployment(3).await;
    change(&publisher, "a").await;
    let at_work = publisher.hold_work().await;
    let page = publisher.changes(&name("ward1"), 0).await.unwrap();
    assert_eq!(page.rows.len(), 1);
    // What is committed and not shown yet is published first: that waits.
    let mut tx = publisher.store.write().await.unwrap();
    scope::next_seq(&mut tx, &name("ward1")).await.unwrap();
    tx.commit().await.unwrap();
    let ward1 = name("ward1");
    let mut asked = std::pin::pin!(publisher.changes(&ward1, 0));
    let waited = tokio::time::timeout(std::time::Duration::from_millis(50), &mut asked).await;
    assert!(waited.is_err());
    drop(at_work);
    let newer = asked.await.unwrap();
    assert_ne!(newer.head, page.head);
}
