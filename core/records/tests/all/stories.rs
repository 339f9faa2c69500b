//! What happens on a ward, for the rules in `siem/`: for each rule a story in which it fires, and
//! one beside it in which it does not.

use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{EventId, PassId, TerminalId};
use wardkey_core::proof::ProofKind;
use wardkey_core::time::UnixTime;

/// The events of a story, in their order.
pub struct Story {
    /// The rule's file in `siem/sigma/rules`, without its end.
    pub rule: &'static str,
    /// Whether the rule fires.
    pub fires: bool,
    pub events: Vec<Event>,
    /// What the server found of their evidence, where the records come by it.
    pub verdict: Option<&'static str>,
}

const BEGIN: u64 = 1_790_000_000;
const MINUTE: u64 = 60;

/// An event at this terminal, so many seconds after the beginning.
fn at(seconds: u64, terminal: u8, name: EventName, outcome: Outcome) -> Event {
    let mut event = Event::new(EventId::new([0; 16]), UnixTime(BEGIN + seconds), name, outcome);
    event.terminal = Some(TerminalId::new([terminal; 16]));
    event
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A login by a key.
fn login(seconds: u64, terminal: u8, person: &str) -> Event {
    Event {
        person: Some(person.parse().unwrap()),
        account: Some("ward3pc".parse().unwrap()),
        service: text("gdm-password"),
        tty: text("/dev/tty2"),
        key: text("8f14e45fceea167a"),
        stage: text("online"),
        proof: Some(ProofKind::KeyWithPin),
        peer_uid: Some(0),
        ..at(seconds, terminal, EventName::Login, Outcome::Success)
    }
}

/// A login with a key that was refused.
fn refused(seconds: u64, person: &str, reason: Code) -> Event {
    Event {
        outcome: Outcome::Failure,
        reason: Some(reason),
        stage: None,
        proof: None,
        ..login(seconds, 1, person)
    }
}

/// A login by a temporary code.
fn by_pass(seconds: u64, terminal: u8, person: &str) -> Event {
    Event {
        name: EventName::PassLogin,
        key: None,
        proof: Some(ProofKind::TemporaryCode),
        pass: Some(PassId::new([0x77; 16])),
        detail: text("pass by helpdesk until 1790020000: 鍵を忘れた"),
        ..login(seconds, terminal, person)
    }
}

/// A login by a sealed code.
fn break_glass(seconds: u64) -> Event {
    Event {
        name: EventName::BreakGlassLogin,
        account: Some("emergency".parse().unwrap()),
        proof: Some(ProofKind::BreakGlass),
        pass: Some(PassId::new([0x79; 16])),
        detail: text("break-glass, void now: pass by security until 1820020000: 病棟の金庫"),
        ..by_pass(seconds, 1, "emergency")
    }
}

/// A colleague's word for somebody who has no key here.
fn vouched(seconds: u64, person: &str) -> Event {
    Event {
        name: EventName::Vouched,
        account: None,
        stage: None,
        proof: None,
        voucher: Some("taro".parse().unwrap()),
        pass: Some(PassId::new([0x78; 16])),
        up: Some(true),
        uv: Some(true),
        detail: text("vouched for by taro until 1790020000: 鍵を忘れた"),
        ..login(seconds, 1, person)
    }
}

/// A login by the code for which a colleague vouched.
fn by_vouch(seconds: u64, person: &str) -> Event {
    Event {
        name: EventName::PassLogin,
        account: Some("ward3pc".parse().unwrap()),
        stage: text("online"),
        proof: Some(ProofKind::Vouch),
        key: None,
        up: None,
        uv: None,
        ..vouched(seconds, person)
    }
}

/// A wrong temporary code.
fn wrong_code(seconds: u64, account: &str, tries: u64) -> Event {
    Event {
        reason: Some(Code::PassWrong),
        account: Some(account.parse().unwrap()),
        service: text("login"),
        pass: Some(PassId::new([0x77; 16])),
        count: Some(tries),
        ..at(seconds, 1, EventName::PassWrong, Outcome::Failure)
    }
}

/// What the agent tells without anybody who logs in.
fn alone(name: EventName, outcome: Outcome, reason: Option<Code>) -> Vec<Event> {
    vec![Event { reason, ..at(0, 1, name, outcome) }]
}

/// A rule for single events: what it fires at, and what it must pass over.
fn single(rule: &'static str, fires: Vec<Event>, quiet: Vec<Event>) -> [Story; 2] {
    let story = |fires, events| Story { rule, fires, events, verdict: None };
    [story(true, fires), story(false, quiet)]
}

/// A rule for what the server found: the terminal says the same both times.
fn of_verdicts() -> Vec<[Story; 2]> {
    let story = |verdict| Story {
        rule: "wardkey_evidence_invalid",
        fires: verdict == "invalid",
        events: vec![login(0, 1, "hanako")],
        verdict: Some(verdict),
    };
    vec![["invalid", "valid"].map(story)]
}

/// All stories. The ids count up.
pub fn all() -> Vec<Story> {
    let mut stories: Vec<Story> =
        [of_people(), of_keys(), of_terminals(), of_colleagues(), of_emergencies(), of_verdicts()]
            .into_iter()
            .flatten()
            .flatten()
            .collect();
    for (number, event) in stories.iter_mut().flat_map(|story| &mut story.events).enumerate() {
        let mut id = [0x33; 16];
        id[15] = u8::try_from(number).unwrap();
        event.id = EventId::new(id);
    }
    stories
}

fn of_people() -> Vec<[Story; 2]> {
    let wrong = |n: u64, every: u64| refused(n * every, "hanako", Code::PinWrong);
    let people = ["hanako", "jiro", "saburo", "shiro", "goro"];
    let passes = |most: usize| {
        let people = people.iter().take(most).zip(0u64..);
        people.map(|(person, n)| by_pass(n * MINUTE, 1, person)).collect::<Vec<_>>()
    };
    vec![
        single(
            "wardkey_pin_guessing",
            (0..5).map(|n| wrong(n, MINUTE)).collect(),
            // As many, but over an hour; and as many of five people.
            (0..5)
                .map(|n| wrong(n, 12 * MINUTE))
                .chain(people.iter().map(|person| refused(4000, person, Code::PinWrong)))
                .collect(),
        ),
        single(
            "wardkey_two_places",
            vec![login(0, 1, "hanako"), login(20, 2, "hanako")],
            // Two minutes on foot; and twice at one terminal; and two people.
            vec![
                login(0, 1, "hanako"),
                login(121, 2, "hanako"),
                login(130, 2, "hanako"),
                login(131, 1, "jiro"),
            ],
        ),
        single(
            "wardkey_pass_login",
            vec![by_pass(0, 1, "hanako")],
            vec![
                login(0, 1, "hanako"),
                Event { outcome: Outcome::Failure, ..by_pass(9, 1, "hanako") },
            ],
        ),
        single("wardkey_many_passes", passes(5), passes(4)),
        single(
            "wardkey_pass_guessing",
            (1..=3).map(|n| wrong_code(n * MINUTE, "hanako", n)).collect(),
            people.iter().map(|account| wrong_code(0, account, 1)).collect(),
        ),
        single(
            "wardkey_pass_void",
            vec![Event { name: EventName::PassVoid, ..wrong_code(0, "hanako", 5) }],
            vec![wrong_code(0, "hanako", 4)],
        ),
        single(
            "wardkey_emergency_login",
            vec![Event { stage: text("hard"), ..login(0, 1, "hanako") }],
            vec![
                Event { stage: text("degraded"), ..login(0, 1, "hanako") },
                Event { stage: text("hard"), ..refused(9, "jiro", Code::OfflineEmergencyOnly) },
            ],
        ),
        single(
            "wardkey_disabled_person",
            vec![refused(0, "hanako", Code::PersonDisabled)],
            vec![refused(0, "hanako", Code::PinWrong)],
        ),
        single(
            "wardkey_session_without_key",
            alone(EventName::SessionUnlocked, Outcome::Failure, Some(Code::UnlockedWithoutKey)),
            alone(EventName::SessionUnlocked, Outcome::Success, None),
        ),
    ]
}

fn of_keys() -> Vec<[Story; 2]> {
    let named = |name, reason| vec![Event { name, ..refused(0, "hanako", reason) }];
    vec![
        single(
            "wardkey_disabled_key",
            vec![refused(0, "hanako", Code::CredentialDisabled)],
            vec![login(0, 1, "hanako"), refused(9, "hanako", Code::PersonDisabled)],
        ),
        single(
            "wardkey_clone_suspected",
            named(EventName::CloneSuspected, Code::CounterRegressed),
            // The record of the login beside it: one alarm is enough.
            vec![refused(0, "hanako", Code::CounterRegressed)],
        ),
        single(
            "wardkey_device_suspected",
            named(EventName::DeviceSuspected, Code::DeviceNotProven),
            vec![refused(0, "hanako", Code::KeyNotRegistered)],
        ),
        single(
            "wardkey_pin_blocked",
            vec![refused(0, "hanako", Code::PinBlocked)],
            vec![refused(0, "hanako", Code::PinBlockedUntilReplug)],
        ),
        single(
            "wardkey_locked_out_again",
            (0..3)
                .map(|n| Event {
                    name: EventName::LockedOut,
                    ..refused(n * 10 * MINUTE, "hanako", Code::LockedOut)
                })
                .collect(),
            named(EventName::LockedOut, Code::LockedOut),
        ),
    ]
}

fn of_terminals() -> Vec<[Story; 2]> {
    use EventName::{
        ClockWrong, DirectoryRefused, Heartbeat, LogContradicted, MarksNotRaised, Offline, Online,
        RecordsLost, SessionNotLocked, StateSetAside, WayIn,
    };
    let open = Some(Code::ServiceOpen);
    let failed = |name, reason| alone(name, Outcome::Failure, reason);
    let quiet = || alone(Heartbeat, Outcome::Success, None);
    vec![
        single(
            "wardkey_way_in",
            failed(WayIn, open),
            // An administrator accepted it.
            alone(WayIn, Outcome::Success, open),
        ),
        single("wardkey_records_lost", failed(RecordsLost, None), quiet()),
        single("wardkey_directory_refused", failed(DirectoryRefused, Some(Code::Fork)), quiet()),
        single("wardkey_state_set_aside", failed(StateSetAside, None), quiet()),
        single(
            "wardkey_marks_not_raised",
            failed(MarksNotRaised, Some(Code::MarksNotRaised)),
            quiet(),
        ),
        single(
            "wardkey_log_contradicted",
            failed(LogContradicted, Some(Code::LogHistoryDiffers)),
            // A restore.
            alone(LogContradicted, Outcome::Success, Some(Code::LogBegunAnew)),
        ),
        single(
            "wardkey_session_not_locked",
            failed(SessionNotLocked, Some(Code::NoLockerAnswered)),
            quiet(),
        ),
        single("wardkey_clock_wrong", failed(ClockWrong, None), quiet()),
        single(
            "wardkey_terminal_offline",
            failed(Offline, None),
            alone(Online, Outcome::Success, None),
        ),
    ]
}

fn of_colleagues() -> Vec<[Story; 2]> {
    let hour = 60 * MINUTE;
    let people = |all: &[(u64, &str)]| -> Vec<Event> {
        all.iter().map(|(at, who)| vouched(at * hour, who)).collect()
    };
    vec![
        single(
            "wardkey_vouched",
            vec![vouched(0, "hanako")],
            // What did not hold; and a login by the code, which is a record of its own.
            vec![
                Event {
                    outcome: Outcome::Failure,
                    reason: Some(Code::CounterRegressed),
                    ..vouched(0, "hanako")
                },
                by_vouch(9, "hanako"),
            ],
        ),
        single(
            "wardkey_many_vouches",
            people(&[(0, "hanako"), (8, "jiro"), (23, "saburo")]),
            // For two people, and the third a day later.
            people(&[(0, "hanako"), (8, "jiro"), (25, "saburo")]),
        ),
    ]
}

fn of_emergencies() -> Vec<[Story; 2]> {
    let refused = |name, reason| Event {
        name,
        outcome: Outcome::Failure,
        reason: Some(reason),
        proof: None,
        stage: None,
        person: None,
        ..break_glass(0)
    };
    let wrong = || refused(EventName::BreakGlassWrong, Code::PassWrong);
    vec![
        single(
            "wardkey_break_glass",
            vec![break_glass(0)],
            // A temporary code, and a wrong sealed one.
            vec![by_pass(0, 1, "hanako"), wrong()],
        ),
        single(
            "wardkey_break_glass_tried",
            vec![wrong(), refused(EventName::BreakGlassVoid, Code::BreakGlassVoid)],
            vec![break_glass(0), wrong_code(0, "hanako", 1)],
        ),
    ]
}
