//! `wardkey doctor`: the ways in that are not the key, and what else is not as it should be.
//!
//! ```text
//!   stacks (wardkey-stacks) ─┐
//!   autologin, sshd, lockers ┤
//!   machine, accounts, agent ┴─> findings ─> accepted.toml ─┬─> shown
//!                                                           ├─> enable refuses
//!                                                           └─> record: what opened since ─> agent
//! ```

mod accepted;
mod accounts;
mod autologin;
mod certificate;
mod enrollment;
mod lockers;
mod look;
mod machine;
mod record;
mod sshd;
mod stacks;
mod text;

pub(crate) use accepted::{Acceptance, Accepted, now};
pub(crate) use look::{before_enabling, everything, of_services, seen};
pub(crate) use record::record;
