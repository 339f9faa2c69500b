//! Names as types: a value that exists is valid.

use std::net::{Ipv4Addr, Ipv6Addr};

use minicbor::{Decode, Encode};

use crate::text_codec::text_codec;

/// Why a text is not a name.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum NameError {
    /// Empty, or longer than the kind of name allows.
    #[error("a {kind} has 1 to {max} bytes")]
    Length {
        /// What kind of name.
        kind: &'static str,
        /// The greatest length in bytes.
        max: usize,
    },
    /// A character that the kind of name does not allow.
    #[error("a {kind} is made of {allowed}")]
    Character {
        /// What kind of name.
        kind: &'static str,
        /// The characters that are allowed.
        allowed: &'static str,
    },
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal, $allowed:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The greatest length in bytes.
            pub const MAX_BYTES: usize = $max;

            /// Takes a text that obeys the rules of this kind of name.
            ///
            /// # Errors
            /// [`NameError`] says which rule it breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                if text.is_empty() || text.len() > $max {
                    return Err(NameError::Length { kind: $kind, max: $max });
                }
                let check: fn(&str) -> bool = $check;
                if !check(&text) {
                    return Err(NameError::Character { kind: $kind, allowed: $allowed });
                }
                Ok(Self(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        text_codec!($name, |text: &str| {
            Self::new(text).map_err(minicbor::decode::Error::custom)
        });
    };
}

fn is_name(text: &str, extra: &str) -> bool {
    !text.starts_with(['-', '.'])
        && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
}

name!(
    /// A Unix login name. Exact: case matters and nothing is mapped (sssd CVE-2025-11561).
    LoginName, "login name", 64, "letters, digits and ._-@+$, not beginning with - or .",
    |text| is_name(text, "._-@+$")
);
name!(
    /// What a terminal subscribes to: a ward, a site, `roaming`, `breakglass`.
    ScopeName, "scope name", 32, "lower-case letters, digits and ._-, not beginning with - or .",
    |text| is_name(text, "._-") && !text.chars().any(|c| c.is_ascii_uppercase())
);
name!(
    /// A group of people in policy.
    GroupName, "group name", 64, "letters, digits and ._-, not beginning with - or .",
    |text| is_name(text, "._-")
);
name!(
    /// A PAM service: the name of its file in /etc/pam.d.
    ServiceName, "PAM service name", 64, "letters, digits and ._-+@:, not beginning with - or .",
    |text| is_name(text, "._-+@:")
);
name!(
    /// WebAuthn relying party id: a domain name, fixed for ever.
    RpId, "relying party id", 253, "lower-case letters, digits, - and dots between labels",
    |text| text.split('.').all(|label| !label.is_empty() && label.len() <= 63
        && !label.starts_with('-') && !label.ends_with('-')
        && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
);
name!(
    /// Where a server is: `https://` with a name or address, and a port where it is another one
    /// than 443.
    ServerAddress, "server's address", 128, "https://HOST or https://HOST:PORT, and nothing else",
    |text| place_of(text).is_some()
);
name!(
    /// A text for people (display name, label): no control characters, no direction overrides.
    DisplayText, "display text", 128, "printable characters",
    |text| text.chars().all(is_printable)
);

name!(
    /// A person's name in Latin letters, for consoles, which show no others.
    LatinName, "name in Latin letters", 128, "printable Latin letters, with marks or without",
    |text| text.chars().all(|c| is_printable(c) && is_latin(c)) && text.trim() == text
        && text.contains(char::is_alphabetic)
);

impl From<LatinName> for DisplayText {
    /// All of it is printable, and it is no longer.
    fn from(name: LatinName) -> Self {
        Self(name.0)
    }
}

/// Whether fonts for a console of Linux, which hold 256 or 512 letters, have this one: letters of
/// Latin scripts, up to Latin Extended-A. Which of them a console shows depends on its font. A
/// space that does not break and a hyphen that is not seen are none.
pub const fn is_latin(c: char) -> bool {
    c < '\u{180}' && c != '\u{a0}' && c != '\u{ad}'
}

impl ServerAddress {
    /// The name or address, as a certificate has it.
    pub fn host(&self) -> &str {
        place_of(&self.0).map_or("", |(host, _)| host)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        place_of(&self.0).map_or(HTTPS, |(_, port)| port)
    }

    /// The same place, written in the one way in which it is compared: small letters, an address as
    /// it is mostly written, no port where that is 443.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let host = match self.host().parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => self.host().to_ascii_lowercase(),
        };
        let port = self.port();
        Self(if port == HTTPS {
            format!("https://{host}")
        } else {
            format!("https://{host}:{port}")
        })
    }
}

/// The port of an address that names none.
const HTTPS: u16 = 443;

/// Host and port of an address, if it is one.
fn place_of(address: &str) -> Option<(&str, u16)> {
    let place = address.strip_prefix("https://")?;
    let (host, port) = match place.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => {
            let (host, port) =
                place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port)));
            let is_label = |label: &str| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            };
            if !host.split('.').all(is_label) {
                return None;
            }
            // No name ends with a number (RFC 1123, 2.1): this is an address, or mistyped.
            let is_number = |label: &str| label.chars().all(|c| c.is_ascii_digit());
            if host.rsplit('.').next().is_some_and(is_number) {
                host.parse::<Ipv4Addr>().ok()?;
            }
            (host, port)
        }
    };
    let number = |text: &str| {
        let is_number = text.chars().all(|c| c.is_ascii_digit());
        text.parse().ok().filter(|port| is_number && *port > 0)
    };
    Some((host, port.map_or(Some(HTTPS), number)?))
}

impl From<&LoginName> for DisplayText {
    /// A login name is shorter, and all of it is printable.
    fn from(name: &LoginName) -> Self {
        Self(name.0.clone())
    }
}

/// False for control characters, line separators and direction overrides, which can forge log lines
/// and prompts.
pub fn is_printable(c: char) -> bool {
    !(c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{feff}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

/// A text from elsewhere (tty, remote host, detail of an error) made fit for a record: unprintable
/// characters become `?`, and the text ends after `max` characters.
pub fn printable(text: &str, max: usize) -> String {
    text.chars().take(max).map(|c| if is_printable(c) { c } else { '?' }).collect()
}

/// The language of a person or of a terminal's prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Language {
    /// Japanese.
    #[n(0)]
    #[default]
    Ja,
    /// English.
    #[n(1)]
    En,
}

impl std::str::FromStr for Language {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.get(..2) {
            Some("ja") => Ok(Self::Ja),
            Some("en") => Ok(Self::En),
            _ => Err(NameError::Character { kind: "language", allowed: "ja or en" }),
        }
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ja => "ja",
            Self::En => "en",
        })
    }
}
