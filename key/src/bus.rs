//! Keys behind hidraw nodes.

use hidapi::hidraw::{Hidraw, Locks};
use wardkey_core::name::printable;

use crate::ctap::CtapKey;
use crate::keys::{Contention, Description, SecurityKey, SecurityKeys};

const MAX_NAME: usize = 128;

/// Where open nodes come from.
pub trait Bus {
    /// The security keys that are plugged in, open.
    fn devices(&self, locks: &Locks) -> Vec<(Description, Hidraw)>;
}

/// The keys of this machine.
#[derive(Debug)]
pub struct HidrawKeys<B> {
    bus: B,
    locks: Locks,
}

impl<B: Bus> HidrawKeys<B> {
    /// Keys that come from `bus`.
    pub fn new(bus: B) -> Self {
        Self { bus, locks: Locks::default() }
    }
}

impl<B: Bus> SecurityKeys for HidrawKeys<B> {
    fn list(&mut self) -> Vec<Box<dyn SecurityKey>> {
        self.bus
            .devices(&self.locks)
            .into_iter()
            .filter_map(|(description, link)| {
                let key = CtapKey::open(description, Box::new(link)).ok()?;
                Some(Box::new(key) as Box<dyn SecurityKey>)
            })
            .collect()
    }

    fn describe(&mut self) -> Vec<Description> {
        self.bus.devices(&self.locks).into_iter().map(|(description, _)| description).collect()
    }

    fn on_contention(&mut self, contention: Contention) {
        self.locks.on_contention(contention);
    }

    fn release(&mut self) {
        self.locks.release();
    }
}

/// What is known of a device without asking it anything; `None` when its path is no text.
pub(crate) fn described(found: &hidapi::hidraw::Found) -> Option<Description> {
    Some(Description {
        path: found.path.to_str()?.to_owned(),
        vendor: found.vendor_id,
        product: found.product_id,
        name: printable(&found.name, MAX_NAME),
    })
}

/// A key behind a transport of the caller's.
///
/// # Errors
/// [`KeyError::Internal`](crate::error::KeyError::Internal) when the path of the description holds
/// a NUL.
#[cfg(any(test, feature = "in-process"))]
pub fn open_in_process(
    description: Description,
    link: Box<dyn hidapi::Transport>,
) -> Result<Box<dyn SecurityKey>, crate::error::KeyError> {
    Ok(Box::new(CtapKey::open(description, link)?))
}
