//! The one store: people, keys, terminals, codes, published state, events and the audit trail.
//!
//! ```text
//!   handle     the open store, transactions      query, value   statements, rows by name
//!   turns      who writes next                   together       one commit for many records
//!   sqlite     all that only SQLite knows        page           pages of lists
//!    ├ scope, person, credential, state      what is published
//!    ├ counter                               what changed since
//!    ├ terminal, token, code                 who may come
//!    ├ event, intake, audit                  what happened, and how much of it
//!    ├ clock                                 by which time was signed
//!    ├ import                                many people at once
//!    └ lookup                                what administration asks before it changes something
//! ```
//! SQL stands in these modules only, in the dialect that SQLite and PostgreSQL share: numbered
//! parameters, `ON CONFLICT`, `RETURNING`, row values. Another database is another file beside `sqlite`
//! and another folder of migrations.
//!
//! Every change is one transaction that holds the write lock from its first statement, so that nothing
//! is decided on what another process changes meanwhile. Functions that read and write return
//! [`Error::Store`] when the database fails and [`Error::Damaged`] when a row does not fit its type;
//! their own documentation names the other errors.
//!
//! [`Error::Store`]: crate::error::Error::Store
//! [`Error::Damaged`]: crate::error::Error::Damaged

pub mod audit;
pub mod clock;
pub mod code;
pub mod counter;
pub mod credential;
pub mod event;
mod handle;
pub mod import;
pub mod intake;
#[cfg(test)]
mod lists;
pub mod lookup;
pub mod page;
pub mod person;
mod query;
pub mod scope;
pub mod setting;
mod sqlite;
pub mod state;
#[cfg(test)]
mod statements;
pub mod terminal;
mod together;
pub mod token;
mod turns;
mod value;

use wardkey_core::time::UnixTime;

pub use handle::{Store, Tx};
pub use page::{Page, PageRequest};
pub use query::Db;
#[cfg(test)]
pub use query::statements as statements_run;
pub use sqlite::Watcher;

use crate::error::{Error, Result};

/// For the store, which has signed integers only.
pub(crate) fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// From the store; what is below zero was never written by us.
pub(crate) fn to_time(value: i64) -> Result<UnixTime> {
    u64::try_from(value).map(UnixTime).map_err(|_| Error::damaged(format!("the number {value}")))
}
