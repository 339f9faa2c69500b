//! A deployment made by hand: root and publish keys, a terminal, scopes, people, credentials with
//! software keys, and what an honest agent would show of it. Tests then change one thing.
//!
//! For tests only: no program depends on it (tools/pages/tests/dependencies.rs).
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod deployment;
mod key;
mod loan;
mod names;
mod pass;
mod people;
mod postgresql;
mod vouch;

pub use deployment::{
    Deployment, ScopeState, buckets, next_root, next_root_key, root_document, terminal_document,
};
pub use key::Key;
pub use loan::{HOLDER, LOANER, loan, signed_on_loan};
pub use names::{RP, T0, TERMINAL, group, login, scope, service, signing};
pub use pass::{
    CODE, CODE_SEED, LONGEST, SEALED, SEALED_LONGEST, SEALED_SEED, pass, sealed, signature_by_code,
    signed_by_code,
};
pub use people::{person, person_with};
pub use postgresql::TestDatabase;
pub use vouch::{
    CHOSEN, CHOSEN_SEED, VOUCHED, chosen_key, kept, signed_by_chosen, signed_vouch, vouch,
};
