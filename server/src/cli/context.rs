//! What commands share: the store, who acts, how it is answered; and the one place that commits.

use jiff::tz::TimeZone;
use wardkey_core::code::Code;
use wardkey_core::texts;

use super::output::Output;
use crate::admin::Operation;
use crate::admin::reach::{self, Reach, Unheard};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::serve;
use crate::store::audit::Actor;
use crate::store::{Store, Tx};
use crate::texts::Phrase;

/// What commands share.
pub struct Context {
    /// The configuration.
    pub config: Config,
    /// The open store.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// Who acts.
    pub actor: Actor,
    /// Where answers go.
    pub output: Output,
}

impl Context {
    /// Carries out one act and commits it; what fails has changed nothing.
    pub async fn change<T>(
        &self,
        reason: Option<&str>,
        act: impl AsyncFnOnce(&mut Operation<'_>) -> Result<T>,
    ) -> Result<T> {
        let zone = self.zone();
        let mut tx = self.store.write().await?;
        let mut operation = Operation {
            tx: &mut tx,
            actor: &self.actor,
            now: self.clock.now(),
            reason,
            zone: &zone,
        };
        let done = act(&mut operation).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// One unchanging state of the store.
    pub async fn read(&self) -> Result<Tx> {
        self.store.read().await
    }

    /// The deployment's time zone.
    pub fn zone(&self) -> TimeZone {
        self.config.zone()
    }

    /// The deployment's keys.
    pub fn keyring(&self) -> Keyring {
        Keyring::at(&self.config.keys)
    }

    /// After a change: nothing is said when connected terminals hear of it.
    ///
    /// # Errors
    /// [`Error::NotHeard`] when the server does not run, or a scope concerned is halted.
    pub async fn heard(&self, reach: &Reach) -> Result<()> {
        let running = serve::is_running(&self.config.store);
        match reach::unheard(&mut self.read().await?, reach, running).await? {
            None => Ok(()),
            Some(Unheard::ServerStopped) => Err(not_heard(Code::StoredServerStopped, vec![])),
            Some(Unheard::ScopeHalted(scope)) => {
                Err(not_heard(Code::StoredScopeHalted, vec![("value", scope.as_str().into())]))
            }
        }
    }
}

fn not_heard(code: Code, args: Vec<(&'static str, Phrase)>) -> Error {
    Error::NotHeard { code, message: texts::phrase(code, args) }
}
