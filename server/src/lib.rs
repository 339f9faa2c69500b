//! The central server of Wardkey: people and their keys, terminals, the signed directory, events.
//!
//! ```text
//!   command line                          terminals
//!   cli, api ──> admin ──┐                gate ── TLS ── http ──> caller, joining, enroll, intake
//!                        └──> store (SQLite) <─────────────────────────────────┘
//!                               └──> publish (signed heads) ──> watch ── HTTP ── who runs it
//!   log                                    what happened, in a form that shows what was changed
//!   config, keyring, pki, secret, clock, when, error,
//!   files, lock, texts, width, words                       what all stand on
//!   people_file                                            what an import reads
//!   forward                                records on to collectors, files and the journal
//!   report                                 reports as tables, CSV and pages with plots
//!   fleet                                                  what is reckoned of silent terminals
//!   migrate                                                from SQLite to PostgreSQL
//! ```
//! Rules are in `admin`, `joining`, `enroll` and `intake`; the command line and `http` parse, open
//! the transaction, commit it and answer.
//!
//! The command line and the running server are separate processes over one store. Every change is
//! one transaction that also publishes it and writes its row of the audit trail. The server stores
//! no PIN, no biometric and no private key of a person.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod admin;
pub mod api;
pub mod backup;
pub mod caller;
pub mod cli;
pub mod clock;
pub mod config;
pub mod enroll;
pub mod error;
mod files;
pub mod fleet;
pub mod forward;
pub mod gate;
pub mod http;
pub mod intake;
pub mod joining;
pub mod keyring;
mod lock;
pub mod log;
pub mod migrate;
pub mod people_file;
pub mod pki;
pub mod probe;
pub mod publish;
pub mod report;
pub mod restore;
pub mod root_key;
pub mod secret;
pub mod serve;
pub mod store;
pub mod texts;
pub mod watch;
pub mod web;
pub mod when;
mod width;
mod words;

pub use cli::command;
