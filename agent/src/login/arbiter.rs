//! Who of several waiting logins has the security key.
//!
//! ```text
//!   seat0:  [ tty1, waiting ]  [ :0, foreground, granted ]  [ tty2, waiting ]
//!              arrival order;  the first in the foreground has the key; after Hold nobody takes it away
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::error::AgentError;
use crate::session::{Place, Sessions};

/// A login keeps the key this long after Hold.
pub const LEASE: Duration = Duration::from_secs(75);

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
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    /// Place in the order; a lease that ran out puts a login at the end.
    order: u64,
    place: Place,
    foreground: bool,
    granted: bool,
    held: Option<Instant>,
    wake: Arc<EventFd>,
}

/// A login's place in the queue; leaving it gives the key on.
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
    pub fn enter(&self, place: Place, foreground: bool) -> Result<Ticket<'_>, AgentError> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let wake = Arc::new(EventFd::from_value_and_flags(0, flags).map_err(std::io::Error::from)?);
        let mut queue = self.queue();
        queue.next += 1;
        let id = queue.next;
        queue.logins.push(Waiting {
            id,
            order: id,
            place,
            foreground,
            granted: false,
            held: None,
            wake: Arc::clone(&wake),
        });
        queue.assess(self.lease);
        drop(queue);
        Ok(Ticket { arbiter: self, id, wake })
    }

    /// How many logins there are at such a place.
    pub fn count(&self, is_meant: impl Fn(&Place) -> bool) -> usize {
        self.queue().logins.iter().filter(|login| is_meant(&login.place)).count()
    }

    /// How many logins there are.
    pub fn len(&self) -> usize {
        self.queue().logins.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks again who is in the foreground and whose lease has run out; for the waiting to call.
    pub fn look_again(&self, sessions: &dyn Sessions) {
        // logind is asked without the lock: it may be slow.
        let places: Vec<(u64, Place)> =
            self.queue().logins.iter().map(|login| (login.id, login.place.clone())).collect();
        let screens = sessions.screens();
        let foreground: Vec<(u64, bool)> =
            places.into_iter().map(|(id, place)| (id, place.is_foreground(&screens))).collect();
        let mut queue = self.queue();
        for login in &mut queue.logins {
            if let Some((_, now)) = foreground.iter().find(|(id, _)| *id == login.id) {
                login.foreground = *now;
            }
        }
        queue.assess(self.lease);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn assess(&mut self, lease: Duration) {
        let mut next = self.next;
        for login in &mut self.logins {
            if login.held.is_some_and(|since| since.elapsed() >= lease) {
                login.held = None;
                next += 1;
                login.order = next;
                // Told that it lost the key even if it gets it again below.
                login.granted = false;
                let _ = login.wake.write(1);
            }
        }
        self.next = next;
        let mut seats: Vec<String> = self.logins.iter().map(|login| login.place.seat().to_owned()).collect();
        seats.sort_unstable();
        seats.dedup();
        for seat in seats {
            let holder = self
                .logins
                .iter()
                .filter(|login| login.place.seat() == seat)
                .min_by_key(|login| (login.held.is_none(), !login.foreground, login.order))
                .map(|login| login.id);
            for login in self.logins.iter_mut().filter(|login| login.place.seat() == seat) {
                let granted = Some(login.id) == holder;
                if granted != login.granted {
                    login.granted = granted;
                    let _ = login.wake.write(1);
                }
            }
        }
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

    /// Keeps the key from here on; `false` when another login has it.
    pub fn hold(&self) -> bool {
        self.arbiter.queue().login(self.id).is_some_and(|login| {
            if login.granted {
                // Said again it does not begin anew: no login keeps the key for ever.
                login.held.get_or_insert_with(Instant::now);
            }
            login.granted
        })
    }

    /// Whether others wait at the same seat.
    pub fn is_contended(&self) -> bool {
        let mut queue = self.arbiter.queue();
        let Some(seat) = queue.login(self.id).map(|login| login.place.seat().to_owned()) else { return false };
        queue.logins.iter().filter(|login| login.place.seat() == seat).count() > 1
    }

    /// Becomes readable when [`Self::is_granted`] may have changed.
    pub fn wake(&self) -> &EventFd {
        &self.wake
    }

    /// Takes note of what [`Self::wake`] told.
    pub fn awake(&self) {
        let _ = self.wake.read();
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut queue = self.arbiter.queue();
        queue.logins.retain(|login| login.id != self.id);
        queue.assess(self.arbiter.lease);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Belongs, Screens, Session};

    fn at(id: &str) -> Place {
        let session = Session { id: id.into(), seat: Some("seat0".into()), ..Session::default() };
        Place { session: Some(session), ..Place::default() }
    }

    struct Foreground(&'static str);

    impl Sessions for Foreground {
        fn belongs(&self, _: i32) -> Belongs {
            Belongs::Nobody
        }
        fn screens(&self) -> Screens {
            let active = Session { id: self.0.into(), active: true, ..Session::default() };
            Screens { sessions: vec![active], line: None }
        }
    }

    #[test]
    fn without_a_foreground_the_first_has_the_key_and_leaving_gives_it_on() {
        let arbiter = Arbiter::default();
        let one = arbiter.enter(Place::default(), false).unwrap();
        let two = arbiter.enter(Place::default(), false).unwrap();
        let three = arbiter.enter(Place::default(), false).unwrap();
        assert_eq!([one.is_granted(), two.is_granted(), three.is_granted()], [true, false, false]);
        assert!(!two.hold());
        drop(one);
        assert_eq!([two.is_granted(), three.is_granted()], [true, false]);
        drop(two);
        assert!(three.is_granted());
        assert!(!three.is_contended());
    }

    #[test]
    fn the_foreground_takes_the_key_before_hold_and_not_after() {
        let arbiter = Arbiter::default();
        let back = arbiter.enter(at("1"), false).unwrap();
        let front = arbiter.enter(at("2"), false).unwrap();
        assert!(back.is_granted());
        arbiter.look_again(&Foreground("2"));
        assert!(front.is_granted() && !back.is_granted());
        assert_eq!(back.wake().read().unwrap(), 2, "granted, then taken away");
        assert!(front.hold());
        arbiter.look_again(&Foreground("1"));
        assert!(front.is_granted(), "after Hold the key stays");
        drop(front);
        assert!(back.is_granted());
    }

    #[test]
    fn a_lease_ends() {
        let arbiter = Arbiter::with_lease(Duration::from_millis(1));
        let one = arbiter.enter(Place::default(), false).unwrap();
        assert!(one.hold());
        let two = arbiter.enter(Place::default(), false).unwrap();
        std::thread::sleep(Duration::from_millis(5));
        arbiter.look_again(&Foreground(""));
        assert!(two.is_granted() && !one.is_granted());
    }

    #[test]
    fn seats_do_not_wait_for_each_other() {
        let arbiter = Arbiter::default();
        let mut other = at("9");
        if let Some(session) = &mut other.session {
            session.seat = Some("seat1".into());
        }
        let one = arbiter.enter(at("1"), true).unwrap();
        let two = arbiter.enter(other, true).unwrap();
        assert!(one.is_granted() && two.is_granted());
    }
}
