//! Lists of what lies in some scopes: the rest is left out before rows are counted.

use std::collections::BTreeSet;

use wardkey_core::id::TerminalId;
use wardkey_core::name::{LoginName, ScopeName};

use super::lists::{NOW, ROWS, filled, walk};
use super::person;
use super::profile::Profile;
use super::terminal::{self, Filter};
use super::{Db, PageRequest, code, credential_list, event};

#[tokio::test]
async fn pages_are_full_of_what_lies_in_the_scopes_that_are_asked_for() {
    let (_folder, store) = filled().await;
    let mut tx = store.write().await.unwrap();
    let (er, icu) = (ScopeName::new("er").unwrap(), ScopeName::new("icu").unwrap());
    // What has an odd number leaves "icu".
    for number in (1..ROWS).step_by(2) {
        let login = LoginName::new(format!("p{number}")).unwrap();
        let before = person::get(&mut tx, &login).await.unwrap();
        let profile = Profile {
            login,
            display_name: before.display_name,
            latin_name: before.latin_name,
            language: before.language,
            not_before: None,
            not_after: None,
            groups: BTreeSet::new(),
            scopes: [er.clone()].into(),
        };
        person::change(&mut tx, before.id, &profile, NOW).await.unwrap();
        let terminal = terminal::by_id(&mut tx, &TerminalId::new([number; 16])).await.unwrap();
        terminal::set_scopes(&mut tx, &terminal, &profile.scopes).await.unwrap();
    }

    let (none, both) = (BTreeSet::new(), [er.clone(), icu.clone()].into());
    for (within, of) in [
        (&none, vec![]),
        (&[icu].into(), vec![0, 2, 4, 6, 8]),
        (&[er].into(), (0..ROWS).collect()),
        (&both, (0..ROWS).collect()),
    ] {
        let named: Vec<String> = of.iter().map(|number| format!("p{number}")).collect();
        let newest: Vec<String> = named.iter().rev().cloned().collect();
        let within =
            |request: &PageRequest| PageRequest { within: Some(within.clone()), ..request.clone() };
        let people = async |db: &mut Db, request: &PageRequest| {
            person::page(db, None, &within(request)).await
        };
        let login = |person: &person::Details| person.person.login.to_string();
        assert_eq!(walk(&mut tx, "", people, login).await, named);
        let keys = async |db: &mut Db, request: &PageRequest| {
            credential_list::page(db, &within(request)).await
        };
        let owner = |listed: &credential_list::ListedCredential| listed.login.to_string();
        assert_eq!(walk(&mut tx, "", keys, owner).await, named);
        let codes =
            async |db: &mut Db, request: &PageRequest| code::page(db, &within(request)).await;
        let whose = |code: &code::ListedCode| code.login.to_string();
        assert_eq!(walk(&mut tx, "", codes, whose).await, newest);
        let terminals = async |db: &mut Db, request: &PageRequest| {
            terminal::page(db, &Filter::default(), &within(request)).await
        };
        let id = |terminal: &terminal::Terminal| terminal.id.as_bytes()[0];
        assert_eq!(walk(&mut tx, "", terminals, |row| format!("p{}", id(row))).await, named);

        let at = TerminalId::new([1; 16]);
        let of_one: Vec<String> = newest.iter().filter(|name| *name == "p1").cloned().collect();
        let filter = event::Filter::default;
        for (filter, expected) in [
            (filter(), &newest),
            (event::Filter { person: Some("ward".into()), ..filter() }, &newest),
            (event::Filter { person: Some("p1".into()), ..filter() }, &of_one),
            (event::Filter { terminal: Some(at), ..filter() }, &of_one),
            (event::Filter { invalid: true, ..filter() }, &vec![]),
        ] {
            let events = async |db: &mut Db, request: &PageRequest| {
                event::page(db, &filter, &within(request)).await
            };
            let who = |event: &event::Listed| event.person.clone().unwrap();
            assert_eq!(walk(&mut tx, "", events, who).await, *expected, "{filter:?}");
        }
    }
}
