//! Known answers of others, and the code against a naive one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod entry_proofs;
mod naive;
mod notes;
mod published;
mod witness;
