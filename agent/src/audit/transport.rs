//! The ways out, one for each destination.

mod addresses;
mod authorities;
pub mod collector;
mod connection;
pub mod datagrams;
mod deadline;
mod event;
pub mod failure;
pub mod file;
pub mod intake;
pub mod journal;
mod pace;
pub mod resolve;
mod secret;
pub mod server;
pub mod syslog;
