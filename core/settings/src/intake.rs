//! A collector over HTTPS, as `agent.toml` names it:
//! `splunk://siem.example.org:8088 ecs /etc/wardkey/siem.token`.

use std::path::PathBuf;

use wardkey_core::event::Format;

use crate::address::{is_address, is_path};

/// What takes records over HTTPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The bulk interface of Elasticsearch and OpenSearch.
    Elastic,
    /// The HTTP Event Collector of Splunk.
    Splunk,
}

impl Kind {
    /// The word in front of an address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Elastic => "elastic",
            Self::Splunk => "splunk",
        }
    }
}

/// A collector over HTTPS that says of each record whether it has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intake {
    /// What it is.
    pub kind: Kind,
    /// `host:port`, for Elasticsearch with `/` and the index or data stream behind it.
    place: String,
    /// How the records are written.
    pub format: Format,
    /// The file with the token by which it knows us.
    pub token: PathBuf,
}

impl Intake {
    /// Longest token in bytes.
    pub const LONGEST_TOKEN: usize = 4096;

    /// Reads what the file says: the word, and what stands behind `://`.
    pub fn read(word: &str, rest: &str) -> Option<Self> {
        let kind = [Kind::Elastic, Kind::Splunk].into_iter().find(|kind| kind.as_str() == word)?;
        let mut words = rest.splitn(3, ' ');
        let (place, format, token) = (words.next()?, words.next()?, words.next()?);
        let format = Format::of(format)?;
        let intake = Self { kind, place: place.to_owned(), format, token: token.into() };
        let fits = match kind {
            // An index has documents in JSON.
            Kind::Elastic => intake.is_json() && is_index(intake.index()?),
            Kind::Splunk => intake.index().is_none() && format != Format::Atna,
        };
        (fits && is_address(intake.address()) && is_path(token)).then_some(intake)
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        self.place.split_once('/').map_or(self.place.as_str(), |(address, _)| address)
    }

    /// The index, or the data stream.
    pub fn index(&self) -> Option<&str> {
        self.place.split_once('/').map(|(_, index)| index)
    }

    /// Whether its records are objects of JSON.
    pub const fn is_json(&self) -> bool {
        matches!(self.format, Format::Ecs | Format::Ocsf | Format::Fhir)
    }

    /// What names its cursor. In another format or with another token it is the same one.
    pub fn name(&self) -> String {
        format!("{} {}", self.kind.as_str(), self.place)
    }

    /// Where it is.
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// Whether a text is the name of an index or of a data stream, as Elasticsearch takes it.
fn is_index(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    (1..=100).contains(&text.len()) && text.chars().all(fits) && !text.starts_with(['-', '_', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Sink;

    #[test]
    fn a_place_a_format_and_the_file_of_a_token_make_an_intake() {
        for (text, kind, address, index, name) in [
            (
                "elastic://siem.example.org:9200/logs-wardkey-default ecs /etc/wardkey/a.token",
                Kind::Elastic,
                "siem.example.org:9200",
                Some("logs-wardkey-default"),
                "elastic siem.example.org:9200/logs-wardkey-default",
            ),
            (
                "splunk://[::1]:8088 keyvalue /t",
                Kind::Splunk,
                "[::1]:8088",
                None,
                "splunk [::1]:8088",
            ),
        ] {
            let Some(Sink::Intake(intake)) = Sink::read(text) else { panic!("{text}") };
            assert_eq!((intake.kind, intake.address(), intake.index()), (kind, address, index));
            assert_eq!(Sink::Intake(intake.clone()).name(), name);
            assert_eq!(intake.is_json(), kind == Kind::Elastic);
        }
    }

    #[test]
    fn anything_else_makes_none() {
        for text in [
            "elastic://siem:9200 ecs /t",
            "elastic://siem:9200/ ecs /t",
            "elastic://siem:9200/Logs ecs /t",
            "elastic://siem:9200/_bulk ecs /t",
            "elastic://siem:9200/a/b ecs /t",
            "elastic://siem:9200/a?b ecs /t",
            "elastic://siem:9200/a cef /t",
            "elastic://siem/a ecs /t",
            "elastic://user:word@siem:9200/a ecs /t",
            "elastic://siem:9200/a ecs t",
            "elastic://siem:9200/a ecs /../t",
            "elastic://siem:9200/a ecs /t u",
            "splunk://siem:8088/x ecs /t",
            "splunk://siem:8088 atna /t",
            "splunk://siem:8088  ecs /t",
            "splunk://siem:8088 ecs ",
            "hec://siem:8088 ecs /t",
        ] {
            assert_eq!(Sink::read(text), None, "{text}");
        }
    }
}
