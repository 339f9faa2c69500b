//! The HTTPS interface for administration: `admin` for those who are not at the server.
//!
//! ```text
//!   TLS ─> Origin, headers ─> route ─> API key ─> act x role ─> scopes ─> admin ─> view
//!                               └──── one table ────┘ └─> OpenAPI
//! ```
//! A route is a type ([`endpoint::Route`]): method, path, act, what it takes and what it shows. The
//! router, the authorisation and the document are made from the same list of them (`table`), so
//! none can have what the others lack, and a route without an act does not compile. Each says which
//! scopes it touches before it does anything; [`answer`] decides, and opens and commits the
//! transaction. Handlers parse, call `admin` and show.
//!
//! Refusals are problems (RFC 9457) with our codes.

mod answer;
mod call;
mod caller;
mod codes;
mod document;
mod endpoint;
mod keys;
mod passes;
mod people;
mod perform;
mod problem;
mod records;
mod repeated;
mod scopes;
mod seal;
mod server;
mod table;
mod tag;
mod terminals;

pub use document::Described;
pub use table::{described, router};
