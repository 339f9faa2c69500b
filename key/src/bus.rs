//! Keys behind hidraw nodes.

use wardkey_core::message::key::MAX_DEVICES;
use wardkey_core::name::printable;

use crate::ctap::CtapKey;
use crate::keys::{Description, SecurityKey, SecurityKeys};

const MAX_NAME: usize = 128;

/// The keys of this machine.
#[derive(Debug, Default)]
pub struct HidrawKeys;

impl SecurityKeys for HidrawKeys {
    fn list(&mut self) -> Vec<Box<dyn SecurityKey>> {
        hidapi::hidraw::devices()
            .into_iter()
            .take(MAX_DEVICES)
            .filter_map(|found| {
                let description = describe(&found)?;
                let key = CtapKey::open(description, Box::new(found.link)).ok()?;
                Some(Box::new(key) as Box<dyn SecurityKey>)
            })
            .collect()
    }

    fn describe(&mut self) -> Vec<Description> {
        hidapi::hidraw::devices().iter().take(MAX_DEVICES).filter_map(describe).collect()
    }
}

fn describe(found: &hidapi::hidraw::Found) -> Option<Description> {
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
/// [`crate::KeyError::Internal`] when the path of the description holds a NUL.
#[cfg(any(test, feature = "in-process"))]
pub fn open_in_process(
    description: Description,
    link: Box<dyn hidapi::Transport>,
) -> Result<Box<dyn SecurityKey>, crate::KeyError> {
    Ok(Box::new(CtapKey::open(description, link)?))
}
