//! Registrations: from a one-time code to a verified credential.
//!
//! ```text
//!   begin:  code ──> session + challenge (60 s, once) ──> the key makes a credential
//!   finish: session taken ──> webauthn-rs-core: challenge, origin, rp id, UV, statement
//!                         ──> our strict reading of the same bytes ──> chain to a trusted root
//! ```
//! The library verifies (ES256; [`eddsa`] what it does not take); what is stored is read from the
//! very bytes that it verified, because it gives neither the exact COSE key nor the signed
//! extensions away. Whether a maker vouches for the key is asked of every key alike ([`attested`]).

pub mod attested;
pub mod auth_data;
pub mod eddsa;
pub mod redeem;
mod registration;

pub use registration::{Enrollments, Session, Subject, fingerprint};
