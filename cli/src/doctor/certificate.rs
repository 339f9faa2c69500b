//! Until when a certificate holds: as much of X.509 (RFC 5280, 4.1) as that needs.

/// `notAfter` of the first certificate of a PEM file, in seconds since 1970.
pub(crate) fn not_after(pem: &str) -> Option<u64> {
    let body = pem.split_once("-----BEGIN CERTIFICATE-----")?.1.split_once("-----END CERTIFICATE-----")?.0;
    let der = base64(body)?;
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
        let (bytes, after) = rest.split_at_checked(length & 0x7f).filter(|(bytes, _)| bytes.len() <= 4)?;
        length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some(Element { tag: *tag, content, rest })
}

/// UTCTime (`YYMMDDhhmmssZ`) or GeneralizedTime (`YYYYMMDDhhmmssZ`).
fn time(tag: u8, text: &[u8]) -> Option<u64> {
    let digits = text.strip_suffix(b"Z")?;
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let text = match (tag, text.len()) {
        // RFC 5280, 4.1.2.5.1.
        (0x17, 12) => format!("{}{text}", if text.starts_with(['5', '6', '7', '8', '9']) { "19" } else { "20" }),
        (0x18, 14) => text.to_owned(),
        _ => return None,
    };
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    // Days since 1970 of a date of the Gregorian calendar; years begin in March.
    let shifted = if month > 2 { month.checked_sub(3)? } else { month + 9 };
    let year = if month > 2 { year } else { year.checked_sub(1)? };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * shifted + 2) / 5 + day.checked_sub(1)?;
    Some(days.checked_sub(719_468)? * 86_400 + hour * 3600 + minute * 60 + second)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl req -x509 -newkey ed25519 -subj /CN=t -days 30`, cut to what is read: version, serial number,
    /// algorithm, issuer, validity from 2026-01-02 03:04:05 to 2049-12-31 23:59:59.
    #[test]
    fn the_end_of_a_certificate_is_read() {
        let utc = |text: &str| [&[0x17, 13][..], text.as_bytes()].concat();
        let sequence = |content: Vec<u8>| [vec![0x30, u8::try_from(content.len()).unwrap()], content].concat();
        let validity = sequence([utc("260102030405Z"), utc("491231235959Z")].concat());
        let name = sequence(vec![]);
        let inner =
            [vec![0xa0, 3, 2, 1, 2], vec![2, 1, 9], sequence(vec![6, 3, 0x2b, 0x65, 0x70]), name, validity].concat();
        let der = sequence(sequence(inner));
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", encode(&der));
        assert_eq!(not_after(&pem), Some(2_524_607_999));
        assert_eq!(not_after("nothing"), None);
        assert_eq!(not_after(&pem.replace("MD", "AA")), None);
        assert_eq!(time(0x18, b"20500101000000Z"), Some(2_524_608_000));
        assert_eq!(time(0x17, b"700101000000Z"), Some(0));
    }

    fn encode(bytes: &[u8]) -> String {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let value = chunk.iter().fold(0u32, |value, byte| value << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            for at in 0..=chunk.len() {
                text.push(char::from(DIGITS[(value >> (18 - 6 * at) & 63) as usize]));
            }
        }
        text
    }
}
