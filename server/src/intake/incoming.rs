//! What a terminal sent as an event.

use wardkey_core::codec;
use wardkey_core::event::Event;
use wardkey_core::id::{EventId, TerminalId};
use wardkey_core::time::UnixTime;

/// The longest text that the store has beside a record, in bytes: it stands in an index, whose rows
/// have no room for thousands.
pub(super) const MAX_TEXT: usize = 256;
/// The last second of the year 9999: the latest time that a record may have.
const LAST: UnixTime = UnixTime(253_402_300_799);
/// The greatest number that collectors take, in their own integers.
const MOST: u64 = i64::MAX as u64;

/// Why an event is not taken, and every name under which the terminal may know it.
#[derive(Debug)]
pub struct NotTaken {
    /// Ids, for the answer.
    pub names: Vec<EventId>,
    /// For administrators.
    pub reason: String,
}

/// An event of this terminal. One that cannot be read is named by every id that a terminal of
/// whatever version may know it by.
pub fn decode(bytes: &[u8], terminal: &TerminalId) -> Result<Event, NotTaken> {
    let event: Event = codec::from_bytes(bytes).map_err(|error| NotTaken {
        names: Event::names(bytes).collect(),
        reason: error.to_string(),
    })?;

    // What an agent recorded before it joined names no terminal; a login always does.
    let proves_nothing = event.evidence.is_none() && event.signed_by_code.is_none();
    let before_joining = event.terminal.is_none() && proves_nothing && !event.name.is_login();
    if event.terminal != Some(*terminal) && !before_joining {
        let reason = "the event is of another terminal".into();
        return Err(NotTaken { names: vec![event.id], reason });
    }
    if let Err(why) = fits(&event) {
        return Err(NotTaken { names: vec![event.id], reason: why.into() });
    }
    Ok(event)
}

/// Whether the store has room for what it keeps beside the record, to search it and to count it,
/// and collectors for its numbers. No database takes every text and every time, and one refused row
/// would hold up all records of the terminal, each time that it sends them.
fn fits(event: &Event) -> Result<(), &'static str> {
    let is_short = |text: &String| text.len() <= MAX_TEXT && !text.contains('\0');

    if !event.service.iter().all(is_short) {
        return Err("the service is too long, or has a NUL");
    }
    if !event.stage.iter().all(is_short) {
        return Err("the stage is too long, or has a NUL");
    }
    if event.time > LAST {
        return Err("the time is after the year 9999");
    }
    if [event.age, event.count, event.seconds].into_iter().flatten().any(|one| one > MOST) {
        return Err("a number is too great");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wardkey_core::event::{EventName, Outcome};

    use super::*;

    #[test]
    fn what_no_database_takes_is_not_taken_and_named() {
        let terminal = TerminalId::new([1; 16]);
        let heartbeat = || {
            let (name, outcome) = (EventName::Heartbeat, Outcome::Success);
            Event::new(EventId::new([2; 16]), LAST, name, outcome)
        };
        let taken = |change: &dyn Fn(&mut Event)| {
            let mut event = heartbeat();
            change(&mut event);
            decode(&codec::to_bytes(&event), &terminal)
        };
        let longest = "x".repeat(MAX_TEXT);
        taken(&|event| event.service = Some(longest.clone())).unwrap();
        taken(&|event| event.stage = Some("fresh".into())).unwrap();
        // Whoever shows it takes care of what it does to a screen.
        taken(&|event| event.service = Some("su\n\u{1b}[2Jdo".into())).unwrap();

        taken(&|event| event.count = Some(MOST)).unwrap();

        let past = UnixTime(LAST.0 + 1);
        for change in [
            &|event: &mut Event| event.service = Some("su\0do".into()),
            &|event| event.service = Some(format!("{longest}x")),
            &|event| event.stage = Some("\0".into()),
            &|event| event.stage = Some(format!("{longest}x")),
            &|event| event.time = past,
            &|event| event.time = UnixTime(u64::MAX),
            &|event| event.count = Some(MOST + 1),
            &|event| event.age = Some(u64::MAX),
            &|event| event.seconds = Some(u64::MAX),
        ] as [&dyn Fn(&mut Event); 9]
        {
            let not_taken = taken(change).unwrap_err();
            assert_eq!(not_taken.names, [heartbeat().id]);
        }
    }
}
