//! What the threads of the destinations and the rest of the agent share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use wardkey_core::time::UnixTime;

use crate::error::Told;
use crate::lock::{self, lock};
use crate::store::spool::cursor::Destination;
use crate::wake::Wake;

/// One destination's.
#[derive(Debug)]
pub struct Outlet {
    destination: &'static Destination,
    /// Wakes its thread.
    pub wake: Wake,
    /// Held while records are delivered, so that none is delivered twice: also by the thread that
    /// comes after this one.
    pub busy: Arc<Mutex<()>>,
    reopen: AtomicBool,
    retired: AtomicBool,
    failed: Mutex<Option<Failed>>,
}

/// An attempt that failed, when nothing has arrived since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// When.
    pub at: UnixTime,
    /// Why.
    pub told: Told,
}

impl Outlet {
    fn new(destination: &'static Destination, busy: Arc<Mutex<()>>) -> Self {
        Self {
            destination,
            wake: Wake::default(),
            busy,
            reopen: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            failed: Mutex::default(),
        }
    }

    /// Notes how the last attempt went.
    pub fn note(&self, failed: Option<Failed>) {
        *lock(&self.failed) = failed;
    }

    /// How the last attempt failed, if it did.
    pub fn failed(&self) -> Option<Failed> {
        lock(&self.failed).clone()
    }

    /// Whose it is.
    pub const fn destination(&self) -> &'static Destination {
        self.destination
    }

    /// Whether what is kept open is to be opened anew; asked once for each [`Outlets::reopen`].
    pub fn take_reopen(&self) -> bool {
        self.reopen.swap(false, Ordering::SeqCst)
    }

    /// Whether its thread is to end: the destination is gone, or is reached in another way.
    pub fn is_retired(&self) -> bool {
        self.retired.load(Ordering::SeqCst)
    }
}

/// Those of all destinations.
#[derive(Debug)]
pub struct Outlets(RwLock<Vec<Arc<Outlet>>>);

impl Outlets {
    /// Those of these destinations.
    pub fn new(destinations: &'static [Destination]) -> Self {
        let outlet = |destination| Arc::new(Outlet::new(destination, Arc::default()));
        Self(RwLock::new(destinations.iter().map(outlet).collect()))
    }

    /// The destination with this name.
    pub fn destination(&self, name: &str) -> Option<&'static Destination> {
        self.named(name).map(|outlet| outlet.destination)
    }

    fn named(&self, name: &str) -> Option<Arc<Outlet>> {
        lock::read(&self.0).iter().find(|outlet| outlet.destination.name == name).cloned()
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<Outlet>> {
        lock::read(&self.0).clone()
    }

    /// That of a destination; `None` for one that is not in the list.
    pub fn of(&self, destination: &Destination) -> Option<Arc<Outlet>> {
        self.named(destination.name).filter(|outlet| outlet.destination == destination)
    }

    /// Takes another list. Those that stay, by `stays`, go on; the threads of the others end.
    pub fn change(&self, to: &'static [Destination], stays: impl Fn(&Destination) -> bool) {
        let mut all = lock::write(&self.0);
        let next: Vec<_> = to
            .iter()
            .map(|to| match all.iter().find(|outlet| outlet.destination.name == to.name) {
                Some(known) if stays(to) => Arc::clone(known),
                Some(known) => Arc::new(Outlet::new(to, Arc::clone(&known.busy))),
                None => Arc::new(Outlet::new(to, Arc::default())),
            })
            .collect();
        for outlet in std::mem::replace(&mut *all, next.clone()) {
            if !next.iter().any(|one| Arc::ptr_eq(one, &outlet)) {
                outlet.retired.store(true, Ordering::SeqCst);
                outlet.wake.wake();
            }
        }
    }

    /// Wakes the threads of all destinations.
    pub fn wake_all(&self) {
        lock::read(&self.0).iter().for_each(|outlet| outlet.wake.wake());
    }

    /// Has everything that is kept open opened anew.
    pub fn reopen(&self) {
        lock::read(&self.0).iter().for_each(|one| one.reopen.store(true, Ordering::SeqCst));
        self.wake_all();
    }
}
