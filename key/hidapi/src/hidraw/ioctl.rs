//! The hidraw requests of `linux/hidraw.h`; the only unsafe code of this crate.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

const MAX_DESCRIPTOR: usize = 4096;
const NAME_LENGTH: usize = 256;
const SHOWN_LENGTH: usize = 128;

#[repr(C)]
struct ReportDescriptor {
    size: u32,
    value: [u8; MAX_DESCRIPTOR],
}

#[repr(C)]
#[derive(Default)]
struct DeviceInfo {
    bus: u32,
    vendor: i16,
    product: i16,
}

mod raw {
    use super::{DeviceInfo, ReportDescriptor};
    nix::ioctl_read!(descriptor_size, b'H', 0x01, i32);
    nix::ioctl_read!(descriptor, b'H', 0x02, ReportDescriptor);
    nix::ioctl_read!(info, b'H', 0x03, DeviceInfo);
    nix::ioctl_read_buf!(name, b'H', 0x04, u8);
    nix::ioctl_read_buf!(physical, b'H', 0x05, u8);
    nix::ioctl_read_buf!(unique, b'H', 0x08, u8);
}

/// The report descriptor.
pub(super) fn report_descriptor(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let mut size = 0;
    // SAFETY: fd is open; the kernel writes one int to `size`.
    unsafe { raw::descriptor_size(fd.as_raw_fd(), &raw mut size) }?;
    let size = usize::try_from(size).unwrap_or(0).min(MAX_DESCRIPTOR);
    let mut descriptor =
        ReportDescriptor { size: u32::try_from(size).unwrap_or(0), value: [0; MAX_DESCRIPTOR] };
    // SAFETY: fd is open; the kernel writes at most `size` bytes, which is no
    // more than `value` holds.
    unsafe { raw::descriptor(fd.as_raw_fd(), &raw mut descriptor) }?;
    Ok(descriptor.value.iter().copied().take(size).collect())
}

/// USB vendor and product id.
pub(super) fn vendor_and_product(fd: BorrowedFd<'_>) -> Result<(u16, u16), Errno> {
    let mut info = DeviceInfo::default();
    // SAFETY: fd is open; the kernel writes one struct hidraw_devinfo.
    unsafe { raw::info(fd.as_raw_fd(), &raw mut info) }?;
    Ok((info.vendor.cast_unsigned(), info.product.cast_unsigned()))
}

/// What the device calls itself.
pub(super) fn name(fd: BorrowedFd<'_>) -> Result<String, Errno> {
    let mut buffer = [0; NAME_LENGTH];
    // SAFETY: fd is open; the kernel writes no more than the buffer's length.
    unsafe { raw::name(fd.as_raw_fd(), &mut buffer) }?;
    Ok(text(&buffer))
}

/// Where it is plugged in, says the kernel: `usb-0000:00:14.0-2/input1`.
pub(super) fn physical_path(fd: BorrowedFd<'_>) -> Result<String, Errno> {
    let mut buffer = [0; NAME_LENGTH];
    // SAFETY: fd is open; the kernel writes no more than the buffer's length.
    unsafe { raw::physical(fd.as_raw_fd(), &mut buffer) }?;
    Ok(text(&buffer))
}

/// Its serial number; empty for most keys.
pub(super) fn serial(fd: BorrowedFd<'_>) -> Result<String, Errno> {
    let mut buffer = [0; NAME_LENGTH];
    // SAFETY: fd is open; the kernel writes no more than the buffer's length.
    unsafe { raw::unique(fd.as_raw_fd(), &mut buffer) }?;
    Ok(text(&buffer))
}

/// Text up to the first NUL. The device chose it, so it is cut and cleaned.
fn text(buffer: &[u8]) -> String {
    let bytes = buffer.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes)
        .chars()
        .filter(|character| !character.is_control())
        .take(SHOWN_LENGTH)
        .collect()
}
