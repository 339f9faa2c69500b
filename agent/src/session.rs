//! Where a login happens: at this terminal or not, on which seat, and whether a person sees it now.
//! The peer's word about itself proves nothing; what root's says about its line is believed.
//!
//! ```text
//!   peer's pid ── logind ── Belongs ─┐
//!   PAM_TTY of a root peer ──────────┼── place::locate ── Place ── is_foreground(Screens)
//!   sessions of all seats ─ Screens ─┘        └ NotHere: refused
//! ```

pub mod bus;
pub mod logind;
pub mod place;
pub mod screens;

pub use logind::Logind;
pub use place::{NotHere, Place, invoker, locate};
pub use screens::{Belongs, Screens, Session, Sessions};
