//! The events that are rendered: every kind that the type has, with every field.

use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{Aaguid, EventId, LoanId, PassId, TerminalId};
use wardkey_core::proof::ProofKind;
use wardkey_core::time::UnixTime;
use wardkey_records::Source;

/// Every kind of event that can be decoded: a new one is here by itself.
pub fn names() -> Vec<EventName> {
    let names: Vec<EventName> = (0..=u8::MAX)
        .filter_map(|number| {
            let mut bytes = Vec::new();
            minicbor::Encoder::new(&mut bytes).u8(number).ok()?;
            minicbor::decode(&bytes).ok()
        })
        .collect();
    assert!(names.len() >= 30, "{names:?}");
    names
}

/// An event with nothing but what every event has.
pub fn bare(name: EventName, outcome: Outcome) -> Event {
    let mut id = [0x5a; 16];
    id[15] = name.number();
    Event::new(EventId::new(id), UnixTime(1_790_000_000), name, outcome)
}

/// An event with every field.
pub fn full(name: EventName, outcome: Outcome) -> Event {
    let text = |text: &str| Some(text.to_owned());
    Event {
        terminal: Some(TerminalId::new([0x0a; 16])),
        reason: (outcome == Outcome::Failure).then_some(Code::PinWrong),
        detail: text("第三病棟、端末 7"),
        person: Some("hanako".parse().unwrap()),
        account: Some("ward3pc".parse().unwrap()),
        service: text("gdm-password"),
        tty: text("/dev/tty2"),
        session: text("c2"),
        seat: text("seat0"),
        rhost: text("192.0.2.7"),
        key: text("8f14e45fceea167a"),
        model: Some(Aaguid::new([0x2f; 16])),
        up: Some(true),
        uv: Some(true),
        counter: Some(412),
        stage: text("online"),
        age: Some(37),
        peer_uid: Some(0),
        count: Some(3),
        seconds: Some(5400),
        proof: Some(ProofKind::KeyWithPin),
        pass: Some(PassId::new([0x77; 16])),
        voucher: Some("taro".parse().unwrap()),
        loan: Some(LoanId::new([0x78; 16])),
        ..bare(name, outcome)
    }
}

/// All kinds with both outcomes, full and bare.
pub fn all() -> Vec<Event> {
    let outcomes = [Outcome::Success, Outcome::Failure];
    let both = |name| outcomes.map(|outcome| full(name, outcome));
    let full = names().into_iter().flat_map(both);
    full.chain(names().into_iter().map(|name| bare(name, Outcome::Failure))).collect()
}

pub fn source() -> Source {
    Source { pid: Some(812), ..Source::new("ward3-07", "wardkey-agent", "0.1.0", 32473) }
}
