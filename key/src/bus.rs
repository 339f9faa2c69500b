//! Keys behind hidraw nodes.

use hidapi::hidraw::{Hidraw, Locks};
use wardkey_core::name::printable;

use crate::ctap::CtapKey;
use crate::keys::{Contention, Description, Plugging, SecurityKey, SecurityKeys};
use crate::tries::Known;

const MAX_NAME: usize = 128;

/// Where open nodes come from.
pub trait Bus {
    /// The security keys that are plugged in, open.
    fn devices(&self, locks: &Locks) -> Plugged;
}

/// The security keys that are plugged in, open, as far as they could be looked at.
#[derive(Debug, Default)]
pub struct Plugged {
    /// Each with its node.
    pub devices: Vec<(Description, Hidraw)>,
    /// Whether these are certainly all.
    pub is_complete: bool,
}

/// The keys of this machine.
#[derive(Debug)]
pub struct HidrawKeys<B> {
    bus: B,
    locks: Locks,
    known: Known,
}

impl<B: Bus> HidrawKeys<B> {
    /// Keys that come from `bus`, with what is known of them.
    pub fn new(bus: B, known: Known) -> Self {
        Self { bus, locks: Locks::default(), known }
    }
}

impl<B: Bus> SecurityKeys for HidrawKeys<B> {
    fn list(&mut self) -> Vec<Box<dyn SecurityKey>> {
        self.bus
            .devices(&self.locks)
            .devices
            .into_iter()
            .filter_map(|(description, link)| {
                let key = CtapKey::open(description, Box::new(link)).ok()?;
                Some(Box::new(key) as Box<dyn SecurityKey>)
            })
            .collect()
    }

    fn describe(&mut self) -> Vec<Description> {
        let plugged = self.bus.devices(&self.locks);
        plugged.devices.into_iter().map(|(description, _)| description).collect()
    }

    fn is_only_one(&mut self) -> bool {
        let plugged = self.bus.devices(&self.locks);
        plugged.is_complete && plugged.devices.len() == 1
    }

    fn on_contention(&mut self, contention: Contention) {
        self.locks.on_contention(contention);
    }

    fn release(&mut self) {
        self.locks.release();
    }

    fn has_many_tries(&self, key: &Description, credential: &[u8]) -> bool {
        self.known.has_many(key, credential)
    }

    fn pin_is_tried(&mut self) {
        self.known.is_tried();
    }

    fn pin_was_right(&mut self, key: &Description, credential: &[u8], tries: Option<u8>) {
        self.known.was_right(key, credential, tries);
    }
}

/// What is known of a device without asking it anything; `None` when its path is no text.
pub(crate) fn described(found: &hidapi::hidraw::Found) -> Option<Description> {
    Some(Description {
        path: found.path.to_str()?.to_owned(),
        vendor: found.vendor_id,
        product: found.product_id,
        name: printable(&found.name, MAX_NAME),
        plugging: found.made.map(|(node, made)| Plugging { node, made }),
    })
}

/// A key behind a transport of the caller's.
///
/// # Errors
/// [`KeyError::System`](crate::error::KeyError::System) when the path of the description holds a
/// NUL.
#[cfg(any(test, feature = "in-process"))]
pub fn open_in_process(
    description: Description,
    link: Box<dyn hidapi::Transport>,
) -> Result<Box<dyn SecurityKey>, crate::error::KeyError> {
    Ok(Box::new(CtapKey::open(description, link)?))
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// So many keys, and whether they are all.
    struct Fixed(usize, bool);

    impl Bus for Fixed {
        fn devices(&self, locks: &Locks) -> Plugged {
            let device = |number| {
                let (node, _) = UnixStream::pair().unwrap();
                let link = Hidraw::received(OwnedFd::from(node), locks.clone());
                let path = format!("/dev/hidraw{number}");
                let name = String::new();
                (Description { path, vendor: 1, product: 2, name, plugging: None }, link)
            };
            Plugged { devices: (0..self.0).map(device).collect(), is_complete: self.1 }
        }
    }

    #[test]
    fn a_key_is_the_only_one_where_nothing_else_may_be() {
        let cases = [(1, true, true), (1, false, false), (0, true, false), (2, true, false)];
        for (count, is_complete, only) in cases {
            let mut keys = HidrawKeys::new(Fixed(count, is_complete), Known::default());
            assert_eq!(keys.is_only_one(), only, "{count}");
        }
    }
}
