//! Everything about the security key: finding keys, plug and unplug, CTAP. No
//! network, no disk, no knowledge of people.
//!
//! ```text
//!   pam_fido.so, wardkey, agent
//!        |  one connection = one process
//!   listen   accepts, bounds the number of processes, hands over, ends what is over
//!   caller   who is it, and what may they ask      sandbox   what may we do
//!   broker   opens devices for the process that has the PIN
//!        |
//!   serve    one request after the other, wait for a key, cancel
//!        |
//!   keys     the trait between Wardkey and whatever speaks CTAP
//!   ctap     ctap-hid-fido2 behind it; answer, cbor: what the key really said
//!        |
//!   hidapi   our transport under the library
//!
//!   wiping   memory of all of these, wiped when it is freed
//! ```
#![deny(unsafe_code)]

mod answer;
pub mod arguments;
pub mod broker;
mod bus;
pub mod caller;
mod cbor;
mod ctap;
mod error;
pub mod keys;
pub mod listen;
mod pin;
pub mod sandbox;
pub mod serve;
#[cfg(test)]
mod testkey;
mod tries;
mod watch;
pub mod wiping;

pub use answer::{Assertion, Info, Registration, Retries};
#[cfg(any(test, feature = "in-process"))]
pub use bus::open_in_process;
pub use bus::{Bus, HidrawKeys, Plugged};
pub use error::KeyError;
pub use tries::Known;
