//! The HTTPS interface: routes, and what every request passes.
//!
//! ```text
//!   TLS ─> Peer ─> Origin, headers ─> route ─> ActiveTerminal ─> limits ─> Body ─> handler
//! ```
//! Bodies are those of `wardkey_core::message::http`. Every refusal is an [`ErrorReply`] with a
//! stable code.
//!
//! [`ErrorReply`]: wardkey_core::message::http::ErrorReply

mod app;
pub mod body;
mod enroll;
mod events;
pub mod health;
mod join;
pub mod limit;
mod log;
pub mod middleware;
pub mod peer;
pub mod reply;
mod routes;
pub mod seen;
mod sync;
mod time;

pub use app::App;
pub use routes::{ROUTES, router};
