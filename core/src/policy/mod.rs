//! What a scope's policy says, and what follows for a login.

pub mod document;
pub mod stage;
