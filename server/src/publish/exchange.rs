//! The keys of the deployment are exchanged while the server runs.

use std::sync::Arc;

use super::keys::Keys;
use super::publisher::Publisher;
use crate::error::Result;
use crate::lock::write;
use crate::store::{Tx, setting};

impl Publisher {
    /// Takes the keys of a new root document, and signs again by them all that is shown, which
    /// wakes every terminal. While they cannot be read, the ones before go on: no terminal has
    /// heard of the new ones.
    ///
    /// # Errors
    /// [`Error::Store`](crate::error::Error::Store).
    pub(super) async fn follow_keys(&self, tx: &mut Tx) -> Result<()> {
        let version = setting::root_version(tx).await?;
        if version == self.keys().root().version {
            return Ok(());
        }
        let keys = match Keys::read(tx, &self.keyring).await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::error!(%error, "the new root document is not published");
                return Ok(());
            }
        };

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
}
