//! What a scope's policy says, and what follows for a login.
//!
//! ```text
//!   document, context ─ rule ─ stage ─ evaluate   Evaluation: allowed or denied, and by which rule
//!                         └ ways                  which proofs a service takes
//!                         └ vouching              whether a colleague may vouch for a person
//!                             └ lending           whether a key on loan may be used
//!   session                                       what holds after it, until the session ends
//!   pin                                           what a key is told when it is enrolled
//! ```

pub mod context;
pub mod document;
pub mod evaluate;
pub mod lending;
pub mod pin;
pub mod rule;
pub mod session;
pub mod stage;
pub mod vouching;
pub mod ways;
