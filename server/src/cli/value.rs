//! Values of options. Functions that read one return a sentence for the user when it is wrong.

use wardkey_core::id::EventId;
use wardkey_core::name::{RpId, ServerAddress};
use wardkey_help::usage::Wrong;
use wardkey_tlog::Verifier;

use crate::store::Address;
use crate::store::api_key::Role;
use crate::store::terminal::Tag;
use crate::texts::Text;
use crate::when::When;

/// `90s`, `30m`, `24h`, `7d`: seconds.
pub fn duration(text: &str) -> Result<u64, Wrong> {
    let bad = || Wrong::new(Text::WriteDuration);
    let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
    let (number, unit) = text.split_at_checked(at).ok_or_else(bad)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(bad()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    // A hundred years: what is longer is a slip of the finger.
    seconds.filter(|seconds| (1..=100 * 365 * 86_400).contains(seconds)).ok_or_else(bad)
}

/// The same, or 0 for none.
///
/// # Errors
/// A sentence for the user.
pub fn duration_or_none(text: &str) -> Result<u64, Wrong> {
    if text == "0" { Ok(0) } else { duration(text) }
}

/// A tag of a terminal.
pub fn tag(text: &str) -> Result<Tag, Wrong> {
    text.parse().map_err(|_| Wrong::new(Text::WriteTag))
}

/// As what somebody administrates.
pub fn role(text: &str) -> Result<Role, Wrong> {
    Role::of_word(text).ok_or_else(|| Wrong::new(Text::WriteRole))
}

/// A day in the deployment's time zone, or a time.
pub fn when(text: &str) -> Result<When, Wrong> {
    When::parse(text).ok_or_else(|| Wrong::new(Text::WriteTime))
}

/// A relying party id for a new deployment: narrower than what the format allows, as it is for ever
/// and browsers take nothing else (WebAuthn level 3, 5.1.2, effective domain).
pub fn rp_id(text: &str) -> Result<RpId, Wrong> {
    let refuse = |why: Text| Err(Wrong::new(Text::RpIdDomain.with([("why", why.into())])));
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if host.is_some() {
        return refuse(Text::RpIdPage);
    }
    if text.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok() {
        return refuse(Text::RpIdAddress);
    }
    if text.contains(':') {
        return refuse(Text::RpIdPort);
    }
    if text.ends_with('.') {
        return refuse(Text::RpIdDot);
    }
    if text.chars().any(|c| c.is_ascii_uppercase()) {
        let small = text.to_ascii_lowercase().into();
        return Err(Wrong::new(Text::RpIdSmall.with([("name", small)])));
    }
    if !text.contains('.') {
        return refuse(Text::RpIdWord);
    }
    let last_is_number =
        text.rsplit('.').next().is_some_and(|label| label.chars().all(|c| c.is_ascii_digit()));
    if last_is_number {
        return refuse(Text::RpIdNumber);
    }
    RpId::new(text).map_err(Wrong::from)
}

/// Where a database of PostgreSQL is, as the configuration says it.
pub fn database(text: &str) -> Result<String, Wrong> {
    let address = text.parse::<Address>().map_err(|wrong| Wrong::new(wrong.phrase()));
    address.map(|_| text.to_owned())
}

/// The id of a record.
pub fn record(text: &str) -> Result<EventId, Wrong> {
    EventId::from_hex(text.trim()).map_err(|_| Wrong::new(Text::WriteRecordId))
}

/// The key of a log, as "log show" says it.
pub fn verifier(text: &str) -> Result<Verifier, Wrong> {
    Verifier::parse(text.trim()).map_err(|_| Wrong::new(Text::WriteVerifier))
}

/// A host name or an address, as it stands in a certificate.
pub fn server_name(text: &str) -> Result<String, Wrong> {
    let name = rustls::pki_types::ServerName::try_from(text.to_owned());
    name.map(|_| text.to_owned()).map_err(|_| Wrong::new(Text::WriteServerName))
}

/// Where terminals reach the server, written in one way.
pub fn server_address(text: &str) -> Result<ServerAddress, Wrong> {
    let address = ServerAddress::new(text).map_err(|_| Wrong::new(Text::WriteServerAddress))?;
    Ok(address.canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("24h", Some(86_400)),
            ("7d", Some(604_800)),
            ("0h", None),
            ("24", None),
            ("h", None),
            ("-1h", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(duration(text).ok(), seconds, "{text}");
        }
    }

    #[test]
    fn only_a_domain_can_be_a_relying_party_id() {
        for good in
            ["example.org", "hospital.example", "login.city-hospital.co.jp", "xn--wgv71a.example"]
        {
            assert_eq!(rp_id(good).unwrap().as_str(), good);
        }
        for (bad, part) in [
            ("192.0.2.1", "IP address"),
            ("::1", "IP address"),
            ("[2001:db8::1]", "IP address"),
            ("wardkey", "one word"),
            ("localhost", "one word"),
            ("example.org:8443", "port"),
            ("https://example.org", "web page"),
            ("https://example.org/login", "web page"),
            ("Example.org", "example.org"),
            ("example.org.", "dot"),
            ("example.1", "number"),
            ("1.2.3", "number"),
            ("exa mple.org", "letters"),
            ("-a.example", "letters"),
            ("", "one word"),
        ] {
            let said = rp_id(bad).unwrap_err().to_string();
            assert!(said.contains(part), "{bad}: {said}");
        }
    }
}
