//! The functions that this library stands in front of.

use std::{
    ffi::{CStr, c_void},
    ptr,
    sync::atomic::{AtomicPtr, Ordering},
};

/// A function of the next library, looked up once.
pub(crate) struct Next {
    name: &'static CStr,
    found: AtomicPtr<c_void>,
}

impl Next {
    pub(crate) const fn new(name: &'static CStr) -> Self {
        Self { name, found: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The function's address.
    pub(crate) fn address(&self) -> *mut c_void {
        let known = self.found.load(Ordering::Relaxed);
        if !known.is_null() {
            return known;
        }
        // SAFETY: dlsym only reads the name, which ends in NUL.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        if found.is_null() {
            // libc has all of them; without it there is nobody to report to.
            std::process::abort();
        }
        self.found.store(found, Ordering::Relaxed);
        found
    }
}

/// Calls the next library's function of this name and type.
macro_rules! next {
    ($name:literal as $type:ty, $($argument:expr),*) => {{
        static NEXT: $crate::next::Next = $crate::next::Next::new($name);
        // SAFETY: the name belongs to a C function of this type, and the caller
        // of the hook promised that function's own contract.
        let function: $type = unsafe { std::mem::transmute(NEXT.address()) };
        // SAFETY: as above.
        unsafe { function($($argument),*) }
    }};
}
pub(crate) use next;

/// Sets errno and returns -1.
pub(crate) fn fail(errno: i32) -> i32 {
    // SAFETY: the location is this thread's own.
    unsafe { *libc::__errno_location() = errno };
    -1
}

pub(crate) fn errno() -> i32 {
    // SAFETY: the location is this thread's own.
    unsafe { *libc::__errno_location() }
}
