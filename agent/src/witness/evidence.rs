//! Both heads of a log that contradicts itself, in a file for an auditor.

use std::path::Path;

use wardkey_core::code::Code;
use wardkey_core::message::http::{Base64, CheckpointReply, MAX_CHECKPOINT};
use wardkey_core::name::printable;
use wardkey_core::time::UnixTime;
use wardkey_tlog::HASH_LEN;

use super::judge::MAX_PROOF;
use super::seen::Seen;
use crate::error::AgentError;
use crate::files;

/// The file in the agent's folder. As long as it is there, `wardkey status` and `wardkey doctor`
/// tell of it; the first contradiction stays in it until root has taken the file away.
pub const FILE: &str = "log-contradicted";

/// The longest statement of the log's key in bytes.
const MAX_KEY: usize = 256;

/// Whether a contradiction was found and its evidence is still here.
pub fn is_there(folder: &Path) -> bool {
    folder.join(FILE).symlink_metadata().is_ok()
}

/// Keeps what was seen and what is shown, each as the server signed it.
///
/// # Errors
/// [`AgentError`] when the file cannot be written.
pub fn keep(
    folder: &Path,
    code: Code,
    (seen, shown): (Option<&Seen>, &CheckpointReply),
    now: UnixTime,
) -> Result<(), AgentError> {
    if is_there(folder) {
        return Ok(());
    }
    let before = seen.map(|seen| String::from_utf8_lossy(seen.note.as_slice()).into_owned());
    let text = serde_json::json!({
        "code": code.to_string(),
        "found": now.0,
        "seen": before,
        "seen_until": seen.map(|seen| seen.time.0),
        "shown": shorter(&shown.checkpoint),
        "key": Some(&shown.key).filter(|key| key.0.len() <= MAX_KEY),
        "proof": shown.proof.iter().take(MAX_PROOF).filter(is_hash).collect::<Vec<_>>(),
    });
    files::replace(&folder.join(FILE), format!("{text:#}\n").as_bytes(), 0o600)
}

fn is_hash(bytes: &&Base64) -> bool {
    bytes.0.len() == HASH_LEN
}

/// What is shown, as it came where it is no longer than a checkpoint may be.
fn shorter(text: &str) -> String {
    if text.len() <= MAX_CHECKPOINT { text.to_owned() } else { printable(text, 1000) }
}
