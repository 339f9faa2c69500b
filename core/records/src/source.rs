//! Who tells of an event.

/// Who tells of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The machine's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Wardkey's version.
    pub version: String,
    /// The private enterprise number in the name of the structured data (RFC 5424, 6.3.2).
    pub enterprise: u32,
}
