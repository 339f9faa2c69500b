//! Restoring a backup where no deployment is, or in the place of the one that is there.
//!
//! ```text
//!   Backup::open ──> a copy beside the place (staged) ──> raised, voided, replayed ──> placed
//!   reads only       everything above happens to it           one transaction           renamed
//! ```
//! Nothing that was there is touched before the copy is complete. The rename of the database is the
//! moment at which the deployment is restored; what is killed before it is done again.

mod addresses;
mod place;
mod prepare;
mod present;
mod provenance;
mod replay;
mod trails;

pub use place::Placed;
pub use prepare::{Asked, KeysFrom, Prepared, Report, Where};
pub use present::look_for_link;
pub use provenance::root_key;
pub use replay::Replayed;
