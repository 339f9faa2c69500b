//! Whether what the server shows of its log goes on from what it showed before. Decides, and does
//! nothing.

use wardkey_core::code::Code;
use wardkey_core::document::RootDocument;
use wardkey_core::log_key::LogKey;
use wardkey_core::message::http::{CheckpointReply, MAX_CHECKPOINT};
use wardkey_tlog::{
    Checkpoint, Contradiction, Growth, HASH_LEN, Hash, KeyName, Kind, Note, Verifier, goes_on,
};

use super::seen::Seen;

/// The longest proof: one hash for each level of the tree, twice.
pub const MAX_PROOF: usize = 128;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// The same as before.
    Same,
    /// It is seen for the first time, or goes on from what was seen.
    Grown(Note, Checkpoint),
    /// Another log, of which a restore may be the cause: the epoch has risen since.
    Anew(Note, Checkpoint),
    /// It contradicts what was seen.
    Contradicts(Code),
}

/// Judges what the server shows to a terminal whose scopes have come to `epoch`.
pub fn judge(
    seen: Option<&Seen>,
    shown: &CheckpointReply,
    root: &RootDocument,
    epoch: u64,
) -> Judged {
    let Some((note, checkpoint)) = signed(shown, root) else {
        return Judged::Contradicts(Code::LogHistoryUnsigned);
    };
    let Some((seen, before)) = seen.and_then(|seen| Some((seen, seen.checkpoint()?))) else {
        return Judged::Grown(note, checkpoint);
    };
    let proof = proof(shown).unwrap_or_default();
    match goes_on(&before, &checkpoint, &proof) {
        Ok(Growth::Same) => Judged::Same,
        Ok(Growth::Grown) => Judged::Grown(note, checkpoint),
        Err(Contradiction::Renamed) if epoch > seen.epoch => Judged::Anew(note, checkpoint),
        Err(Contradiction::Renamed) => Judged::Contradicts(Code::LogRenamed),
        Err(Contradiction::Shorter) => Judged::Contradicts(Code::LogHistoryShorter),
        Err(Contradiction::Forked) => Judged::Contradicts(Code::LogHistoryDiffers),
    }
}

/// The checkpoint, when the key signed it that the publish key names.
fn signed(shown: &CheckpointReply, root: &RootDocument) -> Option<(Note, Checkpoint)> {
    if shown.checkpoint.len() > MAX_CHECKPOINT {
        return None;
    }
    let key = LogKey::verify(&shown.key.0, root).ok()?;
    let note = Note::parse(shown.checkpoint.as_bytes()).ok()?;
    let checkpoint = Checkpoint::parse(note.unverified()).ok()?;
    let name = KeyName::new(checkpoint.origin()).ok()?;
    let by = Verifier::new(name, Kind::Ed25519, key.as_bytes()).ok()?;
    note.open(&[by]).ok()?;
    Some((note, checkpoint))
}

fn proof(shown: &CheckpointReply) -> Option<Vec<Hash>> {
    if shown.proof.len() > MAX_PROOF {
        return None;
    }
    let hash = |bytes: &[u8]| Some(Hash::new(<[u8; HASH_LEN]>::try_from(bytes).ok()?));
    shown.proof.iter().map(|bytes| hash(&bytes.0)).collect()
}
