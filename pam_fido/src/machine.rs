//! The machine: its clocks, its randomness, its marks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use wardkey_core::code::Code;
use wardkey_core::codec::{self, Bytes, Document};
use wardkey_core::marks::Marks;
use wardkey_core::pass_notes::PassNotes;
use wardkey_core::time::{ClockReading, UnixTime};
use wardkey_core::vouch_book::VouchBook;

use crate::refusal::Refusal;
use crate::room;
use wardkey_settings::files::{self, FileError, Owner, Replacement};
use wardkey_settings::marks;

/// Beside the marks.
const NOTES: &str = "passes";
/// And these.
const VOUCHES: &str = "vouches";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// How long another login may keep the marks to itself.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);
/// The floor of the clock is worth writing when it rose by more than these seconds.
const FLOOR_STEP: u64 = 60;
/// A person's last login is worth writing when it is older than these seconds.
const SEEN_STEP: u64 = 3600;

/// What the login needs of the machine.
pub trait Machine {
    /// The clocks, now.
    ///
    /// # Errors
    /// A refusal: without its clocks nothing can be decided.
    fn clock(&self) -> Result<ClockReading, Refusal>;

    /// Fills `out` with random bytes of the kernel.
    ///
    /// # Errors
    /// A refusal: without randomness there is no challenge.
    fn random(&self, out: &mut [u8]) -> Result<(), Refusal>;

    /// The marks; empty when there are none yet, in a folder that is there.
    ///
    /// # Errors
    /// [`Code::MarksUnreadable`].
    fn marks(&self) -> Result<Marks, Refusal>;

    /// Raises the marks, if this process may and something changed that matters.
    ///
    /// # Errors
    /// For the record: it refuses nobody.
    fn raise_marks(&self, raise: &dyn Fn(&mut Marks)) -> Result<(), String>;

    /// Whether this process can note anything.
    fn may_write(&self) -> bool;

    /// What is noted of passes, after `change`; on disk when this returns.
    ///
    /// # Errors
    /// [`Code::PassNotCounted`].
    fn note_passes(&self, change: &mut dyn FnMut(&mut PassNotes)) -> Result<(), Refusal>;

    /// The vouches that are kept here, for root; empty when there was none yet.
    ///
    /// # Errors
    /// [`Code::VouchNotKept`].
    fn vouches(&self) -> Result<VouchBook, Refusal>;

    /// The same after `change`; on disk when this returns.
    ///
    /// # Errors
    /// [`Code::VouchNotKept`].
    fn keep_vouches(&self, change: &mut dyn FnMut(&mut VouchBook)) -> Result<(), Refusal>;

    /// Shows them, and writes them as they are: that they can be is seen when this returns.
    ///
    /// # Errors
    /// [`Code::VouchNotKept`].
    fn rewrite_vouches(&self, look: &mut dyn FnMut(&VouchBook)) -> Result<(), Refusal>;
}

/// This machine.
pub struct ThisMachine {
    marks: PathBuf,
    owner: Owner,
    may_write: bool,
}

impl ThisMachine {
    /// With its marks in this file.
    pub fn new(marks: &Path, owner: Owner) -> Self {
        Self { marks: marks.into(), owner, may_write: nix::unistd::geteuid().is_root() }
    }

    fn read_marks(&self) -> Result<Marks, String> {
        marks::read(&self.marks, self.owner).map_err(|error| error.to_string())
    }

    fn begin(&self, path: &Path) -> Result<Replacement, String> {
        Replacement::begin(path, self.owner, LOCK_PATIENCE).map_err(|error| error.to_string())
    }

    /// A document beside the marks, after `change`.
    fn note<D>(&self, name: &str, change: &mut dyn FnMut(&mut D)) -> Result<(), String>
    where
        D: Document + Default + Clone + PartialEq,
    {
        // A look at them, and what has ended already, cost no write.
        self.write_beside(name, change, false)
    }

    /// The same; with `always`, also where nothing has changed.
    fn write_beside<D>(
        &self,
        name: &str,
        change: &mut dyn FnMut(&mut D),
        always: bool,
    ) -> Result<(), String>
    where
        D: Document + Default + Clone + PartialEq,
    {
        if !self.may_write {
            return Err("only root notes it".to_owned());
        }
        let path = self.marks.with_file_name(name);
        let replacement = self.begin(&path)?;
        let mut notes = self.read_beside::<D>(name)?;
        let before = notes.clone();
        change(&mut notes);
        if notes == before && !always {
            return Ok(());
        }
        // Who has a pass, or was vouched for, is told to nobody.
        finish(replacement, &codec::to_bytes(&notes), 0o600)
    }

    fn read_beside<D: Document + Default>(&self, name: &str) -> Result<D, String> {
        match files::read(&self.marks.with_file_name(name), self.owner, D::MAX_BYTES) {
            Ok(bytes) => codec::from_bytes(&bytes).map_err(|error| error.to_string()),
            Err(FileError::Missing { .. }) => Ok(D::default()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Machine for ThisMachine {
    fn clock(&self) -> Result<ClockReading, Refusal> {
        let broken = |what: &str, error: &dyn std::fmt::Display| {
            Refusal::new(Code::Internal, format!("{what}: {error}"))
        };
        let seconds = |clock| {
            let time = clock_gettime(clock).map_err(|errno| broken("clock", &errno))?;
            u64::try_from(time.tv_sec()).map_err(|error| broken("clock", &error))
        };
        let boot_id = std::fs::read(BOOT_ID).map_err(|error| broken(BOOT_ID, &error))?;
        Ok(ClockReading {
            realtime: UnixTime(seconds(ClockId::CLOCK_REALTIME)?),
            boottime: seconds(ClockId::CLOCK_BOOTTIME)?,
            boot_id: Bytes::new(boot_id.trim_ascii()).map_err(|error| broken(BOOT_ID, &error))?,
        })
    }

    fn random(&self, out: &mut [u8]) -> Result<(), Refusal> {
        getrandom::fill(out)
            .map_err(|error| Refusal::new(Code::Internal, format!("getrandom: {error}")))
    }

    fn marks(&self) -> Result<Marks, Refusal> {
        self.read_marks().map_err(|detail| Refusal::new(Code::MarksUnreadable, detail))
    }

    fn raise_marks(&self, raise: &dyn Fn(&mut Marks)) -> Result<(), String> {
        if !self.may_write {
            return Ok(());
        }
        // Looked at first without the lock: most logins have nothing to write.
        let before = self.read_marks()?;
        let mut after = before.clone();
        raise(&mut after);
        if !differs(&before, &after) {
            return Ok(());
        }
        let replacement = self.begin(&self.marks)?;
        // Again under the lock, so that nothing that another login raised is lost.
        let mut marks = self.read_marks()?;
        raise(&mut marks);
        finish(replacement, &codec::to_bytes(&marks), 0o644)
    }

    fn may_write(&self) -> bool {
        self.may_write
    }

    fn note_passes(&self, change: &mut dyn FnMut(&mut PassNotes)) -> Result<(), Refusal> {
        self.note(NOTES, change).map_err(|why| Refusal::new(Code::PassNotCounted, why))
    }

    fn vouches(&self) -> Result<VouchBook, Refusal> {
        if !self.may_write {
            return Err(Refusal::new(Code::VouchNotKept, "only root reads vouches"));
        }
        self.read_beside(VOUCHES).map_err(|why| Refusal::new(Code::VouchNotKept, why))
    }

    fn keep_vouches(&self, change: &mut dyn FnMut(&mut VouchBook)) -> Result<(), Refusal> {
        self.note(VOUCHES, change).map_err(|why| Refusal::new(Code::VouchNotKept, why))
    }

    fn rewrite_vouches(&self, look: &mut dyn FnMut(&VouchBook)) -> Result<(), Refusal> {
        let mut change = |book: &mut VouchBook| look(book);
        let written = self.write_beside::<VouchBook>(VOUCHES, &mut change, true);
        written.map_err(|why| Refusal::new(Code::VouchNotKept, why))
    }
}

fn finish(replacement: Replacement, bytes: &[u8], mode: u32) -> Result<(), String> {
    room::may_write(bytes.len())?;
    replacement.finish_as(bytes, mode).map_err(|error| error.to_string())
}

/// Whether the change is worth a write and its fsync.
fn differs(before: &Marks, after: &Marks) -> bool {
    let last = |marks: &Marks, person| {
        marks.seen.iter().find(|seen| seen.person == person).map(|seen| seen.last)
    };
    before.root_version != after.root_version
        || before.terminal_number != after.terminal_number
        || before.scopes != after.scopes
        // Of another boot, what elapses in this one would count only from the next write.
        || before.floor.boot_id != after.floor.boot_id
        || after.floor.time.since(before.floor.time) > FLOOR_STEP
        || after.seen.first().is_some_and(|seen| {
            last(before, seen.person).is_none_or(|before| seen.last.since(before) > SEEN_STEP)
        })
}

#[cfg(test)]
mod tests {
    use wardkey_core::id::Hash;

    use super::*;

    #[test]
    fn marks_are_written_when_it_matters_and_unreadable_ones_refuse() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        let mut machine = ThisMachine::new(&path, Owner::current());
        machine.may_write = true;
        assert_eq!(machine.marks().unwrap(), Marks::default());
        let person = Hash::new([1; 32]);
        let now = machine.clock().unwrap();
        // (raise, whether it is written)
        type Raise = Box<dyn Fn(&mut Marks)>;
        let at = |seconds: u64| UnixTime(1_000_000 + seconds);
        let steps: [(Raise, bool); 8] = [
            (Box::new(|_| {}), false),
            (Box::new(|marks| marks.root_version = 2), true),
            (Box::new(|marks| marks.terminal_number = 7), true),
            (Box::new(move |marks| marks.remember(person, at(0))), true),
            (Box::new(move |marks| marks.remember(person, at(3600))), false),
            (Box::new(move |marks| marks.remember(person, at(3601))), true),
            (
                Box::new({
                    let now = now.clone();
                    move |marks| marks.floor = marks.floor.raised(at(0), &now)
                }),
                true,
            ),
            (
                Box::new({
                    let now = now.clone();
                    move |marks| marks.floor = marks.floor.raised(at(60), &now)
                }),
                false,
            ),
        ];
        for (number, (raise, written)) in steps.into_iter().enumerate() {
            let before = std::fs::read(&path).ok();
            machine.raise_marks(&*raise).unwrap();
            assert_eq!(before != std::fs::read(&path).ok(), written, "step {number}");
        }
        let marks = machine.marks().unwrap();
        assert_eq!((marks.root_version, marks.terminal_number, marks.seen.len()), (2, 7, 1));

        // After a reboot with the clock set back: written, or what elapses in this boot would not
        // count.
        let other = ClockReading {
            realtime: UnixTime(5),
            boottime: 3,
            boot_id: Bytes::new(*b"other").unwrap(),
        };
        machine
            .raise_marks(&|marks| marks.floor = marks.floor.raised(UnixTime(0), &other))
            .unwrap();
        assert_eq!(machine.marks().unwrap().floor.boot_id, other.boot_id);

        let good = std::fs::read(&path).unwrap();
        for bad in
            [&b""[..], b"x", &good[1..], &good[..good.len() - 1], &[&good[..], b"\0"].concat()]
        {
            std::fs::write(&path, bad).unwrap();
            assert_eq!(machine.marks().unwrap_err().code, Code::MarksUnreadable);
            assert!(machine.raise_marks(&|marks| marks.root_version = 9).is_err());
            assert_eq!(std::fs::read(&path).unwrap(), bad);
        }

        machine.may_write = false;
        std::fs::write(&path, &good).unwrap();
        machine.raise_marks(&|marks| marks.root_version = 9).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), good);
    }

    #[test]
    fn vouches_are_root_s_alone_and_a_damaged_file_lets_nobody_in() {
        use std::os::unix::fs::PermissionsExt;
        use wardkey_testkit::{T0, kept, login, vouch};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        let mut machine = ThisMachine::new(&path, Owner::current());
        machine.may_write = true;
        assert_eq!(machine.vouches().unwrap(), VouchBook::default());
        machine.keep_vouches(&mut |book| assert!(book.add(kept(&vouch()), UnixTime(T0)))).unwrap();
        let file = folder.path().join("vouches");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        // As another process finds it.
        let mut other = ThisMachine::new(&path, Owner::current());
        other.may_write = true;
        assert_eq!(other.vouches().unwrap().of(&login("hanako")).unwrap().1, vouch());

        let good = std::fs::read(&file).unwrap();
        let inode = || std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&file).unwrap());
        let before = inode();
        machine.keep_vouches(&mut |_| {}).unwrap();
        assert_eq!(inode(), before, "nothing has changed");
        let mut shown = VouchBook::default();
        machine.rewrite_vouches(&mut |book| shown = book.clone()).unwrap();
        assert_eq!(shown, machine.vouches().unwrap());
        assert_ne!(inode(), before, "written all the same");
        assert_eq!(std::fs::read(&file).unwrap(), good);

        for bad in [&b""[..], &good[1..], &good[..good.len() - 1], &[&good[..], b"\0"].concat()] {
            std::fs::write(&file, bad).unwrap();
            assert_eq!(machine.vouches().unwrap_err().code, Code::VouchNotKept);
            let ended = machine.keep_vouches(&mut |book| book.end(&login("hanako"), UnixTime(T0)));
            assert_eq!(ended.unwrap_err().code, Code::VouchNotKept);
            assert_eq!(machine.rewrite_vouches(&mut |_| {}).unwrap_err().code, Code::VouchNotKept);
            assert_eq!(std::fs::read(&file).unwrap(), bad);
        }
        std::fs::write(&file, &good).unwrap();
        machine.may_write = false;
        assert_eq!(machine.vouches().unwrap_err().code, Code::VouchNotKept);
        assert!(machine.keep_vouches(&mut |_| {}).is_err());
        assert!(machine.rewrite_vouches(&mut |_| {}).is_err());
    }

    #[test]
    fn a_sealed_code_that_was_used_is_so_for_every_process_that_comes_after() {
        use wardkey_testkit::{T0, sealed};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks");
        let root = || ThisMachine { may_write: true, ..ThisMachine::new(&path, Owner::current()) };
        let spend = |machine: &ThisMachine| {
            let mut spent = None;
            machine.note_passes(&mut |notes| spent = notes.spend(&sealed(7), UnixTime(T0)))?;
            Ok::<_, Refusal>(spent)
        };
        assert_eq!(spend(&root()).unwrap(), Some(true));
        assert_eq!(spend(&root()).unwrap(), Some(false), "on disk when it returned");
        // A file that somebody has cut is none from before.
        std::fs::write(folder.path().join(NOTES), b"").unwrap();
        assert_eq!(spend(&root()).unwrap_err().code, Code::PassNotCounted);
        let nobody = ThisMachine { may_write: false, ..root() };
        assert!(spend(&nobody).is_err());
    }

    #[test]
    fn without_the_folder_of_the_marks_everybody_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wardkey-marks/marks");
        let mut machine = ThisMachine::new(&path, Owner::current());
        machine.may_write = true;
        let refusal = machine.marks().unwrap_err();
        assert_eq!(refusal.code, Code::MarksUnreadable);
        assert!(refusal.detail.contains("folder is missing"), "{}", refusal.detail);
        assert!(machine.raise_marks(&|marks| marks.root_version = 9).is_err());
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        assert_eq!(machine.marks().unwrap(), Marks::default(), "as \"wardkey join\" leaves it");
    }
}
