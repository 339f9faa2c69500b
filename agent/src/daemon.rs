//! The agent as a process: threads, signals, systemd.

use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use sd_notify::NotifyState;
use wardkey_core::event::{EventName, Outcome};

use crate::agent::Agent;
use crate::audit::transport::server::Upload;
use crate::audit::transport::syslog::SystemLog;
use crate::audit::{collecting, deliver};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::AgentError;
use crate::server::{Connections, accept};
use crate::session::Logind;
use crate::sync::http::places::Network;
use crate::{keywatch, log, presence, startup, sync, upkeep};

/// Stack of the threads in bytes.
const STACK: usize = 512 * 1024;
/// How long the last records may take to reach the system log.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs the agent by the configuration in a file until SIGTERM or SIGINT; SIGHUP is no end.
/// `enroll_user` is the user of the enrollment console, by name or number, where there is one.
///
/// # Errors
/// [`AgentError`] when it cannot start.
pub fn run(file: &Path, enroll_user: &str) -> Result<(), AgentError> {
    let config = Config::read(file)?;
    // Before any thread is there, so that all of them leave the signals to us.
    let signals = block_signals()?;
    let (listener, path) = startup::prepare(&config)?;
    let mut agent = Agent::open(
        config,
        Clock::machine(),
        Box::new(Logind::default()),
        Box::new(Network::default()),
    )?;
    agent.enroller = startup::enroller(enroll_user);
    if agent.enroller.is_none() {
        log::info(format_args!("no user {enroll_user}; no enrollment console will be served"));
    }
    let agent = Arc::new(agent);
    agent.record(vec![started(&agent)]);
    for (name, work) in [
        ("sync", sync::run::run as fn(&Agent)),
        ("server", |agent| deliver::run(agent, Upload::new(agent.config.retry_seconds))),
        ("syslog", |agent| deliver::run(agent, SystemLog::new(&agent.config.syslog))),
        ("upkeep", upkeep::run),
        ("keys", keywatch::run),
        ("logind", presence::run::hear),
    ] {
        let shared = Arc::clone(&agent);
        std::thread::Builder::new()
            .name(name.into())
            .stack_size(STACK)
            .spawn(move || work(&shared))?;
    }
    let shared = Arc::clone(&agent);
    std::thread::Builder::new()
        .name("sessions".into())
        .stack_size(STACK)
        .spawn(move || presence::run::run(&shared))?;
    collecting::start(&agent)?;
    notify(NotifyState::Ready);
    log::info(format_args!(
        "{} is ready at {}",
        env!("CARGO_PKG_VERSION"),
        agent.config.socket.display()
    ));
    let result = serve(&agent, &listener, &signals, file);
    stop(&agent, path.as_deref());
    result
}

fn started(agent: &Agent) -> wardkey_core::event::Event {
    let mut event = agent.event(EventName::AgentStarted, Outcome::Success);
    event.detail = Some(env!("CARGO_PKG_VERSION").to_owned());
    event
}

fn serve(
    agent: &Arc<Agent>,
    listener: &UnixListener,
    signals: &SignalFd,
    file: &Path,
) -> Result<(), AgentError> {
    let connections = Arc::new(Connections::default());
    let watchdog = watchdog_interval();
    let mut alive = Instant::now();
    loop {
        let timeout = watchdog.map_or(PollTimeout::NONE, |interval| {
            let left = interval.saturating_sub(alive.elapsed()).as_millis() + 1;
            PollTimeout::try_from(i32::try_from(left).unwrap_or(i32::MAX))
                .unwrap_or(PollTimeout::MAX)
        });
        let mut fds = [
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(std::io::Error::from(errno).into()),
        }
        let [connection, signal] = fds;
        if signal.any() == Some(true)
            && let Some(signal) = signals.read_signal().ok().flatten()
        {
            if signal.ssi_signo != Signal::SIGHUP as u32 {
                return Ok(());
            }
            reload(agent, file);
        }
        if connection.any() == Some(true) {
            accept(agent, listener, &connections);
        }
        if watchdog.is_some_and(|interval| alive.elapsed() >= interval) {
            alive = Instant::now();
            notify(NotifyState::Watchdog);
        }
    }
}

/// SIGHUP: what is kept open is opened anew, the server is asked at once, and the collectors of
/// records are read again. The rest of the configuration holds from the start, as socket and user
/// come from it. Logins go on, and so does what runs when the file is wrong.
fn reload(agent: &Arc<Agent>, file: &Path) {
    log::info(
        "SIGHUP: asking the server; of agent.toml, records_to, records_ca and \
        records_enterprise are read again",
    );
    let changed = Config::read_again(file)
        .map_err(AgentError::from)
        .and_then(|config| collecting::change(agent, &config));
    match changed {
        Ok(true) => log::info("the collectors of records have changed"),
        Ok(false) => {}
        Err(error) => log::warning(format_args!("what runs goes on as it was: {error}")),
    }
    agent.outlets.reopen();
    agent.wake_sync.wake();
}

fn stop(agent: &Agent, socket: Option<&Path>) {
    notify(NotifyState::Stopping);
    agent.stop();
    if let Some(path) = socket {
        let _ = std::fs::remove_file(path);
    }
    agent.record(agent.tally.take(true));
    agent.record(vec![agent.event(EventName::AgentStopped, Outcome::Success)]);
    deliver::last_words(agent, &mut SystemLog::new(&agent.config.syslog), LAST_WORDS);
    agent.state.close();
    agent.directory.close();
    log::info("stopped");
}

fn block_signals() -> Result<SignalFd, AgentError> {
    let mut set = SigSet::empty();
    set.add(Signal::SIGTERM);
    set.add(Signal::SIGINT);
    set.add(Signal::SIGHUP);
    set.thread_block().map_err(std::io::Error::from)?;
    Ok(SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .map_err(std::io::Error::from)?)
}

fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|interval| interval / 2)
}

fn notify(state: NotifyState<'_>) {
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[state]);
}
