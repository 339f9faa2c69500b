//! How somebody proves who they are, and how each proof is verified.
//!
//! ```text
//!   identification  a key proves whose it is, silently: nobody is let in for it
//!   assertion       a key signs a login, with PIN and touch
//! ```

pub mod assertion;
pub mod identification;
