//! What libpam offers and pam-bindings does not: four functions of `security/pam_modules.h` and
//! `security/pam_ext.h`, and GDM's prompt for JSON. All unsafe code of the module, but for the
//! entry points, is here.
#![allow(unsafe_code)]

pub mod json_prompt;

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};

use pam::module::PamHandle;

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_fail_delay(pamh: *mut PamHandle, microseconds: c_uint) -> c_int;
    fn pam_set_item(pamh: *mut PamHandle, item: c_int, value: *const c_void) -> c_int;
    fn pam_putenv(pamh: *mut PamHandle, name_value: *const c_char) -> c_int;
    fn pam_syslog(pamh: *const PamHandle, priority: c_int, format: *const c_char, ...);
}

/// Asks libpam to delay a refusal by about this many microseconds.
pub fn fail_delay(pamh: &mut PamHandle, microseconds: u32) {
    // SAFETY: `pamh` is a live handle, borrowed mutably for the call; the function keeps nothing of
    // ours.
    let _ = unsafe { pam_fail_delay(pamh, microseconds) };
}

/// Sets a variable of the PAM environment. A failure is nothing: it is a convenience of the
/// session.
pub fn put_env(pamh: &mut PamHandle, name: &str, value: &str) {
    let Ok(pair) = CString::new(format!("{name}={value}")) else { return };
    // SAFETY: `pamh` is a live handle; `pair` ends with a zero byte, outlives the call, and libpam
    // copies it.
    let _ = unsafe { pam_putenv(pamh, pair.as_ptr()) };
}

/// PAM_USER of `security/_pam_types.h`.
const PAM_USER: c_int = 2;

/// Makes PAM_USER unset, so that libpam asks for it.
pub fn forget_user(pamh: &mut PamHandle) {
    // SAFETY: `pamh` is a live handle, borrowed mutably for the call, so nobody holds the text that
    // libpam frees here; NULL is a value that `pam_set_item` takes for PAM_USER.
    let _ = unsafe { pam_set_item(pamh, PAM_USER, std::ptr::null()) };
}

/// Writes a line to syslog, with the module, the service and the PAM function before it.
pub fn log(pamh: &PamHandle, priority: c_int, line: &str) {
    let Ok(line) = CString::new(line.replace('\0', "?")) else { return };
    // SAFETY: `pamh` is a live handle, only read; the format takes exactly one string, which is
    // given, ends with a zero byte and outlives the call.
    unsafe { pam_syslog(pamh, priority, c"%s".as_ptr(), line.as_ptr()) };
}

/// The same for a line that takes no memory to make.
pub fn log_short(pamh: &PamHandle, priority: c_int, line: &CStr) {
    // SAFETY: as in `log`.
    unsafe { pam_syslog(pamh, priority, c"%s".as_ptr(), line.as_ptr()) };
}

/// Writes a line to syslog where there is no handle (a panic).
pub fn log_without_handle(priority: c_int, line: &str) {
    let Ok(line) = CString::new(line.replace('\0', "?")) else { return };
    // SAFETY: the format takes exactly one string, which is given, ends with a zero byte and
    // outlives the call.
    unsafe { libc::syslog(libc::LOG_AUTHPRIV | priority, c"%s".as_ptr(), line.as_ptr()) };
}

/// The data of type `T` that this module stored in the handle under `name`.
pub fn data<'a, T: 'static>(pamh: &'a PamHandle, name: &str) -> Option<&'a T> {
    // SAFETY: names carry the version of the module and each is used with one type only (`entry`),
    // so what is stored there by this very library is a `T`; libpam keeps other modules' code away
    // from it by nothing but the name, as with every module.
    unsafe { pamh.get_data::<T>(name) }.ok()
}
