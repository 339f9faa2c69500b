//! A login, from the first connection to the recorded outcome.
//!
//! ```text
//!   nameless   whose key is plugged in, where nobody said who logs in: a name, no more
//!   run        one state after the other (states):
//!     establish   key and agent connected, evidence verified       (again after Wait, a hang-up,
//!     identify    a key proved whose it is; the rest is passed over    a long answer)
//!                 (no key: offer, by_code; by_colleague, whose key: vouch)
//!     question    one, without echo
//!     hold        the key is this login's
//!     sign        nonce, PIN to the key process, assertion, decide (finger: with a sensor, first
//!                 a finger, and the PIN once the sensor has given up)
//!     outcome     durably recorded by the agent; marks raised
//!   change_pin  the same without a signature: a PIN in place of another (a login whose key wants
//!               one goes on with it)
//!   agent      what is asked and heard, and what ends a state early
//!   attempt    what holds in every state (patience: how long it waits; speaker: what is told)
//! ```
//! The person is asked once, and only for a key that proved itself: before that, no name is shown
//! and no failure counts. Until [`sign`] nothing that was typed leaves this process.

mod account_phase;
mod agent;
mod attempt;
mod by_code;
mod by_colleague;
mod change_pin;
mod choose;
mod chosen_pin;
mod claims;
mod establish;
mod evidence;
mod finger;
mod hold;
mod identify;
mod marks;
mod nameless;
mod notice;
mod offer;
mod outcome;
mod patience;
mod question;
mod replies;
mod request;
mod requests;
mod run;
mod search;
mod server_time;
mod sign;
mod speaker;
mod states;
mod typed_code;
mod verified_person;
mod vouch;
mod vouched;

pub use account_phase::check_account;
pub use change_pin::{can_change_pin, change_pin};
pub use nameless::{WhoseKey, whose_key};
pub use replies::AgentReply;
pub use request::{Admitted, Login};
pub use run::authenticate;
