//! The line as it is typed without echo.

use zeroize::{Zeroize, Zeroizing};

use super::person::{MAX_ANSWER, NoAnswer};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    More,
    Done,
    Cancel,
}

/// The line as it is typed: what the terminal would do, were it not silent.
pub(super) struct Editor {
    bytes: Zeroizing<Vec<u8>>,
    escape: Escape,
    overflow: bool,
}

#[derive(Clone, Copy)]
enum Escape {
    None,
    Begun,
    Sequence,
}

impl Default for Editor {
    fn default() -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(MAX_ANSWER)),
            escape: Escape::None,
            overflow: false,
        }
    }
}

impl Editor {
    pub(super) fn take(&mut self, byte: u8) -> Step {
        match (self.escape, byte) {
            // Arrow keys and the like come as ESC [ ... letter; they are not part of a secret.
            (Escape::Begun, b'[' | b'O') => self.escape = Escape::Sequence,
            (Escape::Sequence, 0x20..=0x3f) => {}
            (Escape::Sequence, 0x40..=0x7e) => self.escape = Escape::None,
            (_, b'\n' | b'\r') => return Step::Done,
            (_, 0x03) => return Step::Cancel,
            (_, 0x04) if self.bytes.is_empty() => return Step::Cancel,
            (_, 0x1b) => self.escape = Escape::Begun,
            (_, 0x08 | 0x7f) => self.erase_character(),
            (_, 0x15) => {
                self.bytes.zeroize();
                self.bytes.reserve_exact(MAX_ANSWER);
                self.overflow = false;
            }
            (_, 0..=0x1f) => self.escape = Escape::None,
            (_, _) if self.bytes.len() == MAX_ANSWER => self.overflow = true,
            (_, byte) => {
                self.escape = Escape::None;
                self.bytes.push(byte);
            }
        }
        Step::More
    }

    /// How many bytes it has, for who shows them.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it is as if nobody had typed.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.overflow && matches!(self.escape, Escape::None)
    }

    fn erase_character(&mut self) {
        while self.bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
    }

    pub(super) fn finish(self) -> Result<Zeroizing<String>, NoAnswer> {
        if self.overflow { Err(NoAnswer::Unreadable) } else { text(self.bytes) }
    }
}

pub(super) fn text(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, NoAnswer> {
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(NoAnswer::Unreadable)
        }
    }
}
