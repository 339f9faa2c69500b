//! The terminal's side of the synchronisation. The terminal only dials out.
//!
//! ```text
//!   run ── wait ──> Upstream (http over tls, judged by our clock)
//!    └─ apply: roots, terminal, heads ── changes ── state root equal? ── one commit ── marks
//!   join: token ── root ── certificate ── identity
//! ```

pub mod addresses;
pub mod apply;
pub mod backoff;
pub mod exchange;
pub mod http;
pub mod join;
pub mod run;
mod server_clock;
pub mod tls;
pub mod upstream;
