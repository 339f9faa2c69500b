//! Where terminals are told that the server is.

use std::sync::{Arc, Mutex, RwLock};

use wardkey_core::addresses::ServerAddresses;
use wardkey_core::codec::List;
use wardkey_core::name::ServerAddress;

use super::keys::Keys;
use crate::error::{Error, Result};
use crate::lock::{lock, read, write};
use crate::store::address::Addresses;

/// What is told, signed when somebody asks.
#[derive(Debug, Default)]
pub struct Told {
    addresses: RwLock<Arc<Addresses>>,
    signed: Mutex<Option<Signed>>,
}

#[derive(Debug)]
struct Signed {
    /// The root document by whose key.
    by: u64,
    number: u64,
    bytes: Arc<[u8]>,
}

impl Told {
    /// What is told now.
    pub fn now(&self) -> Arc<Addresses> {
        Arc::clone(&read(&self.addresses))
    }

    /// Takes what the store says; says whether that is another list.
    pub fn take(&self, addresses: Addresses) -> bool {
        let before = self.now();
        if *before == addresses {
            return false;
        }
        let is_new = before.number != addresses.number;
        *write(&self.addresses) = Arc::new(addresses);
        is_new
    }

    /// The signed list for a terminal that has this number; none where it is not older. After an
    /// exchange of keys also one that is empty and was never set: what a terminal took before may
    /// be of a key that somebody else had.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the store has something else than addresses.
    pub fn signed(&self, has: Option<u64>, keys: &Keys) -> Result<Option<Arc<[u8]>>> {
        let now = self.now();
        let by = keys.root().version;
        if has.map_or(now.number == 0 && by == 1, |has| now.number <= has) {
            return Ok(None);
        }
        let mut signed = lock(&self.signed);
        if let Some(known) = &*signed
            && (known.by, known.number) == (by, now.number)
        {
            return Ok(Some(Arc::clone(&known.bytes)));
        }

        let address = |one: &String| ServerAddress::new(one.as_str()).map_err(Error::damaged);
        let addresses = now.list.iter().map(address).collect::<Result<Vec<_>>>()?;
        let document = ServerAddresses {
            deployment: keys.root().deployment,
            number: now.number,
            addresses: List::new(addresses).map_err(Error::damaged)?,
        };
        let bytes: Arc<[u8]> = keys.key.sign(&document).into();
        *signed = Some(Signed { by, number: now.number, bytes: Arc::clone(&bytes) });
        Ok(Some(bytes))
    }
}
