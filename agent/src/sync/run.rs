//! The thread that keeps the directory fresh.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::message::http::{Base64, RenewRequest};
use wardkey_core::time::UnixTime;

use crate::agent::Agent;
use crate::clock::Moment;
use crate::error::{AgentError, ServerError};
use crate::identity::Identity;
use crate::lock::lock;
use crate::log;
use crate::sync::addresses;
use crate::sync::apply::{apply, request_of};
use crate::sync::backoff::{Backoff, rest};
use crate::sync::exchange::{note_failure, note_success, upstream};
use crate::sync::http::places::is_elsewhere;
use crate::sync::join::signing_request;
use crate::sync::server_clock::watch_clock;
use crate::sync::upstream::Upstream;
use crate::witness;

/// The longest pause between two questions of a terminal that the server no longer serves.
const LONGEST_AFTER_REFUSAL: Duration = Duration::from_secs(900);

/// In these seconds after an exchange of the CA all terminals ask for another certificate.
const TURNS: u64 = 3600;

/// Synchronises until the agent stops.
pub fn run(agent: &Agent) {
    let mut pace = Pace::new(agent.config.retry_seconds, agent.config.wait_seconds);
    while !agent.is_stopping() {
        if agent.identity().is_none() {
            agent.wake_sync.wait(Duration::from_secs(3600));
            continue;
        }
        let started = Moment::now();
        let hold = pace.hold();
        match round(agent, hold) {
            Ok(fresh) => {
                note_success(agent);
                pace.answered();
                // A server that does not hold the request must not be asked without pause.
                if !fresh && hold > 0 && started.elapsed() < Duration::from_millis(500) {
                    agent.wake_sync.wait(Duration::from_secs(1));
                }
            }
            Err(error) => {
                note_failure(agent, &error);
                match pace.failed(&error) {
                    Pause::Whole(pause) => rest(&agent.wake_sync, pause, || agent.is_stopping()),
                    Pause::UntilWoken(pause) => {
                        agent.wake_sync.wait(pause);
                    }
                }
            }
        }
        if let Err(error) = agent.directory.db.read(|_| Ok(())) {
            log::warning(format_args!("directory: {error}"));
        }
        agent.note_set_aside();
    }
}

/// How long to pause before the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    /// Nothing that happens at the terminal cuts it short.
    Whole(Duration),
    /// A login that would like news may end it.
    UntilWoken(Duration),
}

/// How often the server is asked, and how long it shall hold the request.
struct Pace {
    failures: Backoff,
    refusals: Backoff,
    /// A held request was refused since one was last answered.
    refused: bool,
    /// The first answer shall come at once, so that the state of the connection is known.
    at_once: bool,
    wait: u64,
}

impl Pace {
    fn new(retry_seconds: u64, wait: u64) -> Self {
        Self {
            failures: Backoff::new(Duration::from_secs(retry_seconds)),
            refusals: Backoff::new(LONGEST_AFTER_REFUSAL),
            refused: false,
            at_once: true,
            wait,
        }
    }

    /// Seconds that the server shall hold the next request.
    const fn hold(&self) -> u64 {
        if self.at_once { 0 } else { self.wait }
    }

    const fn answered(&mut self) {
        self.failures.reset();
        // A terminal that was revoked is still answered when it does not wait: that is no welcome.
        if !self.at_once {
            self.refused = false;
            self.refusals.reset();
        }
        self.at_once = false;
    }

    fn failed(&mut self, error: &AgentError) -> Pause {
        let asked = match error {
            AgentError::Server(error) => error.retry_after(),
            _ => None,
        };
        // The server is there and does not serve this terminal: revoked, replaced, unknown. Only an
        // administrator changes that.
        if let AgentError::Server(ServerError::Refused {
            code: Code::TerminalDisabled | Code::TerminalCertificate,
            ..
        }) = error
        {
            self.refused = true;
            self.at_once = false;
            return Pause::Whole(self.refusals.next(asked));
        }
        self.at_once = !self.refused;
        let pause = self.failures.next(asked);
        if asked.is_some() { Pause::Whole(pause) } else { Pause::UntilWoken(pause) }
    }
}

/// Asks once and applies the answer; says whether anything was new.
///
/// # Errors
/// [`AgentError`].
pub fn round(agent: &Agent, hold: u64) -> Result<bool, AgentError> {
    let mut server = upstream(agent)?;
    if renew_when_due(agent, server.as_ref()) {
        // By the new one: until it is used, the one before counts too.
        server = upstream(agent)?;
    }
    let (identity, upstream) = (agent.identity(), server);
    let refetch = agent.refetch.load(Ordering::SeqCst);
    let asked = request_of(agent, if refetch { 0 } else { hold }, refetch);
    let reply = upstream.wait(&asked)?;
    watch_clock(agent, reply.time);
    let applied = apply(agent, upstream.as_ref(), &asked, reply, refetch);
    if applied.as_ref().is_err_and(is_of_a_stranger) {
        upstream.pass_over();
    }
    let fresh = applied?;
    // Without it everything goes on; only the next start may take longer.
    if let Err(error) = addresses::keep_place(agent, upstream.as_ref(), identity.as_ref())
        && agent.is_due("place", Duration::from_secs(3600))
    {
        log::warning(format_args!("where the server answered could not be written: {error}"));
    }
    if refetch {
        agent.refetch.store(false, Ordering::SeqCst);
    }
    witness::when_due(agent, upstream.as_ref());
    Ok(fresh)
}

/// Whether what was said may be another server's: an old one, or one of a rehearsal. Its
/// certificate is of the same CA.
const fn is_of_a_stranger(error: &AgentError) -> bool {
    match error {
        AgentError::Denied(_) | AgentError::Signature(_) | AgentError::Codec(_) => true,
        AgentError::Server(error) => is_elsewhere(error),
        _ => false,
    }
}

/// Says whether the terminal has another certificate now.
fn renew_when_due(agent: &Agent, upstream: &dyn Upstream) -> bool {
    let Some(identity) = agent.identity() else { return false };
    let now = agent.clock.now();
    let is_old = is_of_old_authority(agent, &identity) && has_turn(agent, &identity, now);
    if !(is_old || identity.is_due_for_renewal(now))
        || !agent.is_due("renew", Duration::from_secs(3600))
    {
        return false;
    }
    match renew(agent, upstream, &identity) {
        Ok(()) => true,
        Err(error) => {
            log::warning(format_args!(
                "certificate of this terminal could not be renewed: {error}"
            ));
            false
        }
    }
}

/// Whether a certificate is of another authority than the newest root document names.
fn is_of_old_authority(agent: &Agent, identity: &Identity) -> bool {
    let view = agent.directory.view();
    view.root.as_ref().is_some_and(|root| identity.is_of_another(root.tls_ca.as_slice()))
}

/// Whether this terminal's turn has come after an exchange of the CA. All hear of it in the same
/// second: each one's turn comes within an hour, as its id has it, which is random.
fn has_turn(agent: &Agent, identity: &Identity, now: UnixTime) -> bool {
    let [first, second, ..] = *identity.terminal.as_bytes();
    let turn = u64::from(u16::from_be_bytes([first, second])) * TURNS / (1 << 16);
    let view = agent.directory.view();
    view.root.as_ref().is_none_or(|root| now >= root.issued.plus(turn))
}

fn renew(agent: &Agent, upstream: &dyn Upstream, identity: &Identity) -> Result<(), AgentError> {
    let csr = signing_request(&identity.key, &identity.terminal.to_hex())?;
    let reply = upstream.renew(&RenewRequest { csr: Base64(csr) })?;
    let renewed = Identity::new(
        identity.server.clone(),
        identity.terminal,
        identity.root_key,
        reply.certificate.0,
        identity.key.clone(),
    )?;
    let follows = is_of_old_authority(agent, identity) && !is_of_old_authority(agent, &renewed);
    if !follows && renewed.not_after <= identity.not_after {
        return Err(
            ServerError::Malformed("the new certificate does not live longer".into()).into()
        );
    }
    // Addresses may have come meanwhile.
    let _one_at_a_time = lock(&agent.applying);
    let addresses = agent.identity().map(|now| now.addresses.clone()).unwrap_or_default();
    let renewed = Identity { addresses, ..renewed };
    renewed.write_certificate(&agent.config.state_dir)?;
    agent.set_identity(Arc::new(renewed));
    log::info("certificate of this terminal renewed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: Code) -> AgentError {
        ServerError::Refused { status: 403, code, message: String::new(), retry_after: None }.into()
    }

    fn unreachable() -> AgentError {
        ServerError::Unreachable("down".into()).into()
    }

    /// Plays a day of a terminal against a server; says how often it asked.
    fn asked_in_a_day(answer: impl Fn(u64) -> Result<(), AgentError>) -> u32 {
        let mut pace = Pace::new(60, 55);
        let (mut time, mut asked) = (Duration::ZERO, 0);
        while time < Duration::from_secs(24 * 3600) {
            asked += 1;
            let hold = pace.hold();
            match answer(hold) {
                Ok(()) => {
                    time += Duration::from_secs(hold);
                    pace.answered();
                }
                Err(error) => match pace.failed(&error) {
                    Pause::Whole(pause) | Pause::UntilWoken(pause) => time += pause,
                },
            }
        }
        asked
    }

    #[test]
    fn a_revoked_terminal_asks_a_few_times_an_hour() {
        for code in [Code::TerminalDisabled, Code::TerminalCertificate] {
            // The server answers one who does not wait, and refuses one who does.
            let asked = asked_in_a_day(|hold| if hold == 0 { Ok(()) } else { Err(refused(code)) });
            assert!((90..600).contains(&asked), "{code}: {asked} times in a day");
            let asked = asked_in_a_day(|_| Err(refused(code)));
            assert!((90..600).contains(&asked), "{code}: {asked} times in a day");
        }
    }

    #[test]
    fn a_server_that_is_away_is_looked_for_every_minute_and_nobody_else_is_kept_waiting() {
        let asked = asked_in_a_day(|_| Err(unreachable()));
        assert!(asked > 1440, "{asked}");
        let mut pace = Pace::new(60, 55);
        assert_eq!(pace.hold(), 0, "the first answer comes at once");
        pace.answered();
        assert_eq!(pace.hold(), 55);
        assert!(matches!(pace.failed(&unreachable()), Pause::UntilWoken(_)));
        assert_eq!(pace.hold(), 0);
        // Served again, it is as if nothing had been.
        for _ in 0..12 {
            pace.failed(&refused(Code::TerminalDisabled));
        }
        assert_eq!(pace.hold(), 55);
        pace.answered();
        let pause = pace.failed(&refused(Code::TerminalDisabled));
        assert!(matches!(pause, Pause::Whole(pause) if pause.as_secs() <= 2));
    }
}
