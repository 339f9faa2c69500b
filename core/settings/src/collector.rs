//! A collector of records, as `agent.toml` names it: `tcp://siem.example.org:601 ecs`.

use wardkey_core::event::Format;

use crate::address::is_address;

/// The way to a collector that is connected to: syslog messages, counted by octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over TCP (RFC 6587, 3.4.1).
    Tcp,
    /// Over TLS (RFC 5425).
    Tls,
    /// Over TLS, to a collector that never answers close_notify (rsyslog's `gtls`): the end of its
    /// TCP connection counts as its answer, and that anybody on the way can forge.
    TlsFin,
}

impl Way {
    const ALL: [Self; 3] = [Self::Tcp, Self::Tls, Self::TlsFin];

    /// The word in front of an address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::TlsFin => "tls-fin",
        }
    }
}

/// Somebody on the network who gets every record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// How it is reached.
    pub way: Way,
    /// `host:port`; an IPv6 address stands in brackets.
    pub address: String,
    /// How the records are written.
    pub format: Format,
}

impl Collector {
    /// Reads what the file says.
    pub fn read(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once("://")?;
        let way = Way::ALL.into_iter().find(|way| way.as_str() == word)?;
        let (address, format) = rest.split_once(' ')?;
        let collector = Self { way, address: address.to_owned(), format: Format::of(format)? };
        is_address(address).then_some(collector)
    }

    /// The way and the address: what names its cursor. In another format it is the same one.
    pub fn name(&self) -> String {
        format!("{} {}", self.way.as_str(), self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_a_format_make_a_collector() {
        for (text, way, address, format) in [
            ("tcp://siem.example.org:601 ecs", Way::Tcp, "siem.example.org:601", Format::Ecs),
            ("tls://192.0.2.7:6514 rfc5424", Way::Tls, "192.0.2.7:6514", Format::Rfc5424),
            ("tls-fin://siem:6514 leef", Way::TlsFin, "siem:6514", Format::Leef),
            ("tcp://[2001:db8::7]:601 cef", Way::Tcp, "[2001:db8::7]:601", Format::Cef),
        ] {
            let expected = Collector { way, address: address.into(), format };
            assert_eq!(Collector::read(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_makes_none() {
        for text in [
            "",
            "siem:601 ecs",
            "udp://siem:601 ecs",
            "fin://siem:601 ecs",
            "tcp://siem:601",
            "tcp://siem:601 ",
            "tcp://siem:601  ecs",
            "tcp://siem:601 ECS",
            "tcp://siem:601 ecs ",
            "tcp://siem ecs",
            "tcp://siem:0 ecs",
            "tcp://siem:65536 ecs",
            "tcp://siem:+601 ecs",
            "tcp://siem:0601 ecs",
            "tcp://:601 ecs",
            "tcp://-siem:601 ecs",
            "tcp://si em:601 ecs",
            "tcp://siem..org:601 ecs",
            "tcp://2001:db8::7:601 ecs",
            "tcp://[siem]:601 ecs",
            "tcp://siem/:601 ecs",
            "tcp://花子:601 ecs",
        ] {
            assert_eq!(Collector::read(text), None, "{text:?}");
        }
    }
}
