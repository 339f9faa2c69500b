//! An event as one line of key=value pairs, for system logs.

use crate::event::{Event, SCHEMA};
use crate::name::printable;

impl Event {
    /// Name and value of every field that the event has, always in this order. Values are as they
    /// were recorded: whoever renders them escapes them.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let is_signed = self.evidence.is_some() || self.signed_by_code.is_some();
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let flag = |flag: Option<bool>| flag.map(|flag| u8::from(flag).to_string());

        [
            ("schema", Some(SCHEMA.to_string())),
            ("id", Some(self.id.to_string())),
            ("time", Some(self.time.0.to_string())),
            ("event", Some(self.name.as_str().to_owned())),
            ("code", Some(self.name.code())),
            ("outcome", Some(self.outcome.as_str().to_owned())),
            ("reason", self.reason.map(|code| code.to_string())),
            ("detail", self.detail.clone()),
            ("person", self.person.as_ref().map(ToString::to_string)),
            ("account", self.account.as_ref().map(ToString::to_string)),
            ("service", self.service.clone()),
            ("tty", self.tty.clone()),
            ("session", self.session.clone()),
            ("seat", self.seat.clone()),
            ("rhost", self.rhost.clone()),
            ("key", self.key.clone()),
            ("model", self.model.map(|model| model.to_hex())),
            ("up", flag(self.up)),
            ("uv", flag(self.uv)),
            ("counter", number(self.counter.map(u64::from))),
            ("stage", self.stage.clone()),
            ("age", number(self.age)),
            ("uid", number(self.peer_uid.map(u64::from))),
            ("count", number(self.count)),
            ("seconds", number(self.seconds)),
            ("proof", self.proof.map(|proof| proof.as_str().to_owned())),
            ("pass", self.pass.map(|pass| pass.to_hex())),
            ("voucher", self.voucher.as_ref().map(ToString::to_string)),
            ("loan", self.loan.map(|loan| loan.to_hex())),
            ("evidence", is_signed.then(|| "signed".to_owned())),
            ("terminal", self.terminal.map(|terminal| terminal.to_hex())),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }

    /// One line of key=value pairs in a fixed order; absent fields are left out. Values have no
    /// space, quote, backslash, bracket, equals sign or unprintable character.
    pub fn to_line(&self) -> String {
        self.to_line_with(&[])
    }

    /// The same with more fields at its end.
    pub fn to_line_with(&self, more: &[(&'static str, String)]) -> String {
        let fields = self.fields();
        let fields = fields.iter().chain(more);
        let pairs: Vec<_> =
            fields.map(|(name, value)| format!("{name}={}", plain_value(value))).collect();
        pairs.join(" ")
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
    use crate::event::{EventName, Outcome};
    use crate::id::EventId;
    use crate::time::UnixTime;

    #[test]
    fn no_value_breaks_out_of_its_field() {
        let mut event =
            Event::new(EventId::new([1; 16]), UnixTime(5), EventName::Login, Outcome::Failure);
        event.tty = Some("tty1\nevil outcome=success \"x\\] \u{202e}".into());
        event.reason = Some(Code::PinWrong);
        assert_eq!(
            event.to_line(),
            "schema=1 id=01010101010101010101010101010101 time=5 event=login code=WE-01 \
             outcome=failure reason=WK-1203 tty=tty1?evil_outcome?success_?x??_?"
        );
    }
}
