use wardkey_core::codec::Bytes;
use wardkey_core::id::CredentialId;

use super::*;
use crate::testkey::{ASSERT, INFO, NEXT_NODE, RP_ID, TestKey, id, soon};
use hidapi::scripted::Reply as Says;

fn search() -> Search {
    Search::new(&Identify {
        rp_id: RP_ID.parse().unwrap(),
        allow: List::new(vec![CredentialId::new(id(1)).unwrap()]).unwrap(),
        wait_ms: 0,
        client_data: Bytes::default(),
        every: false,
        more: None,
    })
}

/// A key behind the first node.
fn at_the_first_node(key: fn() -> TestKey) -> Vec<Box<dyn SecurityKey>> {
    NEXT_NODE.set(0);
    vec![key().key]
}

fn good() -> TestKey {
    TestKey::new(|_, _| None)
}

/// Asks until there is something to tell; whose claims that are.
fn told(search: &mut Search) -> Option<String> {
    for _ in 0..4 {
        match search.next() {
            Next::Ask(index) | Next::AskAgain(index) => {
                search.ask(index, &soon(), || false, |_, _| false).unwrap()
            }
            Next::Tell(identified) => return Some(identified.key.path),
            Next::Wait(None) | Next::AskFurther => return None,
            Next::Wait(Some(until)) => {
                std::thread::sleep(until.saturating_duration_since(Instant::now()))
            }
        }
    }
    None
}

#[test]
fn the_real_key_at_the_node_of_one_that_was_passed_over_is_told() {
    let mut search = search();
    search.look(at_the_first_node(good), &[]);
    assert_eq!(told(&mut search).as_deref(), Some("test:0"));
    search.pass_over(&["test:0".to_owned()]);
    assert_eq!(told(&mut search), None, "while it stays it is left alone");
    // Pulled out, and another one plugged into the same port, between two looks.
    search.look(at_the_first_node(good), &["test:0".to_owned()]);
    assert_eq!(told(&mut search).as_deref(), Some("test:0"));
}

#[test]
fn one_that_failed_is_asked_over_a_channel_of_its_own() {
    let mut search = search();
    // What timed out once answers no more over the same descriptor.
    search.look(at_the_first_node(|| TestKey::answering(INFO, vec![])), &[]);
    assert_eq!(told(&mut search), None);
    search.look(at_the_first_node(good), &[]);
    assert_eq!(told(&mut search).as_deref(), Some("test:0"));
}

/// A key that holds credential 1 and is asked in lists of ten.
fn holds_one() -> TestKey {
    TestKey::new(|about, payload| {
        let is_meant = payload.windows(32).any(|window| window == id(1));
        (about == ASSERT && !is_meant).then(|| vec![Says::Cbor(0x2e, vec![])])
    })
}

fn page(ids: std::ops::Range<u8>) -> Vec<CredentialId> {
    ids.map(|n| CredentialId::new(id(n)).unwrap()).collect()
}

/// Asks until the caller must do something; whether further credentials are wanted of it.
fn is_further_wanted(search: &mut Search) -> bool {
    for _ in 0..16 {
        match search.next() {
            Next::Ask(index) | Next::AskAgain(index) => {
                search.ask(index, &soon(), || false, |_, _| false).unwrap()
            }
            Next::AskFurther => return true,
            Next::Tell(_) | Next::Wait(_) => return false,
        }
    }
    panic!("no end")
}

#[test]
fn what_holds_none_of_a_page_is_asked_for_the_next_one() {
    let mut search = search();
    search.wanted = vec![page(20..60).iter().map(|id| id.as_slice().to_vec()).collect()];
    search.more = true;
    assert!(!is_further_wanted(&mut search), "nothing is plugged in: it is waited for a key");
    search.look(at_the_first_node(holds_one), &[]);
    assert!(is_further_wanted(&mut search));
    assert!(search.ask_further(&page(60..90), true));
    assert!(is_further_wanted(&mut search));
    assert!(search.ask_further(&page(0..5), false));
    assert_eq!(told(&mut search).as_deref(), Some("test:0"));

    // A key that is plugged in now is asked for every page.
    search.look(at_the_first_node(holds_one), &["test:0".to_owned()]);
    assert_eq!(told(&mut search).as_deref(), Some("test:0"));
    // The last page was without it: then it is nobody's, and another one is waited for.
    search.wanted.pop();
    search.look(at_the_first_node(holds_one), &["test:0".to_owned()]);
    assert!(!is_further_wanted(&mut search));
    assert_eq!(search.progress(), Reply::Unregistered(Code::KeyNotRegistered));
}

#[test]
fn an_empty_page_is_no_page() {
    let mut search = search();
    search.more = true;
    search.look(
        at_the_first_node(|| TestKey::answering(ASSERT, vec![Says::Cbor(0x2e, vec![])])),
        &[],
    );
    assert!(is_further_wanted(&mut search));
    // To a key, an empty list means any credential. And a caller that names nothing has no more.
    assert!(search.ask_further(&[], true));
    assert!(!is_further_wanted(&mut search));
    assert_eq!(search.wanted.len(), 1);
}

#[test]
fn further_credentials_are_taken_only_when_asked_for_and_not_without_end() {
    let mut search = search();
    search.more = true;
    assert!(!search.ask_further(&page(20..60), true), "nobody asked");
    search.look(at_the_first_node(holds_one), &[]);
    search.wanted = vec![vec![id(7)]];
    let mut pages = 0;
    while is_further_wanted(&mut search) {
        // The key answers at once; the ids are short, or this would take long.
        search.devices[0].pages = search.wanted.len();
        let page: Vec<CredentialId> =
            (0..512).map(|_| CredentialId::new(vec![9; 16]).unwrap()).collect();
        if !search.ask_further(&page, true) {
            break;
        }
        search.devices[0].pages = search.wanted.len();
        assert!(!search.ask_further(&page, true), "once for each time that they are asked for");
        pages += 1;
    }
    assert_eq!(pages, MAX_CREDENTIALS / 512 - 1, "one credential was there before");
}

#[test]
fn a_slow_device_does_not_keep_the_quick_one_from_its_pages() {
    let mut search = search();
    (search.more, search.wanted) = (true, vec![vec![id(20)]]);
    NEXT_NODE.set(0);
    search.look(vec![holds_one().key, holds_one().key], &[]);
    assert!(is_further_wanted(&mut search));
    // The first one takes its time over each page.
    search.devices[0].spent = Duration::from_secs(6);
    assert!(search.ask_further(&page(21..30), true));
    assert!(is_further_wanted(&mut search));
    assert_eq!((search.devices[0].pages, search.devices[1].pages), (1, 2));
    // When the quick one is through, the slow one is asked for the rest.
    assert!(search.ask_further(&page(31..40), false));
    assert!(!is_further_wanted(&mut search));
    assert_eq!((search.devices[0].pages, search.devices[1].pages), (3, 3));
}

#[test]
fn devices_that_fail_take_turns_with_the_pages() {
    let mut search = search();
    (search.more, search.wanted) = (true, vec![vec![id(20)]]);
    NEXT_NODE.set(0);
    search.look(
        vec![TestKey::answering(ASSERT, vec![Says::Cbor(0x7f, vec![])]).key, holds_one().key],
        &[],
    );
    let due = |search: &mut Search| {
        if let State::Ask { not_before, .. } = &mut search.devices[0].state {
            *not_before = Instant::now();
        }
    };
    assert!(is_further_wanted(&mut search));
    for number in 0..3u8 {
        // It is due again each time, and has one try for a page.
        due(&mut search);
        assert!(search.ask_further(&page(30 + number..31 + number), true));
        let mut asked = Vec::new();
        loop {
            due(&mut search);
            match search.next() {
                Next::Ask(index) | Next::AskAgain(index) => {
                    asked.push(index);
                    search.ask(index, &soon(), || false, |_, _| false).unwrap();
                }
                Next::AskFurther => break,
                Next::Tell(_) | Next::Wait(_) => panic!("nothing to wait for"),
            }
            assert!(asked.len() < 8, "{asked:?}");
        }
        assert!(
            asked.contains(&1) && asked.iter().filter(|index| **index == 0).count() <= 2,
            "{asked:?}"
        );
    }
}
