//! Checking an exported log, without the database: every entry against its hash, every hash against
//! the root, the root against the signature, and the whole against an older checkpoint.

use std::path::{Path, PathBuf};

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::codec::Document;
use wardkey_core::id::SigningPublicKey;
use wardkey_core::log_archive::{Gaps, PrunedEntry};
use wardkey_core::log_keys::{LogKeys, ReplacedLogKey};
use wardkey_core::{sign, texts};
use wardkey_tlog::{
    Checkpoint, Frontier, HASH_LEN, Hash, KeyName, Kind, Level, Note, Tile, Verifier, WIDTH, bundle,
};

use super::files;
use super::keys::KEYS;
use super::pruned;
use crate::error::{Error, Result};
use crate::texts::Text;

/// The longest bundle of entries in bytes.
const MAX_BUNDLE: usize = WIDTH as usize * (bundle::MAX_ENTRY + 2);

/// Whose signature counts.
#[derive(Clone, Copy, Debug)]
pub enum Trusted<'a> {
    /// The key of one log, which has its name.
    Log(&'a Verifier),
    /// The key of a server, for logs of any name: a restore gives the log another one.
    Server(&'a Verifier),
}

impl Trusted<'_> {
    const fn key(&self) -> &Verifier {
        match self {
            Self::Log(key) | Self::Server(key) => key,
        }
    }

    /// The key under the name that a checkpoint claims.
    ///
    /// # Errors
    /// [`Code::LogCheckpoint`]; [`Code::LogExportOther`] when it claims to be of another log than
    /// the key's.
    pub fn key_of(&self, note: &Note, path: &Path) -> Result<Verifier> {
        let key = self.claimed(note, path)?;
        match self {
            Self::Log(own) if own.name() != key.name() => {
                Err(files::other_log(path, key.name().as_str()))
            }
            Self::Log(_) | Self::Server(_) => Ok(key),
        }
    }

    fn claimed(&self, note: &Note, path: &Path) -> Result<Verifier> {
        let malformed = || files::unreadable(path, Text::LogNoCheckpoint.into());
        let claimed = Checkpoint::parse(note.unverified()).map_err(|_| malformed())?;
        let name = KeyName::new(claimed.origin()).map_err(|_| malformed())?;
        Ok(self.key().named(name))
    }

    /// The checkpoint of a file or folder, which this key signed for this log.
    ///
    /// # Errors
    /// [`Code::LogCheckpoint`], [`Code::LogUntrusted`], [`Code::LogExportOther`].
    pub fn checkpoint(&self, path: &Path) -> Result<Checkpoint> {
        let (file, note) = files::checkpoint(path)?;
        let key = self.key_of(&note, &file)?;
        opened(&note, key, &file)
    }

    /// An older checkpoint, which this key signed: the log may have had another name then.
    ///
    /// # Errors
    /// [`Code::LogCheckpoint`], [`Code::LogUntrusted`].
    fn older(&self, path: &Path) -> Result<Checkpoint> {
        let (file, note) = files::checkpoint(path)?;
        let key = self.claimed(&note, &file)?;
        opened(&note, key, &file)
    }
}

/// The checkpoint of a note that this key signed.
///
/// # Errors
/// [`Code::LogCheckpoint`], [`Code::LogUntrusted`].
pub fn opened(note: &Note, key: Verifier, path: &Path) -> Result<Checkpoint> {
    let opened = note.open(&[key]).map_err(|_| files::refused(Code::LogUntrusted, path))?;
    Checkpoint::parse(opened.text())
        .map_err(|_| files::unreadable(path, Text::LogNoCheckpoint.into()))
}

/// The key among these that signed a checkpoint, under whatever name that claims.
fn signer<'k>(note: &Note, keys: &'k [ReplacedLogKey]) -> Option<&'k ReplacedLogKey> {
    let claimed = Checkpoint::parse(note.unverified()).ok()?;
    let name = KeyName::new(claimed.origin()).ok()?;
    keys.iter().find(|replaced| {
        let key = Verifier::new(name.clone(), Kind::Ed25519, replaced.key.as_bytes());
        key.is_ok_and(|key| note.open(&[key]).is_ok())
    })
}

/// Says of a refused checkpoint that a key signed it that was replaced as stolen, where that is so.
pub fn explained(error: Error, path: &Path, keys: &[ReplacedLogKey]) -> Error {
    if error.code() != Code::LogUntrusted {
        return error;
    }
    let Ok((file, note)) = files::checkpoint(path) else { return error };
    let Some(by) = signer(&note, keys) else { return error };
    let time = by.replaced.to_rfc3339();
    let args = vec![("path", file.display().to_string().into()), ("time", time.into())];
    Error::refused(Code::LogKeyStolen, texts::phrase(Code::LogKeyStolen, args))
}

/// An export that is what its checkpoint says.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// The folder.
    pub path: PathBuf,
    /// The log's name.
    pub origin: String,
    /// Entries in it.
    pub size: u64,
    /// The root over them, in base64.
    pub root: String,
    /// Records that are not in it, as an archive has them: the signed list says by which acts.
    pub pruned: u64,
    /// The older checkpoint from which it goes on.
    pub since: Option<Since>,
    /// True: one that does not hold is an error.
    pub intact: bool,
}

/// An older checkpoint from which a log goes on.
#[derive(Debug, Serialize)]
pub struct Since {
    /// Where it was read.
    pub path: PathBuf,
    /// The log's name then. Another one means that a backup was restored between them; nothing that
    /// the older one has is lost.
    pub origin: String,
    /// Entries then.
    pub size: u64,
    /// When the key that signed it was replaced as stolen, seconds since 1970. What that signs says
    /// something only to who held it before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_stolen: Option<u64>,
}

/// Checks an export, and that it goes on from an older checkpoint or export, which another key may
/// have signed: that of the log before the publish key was stolen. `stolen` are such keys as the
/// server knows them; the export lists them too.
///
/// # Errors
/// [`Code::LogCheckpoint`], [`Code::LogUntrusted`], [`Code::LogKeyStolen`],
/// [`Code::LogExportOther`], [`Code::LogExportDamaged`]; [`Code::LogShorter`] and
/// [`Code::LogNotExtension`] when it does not go on from the older checkpoint.
pub fn check(
    from: &Path,
    trusted: &Trusted<'_>,
    since: Option<(&Path, Option<&Verifier>)>,
    stolen: &[ReplacedLogKey],
) -> Result<Checked> {
    let checkpoint = trusted.checkpoint(from);
    let checkpoint = checkpoint.map_err(|error| explained(error, from, stolen))?;
    let (mut older, mut key_stolen) = (None, None);
    if let Some((path, key)) = since {
        let stolen = [stolen, listed(from, trusted.key()).as_slice()].concat();
        let own = key.map(Trusted::Log);
        let by = own.as_ref().unwrap_or(trusted);
        let read = by.older(path).map_err(|error| explained(error, path, &stolen))?;
        older = Some((path, read));
        let found = stolen.iter().find(|key| key.key.as_bytes() == by.key().public());
        key_stolen = found.map(|key| key.replaced.0);
    }
    if let Some((path, older)) = &older
        && older.size() > checkpoint.size()
    {
        return Err(files::refused(Code::LogShorter, path));
    }

    let (root, gaps) = read(from, checkpoint.size(), older.as_ref())?;
    if root != *checkpoint.root() {
        return Err(files::refused(Code::LogExportDamaged, from));
    }
    pruned::holds(from, trusted.key(), &checkpoint, &gaps)?;
    let since = older.map(|(path, older)| Since {
        path: path.to_owned(),
        origin: older.origin().to_owned(),
        size: older.size(),
        key_stolen,
    });
    Ok(Checked {
        path: from.to_owned(),
        origin: checkpoint.origin().to_owned(),
        size: checkpoint.size(),
        root: root.to_string(),
        pruned: gaps.count(),
        since,
        intact: true,
    })
}

/// The keys of the log that were stolen, as an export lists them; none of one whose list is missing
/// or of another key.
fn listed(folder: &Path, key: &Verifier) -> Vec<ReplacedLogKey> {
    let key = SigningPublicKey::new(*key.public());
    let bytes = files::part(folder, KEYS, LogKeys::MAX_BYTES + 128).unwrap_or_default();
    let list = sign::verify::<LogKeys>(&bytes, &[key]);
    list.map(|list| list.replaced().to_vec()).unwrap_or_default()
}

/// Reads every entry and every hash; the root over them, and what was pruned.
fn read(folder: &Path, size: u64, older: Option<&(&Path, Checkpoint)>) -> Result<(Hash, Gaps)> {
    let (mut frontier, mut gaps) = (Frontier::new(), Gaps::default());
    goes_on(&frontier, older)?;
    for tile in wardkey_tlog::since(0, size).take_while(|tile| tile.level() == Level::ENTRIES) {
        let name = tile.bundle_path().unwrap_or_default();
        let bytes = files::part(folder, &name, MAX_BUNDLE)?;
        let entries = bundle::entries(&bytes).unwrap_or_default();
        if entries.len() != usize::from(tile.width()) {
            return Err(files::refused(Code::LogExportDamaged, &folder.join(name)));
        }
        let mut hashes = None;
        for (place, entry) in (tile.first()..).zip(entries) {
            let hash = match PrunedEntry::act_of(entry) {
                Some(act) => {
                    gaps.add(act, place);
                    let hashes = match &mut hashes {
                        Some(hashes) => hashes,
                        none => none.insert(hashes_in(folder, &tile)?),
                    };
                    hash_at(hashes, &tile, place).ok_or_else(|| damaged(folder, &tile))?
                }
                None => Hash::of_entry(entry),
            };
            for full in frontier.push(hash) {
                same(folder, &full.tile, &full.hashes)?;
            }
            goes_on(&frontier, older)?;
        }
    }
    for (tile, hashes) in frontier.partial() {
        same(folder, &tile, hashes)?;
    }
    Ok((frontier.root(), gaps))
}

/// The hashes of a tile, as its file has them.
fn hashes_in(folder: &Path, tile: &Tile) -> Result<Vec<u8>> {
    files::part(folder, &tile.path(), WIDTH as usize * HASH_LEN)
}

/// The one of a place.
fn hash_at(hashes: &[u8], tile: &Tile, place: u64) -> Option<Hash> {
    let at = usize::try_from(place.checked_sub(tile.first())?).ok()?;
    hashes.as_chunks().0.get(at).copied().map(Hash::new)
}

fn damaged(folder: &Path, tile: &Tile) -> Error {
    files::refused(Code::LogExportDamaged, &folder.join(tile.path()))
}

/// At the size of the older checkpoint: whether it is the same log.
fn goes_on(frontier: &Frontier, older: Option<&(&Path, Checkpoint)>) -> Result<()> {
    match older {
        Some((path, older))
            if older.size() == frontier.size() && *older.root() != frontier.root() =>
        {
            Err(files::refused(Code::LogNotExtension, path))
        }
        _ => Ok(()),
    }
}

/// Whether the file of a tile has these hashes.
fn same(folder: &Path, tile: &Tile, hashes: &[Hash]) -> Result<()> {
    if hashes_in(folder, tile)?.iter().eq(hashes.iter().flat_map(Hash::as_bytes)) {
        return Ok(());
    }
    Err(damaged(folder, tile))
}
