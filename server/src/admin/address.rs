//! The addresses by which terminals reach the server, after `init`: they follow by a signed list.

use std::collections::BTreeSet;

use serde::Serialize;
use wardkey_core::name::ServerAddress;

use super::Operation;
use super::operation::joined;
use crate::error::Result;
use crate::store::Tx;
use crate::store::setting::{self, Addresses};

/// The addresses, as they are shown.
#[derive(Debug, Serialize)]
pub struct AddressesView {
    /// The number of the list; 0 before there is one.
    pub number: u64,
    /// What terminals are told, in the order in which they try it.
    pub addresses: Vec<String>,
    /// The names and addresses of the server's certificate.
    pub certificate: Vec<String>,
}

/// What terminals are told.
pub async fn show(tx: &mut Tx) -> Result<AddressesView> {
    let own = setting::server_names(tx).await?;
    let told = setting::addresses(tx).await?;
    let certificate = told.names(&own);
    Ok(AddressesView { number: told.number, addresses: told.list, certificate })
}

/// Tells terminals these addresses, in this order. Nothing is done where they are the same.
pub async fn set(op: &mut Operation<'_>, addresses: &[ServerAddress]) -> Result<AddressesView> {
    let before = setting::addresses(op.tx).await?;
    let mut seen = BTreeSet::new();
    let list: Vec<String> =
        addresses.iter().filter(|address| seen.insert(*address)).map(ToString::to_string).collect();
    if list != before.list {
        // Above all that a restored database can have told before.
        let number = before.number.saturating_add(1).max(op.now.0);
        let detail = format!("instead of {}", joined(&before.list));
        setting::put_addresses(op.tx, &Addresses { number, list: list.clone() }).await?;
        op.record("address.set", &joined(&list), Some(&detail)).await?;
    }
    show(op.tx).await
}
