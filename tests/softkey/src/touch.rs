//! The finger: when the key's user presence test succeeds.

use std::{
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use trussed::{platform::UserInterface, types::ui::Status};
use trussed_core::types::{consent::Level, reboot::To};

use crate::error::Error;

/// When a touch is given to a key that asks for one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TouchPolicy {
    /// At once, whenever it is asked for.
    Always,
    /// Never; the key times out or is cancelled.
    Never,
    /// For the next request, now or later, then never.
    Once,
    /// When the key has been waiting this long.
    After(Duration),
    /// While this file exists.
    File(PathBuf),
}

impl FromStr for TouchPolicy {
    type Err = Error;

    /// `always`, `never`, `once`, `after:MILLISECONDS`, `file:PATH`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || Error::Unknown {
            what: "touch policy",
            value: text.to_owned(),
            known: "always, never, once, after:MILLISECONDS, file:PATH",
        };
        match text.split_once(':') {
            None => match text {
                "always" => Ok(Self::Always),
                "never" => Ok(Self::Never),
                "once" => Ok(Self::Once),
                _ => Err(unknown()),
            },
            Some(("after", ms)) => {
                let ms = ms.parse().map_err(|_| unknown())?;
                Ok(Self::After(Duration::from_millis(ms)))
            }
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(_) => Err(unknown()),
        }
    }
}

/// The finger and whoever moves it, shared between the firmware's threads and
/// the control side.
#[derive(Clone)]
pub(crate) struct Touch(Arc<(Mutex<State>, Condvar)>);

struct State {
    policy: TouchPolicy,
    waiting_since: Option<Instant>,
    /// The key is going away: end every wait.
    closed: bool,
}

impl Touch {
    pub(crate) fn new(policy: TouchPolicy) -> Self {
        let state = State { policy, waiting_since: None, closed: false };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    pub(crate) fn set_policy(&self, policy: TouchPolicy) {
        self.lock().policy = policy;
        self.wake();
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.lock().waiting_since.is_some()
    }

    /// Makes a waiting firmware look again (a CANCEL may have arrived).
    pub(crate) fn wake(&self) {
        self.0.1.notify_all();
    }

    /// Undoes [`close`](Self::close), for a firmware that starts again.
    pub(crate) fn open(&self) {
        let mut state = self.lock();
        state.closed = false;
        state.waiting_since = None;
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake();
    }

    /// The firmware leaves the waiting status set when a wait is cancelled or
    /// times out; its keep-alives would then ask for a touch that nobody needs.
    pub(crate) fn finished_request(&self) {
        self.lock().waiting_since = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_given(&self) -> bool {
        self.closed
            || match &self.policy {
                TouchPolicy::Always | TouchPolicy::Once => true,
                TouchPolicy::Never => false,
                TouchPolicy::After(delay) => {
                    self.waiting_since.is_some_and(|since| since.elapsed() >= *delay)
                }
                TouchPolicy::File(path) => path.exists(),
            }
    }

    /// How long a wait may sleep before it looks again by itself: exactly until
    /// a timed touch, often for a file, and rarely where a wake-up will come
    /// (its bound is only for a CANCEL that overtakes the wait).
    fn patience(&self) -> Duration {
        let rarely = Duration::from_millis(20);
        match (&self.policy, self.waiting_since) {
            (TouchPolicy::After(delay), Some(since)) => {
                rarely.min(delay.saturating_sub(since.elapsed()))
            }
            (TouchPolicy::File(_), _) => Duration::from_millis(2),
            _ => rarely,
        }
    }
}

impl UserInterface for Touch {
    /// Called by the firmware in a loop while it waits; the place to sleep.
    fn refresh(&mut self) {
        let state = self.lock();
        if !state.is_given() {
            let patience = state.patience();
            drop(self.0.1.wait_timeout(state, patience));
        }
    }

    fn check_user_presence(&mut self) -> Level {
        let mut state = self.lock();
        if !state.is_given() {
            return Level::None;
        }
        if state.policy == TouchPolicy::Once {
            state.policy = TouchPolicy::Never;
        }
        Level::Strong
    }

    fn set_status(&mut self, status: Status) {
        let waiting = matches!(status, Status::WaitingForUserPresence);
        self.lock().waiting_since = waiting.then(Instant::now);
    }

    fn uptime(&mut self) -> Duration {
        // trussed's virtual platform keeps the time itself and never asks here.
        Duration::ZERO
    }

    fn reboot(&mut self, _: To) -> ! {
        // Only a vendor command could ask for it, and none is compiled in.
        loop {
            std::thread::park();
        }
    }

    fn wink(&mut self, _: Duration) {}
}
