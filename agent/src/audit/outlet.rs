//! What the threads of the destinations and the rest of the agent share.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use wardkey_core::time::UnixTime;

use crate::error::Told;
use crate::lock::lock;
use crate::store::spool::cursor::Destination;
use crate::wake::Wake;

/// One destination's.
#[derive(Debug)]
pub struct Outlet {
    destination: &'static Destination,
    /// Wakes its thread.
    pub wake: Wake,
    /// Held while records are delivered, so that none is delivered twice.
    pub busy: Mutex<()>,
    reopen: AtomicBool,
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
}

/// Those of all destinations.
#[derive(Debug)]
pub struct Outlets(Vec<Outlet>);

impl Outlets {
    /// Those of these destinations.
    pub fn new(destinations: &'static [Destination]) -> Self {
        let outlet = |destination| Outlet {
            destination,
            wake: Wake::default(),
            busy: Mutex::default(),
            reopen: AtomicBool::new(false),
            failed: Mutex::default(),
        };
        Self(destinations.iter().map(outlet).collect())
    }

    /// The destination with this name.
    pub fn destination(&self, name: &str) -> Option<&'static Destination> {
        self.0.iter().map(|outlet| outlet.destination).find(|destination| destination.name == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Outlet> {
        self.0.iter()
    }

    /// That of a destination; `None` for one that is not in the list.
    pub fn of(&self, destination: &Destination) -> Option<&Outlet> {
        self.0.iter().find(|outlet| outlet.destination == destination)
    }

    /// Wakes the threads of all destinations.
    pub fn wake_all(&self) {
        self.0.iter().for_each(|outlet| outlet.wake.wake());
    }

    /// Has everything that is kept open opened anew.
    pub fn reopen(&self) {
        self.0.iter().for_each(|outlet| outlet.reopen.store(true, Ordering::SeqCst));
        self.wake_all();
    }
}
