//! The pages of administration: what the interface does, for people with a browser and a key.
//!
//! ```text
//!   key signs ─> ceremony ─> admin::session ─> cookie
//!   cookie ─> visitor ─> perform (act x role, scopes: those of the interface) ─> view ─> HTML
//!   form ── token of the session, origin ──┘
//! ```
//! A page shows the views of routes of [`crate::api`], and a form asks for one of them: what
//! somebody may see and do is decided there, and nothing here decides it again. Pages are written
//! by the server; the one script is that of signing in, since only a script can ask a key.
//!
//! Everything that a page shows is escaped by [`maud`]; nothing is put together by hand but the
//! plots of [`crate::report`], which escape what they say themselves.

mod assets;
mod ceremony;
mod cookies;
mod file;
mod filter;
mod form;
mod frame;
mod own;
mod pages;
mod refusal;
mod routes;
mod say;
mod site;
mod texts;
mod visitor;

pub use routes::router;
