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
pub(crate) mod call;
mod caller;
pub(crate) mod codes;
pub(crate) mod desks;
mod document;
pub(crate) mod endpoint;
pub(crate) mod keys;
pub(crate) mod passes;
pub(crate) mod people;
pub(crate) mod perform;
pub(crate) mod problem;
pub(crate) mod records;
mod repeated;
pub(crate) mod reports;
pub(crate) mod scopes;
pub(crate) mod seal;
pub(crate) mod server;
mod table;
mod tag;
pub(crate) mod terminals;

pub use document::Described;
pub use table::described;
pub(crate) use table::{router, routes, shared};
