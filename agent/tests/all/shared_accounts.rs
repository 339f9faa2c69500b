//! Accounts that several people use, or very many.

use std::collections::BTreeSet;

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::directory::leaf_key;
use wardkey_core::event::EventName;
use wardkey_core::id::{CredentialId, Hash};
use wardkey_core::marks::Marks;
use wardkey_core::message::MAX_KEY_FRAME;
use wardkey_core::message::agent::{
    Begin, CANDIDATES_PER_PAGE, CandidatePage, Candidates, Reply, Request,
};
use wardkey_core::name::GroupName;
use wardkey_core::person::{PersonRecord, Status};
use wardkey_core::policy::document::SharedAccount;
use wardkey_core::snapshot::{Anchor, Snapshot};
use wardkey_ipc::Peer;

/// More than one page holds, and not a whole number of pages.
const PEOPLE: usize = 1_100;

fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

/// Somebody with two keys.
fn nurse(number: usize) -> PersonRecord {
    let credentials = [1u8, 2].map(|key| {
        let mut id = vec![key; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let mut credential = credential(key);
        credential.id = CredentialId::new(id).unwrap();
        credential
    });
    person(&format!("n{number:04}"), credentials.to_vec())
}

fn hospital(people: usize) -> Fixture {
    let f = Fixture::joined();
    f.ward.policy("ward3", |policy| {
        let groups = List::new(vec![group("nurses")]).unwrap();
        policy.shared_accounts =
            List::new(vec![SharedAccount { account: login("ward3pc"), groups }]).unwrap();
    });
    for number in 0..people {
        f.ward.put("ward3", &nurse(number));
    }
    let mut disabled = nurse(people);
    disabled.status = Status::Disabled;
    f.ward.put("ward3", &disabled);
    let mut doctor = person("doctor", vec![credential(4)]);
    doctor.groups = List::new(vec![group("doctors")]).unwrap();
    f.ward.put("ward3", &doctor);
    f.sync().unwrap();
    f
}

fn all_pages(client: &mut Client) -> Vec<Candidates> {
    let grant = client.granted(&Request::Begin(begin("ward3pc")));
    let mut pages = vec![Candidates { candidates: grant.candidates, more: grant.more }];
    while let Some(more) = pages.last().unwrap().more {
        let Reply::Candidates(page) = client.ask(&Request::Candidates(more)) else {
            panic!("no page")
        };
        pages.push(*page);
    }
    pages
}

#[test]
fn everybody_stands_on_one_page_and_who_was_here_on_the_first() {
    let f = hospital(PEOPLE);
    let mut client = f.root();
    let pages = all_pages(&mut client);
    // hanako and taro have one key each.
    let keys = 2 * PEOPLE + 2;
    assert_eq!(pages.len(), keys.div_ceil(CANDIDATES_PER_PAGE));
    let named: Vec<_> = pages.iter().flat_map(|page| page.candidates.iter()).collect();
    let different: BTreeSet<_> =
        named.iter().map(|candidate| candidate.credential.as_slice().to_vec()).collect();
    assert_eq!((named.len(), different.len()), (keys, keys));
    let people: BTreeSet<_> = named.iter().map(|candidate| candidate.person.to_string()).collect();
    assert!(!people.contains("doctor") && !people.contains(&format!("n{PEOPLE:04}")));

    // Whoever logs in stands on the first page from then on.
    let taro = login("taro");
    assert_ne!(pages[0].candidates[0].person, taro);
    client.granted(&Request::Prove(taro.clone()));
    assert_eq!(client.ask(&Request::Hold), Reply::Held);
    let assertion = f.assertion("ward3pc", "taro", 2, |_| {});
    let answer = client.ask(&success("ward3pc", &assertion));
    assert!(matches!(answer, Reply::Recorded(..)), "{answer:?}");
    let pages = all_pages(&mut f.root());
    assert_eq!(pages[0].candidates[0].person, taro);
    let named: usize = pages.iter().map(|page| page.candidates.len()).sum();
    assert_eq!(named, keys);
}

#[test]
fn pages_are_for_shared_accounts_only_and_not_without_end() {
    let f = hospital(3);
    assert_eq!(f.root().granted(&Request::Begin(begin("ward3pc"))).more, None, "these are all");
    let more = CandidatePage { unseen: true, after: Hash::new([0; 32]) };
    let mut client = f.root();
    client.granted(&Request::Begin(begin("hanako")));
    assert_eq!(client.refused(&Request::Candidates(more)), Code::ProtocolError);

    let mut client = f.root();
    client.granted(&Request::Begin(begin("ward3pc")));
    let refused = (0..10_000).find_map(|_| match client.ask(&Request::Candidates(more)) {
        Reply::Candidates(_) => None,
        Reply::Refused(refusal) => Some(refusal.code),
        other => panic!("{other:?}"),
    });
    assert_eq!(refused, Some(Code::TooManyRequests));
}

#[test]
fn root_is_told_the_keys_of_people_it_names_where_no_account_is_named() {
    let f = hospital(2);
    let hash = |name: &str| leaf_key(&login(name));
    let asked = ["taro", "n0002", "ghost", "n0000", "hanako"].map(hash).to_vec();
    let asked = Request::KeysOf(List::new(asked).unwrap());
    let nobody_named = || Request::Begin(Begin { account: None, ..begin("hanako") });

    let mut client = f.root();
    let grant = client.granted(&nobody_named());
    assert_eq!((grant.finds_people, grant.candidates.len()), (Some(true), 0));
    let Reply::Candidates(page) = client.ask(&asked) else { panic!("no keys") };
    let named: Vec<_> = page.candidates.iter().map(|one| one.person.to_string()).collect();
    // In that order; nobody who is not there, or disabled (n0002).
    assert_eq!(named, ["taro", "n0000", "n0000", "hanako"]);
    assert_eq!(page.more, None);
    let grant = client.granted(&Request::Prove(login("taro")));
    let anchor = Anchor { root_key: signing(100).public(), terminal: TERMINAL };
    Snapshot::verify(&grant.evidence.unwrap(), &anchor, &Marks::default(), &login("taro")).unwrap();

    // Not in a login of somebody, not for a user, and not without end.
    drop(client);
    let mut client = f.root();
    client.granted(&Request::Begin(begin("hanako")));
    assert_eq!(client.refused(&asked), Code::ProtocolError);
    drop(client);
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let peer = Peer { uid: nobody, gid: nobody, pid: 77 };
    assert_eq!(f.connect(peer).refused(&nobody_named()), Code::CallerNotAllowed);
    let mut client = f.connect(peer);
    client.granted(&Request::Begin(begin("nobody")));
    assert_eq!(client.refused(&asked), Code::CallerNotAllowed);
    drop(client);
    let mut client = f.root();
    client.granted(&nobody_named());
    let refused = (0..10_000).find_map(|_| match client.ask(&asked) {
        Reply::Candidates(_) => None,
        Reply::Refused(refusal) => Some(refusal.code),
        other => panic!("{other:?}"),
    });
    assert_eq!(refused, Some(Code::TooManyRequests));
}

#[test]
fn long_ids_make_shorter_pages_that_fit_into_a_frame_of_the_key_process() {
    let f = hospital(0);
    for number in 0..200usize {
        let mut nurse = nurse(number);
        let mut credentials = nurse.credentials.to_vec();
        for credential in &mut credentials {
            let id = [credential.id.as_slice(), &[0; 900]].concat();
            credential.id = CredentialId::new(id).unwrap();
        }
        nurse.credentials = List::new(credentials).unwrap();
        f.ward.put("ward3", &nurse);
    }
    f.sync().unwrap();
    let pages = all_pages(&mut f.root());
    assert_eq!(pages.iter().map(|page| page.candidates.len()).sum::<usize>(), 2 * 200 + 2);
    for page in pages {
        let allow = List::new(
            page.candidates.iter().map(|candidate| candidate.credential.clone()).collect(),
        )
        .unwrap();
        let request = wardkey_core::message::key::Request::AskFurther { allow, more: true };
        assert!(wardkey_core::codec::message_length(&request) < MAX_KEY_FRAME - 1024);
    }
}

/// How long a page takes among very many: `cargo nextest run --run-ignored only pages_of_30_000`.
#[test]
#[ignore = "measures"]
fn pages_of_30_000_keys() {
    for people in [1_500, 15_000] {
        let f = hospital(people);
        let mut client = f.root();
        let begun = std::time::Instant::now();
        let pages = all_pages(&mut client).len();
        let each = begun.elapsed() / u32::try_from(pages).unwrap();
        println!("{people} people, {pages} pages: {each:?} a page");
    }
}

#[test]
fn a_shared_account_names_the_person() {
    let f = Fixture::joined();
    f.ward.policy("ward3", |policy| {
        let groups = List::new(vec![GroupName::new("nurses").unwrap()]).unwrap();
        policy.shared_accounts =
            List::new(vec![SharedAccount { account: login("ward3pc"), groups }]).unwrap();
    });
    f.ward.put("ward3", &{
        let mut doctor = person("doctor", vec![credential(4)]);
        doctor.groups = List::new(vec![GroupName::new("doctors").unwrap()]).unwrap();
        doctor
    });
    f.sync().unwrap();
    let mut client = f.root();
    let grant = client.granted(&Request::Begin(begin("ward3pc")));
    let mut people: Vec<_> =
        grant.candidates.iter().map(|candidate| candidate.person.to_string()).collect();
    people.sort();
    assert_eq!(people, ["hanako", "taro"]);
    let grant = client.granted(&Request::Prove(login("taro")));
    let anchor = Anchor { root_key: signing(100).public(), terminal: TERMINAL };
    Snapshot::verify(&grant.evidence.unwrap(), &anchor, &Marks::default(), &login("taro")).unwrap();
    assert_eq!(client.ask(&Request::Hold), Reply::Held);
    let assertion = f.assertion("ward3pc", "taro", 2, |_| {});
    assert!(recorded(&client.ask(&success("ward3pc", &assertion))));
    let event = f.events().into_iter().rfind(|event| event.name == EventName::Login).unwrap();
    assert_eq!((event.account, event.person), (Some(login("ward3pc")), Some(login("taro"))));
    // Who is in none of its groups may not.
    let assertion = f.assertion("ward3pc", "doctor", 4, |_| {});
    assert_eq!(code(&f.root().ask(&success("ward3pc", &assertion))), Code::NotInSharedGroup);
}
