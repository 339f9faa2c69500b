//! What a disk that takes nothing changes.

use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::EventId;

use super::*;
use crate::store::spool::cursor::Order;

const SYSLOG: Destination =
    Destination { name: "syslog", order: Order::Arrival, gives_way: false, gets_states: true };
const SERVER: Destination =
    Destination { name: "server", order: Order::Urgency, gives_way: false, gets_states: true };
const ALL: Most = Most { events: 100, bytes: 1 << 20 };

fn entry(id: u8) -> Entry {
    Entry {
        event: Event::new(
            EventId::new([id; 16]),
            UnixTime(1_000),
            EventName::Login,
            Outcome::Failure,
        ),
        digest: Hash::new([id; 32]),
        refuse: None,
        counter: None,
        subjects: vec![Subject(vec![1])],
        counts: true,
        seen: None,
        lockouts: Vec::new(),
        spare: [EventId::new([90 + id; 16]), EventId::new([190 + id; 16])],
        attempt: None,
    }
}

#[test]
fn what_the_disk_does_not_take_says_so_in_answer_and_record() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(&folder.path().join("state.redb"), 100, 2, &[SYSLOG, SERVER]).unwrap();
    // What a destination gets now, and it all arrives.
    let details = |state: &State, to: &Destination| {
        let records = state.pending(to, ALL).unwrap_or_default();
        let arrived: Vec<At> = records.iter().map(|record| record.at).collect();
        let _ = state.delivered(to, &arrived);
        let event = |record: Record| codec::from_bytes::<Event>(&record.event).unwrap();
        records.into_iter().map(|record| event(record).detail).collect::<Vec<_>>()
    };
    assert_eq!(
        state.settle(&entry(1)).unwrap(),
        (Answer::Recorded(EventId::new([1; 16])), Durability::Durable)
    );
    assert_eq!((state.in_memory(), details(&state, &SYSLOG)), (None, vec![None]));

    // A disk that takes nothing more.
    state.close();
    for _ in 0..2 {
        assert_eq!(
            state.settle(&entry(2)).unwrap(),
            (Answer::Recorded(EventId::new([2; 16])), Durability::InMemory)
        );
    }
    state.append(vec![entry(3).event]);
    assert_eq!(state.in_memory(), Some(2));
    let failures = Failures { count: 7, last: UnixTime(2_000) };
    state.set_failures(&Subject(vec![1]), failures);
    assert_eq!(state.failures(&Subject(vec![1])).unwrap(), failures);
    let said = Some(crate::store::memory::IN_MEMORY.to_owned());
    for (most, expected) in
        [(Most { bytes: 1, ..ALL }, 1), (Most { events: 1, ..ALL }, 1), (ALL, 2)]
    {
        assert_eq!(state.pending(&SERVER, most).unwrap().len(), expected, "{most:?}");
    }
    let both = [said.clone(), said];
    assert_eq!(details(&state, &SYSLOG), both);
    assert!(details(&state, &SYSLOG).is_empty(), "each once");
    assert_eq!(details(&state, &SERVER), both, "and another destination all the same");
}
