//! How the sources are laid out: imports without circles, files of one subject, lines that fit.
//!
//! ```text
//!   rooms    every crate's folders of modules
//!     ├── imports   who imports whom: no circle
//!     └── lengths   no file that has grown two subjects, no line that is wider than the others
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod imports;
mod lengths;
mod rooms;
