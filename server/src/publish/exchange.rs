//! The keys of the deployment are exchanged while the server runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::keys::Keys;
use super::publisher::Publisher;
use crate::error::Result;
use crate::lock::{lock, write};
use crate::store::address::Addresses;
use crate::store::authority::Authorities;
use crate::store::{Tx, setting};

/// After this, keys that could not be read are read again.
const READ_AGAIN: Duration = Duration::from_secs(1);

impl Publisher {
    /// Takes the addresses that terminals are to be told, and wakes them all.
    pub(super) fn follow_addresses(&self, addresses: Addresses) {
        if self.told.take(addresses) {
            self.terminals.wake_all(&self.waiting);
        }
    }

    /// The addresses that terminals are told.
    pub fn addresses(&self) -> Arc<Addresses> {
        self.told.now()
    }

    /// The same, signed, for a terminal that has this number of them; none where it has the newest.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::error::Error::Damaged).
    pub fn signed_addresses(&self, has: Option<u64>) -> Result<Option<Arc<[u8]>>> {
        self.told.signed(has, &self.keys())
    }

    /// Takes the keys of the root document of this version, if it is a new one, and signs again by
    /// them all that is shown, which wakes every terminal. Where an exchange of the authority was
    /// ended, terminals are woken: connections end whose certificates count no longer; no file is
    /// needed for that. While the keys cannot be read, the ones before go on, as no terminal has
    /// heard of the new ones, and they are read again each second; certificates of terminals count
    /// for what the new root document says.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store).
    pub(super) async fn follow_keys(
        &self,
        tx: &mut Tx,
        (version, before): (u64, &Authorities),
    ) -> Result<()> {
        let now = self.keys();
        if now.are_of(version, before) {
            return Ok(());
        }
        if version == now.root().version {
            self.count_by(now.with_clients(now.root(), before)?);
            tracing::info!("the exchange of the CA is ended");
            return Ok(());
        }
        let keys = match Keys::read(tx, &self.keyring).await {
            Ok(keys) => keys,
            Err(error) => {
                if lock(&self.unread).replace(Instant::now()).is_none() {
                    tracing::error!(%error, "the new root document is not published");
                }
                if !now.follow(before) {
                    let (_, root) = setting::roots(tx).await?;
                    self.count_by(now.with_clients(&root, before)?);
                }
                return Ok(());
            }
        };
        *lock(&self.unread) = None;

        {
            let _exchanged = write(&self.steady);
            *write(&self.keys) = Arc::clone(&keys);
            let now = self.time.now();
            for shown in self.board.all().values() {
                self.sign_again(shown, now);
            }
        }
        keys.settle(&self.keyring);
        tracing::info!(version, "the new root document is published");
        Ok(())
    }

    fn count_by(&self, keys: Arc<Keys>) {
        *write(&self.keys) = keys;
        self.terminals.wake_all(&self.waiting);
    }

    /// Whether keys that could not be read are to be read again.
    pub(super) fn has_unread_keys(&self) -> bool {
        lock(&self.unread).is_some_and(|last| last.elapsed() >= READ_AGAIN)
    }
}
