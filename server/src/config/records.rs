//! `records_to` and what belongs to it: where records go besides the database.

use std::path::{Path, PathBuf};

use wardkey_settings::sink::Sink;

use crate::texts::{Phrase, Text};

/// Where the certificates are of those who may certify collectors.
pub(super) const AUTHORITIES: &str = "/etc/wardkey/records-ca.pem";
/// The private enterprise number of documentation and examples (RFC 5612).
pub(super) const ENTERPRISE: u32 = 32473;

/// Where records go besides the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// Collectors, files and the journal.
    pub to: Vec<Sink>,
    /// Certificates of those who may certify collectors that are reached over TLS.
    pub ca: PathBuf,
    /// The private enterprise number in the records' structured data.
    pub enterprise: u32,
}

impl Default for Records {
    fn default() -> Self {
        Self { to: Vec::new(), ca: AUTHORITIES.into(), enterprise: ENTERPRISE }
    }
}

impl Records {
    /// What the file says.
    pub(super) fn new(to: &[String], ca: &Path, enterprise: u32) -> Self {
        Self { to: sinks(to).unwrap_or_default(), ca: ca.to_owned(), enterprise }
    }

    /// Whether any of them is reached over TLS.
    pub fn needs_authorities(&self) -> bool {
        self.to.iter().any(Sink::is_over_tls)
    }
}

/// The sinks of a list, each place once: a cursor on the records belongs to a place. None when the
/// list is not right.
pub(super) fn sinks(list: &[String]) -> Option<Vec<Sink>> {
    let all: Vec<Sink> = list.iter().map(|text| Sink::read(text)).collect::<Option<_>>()?;
    (all.len() <= Sink::MAX && Sink::are_at_places_of_their_own(&all)).then_some(all)
}

/// What can be wrong, and whether it is right.
pub(super) fn checks(
    (to, ca, enterprise): (&[String], &Path, u32),
) -> [(bool, &'static str, Phrase); 3] {
    [
        (sinks(to).is_some(), "records_to", Sink::takes()),
        (ca.is_absolute(), "records_ca", Text::AbsolutePath.into()),
        (enterprise > 0, "records_enterprise", Text::AtLeastOne.into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_list_that_is_wrong_names_line_key_and_fix() {
        for (text, parts) in [
            ("records_to = [\"tls://a:6514\"]", ["records_to", "tls://HOST:PORT FORMAT"]),
            (
                "records_to = [\"tcp://a:601 ecs\", \"udp://a:601 cef\"]",
                ["records_to", "each address once"],
            ),
            ("records_ca = \"ca.pem\"", ["records_ca", "absolute"]),
            ("records_enterprise = 0", ["records_enterprise", "at least 1"]),
        ] {
            let said = Config::parse(&format!("\n{text}")).unwrap_err().to_string();
            for part in ["line 2"].iter().chain(&parts) {
                assert!(said.contains(part), "{said:?} lacks {part:?}");
            }
        }
    }

    #[test]
    fn a_list_says_whether_somebody_has_to_certify_its_collectors() {
        let of = |text: &str| Config::parse(text).unwrap().records();
        let over_tls = of("records_to = [\"tls://a:6514 ecs\"]\nrecords_enterprise = 7");
        assert!(over_tls.needs_authorities() && over_tls.enterprise == 7);
        assert!(!of("records_to = [\"file:///a ecs\"]").needs_authorities());
        assert_eq!(of(""), Records::default());
    }
}
