//! `pam_fido.so`: the PAM module of Wardkey. It holds the conversation with the person and makes
//! the decision; what agent and key process say is checked, never believed.
//!
//! ```text
//!   application ── libpam ── entry ── login ──> agent   (evidence, arbitration, record)
//!                              │        └─────> wardkey-key   (PIN in, assertion out)
//!                              ├ nameless (who logs in: PAM_USER, a proven key, or the question)
//!                              ├ last, turn (what a call said, for those after it)
//!                              ├ session ─────> agent   (a session of that login begins, ends)
//!                              ├ room (the caller's resource limits)
//!                              ├ parts, options, marks ── wardkey-settings (root's files only)
//!                              ├ text_console (where no Japanese can be read)
//!                              ├ world: account, invoker (NSS, kernel), talk (conversation),
//!                              │        machine, sockets, journal (syslog)
//!                              └ pages: GNOME's own pages for keys, in place of the plain question
//! ```
//! No threads, no environment variables but the one in which GDM names what it can do, no signals,
//! no standard output; every descriptor is close-on-exec. Every path that is not a whole, verified
//! login ends in a refusal.
#![deny(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod account;
mod entry;
mod ffi;
mod invoker;
mod journal;
mod last;
mod login;
mod machine;
mod nameless;
#[cfg(not(test))]
mod no_backtrace;
mod options;
mod pages;
mod parts;
mod question;
mod refusal;
mod room;
mod session;
mod sockets;
mod talk;
mod text_console;
mod turn;
mod typed_name;
mod voice;
mod world;

#[cfg(test)]
mod tests;

/// The six functions that libpam looks for; the only symbols that the library exports.
#[allow(missing_docs)]
mod hooks {
    use crate::entry::Wardkey;

    pam::pam_hooks!(Wardkey);
}
