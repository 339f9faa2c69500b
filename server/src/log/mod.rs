//! The log of records: a transparency log over all events that the server accepted, in the formats
//! of C2SP. Whoever keeps a checkpoint of it finds out later what was changed, removed or put in
//! between since.
//!
//! ```text
//!   a row of an event ─ entry (its bytes) ─ keep ──> store::log     with the event, in its order
//!                                  ├ sign        checkpoints; never one that contradicts another
//!                                  │  └ last_checkpoint  in a file beside the database
//!                                  ├ follow      while the server runs
//!                                  ├ export      a folder, as C2SP tlog-tiles has it
//!                                  │  ├ keys     by which its logins are verified
//!                                  │  ├ replaced keys of the log that were stolen
//!                                  │  └ pruned   what an archive has in its place, by signed acts
//!                                  ├ archive     a file with all up to a checkpoint
//!                                  ├ prove       one record alone
//!                                  ├ show        to terminals, which witness it
//!                                  └ verify      the database against the log
//!   a folder ─ check                             without the database, against an older checkpoint
//! ```
//! It proves that something was changed to whoever has an older checkpoint, and to nobody else:
//! whoever has the database and the keys can write another log.

pub mod archive;
mod check;
mod cosigned;
mod entry;
mod export;
mod files;
mod follow;
mod keep;
mod keys;
mod last_checkpoint;
mod prove;
mod pruned;
mod replaced;
mod show;
mod sign;
mod tell;
mod tiles;
mod verify;
mod witnesses;

pub use check::{Checked, Since, Trusted, check};
pub use cosigned::{CosignedBy, cosigned};
pub use export::{Exported, export};
pub use files::refused as files_refused;
pub use follow::{follow, show};
pub use keep::keep;
pub use prove::{Proved, ProvedRecord, check_proof, prove};
pub use pruned::sign_anew as sign_acts_anew;
pub use replaced::{all as replaced_keys, note as note_replaced_key};
pub use show::Shown;
pub use sign::{SignedLog, holds, public, root_at};
pub use verify::{Verified, verify};
pub use witnesses::{Cosigners, Witnessed, Witnesses, checkpoint, witnessed};
