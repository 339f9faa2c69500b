//! What a move from one database to another goes by, and what it leaves behind in both.

/// The setting of a database whose deployment was moved: to where.
pub const MOVED_TO: &str = "moved_to";
/// The setting of a database whose deployment was moved, when it is served from there.
pub const SETTLED: &str = "moved_for_good";
/// The setting of a database to which a deployment is moved, until the one before says so too: its
/// first root document and the last row of its trail.
pub const ARRIVING: &str = "arriving";

/// A table, as a move copies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: String,
    /// Its columns, in their order.
    pub columns: Vec<String>,
    /// The columns of its primary key.
    pub key: Vec<String>,
    /// The tables that its rows refer to.
    pub refers: Vec<String>,
}
