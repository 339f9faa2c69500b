//! Who tells of an event.

/// Who tells of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The machine's name.
    pub host: String,
    /// Name of the program.
    pub program: &'static str,
    /// The process, where it is known.
    pub pid: Option<u32>,
    /// Wardkey's version.
    pub version: String,
    /// The private enterprise number in the name of the structured data (RFC 5424, 6.3.2).
    pub enterprise: u32,
}

impl Source {
    /// A program at a machine, whose process nobody knows.
    pub fn new(host: &str, program: &'static str, version: &str, enterprise: u32) -> Self {
        let (host, version) = (host.to_owned(), version.to_owned());
        Self { host, program, pid: None, version, enterprise }
    }
}
