//! Lists by pages: every row once, in order; searched; and no more statements for more rows.

use std::collections::BTreeSet;

use wardkey_core::codec::Bytes;
use wardkey_core::document::Position;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{Aaguid, CredentialId, EventId, Hash, TerminalId};
use wardkey_core::name::{DisplayText, GroupName, Language, LoginName, RpId, ScopeName};
use wardkey_core::person::{CredentialFlags, CredentialRecord, Status};
use wardkey_core::time::UnixTime;

use super::audit::{self, Act, Actor};
use super::credential::{self, Registration};
use super::credential_list;
use super::event::{self, Verdict};
use super::person;
use super::profile::Profile;
use super::terminal::{self, Filter, Joining, SignOfLife, TerminalStatus};
use super::testing::{Home, new_store};
use super::token::{self, Purpose};
use super::{Db, Page, PageRequest, Store, code, scope, statements_run};
use crate::error::Result;
use crate::pki::Issued;

pub const NOW: UnixTime = UnixTime(1_800_000_000);
/// Rows of each list.
pub const ROWS: u8 = 10;

fn asked(after: Option<String>, search: &str) -> PageRequest {
    PageRequest { after, limit: 3, search: Some(search.into()), within: None }
}

/// Walks through a list of pages of three and gives what names its rows.
pub async fn walk<T>(
    db: &mut Db,
    search: &str,
    page: impl AsyncFn(&mut Db, &PageRequest) -> Result<Page<T>>,
    name: impl Fn(&T) -> String,
) -> Vec<String> {
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = page(db, &asked(after, search)).await.unwrap();
        assert!(page.rows.len() == 3 || page.rows.len() < 3 && page.next.is_none());
        names.extend(page.rows.iter().map(&name));
        after = page.next;
        if after.is_none() {
            return names;
        }
    }
}

fn key(number: u8) -> Registration {
    let record = CredentialRecord {
        id: CredentialId::new([number; 32]).unwrap(),
        public_key: Bytes::new([number; 77]).unwrap(),
        rp_id: RpId::new("wardkey.test").unwrap(),
        aaguid: Aaguid::new([0; 16]),
        flags: CredentialFlags(0),
        cred_protect: 0,
        status: Status::Active,
        label: DisplayText::new(format!("Key 100%-{number}")).unwrap(),
        enrolled: NOW,
    };
    Registration {
        record,
        counter: 0,
        min_pin_length: None,
        attestation_format: None,
        attestation: None,
    }
}

/// A store with ten people, each with a group, two scopes, a key and a code; ten terminals, each
/// with an event; ten tokens.
pub async fn filled() -> (Home, Store) {
    let (home, store) = new_store().await;
    let mut tx = store.write().await.unwrap();
    let scopes: BTreeSet<ScopeName> =
        ["er", "icu"].map(|name| ScopeName::new(name).unwrap()).into();
    for name in &scopes {
        scope::add(&mut tx, name, NOW).await.unwrap();
    }
    for number in 0..ROWS {
        let profile = Profile {
            login: LoginName::new(format!("p{number}")).unwrap(),
            display_name: DisplayText::new(format!("Person {number}")).unwrap(),
            latin_name: None,
            language: Language::Ja,
            not_before: None,
            not_after: None,
            groups: [GroupName::new("nurses").unwrap()].into(),
            scopes: scopes.clone(),
        };
        let id = person::add(&mut tx, &profile, NOW).await.unwrap();
        credential::add(&mut tx, id, &key(number), 1).await.unwrap();
        code::add(&mut tx, &Hash::new([number; 32]), id, (NOW, NOW.plus(60))).await.unwrap();

        let purpose = Purpose { scopes: &scopes, uses: 1, replaces: None };
        token::add(&mut tx, (&[number; 8], &[0; 16]), &purpose, (NOW, NOW.plus(60))).await.unwrap();
        let issued = Issued {
            certificate: Vec::new(),
            serial: Default::default(),
            begins: NOW,
            expires: NOW,
            key: Hash::new([0; 32]),
            by: Hash::new([number / 2; 32]),
        };
        let joining = Joining {
            id: TerminalId::new([number; 16]),
            // Two of each name: the id decides.
            name: &DisplayText::new(format!("ward-{}", number / 2)).unwrap(),
            machine: Hash::new([number; 32]),
            status: TerminalStatus::Active,
            issued: &issued,
            scopes: &scopes,
        };
        terminal::put(&mut tx, &joining, NOW).await.unwrap();
        // Two at a time: the order of arrival decides.
        let time = NOW.plus(u64::from(number / 2));
        let mut event =
            Event::new(EventId::new([number; 16]), time, EventName::Login, Outcome::Failure);
        event.person = Some(profile.login.clone());
        event.account = Some(LoginName::new("ward").unwrap());
        event::add(&mut tx, &event, &joining.id, (None, None), &Verdict::None, NOW).await.unwrap();
        audit::record(&mut tx, NOW, &Actor::server(), Act::new("test", "object")).await.unwrap();
    }
    tx.commit().await.unwrap();
    (home, store)
}

fn numbers(prefix: &str, range: impl Iterator<Item = u8>) -> Vec<String> {
    range.map(|number| format!("{prefix}{number}")).collect()
}

#[tokio::test]
async fn every_row_of_a_list_comes_once_and_in_order() {
    let (_folder, store) = filled().await;
    let mut tx = store.read().await.unwrap();
    let icu = ScopeName::new("icu").unwrap();

    let people =
        async |db: &mut Db, request: &PageRequest| person::page(db, Some(&icu), request).await;
    let login = |person: &person::Details| person.person.login.to_string();
    assert_eq!(walk(&mut tx, "", people, login).await, numbers("p", 0..10));
    assert_eq!(walk(&mut tx, "PERSON 7", people, login).await, ["p7"]);
    assert!(walk(&mut tx, "p_", people, login).await.is_empty(), "what was typed is no pattern");

    let owner = |listed: &credential_list::ListedCredential| listed.login.to_string();
    assert_eq!(walk(&mut tx, "", credential_list::page, owner).await, numbers("p", 0..10));
    assert_eq!(walk(&mut tx, "100%-3", credential_list::page, owner).await, ["p3"]);
    let fingerprint = key(4).record.fingerprint().short();
    assert_eq!(walk(&mut tx, &fingerprint, credential_list::page, owner).await, ["p4"]);

    let whose = |code: &code::ListedCode| code.login.to_string();
    assert_eq!(walk(&mut tx, "", code::page, whose).await, numbers("p", (0..10).rev()));
    assert_eq!(walk(&mut tx, "p8", code::page, whose).await, ["p8"]);

    let id = |token: &token::ListedToken| token.id[0].to_string();
    assert_eq!(walk(&mut tx, "", token::page, id).await, numbers("", (0..10).rev()));
    assert_eq!(walk(&mut tx, "0606", token::page, id).await, ["6"]);
    assert_eq!(walk(&mut tx, "icu", token::page, id).await.len(), 10);

    let of_icu = Filter { scope: Some(&icu), ..Filter::default() };
    let terminals =
        async |db: &mut Db, request: &PageRequest| terminal::page(db, &of_icu, request).await;
    let id = |terminal: &terminal::Terminal| terminal.id.as_bytes()[0].to_string();
    assert_eq!(walk(&mut tx, "", terminals, id).await, numbers("", 0..10));
    assert_eq!(walk(&mut tx, "WARD-2", terminals, id).await, ["4", "5"]);
    assert_eq!(walk(&mut tx, "0707", terminals, id).await, ["7"]);
}

#[tokio::test]
async fn terminals_are_found_by_what_they_are_and_what_they_have() {
    let (_folder, store) = filled().await;
    let mut tx = store.write().await.unwrap();
    let (er, icu) = (ScopeName::new("er").unwrap(), ScopeName::new("icu").unwrap());
    let id = |number: u8| TerminalId::new([number; 16]);
    let tag: terminal::Tag = "rollout".parse().unwrap();
    for number in [3, 4] {
        terminal::add_tags(&mut tx, &id(number), &[tag.clone()].into()).await.unwrap();
    }
    terminal::remove_tags(&mut tx, &id(4), &[tag.clone()].into()).await.unwrap();
    for scope in [&er, &icu] {
        scope::set_seq(&mut tx, scope, 100).await.unwrap();
    }
    let published = scope::get(&mut tx, &icu).await.unwrap().position;
    let earlier = Position { seq: published.seq - 3, ..published };
    let sign = |number: u8, icu_at: Position| SignOfLife {
        id: id(number),
        time: NOW.plus(100),
        address: "192.0.2.1".into(),
        came_by: (number != 4).then(|| format!("https://{number}.test")),
        program: Some(("2.0".into(), String::new())),
        positions: vec![(icu.clone(), icu_at), (er.clone(), published)],
        root: Some(number.into()),
    };
    let old = Position { epoch: 0, seq: 1_000_000 };
    let signs = [sign(3, published), sign(4, earlier), sign(5, old)];
    // What was said before counts no longer.
    terminal::seen(&mut tx, &[sign(3, earlier)]).await.unwrap();
    terminal::seen(&mut tx, &signs).await.unwrap();

    let all: Vec<u8> = (0..10).collect();
    let but = |left: &[u8]| -> Vec<u8> {
        all.iter().copied().filter(|number| !left.contains(number)).collect()
    };
    let (default, authority) = (Filter::default, Hash::new([1; 32]));
    for (filter, expected) in [
        (default(), all.clone()),
        (Filter { tag: Some(&tag), ..default() }, vec![3]),
        (Filter { version: Some("2.0"), ..default() }, vec![3, 4, 5]),
        (Filter { came_by: Some("https://5.test"), ..default() }, vec![5]),
        (Filter { silent_since: Some(NOW), ..default() }, vec![]),
        (Filter { silent_since: Some(NOW.plus(1)), ..default() }, but(&[3, 4, 5])),
        (Filter { silent_since: Some(NOW.plus(101)), ..default() }, all.clone()),
        (Filter { behind: Some(1), ..default() }, but(&[3])),
        (Filter { behind: Some(3), ..default() }, but(&[3])),
        (Filter { root_below: Some(5), ..default() }, but(&[5])),
        (Filter { certified_besides: Some(&authority), ..default() }, but(&[2, 3])),
        (Filter { behind: Some(4), ..default() }, but(&[3, 4])),
        (Filter { behind: Some(1), scope: Some(&er), ..default() }, but(&[3, 4, 5])),
        (Filter { behind: Some(1), tag: Some(&tag), ..default() }, vec![]),
    ] {
        let page = terminal::page(&mut tx, &filter, &PageRequest::default()).await.unwrap();
        let found: Vec<u8> = page.rows.iter().map(|row| row.id.as_bytes()[0]).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let behind = terminal::positions_of(&mut tx, &[id(4), id(5), id(6)]).await.unwrap();
    let counts = |number: u8| behind[&id(number)].iter().map(|at| at.count()).collect::<Vec<_>>();
    assert_eq!(counts(4), [Some(0), Some(3)]);
    assert_eq!((counts(5), counts(6)), (vec![Some(0), None], vec![None, None]));
}

#[tokio::test]
async fn events_and_the_trail_come_newest_first_whatever_is_asked_of_them() {
    let (_folder, store) = filled().await;
    let mut tx = store.read().await.unwrap();
    let person = async |event: event::Filter| {
        let page =
            async |db: &mut Db, request: &PageRequest| event::page(db, &event, request).await;
        walk(&mut store.read().await.unwrap(), "", page, |event| event.person.clone().unwrap())
            .await
    };
    let all = numbers("p", (0..10).rev());
    assert_eq!(person(event::Filter::default()).await, all);
    assert_eq!(
        person(event::Filter { person: Some("p3".into()), ..event::Filter::default() }).await,
        ["p3"]
    );
    assert_eq!(
        person(event::Filter { person: Some("ward".into()), ..event::Filter::default() }).await,
        all,
        "by account"
    );
    let at = Some(TerminalId::new([3; 16]));
    assert_eq!(person(event::Filter { terminal: at, ..event::Filter::default() }).await, ["p3"]);
    assert_eq!(
        person(event::Filter {
            terminal: at,
            person: Some("ward".into()),
            ..event::Filter::default()
        })
        .await,
        ["p3"]
    );
    assert_eq!(
        person(event::Filter { since: Some(NOW.plus(4)), ..event::Filter::default() }).await,
        ["p9", "p8"]
    );
    assert!(person(event::Filter { invalid: true, ..event::Filter::default() }).await.is_empty());
    assert!(
        person(event::Filter { outcome: Some("success".into()), ..event::Filter::default() })
            .await
            .is_empty()
    );

    for object in [None, Some("object")] {
        let trail =
            async |db: &mut Db, request: &PageRequest| audit::page(db, object, request).await;
        let seqs = walk(&mut tx, "", trail, |entry| entry.seq.to_string()).await;
        assert_eq!(seqs, (1..=10).rev().map(|seq: i64| seq.to_string()).collect::<Vec<_>>());
    }
    assert_eq!(audit::verify(&mut tx).await.unwrap(), 10);
}

#[tokio::test]
async fn a_page_takes_as_many_statements_for_ten_rows_as_for_one() {
    let (_folder, store) = filled().await;
    let mut tx = store.read().await.unwrap();
    for limit in [1, 10] {
        let request = PageRequest { limit, ..PageRequest::default() };
        let before = statements_run();
        let people = person::page(&mut tx, None, &request).await.unwrap();
        assert_eq!((people.rows.len(), statements_run() - before), (limit as usize, 4));
        let person = &people.rows[0];
        assert_eq!((person.groups.len(), person.scopes.len(), person.keys.len()), (1, 2, 1));

        let before = statements_run();
        let terminals = terminal::page(&mut tx, &Default::default(), &request).await.unwrap();
        assert_eq!((terminals.rows.len(), statements_run() - before), (limit as usize, 2));
        assert_eq!(terminals.rows[0].scopes.len(), 2);

        let before = statements_run();
        let tokens = token::page(&mut tx, &request).await.unwrap();
        assert_eq!((tokens.rows.len(), statements_run() - before), (limit as usize, 2));
        assert_eq!(tokens.rows[0].scopes.len(), 2);
    }
}

#[tokio::test]
async fn what_is_there_already_and_what_is_not_known_is_said_by_the_constraints() {
    let (_folder, store) = filled().await;
    let mut tx = store.write().await.unwrap();
    let icu = ScopeName::new("icu").unwrap();
    assert!(
        scope::add(&mut tx, &icu, NOW)
            .await
            .unwrap_err()
            .to_string()
            .contains("scope icu exists already")
    );
    // What was refused ends the transaction: nothing goes on in it.
    drop(tx);
    let mut tx = store.write().await.unwrap();
    let mut profile = Profile {
        login: LoginName::new("p1").unwrap(),
        display_name: DisplayText::new("Somebody").unwrap(),
        latin_name: None,
        language: Language::En,
        not_before: None,
        not_after: None,
        groups: BTreeSet::new(),
        scopes: [icu].into(),
    };
    let said = person::add(&mut tx, &profile, NOW).await.unwrap_err().to_string();
    assert!(said.contains("person p1 exists already"), "{said}");
    drop(tx);
    let mut tx = store.write().await.unwrap();
    profile.login = LoginName::new("p99").unwrap();
    profile.scopes.insert(ScopeName::new("nowhere").unwrap());
    let said = person::add(&mut tx, &profile, NOW).await.unwrap_err().to_string();
    assert!(said.contains("scope nowhere is not known"), "{said}");
}
