//! An entry of systemd's journal, in the protocol of its own socket: a field for each field of an
//! event.
//!
//! ```text
//!   NAME=value \n                          NAME \n  length (8, little endian)  value \n
//! ```
//! The second form takes any bytes. The journal adds host, process and the time at which it got the
//! entry by itself.

use wardkey_core::event::Event;

use crate::said::{self, APP, FACILITY};
use crate::source::Source;
use crate::words;

/// Before the name of a field.
const PREFIX: &str = "WARDKEY_";

/// The entry.
pub(crate) fn entry(event: &Event, source: &Source) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in [
        ("MESSAGE", words::sentence(event)),
        ("PRIORITY", said::syslog_severity(event, source).to_string()),
        ("SYSLOG_FACILITY", FACILITY.to_string()),
        ("SYSLOG_IDENTIFIER", APP.to_owned()),
    ] {
        add(&mut bytes, name, value.as_bytes());
    }
    for (name, value) in said::fields(event, source, &[]) {
        let name = format!("{PREFIX}{}", name.to_ascii_uppercase());
        add(&mut bytes, &name, value.as_bytes());
    }
    bytes
}

/// Adds a field; what a value is made of changes nothing but itself.
fn add(to: &mut Vec<u8>, name: &str, value: &[u8]) {
    to.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
        to.push(b'\n');
        to.extend_from_slice(&length.to_le_bytes());
    } else {
        to.push(b'=');
    }
    to.extend_from_slice(value);
    to.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_any_bytes_stays_within_its_field() {
        let mut bytes = Vec::new();
        add(&mut bytes, "A", b"1=2");
        add(&mut bytes, "B", b"x\nPRIORITY=0\n");
        add(&mut bytes, "C", b"");
        add(&mut bytes, "D", b"\0\xff");
        assert_eq!(
            bytes,
            b"A=1=2\nB\n\x0d\0\0\0\0\0\0\0x\nPRIORITY=0\n\nC=\nD=\0\xff\n".as_slice()
        );
    }
}
