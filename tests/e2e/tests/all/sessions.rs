//! Leave, and it locks: sessions of keys, with production binaries, a real bus and a stand-in for
//! logind.

use std::time::Duration;

use wardkey_e2e::audit::{self, Record};
use wardkey_e2e::process::wait_for;
use wardkey_e2e::sessions::stamp;
use wardkey_e2e::{Helper, Login, Logind, PIN, SignedIn, SoftKey, Ward};

const HANAKO: u32 = 2001;
const WARD3: u32 = 2100;
/// In microseconds, the time for which an agent that looks by itself waits for a key to answer: who
/// is sooner was told that it went.
const TOLD: u128 = 3_000_000;
/// The shortest time, in microseconds, for which a key may be out before it counts as pulled out;
/// and a bit less than that.
const RESET: u128 = 600_000;

/// A ward whose scopes are as new ones are: sessions lock with their keys.
struct Scene {
    ward: Ward,
    logind: Logind,
    helper: Helper,
}

impl Scene {
    fn new() -> Self {
        let logind = Logind::start();
        let ward = Ward::ready();
        Self { ward, logind, helper: Helper::start() }
    }

    /// Hanako signed in, at session 2, with her key in port 0.
    fn signed_in() -> (Self, SignedIn) {
        let scene = Self::new();
        let hanako = SignedIn::begin(&scene.logind, "hanako", HANAKO, "2");
        scene.ward.terminal.wait_signed_in("2");
        (scene, hanako)
    }

    /// Says what happens on removal.
    fn on_removal(&self, what: &str) {
        for scope in ["ward3", "roaming"] {
            self.ward.server.admin(&["scope", "set", scope, "--on-removal", what]);
        }
        self.ward.terminal.sync();
    }

    /// Pulls the key out of a port; how many microseconds later the call came.
    fn pull(&self, port: u8, call: &str) -> u128 {
        let pulled = stamp();
        self.ward.terminal.unplug_at(port);
        self.logind.wait_call(call, pulled, Duration::from_secs(60)) - pulled
    }

    /// Taro, with a key of his own in port 1.
    fn taro(&self) -> SoftKey {
        self.ward.server.add_person("taro", "Demo Taro", "en");
        self.ward.terminal.sync();
        let key = SoftKey::start("taro");
        self.ward.terminal.unplug();
        self.ward.terminal.plug_at(1, &key);
        self.ward.terminal.enroll(&self.ward.server, "taro");
        key
    }
}

/// The record of a session, with this reason.
fn record(event: &str, reason: Option<&str>) -> Record {
    wait_for(&format!("{event} {reason:?}"), Duration::from_secs(60), || {
        let is_it = |record: &Record| record.get("reason").map(String::as_str) == reason;
        audit::records_of(event).into_iter().find(is_it)
    })
}

#[test]
fn a_key_that_is_pulled_out_locks_its_session_at_once() {
    let (scene, hanako) = Scene::signed_in();
    let (terminal, logind) = (&scene.ward.terminal, &scene.logind);
    let mut took = Vec::new();
    for round in 1..=3 {
        took.push(scene.pull(0, "lock 2"));
        let who = terminal.wait_who("2", |who| who["locked"].is_u64());
        assert_eq!((&who["person"], &who["key_plugged"]), (&"hanako".into(), &false.into()));
        let locked = audit::wait_for_records("session-locked", round);
        assert_eq!(locked[round - 1]["reason"], "WK-1405");

        // The same key back: the locker's question has it at once.
        terminal.plug(&scene.ward.key);
        let unlocking = Login::at("screen-locker", "hanako").with(&["--uid", "2001"]).answer(PIN);
        unlocking.run().expect_in();
        logind.order("hint 2 no");
        terminal.wait_signed_in("2");
        audit::wait_for_records("session-unlocked", round);
    }
    println!("removal to lock: {took:?} microseconds");
    took.sort_unstable();
    assert!(took[1] < TOLD, "{took:?}");
    let unlocked = audit::records_of("session-unlocked");
    assert!(unlocked.iter().all(|one| one["outcome"] == "success"), "{unlocked:?}");

    hanako.leave();
    let ended = record("session-ended", None);
    assert_eq!((ended["person"].as_str(), ended["session"].as_str()), ("hanako", "2"));
    assert!(ended.contains_key("seconds") && ended.contains_key("key"), "{ended:?}");
    let started = record("session-started", None);
    assert_eq!((started["session"].as_str(), started["seat"].as_str()), ("2", "seat0"));
    assert!(terminal.who().is_empty());
}

#[test]
fn a_port_that_is_reset_locks_nothing_and_another_key_in_it_does() {
    let (scene, hanako) = Scene::signed_in();
    let terminal = &scene.ward.terminal;
    for pause in [0, 100, 400] {
        // On a machine that is busy with something else it may be out for longer than it was to be:
        // then it is pulled out, and says nothing of a reset.
        wait_for("a reset that is one", Duration::from_secs(120), || {
            let (before, since) = (scene.logind.calls().len(), stamp());
            terminal.unplug();
            std::thread::sleep(Duration::from_millis(pause));
            terminal.plug(&scene.ward.key);
            let was_out = stamp() - since;
            std::thread::sleep(Duration::from_secs(2));
            if was_out < RESET {
                assert_eq!(scene.logind.calls().len(), before, "out for {was_out} us");
            } else {
                scene.logind.order("hint 2 no");
            }
            terminal.wait_signed_in("2");
            (was_out < RESET).then_some(())
        });
    }
    let stranger = SoftKey::start("stranger");
    let pulled = stamp();
    terminal.unplug();
    terminal.plug(&stranger);
    scene.logind.wait_call("lock 2", pulled, Duration::from_secs(60));
    drop(hanako);
}

#[test]
fn of_two_keys_the_one_that_goes_locks_its_own_session() {
    let scene = Scene::new();
    let key = scene.taro();
    let taro = SignedIn::begin(&scene.logind, "taro", 2002, "3");
    scene.ward.terminal.wait_signed_in("3");
    scene.ward.terminal.plug(&scene.ward.key);
    let hanako = SignedIn::begin(&scene.logind, "hanako", HANAKO, "2");
    scene.ward.terminal.wait_signed_in("2");

    scene.pull(1, "lock 3");
    std::thread::sleep(Duration::from_secs(1));
    let calls = scene.logind.calls();
    assert!(calls.iter().all(|(_, call)| call == "lock 3"), "{calls:?}");
    drop((key, taro, hanako));
}

#[test]
fn a_session_without_a_locker_is_ended_and_a_policy_may_end_all() {
    let (scene, hanako) = Scene::signed_in();
    scene.logind.order("locker 2 no");
    // A desktop that has just begun has twenty seconds for its locker.
    scene.pull(0, "end 2");
    assert_eq!(record("session-not-locked", Some("WK-1411"))["person"], "hanako");
    record("session-ended", Some("WK-1409"));
    drop(hanako);

    scene.on_removal("end");
    scene.ward.terminal.plug(&scene.ward.key);
    let hanako = SignedIn::begin(&scene.logind, "hanako", HANAKO, "4");
    scene.ward.terminal.wait_signed_in("4");
    scene.pull(0, "end 4");
    drop(hanako);

    scene.on_removal("greeter");
    scene.ward.terminal.plug(&scene.ward.key);
    let hanako = SignedIn::begin(&scene.logind, "hanako", HANAKO, "5");
    scene.ward.terminal.wait_signed_in("5");
    scene.pull(0, "greeter");
    scene.ward.terminal.wait_who("5", |who| who["locked"].is_u64());
    drop(hanako);

    scene.on_removal("nothing");
    scene.ward.terminal.plug(&scene.ward.key);
    let hanako = SignedIn::begin(&scene.logind, "hanako", HANAKO, "6");
    scene.ward.terminal.wait_signed_in("6");
    let before = scene.logind.calls().len();
    scene.ward.terminal.unplug();
    scene.ward.terminal.wait_who("6", |who| who["key_plugged"] == false);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(scene.logind.calls().len(), before);
    drop(hanako);
}

#[test]
fn sessions_outlive_restarts_and_what_went_meanwhile_is_noticed() {
    let (mut scene, hanako) = Scene::signed_in();
    // logind.
    scene.logind.restart(std::slice::from_ref(&hanako.known));
    std::thread::sleep(Duration::from_secs(1));
    // The key process: its keys are looked for anew when it is back.
    scene.ward.terminal.stop_key();
    scene.ward.terminal.start_key();
    scene.ward.terminal.plug(&scene.ward.key);
    scene.ward.terminal.wait_signed_in("2");
    // The agent, killed.
    scene.ward.terminal.kill_agent();
    scene.ward.terminal.start_agent();
    scene.ward.terminal.wait_signed_in("2");
    assert_eq!(scene.logind.calls(), [], "nothing was locked by all that");
    assert_eq!(audit::records_of("session-ended").len(), 0);

    // The key goes while nobody looks.
    scene.ward.terminal.kill_agent();
    scene.ward.terminal.unplug();
    let back = stamp();
    scene.ward.terminal.start_agent();
    scene.logind.wait_call("lock 2", back, Duration::from_secs(60));

    // The session ends while nobody looks.
    scene.ward.terminal.wait_who("2", |who| who["locked"].is_u64());
    scene.ward.terminal.kill_agent();
    scene.logind.order("end 2");
    scene.ward.terminal.start_agent();
    record("session-ended", None);
    drop(hanako);
}

#[test]
fn a_key_that_was_swapped_in_suspend_is_noticed() {
    let (scene, hanako) = Scene::signed_in();
    let stranger = SoftKey::start("stranger");
    // Nothing is seen of it: the same node, the same name.
    scene.ward.terminal.plug(&stranger);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(scene.logind.calls(), []);
    let awake = stamp();
    scene.logind.order("wake");
    scene.logind.wait_call("lock 2", awake, Duration::from_secs(60));
    drop(hanako);
}

#[test]
fn a_helper_that_is_not_there_is_told_and_asked_again() {
    let (mut scene, hanako) = Scene::signed_in();
    scene.helper.stop();
    scene.ward.terminal.unplug();
    assert_eq!(record("session-not-locked", Some("WK-1412"))["session"], "2");
    let back = stamp();
    scene.helper = Helper::start();
    scene.logind.wait_call("lock 2", back, Duration::from_secs(60));
    record("session-locked", Some("WK-1405"));
    drop(hanako);
}

#[test]
fn two_factors_are_asked_for_again_after_idling_and_unlocking_otherwise_is_told() {
    let (scene, hanako) = Scene::signed_in();
    scene.ward.server.admin(&["scope", "set", "ward3", "--idle", "10m"]);
    scene.ward.terminal.sync();
    let idle = stamp();
    scene.logind.order("idle 2 599");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(scene.logind.calls(), []);
    scene.logind.order("idle 2 601");
    scene.logind.wait_call("lock 2", idle, Duration::from_secs(60));
    record("session-locked", Some("WK-1406"));
    // Whoever may speak to logind may do that; it shows.
    scene.logind.order("idle 2 no");
    scene.logind.order("hint 2 no");
    let unlocked = record("session-unlocked", Some("WK-1410"));
    assert_eq!(unlocked["outcome"], "failure");
    drop(hanako);
}

#[test]
fn on_a_shared_account_the_person_is_recorded_each_time() {
    let scene = Scene::new();
    scene.ward.server.admin(&["scope", "share", "ward3", "--scope", "ward3", "--group", "nurses"]);
    let key = scene.taro();
    scene.ward.terminal.unplug_at(1);
    scene.ward.terminal.plug(&scene.ward.key);
    let shared = SignedIn::begin(&scene.logind, "ward3", WARD3, "7");
    let who = scene.ward.terminal.wait_signed_in("7");
    assert_eq!((&who["person"], &who["account"]), (&"hanako".into(), &"ward3".into()));

    scene.pull(0, "lock 7");
    scene.ward.terminal.wait_who("7", |who| who["locked"].is_u64());
    scene.ward.terminal.plug(&key);
    let unlocking = Login::at("screen-locker", "ward3").with(&["--uid", "2100"]).answer(PIN);
    unlocking.run().expect_in();
    scene.logind.order("hint 7 no");
    let changed = audit::wait_for_records("session-person-changed", 1).remove(0);
    assert_eq!((changed["person"].as_str(), changed["account"].as_str()), ("taro", "ward3"));
    scene.ward.terminal.wait_who("7", |who| who["person"] == "taro" && who["key_plugged"] == true);
    // From now on his key is the session's.
    scene.pull(0, "lock 7");
    shared.leave();
    assert_eq!(record("session-ended", None)["person"], "taro");
}

#[test]
fn who_is_let_in_stays_in_when_the_agent_is_gone_and_that_shows() {
    let (mut scene, hanako) = Scene::signed_in();
    scene.ward.terminal.kill_agent();
    // Closing is no failure of the application's.
    hanako.leave();
    let line = wait_for("the module's line", Duration::from_secs(60), || {
        audit::lines().into_iter().find(|line| line.contains("WK-1414"))
    });
    assert!(line.contains("hanako") && !line.contains(PIN), "{line}");
    // Accounts that Wardkey leaves alone are no business of the agent's.
    let local = Login::at(wardkey_e2e::terminal::SERVICE, "localadmin").answer("emergency");
    let ended = local.with(&["--session-until", "/"]).run().expect_in();
    assert_eq!(ended.result("open_session").as_deref(), Some("PAM_SUCCESS"));
}
