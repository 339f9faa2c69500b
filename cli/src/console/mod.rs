//! Questions and answers: a terminal without echo, or lines from a pipe.

mod confined;
mod editor;
mod person;
mod standard;
mod terminal;
#[cfg(test)]
mod tests;

pub use person::{NoAnswer, Operator, Wait};
pub use standard::Console;
