//! The ways out that only an agent has; those to sinks are `wardkey-sinks`.

pub mod server;
pub mod syslog;
