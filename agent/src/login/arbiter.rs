//! Decides which of several waiting logins gets the security key.
//!
//! ```text
//!   seat0:  [ tty1, waiting ]  [ :0, foreground, granted ]  [ tty2, waiting ]
//!              the foreground before the rest, there the locker before all prompts of its session,
//!              then in order of arrival
//!              after Hold nobody takes the key away until the lease is over
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::clock::Moment;
use crate::error::AgentError;
use crate::lock::lock;
use crate::session::{Place, Sessions};

/// A login keeps the key this long after Hold: longer than a module takes by its defaults (30 s for
/// PIN and touch, or for all fingers together; 4 s until the key process counts as silent, 5 s for
/// the record), and shorter than another one waits (60 s). A module that asks for the PIN after
/// fingers hangs up before, and its next login has a lease of its own.
pub const LEASE: Duration = Duration::from_secs(45);
/// After a Hold without a login, whoever began it comes after all others of the same screen for
/// this long: a row of logins that hold the key and do nothing must not keep it.
pub const COOL_DOWN: Duration = Duration::from_secs(60);

/// The waiting logins.
#[derive(Debug)]
pub struct Arbiter {
    queue: Mutex<Queue>,
    lease: Duration,
}

#[derive(Debug, Default)]
struct Queue {
    logins: Vec<Waiting>,
    next: u64,
    /// Users who held the key without logging in, and when.
    cooling: HashMap<u32, Moment>,
}

/// A login that asks for the key.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// Where it is.
    pub place: Place,
    /// Whether the person at the seat sees it.
    pub foreground: bool,
    /// Whether it unlocks the screen of its session.
    pub locker: bool,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    /// Place in the order; a lease that ran out puts a login at the end.
    order: u64,
    asking: Asking,
    /// It asked to hold the key while another screen was shown.
    behind: bool,
    granted: bool,
    held: Option<Moment>,
    displaced: bool,
    wake: Arc<EventFd>,
}

/// A login's place in the queue; dropping it passes the key on.
#[derive(Debug)]
pub struct Ticket<'a> {
    arbiter: &'a Arbiter,
    id: u64,
    wake: Arc<EventFd>,
}

impl Default for Arbiter {
    fn default() -> Self {
        Self::with_lease(LEASE)
    }
}

impl Arbiter {
    /// An arbiter with another lease.
    pub fn with_lease(lease: Duration) -> Self {
        Self { queue: Mutex::default(), lease }
    }

    /// Joins the queue.
    ///
    /// # Errors
    /// [`AgentError::Io`] when the system has no descriptor left.
    pub fn enter(&self, asking: Asking) -> Result<Ticket<'_>, AgentError> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let wake = Arc::new(EventFd::from_value_and_flags(0, flags).map_err(std::io::Error::from)?);
        let mut queue = self.queue();
        queue.next += 1;
        let id = queue.next;
        queue.logins.push(Waiting {
            id,
            order: id,
            asking,
            behind: false,
            granted: false,
            held: None,
            displaced: false,
            wake: Arc::clone(&wake),
        });
        queue.assess(self.lease);
        drop(queue);
        Ok(Ticket { arbiter: self, id, wake })
    }

    /// Makes room for one more login of a kind that is limited to `most`: the oldest one that does
    /// not hold the key gives way. `false` when all of them hold it.
    pub fn make_room(&self, most: usize, is_meant: impl Fn(&Asking) -> bool) -> bool {
        let mut queue = self.queue();
        let count =
            queue.logins.iter().filter(|login| !login.displaced && is_meant(&login.asking)).count();
        if count < most {
            return true;
        }
        let oldest = queue
            .logins
            .iter_mut()
            .filter(|login| !login.displaced && login.held.is_none() && is_meant(&login.asking))
            .min_by_key(|login| login.id);
        let Some(oldest) = oldest else { return false };
        oldest.displaced = true;
        let _ = oldest.wake.write(1);
        queue.assess(self.lease);
        true
    }

    /// How many logins of a kind there are.
    pub fn count(&self, is_meant: impl Fn(&Asking) -> bool) -> usize {
        self.queue().logins.iter().filter(|login| is_meant(&login.asking)).count()
    }

    /// How many logins there are.
    pub fn len(&self) -> usize {
        self.queue().logins.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks again which login is in the foreground and which lease has run out. Waiting logins
    /// call it.
    pub fn look_again(&self, sessions: &dyn Sessions) {
        // logind is asked without the lock: it may be slow.
        let places: Vec<(u64, Place)> = self
            .queue()
            .logins
            .iter()
            .map(|login| (login.id, login.asking.place.clone()))
            .collect();
        let screens = sessions.screens();
        let now: Vec<(u64, bool, bool)> = places
            .into_iter()
            .map(|(id, place)| (id, place.is_foreground(&screens), place.is_behind(&screens)))
            .collect();
        let mut queue = self.queue();
        for login in &mut queue.logins {
            if let Some((_, foreground, behind)) = now.iter().find(|(id, ..)| *id == login.id) {
                login.asking.foreground = *foreground;
                login.behind &= *behind;
            }
        }
        queue.assess(self.lease);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }
}

impl Queue {
    fn assess(&mut self, lease: Duration) {
        self.cooling.retain(|_, since| since.elapsed() < COOL_DOWN);
        let mut next = self.next;
        for login in &mut self.logins {
            if login.held.is_some_and(|since| since.elapsed() >= lease) {
                login.held = None;
                next += 1;
                login.order = next;
                self.cooling.extend(login.asking.place.user().map(|user| (user, Moment::now())));
                // It is told that it lost the key, even if it gets it back below.
                login.granted = false;
                let _ = login.wake.write(1);
            }
        }
        self.next = next;

        let mut seats: Vec<String> =
            self.logins.iter().map(|login| login.asking.place.seat().to_owned()).collect();
        seats.sort_unstable();
        seats.dedup();
        for seat in seats {
            let holder = self
                .logins
                .iter()
                .filter(|login| {
                    login.asking.place.seat() == seat && !login.behind && !login.displaced
                })
                .min_by_key(|login| self.rank(login))
                .map(|login| login.id);
            for login in self.logins.iter_mut().filter(|login| login.asking.place.seat() == seat) {
                let granted = Some(login.id) == holder;
                if granted != login.granted {
                    login.granted = granted;
                    let _ = login.wake.write(1);
                }
            }
        }
    }

    /// The login with the lowest rank gets the key.
    fn rank(&self, login: &Waiting) -> impl Ord + use<> {
        let Asking { place, foreground, locker } = &login.asking;
        let cooling = place.user().is_some_and(|user| self.cooling.contains_key(&user));
        (login.held.is_none(), !foreground, !locker, cooling, login.order)
    }

    fn login(&mut self, id: u64) -> Option<&mut Waiting> {
        self.logins.iter_mut().find(|login| login.id == id)
    }
}

impl Ticket<'_> {
    /// Whether this login has the key now.
    pub fn is_granted(&self) -> bool {
        self.arbiter.queue().login(self.id).is_some_and(|login| login.granted)
    }

    /// Whether a newer login of the same kind took this one's place.
    pub fn is_displaced(&self) -> bool {
        self.arbiter.queue().login(self.id).is_some_and(|login| login.displaced)
    }

    /// Reserves the key for this login; `false` when another login has it or another screen is
    /// shown.
    pub fn hold(&self, sessions: &dyn Sessions) -> bool {
        let place = self.arbiter.queue().login(self.id).map(|login| login.asking.place.clone());
        // Checked now: a login may have begun in the foreground and be in the background by now.
        let behind = place.is_some_and(|place| place.is_behind(&sessions.screens()));
        let mut queue = self.arbiter.queue();
        let held = queue.login(self.id).is_some_and(|login| {
            login.behind = login.granted && behind;
            login.granted &= !behind;
            if login.granted {
                // A second Hold does not extend the lease: no login keeps the key for ever.
                login.held.get_or_insert_with(Moment::now);
            }
            login.granted
        });
        queue.assess(self.arbiter.lease);
        held
    }

    /// Notes that the login succeeded: its user need not cool down.
    pub fn has_logged_in(&self) {
        if let Some(login) = self.arbiter.queue().login(self.id) {
            login.held = None;
        }
    }

    /// Whether the foreground must be watched: this login waits, or others wait at the same seat.
    pub fn is_contended(&self) -> bool {
        let mut queue = self.arbiter.queue();
        let Some(login) = queue.login(self.id) else { return false };
        let (seat, waits) = (login.asking.place.seat().to_owned(), !login.granted);
        waits || queue.logins.iter().filter(|login| login.asking.place.seat() == seat).count() > 1
    }

    /// Becomes readable when [`Self::is_granted`] may have changed.
    pub fn wake(&self) -> &EventFd {
        &self.wake
    }

    /// Clears [`Self::wake`].
    pub fn awake(&self) {
        let _ = self.wake.read();
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut queue = self.arbiter.queue();
        let user = queue
            .login(self.id)
            .filter(|login| login.held.is_some())
            .and_then(|login| login.asking.place.user());
        queue.cooling.extend(user.map(|user| (user, Moment::now())));
        queue.logins.retain(|login| login.id != self.id);
        queue.assess(self.arbiter.lease);
    }
}

#[cfg(test)]
mod tests;
