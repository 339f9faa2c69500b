//! The checkout that is described: its folder, version and date.

use std::path::{Path, PathBuf};

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
    /// When that version was made, in seconds since 1970: `SOURCE_DATE_EPOCH`, else the newest entry
    /// of `debian/changelog`. Never the time of the build, which would differ from build to build.
    pub date: u64,
}

impl Repository {
    /// Looks at a checkout.
    ///
    /// # Errors
    /// [`Error`] when `Cargo.toml` or `debian/changelog` is missing or not understood.
    pub fn open(root: &Path) -> Result<Self> {
        let manifest = root.join("Cargo.toml");
        let table: toml::Table = read(&manifest)?.parse().map_err(|error| Error::content(&manifest, error))?;
        let version = ["workspace", "package", "version"]
            .iter()
            .try_fold(&toml::Value::Table(table), |value, key| value.get(*key))
            .and_then(toml::Value::as_str)
            .ok_or_else(|| Error::content(&manifest, "workspace.package.version is missing"))?
            .to_owned();
        let (_, changelog_date) = changelog(root)?;
        let date = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => text
                .parse()
                .map_err(|_| Error::Dependencies(format!("SOURCE_DATE_EPOCH is {text:?}: give seconds since 1970")))?,
            Err(_) => changelog_date,
        };
        Ok(Self { root: root.to_owned(), version, date })
    }

    /// The day of the version, `2026-11-22`.
    pub fn day(&self) -> String {
        let (year, month, day) = civil(self.date);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// The moment of the version, `2026-11-22T00:00:00Z`.
    pub fn moment(&self) -> String {
        let seconds = self.date % 86_400;
        format!("{}T{:02}:{:02}:{:02}Z", self.day(), seconds / 3600, seconds / 60 % 60, seconds % 60)
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
pub fn changelog(root: &Path) -> Result<(String, u64)> {
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
        .and_then(|(_, date)| seconds(date))
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

/// Seconds since 1970 of a date such as `Sun, 22 Nov 2026 00:00:00 +0900`.
fn seconds(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = date.split_once(", ")?.1.split_whitespace();
    let day: i64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = i64::try_from(MONTHS.iter().position(|month| *month == name)?).ok()? + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let clock: Vec<i64> = words.next()?.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hours, minutes, seconds] = clock.as_slice() else { return None };
    let zone: i64 = words.next()?.parse().ok()?;
    let offset = (zone / 100 * 60 + zone % 100) * 60;
    // Days from civil, in the calendar whose years begin in March.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    u64::try_from(days * 86_400 + hours * 3600 + minutes * 60 + seconds - offset).ok()
}

/// Year, month and day of a moment.
const fn civil(moment: u64) -> (u64, u64, u64) {
    let days = moment / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_written() {
        for (date, epoch, day) in [
            ("Thu, 01 Jan 1970 00:00:00 +0000", 0, (1970, 1, 1)),
            ("Sun, 22 Nov 2026 00:00:00 +0000", 1_795_305_600, (2026, 11, 22)),
            ("Tue, 29 Feb 2028 23:59:59 +0000", 1_835_481_599, (2028, 2, 29)),
            ("Sun, 22 Nov 2026 05:00:00 +0900", 1_795_291_200, (2026, 11, 21)),
            ("Sun, 22 Nov 2026 20:00:00 -0430", 1_795_393_800, (2026, 11, 23)),
        ] {
            assert_eq!(seconds(date), Some(epoch), "{date}");
            assert_eq!(civil(epoch), day, "{date}");
        }
        for wrong in ["", "yesterday", "Sun, 22 Foo 2026 00:00:00 +0000", "Sun, 22 Nov 2026 00:00 +0000"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
