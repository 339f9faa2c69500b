//! The checkout that is described: its folder, version and date.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::error::{Error, Result};

/// Files of the repository are short; what is longer is no such file.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A checkout.
#[derive(Clone, Debug)]
pub struct Repository {
    /// Its folder.
    pub root: PathBuf,
    /// The version of everything, from `Cargo.toml`.
    pub version: String,
    /// When that version was made: `SOURCE_DATE_EPOCH`, else the newest entry of
    /// `debian/changelog`. Never the time of the build, which would differ from build to build.
    pub date: Timestamp,
}

impl Repository {
    /// Looks at a checkout.
    ///
    /// # Errors
    /// [`Error`] when `Cargo.toml` or `debian/changelog` is missing or not understood.
    pub fn open(root: &Path) -> Result<Self> {
        let manifest = root.join("Cargo.toml");
        let table: toml::Table =
            read(&manifest)?.parse().map_err(|error| Error::content(&manifest, error))?;
        let version = ["workspace", "package", "version"]
            .iter()
            .try_fold(&toml::Value::Table(table), |value, key| value.get(*key))
            .and_then(toml::Value::as_str)
            .ok_or_else(|| Error::content(&manifest, "workspace.package.version is missing"))?
            .to_owned();
        let (_, changelog_date) = changelog(root)?;
        let date = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => epoch(&text).ok_or_else(|| {
                Error::Dependencies(format!(
                    "SOURCE_DATE_EPOCH is {text:?}: give seconds since 1970"
                ))
            })?,
            Err(_) => changelog_date,
        };
        Ok(Self { root: root.to_owned(), version, date })
    }

    /// The day of the version, `2026-11-22`.
    pub fn day(&self) -> String {
        self.date.strftime("%Y-%m-%d").to_string()
    }

    /// The moment of the version, `2026-11-22T00:00:00Z`.
    pub fn moment(&self) -> String {
        self.date.to_string()
    }

    /// Reads a file of the checkout.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Content`] when it is too long.
    pub fn read(&self, path: &str) -> Result<String> {
        read(&self.root.join(path))
    }
}

/// Version and date of the newest entry of `debian/changelog`.
///
/// # Errors
/// [`Error`] when the file has no such entry.
pub fn changelog(root: &Path) -> Result<(String, Timestamp)> {
    let path = root.join("debian/changelog");
    let text = read(&path)?;
    let version = text
        .lines()
        .next()
        .and_then(|line| line.split_once('(')?.1.split_once(')'))
        .map(|(version, _)| version.to_owned())
        .ok_or_else(|| Error::content(&path, "line 1 has no version in parentheses"))?;
    let date = text
        .lines()
        .find_map(|line| line.strip_prefix(" -- ")?.split_once(">  "))
        .and_then(|(_, date)| moment(date))
        .ok_or_else(|| Error::content(&path, "the newest entry has no date"))?;
    Ok((version, date))
}

fn read(path: &Path) -> Result<String> {
    let length = std::fs::metadata(path).map_err(Error::file(path))?.len();
    if length > MAX_BYTES {
        return Err(Error::content(path, format!("{length} bytes are too many")));
    }
    std::fs::read_to_string(path).map_err(Error::file(path))
}

/// A moment in seconds since 1970.
fn epoch(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.parse().ok()?).ok()
}

/// A date such as `Sun, 22 Nov 2026 00:00:00 +0900`.
fn moment(date: &str) -> Option<Timestamp> {
    Some(rfc2822::parse(date).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_written() {
        for (date, epoch, utc) in [
            ("Thu, 01 Jan 1970 00:00:00 +0000", 0, "1970-01-01T00:00:00Z"),
            ("Sun, 22 Nov 2026 00:00:00 +0000", 1_795_305_600, "2026-11-22T00:00:00Z"),
            ("Tue, 29 Feb 2028 23:59:59 +0000", 1_835_481_599, "2028-02-29T23:59:59Z"),
            ("Sun, 22 Nov 2026 05:00:00 +0900", 1_795_291_200, "2026-11-21T20:00:00Z"),
            ("Sun, 22 Nov 2026 20:00:00 -0430", 1_795_393_800, "2026-11-23T00:30:00Z"),
        ] {
            let moment = moment(date).unwrap();
            assert_eq!((moment.as_second(), moment.to_string().as_str()), (epoch, utc), "{date}");
        }
        for wrong in
            ["", "yesterday", "Sun, 22 Foo 2026 00:00:00 +0000", "Mon, 22 Nov 2026 00:00:00 +0000"]
        {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
