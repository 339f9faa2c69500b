//! Transparency logs in the formats of C2SP, so that the tools of others read them:
//! [tlog-tiles](https://c2sp.org/tlog-tiles), [tlog-checkpoint](https://c2sp.org/tlog-checkpoint),
//! [signed-note](https://c2sp.org/signed-note), [tlog-proof](https://c2sp.org/tlog-proof), and the
//! Ed25519 type of [tlog-cosignature](https://c2sp.org/tlog-cosignature).
//!
//! ```text
//!   entries ─ bundle ─┐
//!   hash ─ tile ─ tree ─┬─ proof      one entry is in a tree, one tree goes on from another
//!                       │    └──────┬─ entry_proof           all that proves one entry
//!                       └─ checkpoint ── note ── key         who says so
//!                              └─ witness                    whether it goes on from what was seen
//! ```
//! Pure functions: no files, no network, no clock, no randomness. Nothing here is specific to
//! Wardkey; what an entry says is the business of whoever keeps the log.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod base64;
pub mod bundle;
mod checkpoint;
mod entry_proof;
mod hash;
mod key;
mod note;
pub mod proof;
mod tile;
mod tree;
mod witness;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use entry_proof::{EntryProof, EntryProofError};
pub use hash::{HASH_LEN, Hash};
pub use key::{Cosigner, KeyError, KeyName, Kind, Signer, Verifier};
pub use note::{MAX_NOTE, MAX_SIGNATURES, Note, NoteError, Opened, Signature};
pub use tile::{Level, Tile, WIDTH, since};
pub use tree::{Frontier, Full, over_full};
pub use witness::{Contradiction, Growth, goes_on};
