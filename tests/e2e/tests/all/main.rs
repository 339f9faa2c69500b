//! End-to-end tests. Each runs in a ward of its own (`tests/ward/enter`), so that all of them use
//! the production places.
#![allow(missing_docs)]

mod account_phase;
mod arbitration;
mod bad_input;
mod break_glass;
mod broken_off;
mod configuration;
mod enabling;
mod greeters;
mod hostile_key;
mod limits;
mod logging_in;
mod nameless;
mod new_pin;
mod offline;
mod passes;
mod profile;
mod sessions;
mod shared_accounts;
mod taken_over;
mod tools;
mod undoing;
mod vouching;
mod witness;
