//! Opening a node and answering for it.

use std::{
    ffi::{CStr, CString, c_void},
    fs, mem,
};

use crate::{
    next::{errno, fail},
    table,
};

/// HID report descriptor of a FIDO device: usage page 0xF1D0, 64 bytes each way.
const DESCRIPTOR: [u8; 34] = [
    0x06, 0xD0, 0xF1, 0x09, 0x01, 0xA1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08,
    0x95, 0x40, 0x81, 0x02, 0x09, 0x21, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91,
    0x02, 0xC0,
];

/// The kernel's numbers from linux/hidraw.h.
const HIDIOCGRDESCSIZE: u64 = 0x8004_4801;
const HIDIOCGRDESC: u64 = 0x9004_4802;
const HIDIOCGRAWINFO: u64 = 0x8008_4803;
const BUS_USB: u32 = 3;
/// Major number that [`as_device`] shows.
pub(crate) const MAJOR: u32 = 246;

/// The node's number if `path` is a hidraw node.
pub(crate) fn node_number(path: &CStr) -> Option<u32> {
    let path = path.to_str().ok()?;
    let number = match path.strip_prefix("/dev/hidraw") {
        Some(number) => number,
        None => path.strip_prefix(&folder()?)?.strip_prefix("/dev/hidraw")?,
    };
    number.parse().ok()
}

fn folder() -> Option<String> {
    std::env::var("UMOCKDEV_DIR").ok()
}

fn file(node: u32, kind: &str) -> Option<String> {
    Some(format!("{}/hidmock/hidraw{node}.{kind}", folder()?))
}

/// Opens a node: permission as on the file that stands for it, then a
/// connection of its own to the key.
pub(crate) fn open(node: u32, flags: i32) -> i32 {
    let stand_in = folder().and_then(|f| CString::new(format!("{f}/dev/hidraw{node}")).ok());
    let (Some(stand_in), Some(socket)) = (stand_in, file(node, "socket")) else {
        return fail(libc::ENOENT);
    };
    let wanted = match flags & libc::O_ACCMODE {
        libc::O_RDONLY => libc::R_OK,
        libc::O_WRONLY => libc::W_OK,
        _ => libc::R_OK | libc::W_OK,
    };
    // SAFETY: the path ends in NUL and lives until the call returns.
    if unsafe { libc::faccessat(libc::AT_FDCWD, stand_in.as_ptr(), wanted, libc::AT_EACCESS) } != 0
    {
        return -1;
    }
    let descriptor = connect(&socket, flags);
    if descriptor >= 0 {
        table::remember(descriptor, node);
    }
    descriptor
}

fn connect(path: &str, flags: i32) -> i32 {
    let mut kind = libc::SOCK_SEQPACKET;
    if flags & libc::O_CLOEXEC != 0 {
        kind |= libc::SOCK_CLOEXEC;
    }
    // SAFETY: an all-zero sockaddr_un is a valid one.
    let mut address: libc::sockaddr_un = unsafe { mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    if path.len() >= address.sun_path.len() {
        return fail(libc::ENAMETOOLONG);
    }
    for (to, from) in address.sun_path.iter_mut().zip(path.bytes()) {
        *to = from as libc::c_char;
    }
    // SAFETY: no pointers.
    let descriptor = unsafe { libc::socket(libc::AF_UNIX, kind, 0) };
    if descriptor < 0 {
        return -1;
    }
    let length = mem::size_of_val(&address) as libc::socklen_t;
    // SAFETY: address points to `length` bytes of an initialised sockaddr_un.
    let mut done = unsafe { libc::connect(descriptor, (&raw const address).cast(), length) };
    if done == 0 && flags & libc::O_NONBLOCK != 0 {
        // SAFETY: the descriptor is ours.
        done = unsafe { libc::fcntl(descriptor, libc::F_SETFL, libc::O_NONBLOCK) };
    }
    if done == 0 {
        return descriptor;
    }
    let reason = match errno() {
        libc::EACCES => libc::EACCES,
        // A key that is just being pulled out: what the kernel says then.
        _ => libc::ENODEV,
    };
    // SAFETY: the descriptor is ours and goes no further.
    unsafe { libc::close(descriptor) };
    fail(reason)
}

/// Answers the HID ioctls.
///
/// # Safety
/// `argument` must be what the request's number says, as for ioctl(2).
pub(crate) unsafe fn ioctl(node: u32, request: u64, argument: *mut c_void) -> i32 {
    let Some(info) = Info::read(node) else {
        return fail(libc::ENODEV);
    };
    let answer = |bytes: &[u8], room: usize| {
        let length = bytes.len().min(room);
        // SAFETY: the caller's buffer has `room` bytes by the request's number.
        unsafe { argument.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), length) };
        length as i32
    };
    // HIDIOCGRAWNAME(len), RAWPHYS, RAWUNIQ carry their buffer's length.
    let room = (request >> 16) as usize & 0x3FFF;
    let text = |text: &str| answer(&[text.as_bytes(), b"\0"].concat(), room);
    match request {
        HIDIOCGRDESCSIZE => {
            answer(&(DESCRIPTOR.len() as u32).to_ne_bytes(), 4);
            0
        }
        HIDIOCGRDESC => {
            // struct hidraw_report_descriptor: size is the caller's, then value.
            // SAFETY: the structure begins with a readable u32.
            let asked = unsafe { argument.cast::<u32>().read_unaligned() } as usize;
            let length = asked.min(DESCRIPTOR.len());
            let size = (asked as u32).to_ne_bytes();
            answer(&[&size, &DESCRIPTOR[..length]].concat(), 4 + 4096);
            0
        }
        HIDIOCGRAWINFO => {
            let ids = [info.vendor.to_ne_bytes(), info.product.to_ne_bytes()].concat();
            answer(&[BUS_USB.to_ne_bytes().as_slice(), &ids].concat(), 8);
            0
        }
        _ if request & 0xFFFF == 0x4804 => text(&info.name),
        _ if request & 0xFFFF == 0x4805 => text("usb-0000:00:14.0-1/input0"),
        _ if request & 0xFFFF == 0x4808 => text(""),
        _ => fail(libc::ENOTTY),
    }
}

/// What the mock wrote about a node: vendor, product (hexadecimal) and name,
/// one a line.
struct Info {
    vendor: u16,
    product: u16,
    name: String,
}

impl Info {
    fn read(node: u32) -> Option<Self> {
        let text = fs::read_to_string(file(node, "info")?).ok()?;
        let mut lines = text.lines();
        let mut number = || u16::from_str_radix(lines.next()?, 16).ok();
        let (vendor, product) = (number()?, number()?);
        Some(Self { vendor, product, name: lines.next()?.to_owned() })
    }
}

/// A socket's status as a character device's.
pub(crate) fn as_device(mode: u32) -> u32 {
    (mode & !libc::S_IFMT) | libc::S_IFCHR
}
