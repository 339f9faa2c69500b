//! What the threads of the destinations and the rest of the agent share.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::audit::destination::ALL;
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
}

impl Outlet {
    /// Whether what is kept open is to be opened anew; asked once for each [`Outlets::reopen`].
    pub fn take_reopen(&self) -> bool {
        self.reopen.swap(false, Ordering::SeqCst)
    }
}

/// Those of all destinations.
#[derive(Debug)]
pub struct Outlets(Vec<Outlet>);

impl Default for Outlets {
    fn default() -> Self {
        let outlet = |destination| Outlet {
            destination,
            wake: Wake::default(),
            busy: Mutex::default(),
            reopen: AtomicBool::new(false),
        };
        Self(ALL.iter().map(outlet).collect())
    }
}

impl Outlets {
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
