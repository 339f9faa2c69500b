//! The program as auditors run it, over exports that somebody has touched and over one that nobody
//! has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod archives;
mod break_glass;
mod copies;
mod loans;
mod logins;
mod records;
mod support;
mod vouches;
