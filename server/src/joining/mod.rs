//! How a machine becomes a terminal, and how a terminal gets its next certificate.
//!
//! ```text
//!   application (form checked) ─> token (proved by its HMAC) ─> place (whose?) ─> certificate
//!                                                                            └─> document
//! ```
//! A machine id can be read by everybody on the machine, and copied: it gives nobody a terminal's
//! place. The caller opens the transaction and commits it, also after a refusal that is recorded;
//! then the terminal's document is published and read.

mod application;
mod document;
mod issue;
mod place;
mod token;

pub use application::{Application, MAX_CSR, certificate_request};
pub use document::document;
pub use issue::{Issuer, Joined, join, renew};
pub use token::check;
