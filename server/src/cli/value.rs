//! Values of options: durations and moments; and how answers are printed.

use std::io::Write;

use serde::Serialize;
use wardkey_core::name::{Language, RpId};

use crate::admin::Listing;
use crate::error::{Error, Result};
use crate::when::When;

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

/// A day in the deployment's time zone, or a time.
///
/// # Errors
/// A sentence for the user.
pub fn when(text: &str) -> std::result::Result<When, String> {
    When::parse(text).ok_or_else(|| "a date such as 2026-04-01 or a time such as 2026-04-01T08:30:00+09:00".into())
}

/// The language of whoever runs this, by the locale.
pub fn language() -> Language {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"));
    if locale.is_some_and(|locale| locale.starts_with("ja")) { Language::Ja } else { Language::En }
}

/// A relying party id for a new deployment: narrower than what the format allows, as it is for ever and
/// browsers take nothing else (WebAuthn level 3, 5.1.2, effective domain).
///
/// # Errors
/// A sentence for the user.
pub fn rp_id(text: &str) -> std::result::Result<RpId, String> {
    let refuse = |why: &str| Err(format!("{why}: give your organisation's domain alone, such as example.org"));
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if host.is_some() {
        return refuse("an address of a web page is no domain");
    }
    if text.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok() {
        return refuse("an IP address cannot be a relying party id: no browser takes it, and it may change");
    }
    if text.contains(':') {
        return refuse("a port does not belong to it");
    }
    if text.ends_with('.') {
        return refuse("it must not end with a dot");
    }
    if text.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(format!("it has small letters only: {}", text.to_ascii_lowercase()));
    }
    if !text.contains('.') {
        return refuse("one word is no domain: it belongs to nobody, and no browser takes it");
    }
    let last_is_number = text.rsplit('.').next().is_some_and(|label| label.chars().all(|c| c.is_ascii_digit()));
    if last_is_number {
        return refuse("a domain does not end with a number");
    }
    RpId::new(text).map_err(|error| error.to_string())
}

/// A host name or an address, as it stands in a certificate.
///
/// # Errors
/// A sentence for the user.
pub fn server_name(text: &str) -> std::result::Result<String, String> {
    let name = rustls::pki_types::ServerName::try_from(text.to_owned());
    name.map(|_| text.to_owned()).map_err(|_| "a host name such as wardkey.example, or an address".into())
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

impl Output {
    /// Prints a page of a list: its JSON, or a table; where more follows, how to go on.
    ///
    /// # Errors
    /// [`Error::Io`] when standard output is closed.
    pub fn list<T: Serialize>(
        self,
        listing: &Listing<T>,
        head: &[&str],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<()> {
        self.say(listing, || table(head, &listing.items.iter().map(row).collect::<Vec<_>>()))?;
        if let Some(next) = &listing.next {
            self.note(&[format!("There is more; continue with: --after {}", quoted(next))]);
        }
        Ok(())
    }

    /// Prints the one value that is copied, and on standard error what people need to know about it. In
    /// JSON the answer has both.
    ///
    /// # Errors
    /// [`Error::Io`] when standard output is closed.
    pub fn hand_out(self, answer: &impl Serialize, value: &str, notes: &[String]) -> Result<()> {
        self.say(answer, || vec![value.to_owned()])?;
        self.note(notes);
        Ok(())
    }

    /// Says on standard error what an administrator should look at; in JSON the answer has it.
    pub fn warn(self, warnings: &[String]) {
        self.note(&warnings.iter().map(|warning| format!("warning: {warning}")).collect::<Vec<_>>());
    }

    /// Says on standard error what comes next.
    pub fn remark(self, line: &str) {
        self.note(&[line.to_owned()]);
    }

    fn note(self, lines: &[String]) {
        if !self.json {
            lines.iter().for_each(|line| eprintln!("{line}"));
        }
    }
}

/// A word for the shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Says on standard error what went wrong, for people or for programs.
pub fn complain(error: &Error, json: bool) {
    if json {
        eprintln!("{}", error.to_json());
        return;
    }
    if let Error::Problems { problems, .. } = error {
        problems.iter().for_each(|problem| eprintln!("{problem}"));
    }
    eprintln!("wardkey-server: {error}");
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
        for good in ["example.org", "hospital.example", "login.city-hospital.co.jp", "xn--wgv71a.example"] {
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
            let said = rp_id(bad).unwrap_err();
            assert!(said.contains(part), "{bad}: {said}");
        }
    }

    #[test]
    fn columns_stand_under_each_other_with_japanese_names() {
        let lines = table(&["NAME", "X"], &[vec!["山田".into(), "1".into()], vec!["Ito".into(), "2".into()]]);
        assert_eq!(lines, ["NAME  X", "山田  1", "Ito   2"]);
    }
}
