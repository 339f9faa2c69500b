//! The trust anchor and the marks that belong to it.

use std::path::Path;

use wardkey_core::codec::{self, Document};
use wardkey_core::id::{SigningPublicKey, TerminalId};
use wardkey_core::marks::Marks;
use wardkey_core::snapshot::Anchor;

use crate::error::CliError;
use crate::files;
use crate::texts::{Phrase, Text};

const MAX_BYTES: usize = 64 * 1024;

/// What stands in the anchor's place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing.
    Nothing,
    /// An anchor.
    Anchor(Anchor),
    /// Something else.
    Unreadable(NoAnchor),
}

/// Why something is no anchor.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnchor {
    /// It is no text.
    #[error(transparent)]
    NotUtf8(#[from] std::str::Utf8Error),
    /// The text is no TOML.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// A value is no identifier.
    #[error(transparent)]
    Value(#[from] codec::CodecError),
    /// A key that means nothing.
    #[error("{}", self.phrase())]
    UnknownKey(String),
    /// A key that must be there.
    #[error("{}", self.phrase())]
    Missing(&'static str),
}

impl NoAnchor {
    /// What is said of it.
    pub(crate) fn phrase(&self) -> Phrase {
        match self {
            Self::NotUtf8(error) => error.to_string().into(),
            Self::Toml(error) => error.message().into(),
            Self::Value(error) => error.to_string().into(),
            Self::UnknownKey(key) => Text::AnchorKeyUnknown.with([("key", key.as_str().into())]),
            Self::Missing(key) => Text::AnchorKeyMissing.with([("key", (*key).into())]),
        }
    }
}

/// Reads what stands in the anchor's place.
pub(crate) fn read(path: &Path) -> Result<Before, CliError> {
    let Some(bytes) = files::read(path, MAX_BYTES)? else { return Ok(Before::Nothing) };
    Ok(match parse(&bytes) {
        Ok(anchor) => Before::Anchor(anchor),
        Err(reason) => Before::Unreadable(reason),
    })
}

/// Writes marks and anchor, in this order: interrupted between the two, it can be done again.
///
/// Marks are the least that this terminal accepts of one deployment; of another one they would
/// refuse everything, for ever. Another terminal of the same deployment keeps them but for the
/// number of its terminal document. The deployment is the same one also under the root key that was
/// followed here.
pub(crate) fn write(
    path: &Path,
    marks: &Path,
    before: &Before,
    anchor: &Anchor,
) -> Result<(), CliError> {
    // Without its folder the module refuses everybody: it could remember nothing.
    files::make_folder_of(marks)?;
    match before {
        Before::Anchor(old) if old == anchor => {}
        Before::Anchor(old)
            if old.root_key == anchor.root_key || has_followed(marks, &anchor.root_key)? =>
        {
            keep_scopes(marks)?;
        }
        // Without an anchor the marks belong to nothing that is known.
        _ => files::remove(marks)?,
    }
    files::replace(path, to_text(anchor).as_bytes())
}

fn keep_scopes(path: &Path) -> Result<(), CliError> {
    let Some(marks) = marks(path)? else { return Ok(()) };
    files::replace(path, &codec::to_bytes(&Marks { terminal_number: 0, ..marks }))
}

/// The marks of the module; none before there are any.
pub(crate) fn marks(path: &Path) -> Result<Option<Marks>, CliError> {
    let Some(bytes) = files::read(path, Marks::MAX_BYTES)? else { return Ok(None) };
    codec::from_bytes(&bytes).map(Some).map_err(|error| files::broken(path, error))
}

/// The root key that this terminal has come to since it joined, by what its module has seen.
pub(crate) fn followed(path: &Path) -> Result<Option<SigningPublicKey>, CliError> {
    Ok(marks(path)?.and_then(|marks| marks.root_key))
}

fn has_followed(path: &Path, key: &SigningPublicKey) -> Result<bool, CliError> {
    Ok(followed(path)?.as_ref() == Some(key))
}

fn to_text(anchor: &Anchor) -> String {
    format!(
        "# The trust anchor of this terminal, written by \"wardkey join\". Do not edit.\n\
         root_key = \"{}\"\nterminal = \"{}\"\n",
        anchor.root_key, anchor.terminal
    )
}

fn parse(bytes: &[u8]) -> Result<Anchor, NoAnchor> {
    let table: toml::Table = std::str::from_utf8(bytes)?.parse()?;
    if let Some(unknown) =
        table.keys().find(|key| !["root_key", "terminal"].contains(&key.as_str()))
    {
        return Err(NoAnchor::UnknownKey(unknown.clone()));
    }
    let hex = |key| table.get(key).and_then(toml::Value::as_str).ok_or(NoAnchor::Missing(key));
    Ok(Anchor {
        root_key: SigningPublicKey::from_hex(hex("root_key")?)?,
        terminal: TerminalId::from_hex(hex("terminal")?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use wardkey_core::time::{ClockFloor, UnixTime};

    fn anchor(root: u8, terminal: u8) -> Anchor {
        Anchor {
            root_key: SigningPublicKey::new([root; 32]),
            terminal: TerminalId::new([terminal; 16]),
        }
    }

    fn marks() -> Marks {
        let floor = ClockFloor { time: UnixTime(77), ..ClockFloor::default() };
        Marks { root_version: 3, terminal_number: 9, floor, ..Marks::default() }
    }

    #[test]
    fn what_is_written_is_read_again_and_others_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etc/anchor.toml");
        assert_eq!(read(&path).unwrap(), Before::Nothing);
        write(&path, &folder.path().join("marks"), &Before::Nothing, &anchor(1, 2)).unwrap();
        assert_eq!(read(&path).unwrap(), Before::Anchor(anchor(1, 2)));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o644);
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "nothing else is left"
        );
        for wrong in ["", "x", "root_key = 1", "root_key = \"00\"\nterminal = \"00\"", "extra = 1"]
        {
            std::fs::write(&path, wrong).unwrap();
            assert!(matches!(read(&path).unwrap(), Before::Unreadable(_)), "{wrong}");
        }
    }

    #[test]
    fn marks_follow_the_anchor() {
        for (before, after) in [
            (Before::Anchor(anchor(1, 2)), Some(marks())),
            (Before::Anchor(anchor(1, 3)), Some(Marks { terminal_number: 0, ..marks() })),
            // Another root key, which is none that was followed here, and one that was.
            (Before::Anchor(anchor(7, 2)), None),
            (Before::Unreadable(NoAnchor::Missing("x")), None),
            (Before::Nothing, None),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("marks");
            std::fs::write(&path, codec::to_bytes(&marks())).unwrap();
            write(&folder.path().join("anchor.toml"), &path, &before, &anchor(1, 2)).unwrap();
            let left =
                std::fs::read(&path).ok().map(|bytes| codec::from_bytes::<Marks>(&bytes).unwrap());
            assert_eq!(left, after, "{before:?}");
        }
    }

    #[test]
    fn marks_stay_where_the_deployment_has_another_root_key_by_now() {
        for (followed, stays) in [(1, true), (8, false)] {
            let followed = Marks { root_key: Some(anchor(followed, 2).root_key), ..marks() };
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("marks");
            std::fs::write(&path, codec::to_bytes(&followed)).unwrap();
            let before = Before::Anchor(anchor(7, 2));
            write(&folder.path().join("anchor.toml"), &path, &before, &anchor(1, 2)).unwrap();
            let after = Marks { terminal_number: 0, ..followed };
            assert_eq!(super::marks(&path).unwrap(), stays.then_some(after));
        }
    }
}
