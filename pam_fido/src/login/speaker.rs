//! What the person is told: in which language, and some of it only once.

use wardkey_core::code::AnyCode;
use wardkey_core::name::Language;
use wardkey_core::texts;

use crate::talk::Talk;

/// What is said or asked once in a login.
#[derive(Clone, Copy)]
pub enum Once {
    /// That another login has the key.
    Wait = 1,
    /// That a key is needed.
    Insert = 2,
    /// That the key is not registered.
    Unregistered = 4,
    /// That the search takes long.
    Searching = 8,
    /// The question for a code.
    Code = 16,
    /// That the key waits for a finger.
    Finger = 32,
}

/// Who tells the person.
pub struct Speaker {
    /// Language of the terminal, then of the person.
    pub language: Language,
    /// The bits of what has been said.
    said: u8,
}

impl Speaker {
    /// Has said nothing yet.
    pub const fn new(language: Language) -> Self {
        Self { language, said: 0 }
    }

    /// Whether this has been said.
    pub const fn has_said(&self, what: Once) -> bool {
        self.said & what as u8 != 0
    }

    /// Whether this is to be said now: it has not been before, and has from here on.
    pub const fn is_first(&mut self, what: Once) -> bool {
        let is_first = !self.has_said(what);
        self.said |= what as u8;
        is_first
    }

    /// Has this said once more, when it comes again.
    pub const fn forget(&mut self, what: Once) {
        self.said &= !(what as u8);
    }

    /// Tells the person something.
    pub fn inform(&self, talk: &mut dyn Talk, code: impl Into<AnyCode>) {
        talk.info(&texts::message(code, self.language, &[]));
    }

    /// Says what passes by itself.
    pub fn aside(&self, talk: &mut dyn Talk, notice: impl Into<AnyCode>) {
        talk.aside(&texts::message(notice, self.language, &[]));
    }
}
