//! Room for a login within the resource limits that the caller brings along.
//!
//! `su`, `sudo` and polkit's helper run with the limits of whoever starts them, who may set them as
//! tight as they like. A Rust program that gets no memory aborts, one that writes past RLIMIT_FSIZE
//! is killed, one whose stack may not grow is killed, too: in a guest of `su`, after somebody's
//! login was recorded. So, before anything else, the module makes sure of what a login needs, and
//! refuses where it cannot be had.
//!
//! Limits in the way are raised for the duration of the call and put back: within the hard limit as
//! anybody may, beyond it where the application may (root). That is safe: what the module itself
//! uses is bounded (files, frames and waits all have a greatest size), the person's own programs
//! are started by the application after the call, under the limits that were there, and a limit is
//! no secret and no right of anybody's. It also takes a weapon away: with RLIMIT_FSIZE at zero a
//! caller could have kept the marks from being raised.

use std::fs::File;
use std::hint::black_box;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};

/// Memory of a login with room to spare, in bytes: the longest frame, what is decoded of it, NSS.
const MEMORY: usize = 32 * 1024 * 1024;
/// What a refusal in words needs: glibc takes a mebibyte at a time where the heap cannot grow.
const MEMORY_FOR_WORDS: usize = 2 * 1024 * 1024;
/// Stack that is raised to, in bytes.
const STACK: rlim_t = 4 * 1024 * 1024;
/// Stack of an application and of a login in it, in bytes.
const LEAST_STACK: rlim_t = 512 * 1024;
/// Stack of a refusal in words, in bytes.
const STACK_FOR_WORDS: rlim_t = 256 * 1024;
/// Descriptors that are open at the same time: two sockets, signals, syslog, and those of files and
/// NSS.
const FILES: usize = 12;
/// A file that is longer is not written here, in bytes.
const FILE_SIZE: rlim_t = 1024 * 1024;

/// What there is not enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cramped {
    /// RLIMIT_AS or RLIMIT_DATA; or the machine has no more.
    Memory,
    /// RLIMIT_STACK.
    Stack,
    /// RLIMIT_NOFILE; or the machine has no more.
    Files,
}

impl Cramped {
    /// For the record.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Memory => {
                "the resource limits of the caller leave no memory for a login (RLIMIT_AS, \
                    RLIMIT_DATA)"
            }
            Self::Stack => {
                "the resource limits of the caller leave no stack for a login (RLIMIT_STACK)"
            }
            Self::Files => {
                "the resource limits of the caller leave no descriptors for a login (RLIMIT_NOFILE)"
            }
        }
    }

    /// Whether there is room to say so: words take memory, without which Rust aborts, and stack.
    pub fn leaves_room_for_words(self) -> bool {
        memory(MEMORY_FOR_WORDS)
            && getrlimit(Resource::RLIMIT_STACK).is_ok_and(|(soft, _)| soft >= STACK_FOR_WORDS)
    }
}

/// Room for a login; put back as it was when it is dropped.
#[derive(Default)]
pub struct Room {
    raised: [Option<Raised>; 5],
}

struct Raised {
    resource: Resource,
    before: (rlim_t, rlim_t),
    now: (rlim_t, rlim_t),
}

impl Room {
    /// Makes sure that a login has room, without allocating anything that it would abort over.
    ///
    /// # Errors
    /// [`Cramped`]; every limit is as it was.
    pub fn make() -> Result<Self, Cramped> {
        let mut room = Self::default();
        if room.raise_to(Resource::RLIMIT_STACK, STACK) < LEAST_STACK {
            return Err(Cramped::Stack);
        }

        // Also where the trial would pass: what NSS takes afterwards is not known here.
        room.raise_to(Resource::RLIMIT_AS, RLIM_INFINITY);
        room.raise_to(Resource::RLIMIT_DATA, RLIM_INFINITY);
        if !memory(MEMORY) {
            return Err(Cramped::Memory);
        }

        room.raise_to(Resource::RLIMIT_NOFILE, rlim_t::try_from(8 * FILES).unwrap_or(rlim_t::MAX));
        if !files() {
            return Err(Cramped::Files);
        }

        // Where this does not work, the marks are not written (`may_write`).
        room.raise_to(Resource::RLIMIT_FSIZE, FILE_SIZE);
        Ok(room)
    }

    /// Raises a limit that is lower; what it is in the end.
    fn raise_to(&mut self, resource: Resource, wanted: rlim_t) -> rlim_t {
        let Ok(before) = getrlimit(resource) else { return rlim_t::MAX };
        let (soft, hard) = before;
        if soft >= wanted {
            return soft;
        }
        let mut candidates = [(wanted, hard.max(wanted)), (wanted.min(hard), hard)].into_iter();
        let raised =
            candidates.find(|now| now.0 > soft && setrlimit(resource, now.0, now.1).is_ok());
        let Some(now) = raised else { return soft };
        if let Some(free) = self.raised.iter_mut().find(|place| place.is_none()) {
            *free = Some(Raised { resource, before, now });
        }
        now.0
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        for raised in self.raised.iter().flatten() {
            // What somebody else has set meanwhile is theirs.
            if getrlimit(raised.resource) == Ok(raised.now) {
                let _ = setrlimit(raised.resource, raised.before.0, raised.before.1);
            }
        }
    }
}

/// Whether a file of so many bytes may be written: beyond the limit the kernel kills the
/// application.
///
/// # Errors
/// Why not, for the record.
pub fn may_write(bytes: usize) -> Result<(), String> {
    let length = rlim_t::try_from(bytes).unwrap_or(rlim_t::MAX);
    match getrlimit(Resource::RLIMIT_FSIZE) {
        Ok((soft, _)) if soft < length => {
            Err(format!("RLIMIT_FSIZE is {soft}, {length} bytes are to be written"))
        }
        _ => Ok(()),
    }
}

/// Whether so much memory can be had. Asked for without touching it, and given back.
fn memory(bytes: usize) -> bool {
    let mut trial = Vec::<u8>::new();
    let had = trial.try_reserve_exact(bytes).is_ok();
    // Or the compiler takes the trial for idle.
    black_box(trial.as_ptr());
    had
}

/// Whether so many descriptors can be had.
fn files() -> bool {
    let trial: [Option<File>; FILES] = std::array::from_fn(|_| File::open("/dev/null").ok());
    trial.iter().all(Option::is_some)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Root without the capability is as anybody.
    const WITHOUT: &str = "setpriv --bounding-set -sys_resource --inh-caps -sys_resource";

    /// Limits are the process's: each trial has one of its own, this test started again.
    fn in_a_process(limits: &str, runner: &str) -> String {
        let itself = std::env::current_exe().unwrap();
        let what = "--exact --nocapture --ignored room::tests::raises_and_puts_back";
        let script = format!("{limits}; exec {runner} \"$0\" {what}");
        let output = Command::new("bash").args(["-c", &script]).arg(itself).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{limits}: {:?} {said}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    #[test]
    #[ignore = "a part of the next test"]
    fn raises_and_puts_back() {
        let all = [
            Resource::RLIMIT_STACK,
            Resource::RLIMIT_AS,
            Resource::RLIMIT_DATA,
            Resource::RLIMIT_NOFILE,
            Resource::RLIMIT_FSIZE,
        ];
        let limits = || all.map(|resource| getrlimit(resource).unwrap());
        let before = limits();
        let room = Room::make();
        println!("made: {:?}", room.as_ref().map(|_| ()).map_err(|cramped| *cramped));
        if let Ok(room) = room {
            assert!(may_write(4096).is_ok() || limits()[4].1 < 4096);
            drop(room);
        }
        assert_eq!(limits(), before);
    }

    #[test]
    fn soft_limits_are_raised_for_the_call_and_put_back() {
        // What the test program itself needs to start stays possible.
        for limits in ["ulimit -S -s 256", "ulimit -S -n 8", "ulimit -S -f 0", "true"] {
            assert!(in_a_process(limits, "").contains("made: Ok"), "{limits}");
        }
    }

    #[test]
    fn where_they_cannot_be_raised_it_is_a_refusal() {
        for (limits, cramped) in [("ulimit -n 8", "Files"), ("ulimit -s 256", "Stack")] {
            if may_raise() {
                assert!(in_a_process(limits, "").contains("made: Ok"), "root may: {limits}");
                // Without the capability root is as anybody.
                assert!(
                    in_a_process(limits, WITHOUT).contains(&format!("made: Err({cramped})")),
                    "{limits}"
                );
            } else {
                assert!(in_a_process(limits, "").contains(&format!("made: Err({cramped})")));
            }
        }
    }

    /// CAP_SYS_RESOURCE: root has it but in some containers.
    fn may_raise() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() >> 24 & 1 == 1
    }

    #[test]
    fn what_cannot_be_had_is_noticed() {
        assert!(memory(1024) && !memory(usize::try_from(isize::MAX).unwrap()));
        assert!(files());
        assert!(may_write(0).is_ok());
    }
}
