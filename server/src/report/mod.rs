//! Reports for people: each view of `admin::report` becomes a sheet, and a sheet becomes a page, a
//! table in a spreadsheet, or lines on a screen.
//!
//! ```text
//!   admin::report ─ view ─> logins, exceptions,    ─ Sheet ─> html (with plot), csv, command line
//!                           inventory, coverage, shared
//! ```
//! Names and reasons come from people, terminals and files: a sheet takes them as they are, and
//! each form guards them itself. Nothing here reads the store.

pub mod coverage;
pub mod csv;
mod escape;
pub mod exceptions;
pub mod html;
pub mod inventory;
pub mod logins;
mod plot;
pub mod shared;
mod sheet;

pub use plot::{Plot, Shape};
pub use sheet::{Cell, Sheet, Table};
