//! A wrong clock of the server must not reach terminals: they never go back behind a signed time.

use serde_json::json;
use wardkey_core::document::{Head, TerminalDocument};
use wardkey_core::id::Nonce;
use wardkey_core::message::http::{Base64, TimeReply, WaitReply};
use wardkey_core::server_time::Attested;
use wardkey_core::sign;
use wardkey_core::time::{ClockReading, UnixTime};

use super::support::client::{Client, Terminal, request, state};
use super::support::{Deployment, Running, now, until};

const DAY: u64 = 86_400;
const YEARS: u64 = 5 * 365 * DAY;

/// The times of all that a terminal is given now: heads and its own document.
fn signed_times(running: &Running, terminal: &Terminal) -> Vec<u64> {
    let reply: WaitReply = terminal.wait_with(&[], 0, 0, 0).json();
    let publish = running.root().publish_keys.to_vec();
    let head = |bytes: &[u8]| sign::verify::<Head>(bytes, &publish).unwrap().issued.0;
    let document = reply
        .terminal
        .map(|bytes| sign::verify::<TerminalDocument>(&bytes.0, &publish).unwrap().issued.0);
    reply.heads.iter().map(|bytes| head(&bytes.0)).chain(document).collect()
}

fn is_ready(running: &Running) -> bool {
    let answer = running.anyone().get("/readyz");
    assert!(answer.status == 200 || answer.body.contains("WK-1923"), "{}", answer.body);
    answer.status == 200
}

/// Waits until the store knows what the running server thinks of the clock.
fn until_recorded(deployment: &Deployment, action: &str) {
    until(action, || deployment.actions().iter().any(|found| found == action));
}

#[test]
fn a_clock_that_is_set_forward_signs_nothing_and_revocations_still_arrive() {
    let deployment = Deployment::new();
    deployment.ok(&["person", "add", "a", "--name", "a", "--scope", "icu"]);
    let begun = now();
    let running = deployment.start_at(begun);
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let have: Vec<_> = terminal.heads(&running).iter().map(state).collect();
    assert!(is_ready(&running));
    running.clock.set(begun + YEARS);
    until_recorded(&deployment, "clock.refused");
    assert!(!is_ready(&running));
    assert!(signed_times(&running, &terminal).iter().all(|time| *time == begun));
    // News is published by the last good time.
    deployment.ok(&["person", "disable", "a"]);
    running.settle();
    let reply: WaitReply = terminal.wait(&have, 0).json();
    let head: Head = sign::peek(&reply.heads[0].0).unwrap();
    assert!(head.seq > have[0].seq && head.issued.0 == begun && head.expires.0 == begun + 900);
    // What cannot be taken back is not made at all.
    let token = deployment.ok(&["terminal", "token", "--scope", "icu"]);
    assert_eq!(
        Terminal::join(&running, &token, "ward-2", b"2").err().unwrap(),
        (503, "WK-1121".into())
    );
    // Set right, it goes on by itself.
    running.clock.set(begun + 60);
    assert!(is_ready(&running));
    until_recorded(&deployment, "clock.plausible");
    Terminal::join(&running, &token, "ward-2", b"2").unwrap();
    running.pass(500);
    assert!(
        signed_times(&running, &terminal)
            .iter()
            .all(|time| *time == begun + 560 || *time == begun + 60)
    );
}

#[test]
fn a_terminal_asks_for_the_time_with_a_challenge() {
    let deployment = Deployment::new();
    let begun = now();
    let running = deployment.start_at(begun);
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let other = deployment.join(&running, "ward-2", &["icu"]);
    let nonce = Nonce::new([7; 32]);
    let ask = |client: &Client| {
        client.post("/v1/time", &json!({ "nonce": Base64(nonce.as_bytes().to_vec()) }))
    };
    let reading = ClockReading { realtime: UnixTime(0), boottime: 50, boot_id: Default::default() };
    let verify = |signed: &[u8], terminal: &Terminal, nonce: &Nonce| {
        Attested::verify(signed, &running.root(), &terminal.id, nonce, reading.clone())
    };
    running.pass(500);
    let signed = ask(&terminal.client).json::<TimeReply>().signed.0;
    assert_eq!(verify(&signed, &terminal, &nonce).unwrap().signed(), UnixTime(begun + 500));
    assert!(
        verify(&signed, &other, &nonce).is_err()
            && verify(&signed, &terminal, &Nonce::new([8; 32])).is_err()
    );

    // Nobody else gets one, nor anybody by a clock that is not to be trusted.
    assert_eq!(ask(&running.anyone()).refusal(), (401, "WK-1514".into()));
    deployment.ok(&["terminal", "revoke", &other.id.to_hex()]);
    running.settle();
    assert_eq!(ask(&other.client).refusal(), (403, "WK-1010".into()));
    running.clock.set(begun + YEARS);
    until_recorded(&deployment, "clock.refused");
    assert_eq!(ask(&terminal.client).refusal(), (503, "WK-1121".into()));
}

#[test]
fn a_restart_does_not_make_a_jump_right_and_a_confirmation_does() {
    let deployment = Deployment::new();
    let begun = now();
    let running = deployment.start_at(begun);
    // Ten days would be no trouble if the server had been off, or had just started.
    running.pass(1000);
    assert!(is_ready(&running));
    running.clock.set(begun + 10 * DAY);
    until_recorded(&deployment, "clock.refused");
    running.stop();
    let running = deployment.start_at(begun + 10 * DAY + 5);
    assert!(!is_ready(&running));
    let shown = running.server().app().publisher.shown();
    assert!(shown.values().all(|shown| shown.head.issued.0 == begun + 1000));
    running.stop();
    // The machine's clock is the real one: nobody confirms what it does not say.
    assert!(
        deployment.refused(1, &["clock", "confirm", "2031-01-01"]).contains("set it right first")
    );
    deployment.refused(2, &["clock", "confirm", "tomorrow"]);
    let date =
        deployment.ok(&["clock", "show"]).split_whitespace().nth(1).unwrap()[..10].to_owned();
    deployment.ok(&["clock", "confirm", &date, "--reason", "looked at my watch"]);
    assert_eq!(deployment.json(&["clock", "show"])["plausible"], true);
    let running = deployment.start();
    assert!(is_ready(&running));
    assert!(deployment.actions().contains(&"clock.confirm".to_owned()));
}

#[test]
fn a_server_that_was_off_for_long_asks_and_takes_the_answer_while_it_runs() {
    for (off, is_fine) in [(29 * DAY, true), (31 * DAY, false), (YEARS, false)] {
        let deployment = Deployment::new();
        // As if the last signature was so long ago.
        let signed = now() - off;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = deployment.store().await;
            let mut tx = store.write().await.unwrap();
            wardkey_server::store::clock::write(
                &mut tx,
                wardkey_core::time::UnixTime(signed),
                None,
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
            store.close().await;
        });
        let running = deployment.start();
        assert_eq!(is_ready(&running), is_fine, "{off}");
        if is_fine {
            continue;
        }
        let issued = |running: &Running| {
            running.settle();
            running
                .server()
                .app()
                .publisher
                .shown()
                .values()
                .map(|shown| shown.head.issued.0)
                .max()
                .unwrap()
        };
        assert_eq!(issued(&running), signed);
        assert!(deployment.ok(&["clock", "show"]).contains("ahead"));
        let date =
            deployment.ok(&["clock", "show"]).split_whitespace().nth(1).unwrap()[..10].to_owned();
        deployment.ok(&["clock", "confirm", &date]);
        assert!(issued(&running) >= signed + off);
        assert!(is_ready(&running));
    }
}

/// Certificates are judged by the time that is signed by: a wall clock of 2031, or of 1970 after a
/// power cut, would make TLS refuse every terminal, and no revocation arrive.
#[test]
fn terminals_come_and_hear_of_revocations_whatever_the_wall_clock_says() {
    for (years, name) in [(YEARS, "a"), (0, "b")] {
        let deployment = Deployment::new();
        deployment.ok(&["person", "add", name, "--name", name, "--scope", "icu"]);
        let begun = now();
        let running = deployment.start_at(begun);
        let terminal = deployment.join(&running, "ward-1", &["icu"]);
        // Three weeks pass, and the terminal renews: by this machine's own clock its certificate is
        // of the future, by the time that is signed by it is good.
        running.pass(21 * DAY);
        let begun = begun + 21 * DAY;
        let body = serde_json::json!({ "csr": Base64(request(&terminal.key)) });
        let reply = terminal.client.post("/v1/renew", &body).json();
        let terminal = Terminal::new(&running, &reply, terminal.key);
        let have: Vec<_> = terminal.heads(&running).iter().map(state).collect();
        let wrong = if years == 0 { 0 } else { begun + years };
        // Set while it runs, and wrong at the start; with connections of their own.
        running.clock.set(wrong);
        let anew =
            |running: &Running| Client::new(running, Some((&terminal.certificate, &terminal.key)));
        let body = serde_json::json!({
            "scopes": [], "root_version": 1, "terminal_number": 0, "terminal_issued": 0, "hold": 0,
        });
        assert_eq!(anew(&running).post("/v1/wait", &body).status, 200, "{wrong}");
        until_recorded(&deployment, "clock.refused");
        running.stop();
        let running = deployment.start_at(wrong);
        assert!(!is_ready(&running));
        deployment.ok(&["person", "disable", name]);
        running.settle();
        let reply: WaitReply = anew(&running).post("/v1/wait", &body).json();
        let head: Head = sign::peek(&reply.heads[0].0).unwrap();
        assert!(head.seq > have[0].seq && head.issued.0 == begun, "{wrong}");
    }
}

#[test]
fn a_clock_that_is_set_back_signs_nothing_older() {
    let deployment = Deployment::new();
    let begun = now();
    let running = deployment.start_at(begun);
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    running.clock.set(begun - DAY);
    assert!(!is_ready(&running));
    assert!(signed_times(&running, &terminal).iter().all(|time| *time == begun));
    running.stop();
    let running = deployment.start_at(begun - DAY);
    assert!(!is_ready(&running));
    running.stop();
    // A few minutes are no more than what time servers correct; signed time does not go back by
    // them.
    let running = deployment.start_at(begun - 200);
    assert!(is_ready(&running));
    // How far was signed is written once a minute.
    assert!(running.server().app().publisher.time().0 > begun - 60);
}

/// Terminals say when something happened; that moves nothing.
#[test]
fn the_time_of_events_moves_no_clock() {
    use wardkey_core::codec;
    use wardkey_core::event::{Event, EventName, Outcome};
    use wardkey_core::id::EventId;
    use wardkey_core::time::UnixTime;
    let deployment = Deployment::new();
    let begun = now();
    let running = deployment.start_at(begun);
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    let mut event = Event::new(
        EventId::new([1; 16]),
        UnixTime(begun + YEARS),
        EventName::Heartbeat,
        Outcome::Success,
    );
    event.terminal = Some(terminal.id);
    let body = serde_json::json!({ "events": [Base64(codec::to_bytes(&event))] });
    assert_eq!(terminal.client.post("/v1/events", &body).status, 200);
    running.stop();
    // At a start five years later the store's newest time is still that of the last signature.
    let running = deployment.start_at(begun + YEARS);
    assert!(!is_ready(&running));
}
