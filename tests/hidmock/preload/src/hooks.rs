//! The functions of libc that are replaced. Each does its work for nodes of
//! ours and calls the next library for everything else.

use std::ffi::{CStr, c_char, c_int, c_uint, c_ulong, c_void};

use libc::{mode_t, size_t, ssize_t};

use crate::{
    device,
    next::{errno, fail, next},
    table,
};

type Open = unsafe extern "C" fn(*const c_char, c_int, mode_t) -> c_int;
type OpenAt = unsafe extern "C" fn(c_int, *const c_char, c_int, mode_t) -> c_int;

/// # Safety
/// `path` is null or a C string.
unsafe fn node_at(path: *const c_char) -> Option<u32> {
    if path.is_null() {
        return None;
    }
    // SAFETY: a C string by the caller's promise.
    device::node_number(unsafe { CStr::from_ptr(path) })
}

macro_rules! open_hooks {
    ($($name:ident $literal:literal,)*) => {$(
        // The mode is variadic in C; on this ABI a third argument that was not
        // passed is only an undefined number, which open ignores then.
        /// # Safety
        /// As open(2).
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
            // SAFETY: the caller's path.
            match unsafe { node_at(path) } {
                Some(node) => device::open(node, flags),
                None => next!($literal as Open, path, flags, mode),
            }
        }
    )*};
}
open_hooks! { open c"open", open64 c"open64", }

macro_rules! open_at_hooks {
    ($($name:ident $literal:literal,)*) => {$(
        /// # Safety
        /// As openat(2).
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            at: c_int,
            path: *const c_char,
            flags: c_int,
            mode: mode_t,
        ) -> c_int {
            // SAFETY: the caller's path.
            match unsafe { node_at(path) } {
                Some(node) => device::open(node, flags),
                None => next!($literal as OpenAt, at, path, flags, mode),
            }
        }
    )*};
}
open_at_hooks! { openat c"openat", openat64 c"openat64", }

/// # Safety
/// As open(2) without a mode.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __open_2(path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the caller's path.
    unsafe { open(path, flags, 0) }
}

/// # Safety
/// As open(2) without a mode.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __open64_2(path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the caller's path.
    unsafe { open64(path, flags, 0) }
}

/// # Safety
/// As close(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn close(descriptor: c_int) -> c_int {
    table::forget(descriptor);
    next!(c"close" as unsafe extern "C" fn(c_int) -> c_int, descriptor)
}

/// # Safety
/// As read(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn read(descriptor: c_int, to: *mut c_void, room: size_t) -> ssize_t {
    if table::node_of(descriptor).is_none() {
        type Read = unsafe extern "C" fn(c_int, *mut c_void, size_t) -> ssize_t;
        return next!(c"read" as Read, descriptor, to, room);
    }
    // SAFETY: the caller's buffer.
    match unsafe { libc::recv(descriptor, to, room, 0) } {
        // hidraw knows no end of file: the device is gone.
        0 if room > 0 => fail(libc::EIO) as ssize_t,
        -1 if errno() == libc::ECONNRESET => fail(libc::EIO) as ssize_t,
        length => length,
    }
}

/// # Safety
/// As write(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(descriptor: c_int, from: *const c_void, length: size_t) -> ssize_t {
    if table::node_of(descriptor).is_none() {
        type Write = unsafe extern "C" fn(c_int, *const c_void, size_t) -> ssize_t;
        return next!(c"write" as Write, descriptor, from, length);
    }
    // SAFETY: the caller's buffer.
    match unsafe { libc::send(descriptor, from, length, libc::MSG_NOSIGNAL) } {
        -1 if matches!(errno(), libc::EPIPE | libc::ECONNRESET | libc::ENOTCONN) => {
            fail(libc::ENODEV) as ssize_t
        }
        sent => sent,
    }
}

/// # Safety
/// As ioctl(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ioctl(
    descriptor: c_int,
    request: c_ulong,
    argument: *mut c_void,
) -> c_int {
    match table::node_of(descriptor) {
        // SAFETY: the caller's argument; only the low 32 bits are the request.
        Some(node) => unsafe { device::ioctl(node, request & 0xFFFF_FFFF, argument) },
        None => {
            type Ioctl = unsafe extern "C" fn(c_int, c_ulong, *mut c_void) -> c_int;
            next!(c"ioctl" as Ioctl, descriptor, request, argument)
        }
    }
}

macro_rules! fstat_hooks {
    ($($name:ident $literal:literal,)*) => {$(
        /// # Safety
        /// As fstat(2).
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(descriptor: c_int, status: *mut libc::stat) -> c_int {
            type Fstat = unsafe extern "C" fn(c_int, *mut libc::stat) -> c_int;
            let result = next!($literal as Fstat, descriptor, status);
            if let (0, Some(node)) = (result, table::node_of(descriptor)) {
                // SAFETY: the call succeeded, so the structure is there.
                let status = unsafe { &mut *status };
                status.st_mode = device::as_device(status.st_mode);
                status.st_rdev = libc::makedev(device::MAJOR, node);
            }
            result
        }
    )*};
}
fstat_hooks! { fstat c"fstat", fstat64 c"fstat64", }

/// # Safety
/// As statx(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn statx(
    at: c_int,
    path: *const c_char,
    flags: c_int,
    mask: c_uint,
    status: *mut libc::statx,
) -> c_int {
    type Statx =
        unsafe extern "C" fn(c_int, *const c_char, c_int, c_uint, *mut libc::statx) -> c_int;
    let result = next!(c"statx" as Statx, at, path, flags, mask, status);
    if let (0, true, Some(node)) = (result, flags & libc::AT_EMPTY_PATH != 0, table::node_of(at)) {
        // SAFETY: the call succeeded, so the structure is there.
        let status = unsafe { &mut *status };
        status.stx_mode = device::as_device(status.stx_mode.into()) as u16;
        status.stx_rdev_major = device::MAJOR;
        status.stx_rdev_minor = node;
    }
    result
}

/// # Safety
/// As fcntl(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fcntl(descriptor: c_int, command: c_int, argument: c_ulong) -> c_int {
    type Fcntl = unsafe extern "C" fn(c_int, c_int, c_ulong) -> c_int;
    let result = next!(c"fcntl" as Fcntl, descriptor, command, argument);
    duplicated(descriptor, command, result)
}

/// # Safety
/// As fcntl(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fcntl64(descriptor: c_int, command: c_int, argument: c_ulong) -> c_int {
    type Fcntl = unsafe extern "C" fn(c_int, c_int, c_ulong) -> c_int;
    let result = next!(c"fcntl64" as Fcntl, descriptor, command, argument);
    duplicated(descriptor, command, result)
}

fn duplicated(descriptor: c_int, command: c_int, result: c_int) -> c_int {
    let duplicates = matches!(command, libc::F_DUPFD | libc::F_DUPFD_CLOEXEC);
    if let (true, 0.., Some(node)) = (duplicates, result, table::node_of(descriptor)) {
        table::remember(result, node);
    }
    result
}
