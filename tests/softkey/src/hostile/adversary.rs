//! The one in the middle: lets packets pass until its step comes.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use super::alter;
use super::mode::{Hostile, Mode};
use crate::message::{Message, Report, UP_NEEDED, command};

/// What an adversary stands between.
pub(crate) trait Ends: Send + Sync {
    fn to_host(&self, report: &Report);
    fn to_key(&self, report: &Report);
    fn to_second_key(&self, report: &Report);
    fn unplug(&self);
}

#[derive(Default)]
pub(crate) struct Adversary {
    state: Mutex<State>,
    /// Grows with each request; an endless answer ends when it does.
    requests: Arc<AtomicU64>,
}

#[derive(Default)]
struct State {
    plan: Option<Hostile>,
    /// A request that is not whole yet, withheld.
    request: Option<(Message, Vec<Report>)>,
    /// What to make of the firmware's next answer.
    altering: Option<Mode>,
    answer: Option<Message>,
    /// The assertion that `many-credentials` repeats.
    assertion: Option<Message>,
    /// The answer that `replay` gives again and again.
    replayed: Option<Message>,
    swapped: bool,
}

enum Action {
    ToHost(Vec<Report>),
    ToKey(Vec<Report>),
    ToSecondKey(Vec<Report>),
    Unplug,
    KeepAliveForEver(u32),
}

/// How long a slow key takes: a little less than a module waits for other parts.
const SLOW: Duration = Duration::from_millis(4900);

const FLOOD: usize = 500;

impl Adversary {
    /// Begins with another plan, or becomes honest.
    pub(crate) fn set(&self, plan: Option<Hostile>) {
        self.requests.fetch_add(1, Ordering::SeqCst);
        *self.lock() = State { plan, ..State::default() };
    }

    /// A report of the host.
    pub(crate) fn request(&self, report: &Report, ends: &Arc<dyn Ends>) {
        // Decided under the lock, done after it: an end may call back.
        let actions = self.lock().request(report);
        if Message::first(report).is_some_and(|m| m.command != command::CANCEL) {
            self.requests.fetch_add(1, Ordering::SeqCst);
        }
        for action in actions {
            match action {
                Action::ToHost(reports) => reports.iter().for_each(|r| ends.to_host(r)),
                Action::ToKey(reports) => reports.iter().for_each(|r| ends.to_key(r)),
                Action::ToSecondKey(reports) => reports.iter().for_each(|r| ends.to_second_key(r)),
                Action::Unplug => ends.unplug(),
                Action::KeepAliveForEver(channel) => self.keep_alive_for_ever(channel, ends),
            }
        }
    }

    /// A report of the firmware.
    pub(crate) fn answer(&self, report: &Report, ends: &dyn Ends) {
        let reports = self.lock().answer(report);
        reports.iter().for_each(|report| ends.to_host(report));
    }

    fn keep_alive_for_ever(&self, channel: u32, ends: &Arc<dyn Ends>) {
        let requests = self.requests.clone();
        let mine = requests.load(Ordering::SeqCst);
        let ends = Arc::downgrade(ends);
        thread::spawn(move || {
            while requests.load(Ordering::SeqCst) == mine {
                let Some(ends) = ends.upgrade() else {
                    return;
                };
                keepalive(channel).iter().for_each(|report| ends.to_host(report));
                drop(ends);
                thread::sleep(Duration::from_millis(100));
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn request(&mut self, report: &Report) -> Vec<Action> {
        let Some(plan) = self.plan else {
            return vec![Action::ToKey(vec![*report])];
        };
        match (Message::first(report), &mut self.request) {
            (Some(first), request) => *request = Some((first, vec![*report])),
            (None, Some((message, reports))) => {
                message.append(report);
                reports.push(*report);
            }
            (None, None) => return vec![self.forward(vec![*report])],
        }
        match self.request.take() {
            Some((message, reports)) if message.is_complete() => {
                self.decide(plan, message, reports)
            }
            partial => {
                self.request = partial;
                Vec::new()
            }
        }
    }

    fn decide(&mut self, plan: Hostile, message: Message, reports: Vec<Report>) -> Vec<Action> {
        let channel = message.channel;
        if plan.mode == Mode::ManyCredentials && message.payload == [0x08] {
            return match &self.assertion {
                Some(assertion) => vec![Action::ToHost(assertion.reports())],
                None => vec![self.forward(reports)],
            };
        }
        if message.command == command::CANCEL || self.swapped || !plan.step.covers(&message) {
            return vec![self.forward(reports)];
        }
        if let Some(invented) = alter::invented(plan.mode, channel) {
            return vec![Action::ToHost(invented)];
        }
        match plan.mode {
            Mode::Silent => Vec::new(),
            Mode::Slow => {
                std::thread::sleep(SLOW);
                vec![self.forward(reports)]
            }
            Mode::Echo => match alter::echoed(&message) {
                Some(reports) => vec![Action::ToHost(reports)],
                None => vec![self.forward(reports)],
            },
            Mode::Replay if self.replayed.is_some() => {
                let answer = self
                    .replayed
                    .iter()
                    .map(|answer| Message { channel, ..answer.clone() }.reports());
                answer.map(Action::ToHost).collect()
            }
            Mode::UnplugMid => vec![Action::Unplug],
            Mode::EndlessKeepalive => vec![Action::KeepAliveForEver(channel)],
            Mode::KeepaliveFlood => {
                let flood = keepalive(channel).repeat(FLOOD);
                vec![Action::ToHost(flood), self.forward(reports)]
            }
            Mode::Swap => {
                self.swapped = true;
                vec![self.forward(reports)]
            }
            mode => {
                self.altering = Some(mode);
                self.answer = None;
                vec![self.forward(reports)]
            }
        }
    }

    fn forward(&self, reports: Vec<Report>) -> Action {
        if self.swapped { Action::ToSecondKey(reports) } else { Action::ToKey(reports) }
    }

    fn answer(&mut self, report: &Report) -> Vec<Report> {
        let Some(mode) = self.altering else {
            return vec![*report];
        };
        match (Message::first(report), &mut self.answer) {
            (Some(first), _) if first.command == command::KEEPALIVE => return vec![*report],
            (Some(first), answer) => *answer = Some(first),
            (None, Some(message)) => message.append(report),
            (None, None) => return vec![*report],
        }
        match mem::take(&mut self.answer) {
            Some(message) if message.is_complete() => {
                self.altering = None;
                match mode {
                    Mode::ManyCredentials => self.assertion = Some(message.clone()),
                    Mode::Replay => self.replayed = Some(message.clone()),
                    _ => {}
                }
                alter::altered(mode, message)
            }
            partial => {
                self.answer = partial;
                Vec::new()
            }
        }
    }
}

fn keepalive(channel: u32) -> Vec<Report> {
    Message::new(channel, command::KEEPALIVE, &[UP_NEEDED]).reports()
}
