//! What administrators do: one function for each act, whatever asks for it.
//!
//! ```text
//!   command line ─┐
//!   api ──────────┼──> admin (rules, publishing, the row of the trail) ──> store
//!   (pages, ...) ─┘
//! ```
//! An act takes an [`Operation`]: the transaction, who acts, when and why. It returns a view, which
//! serde can serialise. The front end that opened the transaction commits it; nothing here does,
//! except for [`init`], which makes the store. Nothing here prints, parses or knows HTTP.
//!
//! Errors are those of the store ([`Error::Store`], [`Error::Damaged`]) and refusals
//! ([`Error::Refused`]), whose code says what to do; after one the transaction is dropped.
//!
//! [`Error::Store`]: crate::error::Error::Store
//! [`Error::Damaged`]: crate::error::Error::Damaged
//! [`Error::Refused`]: crate::error::Error::Refused

pub mod account;
pub mod address;
pub mod administrator;
pub mod api_key;
pub mod break_glass;
pub mod ca;
pub mod clock;
pub mod code;
pub mod desk;
mod edit;
pub mod epoch;
pub mod event;
mod holder;
pub mod import;
pub mod init;
pub mod key;
pub mod known;
mod listing;
#[cfg(test)]
mod lists;
pub mod loaner;
mod naming;
mod operation;
pub mod own;
pub mod pass;
pub mod person;
pub mod publish_key;
pub mod reach;
pub mod report;
pub mod role;
pub mod root_key;
pub mod scope;
pub mod session;
pub mod terminal;
mod terms;
#[cfg(test)]
pub(crate) mod testing;
pub mod token;
pub mod trail;

pub use edit::Edit;
pub use listing::Listing;
pub use operation::Operation;
