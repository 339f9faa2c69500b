//! How an event looks at a destination. The line of key=value pairs is core's
//! ([`wardkey_core::event::Event::to_line`]), as the server shows the same one; other forms are
//! those of `wardkey-records`.

pub mod server;
pub mod source;
pub mod syslog;
