//! Epochs, after a restore.

use serde::Serialize;

use super::Operation;
use crate::error::{Error, Result};
use crate::secret;
use crate::store::{address, log, scope};
use crate::texts::Text;

/// The epoch that every scope has now.
#[derive(Debug, Serialize)]
pub struct EpochRaised {
    /// The epoch.
    pub epoch: u64,
}

/// Raises the epoch of every scope above all that were, and publishes all again.
pub async fn raise(op: &mut Operation<'_>, at_least: u64) -> Result<EpochRaised> {
    // The store has signed integers, and an epoch must leave room for the next ones.
    if at_least > i64::MAX as u64 / 2 {
        return Err(Error::usage(Text::EpochTooHigh));
    }

    let epoch = scope::raise_epoch(op.tx, at_least).await?;
    address::raise(op.tx, at_least.max(op.now.0)).await?;
    // A database that was put back by hand may lack records that were signed.
    log::begin(op.tx, epoch, &secret::random()?).await?;
    op.record("epoch.raise", &epoch.to_string(), None).await?;
    Ok(EpochRaised { epoch })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::Deployment;

    #[tokio::test]
    async fn an_epoch_only_rises() {
        let deployment = Deployment::new().await;
        for (at_least, epoch) in [(0, 2), (0, 3), (10, 10), (5, 11)] {
            let raised = deployment.act(async |op| raise(op, at_least).await).await.unwrap();
            assert_eq!(raised.epoch, epoch);
        }
        deployment.act(async |op| raise(op, u64::MAX).await).await.unwrap_err();
    }
}
