//! Messages for administrators: one line on standard error, which systemd gives to the journal.
//! Audit records are elsewhere ([`crate::audit`]); nothing typed by a person comes here.

use wardkey_core::name::printable;

/// Something that an administrator may want to know.
pub fn info(message: impl std::fmt::Display) {
    write("", message);
}

/// Something that an administrator should look at.
pub fn warning(message: impl std::fmt::Display) {
    write("warning: ", message);
}

fn write(level: &str, message: impl std::fmt::Display) {
    use std::io::Write;
    let line = format!("wardkey-agent: {level}{}\n", printable(&message.to_string(), 1024));
    // A journal that is gone is no reason to stop.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
