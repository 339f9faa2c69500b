//! What every connection has: settings, locks, the channel of notices; and refusals.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use wardkey_core::code::Code;
use wardkey_core::texts;

use crate::error::Error;
use crate::texts::Phrase;

/// How long a connection or a lock is waited for.
pub(super) const BUSY: Duration = Duration::from_secs(10);
/// The first of the two numbers of our advisory locks.
pub(super) const LOCKS: i32 = 0x574b;
/// The lock of whoever writes.
pub(super) const WRITER: i32 = 1;
/// The lock of the server that runs.
pub(super) const SERVER: i32 = 2;
/// What every commit says.
pub(super) const CHANNEL: &str = "wardkey";

/// A pool of so many connections.
pub(super) fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(connections).acquire_timeout(BUSY)
}

/// Settings of every connection.
pub(super) fn settings(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("wardkey-server").statement_cache_capacity(400).options([
        ("lock_timeout", "10s"),
        // Statements are short; compiling them takes longer than running them.
        ("jit", "off"),
        ("client_min_messages", "warning"),
    ])
}

/// A refusal with the sentence of its code.
pub(super) fn refused(code: Code, args: Vec<(&'static str, Phrase)>) -> Error {
    Error::refused(code, texts::phrase(code, args))
}

/// Whether somebody else holds the write lock (`lock_not_available`).
pub fn is_busy(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.code().is_some_and(|code| code == "55P03")
}
