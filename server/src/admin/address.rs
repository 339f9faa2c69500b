//! The addresses by which terminals reach the server, after `init`: they follow by a signed list.
//!
//! ```text
//!   set      the list; its hosts come into the certificate, and those of the lists before stay
//!   retire   a host that no terminal needs any more goes out of the certificate
//! ```

use std::collections::BTreeSet;

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::name::ServerAddress;
use wardkey_core::texts;

use super::Operation;
use super::operation::joined;
use crate::error::{Error, Result};
use crate::pki::canonical;
use crate::store::address::{self, Addresses, host_of};
use crate::store::{Tx, setting};
use crate::texts::{Phrase, Text};

/// Names that the certificate has at most: each handshake carries them.
const MAX_NAMES: usize = 64;

/// The addresses, as they are shown.
#[derive(Debug, Serialize)]
pub struct AddressesView {
    /// The number of the list; 0 before there is one.
    pub number: u64,
    /// What terminals are told, in the order in which they try it.
    pub addresses: Vec<String>,
    /// The names and addresses of the server's certificate.
    pub certificate: Vec<String>,
    /// By which addresses terminals came last, and how many.
    pub came_by: Vec<CameByView>,
}

/// Terminals that came by an address; those that are revoked do not count.
#[derive(Debug, Serialize)]
pub struct CameByView {
    /// The address; none of those that have not said it.
    pub address: Option<String>,
    /// Whether terminals are told it.
    pub told: bool,
    /// How many.
    pub terminals: u64,
}

/// What terminals are told, and by what they come.
pub async fn show(tx: &mut Tx) -> Result<AddressesView> {
    let own = setting::server_names(tx).await?;
    let told = address::get(tx).await?;
    let certificate = told.names(&own);
    let came_by = address::came_by(tx).await?.into_iter().map(|came| CameByView {
        told: came.address.as_ref().is_some_and(|address| told.list.contains(address)),
        address: came.address,
        terminals: came.terminals,
    });
    let came_by = came_by.collect();
    Ok(AddressesView { number: told.number, addresses: told.list, certificate, came_by })
}

/// Tells terminals these addresses, in this order; none when they are to keep to those that they
/// came by. Nothing is done where they are the same.
///
/// # Errors
/// [`Code::ServerNamesTooMany`].
pub async fn set(op: &mut Operation<'_>, addresses: &[ServerAddress]) -> Result<AddressesView> {
    let before = address::get(op.tx).await?;
    let mut seen = BTreeSet::new();
    let list: Vec<String> =
        addresses.iter().filter(|address| seen.insert(*address)).map(ToString::to_string).collect();
    if list != before.list {
        // Above all that a restored database can have told before.
        let number = before.number.saturating_add(1).max(op.now.0);
        let next = before.told(list, number);
        let own = setting::server_names(op.tx).await?;
        if next.names(&own).len() > MAX_NAMES {
            let most = ("count", (MAX_NAMES as u64).into());
            return Err(refused(Code::ServerNamesTooMany, vec![most]));
        }

        address::put(op.tx, &next).await?;
        let detail = format!("instead of {}", joined(&before.list));
        op.record("address.set", &joined(&next.list), Some(&detail)).await?;
    }
    show(op.tx).await
}

/// Takes a host out of the server's certificate.
///
/// # Errors
/// [`Code::AddressTold`], [`Code::AddressLast`], [`Code::NotFound`] for one that is not in it;
/// [`Code::AddressInUse`] while terminals came last by it, or have not said by what, unless
/// `anyway`.
pub async fn retire(op: &mut Operation<'_>, host: &str, anyway: bool) -> Result<AddressesView> {
    let host = canonical(host);
    let own = setting::server_names(op.tx).await?;
    let told = address::get(op.tx).await?;
    let named = ("host", host.as_str().into());
    if told.hosts().any(|told| told == host) {
        return Err(refused(Code::AddressTold, vec![named]));
    }
    let names = told.names(&own);
    if !names.contains(&host) {
        return Err(Error::not_found(Text::UnknownServerName.with([("name", host.into())])));
    }
    if names.len() == 1 {
        return Err(refused(Code::AddressLast, vec![named]));
    }
    let left = left_by(op.tx, &told, &host).await?;
    if left > 0 && !anyway {
        return Err(refused(Code::AddressInUse, vec![named, ("count", left.into())]));
    }

    address::put(op.tx, &told.without(&host)).await?;
    let detail = format!("{left} terminals may come by it");
    op.record("address.retire", &host, Some(&detail)).await?;
    show(op.tx).await
}

/// Terminals that may know no other address than those of a host: they came by it last, or have not
/// said by which they did.
async fn left_by(tx: &mut Tx, told: &Addresses, host: &str) -> Result<u64> {
    let came_by = address::came_by(tx).await?;
    let may_need = |came: &&address::CameBy| match &came.address {
        Some(address) => !told.list.contains(address) && host_of(address).as_deref() == Some(host),
        None => true,
    };
    Ok(came_by.iter().filter(may_need).map(|came| came.terminals).sum())
}

fn refused(code: Code, args: Vec<(&'static str, Phrase)>) -> Error {
    Error::refused(code, texts::phrase(code, args))
}
