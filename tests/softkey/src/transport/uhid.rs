//! The key as a HID device of the running kernel, through /dev/uhid
//! (Documentation/hid/uhid.rst). Root, and a kernel that has it.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    sync::Arc,
    thread,
};

use crate::{error::Error, key::SoftKey, message::Report};

const DEVICE: &str = "/dev/uhid";
const CREATE2: u32 = 11;
const OUTPUT: u32 = 6;
const INPUT2: u32 = 12;
/// Size of struct uhid_event, packed.
const EVENT: usize = 4380;
const BUS_USB: u16 = 3;

/// A FIDO device: usage page 0xF1D0, 64 bytes in, 64 bytes out, no report id.
const DESCRIPTOR: [u8; 34] = [
    0x06, 0xD0, 0xF1, 0x09, 0x01, 0xA1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08,
    0x95, 0x40, 0x81, 0x02, 0x09, 0x21, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91,
    0x02, 0xC0,
];

/// Creates the device and serves `key` on a thread of its own. It is gone when
/// the process is.
pub fn serve(key: Arc<SoftKey>, vendor: u16, product: u16) -> Result<(), Error> {
    let mut device =
        OpenOptions::new().read(true).write(true).open(DEVICE).map_err(Error::io(DEVICE))?;
    device.write_all(&create(vendor, product)).map_err(Error::io(DEVICE))?;
    let events = device.try_clone().map_err(Error::io(DEVICE))?;
    key.connect(Box::new(move |report| match report {
        Some(report) => device.write_all(&input(report)).is_ok(),
        None => false,
    }));
    thread::spawn(move || receive(&key, events));
    Ok(())
}

fn receive(key: &SoftKey, mut events: File) {
    let mut event = [0; EVENT];
    while let Ok(length) = events.read(&mut event) {
        let kind = u32::from_ne_bytes([event[0], event[1], event[2], event[3]]);
        if length < 4 || kind != OUTPUT {
            continue;
        }
        // struct uhid_output_req: data[4096], then its size.
        let size = u16::from_ne_bytes([event[4100], event[4101]]);
        let report = match size {
            64 => &event[4..68],
            65 => &event[5..69],
            _ => continue,
        };
        if let Ok(report) = Report::try_from(report) {
            key.send(&report);
        }
    }
}

/// struct uhid_create2_req: name[128], phys[64], uniq[64], rd_size, bus,
/// vendor, product, version, country, rd_data.
fn create(vendor: u16, product: u16) -> Vec<u8> {
    let mut event = vec![0; EVENT];
    let mut put = |at: usize, bytes: &[u8]| event[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &CREATE2.to_ne_bytes());
    put(4, b"Wardkey Software security key");
    let numbers = 4 + 128 + 64 + 64;
    put(numbers, &(DESCRIPTOR.len() as u16).to_ne_bytes());
    put(numbers + 2, &BUS_USB.to_ne_bytes());
    put(numbers + 4, &u32::from(vendor).to_ne_bytes());
    put(numbers + 8, &u32::from(product).to_ne_bytes());
    put(numbers + 20, &DESCRIPTOR);
    event
}

fn input(report: &Report) -> Vec<u8> {
    let size = (report.len() as u16).to_ne_bytes();
    [INPUT2.to_ne_bytes().as_slice(), &size, report].concat()
}
