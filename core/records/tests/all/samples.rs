//! Samples for those who read records (`siem/`, tried by `tests/siem/run`): messages of the network
//! with hostile values, and the stories. Golden files like all others.

use wardkey_core::event::{Event, EventName, Format, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::time::UnixTime;
use wardkey_records::{Forwarded, Source, render, syslog_message};

use crate::events::{full, source};
use crate::golden::compare;
use crate::hostile::{FIELDS, HOSTILE};
use crate::stories;

/// Longest value of a field in characters; the longest character has four octets.
const LONGEST: usize = 256;

/// Messages whose every text, also the machine's name, is hostile; the last are the longest of all.
fn hostile() -> Vec<(Event, Source)> {
    let longest = ["\u{1f511}", "\"", "漢"].map(|letter| letter.repeat(LONGEST));
    let values = HOSTILE.iter().map(ToString::to_string).chain(longest);
    values.zip(1..).map(|(value, number)| message(&value, number)).collect()
}

fn message(value: &str, number: u8) -> (Event, Source) {
    let mut event = full(EventName::Login, Outcome::Failure);
    event.id = EventId::new([number; 16]);
    FIELDS.iter().for_each(|(_, put)| put(&mut event, value));
    (event, Source { host: value.to_owned(), ..source() })
}

#[test]
fn messages_with_hostile_values_are_what_they_were() {
    for format in Format::ALL {
        let lines: Vec<String> =
            hostile().iter().map(|(event, source)| syslog_message(format, event, source)).collect();
        assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{format:?}");
        compare(&format!("hostile-{}.txt", format.as_str()), &lines);
    }
}

/// Who tells a story: the terminal itself, or the server.
fn source_of(story: &stories::Story) -> Source {
    let forwarded = story.verdict.map(|verdict| Forwarded {
        by: "wardkey.example.org".into(),
        terminal: "01".repeat(16),
        scopes: "icu".into(),
        received: UnixTime(1_790_000_100),
        place: 412,
        verdict: verdict.into(),
    });
    Source { forwarded, ..source() }
}

#[test]
fn the_stories_are_what_they_were() {
    for format in [Format::KeyValue, Format::Ecs] {
        let told = |story: &stories::Story| {
            let fires = if story.fires { "fires" } else { "quiet" };
            let source = source_of(story);
            let line = |event| render(format, event, &source);
            let lines = story.events.iter().map(line);
            lines.map(|line| format!("{}\t{fires}\t{line}", story.rule)).collect::<Vec<_>>()
        };
        let lines: Vec<String> = stories::all().iter().flat_map(told).collect();
        compare(&format!("stories-{}.txt", format.as_str()), &lines);
    }
}
