use wardkey_core::codec::Bytes;
use wardkey_core::id::EventId;

use wardkey_core::time::UnixTime;

use super::*;
use crate::presence::desk::Look;

const KEY: Hash = Hash::new([1; 32]);
const OTHER: Hash = Hash::new([2; 32]);
const LOCK: SessionRules =
    SessionRules { on_removal: OnRemoval::Lock, idle: Some(900), longest: Some(43_200) };

/// A book, and a clock that the test moves.
struct Scene {
    book: Book,
    now: Now,
    rules: SessionRules,
}

mod signed_in;

fn name(text: &str) -> LoginName {
    LoginName::new(text).unwrap()
}

fn row(leader: i32, account: &str, person: &str, key: Hash) -> Opened {
    Opened {
        id: EventId::new([leader.to_be_bytes()[3]; 16]),
        leader,
        boot: Bytes::new(*b"boot").unwrap(),
        session: None,
        seat: None,
        account: name(account),
        person: name(person),
        key: Some(key),
        service: "login".into(),
        tty: Some("tty1".into()),
        started: UnixTime(1000),
        proven: UnixTime(1000),
        locked: None,
        is_recorded: false,
    }
}

fn seen(id: &str, leader: i32, locked: bool) -> Seen {
    Seen { id: id.into(), leader, seat: Some("seat0".into()), locked, idle: 0 }
}

fn session(id: &str) -> SessionId {
    SessionId::new(id).unwrap()
}

/// The records among the acts: what, and why.
fn records(acts: &[Act]) -> Vec<(EventName, Option<Code>)> {
    let of = |act: &Act| match act {
        Act::Record(note) => Some((note.name, note.reason)),
        _ => None,
    };
    acts.iter().filter_map(of).collect()
}

/// What is done to sessions and keys.
fn deeds(acts: Vec<Act>) -> Vec<Act> {
    let is_deed = |act: &Act| !matches!(act, Act::Save(_) | Act::Forget(_) | Act::Record(_));
    acts.into_iter().filter(is_deed).collect()
}

fn look(key: Hash, is_removal: bool) -> Act {
    let person = name(if key == KEY { "hanako" } else { "taro" });
    Act::Look(Look { person, key, is_removal })
}

impl Scene {
    /// Hanako is signed in at session 2, for an hour, and her key is plugged in.
    fn new() -> Self {
        let now = Now { instant: Instant::now(), time: UnixTime(1000) };
        let mut scene = Self { book: Book::default(), now, rules: LOCK };
        scene.open(row(7, "hanako", "hanako", KEY), "2");
        scene.pass(3600);
        scene
    }

    fn open(&mut self, row: Opened, id: &str) {
        let (leader, key) = (row.leader, row.key.unwrap());
        let acts = self.book.open(row, self.now);
        assert_eq!(deeds(acts), [look(key, false)], "is its key still there?");
        self.sight(key, Sight::Here(format!("/dev/hidraw{leader}")));
        let acts = self.book.see(&self.shown(&[seen(id, leader, false)]), self.now);
        assert_eq!(records(&acts), [(EventName::SessionStarted, None)]);
    }

    /// What logind shows: these, and the sessions of others as they are.
    fn shown(&self, sessions: &[Seen]) -> Vec<Seen> {
        let known = self.book.desks.iter().filter_map(|desk| {
            let id = desk.row.session.as_deref()?;
            Some(seen(id, desk.row.leader, desk.row.locked.is_some()))
        });
        let given = |one: &Seen| sessions.iter().any(|session| session.id == one.id);
        known.filter(|one| !given(one)).chain(sessions.iter().cloned()).collect()
    }

    fn see(&mut self, sessions: &[Seen]) -> Vec<Act> {
        let shown = self.shown(sessions);
        self.book.see(&shown, self.now)
    }

    fn sight(&mut self, key: Hash, sight: Sight) {
        self.book.sight(&key, &sight, self.rules, self.now);
    }

    fn pass(&mut self, seconds: u64) {
        self.now.instant += Duration::from_secs(seconds);
        self.now.time = UnixTime(self.now.time.0 + seconds);
    }

    fn due(&mut self) -> Vec<Act> {
        self.book.due(self.rules, self.now)
    }
}

#[test]
fn a_key_that_is_pulled_out_locks_its_session_and_no_other() {
    let mut scene = Scene::new();
    scene.open(row(8, "taro", "taro", OTHER), "3");
    let acts = scene.book.plugged(&["/dev/hidraw8".into()], false);
    assert_eq!(acts, [look(KEY, true)], "the other one's key is not asked");
    scene.sight(KEY, Sight::Absent);
    assert_eq!(deeds(scene.due()), [Act::Lock(session("2"))]);
    let acts = scene.see(&[seen("2", 7, true)]);
    assert_eq!(records(&acts), [(EventName::SessionLocked, Some(Code::LockedByRemoval))]);
    scene.pass(60);
    assert_eq!(scene.due(), [], "it is locked");
    let who = scene.book.who(|_| true);
    let locked: Vec<_> = who.iter().map(|one| (one.locked.is_some(), one.key_here)).collect();
    assert_eq!(locked, [(true, Some(false)), (false, Some(true))]);
}

#[test]
fn a_reset_of_the_port_locks_nothing() {
    let mut scene = Scene::new();
    assert_eq!(scene.book.plugged(&[], false), [look(KEY, true)]);
    // It comes back as another node while it is looked for: that may have been seen before it was
    // unplugged again.
    assert_eq!(scene.book.plugged(&["/dev/hidraw9".into()], false), []);
    scene.sight(KEY, Sight::Here("/dev/hidraw9".into()));
    assert_eq!(deeds(scene.due()), [look(KEY, false)]);
    scene.sight(KEY, Sight::Here("/dev/hidraw9".into()));
    assert_eq!(scene.due(), []);
    assert_eq!(scene.book.plugged(&["/dev/hidraw9".into()], false), [], "known by its new node");
    // So quick that the list is the same.
    assert_eq!(scene.book.plugged(&["/dev/hidraw9".into()], true), [look(KEY, true)]);
}

#[test]
fn who_puts_the_key_back_before_anything_locked_goes_on() {
    let mut scene = Scene::new();
    scene.book.plugged(&[], false);
    scene.sight(KEY, Sight::Absent);
    assert_eq!(deeds(scene.due()), [Act::Lock(session("2"))]);
    assert_eq!(scene.book.plugged(&["/dev/hidraw7".into()], false), [look(KEY, true)]);
    scene.sight(KEY, Sight::Here("/dev/hidraw7".into()));
    scene.pass(10);
    assert_eq!(scene.due(), []);
}

#[test]
fn a_session_in_which_no_locker_answers_is_ended() {
    for on_removal in [OnRemoval::Lock, OnRemoval::Greeter] {
        let mut scene = Scene::new();
        scene.rules.on_removal = on_removal;
        scene.book.plugged(&[], false);
        scene.sight(KEY, Sight::Absent);
        let first = deeds(scene.due());
        assert_eq!(first.first(), Some(&Act::Lock(session("2"))));
        let greeter = first.contains(&Act::Greeter(session("2")));
        assert_eq!(greeter, on_removal == OnRemoval::Greeter);
        for _ in 0..4 {
            scene.pass(1);
            assert_eq!(deeds(scene.due()), [Act::Lock(session("2"))], "asked again");
        }
        scene.pass(1);
        let acts = scene.due();
        let told = [(EventName::SessionNotLocked, Some(Code::NoLockerAnswered))];
        assert_eq!(records(&acts), told);
        assert_eq!(deeds(acts), [Act::End(session("2"))]);
        scene.pass(1);
        assert_eq!(scene.due(), [Act::End(session("2"))], "until it is gone, and told once");
        let acts = scene.book.see(&[], scene.now);
        assert_eq!(records(&acts), [(EventName::SessionEnded, Some(Code::EndedByRemoval))]);
        assert!(scene.book.is_empty());
    }
}

#[test]
fn a_desktop_that_has_just_begun_has_longer_for_its_locker() {
    let mut scene = Scene::new();
    scene.open(row(8, "taro", "taro", OTHER), "3");
    // Pulled out within the login: the first look does not find it.
    scene.sight(OTHER, Sight::Absent);
    for _ in 0..20 {
        assert_eq!(deeds(scene.due()), [Act::Lock(session("3"))]);
        scene.pass(1);
    }
    assert_eq!(deeds(scene.due()), [Act::End(session("3"))]);
}

#[test]
fn a_policy_that_ends_sessions_ends_locked_ones_too() {
    let mut scene = Scene::new();
    scene.rules.on_removal = OnRemoval::End;
    scene.see(&[seen("2", 7, true)]);
    scene.book.plugged(&[], false);
    scene.sight(KEY, Sight::Absent);
    assert_eq!(deeds(scene.due()), [Act::End(session("2"))]);
    // A locker that answers meanwhile does not keep it.
    scene.see(&[seen("2", 7, false)]);
    scene.see(&[seen("2", 7, true)]);
    scene.pass(1);
    assert!(deeds(scene.due()).contains(&Act::End(session("2"))));
}

#[test]
fn a_policy_that_says_nothing_locks_nothing() {
    let mut scene = Scene::new();
    scene.rules = SessionRules::default();
    scene.book.plugged(&[], false);
    scene.sight(KEY, Sight::Absent);
    scene.pass(100_000);
    assert_eq!(scene.due(), []);
    assert_eq!(scene.book.next(scene.rules, scene.now), None);
}

#[test]
fn two_factors_are_asked_for_again_after_idling_and_after_the_longest_time() {
    let mut scene = Scene::new();
    let idle = |idle| Seen { idle, ..seen("2", 7, false) };
    scene.see(&[idle(899)]);
    assert_eq!(scene.due(), []);
    scene.see(&[idle(900)]);
    assert_eq!(deeds(scene.due()), [Act::Lock(session("2"))]);
    let acts = scene.see(&[seen("2", 7, true)]);
    assert_eq!(records(&acts), [(EventName::SessionLocked, Some(Code::LockedByIdling))]);

    let mut scene = Scene::new();
    let next = scene.book.next(scene.rules, scene.now).unwrap();
    assert!(next > scene.now.instant);
    scene.pass(43_200 - 3600 - 1);
    assert_eq!(scene.due(), []);
    scene.pass(1);
    assert_eq!(deeds(scene.due()), [Act::Lock(session("2"))]);
    let acts = scene.see(&[seen("2", 7, true)]);
    assert_eq!(records(&acts), [(EventName::SessionLocked, Some(Code::LockedByAge))]);
    // Unlocked otherwise than by a login, it locks again at once.
    scene.see(&[seen("2", 7, false)]);
    assert_eq!(deeds(scene.due()).last(), Some(&Act::Lock(session("2"))));
}

#[test]
fn an_agent_that_was_restarted_goes_on_with_the_sessions_of_this_boot() {
    let now = Now { instant: Instant::now(), time: UnixTime(5000) };
    let kept =
        Opened { session: Some("2".into()), is_recorded: true, ..row(7, "hanako", "hanako", KEY) };
    let unrecorded = row(8, "taro", "taro", OTHER);
    let before = Opened {
        boot: Bytes::new(*b"old").unwrap(),
        is_recorded: true,
        ..row(9, "kenji", "kenji", OTHER)
    };
    let mut book = Book::default();
    let acts = book.restore(vec![kept, unrecorded, before], b"boot", now);
    assert_eq!(records(&acts), [(EventName::SessionEnded, Some(Code::EndNotSeen))]);
    assert_eq!(deeds(acts), [look(KEY, false), look(OTHER, false)], "swapped meanwhile?");
    // What logind does not show any more has ended.
    let acts = book.see(&[seen("3", 8, false)], now);
    let mut told = records(&acts);
    told.sort_by_key(|(name, _)| name.number());
    assert_eq!(told, [(EventName::SessionStarted, None), (EventName::SessionEnded, None)]);
}

#[test]
fn a_key_process_that_is_away_for_long_locks_and_one_that_is_restarted_does_not() {
    let mut scene = Scene::new();
    assert_eq!(scene.book.doubt(), [look(KEY, false)]);
    for _ in 0..9 {
        scene.sight(KEY, Sight::Unreachable);
        scene.pass(1);
        assert_eq!(deeds(scene.due()), [look(KEY, false)], "asked again every second");
    }
    scene.sight(KEY, Sight::Here("/dev/hidraw0".into()));
    assert_eq!(scene.due(), []);
    scene.book.doubt();
    scene.sight(KEY, Sight::Unreachable);
    scene.pass(10);
    scene.sight(KEY, Sight::Unreachable);
    assert_eq!(deeds(scene.due()), [Act::Lock(session("2"))]);
}

#[test]
fn a_helper_that_fails_is_told_once_and_asked_again() {
    let mut scene = Scene::new();
    scene.book.plugged(&[], false);
    scene.sight(KEY, Sight::Absent);
    assert_eq!(deeds(scene.due()), [Act::Lock(session("2"))]);
    let told = (EventName::SessionNotLocked, Some(Code::LockHelperFailed));
    assert_eq!(records(&scene.book.failed(&session("2"), "nobody there")), [told]);
    assert_eq!(scene.book.failed(&session("2"), "nobody there"), []);
    scene.pass(1);
    assert_eq!(deeds(scene.due()), [Act::Lock(session("2"))]);
}

#[test]
fn without_logind_sessions_are_recorded_and_that_nothing_locks_is_told() {
    let now = Now { instant: Instant::now(), time: UnixTime(1000) };
    let mut scene = Scene { book: Book::default(), now, rules: LOCK };
    scene.book.open(row(7, "hanako", "hanako", KEY), now);
    scene.pass(5);
    assert_eq!(records(&scene.due()), [(EventName::SessionStarted, None)]);
    scene.sight(KEY, Sight::Absent);
    let told = (EventName::SessionNotLocked, Some(Code::LockHelperFailed));
    assert_eq!(records(&scene.due()), [told]);
    scene.pass(1);
    assert_eq!(scene.due(), []);
    let acts = scene.book.close(7, Some(&name("taro")), scene.now);
    assert_eq!(acts, [], "another account's session of that process");
    let acts = scene.book.close(7, Some(&name("hanako")), scene.now);
    assert_eq!(records(&acts), [(EventName::SessionEnded, None)]);
    // One that ends before logind showed it has both records.
    scene.book.open(row(8, "taro", "taro", OTHER), scene.now);
    let acts = scene.book.close(8, None, scene.now);
    assert_eq!(
        records(&acts),
        [(EventName::SessionStarted, None), (EventName::SessionEnded, None)]
    );
}
