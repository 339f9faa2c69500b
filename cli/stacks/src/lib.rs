//! The stacks of PAM, read and evaluated as libpam does it, for every answer that a module may
//! give.
//!
//! ```text
//!   folders ─> load (lines, include, substack, @include) ─> four lists of lines for a service
//!                                                              │
//!   modules, conditions: which answers are possible ──> explore ─> paths that end in success
//!                                                          │
//!                                     dispatch: one answer of one line, as _pam_dispatch takes it
//! ```
//! It follows libpam 1.5.2 and 1.7 with Debian's patches (`@include`, jumps that count as ignored).
//! Where the two differ, where libpam would crash or use memory that nobody wrote, and where a
//! bound here is reached, the answer is a [`Doubt`]: such a service counts as open, never as fine.
//!
//! The library reads files below a root that it is given, and nothing else; whose group somebody is
//! in is asked of the caller ([`Subject`]).
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod answer;
mod condition;
mod control;
mod dispatch;
mod doubt;
mod explore;
mod line;
mod load;
mod machine;
mod module;
mod report;
mod subject;
mod world;

pub use answer::{Answer, Answers};
pub use control::{Action, Control};
pub use dispatch::{State, run};
pub use doubt::Doubt;
pub use explore::{Step, Way};
pub use load::{Kind, Line, Loaded, Phase, Service, load};
pub use machine::Machine;
pub use module::{Proof, known_as, known_modules, proof};
pub use report::{Ways, account, auth};
pub use subject::{Subject, Who};
pub use world::{MODULE, World};
