//! The pages, each with what its forms ask for.

pub mod code;
mod done;
pub mod key;
pub mod lost;
pub mod me;
pub mod pass;
pub mod people;
pub mod person;
pub mod records;
pub mod reports;
pub mod sessions;
pub mod sign_in;
pub mod signed_in;
pub mod terminals;
pub mod today;
