//! What is in a store, as a manifest says it and as it is read back.

use serde::{Deserialize, Serialize};
use wardkey_core::document::RootDocument;

use crate::error::{Error, Result};
use crate::publish::Table;
use crate::store::audit::{self, Entry};
use crate::store::whole::{self, Counts};
use crate::store::{Store, scope, setting};
use crate::texts::{PhraseError, Text};

/// A scope, where it stands, and what it comes to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ScopeAt {
    /// Its name.
    pub name: String,
    /// Epoch.
    pub epoch: u64,
    /// Sequence.
    pub seq: u64,
    /// The state root, hexadecimal digits: what a head of this position signs.
    pub root: String,
    /// People in it.
    pub people: u64,
}

/// What is in a store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Contents {
    /// The newest step of its schema.
    pub schema: i64,
    /// Id of the deployment, hexadecimal digits.
    pub deployment: String,
    /// Its name.
    pub name: String,
    /// Relying party id.
    pub rp_id: String,
    /// Public root key, hexadecimal digits.
    pub root_key: String,
    /// Scopes by name.
    pub scopes: Vec<ScopeAt>,
    /// How much there is.
    pub counts: Counts,
    /// The last row of the trail.
    pub trail: Entry,
}

/// Reads a whole store: its pages and indexes, the chain of root documents with their signatures,
/// every record of every scope for its state root, the chain of the trail.
///
/// # Errors
/// [`Error::Damaged`] with the first thing that is not as it should be.
pub async fn examine(store: &Store) -> Result<(Contents, RootDocument)> {
    let mut tx = store.read().await?;
    whole::check(&mut tx).await?;
    let (_, root) = setting::roots(&mut tx).await?;
    audit::verify(&mut tx).await?;
    let trail = audit::last(&mut tx)
        .await?
        .ok_or_else(|| Error::damaged(PhraseError(Text::TrailEmpty.into())))?;

    let mut scopes = Vec::new();
    for scope in scope::list(&mut tx).await? {
        let mut table = Table::new();
        table.follow(&mut tx, &scope).await?;
        scopes.push(ScopeAt {
            name: scope.name.to_string(),
            epoch: scope.position.epoch,
            seq: scope.position.seq,
            root: table.root()?.to_hex(),
            people: table.count(),
        });
    }
    let contents = Contents {
        schema: whole::schema(&mut tx).await?,
        deployment: root.deployment.to_hex(),
        name: root.name.to_string(),
        rp_id: root.rp_id.to_string(),
        root_key: root.root_key.to_hex(),
        scopes,
        counts: whole::counts(&mut tx).await?,
        trail,
    };
    Ok((contents, root))
}
