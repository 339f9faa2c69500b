//! The threads of the sessions: one hears logind, one does what is due. Looking for keys and asking
//! the helper each have a short thread of their own, so that nobody waits for anybody.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::message::lock::Request;

use super::bus::Bus;
use super::desk::{Act, Look};
use super::helper::Helper;
use super::look;
use super::service::{change, now, rules};
use super::shared::News;
use crate::agent::Agent;
use crate::log;
use crate::session::bus::BUS;

/// How often logind is looked at although it says nothing: it tells of no time without input.
const LOOK: Duration = Duration::from_secs(10);
/// The same while a session is being locked: a signal may be lost with a connection.
const LOCKING: Duration = Duration::from_millis(250);
/// A bus that is not there is tried again.
const PAUSE: Duration = Duration::from_secs(2);
/// Stack of the short threads in bytes.
const STACK: usize = 512 * 1024;

/// Hears logind, until the agent stops.
pub fn hear(agent: &Agent) {
    while !agent.is_stopping() {
        if Path::new(BUS).exists()
            && let Ok(bus) = Bus::connect(Path::new(BUS))
        {
            // It ends with the bus, and is made again.
            let _ = bus.follow(|news| agent.presence.tell(news));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Does what is due, until the agent stops.
pub fn run(agent: &Arc<Agent>) {
    restore(agent);
    let mut logind = Logind::default();
    while !agent.is_stopping() {
        agent.presence.wait(pause(agent));
        let mut sessions = logind.is_due(agent);
        for news in agent.presence.take_news() {
            sessions |= news == News::Sessions;
            take(agent, news);
        }
        if sessions && !agent.presence.book().is_empty() {
            logind.look(agent);
        }
        change(agent, |book| book.due(rules(agent), now(agent)));
        for act in agent.presence.take_acts() {
            start(agent, act);
        }
    }
}

/// Takes up the sessions of before a restart.
fn restore(agent: &Agent) {
    let rows = agent.state.sessions().unwrap_or_else(|error| {
        log::warning(format_args!("sessions of before: {error}"));
        Vec::new()
    });
    let boot = agent.clock.reading().boot_id;
    change(agent, |book| book.restore(rows, boot.as_slice(), now(agent)));
}

fn pause(agent: &Agent) -> Duration {
    let book = agent.presence.book();
    if book.is_empty() {
        return Duration::from_secs(3600);
    }
    let most = if book.is_locking() { LOCKING } else { LOOK };
    let next = book.next(rules(agent), now(agent));
    let until = next.map(|next| next.saturating_duration_since(Instant::now()));
    until.map_or(most, |until| until.min(most))
}

fn take(agent: &Agent, news: News) {
    match news {
        News::Sessions => {}
        News::Resumed | News::KeyProcess => change(agent, |book| book.doubt()),
        News::Plugged(nodes, replaced) => change(agent, |book| book.plugged(&nodes, replaced)),
        News::Sight(look, sight) => {
            change(agent, |book| {
                book.sight(&look.key, &sight, rules(agent), now(agent));
                Vec::new()
            });
        }
    }
}

/// logind, looked at in this thread.
#[derive(Default)]
struct Logind {
    bus: Option<Bus>,
    looked: Option<Instant>,
    failed: Option<Instant>,
}

impl Logind {
    fn is_due(&self, agent: &Agent) -> bool {
        let pause = if agent.presence.book().is_locking() { LOCKING } else { LOOK };
        self.looked.is_none_or(|looked| looked.elapsed() >= pause)
    }

    /// One that does not answer changes nothing: sessions outlive it.
    fn look(&mut self, agent: &Agent) {
        self.looked = Some(Instant::now());
        if self.failed.is_some_and(|failed| failed.elapsed() < PAUSE) {
            return;
        }
        if self.bus.is_none() && Path::new(BUS).exists() {
            self.bus = Bus::connect(Path::new(BUS)).ok();
        }
        match self.bus.as_ref().map(Bus::sessions) {
            Some(Ok(seen)) => {
                self.failed = None;
                change(agent, |book| book.see(&seen, now(agent)));
            }
            Some(Err(_)) | None => {
                self.bus = None;
                self.failed = Some(Instant::now());
            }
        }
    }
}

/// Starts what takes time.
fn start(agent: &Arc<Agent>, act: Act) {
    let shared = Arc::clone(agent);
    let started = std::thread::Builder::new().name("session".into()).stack_size(STACK).spawn(
        move || match act {
            Act::Look(look) => look_for(&shared, look),
            Act::Lock(session) => ask(&shared, &Request::Lock(session)),
            Act::End(session) => ask(&shared, &Request::End(session)),
            Act::Greeter(session) => ask(&shared, &Request::Greeter(session)),
            Act::Save(_) | Act::Forget(_) | Act::Record(_) => {}
        },
    );
    if let Err(error) = started {
        log::warning(format_args!("thread: {error}"));
    }
}

fn look_for(agent: &Agent, look: Look) {
    // Where it is gone, the helper is needed next.
    let helper = look.is_removal.then(|| Helper::connect(&agent.config.lock_socket));
    let sight = look::look(agent, &look);
    agent.presence.tell(News::Sight(look, sight));
    drop(helper);
}

fn ask(agent: &Agent, request: &Request) {
    let done = Helper::connect(&agent.config.lock_socket)
        .map_err(|error| format!("lock helper: {error}"))
        .and_then(|mut helper| helper.ask(request));
    match done {
        // A locker may have answered meanwhile.
        Ok(()) => agent.presence.tell(News::Sessions),
        Err(why) => {
            log::warning(format_args!("{}: {why}", Code::LockHelperFailed));
            change(agent, |book| book.failed(request.session(), &why));
        }
    }
}
