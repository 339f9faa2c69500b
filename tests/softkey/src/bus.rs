//! The USB bus of a key that has no USB: one report each way.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use usb_device::{
    UsbDirection, UsbError,
    bus::{PollResult, UsbBus},
    endpoint::{EndpointAddress, EndpointType},
};

use crate::message::Report;

/// The wires between the host side and the firmware's CTAPHID class.
#[derive(Clone, Default)]
pub(crate) struct Wires(Arc<Mutex<Queues>>);

#[derive(Default)]
struct Queues {
    to_key: Option<Report>,
    to_host: VecDeque<Report>,
}

impl Wires {
    pub(crate) fn put(&self, report: Report) {
        self.lock().to_key = Some(report);
    }

    pub(crate) fn take(&self) -> Option<Report> {
        self.lock().to_host.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// [`Wires`] as the firmware sees them.
pub(crate) struct ReportBus {
    wires: Wires,
    endpoints: usize,
}

impl ReportBus {
    pub(crate) fn new(wires: Wires) -> Self {
        Self { wires, endpoints: 0 }
    }
}

impl UsbBus for ReportBus {
    fn alloc_ep(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        _kind: EndpointType,
        _max_packet_size: u16,
        _interval: u8,
    ) -> usb_device::Result<EndpointAddress> {
        Ok(address.unwrap_or_else(|| {
            self.endpoints += 1;
            EndpointAddress::from_parts(self.endpoints, direction)
        }))
    }

    /// Never refuses: the class drops a one-packet answer that it cannot write.
    fn write(&self, _: EndpointAddress, packet: &[u8]) -> usb_device::Result<usize> {
        let report = packet.try_into().map_err(|_| UsbError::BufferOverflow)?;
        self.wires.lock().to_host.push_back(report);
        Ok(packet.len())
    }

    fn read(&self, _: EndpointAddress, buffer: &mut [u8]) -> usb_device::Result<usize> {
        let report = self.wires.lock().to_key.take().ok_or(UsbError::WouldBlock)?;
        buffer.get_mut(..report.len()).ok_or(UsbError::BufferOverflow)?.copy_from_slice(&report);
        Ok(report.len())
    }

    fn poll(&self) -> PollResult {
        PollResult::None
    }

    fn enable(&mut self) {}
    fn reset(&self) {}
    fn set_device_address(&self, _: u8) {}
    fn set_stalled(&self, _: EndpointAddress, _: bool) {}
    fn is_stalled(&self, _: EndpointAddress) -> bool {
        false
    }
    fn suspend(&self) {}
    fn resume(&self) {}
}
