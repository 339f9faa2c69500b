//! How often something happened in a stretch of time.

mod beside;
mod event;
mod stretch;

pub use beside::{Acted, IssuedPass, acts, added, names, passes, passes_used};
pub use event::{
    Alike, Happened, InStretch, Last, Use, at_accounts, logins_alike, logins_in, of_kinds,
    without_proof,
};
pub use stretch::Stretch;
