//! Events of terminals, as they came, with what verifying their evidence found.
//!
//! ```text
//!   add      kept once, set aside when this version does not take it
//!   clone    a signature counter that does not fit its neighbours
//!   list     for people and programs
//!   own      for whoever they are of
//! ```

mod add;
mod clone;
mod list;
mod own;

pub use add::{Stored, Verdict, add, is_set_aside, known, set_aside};
pub use clone::counter_conflict;
pub use list::{Filter, Listed, page};
pub use own::{OwnLogin, logins_of};
