//! A way of `wardkey-sinks` as the transport of a destination.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use wardkey_sinks::way::{Party, Terms, Way};

use crate::agent::Agent;
use crate::audit::deliver::{Delivery, Transport};
use crate::audit::render::source;
use crate::config::Config;
use crate::error::AgentError;
use crate::log;
use crate::store::spool::cursor::Destination;
use crate::store::spool::read::Most;
use crate::store::state::Record;
use crate::sync::tls;

/// A way, and the destination that is reached by it.
#[derive(Debug)]
pub struct Carried<W> {
    destination: &'static Destination,
    way: W,
}

impl<W: Way> Carried<W> {
    /// The way that is made on the terms of the configuration.
    pub fn new(
        config: &Config,
        destination: &'static Destination,
        way: impl FnOnce(&Terms) -> W,
    ) -> Self {
        Self { destination, way: way(&terms(config)) }
    }

    /// The same, with another way.
    #[must_use]
    pub fn by(self, other: impl FnOnce(W) -> W) -> Self {
        Self { way: other(self.way), ..self }
    }
}

fn terms(config: &Config) -> Terms {
    Terms {
        authorities: config.records_ca.clone(),
        source: source::of_this_machine(config),
        longest: Duration::from_secs(config.retry_seconds),
    }
}

impl<W: Way> Transport for Carried<W> {
    fn destination(&self) -> &'static Destination {
        self.destination
    }

    fn most(&self) -> Most {
        self.way.most()
    }

    fn reopen(&mut self) {
        self.way.reopen();
    }

    fn deliver(&mut self, agent: &Agent, records: &[Record]) -> Delivery {
        let done = self.way.deliver(agent, records);
        let error = done.error.map(AgentError::from);
        Delivery { arrived: done.arrived, gave_up: done.gave_up, error }
    }

    fn worked(&mut self) {
        self.way.worked();
    }

    fn pause_after(&mut self, _: &AgentError) -> Duration {
        self.way.pause_after_failure()
    }
}

impl Party for Agent {
    fn tls(
        &self,
        authorities: Vec<CertificateDer<'static>>,
    ) -> Result<Arc<ClientConfig>, Box<dyn std::error::Error + Send + Sync>> {
        let identity = self.identity();
        let tls = tls::trusting_now(authorities, identity.as_deref(), Arc::clone(&self.clock));
        tls.map_err(Into::into)
    }

    fn warn(&self, message: &str) {
        log::warning(message);
    }
}
