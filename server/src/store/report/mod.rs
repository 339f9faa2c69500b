//! How often something happened in a stretch of time.

mod acts;
mod event;
mod passes;
mod people;
mod stretch;

pub use acts::{Acted, acts};
pub use event::{
    Alike, Happened, InStretch, Last, Use, at_accounts, logins_alike, logins_in, of_kinds,
    without_proof,
};
pub use passes::{IssuedPass, passes};
pub use people::{added, names, passes_used};
pub use stretch::Stretch;
