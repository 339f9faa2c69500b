//! Accounts that several people use.

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::document::SharedAccount;
use wardkey_core::event::EventName;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Reply, Request};
use wardkey_core::name::GroupName;
use wardkey_core::snapshot::{Anchor, Snapshot};

#[test]
fn a_shared_account_names_the_person() {
    let f = Fixture::joined();
    f.ward.policy("ward3", |policy| {
        let groups = List::new(vec![GroupName::new("nurses").unwrap()]).unwrap();
        policy.shared_accounts = List::new(vec![SharedAccount { account: login("ward3pc"), groups }]).unwrap();
    });
    f.ward.put("ward3", &{
        let mut doctor = person("doctor", vec![credential(4)]);
        doctor.groups = List::new(vec![GroupName::new("doctors").unwrap()]).unwrap();
        doctor
    });
    f.sync().unwrap();
    let mut client = f.root();
    let grant = client.granted(&Request::Begin(begin("ward3pc")));
    let mut people: Vec<_> = grant.candidates.iter().map(|candidate| candidate.person.to_string()).collect();
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
