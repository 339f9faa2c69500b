//! An event as one line of key=value pairs, for system logs.

use std::fmt::Write;

use crate::event::{Event, Outcome, SCHEMA};
use crate::name::printable;

impl Event {
    /// One line of key=value pairs in a fixed order; absent fields are left out. Values have no
    /// space, quote, backslash, bracket, equals sign or unprintable character.
    pub fn to_line(&self) -> String {
        let mut line = format!(
            "schema={SCHEMA} id={} time={} event={} code=WE-{:02} outcome={}",
            self.id,
            self.time.0,
            self.name.as_str(),
            self.name.number(),
            match self.outcome {
                Outcome::Success => "success",
                Outcome::Failure => "failure",
            }
        );
        let mut field = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                // Writing to a String cannot fail.
                let _ = write!(line, " {name}={}", plain_value(&value));
            }
        };
        field("reason", self.reason.map(|code| code.to_string()));
        field("detail", self.detail.clone());
        field("person", self.person.as_ref().map(ToString::to_string));
        field("account", self.account.as_ref().map(ToString::to_string));
        field("service", self.service.clone());
        field("tty", self.tty.clone());
        field("session", self.session.clone());
        field("seat", self.seat.clone());
        field("rhost", self.rhost.clone());
        field("key", self.key.clone());
        field("model", self.model.map(|model| model.to_hex()));
        field("up", self.up.map(|up| u8::from(up).to_string()));
        field("uv", self.uv.map(|uv| u8::from(uv).to_string()));
        field("counter", self.counter.map(|counter| counter.to_string()));
        field("stage", self.stage.clone());
        field("age", self.age.map(|age| age.to_string()));
        field("uid", self.peer_uid.map(|uid| uid.to_string()));
        field("count", self.count.map(|count| count.to_string()));
        field("evidence", self.evidence.as_ref().map(|_| "signed".to_owned()));
        field("terminal", self.terminal.map(|terminal| terminal.to_hex()));
        line
    }
}

/// A value that no parser of key=value lines takes for anything else (log injection).
fn plain_value(value: &str) -> String {
    let value: String = printable(value, 256)
        .chars()
        .map(|c| match c {
            ' ' => '_',
            '"' | '\\' | '[' | ']' | '=' | '\'' | '`' => '?',
            c => c,
        })
        .collect();
    if value.is_empty() { "-".into() } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;
    use crate::event::EventName;
    use crate::id::EventId;
    use crate::time::UnixTime;

    #[test]
    fn lesson_log_injection_no_value_breaks_out_of_its_field() {
        let mut event = Event::new(EventId::new([1; 16]), UnixTime(5), EventName::Login, Outcome::Failure);
        event.tty = Some("tty1\nevil outcome=success \"x\\] \u{202e}".into());
        event.reason = Some(Code::PinWrong);
        assert_eq!(
            event.to_line(),
            "schema=1 id=01010101010101010101010101010101 time=5 event=login code=WE-01 outcome=failure \
             reason=WK-1203 tty=tty1?evil_outcome?success_?x??_?"
        );
    }
}
