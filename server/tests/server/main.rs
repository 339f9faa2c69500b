//! The server as terminals and administrators meet it: the real binary for the command line, real
//! TLS over loopback, a real store. Only the time is an argument.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

mod administration;
mod clock;
mod connections;
mod contract;
mod enrolment;
mod events;
mod joining;
mod limits;
mod measure;
mod openapi;
mod people;
mod process;
mod publishing;
mod quota;
mod scale;
