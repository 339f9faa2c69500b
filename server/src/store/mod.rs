//! The one store: people, keys, terminals, codes, published state, events and the audit trail.
//!
//! ```text
//!   handle     the open store                    query, value   statements, rows by name
//!   writer     transactions                      together       one commit for many records
//!   turns      who writes next                   number      signed integers
//!   database   which one it is                   page           pages of lists
//!   sqlite, postgresql   all that only one of them knows
//!   place      where it is                       alone          while another takes its place
//!   moving, moved   from one database to another
//!    ├ scope, person, credential, state      what is published
//!    ├ credential_list                       keys for people and programs
//!    ├ counter                               what changed since
//!    ├ terminal, token, code                 who may come
//!    ├ pass, loaner, loan, break_glass       what stands in for a person's own key
//!    ├ api_key, api_answer                   who administrates from afar, and what was answered
//!    ├ administrator, web_session            who of the people administrates, and is signed in
//!    ├ event, intake, audit                  what happened, and how much of it
//!    ├ desk_session                          who is signed in where, by what happened
//!    ├ log, archive, gap                     hashes over what happened, and what was taken out
//!    ├ clock                                 the time of the last signature
//!    ├ import                                many people at once
//!    ├ report                                how often it happened
//!    ├ setting, address                      what init fixed, and where the server is
//!    ├ whole, restored                       the whole store: what is in a backup, and after one
//!    ├ watch                                 what those who run it look at
//!    └ lookup                                what administration asks before it changes something
//! ```
//! SQL stands in these modules only, in the dialect that SQLite and PostgreSQL share: numbered
//! parameters, `ON CONFLICT`, `RETURNING`, row values. Tests prepare every statement with both.
//!
//! Every change is one transaction that holds the write lock from its first statement, so that
//! nothing is decided on what another process changes meanwhile. Functions that read and write
//! return [`Error::Store`] when the database fails and [`Error::Damaged`] when a row does not fit
//! its type; their own documentation names the other errors.
//!
//! [`Error::Store`]: crate::error::Error::Store
//! [`Error::Damaged`]: crate::error::Error::Damaged

pub mod address;
pub mod administrator;
mod alone;
pub mod api_answer;
pub mod api_key;
pub mod archive;
pub mod audit;
pub mod authority;
pub mod break_glass;
pub mod clock;
pub mod code;
pub mod counter;
pub mod credential;
pub mod credential_list;
mod database;
pub mod desk_session;
pub mod destination;
pub mod event;
pub mod gap;
mod handle;
pub mod import;
pub mod intake;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod lists_within;
pub mod loan;
pub mod loaner;
pub mod log;
pub mod lookup;
mod moved;
pub mod moving;
mod number;
pub mod page;
pub mod pass;
pub mod person;
mod place;
mod postgresql;
pub mod profile;
mod query;
pub mod report;
pub mod restored;
pub mod scope;
pub mod setting;
mod sqlite;
pub mod state;
#[cfg(test)]
mod statements;
pub mod terminal;
#[cfg(test)]
pub(crate) mod testing;
mod together;
pub mod token;
mod turns;
mod value;
pub mod watch;
pub mod web_session;
pub mod whole;
pub mod witness;
mod writer;

pub use alone::{Alone, disturbed};
pub use database::Watcher;
pub use handle::Store;
pub(crate) use number::to_time;
pub use page::{Page, PageRequest};
pub use place::Place;
pub use postgresql::{Address, Wrong, by_its_own_tools};
pub use query::Db;
#[cfg(test)]
pub use query::statements as statements_run;
pub use sqlite::{
    Opening, SIDECARS, create_file, files_of, is_damage, is_database, name_aside, no_lock, with_end,
};
pub use writer::Tx;
