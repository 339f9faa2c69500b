//! Values of options: durations and moments; and how answers are printed.

use std::io::Write;

use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};
use wardkey_core::time::UnixTime;

use crate::error::{Error, Result};

/// `90s`, `30m`, `24h`, `7d`: seconds.
///
/// # Errors
/// A sentence for the user.
pub fn duration(text: &str) -> std::result::Result<u64, String> {
    let bad = || "a number and s, m, h or d, such as 24h".to_owned();
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

/// A date (00:00 UTC) or an RFC 3339 time.
///
/// # Errors
/// A sentence for the user.
pub fn moment(text: &str) -> std::result::Result<UnixTime, String> {
    let date = || {
        let date = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
        Some(date.midnight().assume_utc())
    };
    let time = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(date);
    let seconds = time.and_then(|time| u64::try_from(time.unix_timestamp()).ok());
    seconds.map(UnixTime).ok_or_else(|| "a date such as 2026-04-01 or a time such as 2026-04-01T08:30:00+09:00".into())
}

/// A host name or an address, as it stands in a certificate.
///
/// # Errors
/// A sentence for the user.
pub fn server_name(text: &str) -> std::result::Result<String, String> {
    let name = rustls::pki_types::ServerName::try_from(text.to_owned());
    name.map(|_| text.to_owned()).map_err(|_| "a host name such as wardkey.example, or an address".into())
}

/// A time for people, in UTC.
pub fn shown(time: UnixTime) -> String {
    let time = i64::try_from(time.0).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| "?".into())
}

/// Where answers go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// For programs.
    pub json: bool,
}

impl Output {
    /// Prints an answer: its JSON, or the lines for people.
    ///
    /// # Errors
    /// [`Error::Io`] when standard output is closed.
    pub fn say(self, answer: &impl Serialize, lines: impl FnOnce() -> Vec<String>) -> Result<()> {
        let mut text = if self.json {
            serde_json::to_string(answer).map_err(|error| Error::Crypto(format!("JSON: {error}")))?
        } else {
            lines().join("\n")
        };
        if !text.is_empty() {
            text.push('\n');
        }
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever reads has read enough, as in "list | head".
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            done => done.map_err(Error::io("writing the answer")),
        }
    }
}

/// Lines of columns, each as wide as its widest value.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let head: Vec<String> = head.iter().map(|&name| name.to_owned()).collect();
    let width = |column: usize| {
        std::iter::once(&head).chain(rows).filter_map(|row| row.get(column)).map(|cell| columns_of(cell)).max()
    };
    let line = |row: &Vec<String>| {
        let cell = |(column, cell): (usize, &String)| {
            let pad = width(column).unwrap_or(0).saturating_sub(columns_of(cell));
            format!("{cell}{}", " ".repeat(pad))
        };
        row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    std::iter::once(&head).chain(rows).map(line).collect()
}

/// Columns of a text on a screen: Japanese characters take two.
fn columns_of(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0x1100..=0x115f
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6 => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_moments_as_people_write_them() {
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
        for (text, seconds) in [
            ("2026-04-01", Some(1_775_001_600)),
            ("2026-04-01T09:00:00+09:00", Some(1_775_001_600)),
            ("1969-12-31", None),
            ("tomorrow", None),
        ] {
            assert_eq!(moment(text).ok().map(|time| time.0), seconds, "{text}");
        }
    }

    #[test]
    fn columns_stand_under_each_other_with_japanese_names() {
        let lines = table(&["NAME", "X"], &[vec!["山田".into(), "1".into()], vec!["Ito".into(), "2".into()]]);
        assert_eq!(lines, ["NAME  X", "山田  1", "Ito   2"]);
    }
}
