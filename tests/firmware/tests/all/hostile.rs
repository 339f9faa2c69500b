//! Keys that lie, each at each step of a login: a typed refusal within the
//! deadline, no panic, and never a grant of what the firmware did not sign for
//! this login. The firmware is honest throughout; the lies are put in between.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use wardkey_firmware_tests::directory::Directory;
use wardkey_firmware_tests::enrollment::Enrolled;
use wardkey_firmware_tests::plugged::{ES256, PIN, Plugged, RP, pin, soon, within};
use wardkey_key::KeyError;
use wardkey_key::keys::Limits;
use wardkey_softkey::Options;

/// What is allowed to an operation that is to end at its deadline: below the
/// half second after which a person is told to touch a key that says nothing.
const SHORT: Duration = Duration::from_millis(400);
/// What is allowed to any other, and not to be waited out.
const LONG: Duration = Duration::from_secs(60);
/// What an operation may take beyond its deadline, or without waiting for it:
/// the time for a CANCEL to be confirmed, and what a busy machine needs.
const BEYOND: Duration = Duration::from_secs(25);

/// Steps of a login in their order, and the operation in which each happens.
const STEPS: [(&str, &str); 7] = [
    ("init", "identify"),
    ("info", "identify"),
    ("identify", "identify"),
    ("retries", "retries"),
    ("agreement", "assert"),
    ("token", "assert"),
    ("assert", "assert"),
];

/// What may be waited for in an operation of which this is expected, and the
/// longest that it may take.
fn patience(operation: &str, expected: &str) -> (Duration, Duration) {
    let at_deadline = expected.starts_with(operation)
        && ["silent", "touchtimeout"].iter().any(|w| expected.ends_with(w));
    if at_deadline { (SHORT, SHORT + BEYOND) } else { (LONG, BEYOND) }
}

/// Does `operation` and sees that it ends in time.
fn timed<T>(
    operation: &str,
    expected: &str,
    body: impl FnOnce(&Limits) -> Result<T, KeyError>,
) -> Result<T, String> {
    let (allowed, longest) = patience(operation, expected);
    let begun = Instant::now();
    let outcome = body(&within(allowed));
    assert!(
        begun.elapsed() < longest,
        "{operation} took {:?}, expected {expected}",
        begun.elapsed()
    );
    outcome.map_err(|error| match error {
        KeyError::Malformed(_) => format!("{operation}: malformed"),
        other => format!("{operation}: {}", format!("{other:?}").to_lowercase()),
    })
}

/// A login: the operation that failed and how, what `core` said, or "granted".
fn attempt(
    plugged: &mut Plugged,
    directory: &Directory,
    id: &[u8],
    seed: u8,
    expected: &str,
) -> Result<String, String> {
    let ids = [id.to_vec()];
    let challenge = directory.challenge(seed);
    let bytes = wardkey_core::codec::to_bytes(&challenge);
    match timed("identify", expected, |limits| plugged.open.identify(RP, &ids, &bytes, limits))? {
        Some(claim) => drop(
            directory
                .prove(&challenge, &claim)
                .map_err(|denial| format!("proof: {}", denial.detail))?,
        ),
        None => return Err("identify: somebody else's".into()),
    }
    timed("retries", expected, |limits| plugged.open.retries(limits))?;
    let login = directory.client_data(seed);
    let assertion = timed("assert", expected, |limits| {
        plugged.assert_with(id, &login.to_bytes(), PIN, limits)
    })?;
    directory.decide(&login, &assertion).map_err(|denial| format!("core: {:?}", denial.code))?;
    Ok("granted".into())
}

/// Each case, a mode at a step and what becomes of a login, at the same time.
fn all(cases: &[(String, String)]) {
    let ready = Barrier::new(cases.len());
    std::thread::scope(|scope| {
        for (mode, expected) in cases {
            scope.spawn(|| one(mode, expected, Options::default(), &ready));
        }
    });
}

fn one(mode: &str, expected: &str, options: Options, ready: &Barrier) {
    let hostile = mode.parse().unwrap();
    let mut plugged = Plugged::new(Options { hostile: Some(hostile), ..options });
    // A mode that needs a second key wants to be known from the start.
    plugged.key.set_hostile(None).unwrap();
    plugged.open.set_pin(&pin(PIN), &soon()).unwrap();
    let enrolled = Enrolled::read(&plugged.enroll());
    let directory = Directory::of(vec![enrolled.record(RP)]);
    ready.wait();

    plugged.reopen();
    plugged.key.reset_exchanges();
    plugged.key.set_hostile(Some(hostile)).unwrap();
    let outcome = attempt(&mut plugged, &directory, &enrolled.id, 1, expected);
    assert_eq!(outcome.unwrap_or_else(|refusal| refusal), expected, "{mode}");
    let requests = plugged.requests();
    assert!(requests.len() <= 8, "{mode}: {requests:?}");
    let pins = requests.iter().filter(|name| name.contains("Token")).count();
    let at_pin = ["@token", "@assert"].iter().any(|step| mode.ends_with(step));
    // Another key in its place is an honest one, and asked for all of it.
    let at_pin = at_pin || mode.starts_with("swap") && expected.starts_with("assert");
    assert_eq!(pins, usize::from(at_pin || expected == "granted"), "{mode}: {requests:?}");

    // A time of madness, and all is well again.
    if plugged.key.is_gone() {
        return;
    }
    plugged.key.set_hostile(None).unwrap();
    plugged.reopen();
    let outcome = attempt(&mut plugged, &directory, &enrolled.id, 2, "granted");
    assert_eq!(outcome.as_deref(), Ok("granted"), "after {mode}");
}

/// A mode at every step of a login: the same refusal at each.
fn everywhere(mode: &str, refusal: &str) {
    everywhere_but(mode, refusal, &[]);
}

/// The same with steps at which something else comes of it.
fn everywhere_but(mode: &str, refusal: &str, but: &[(&str, &str)]) {
    let cases: Vec<_> = STEPS
        .iter()
        .map(|(step, operation)| {
            let special = but.iter().find(|(other, _)| other == step);
            let expected = special.map_or_else(
                || format!("{operation}: {refusal}"),
                |(_, expected)| (*expected).into(),
            );
            (format!("{mode}@{step}"), expected)
        })
        .collect();
    all(&cases);
}

fn cases(of: &[(&str, &str)]) {
    let cases: Vec<_> =
        of.iter().map(|(mode, expected)| ((*mode).to_owned(), (*expected).to_owned())).collect();
    all(&cases);
}

#[test]
fn a_silent_key() {
    everywhere("silent", "silent");
}

#[test]
fn answers_on_another_channel() {
    everywhere("wrong-channel", "silent");
}

#[test]
fn packets_out_of_sequence() {
    // An answer of one packet has no sequence.
    let short = [("init", "granted"), ("retries", "granted"), ("token", "granted")];
    everywhere_but("wrong-sequence", "malformed", &short);
}

#[test]
fn an_error_without_a_code() {
    everywhere("error-zero", "malformed");
}

#[test]
fn a_flood_of_keepalives() {
    everywhere_but("keepalive-flood", "", &STEPS.map(|(step, _)| (step, "granted")));
}

#[test]
fn short_authenticator_data() {
    cases(&[
        ("short-auth-data@identify", "identify: malformed"),
        ("short-auth-data@assert", "assert: malformed"),
    ]);
}

#[test]
fn a_version_that_is_no_text() {
    cases(&[("bad-version@info", "identify: malformed")]);
}

#[test]
fn two_thousand_million_credentials() {
    // What comes first is the honest answer; nothing more is asked for.
    cases(&[("many-credentials@identify", "granted"), ("many-credentials@assert", "granted")]);
}

#[test]
fn keepalives_without_end() {
    everywhere_but("endless-keepalive", "silent", &[("assert", "assert: touchtimeout")]);
}

#[test]
fn an_empty_answer() {
    everywhere("empty-cbor", "malformed");
    everywhere("empty-message", "malformed");
}

#[test]
fn garbage_and_impossible_lengths() {
    everywhere("garbage-cbor", "malformed");
    everywhere("huge-length", "malformed");
}

#[test]
fn a_key_that_is_pulled_out_at_any_step() {
    everywhere("unplug-mid", "removed");
}

#[test]
fn a_wrong_signature() {
    cases(&[
        ("bad-signature@identify", "proof: signature does not verify"),
        ("bad-signature@assert", "core: AssertionSignature"),
    ]);
}

#[test]
fn a_device_that_claims_to_be_a_key_gets_no_pin() {
    cases(&[
        ("echo", "proof: signature does not verify"),
        ("status:0x31@identify", "identify: pinwrong { tries_left: none }"),
        ("status:0x31@info", "identify: pinwrong { tries_left: none }"),
    ]);
    // What an honest key signed before is worth nothing now.
    let mut plugged = Plugged::with_pin();
    let enrolled = Enrolled::read(&plugged.enroll());
    let directory = Directory::of(vec![enrolled.record(RP)]);
    plugged.key.set_hostile(Some("replay".parse().unwrap())).unwrap();
    let outcomes: Vec<_> = (1..4)
        .map(|seed| {
            plugged.reopen();
            attempt(&mut plugged, &directory, &enrolled.id, seed, "granted")
        })
        .collect();
    let refused = || Err("proof: signature does not verify".to_owned());
    assert_eq!(outcomes, [Ok("granted".to_owned()), refused(), refused()]);
}

#[test]
fn a_key_that_lies_about_its_pin() {
    cases(&[
        ("status:0x31@token", "assert: pinwrong { tries_left: some(8) }"),
        ("status:0x32@token", "assert: pinblocked"),
        ("status:0x34@token", "assert: pinauthblocked"),
        ("status:0x33@assert", "assert: pinauthinvalid"),
        ("status:0x35@token", "assert: pinnotset"),
        ("status:0x2e@identify", "identify: somebody else's"),
        ("status:0x2e@assert", "assert: nocredentials"),
        ("status:0x7f@assert", "assert: status(127)"),
    ]);
}

#[test]
fn another_persons_key_in_its_place_with_the_same_pin() {
    let cases = [
        ("swap@init", "identify: somebody else's"),
        ("swap@info", "identify: somebody else's"),
        ("swap@identify", "identify: somebody else's"),
        ("swap@retries", "assert: nocredentials"),
        ("swap@agreement", "assert: nocredentials"),
        ("swap@token", "assert: pinwrong { tries_left: some(7) }"),
        ("swap@assert", "assert: pinauthinvalid"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let ready = Barrier::new(cases.len());
    std::thread::scope(|scope| {
        for (mode, expected) in cases {
            let options = Options { state: Some(folder.path().join(mode)), ..Options::default() };
            scope.spawn(|| {
                let swap_state = options.state.clone();
                Plugged::with_pin_and(options).enroll();
                one(mode, expected, Options { swap_state, ..Options::default() }, &ready);
            });
        }
    });
}

#[test]
fn hostile_at_enrollment() {
    let cases = [
        ("silent@make", "make: silent"),
        ("wrong-channel@make", "make: silent"),
        ("endless-keepalive@make", "make: touchtimeout"),
        ("unplug-mid@make", "make: removed"),
        ("status:0x28@make", "make: keystorefull"),
        ("status:0x19@make", "make: credentialexcluded"),
        ("garbage-cbor@make", "make: malformed"),
        ("empty-cbor@make", "make: malformed"),
        ("empty-message@make", "make: malformed"),
        ("error-zero@make", "make: malformed"),
        ("huge-length@make", "make: malformed"),
        ("wrong-sequence@make", "make: malformed"),
    ];
    std::thread::scope(|scope| {
        for (mode, expected) in cases {
            scope.spawn(move || {
                let mut plugged = Plugged::with_pin();
                plugged.key.set_hostile(Some(mode.parse().unwrap())).unwrap();
                let outcome =
                    timed("make", expected, |limits| plugged.make_within(RP, 2, ES256, limits));
                assert_eq!(outcome.unwrap_err(), expected, "{mode}");
            });
        }
    });
}

#[test]
fn after_a_request_without_an_answer_the_connection_is_dead_and_not_confused() {
    let mut plugged = Plugged::with_pin();
    let enrolled = Enrolled::read(&plugged.enroll());
    let directory = Directory::of(vec![enrolled.record(RP)]);
    plugged.key.set_hostile(Some("silent@assert".parse().unwrap())).unwrap();
    let login = directory.client_data(1);
    let refused = plugged.assert_with(&enrolled.id, &login.to_bytes(), PIN, &within(SHORT));
    assert_eq!(refused.unwrap_err(), KeyError::Silent);

    plugged.key.set_hostile(None).unwrap();
    plugged.key.reset_exchanges();
    assert_eq!(plugged.assert(&enrolled.id, &login.to_bytes()).unwrap_err(), KeyError::Silent);
    assert_eq!(
        plugged.requests(),
        [""; 0],
        "no PIN is sent where an old answer could be taken for a new one"
    );
    plugged.reopen();
    let outcome = attempt(&mut plugged, &directory, &enrolled.id, 2, "granted");
    assert_eq!(outcome.as_deref(), Ok("granted"));
}

#[test]
fn hostile_while_the_first_pin_is_set() {
    for mode in
        ["garbage-cbor", "empty-cbor", "empty-message", "error-zero", "huge-length", "unplug-mid"]
    {
        let mut plugged = Plugged::new(Options::default());
        plugged.key.set_hostile(Some(format!("{mode}@agreement").parse().unwrap())).unwrap();
        let refused = plugged.open.set_pin(&pin(PIN), &soon()).unwrap_err();
        assert!(
            matches!(refused, KeyError::Malformed(_) | KeyError::Removed),
            "{mode}: {refused:?}"
        );
        assert!(!plugged.requests().iter().any(|name| name.contains("setPin")), "{mode}");
    }
}
