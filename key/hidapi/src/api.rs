//! Finding and opening, as hidapi offers it.

use std::cell::{OnceCell, RefCell};
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::descriptor::FIDO_USAGE_PAGE;
use crate::device::HidDevice;
use crate::error::{HidError, HidResult};
use crate::hidraw;
use crate::transport::{LinkError, Transport};

thread_local! {
    static PREPARED: RefCell<Vec<(CString, Box<dyn Transport>)>> =
        const { RefCell::new(Vec::new()) };
}

/// Has the next [`HidApi::open_path`] of `path` on this thread use `link`: a
/// device that was found is opened once, and what takes hidraw's place in tests
/// comes in here.
pub fn prepare(path: CString, link: Box<dyn Transport>) {
    PREPARED.with_borrow_mut(|prepared| {
        prepared.retain(|(other, _)| *other != path);
        prepared.push((path, link));
    });
}

/// Stands in for hidapi's library context. Costs nothing until the list of
/// devices is asked for.
#[derive(Debug, Default)]
pub struct HidApi {
    devices: OnceCell<Vec<DeviceInfo>>,
}

impl HidApi {
    /// A context.
    ///
    /// # Errors
    /// None; hidapi's has some.
    pub fn new() -> HidResult<Self> {
        Ok(Self::default())
    }

    /// The FIDO devices at the time of the first call.
    pub fn device_list(&self) -> impl Iterator<Item = &DeviceInfo> {
        self.devices
            .get_or_init(|| {
                hidraw::devices().found.into_iter().filter_map(DeviceInfo::new).collect()
            })
            .iter()
    }

    /// Opens a device: one that was prepared, or a `/dev/hidraw` node.
    ///
    /// # Errors
    /// [`HidError::NotHidraw`] for any other path, [`HidError::Open`] if it
    /// cannot be opened.
    pub fn open_path(&self, path: &CStr) -> HidResult<HidDevice> {
        let prepared = PREPARED.with_borrow_mut(|prepared| {
            let index = prepared.iter().position(|(other, _)| other.as_c_str() == path)?;
            Some(prepared.swap_remove(index).1)
        });
        if let Some(link) = prepared {
            return Ok(HidDevice::new(link));
        }
        let path = Path::new(OsStr::from_bytes(path.to_bytes()));
        let in_dev = path.parent() == Some(Path::new("/dev"));
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if !in_dev || hidraw::node_number(name).is_none() {
            return Err(HidError::NotHidraw);
        }
        match hidraw::open(path).map_err(LinkError::from)? {
            Some(found) => Ok(HidDevice::new(Box::new(found.link))),
            None => Err(HidError::NotHidraw),
        }
    }
}

/// One FIDO device.
#[derive(Debug, Clone)]
pub struct DeviceInfo {
    path: CString,
    vendor_id: u16,
    product_id: u16,
    usage: u16,
    name: String,
    serial: Option<String>,
}

impl DeviceInfo {
    fn new(found: hidraw::Found) -> Option<Self> {
        Some(Self {
            path: CString::new(found.path.as_os_str().as_bytes()).ok()?,
            vendor_id: found.vendor_id,
            product_id: found.product_id,
            usage: found.usage,
            name: found.name,
            serial: found.serial,
        })
    }

    /// Its device node.
    #[must_use]
    pub fn path(&self) -> &CStr {
        &self.path
    }

    /// USB vendor id.
    #[must_use]
    pub fn vendor_id(&self) -> u16 {
        self.vendor_id
    }

    /// USB product id.
    #[must_use]
    pub fn product_id(&self) -> u16 {
        self.product_id
    }

    /// What it calls itself.
    #[must_use]
    pub fn product_string(&self) -> Option<&str> {
        Some(&self.name)
    }

    /// Serial number, if it tells one.
    #[must_use]
    pub fn serial_number(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    /// Always FIDO's: others are not listed.
    #[must_use]
    pub fn usage_page(&self) -> u16 {
        FIDO_USAGE_PAGE
    }

    /// Usage of the first collection.
    #[must_use]
    pub fn usage(&self) -> u16 {
        self.usage
    }
}
