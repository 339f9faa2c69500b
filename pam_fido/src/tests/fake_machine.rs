//! A machine as a test wants it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use wardkey_core::codec::Bytes;
use wardkey_core::marks::Marks;
use wardkey_core::pass_notes::PassNotes;
use wardkey_core::time::{ClockReading, UnixTime};
use wardkey_core::vouch_book::VouchBook;

use crate::machine::Machine;
use crate::refusal::Refusal;

/// A machine whose clock stands until a test sets it.
pub struct FakeMachine {
    pub clock: Arc<Mutex<ClockReading>>,
    pub marks: Mutex<Marks>,
    pub marks_broken: bool,
    /// Nothing in the folder of the marks can be written.
    pub marks_full: bool,
    /// Marks alone cannot be raised: they forget what was shown a moment ago.
    pub marks_forget: bool,
    /// Vouches alone cannot be written. A test sets it when it is time.
    pub vouches_full: Arc<AtomicBool>,
    /// Tests share it, as a file that survives.
    pub notes: Arc<Mutex<PassNotes>>,
    pub vouches: Arc<Mutex<VouchBook>>,
    pub is_root: bool,
}

impl FakeMachine {
    pub fn at(time: u64) -> Self {
        let clock = ClockReading {
            realtime: UnixTime(time),
            boottime: 5_000,
            boot_id: Bytes::new(*b"boot").unwrap(),
        };
        Self {
            clock: Arc::new(Mutex::new(clock)),
            marks: Mutex::default(),
            marks_broken: false,
            marks_full: false,
            marks_forget: false,
            vouches_full: Arc::default(),
            notes: Arc::default(),
            vouches: Arc::default(),
            is_root: true,
        }
    }
}

impl Machine for FakeMachine {
    fn clock(&self) -> Result<ClockReading, Refusal> {
        Ok(self.clock.lock().unwrap().clone())
    }
    fn random(&self, out: &mut [u8]) -> Result<(), Refusal> {
        getrandom::fill(out).unwrap();
        Ok(())
    }
    fn marks(&self) -> Result<Marks, Refusal> {
        if self.marks_broken {
            return Err(Refusal::new(wardkey_core::code::Code::MarksUnreadable, "broken"));
        }
        Ok(self.marks.lock().unwrap().clone())
    }
    fn raise_marks(&self, raise: &dyn Fn(&mut Marks)) -> Result<(), String> {
        if self.marks_full || self.marks_forget {
            return Err("No space left on device".into());
        }
        raise(&mut self.marks.lock().unwrap());
        Ok(())
    }
    fn may_write(&self) -> bool {
        self.is_root
    }
    fn note_passes(&self, change: &mut dyn FnMut(&mut PassNotes)) -> Result<(), Refusal> {
        if !self.is_root || self.marks_full {
            return Err(Refusal::new(wardkey_core::code::Code::PassNotCounted, "no space"));
        }
        change(&mut self.notes.lock().unwrap());
        Ok(())
    }
    fn vouches(&self) -> Result<VouchBook, Refusal> {
        if !self.is_root {
            return Err(Refusal::new(wardkey_core::code::Code::VouchNotKept, "not root"));
        }
        Ok(self.vouches.lock().unwrap().clone())
    }
    fn keep_vouches(&self, change: &mut dyn FnMut(&mut VouchBook)) -> Result<(), Refusal> {
        if !self.is_root || self.marks_full || self.vouches_full.load(Ordering::SeqCst) {
            return Err(Refusal::new(wardkey_core::code::Code::VouchNotKept, "no space"));
        }
        change(&mut self.vouches.lock().unwrap());
        Ok(())
    }
    fn rewrite_vouches(&self, look: &mut dyn FnMut(&VouchBook)) -> Result<(), Refusal> {
        self.keep_vouches(&mut |book| look(book))
    }
}
