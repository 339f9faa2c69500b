//! The shared words of Wardkey: people and their credentials, the signed directory, policy, the
//! decision, and the messages between the rooms. No I/O, no clock, no randomness: all are
//! arguments.
//!
//! ```text
//!   codec ─ id ─ name ─ time ─ code ─ origin what everything is made of
//!     └ sign ─ cose_key                      signatures
//!     └ pass ─ pass_key ─ pass_notes         codes for who has forgotten the key
//!     └ vouch ─ vouch_book                   the same, signed by a colleague who is there
//!         └ document ─ policy::document ─ person ─ directory    what the server signs
//!             └ marks ─ snapshot             what is left of what the agent shows
//!                 └ server_time              the server's time over a challenge of the module
//!                 └ client_data ─ proof      how somebody proves who they are
//!                     └ policy ─ decide      what is allowed; whether a login may go on
//!   event ─ evidence ─ log_entry ─ log_keys ─ log_archive
//!                                          records, what auditors verify them by, archives
//!   event, message, token, phrase ─ texts, exit    what is told to others
//!   width                                    how wide that is on a screen
//!   unattended                               what runs for a person who is not there
//!   lockers                                  which services lock screens
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod addresses;
pub mod capability;
pub mod cause;
pub mod client_data;
pub mod code;
pub mod codec;
mod codec_error;
pub mod cose_key;
pub mod decide;
pub mod directory;
pub mod document;
pub mod event;
pub mod evidence;
pub mod exit;
mod growth;
pub mod id;
pub mod lockers;
pub mod log_archive;
pub mod log_entry;
pub mod log_key;
pub mod log_keys;
pub mod marks;
pub mod message;
pub mod name;
pub mod origin;
pub mod pass;
#[cfg(feature = "pass-keys")]
pub mod pass_key;
pub mod pass_notes;
pub mod person;
pub mod phrase;
pub mod policy;
pub mod proof;
pub mod server_time;
pub mod sign;
pub mod snapshot;
#[cfg(any(feature = "join-tokens", feature = "pass-keys"))]
mod stretch;
mod text_codec;
pub mod texts;
pub mod time;
#[cfg(feature = "join-tokens")]
pub mod token;
pub mod unattended;
pub mod vouch;
pub mod vouch_book;
pub mod width;

pub use decide::decide;
