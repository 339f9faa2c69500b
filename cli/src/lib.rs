//! `wardkey`, the command line of a terminal: join, state, enrollment of keys, change of a PIN,
//! check of the configuration, and switching logins with keys on and off.
//!
//! ```text
//!   args ─> command::run ─┬─ join ───> agent ──> anchor (root's file, the token checked again)
//!                         ├─ enroll ─> agent (code, credential), security_key ─> key process (PIN)
//!                         ├─ enroll-console ─> the same at a terminal without a login; its unit
//!                         ├─ key ────> security_key
//!                         ├─ status ─> agent, doctor
//!                         ├─ who ────> agent
//!                         ├─ try ────> explain ─> doctor, config, agent
//!                         ├─ config ─> config (the readers of module and agent), pam::local_list
//!                         ├─ doctor ─> doctor ─> wardkey-stacks (what libpam reads), files, agent
//!                         └─ enable ─> pam: test_login, ways_in, undo, profile (pam-auth-update)
//!   console: questions without echo     peers: the two sockets     output, error: what is printed
//! ```
//! It never talks to the network. A PIN goes to the key process only, and only after the kernel
//! said that root owns that socket.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod anchor;
mod args;
mod command;
mod config;
mod console;
mod context;
mod directory;
mod doctor;
mod enroll_console;
mod error;
mod explain;
mod files;
mod finding;
mod help;
mod output;
mod pam;
mod peers;
mod places;
mod program;
mod security_key;
mod systemd;
mod texts;

pub use args::{Action, Cli, ConfigAction, EnrollConsoleAction, KeyAction};
pub use command::run;
pub use console::{Console, NoAnswer, Operator, Wait};
pub use context::Environment;
pub use error::CliError;
pub use places::Places;
pub use program::{command, main};
