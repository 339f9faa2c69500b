//! The VM test: Debian's kernel, systemd and the packages as an administrator installs them; a
//! person at the keyboard, and what the person sees.
//!
//! ```text
//!  wardkey-vm ── steps ──> ward ──> machine ──> QEMU (TCG) ── Debian ── packages
//!                           │         │ keyboard, screen (QMP)
//!                           │         └ orders (virtio port): the administrator's shell
//!                           └ console (tty1, letter by letter), greeter (screenshots, read by OCR)
//! ```
//!
//! A [`steps::Step`] says what it checks and is one function; the tables are in [`parts`]. Nothing
//! leaves the machine: the server stands in a network namespace of the guest, at the other end of a
//! cable that the test pulls out.
#![forbid(unsafe_code)]

pub mod console;
mod failure;
pub mod greeter;
pub mod journal;
mod keyboard;
pub mod machine;
mod orders;
pub mod parts;
mod qmp;
pub mod steps;
pub mod suite;
pub mod ward;

pub use failure::Failure;
