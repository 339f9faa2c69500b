//! Who is signed in where: sessions of terminals that have begun and not ended, as their records
//! say.
//!
//! Terminals send what matters first, so records of a session come in any order: each says how old
//! the session is, which names it; the newest record counts; an end counts for ever.

mod list;
mod screen;
mod told;

pub use list::{DeskSession, Filter, page};
pub use screen::Screen;
pub use told::{Said, Which, doubt, end, end_all, go_on};
