//! The key as a whole USB device, offered on 127.0.0.1:3240 for
//! `usbip attach -r 127.0.0.1 -b 1-1`. Reports are inside USB transfers here,
//! so neither hostile modes nor the record of exchanges exist.

use crate::{
    error::Error,
    firmware::{Attachment, Build, Firmware},
    key::Options,
    memory::Memory,
    touch::Touch,
};

/// A key on USB/IP; dropping it ends it.
pub struct UsbIpKey {
    _firmware: Firmware,
}

impl UsbIpKey {
    /// Starts offering a key.
    pub fn start(options: Options, vendor: u16, product: u16) -> Result<Self, Error> {
        let build = Build {
            touch: Touch::new(options.touch),
            presence_timeout: options.presence_timeout,
            memory: Memory::open(options.state.as_deref())?,
        };
        let firmware = Firmware::start(build, Attachment::UsbIp { vendor, product })?;
        Ok(Self { _firmware: firmware })
    }
}
