//! Every form of every event, against golden files and real parsers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod document;
mod events;
mod forwarded;
mod golden;
mod hostile;
mod journal;
mod parse;
mod samples;
mod stories;
mod vocabulary;
