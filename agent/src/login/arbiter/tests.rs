//! Who has the key, in every order of coming and going.

use super::*;
use crate::session::{Belongs, Screens, Session};

fn at(id: &str) -> Place {
    let session = Session { id: id.into(), seat: Some("seat0".into()), ..Session::default() };
    Place { session: Some(session), ..Place::default() }
}

/// In the session of a user.
fn of(id: &str, uid: u32) -> Place {
    let mut place = at(id);
    if let Some(session) = &mut place.session {
        (session.uid, session.class) = (uid, "user".into());
    }
    place
}

fn asking(place: Place, foreground: bool) -> Asking {
    Asking { place, foreground, locker: false }
}

/// The session in front, among sessions 1 to 3.
struct Foreground(&'static str);

impl Sessions for Foreground {
    fn belongs(&self, _: i32) -> Belongs {
        Belongs::Nobody
    }
    fn screens(&self) -> Screens {
        let session = |id: &str| Session {
            id: id.into(),
            seat: Some("seat0".into()),
            active: id == self.0,
            ..Session::default()
        };
        Screens { sessions: ["1", "2", "3"].map(session).to_vec(), line: None }
    }
}

/// A machine without logind.
struct NoLogind;

impl Sessions for NoLogind {
    fn belongs(&self, _: i32) -> Belongs {
        Belongs::NoLogind
    }
    fn screens(&self) -> Screens {
        Screens::default()
    }
}

#[test]
fn without_a_foreground_the_first_has_the_key_and_leaving_gives_it_on() {
    let arbiter = Arbiter::default();
    let enter = || arbiter.enter(asking(Place::default(), false)).unwrap();
    let (one, two, three) = (enter(), enter(), enter());
    assert_eq!([one.is_granted(), two.is_granted(), three.is_granted()], [true, false, false]);
    assert!(!two.hold(&NoLogind));
    drop(one);
    assert_eq!([two.is_granted(), three.is_granted()], [true, false]);
    drop(two);
    assert!(three.is_granted());
    assert!(!three.is_contended());
    assert!(three.hold(&NoLogind));
}

#[test]
fn the_foreground_takes_the_key_before_hold_and_not_after() {
    let arbiter = Arbiter::default();
    let back = arbiter.enter(asking(at("1"), false)).unwrap();
    let front = arbiter.enter(asking(at("2"), false)).unwrap();
    assert!(back.is_granted());
    arbiter.look_again(&Foreground("2"));
    assert!(front.is_granted() && !back.is_granted());
    assert_eq!(back.wake().read().unwrap(), 2, "granted, then taken away");
    assert!(front.hold(&Foreground("2")));
    arbiter.look_again(&Foreground("1"));
    assert!(front.is_granted(), "after Hold the key stays");
    drop(front);
    assert!(back.is_granted());
}

#[test]
fn only_the_foreground_holds() {
    let arbiter = Arbiter::default();
    // It began in front, and the screen was switched since; nobody else asks.
    let login = arbiter.enter(asking(at("1"), true)).unwrap();
    assert!(login.is_granted() && !login.is_contended());
    assert!(!login.hold(&Foreground("2")));
    assert!(!login.is_granted() && login.is_contended(), "it waits until it is shown");
    arbiter.look_again(&Foreground("3"));
    assert!(!login.is_granted());
    arbiter.look_again(&Foreground("1"));
    assert!(login.is_granted() && login.hold(&Foreground("1")));
}

#[test]
fn a_lease_ends() {
    let arbiter = Arbiter::with_lease(Duration::from_millis(1));
    let one = arbiter.enter(asking(Place::default(), false)).unwrap();
    assert!(one.hold(&NoLogind));
    let two = arbiter.enter(asking(Place::default(), false)).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    arbiter.look_again(&Foreground(""));
    assert!(two.is_granted() && !one.is_granted());
}

#[test]
fn a_lease_is_longer_than_a_login_and_shorter_than_another_ones_patience() {
    let settings = wardkey_settings::pam::Settings::default();
    assert!(LEASE > settings.touch_wait + Duration::from_secs(4 + 5));
    assert!(LEASE < settings.key_wait);
}

#[test]
fn a_row_of_logins_that_hold_the_key_and_do_nothing_does_not_keep_it() {
    let arbiter = Arbiter::default();
    let front = Foreground("1");
    let hostile = arbiter.enter(asking(of("1", 2001), true)).unwrap();
    assert!(hostile.hold(&front));
    let next = arbiter.enter(asking(of("1", 2001), true)).unwrap();
    let other = arbiter.enter(asking(Place { invoker: Some(2002), ..at("1") }, true)).unwrap();
    drop(hostile);
    assert!(other.is_granted() && !next.is_granted(), "another user comes first");
    // Who logs in does not cool down.
    assert!(other.hold(&front));
    other.has_logged_in();
    drop(other);
    assert!(next.is_granted(), "who is alone need not wait");
    let other = arbiter.enter(asking(Place { invoker: Some(2002), ..at("1") }, true)).unwrap();
    assert!(other.is_granted() && !next.is_granted());
}

#[test]
fn a_locker_comes_before_every_other_prompt_of_its_session() {
    let arbiter = Arbiter::default();
    let prompts: Vec<_> =
        (0..3).map(|_| arbiter.enter(asking(of("1", 2001), true)).unwrap()).collect();
    assert!(prompts[0].is_granted());
    let locker = Asking { locker: true, ..asking(of("1", 2001), true) };
    let locker = arbiter.enter(locker).unwrap();
    assert!(locker.is_granted() && !prompts[0].is_granted());
    // Also when a prompt held the key in vain before.
    assert!(locker.hold(&Foreground("1")));
    drop(locker);
    assert!(prompts[0].is_granted());
    let again = arbiter.enter(Asking { locker: true, ..asking(of("1", 2001), true) }).unwrap();
    assert!(again.is_granted());
    // But not before the session that is shown.
    let greeter = arbiter.enter(asking(at("2"), false)).unwrap();
    arbiter.look_again(&Foreground("2"));
    assert!(greeter.is_granted() && !again.is_granted());
}

#[test]
fn the_oldest_of_too_many_gives_way_unless_it_holds_the_key() {
    let arbiter = Arbiter::default();
    let enter = || arbiter.enter(asking(of("1", 2001), true)).unwrap();
    let (one, two) = (enter(), enter());
    assert!(arbiter.make_room(3, |_| true) && !one.is_displaced());
    assert!(one.hold(&Foreground("1")));
    assert!(arbiter.make_room(2, |_| true));
    assert!(!one.is_displaced() && two.is_displaced() && one.is_granted());
    assert!(!arbiter.make_room(1, |_| true), "nobody is taken the key");
    assert!(arbiter.make_room(1, |asking| asking.locker), "others do not count");
}

#[test]
fn seats_do_not_wait_for_each_other() {
    let arbiter = Arbiter::default();
    let mut other = at("9");
    if let Some(session) = &mut other.session {
        session.seat = Some("seat1".into());
    }
    let one = arbiter.enter(asking(at("1"), true)).unwrap();
    let two = arbiter.enter(asking(other, true)).unwrap();
    assert!(one.is_granted() && two.is_granted());
}
