//! The files of PAM as they were, so that a change can be taken back.

use std::path::PathBuf;

use crate::error::CliError;
use crate::files;
use crate::places::Places;

use super::profile::{self, REMEMBERED, SERVICES};

/// The longest of these files.
pub(super) const MAX_BYTES: usize = 256 * 1024;

/// The files of PAM as they are, in memory: for a change that is undone at once when it fails.
pub(crate) struct Kept(Vec<(PathBuf, Vec<u8>)>);

impl Kept {
    pub(crate) fn now(places: &Places) -> Result<Self, CliError> {
        let mut kept = Vec::new();
        for path in profile::all_files(places) {
            if let Some(bytes) = files::read(&path, MAX_BYTES)? {
                kept.push((path, bytes));
            }
        }
        Ok(Self(kept))
    }

    pub(crate) fn put_back(&self) {
        for (path, bytes) in &self.0 {
            if files::read(path, MAX_BYTES).ok().flatten().as_ref() != Some(bytes) {
                // The error of the change is told.
                let _ = files::replace(path, bytes);
            }
        }
    }
}

/// Puts the files of a pending change back; what somebody wrote meanwhile is kept aside.
pub(super) fn restore(places: &Places) -> Result<(), CliError> {
    let pending = places.undo.join("pending");
    for (kept, original) in pairs(places) {
        let Some(before) = files::read(&pending.join(kept), MAX_BYTES)? else { continue };
        let now = files::read(&original, MAX_BYTES).ok().flatten();
        if now.as_ref() == Some(&before) {
            continue;
        }
        if let Some(now) = now {
            // For whoever edited it meanwhile. A full disk is no reason to leave logins as they
            // are.
            let _ = files::replace(&places.undo.join("undone").join(kept), &now);
        }
        files::replace(&original, &before)?;
    }
    Ok(())
}

/// The name under which a file is kept, and the file.
pub(super) fn pairs(places: &Places) -> impl Iterator<Item = (&'static str, PathBuf)> + '_ {
    const KEPT: [&str; 11] = [
        "pam.d.common-auth",
        "pam.d.common-account",
        "pam.d.common-password",
        "pam.d.common-session",
        "pam.d.common-session-noninteractive",
        "pam.auth",
        "pam.account",
        "pam.password",
        "pam.session",
        "pam.session-noninteractive",
        "pam.seen",
    ];
    const _: () = assert!(KEPT.len() == SERVICES.len() + REMEMBERED.len());
    KEPT.into_iter().zip(profile::all_files(places))
}
