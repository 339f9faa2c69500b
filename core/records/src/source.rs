//! Who tells of an event.

use wardkey_core::time::UnixTime;

/// What stands for evidence that does not hold.
const INVALID: &str = "invalid";

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
    /// By which way, when somebody else sends what this one tells.
    pub forwarded: Option<Forwarded>,
}

/// That a record came by the server, and what the server knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// The server's machine.
    pub by: String,
    /// The terminal that sent it to the server, by its certificate, in hexadecimal digits. What an
    /// agent recorded before it joined names none itself.
    pub terminal: String,
    /// The scopes of the terminal, with commas; empty when it has none.
    pub scopes: String,
    /// When the server got it.
    pub received: UnixTime,
    /// Its place in the server's log of records.
    pub place: u64,
    /// What verifying the evidence in it found.
    pub verdict: String,
}

impl Source {
    /// A program at a machine, whose process nobody knows.
    pub fn new(host: &str, program: &'static str, version: &str, enterprise: u32) -> Self {
        let (host, version) = (host.to_owned(), version.to_owned());
        Self { host, program, pid: None, version, enterprise, forwarded: None }
    }

    /// Whether the server found that the evidence in the record does not hold.
    pub(crate) fn is_disproved(&self) -> bool {
        self.forwarded.as_ref().is_some_and(|forwarded| forwarded.verdict == INVALID)
    }

    /// What is said of a record beside what the event says, by name.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let Some(Forwarded { by, terminal, scopes, received, place, verdict }) = &self.forwarded
        else {
            return Vec::new();
        };
        let scopes = (!scopes.is_empty()).then(|| ("scope", scopes.clone()));
        let own = [
            ("via", by.clone()),
            ("sender", terminal.clone()),
            ("received", received.0.to_string()),
            ("place", place.to_string()),
            ("verdict", verdict.clone()),
        ];
        let host = std::iter::once(("host", self.host.clone()));
        host.chain(scopes).chain(own).collect()
    }
}
