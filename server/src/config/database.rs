//! Where the database is, as the configuration says it.

use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::files;
use crate::store::{Address, Place, Wrong};
use crate::texts::{Phrase, Text};

/// The longest password in bytes.
const MAX_PASSWORD: u64 = 1024;

/// What the configuration says of a database.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    /// The file of the store.
    pub(super) store: &'a Path,
    /// Where PostgreSQL has it.
    pub(super) url: Option<&'a str>,
    /// The file with the password.
    pub(super) password_file: Option<&'a Path>,
}

impl Said<'_> {
    /// Whether each key holds, and what would be right.
    pub(super) fn checks(self) -> Vec<(bool, &'static str, Phrase)> {
        let wrong = self.url.and_then(|url| url.parse::<Address>().err());
        let right = wrong.map_or(Text::DatabaseForm.into(), Wrong::phrase);
        let file = self.password_file;
        let key = "database_password_file";
        vec![
            (wrong.is_none(), "database", right),
            (file.is_none_or(Path::is_absolute), key, Text::AbsolutePath.into()),
            (file.is_none() || self.url.is_some(), key, Text::NeedsDatabase.into()),
        ]
    }

    /// Where the store is.
    pub(super) fn place(self) -> Result<Place> {
        let Some(url) = self.url else { return Ok(Place::from(self.store)) };
        let address: Address =
            url.parse().map_err(|wrong: Wrong| Error::invalid(wrong.phrase()))?;
        let address = match self.password_file {
            None => address,
            Some(path) => address.with_password(password(path)?),
        };
        Ok(Place::at_server(self.store, address))
    }
}

/// The first line of a file that nobody else reads.
fn password(path: &Path) -> Result<Zeroizing<String>> {
    use std::io::Read as _;
    use std::os::unix::fs::MetadataExt as _;

    let wrong = |message: Phrase| Error::Configuration { path: path.to_owned(), message };
    let unreadable = |error: std::io::Error| {
        wrong(Text::CannotBeRead.with([("why", files::why(&error))])).caused_by(error)
    };
    let file = files::open(path).map_err(unreadable)?;
    // The group of the service may: root owns the file, and the server is not root.
    if file.metadata().map_err(unreadable)?.mode() & 0o037 != 0 {
        let path = path.display().to_string().into();
        return Err(wrong(Text::OthersReadPassword.with([("path", path)])));
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_PASSWORD as usize + 1));
    file.take(MAX_PASSWORD + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_PASSWORD {
        return Err(wrong(Text::LongerThan.with([("count", MAX_PASSWORD.into())])));
    }
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::Config;

    #[test]
    fn a_password_is_the_first_line_of_a_file_that_others_do_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "secret\nnot this\n").unwrap();
        let mode = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for (bits, is_taken) in [(0o600, true), (0o640, true), (0o644, false), (0o660, false)] {
            mode(bits);
            assert_eq!(password(&path).is_ok(), is_taken, "{bits:o}");
        }
        mode(0o600);
        assert_eq!(password(&path).unwrap().as_str(), "secret");
        std::fs::write(&path, "x".repeat(MAX_PASSWORD as usize + 1)).unwrap();
        assert!(password(&path).is_err());
        let config = Config {
            database: Some("postgresql:///w".into()),
            database_password_file: Some(folder.path().join("none")),
            ..Config::default()
        };
        let refused = config.place().unwrap_err();
        assert_eq!(refused.in_file().unwrap().0, folder.path().join("none"));
        assert!(Config { database_password_file: None, ..config }.place().is_ok());
    }
}
