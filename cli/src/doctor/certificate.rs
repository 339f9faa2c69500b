//! Until when a certificate holds: as much of X.509 (RFC 5280, 4.1) as that needs.

use base64ct::{Base64, Encoding};
use jiff::civil::{DateTime, datetime};

/// `notAfter` of the first certificate of a PEM file, in seconds since 1970.
pub(crate) fn not_after(pem: &str) -> Option<u64> {
    let body =
        pem.split_once("-----BEGIN CERTIFICATE-----")?.1.split_once("-----END CERTIFICATE-----")?.0;
    let digits: String = body.split_ascii_whitespace().collect();
    let der = Base64::decode_vec(&digits).ok()?;
    let certificate = element(&der)?;
    let to_be_signed = element(certificate.content)?;
    let mut rest = to_be_signed.content;
    let mut next = element(rest)?;
    // The version has a tag of its own, and may be left out.
    if next.tag == 0xa0 {
        rest = next.rest;
        next = element(rest)?;
    }
    // Serial number, algorithm, issuer; then validity.
    for _ in 0..3 {
        next = element(next.rest)?;
    }
    let begin = element(next.content)?;
    let end = element(begin.rest)?;
    time(end.tag, end.content)
}

struct Element<'d> {
    tag: u8,
    content: &'d [u8],
    rest: &'d [u8],
}

fn element(der: &[u8]) -> Option<Element<'_>> {
    let (tag, rest) = der.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length & 0x80 != 0 {
        let (bytes, after) =
            rest.split_at_checked(length & 0x7f).filter(|(bytes, _)| bytes.len() <= 4)?;
        length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some(Element { tag: *tag, content, rest })
}

/// UTCTime (`YYMMDDhhmmssZ`) or GeneralizedTime (`YYYYMMDDhhmmssZ`).
fn time(tag: u8, text: &[u8]) -> Option<u64> {
    let digits = text.strip_suffix(b"Z")?;
    let text = std::str::from_utf8(digits)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let text = match (tag, text.len()) {
        // RFC 5280, 4.1.2.5.1.
        (0x17, 12) => format!(
            "{}{text}",
            if text.starts_with(['5', '6', '7', '8', '9']) { "19" } else { "20" }
        ),
        (0x18, 14) => text.to_owned(),
        _ => return None,
    };
    let end = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    u64::try_from(end.duration_since(datetime(1970, 1, 1, 0, 0, 0, 0)).as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl req -x509 -newkey ed25519 -subj /CN=t -days 30`, cut to what is read: version,
    /// serial number, algorithm, issuer, validity from 2026-01-02 03:04:05 to 2049-12-31 23:59:59.
    #[test]
    fn the_end_of_a_certificate_is_read() {
        let utc = |text: &str| [&[0x17, 13][..], text.as_bytes()].concat();
        let sequence =
            |content: Vec<u8>| [vec![0x30, u8::try_from(content.len()).unwrap()], content].concat();
        let validity = sequence([utc("260102030405Z"), utc("491231235959Z")].concat());
        let name = sequence(vec![]);
        let inner = [
            vec![0xa0, 3, 2, 1, 2],
            vec![2, 1, 9],
            sequence(vec![6, 3, 0x2b, 0x65, 0x70]),
            name,
            validity,
        ]
        .concat();
        let der = sequence(sequence(inner));
        let body = Base64::encode_string(&der);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        assert_eq!(not_after(&pem), Some(2_524_607_999));
        assert_eq!(not_after("nothing"), None);
        assert_eq!(not_after(&pem.replace("MD", "AA")), None);
        assert_eq!(time(0x18, b"20500101000000Z"), Some(2_524_608_000));
        assert_eq!(time(0x17, b"700101000000Z"), Some(0));
        // No end at all (RFC 5280, 4.1.2.5).
        assert_eq!(time(0x18, b"99991231235959Z"), Some(253_402_300_799));
        for wrong in [&b"20501301000000Z"[..], b"20500230000000Z", b"20500101240000Z"] {
            assert_eq!(time(0x18, wrong), None);
        }
    }
}
