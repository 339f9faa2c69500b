//! What is old: below the marks, beyond the time of head and terminal document, or judged by a
//! clock that was set back.

use wardkey_core::code::Code;
use wardkey_core::codec::{Bytes, List};
use wardkey_core::document::Position;
use wardkey_core::id::Hash;
use wardkey_core::marks::{Marks, ScopeMark};
use wardkey_core::message::agent::{Reply as AgentReply, Request as AgentRequest};
use wardkey_core::time::{ClockFloor, ClockReading, UnixTime};
use wardkey_testkit::{Deployment, T0, scope};

use super::scene::*;
use super::taken_over::shown;

#[test]
fn what_is_older_than_the_marks_is_refused() {
    let deployment = Deployment::new();
    let mut marks = Marks::default();
    deployment.snapshot("hanako").unwrap().raise(&mut marks);
    let evidence = deployment.evidence("hanako");
    let raised = |change: &dyn Fn(&mut Marks)| {
        let mut marks = marks.clone();
        change(&mut marks);
        marks
    };
    let ward3 = |position, root| ScopeMark {
        scope: scope("ward3"),
        position,
        root,
        policy: deployment.scopes[1].0.head.policy,
    };
    let at = |epoch, seq| Position { epoch, seq };
    let root = deployment.scopes[1].0.head.root;
    // (what, marks, code)
    for (what, marks, code) in [
        ("later state", raised(&|m| m.raise_scope(ward3(at(1, 11), root))), Code::Rollback),
        ("later epoch", raised(&|m| m.raise_scope(ward3(at(2, 0), root))), Code::Rollback),
        ("later root", raised(&|m| m.root_version = 2), Code::Rollback),
        ("later terminal document", raised(&|m| m.terminal_number = 2), Code::Rollback),
        (
            "another state of the same number",
            Marks {
                scopes: List::new(vec![ward3(at(1, 10), Hash::new([1; 32]))]).unwrap(),
                ..Marks::default()
            },
            Code::Fork,
        ),
    ] {
        let seen = shown(evidence.clone(), &marks);
        assert_eq!(
            (seen.code(), seen.pin_sent(), seen.person.questions.len()),
            (code.number(), false, 0),
            "{what}"
        );
        assert_eq!(seen.marks, marks, "{what}");
    }
}

#[test]
fn a_year_old_head_and_a_clock_set_back_extend_nothing() {
    let evidence = Deployment::new().evidence("hanako");
    let year = 365 * 24 * 3600;
    let seen_then = |time| {
        let floor = ClockFloor {
            time: UnixTime(time),
            boottime: 1_000,
            boot_id: Bytes::new(*b"boot").unwrap(),
        };
        Marks { floor, ..Marks::default() }
    };
    // (the clock says, marks)
    for (clock, marks) in [
        (T0 + year, Marks::default()),
        // The clock was set back to where the head is valid, but this machine has seen a later
        // signed time.
        (T0, seen_then(T0 + year)),
        (0, seen_then(T0 + year)),
        // ... or has run for so long since.
        (T0, seen_then(T0 + 8 * 24 * 3600)),
    ] {
        let mut scene = Scene::new();
        scene.machine = FakeMachine::at(clock);
        *scene.machine.marks.lock().unwrap() = marks;
        let evidence = evidence.clone();
        scene.agent_instead(move |_, request| match request {
            AgentRequest::Begin(_) => {
                let grant = grant_of(evidence.clone());
                vec![Act::Say(AgentReply::Granted(Box::new(grant)))]
            }
            _ => vec![],
        });
        let seen = scene.run();
        assert_eq!(
            (seen.code(), seen.pin_sent()),
            (Code::OfflineTooLong.number(), false),
            "{clock}"
        );
    }
}

#[test]
fn a_refusal_for_being_offline_is_not_undone_by_a_reboot_with_the_clock_set_back() {
    let boot = |name: &[u8], boottime| ClockReading {
        realtime: UnixTime(T0),
        boottime,
        boot_id: Bytes::new(name).unwrap(),
    };
    let floor =
        ClockFloor { time: UnixTime(T0), boottime: 1_000, boot_id: Bytes::new(*b"boot").unwrap() };
    let mut marks = Marks { floor, ..Marks::default() };
    // The clock stands still; by CLOCK_BOOTTIME eight days have gone by. Then the machine is
    // started again.
    for reading in [boot(b"boot", 1_000 + 8 * 86_400), boot(b"next", 5), boot(b"one more", 5)] {
        let scene = Scene::new();
        *scene.machine.clock.lock().unwrap() = reading.clone();
        *scene.machine.marks.lock().unwrap() = marks;
        let seen = scene.run();
        assert_eq!(
            (seen.code(), seen.pin_sent()),
            (Code::OfflineTooLong.number(), false),
            "{reading:?}"
        );
        assert_eq!(seen.marks.floor.boot_id, reading.boot_id, "what elapses from here on counts");
        marks = seen.marks;
    }
    // Without that refusal in between, the days of a whole boot count all the same.
    let floor =
        ClockFloor { time: UnixTime(T0), boottime: 1_000, boot_id: Bytes::new(*b"boot").unwrap() };
    let scene = Scene::new();
    *scene.machine.clock.lock().unwrap() = boot(b"next", 8 * 86_400);
    *scene.machine.marks.lock().unwrap() = Marks { floor, ..Marks::default() };
    assert_eq!(scene.run().code(), Code::OfflineTooLong.number());
}
