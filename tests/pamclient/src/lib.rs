//! One PAM transaction as a login program, a greeter or a screen locker would run it, with a
//! scripted person in front of it. The library runs it in the caller's process (for benchmarks);
//! the program `wardkey-pamclient` runs it in a process of its own and tells what happened as JSON
//! lines.
//!
//! ```text
//!   test, benchmark           Transaction::run                     libpam
//!   ┌───────────┐  Answer   ┌──────────────────┐  conversation  ┌──────────┐
//!   │ Script or │ ────────> │ Greeter: how the │ <────────────> │ stack of │
//!   │ closure   │ <──────── │ program answers  │                │ modules  │
//!   └───────────┘  Style,   └──────────────────┘                └──────────┘
//!                  text         Outcome: codes, messages, times, environment
//! ```
//!
//! Nothing is softened for the module under test: what a [`Greeter`] does here, a greeter or locker
//! of a distribution does too. Delays that modules ask for on failure are recorded, not slept.

mod error;
mod ffi;
mod greeter;
mod script;
mod transaction;

pub use error::Error;
pub use greeter::{Answer, Greeter, Style};
pub use script::Script;
pub use transaction::{Call, Conversation, Event, Message, Outcome, Transaction};
pub use wardkey_pamapp::name as code_name;
