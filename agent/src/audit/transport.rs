//! The ways out, one for each destination.

pub mod collector;
mod connection;
mod deadline;
pub mod failure;
mod pace;
mod resolve;
mod secret;
pub mod server;
pub mod syslog;
