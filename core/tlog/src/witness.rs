//! What a witness asks of a log: that what it shows goes on from what it showed before.

use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::proof::verify_consistency;

/// How a log has changed since it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Not at all.
    Same,
    /// Entries were added.
    Grown,
}

/// What no log says that keeps one history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// The log has another name than the one that was seen.
    #[error("another log")]
    Renamed,
    /// It has fewer entries than were seen.
    #[error("fewer entries than were seen")]
    Shorter,
    /// Its entries are not those that were seen, with others after them.
    #[error("other entries than were seen")]
    Forked,
}

/// Whether what is shown of a log goes on from what was seen of it. Both checkpoints were verified;
/// the proof is that of consistency from the one to the other, of which nothing is believed.
///
/// # Errors
/// [`Contradiction`].
pub fn goes_on(
    seen: &Checkpoint,
    shown: &Checkpoint,
    proof: &[Hash],
) -> Result<Growth, Contradiction> {
    if seen.origin() != shown.origin() {
        return Err(Contradiction::Renamed);
    }
    if shown.size() < seen.size() {
        return Err(Contradiction::Shorter);
    }
    if shown.size() == seen.size() {
        let is_same = shown.root() == seen.root();
        return if is_same { Ok(Growth::Same) } else { Err(Contradiction::Forked) };
    }
    let (before, after) = ((seen.size(), seen.root()), (shown.size(), shown.root()));
    verify_consistency(before, after, proof).map_err(|_| Contradiction::Forked)?;
    Ok(Growth::Grown)
}
