//! How somebody proves who they are: what proofs there are, and how each is verified.
//!
//! ```text
//!   identification  a key proves whose it is, silently: nobody is let in for it
//!   assertion       a key signs a login, with PIN and touch
//!   signed_by_code  the code of a pass signs a login
//!   kind            by which proof somebody was let in
//! ```

pub mod assertion;
pub mod identification;
mod kind;
mod signed_by_code;

pub use kind::ProofKind;
pub use signed_by_code::SignedByCode;
