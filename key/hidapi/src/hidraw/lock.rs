//! Who else uses a node: the lock that libfido2 takes as well, flock(2) on the open node.
//!
//! It is advice. Whoever may open a node may lock it for as long as he likes, so a login waits for
//! the lock a moment and then goes on without it; what could wait for another time is refused
//! instead.

use std::fs::{File, TryLockError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::transport::LinkError;

/// How long a locked node is waited for, all exchanges of a process together. libfido2 waits as
/// long.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// What an exchange does while another program has locked the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Contention {
    /// Waits a moment, then goes on: nobody keeps others from logging in by a lock.
    #[default]
    GoOn,
    /// Waits a moment, then fails with [`LinkError::InUse`].
    Fail,
    /// Fails at once.
    FailAtOnce,
}

/// The locks of a process, shared by its open nodes. A lock is taken with the first report that is
/// sent, and kept until [`Locks::release`] or until the node is closed.
#[derive(Clone, Debug, Default)]
pub struct Locks(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    contention: Contention,
    /// How long is waited, all exchanges together.
    patience: Duration,
    /// Time that was waited in vain.
    waited: Duration,
    held: Vec<Weak<File>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            contention: Contention::default(),
            patience: PATIENCE,
            waited: Duration::ZERO,
            held: Vec::new(),
        }
    }
}

impl Locks {
    /// What the exchanges from here on do while another program has locked the node.
    pub fn on_contention(&self, contention: Contention) {
        self.state().contention = contention;
    }

    /// Lets other programs use the nodes.
    pub fn release(&self) {
        let mut state = self.state();
        for file in state.held.drain(..).filter_map(|file| file.upgrade()) {
            // One that cannot be unlocked is unlocked by closing it.
            let _ = file.unlock();
        }
        state.waited = Duration::ZERO;
    }

    /// Takes the lock of a node, if it is not held yet.
    ///
    /// # Errors
    /// [`LinkError::InUse`] when another program has it and this one shall not go on without.
    pub(super) fn claim(&self, file: &Arc<File>, until: Instant) -> Result<(), LinkError> {
        let mut state = self.state();
        let is_held = |held: &Weak<File>| std::ptr::eq(held.as_ptr(), Arc::as_ptr(file));
        if state.held.iter().any(is_held) {
            return Ok(());
        }

        let patience = match state.contention {
            Contention::FailAtOnce => Duration::ZERO,
            Contention::GoOn | Contention::Fail => state.patience.saturating_sub(state.waited),
        };
        let started = Instant::now();
        let until = started + share(until.saturating_duration_since(started), patience);
        loop {
            match file.try_lock() {
                Ok(()) => {
                    state.held.push(Arc::downgrade(file));
                    return Ok(());
                }
                Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(LOOK),
                Err(_) => break,
            }
        }

        state.waited += started.elapsed();
        if state.contention == Contention::GoOn { Ok(()) } else { Err(LinkError::InUse) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long an operation that has so much time left waits for a lock: half of it at most. What
/// remains is for the key, which would else be taken for a silent one.
fn share(left: Duration, patience: Duration) -> Duration {
    patience.min(left / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_not_given_leaves_time_to_ask_the_key() {
        let seconds = Duration::from_secs;
        assert_eq!(share(seconds(60), PATIENCE), PATIENCE);
        assert_eq!(share(seconds(1), seconds(1)), Duration::from_millis(500));
        assert_eq!(share(Duration::ZERO, PATIENCE), Duration::ZERO);
        assert_eq!(share(seconds(60), Duration::ZERO), Duration::ZERO);
    }

    /// A file as two programs have opened it.
    fn opened_twice() -> (Arc<File>, File) {
        // The path stays the same for both; the file goes with the last of them.
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("wardkey-lock-{}-{number}", std::process::id()));
        let ours = File::create(&path).unwrap();
        let theirs = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        (Arc::new(ours), theirs)
    }

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn the_lock_is_taken_once_kept_and_given_back() {
        let (ours, theirs) = opened_twice();
        let locks = Locks::default();
        locks.claim(&ours, far()).unwrap();
        locks.claim(&ours, far()).unwrap();
        assert!(theirs.try_lock().is_err(), "another program finds it locked");
        locks.release();
        assert!(theirs.try_lock().is_ok(), "and then it does not");
        theirs.unlock().unwrap();

        locks.claim(&ours, far()).unwrap();
        drop(ours);
        assert!(theirs.try_lock().is_ok(), "closing is giving back");
    }

    #[test]
    fn a_login_waits_a_moment_for_the_lock_and_goes_on_without_it() {
        let (ours, theirs) = opened_twice();
        theirs.lock().unwrap();
        let locks = Locks::default();
        let started = Instant::now();
        locks.claim(&ours, far()).unwrap();
        assert!(started.elapsed() >= PATIENCE, "{:?}", started.elapsed());
        // It does not wait again: each time would cost as much.
        let started = Instant::now();
        for _ in 0..60 {
            locks.claim(&ours, far()).unwrap();
        }
        assert!(started.elapsed() < PATIENCE * 30, "{:?}", started.elapsed());
        // As soon as it is free it is taken.
        theirs.unlock().unwrap();
        locks.claim(&ours, far()).unwrap();
        assert!(theirs.try_lock().is_err());
    }

    #[test]
    fn a_lock_that_is_given_back_in_time_is_waited_for() {
        let (ours, theirs) = opened_twice();
        theirs.lock().unwrap();
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            theirs.unlock().unwrap();
            theirs
        });
        let locks = Locks::default();
        locks.on_contention(Contention::Fail);
        locks.state().patience = Duration::from_secs(60);
        locks.claim(&ours, Instant::now() + Duration::from_secs(120)).unwrap();
        assert!(other.join().unwrap().try_lock().is_err());
    }

    #[test]
    fn what_can_wait_is_refused_while_another_program_has_the_node() {
        let (ours, theirs) = opened_twice();
        theirs.lock().unwrap();
        let locks = Locks::default();
        let is_refused = |until| matches!(locks.claim(&ours, until), Err(LinkError::InUse));
        locks.on_contention(Contention::FailAtOnce);
        let started = Instant::now();
        assert!((0..60).all(|_| is_refused(far())));
        assert!(started.elapsed() < PATIENCE * 30, "{:?}: at once", started.elapsed());

        locks.on_contention(Contention::Fail);
        let started = Instant::now();
        assert!(is_refused(far()));
        assert!(started.elapsed() >= PATIENCE, "{:?}", started.elapsed());
        // Never longer than the operation may take.
        locks.release();
        let started = Instant::now();
        assert!((0..60).all(|_| {
            locks.state().waited = Duration::ZERO;
            is_refused(Instant::now() + Duration::from_millis(20))
        }));
        assert!(started.elapsed() < PATIENCE * 30, "{:?}", started.elapsed());
    }
}
