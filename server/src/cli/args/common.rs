//! What several commands have: pages of lists, and an act on a person.

use clap::Args;
use wardkey_core::name::LoginName;
use wardkey_help::usage::number;

use crate::store::PageRequest;

/// Which part of a list.
#[derive(Debug, Args)]
pub struct Paging {
    /// Only rows that contain this text, in upper or lower case.
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// At most this many rows: 1 to 10000; by default 1000, or 100 of records and of the trail.
    #[arg(long, value_parser = number::<u32>(1, 10_000), value_name = "COUNT")]
    pub limit: Option<u32>,
    /// Continue after this row: what the page before called "next".
    #[arg(long, value_name = "NEXT")]
    pub after: Option<String>,
}

impl Paging {
    /// What is asked of the store.
    pub fn request(self) -> PageRequest {
        self.at_most(1000)
    }

    /// The same with so many rows by default.
    pub fn at_most(self, limit: u32) -> PageRequest {
        let limit = self.limit.unwrap_or(limit);
        PageRequest { after: self.after, limit, search: self.search, within: None }
    }
}

/// An act on a person.
#[derive(Debug, Args)]
pub struct PersonAct {
    /// Login name.
    pub login: LoginName,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}
