//! The ways out, one for each destination.

pub mod server;
pub mod syslog;
