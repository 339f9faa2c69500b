//! One key: what a host's report goes through and comes back from.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use crate::{
    error::Error,
    exchanges::{Direction, Exchange, Recorder},
    firmware::{Attachment, Build, Firmware, Input},
    hostile::{Adversary, Ends, Hostile},
    memory::Memory,
    message::Report,
    touch::{Touch, TouchPolicy},
};

/// How a key is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// When touches are given.
    pub touch: TouchPolicy,
    /// How long the key waits for a touch; the firmware's own 30 s if `None`.
    pub presence_timeout: Option<Duration>,
    /// Folder that keeps the key's memory; in RAM, fresh, if `None`.
    pub state: Option<PathBuf>,
    /// How it misbehaves; honestly if `None`.
    pub hostile: Option<Hostile>,
    /// Memory of the key that [`Hostile`]'s `swap` puts in this one's place.
    pub swap_state: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            touch: TouchPolicy::Always,
            presence_timeout: None,
            state: None,
            hostile: None,
            swap_state: None,
        }
    }
}

/// What is called with each report of the key, and once with `None` when the
/// connection is cut. A sink that returns false is not called again.
pub type Sink = Box<dyn FnMut(Option<&Report>) -> bool + Send>;

/// A running key. Dropping it pulls it out for good.
pub struct SoftKey {
    shared: Arc<Shared>,
    received: Mutex<mpsc::Receiver<Report>>,
}

/// What the firmware's threads share with the owner of the key.
struct Shared {
    /// The key, and the one that `swap` puts in its place.
    slots: [Slot; 2],
    recorder: Recorder,
    adversary: Adversary,
    /// Where [`SoftKey::recv`] takes from; stays when connections are cut.
    keep: mpsc::SyncSender<Report>,
    sinks: Mutex<Vec<Sink>>,
    when_gone: Mutex<Vec<mpsc::Sender<()>>>,
    gone: AtomicBool,
}

/// A place for a firmware. Only one with a build is ever powered.
struct Slot {
    touch: Touch,
    build: Option<Build>,
    powered: Mutex<Option<Firmware>>,
}

/// Reports that [`SoftKey::recv`] may leave lying; later ones are lost, as
/// those that do not fit into the kernel's ring of a hidraw node.
const LYING: usize = 1024;

impl SoftKey {
    /// Plugs a key in.
    pub fn start(options: Options) -> Result<Self, Error> {
        let Options { touch, presence_timeout, state, hostile, swap_state } = options;
        let slot = |state: Option<Option<PathBuf>>| -> Result<Slot, Error> {
            let touch = Touch::new(touch.clone());
            let build = match state {
                Some(state) => {
                    let memory = Memory::open(state.as_deref())?;
                    Some(Build { touch: touch.clone(), presence_timeout, memory })
                }
                None => None,
            };
            Ok(Slot { touch, build, powered: Mutex::new(None) })
        };
        let swaps = hostile.as_ref().is_some_and(Hostile::needs_second_key);
        let slots = [slot(Some(state))?, slot(swaps.then_some(swap_state))?];
        let (keep, received) = mpsc::sync_channel(LYING);
        let shared = Arc::new(Shared {
            slots,
            recorder: Recorder::default(),
            adversary: Adversary::default(),
            keep,
            sinks: Mutex::default(),
            when_gone: Mutex::default(),
            gone: AtomicBool::new(false),
        });
        shared.power_on()?;
        shared.adversary.set(hostile);
        Ok(Self { shared, received: Mutex::new(received) })
    }

    /// Gives the key a report of the host.
    pub fn send(&self, report: &Report) {
        if self.is_gone() {
            return;
        }
        self.shared.recorder.record(Direction::ToKey, report);
        let ends: Arc<dyn Ends> = self.shared.clone();
        self.shared.adversary.request(report, &ends);
    }

    /// The key's next report, within `timeout`.
    pub fn recv(&self, timeout: Duration) -> Option<Report> {
        lock(&self.received).recv_timeout(timeout).ok()
    }

    /// Adds a connection: somebody to tell the key's reports to.
    pub fn connect(&self, mut sink: Sink) {
        if self.is_gone() {
            sink(None);
            return;
        }
        lock(&self.shared.sinks).push(sink);
    }

    /// Moves the finger.
    pub fn set_touch(&self, policy: TouchPolicy) {
        for slot in &self.shared.slots {
            slot.touch.set_policy(policy.clone());
        }
    }

    /// Whether the key waits for a touch.
    pub fn is_waiting(&self) -> bool {
        self.shared.slots.iter().any(|slot| slot.touch.is_waiting())
    }

    /// Changes how the key misbehaves; not to `swap`, whose second key must
    /// have been there from the start.
    pub fn set_hostile(&self, hostile: Option<Hostile>) -> Result<(), Error> {
        let [_, second] = &self.shared.slots;
        if second.build.is_none() && hostile.as_ref().is_some_and(Hostile::needs_second_key) {
            return Err(Error::Unknown {
                what: "hostile mode",
                value: "swap".into(),
                known: "any but swap, which must be given at the start",
            });
        }
        self.shared.adversary.set(hostile);
        Ok(())
    }

    /// What went over the wire since the start or the last reset.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.recorder.all()
    }

    /// Forgets what went over the wire.
    pub fn reset_exchanges(&self) {
        self.shared.recorder.reset();
    }

    /// Pulls the key out and plugs it in again: connections are cut, the
    /// firmware starts anew from its memory. A key that wants no more PINs
    /// before it is plugged in anew takes them again.
    pub fn replug(&self) -> Result<(), Error> {
        self.shared.cut_connections();
        self.shared.power_off();
        self.shared.power_on()
    }

    /// Pulls the key out for good.
    pub fn unplug(&self) {
        self.shared.unplug();
    }

    /// Whether the key is gone for good.
    pub fn is_gone(&self) -> bool {
        self.shared.gone.load(Ordering::SeqCst)
    }

    /// Waits until the key is gone for good.
    pub fn wait_until_gone(&self) {
        let (gone, wait) = mpsc::channel();
        lock(&self.shared.when_gone).push(gone);
        if !self.is_gone() {
            wait.recv().ok();
        }
    }
}

impl Drop for SoftKey {
    fn drop(&mut self) {
        self.unplug();
        self.shared.power_off();
    }
}

impl Shared {
    fn power_on(self: &Arc<Self>) -> Result<(), Error> {
        for slot in &self.slots {
            if let Some(build) = &slot.build {
                slot.touch.open();
                let shared = Arc::downgrade(self);
                let output = Box::new(move |report| {
                    if let Some(shared) = shared.upgrade() {
                        shared.adversary.answer(&report, &*shared);
                    }
                });
                let firmware = Firmware::start(build.clone(), Attachment::Reports(output))?;
                *lock(&slot.powered) = Some(firmware);
            }
        }
        Ok(())
    }

    fn power_off(&self) {
        for slot in &self.slots {
            // Taken out first: its threads may be sending meanwhile.
            let firmware = lock(&slot.powered).take();
            drop(firmware);
        }
    }

    fn cut_connections(&self) {
        let sinks: Vec<Sink> = lock(&self.sinks).drain(..).collect();
        for mut sink in sinks {
            sink(None);
        }
    }

    fn to_slot(&self, slot: &Slot, report: &Report) {
        // A firmware that is gone answers nothing, like a key that is gone.
        if let Some(firmware) = &*lock(&slot.powered) {
            firmware.send(Input::Report(*report));
        }
    }
}

impl Ends for Shared {
    fn to_host(&self, report: &Report) {
        if self.gone.load(Ordering::SeqCst) {
            return;
        }
        self.recorder.record(Direction::ToHost, report);
        self.keep.try_send(*report).ok();
        lock(&self.sinks).retain_mut(|sink| sink(Some(report)));
    }

    fn to_key(&self, report: &Report) {
        self.to_slot(&self.slots[0], report);
    }

    fn to_second_key(&self, report: &Report) {
        self.to_slot(&self.slots[1], report);
    }

    fn unplug(&self) {
        if self.gone.swap(true, Ordering::SeqCst) {
            return;
        }
        self.adversary.set(None);
        self.cut_connections();
        for gone in lock(&self.when_gone).drain(..) {
            gone.send(()).ok();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
