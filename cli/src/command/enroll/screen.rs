//! What desk and console do with the screen between two people.

use std::time::Duration;

/// To the top left, and all of the screen and of what has left it upwards erased (ECMA-48, xterm).
pub(super) const CLEAN: &str = "\x1b[H\x1b[2J\x1b[3J";
/// The same at a console of Linux, after a whole reset of it: colours, letters, margins, modes
/// (console_codes(4)).
pub(super) const RESET: &str = "\x1bc\x1b]R\x1b[H\x1b[2J\x1b[3J";
/// How long it stands on the screen what came of it.
pub(super) const READING: Duration = Duration::from_secs(60);
