//! How much a terminal may send: what is over it waits at the terminal, and nothing is lost.

use std::time::Instant;

use serde_json::json;
use wardkey_core::codec;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::message::http::{Base64, EventsReply};
use wardkey_core::time::UnixTime;

use super::events;
use super::support::client::{Answer, Terminal};
use super::support::ward::Ward;
use super::support::{Deployment, now};

fn heartbeats(terminal: &Terminal, numbers: std::ops::Range<u32>) -> Vec<Base64> {
    let one = |number: u32| {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let mut event =
            Event::new(EventId::new(id), UnixTime(now()), EventName::Heartbeat, Outcome::Success);
        event.terminal = Some(terminal.id);
        event.detail = Some("x".repeat(400));
        Base64(codec::to_bytes(&event))
    };
    numbers.map(one).collect()
}

fn send(terminal: &Terminal, events: &[Base64]) -> Answer {
    terminal.client.post("/v1/events", &json!({ "events": events }))
}

/// Sends as an agent does: what is acknowledged is gone, the rest comes again. What is left when it
/// is told to wait, and for how long.
fn drain(terminal: &Terminal, mut left: Vec<Base64>) -> (Vec<Base64>, Option<(String, u64)>) {
    while !left.is_empty() {
        let batch: Vec<Base64> = left.iter().take(256).cloned().collect();
        let answer = send(terminal, &batch);
        if answer.status == 429 {
            return (left, Some((answer.refusal().1, answer.retry_after.unwrap())));
        }
        let reply: EventsReply = answer.json();
        assert!(!reply.accepted.is_empty() && reply.refused.is_empty());
        left.retain(|event| {
            let read: Event = codec::from_bytes(&event.0).unwrap();
            !reply.accepted.contains(&Base64(read.id.as_bytes().to_vec()))
        });
    }
    (left, None)
}

#[test]
fn a_flood_of_one_terminal_is_slowed_and_the_others_go_on() {
    let deployment = Deployment::with("[limits]\nevents = 100");
    let running = deployment.start();
    let (loud, quiet) =
        (deployment.join(&running, "loud", &["icu"]), deployment.join(&running, "quiet", &["icu"]));
    let begun = Instant::now();
    let (left, told) = drain(&loud, heartbeats(&loud, 0..300));
    // A hundred at once, and as many a minute as long as it took.
    let more = (begun.elapsed().as_secs_f64() * 100.0 / 60.0).ceil() as usize;
    assert!((200_usize.saturating_sub(more)..=200).contains(&left.len()), "{}", left.len());
    let (code, seconds) = told.unwrap();
    assert_eq!(code, "WK-1522");
    assert!((1..=60).contains(&seconds));
    assert_eq!(
        send(&quiet, &heartbeats(&quiet, 1000..1050)).json::<EventsReply>().accepted.len(),
        50
    );
    // Later the rest is taken.
    let mut left = left;
    for _ in 0..3 {
        running.server().app().limiter.forget();
        left = drain(&loud, left).0;
    }
    assert!(left.is_empty());
    assert_eq!(
        deployment
            .rows(&["events", "list", "--terminal", "loud", "--limit", "1000"])
            .as_array()
            .unwrap()
            .len(),
        300
    );
}

/// What is over the rate is not even read as JSON; it is taken from the wire, so that the answer
/// arrives.
#[test]
fn a_body_is_not_looked_at_when_the_allowance_is_used_up() {
    let deployment = Deployment::with("[limits]\nevents = 1");
    let running = deployment.start();
    let loud = deployment.join(&running, "loud", &["icu"]);
    let junk = "[".repeat(5 << 20);
    let send_junk = || loud.client.post_as("/v1/events", "application/json", &junk).refusal();
    assert_eq!(send_junk(), (400, "WK-1516".into()));
    running.server().app().limiter.forget();
    assert_eq!(send(&loud, &[]).status, 200, "also a request without events");
    for _ in 0..3 {
        assert_eq!(send_junk(), (429, "WK-1522".into()));
    }
}

#[test]
fn a_day_s_volume_is_bounded_recorded_once_and_nothing_is_lost() {
    let deployment = Deployment::with("[limits]\nevents = 1000000\nevent_megabytes = 1");
    // One moment for both servers: no midnight comes in between.
    let begun = now();
    let running = deployment.start_at(begun);
    let (loud, quiet) =
        (deployment.join(&running, "loud", &["icu"]), deployment.join(&running, "quiet", &["icu"]));
    let all = heartbeats(&loud, 0..900);
    let (left, told) = drain(&loud, all.clone());
    let stored = all.len() - left.len();
    assert!((500..800).contains(&stored), "{stored}");
    let (code, seconds) = told.unwrap();
    assert_eq!(code, "WK-1522");
    assert!((1..=3600).contains(&seconds));
    for _ in 0..3 {
        assert_eq!(send(&loud, &left[..10]).refusal(), (429, "WK-1522".into()));
    }
    assert_eq!(deployment.actions().iter().filter(|action| *action == "terminal.quota").count(), 1);
    // What is stored already is still acknowledged: it takes no room.
    assert_eq!(send(&loud, &all[..20]).json::<EventsReply>().accepted.len(), 20);
    assert_eq!(
        send(&quiet, &heartbeats(&quiet, 5000..5050)).json::<EventsReply>().accepted.len(),
        50
    );
    // A restart gives nothing back; the next day does.
    running.stop();
    let running = deployment.start_at(begun);
    let loud = Terminal {
        client: super::support::client::Client::new(&running, Some((&loud.certificate, &loud.key))),
        ..loud
    };
    assert_eq!(send(&loud, &left[..1]).status, 429);
    running.pass(86_400);
    let (left, told) = drain(&loud, left);
    assert!(left.is_empty() && told.is_none());
    let listed = deployment.rows(&["events", "list", "--terminal", "loud", "--limit", "2000"]);
    assert_eq!(listed.as_array().unwrap().len(), 900);
}

/// One row that the database refuses would undo the whole batch, each time that it comes.
#[test]
fn what_no_database_takes_is_set_aside_and_holds_up_nothing_of_its_batch() {
    let (ward, key) = Ward::with_key();
    let time = now();
    let beat = |id: u8, service: &str, at: u64| {
        let (name, outcome) = (EventName::Heartbeat, Outcome::Success);
        let mut event = Event::new(EventId::new([id; 16]), UnixTime(at), name, outcome);
        event.terminal = Some(ward.terminal.id);
        event.service = Some(service.into());
        event
    };
    // The most that one event holds, with the index in which the service stands.
    let long = "x".repeat(12_000);
    let wrong = [beat(1, "su\0do", time), beat(2, &long, time), beat(3, "sudo", u64::MAX)];
    let good = events::login(&key, ward.terminal.id, time, 5);
    let batch = [&wrong[..], std::slice::from_ref(&good)].concat();
    for _ in 0..2 {
        let reply = events::send(&ward.terminal, &batch);
        assert_eq!(reply.accepted, [Base64(good.id.as_bytes().to_vec())]);
        let refused: Vec<_> = reply.refused.into_iter().map(|refused| refused.id.0).collect();
        assert_eq!(refused, [[1; 16], [2; 16], [3; 16]].map(Vec::from));
    }
    assert_eq!(ward.deployment.rows(&["events", "list"]).as_array().unwrap().len(), 1);
    let set_aside = |action: &&String| *action == "event.set-aside";
    assert_eq!(ward.deployment.actions().iter().filter(set_aside).count(), 1);
}
