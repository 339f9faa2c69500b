//! What the database says that a restored one takes the place of.

use wardkey_core::document::SignedRoot;

use crate::config::Config;
use crate::error::Result;
use crate::store::audit::{self, Entry};
use crate::store::{Opening, Store, restored, setting};

/// The database that is there, when all of this can be read.
#[derive(Debug)]
pub struct Present {
    /// The chain of its root documents.
    pub roots: Vec<SignedRoot>,
    /// The last row of its trail.
    pub end: Entry,
    /// The highest number in it that terminals can have seen.
    pub highest: u64,
}

impl Present {
    /// Reads it; none where it cannot be read, which is why somebody restores.
    pub async fn read(config: &Config) -> Option<Self> {
        let store = Store::open_as_it_is(&config.store, Opening::of(&config.store)).await.ok()?;
        let read = Self::of(&store).await;
        store.close().await;
        read.ok().flatten()
    }

    async fn of(store: &Store) -> Result<Option<Self>> {
        let mut tx = store.read().await?;
        let (roots, _) = setting::roots(&mut tx).await?;
        let Some(end) = audit::last(&mut tx).await? else { return Ok(None) };
        let highest = restored::highest(&mut tx).await?;
        Ok(Some(Self { roots, end, highest }))
    }
}
