//! The ways out, one for each destination.

pub mod collector;
pub mod deadline;
pub mod server;
pub mod syslog;
