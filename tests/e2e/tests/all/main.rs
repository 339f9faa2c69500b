//! End-to-end tests. Each runs in a ward of its own (`tests/ward/enter`), so that all of them use the
//! production places.
#![allow(missing_docs)]

mod arbitration;
mod bad_input;
mod broken_off;
mod enabling;
mod greeters;
mod hostile_key;
mod logging_in;
mod offline;
mod taken_over;
