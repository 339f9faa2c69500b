//! Who is signed in: locked by whom, unlocked by whom, another person, somebody without a key.

use super::*;

#[test]
fn who_locks_and_who_unlocks_is_recorded() {
    let mut scene = Scene::new();
    let acts = scene.see(&[seen("2", 7, true)]);
    assert_eq!(records(&acts), [(EventName::SessionLocked, Some(Code::LockedThere))]);
    scene.pass(60);
    // A login of before the lock unlocks nothing.
    let proof = |person: &str, key, session: Option<&str>| Proof {
        account: name("hanako"),
        person: name(person),
        key: Some(key),
        session: session.map(str::to_owned),
    };
    let acts = scene.see(&[seen("2", 7, false)]);
    let without = (EventName::SessionUnlocked, Some(Code::UnlockedWithoutKey));
    assert_eq!(records(&acts), [without]);
    scene.book.login(proof("hanako", KEY, Some("2")), scene.now);
    scene.pass(1);
    scene.see(&[seen("2", 7, true)]);
    assert_eq!(records(&scene.see(&[seen("2", 7, false)])), [without]);
    // Nor one in another session, nor one of long ago.
    scene.see(&[seen("2", 7, true)]);
    scene.book.login(proof("hanako", KEY, Some("5")), scene.now);
    assert_eq!(records(&scene.see(&[seen("2", 7, false)])), [without]);
    scene.see(&[seen("2", 7, true)]);
    scene.book.login(proof("hanako", KEY, Some("2")), scene.now);
    scene.pass(61);
    assert_eq!(records(&scene.see(&[seen("2", 7, false)])), [without]);
    // The locker's, and the greeter's.
    for within in [Some("2"), None] {
        scene.see(&[seen("2", 7, true)]);
        scene.book.login(proof("hanako", KEY, within), scene.now);
        let acts = scene.see(&[seen("2", 7, false)]);
        assert_eq!(records(&acts), [(EventName::SessionUnlocked, None)]);
        assert_eq!(deeds(acts), [look(KEY, false)]);
        assert_eq!(scene.book.who(|_| true)[0].proven, scene.now.time);
    }
    // One login unlocks one session once.
    scene.see(&[seen("2", 7, true)]);
    assert_eq!(records(&scene.see(&[seen("2", 7, false)])), [without]);
}

#[test]
fn who_is_in_without_a_key_has_none_to_pull_out() {
    let mut scene = Scene::new();
    let row = Opened { key: None, ..row(7, "hanako", "hanako", KEY) };
    assert_eq!(deeds(scene.book.open(row, scene.now)), []);
    scene.see(&[seen("2", 7, false)]);
    assert_eq!(scene.book.plugged(&[], false), []);
    assert_eq!(scene.book.who(|_| true)[0].key_here, None);
    // The next login with the key makes it the key's session.
    scene.see(&[seen("2", 7, true)]);
    let proof = Proof {
        account: name("hanako"),
        person: name("hanako"),
        key: Some(KEY),
        session: Some("2".into()),
    };
    scene.book.login(proof, scene.now);
    assert_eq!(deeds(scene.see(&[seen("2", 7, false)])), [look(KEY, false)]);
}

#[test]
fn on_a_shared_account_the_person_changes_with_the_key() {
    let mut scene = Scene::new();
    scene.open(row(8, "ward3", "hanako", KEY), "3");
    scene.see(&[seen("3", 8, true)]);
    let proof = Proof {
        account: name("ward3"),
        person: name("taro"),
        key: Some(OTHER),
        session: Some("3".into()),
    };
    scene.book.login(proof, scene.now);
    let acts = scene.see(&[seen("3", 8, false)]);
    let changed = (EventName::SessionPersonChanged, None);
    assert_eq!(records(&acts), [(EventName::SessionUnlocked, None), changed]);
    assert_eq!(deeds(acts), [look(OTHER, false)]);
    let who = scene.book.who(|account| *account == name("ward3"));
    assert_eq!((who.len(), &who[0].person, who[0].key), (1, &name("taro"), Some(OTHER)));
    // From now on that person's key is the session's.
    scene.sight(OTHER, Sight::Here("/dev/hidraw4".into()));
    scene.sight(KEY, Sight::Here("/dev/hidraw7".into()));
    assert_eq!(scene.book.plugged(&["/dev/hidraw4".into()], false), [look(KEY, true)]);
    scene.sight(KEY, Sight::Absent);
    assert_eq!(deeds(scene.due()), [Act::Lock(session("2"))]);
}
