//! All tests of the agent over real files, sockets and processes, in one program: it is linked
//! once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod callers;
mod clocks;
mod collectors;
mod collectors_early;
mod collectors_slow;
mod collectors_tls;
mod common;
mod control;
mod crash;
mod directory;
mod exchanged_keys;
mod lockout;
mod logins;
mod measure;
mod passes;
mod pin_changes;
mod process;
mod queue;
mod records;
mod recovery;
mod refused;
mod reload;
mod server_time;
mod sessions;
mod shared_accounts;
mod sinks_file;
mod sinks_journal;
mod sinks_udp;
mod startup;
mod tls;
mod unproven;
mod versions;
mod vouches;
mod witness;
