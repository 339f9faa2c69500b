//! Where records go besides the system log and the server, as `records_to` of `agent.toml` names
//! it: `tls://siem.example.org:6514 ecs`, `file:///var/log/wardkey/records.log cef`,
//! `elastic://siem.example.org:9200/logs-wardkey ecs /etc/wardkey/siem.token`.

use std::path::{Path, PathBuf};

use wardkey_core::event::Format;
use wardkey_core::phrase::Phrase;

use crate::address::{is_address, is_path};
use crate::collector::{Collector, Way};
use crate::intake::Intake;
use crate::texts::Text;

/// Somebody or something that gets every record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// A collector, over connections: it says when it has read what was sent.
    Collector(Collector),
    /// A collector that gets a datagram for each record, and says nothing.
    Datagrams(Datagrams),
    /// A collector over HTTPS, which says of each record whether it has it.
    Intake(Intake),
    /// A file of this machine.
    File(LogFile),
    /// The journal of systemd, with a field for each field of a record: the path of its socket.
    Journal(PathBuf),
}

/// A collector over UDP (RFC 5426).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagrams {
    /// `host:port`; an IPv6 address stands in brackets.
    pub address: String,
    /// How the records are written.
    pub format: Format,
}

/// A file with a line for each record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its whole path.
    pub path: PathBuf,
    /// How the records are written.
    pub format: Format,
}

impl Sink {
    /// The most of them.
    pub const MAX: usize = 8;
    /// Longest path of a socket in bytes, as the kernel has it.
    const LONGEST_SOCKET: usize = 107;

    /// Reads what the file says.
    pub fn read(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once("://")?;
        if word == "journal" {
            let fits = rest.len() <= Self::LONGEST_SOCKET && is_path(rest);
            return fits.then(|| Self::Journal(rest.into()));
        }

        if let Some(intake) = Intake::read(word, rest) {
            return Some(Self::Intake(intake));
        }

        let (place, format) = rest.split_once(' ')?;
        let format = Format::of(format)?;
        match word {
            "file" => is_path(place).then(|| Self::File(LogFile { path: place.into(), format })),
            // No path takes a whole message of theirs.
            "udp" if matches!(format, Format::Atna | Format::Fhir) => None,
            "udp" => is_address(place)
                .then(|| Self::Datagrams(Datagrams { address: place.to_owned(), format })),
            _ => Collector::read(text).map(Self::Collector),
        }
    }

    /// The way and the place: what names its cursor, and what people are shown.
    pub fn name(&self) -> String {
        match self {
            Self::Collector(collector) => collector.name(),
            Self::Datagrams(datagrams) => format!("udp {}", datagrams.address),
            Self::Intake(intake) => intake.name(),
            Self::File(file) => format!("file {}", file.path.display()),
            Self::Journal(socket) => format!("journal {}", socket.display()),
        }
    }

    /// What a list of them is, for those who have another one.
    pub fn takes() -> Phrase {
        Text::SinkList.with([("count", (Self::MAX as u64).into())])
    }

    /// Whether each has a place of its own, as a cursor on the records belongs to a place.
    pub fn are_at_places_of_their_own(all: &[Self]) -> bool {
        let is_twice =
            |at: usize, one: &Self| all.iter().take(at).any(|other| other.place() == one.place());
        !all.iter().enumerate().any(|(at, one)| is_twice(at, one))
    }

    /// Whether it is certified by somebody.
    pub const fn is_over_tls(&self) -> bool {
        match self {
            Self::Collector(collector) => !matches!(collector.way, Way::Tcp),
            Self::Intake(_) => true,
            Self::Datagrams(_) | Self::File(_) | Self::Journal(_) => false,
        }
    }

    /// The place alone, whatever the way to it.
    pub fn place(&self) -> &Path {
        match self {
            Self::Collector(collector) => Path::new(&collector.address),
            Self::Datagrams(datagrams) => Path::new(&datagrams.address),
            Self::Intake(intake) => Path::new(intake.place()),
            Self::File(file) => &file.path,
            Self::Journal(socket) => socket,
        }
    }
}

impl From<Collector> for Sink {
    fn from(collector: Collector) -> Self {
        Self::Collector(collector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_a_place_and_a_format_make_a_sink() {
        let collector =
            Collector { way: Way::Tcp, address: "siem:601".into(), format: Format::Ecs };
        let datagrams =
            |address: &str, format| Sink::Datagrams(Datagrams { address: address.into(), format });
        let file = |path: &str, format| Sink::File(LogFile { path: path.into(), format });
        for (text, expected, name) in [
            ("tcp://siem:601 ecs", Sink::Collector(collector), "tcp siem:601"),
            ("udp://siem:514 cef", datagrams("siem:514", Format::Cef), "udp siem:514"),
            ("udp://[::1]:514 rfc5424", datagrams("[::1]:514", Format::Rfc5424), "udp [::1]:514"),
            (
                "file:///var/log/wardkey/records.log fhir",
                file("/var/log/wardkey/records.log", Format::Fhir),
                "file /var/log/wardkey/records.log",
            ),
            ("file:///a ecs", file("/a", Format::Ecs), "file /a"),
            (
                "journal:///run/systemd/journal/socket",
                Sink::Journal("/run/systemd/journal/socket".into()),
                "journal /run/systemd/journal/socket",
            ),
        ] {
            let sink = Sink::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((sink.name().as_str(), &sink), (name, &expected), "{text}");
            assert!(name.ends_with(&sink.place().display().to_string()));
        }
    }

    #[test]
    fn anything_else_makes_none() {
        let long = format!("file:///{} ecs", "x".repeat(200));
        let long_socket = format!("journal:///{}", "x".repeat(107));
        for text in [
            "",
            "journal",
            "journal://",
            "journal:///",
            "journal:///run/systemd/journal/socket ecs",
            "journal://run/systemd/journal/socket",
            &long_socket,
            "file:///a",
            "file:///a ",
            "file:///a  ecs",
            "file:///a ECS",
            "file:///a b ecs",
            "file://a ecs",
            "file:/a ecs",
            "file:// ecs",
            "file:/// ecs",
            "file:///a/ ecs",
            "file:////a ecs",
            "file:///a//b ecs",
            "file:///a/../b ecs",
            "file:///a/./b ecs",
            "file:///a\u{0}b ecs",
            "file:///a\nb ecs",
            "file:///a\u{202e}b ecs",
            "file:///a\u{3000}b ecs",
            &long,
            "udp://siem ecs",
            "udp://siem:0 ecs",
            "udp://siem:514",
            "udp://siem:514 atna",
            "udp://siem:514 fhir",
            "udp:///a ecs",
            "unix:///a ecs",
            "http://siem:80 ecs",
            "https://siem:443 ecs /t",
            "elastic://siem:9200/logs ecs",
            "splunk://siem:8088 ecs",
        ] {
            assert_eq!(Sink::read(text), None, "{text:?}");
        }
    }
}
