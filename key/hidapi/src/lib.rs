//! The HID transport under `ctap-hid-fido2`: the part of the `hidapi` crate's
//! interface that it uses, over `/dev/hidraw*`, in Rust alone.
//!
//! `ctap-hid-fido2` reads without a time-out, believes every packet and panics
//! on some. So nothing reaches it that has not been read whole and checked
//! here: a write that completes a request runs the whole exchange with the key,
//! within the [`Operation`] that the caller has opened, and only a complete,
//! well-formed answer is handed back, packet by packet.
//!
//! ```text
//!  ctap-hid-fido2     write(65) ... read(64)
//!        |
//!   HidDevice         collects the request, queues the checked answer
//!        |
//!   exchange          deadline, channel and sequence filter, keep-alives to
//!        |            events, CANCEL, retry when the channel is busy
//!   Transport         one report of 64 bytes in or out
//!        |
//!   hidraw | a key in the same process | a scripted hostile key
//! ```
//!
//! Without an open [`Operation`] every write is refused: no exchange without a
//! deadline.

mod api;
mod descriptor;
mod device;
mod error;
mod exchange;
pub mod hidraw;
mod message;
pub mod operation;
#[cfg(any(test, feature = "scripted"))]
pub mod scripted;
pub mod transport;

pub use api::{DeviceInfo, HidApi, prepare};
pub use descriptor::FIDO_USAGE_PAGE;
pub use device::HidDevice;
pub use error::{HidError, HidResult};
pub use operation::{Event, Exchange, ExchangeError, Known, Operation, Record, run};
pub use transport::{LinkError, REPORT_LENGTH, Received, Report, Transport};

#[cfg(test)]
mod tests;
