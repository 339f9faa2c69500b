//! The part of libpam's application interface that a login program needs (`security/pam_appl.h`),
//! and the only unsafe code of the crate. Outside of this file a PAM handle is an owned [`Handle`],
//! and the conversation is a [`Talk`].

use std::any::Any;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use wardkey_pamapp::abi::{self, PAM_CONV_ERR, PamConv, PamHandle, PamMessage, PamResponse};
use zeroize::Zeroizing;

pub(crate) use wardkey_pamapp::abi::{
    PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_SUCCESS, PAM_TEXT_INFO, PAM_TTY,
};

pub(crate) const PAM_SILENT: c_int = 0x8000;
pub(crate) const PAM_ESTABLISH_CRED: c_int = 0x0002;

pub(crate) const PAM_USER: c_int = 2;
pub(crate) const PAM_RHOST: c_int = 4;
const PAM_FAIL_DELAY: c_int = 10;

/// The application's side of the conversation.
pub(crate) trait Talk {
    /// Answers the messages of one call: style and text of each.
    fn converse(&mut self, messages: &[(c_int, String)]) -> Replies;
    /// Hears that libpam would now sleep for so many microseconds, because of this result.
    fn fail_delay(&mut self, code: c_int, microseconds: u32);
}

/// What a conversation call gives back.
pub(crate) enum Replies {
    /// A response for each message, with or without a text.
    Each(Vec<Option<Zeroizing<String>>>),
    /// Success, and NULL in place of the array of responses.
    NoArray,
    /// `PAM_CONV_ERR`.
    Fail,
}

type FailDelayFn = unsafe extern "C" fn(c_int, c_uint, *mut c_void);

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start(
        service: *const c_char,
        user: *const c_char,
        conv: *const PamConv,
        handle: *mut *mut PamHandle,
    ) -> c_int;
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conv: *const PamConv,
        confdir: *const c_char,
        handle: *mut *mut PamHandle,
    ) -> c_int;
    fn pam_end(handle: *mut PamHandle, status: c_int) -> c_int;
    fn pam_authenticate(handle: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_chauthtok(handle: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_setcred(handle: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_open_session(handle: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_close_session(handle: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_set_item(handle: *mut PamHandle, item: c_int, value: *const c_void) -> c_int;
    fn pam_get_item(handle: *const PamHandle, item: c_int, value: *mut *const c_void) -> c_int;
    fn pam_getenvlist(handle: *mut PamHandle) -> *mut *mut c_char;
}

/// What libpam's callbacks are given: the talk, and a panic of it on its way to the caller.
struct Seat<T> {
    talk: T,
    panic: Option<Box<dyn Any + Send>>,
}

/// An open PAM transaction, which is ended when dropped. It is not `Send`: libpam's handles belong
/// to one thread at a time, and modules may keep thread-bound state.
pub(crate) struct Handle<T: Talk> {
    raw: *mut PamHandle,
    /// Made by `Box::into_raw`. libpam holds the same pointer, so it is only borrowed while no
    /// function of libpam runs.
    seat: *mut Seat<T>,
    last: c_int,
}

impl<T: Talk> Handle<T> {
    /// Calls `pam_start`, or `pam_start_confdir` if a folder is given, and makes libpam report its
    /// delays instead of sleeping. The error is a result of libpam.
    pub(crate) fn start(
        service: &CStr,
        user: Option<&CStr>,
        confdir: Option<&CStr>,
        talk: T,
    ) -> Result<Self, c_int> {
        let seat = Box::into_raw(Box::new(Seat { talk, panic: None }));
        let mut handle = Self { raw: ptr::null_mut(), seat, last: PAM_SUCCESS };
        let conv = PamConv { converse: converse::<T>, appdata: seat.cast() };
        let user = user.map_or(ptr::null(), CStr::as_ptr);
        let code = match confdir {
            // SAFETY: the strings live through the call and libpam copies them and `conv`; `seat`
            // outlives the PAM handle, as `Drop` ends it first; `handle.raw` is a place for the
            // result.
            Some(confdir) => unsafe {
                pam_start_confdir(service.as_ptr(), user, &conv, confdir.as_ptr(), &mut handle.raw)
            },
            // SAFETY: as above.
            None => unsafe { pam_start(service.as_ptr(), user, &conv, &mut handle.raw) },
        };
        if code != PAM_SUCCESS || handle.raw.is_null() {
            // libpam has freed its half-made handle on error; only the seat is left to be dropped.
            handle.raw = ptr::null_mut();
            return Err(code);
        }
        let delay: FailDelayFn = fail_delay::<T>;
        // SAFETY: the handle is open; libpam takes the item's value as a function of this type.
        match unsafe { pam_set_item(handle.raw, PAM_FAIL_DELAY, delay as *const c_void) } {
            PAM_SUCCESS => Ok(handle),
            code => Err(code),
        }
    }

    /// Sets an item that is a text.
    pub(crate) fn set_text(&mut self, item: c_int, text: &CStr) -> c_int {
        // SAFETY: the handle is open; libpam copies the NUL-terminated text.
        unsafe { pam_set_item(self.raw, item, text.as_ptr().cast()) }
    }

    /// An item that is a text, unless it is unset.
    pub(crate) fn text(&mut self, item: c_int) -> Option<String> {
        let mut value = ptr::null();
        // SAFETY: the handle is open and `value` is a place for the result.
        let code = unsafe { pam_get_item(self.raw, item, &mut value) };
        if code != PAM_SUCCESS || value.is_null() {
            return None;
        }
        // SAFETY: the item is a NUL-terminated text that libpam owns; it is copied before the next
        // call.
        Some(unsafe { CStr::from_ptr(value.cast()) }.to_string_lossy().into_owned())
    }

    /// Calls `pam_authenticate`.
    pub(crate) fn authenticate(&mut self, flags: c_int) -> c_int {
        // SAFETY: the handle is open, and no borrow of the seat is alive.
        self.last = unsafe { pam_authenticate(self.raw, flags) };
        self.last
    }

    /// Calls `pam_chauthtok`.
    pub(crate) fn chauthtok(&mut self, flags: c_int) -> c_int {
        // SAFETY: the handle is open, and no borrow of the seat is alive.
        self.last = unsafe { pam_chauthtok(self.raw, flags) };
        self.last
    }

    /// Calls `pam_acct_mgmt`.
    pub(crate) fn account(&mut self, flags: c_int) -> c_int {
        // SAFETY: the handle is open, and no borrow of the seat is alive.
        self.last = unsafe { pam_acct_mgmt(self.raw, flags) };
        self.last
    }

    /// Calls `pam_setcred`.
    pub(crate) fn setcred(&mut self, flags: c_int) -> c_int {
        // SAFETY: the handle is open, and no borrow of the seat is alive.
        self.last = unsafe { pam_setcred(self.raw, flags) };
        self.last
    }

    /// Calls `pam_open_session`.
    pub(crate) fn open_session(&mut self, flags: c_int) -> c_int {
        // SAFETY: the handle is open, and no borrow of the seat is alive.
        self.last = unsafe { pam_open_session(self.raw, flags) };
        self.last
    }

    /// Calls `pam_close_session`.
    pub(crate) fn close_session(&mut self, flags: c_int) -> c_int {
        // SAFETY: the handle is open, and no borrow of the seat is alive.
        self.last = unsafe { pam_close_session(self.raw, flags) };
        self.last
    }

    /// The PAM environment, in libpam's order.
    pub(crate) fn environment(&mut self) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        // SAFETY: the handle is open. The list and its texts are allocated for the caller.
        let list = unsafe { pam_getenvlist(self.raw) };
        if list.is_null() {
            return variables;
        }
        let mut place = list;
        loop {
            // SAFETY: the list ends with NULL, and the loop stops there.
            let entry = unsafe { *place };
            if entry.is_null() {
                break;
            }
            // SAFETY: every entry is a NUL-terminated text.
            let text = unsafe { CStr::from_ptr(entry) }.to_string_lossy();
            let (name, value) = text.split_once('=').unwrap_or((&text, ""));
            variables.push((name.to_owned(), value.to_owned()));
            // SAFETY: libpam allocated the entry with malloc and left it to us; the list has one
            // more place after each entry.
            unsafe {
                libc::free(entry.cast());
                place = place.add(1);
            }
        }
        // SAFETY: libpam allocated the list with malloc and left it to us.
        unsafe { libc::free(list.cast()) };
        variables
    }

    /// The talk, between calls of libpam.
    pub(crate) fn talk(&mut self) -> &mut T {
        // SAFETY: the seat lives as long as `self`, and no callback runs while `self` is borrowed
        // here.
        unsafe { &mut (*self.seat).talk }
    }

    /// Ends the transaction with the last result and gives the talk back. A panic of the talk goes
    /// on.
    pub(crate) fn finish(mut self) -> T {
        self.end();
        let seat = std::mem::replace(&mut self.seat, ptr::null_mut());
        // SAFETY: `seat` came from `Box::into_raw`, libpam has forgotten it, and `Drop` sees NULL.
        let seat = *unsafe { Box::from_raw(seat) };
        if let Some(panic) = seat.panic {
            resume_unwind(panic);
        }
        seat.talk
    }

    fn end(&mut self) {
        if !self.raw.is_null() {
            // SAFETY: the handle is open and forgotten right after. Modules may still talk while
            // they clean up, so the seat goes later.
            unsafe { pam_end(self.raw, self.last) };
            self.raw = ptr::null_mut();
        }
    }
}

impl<T: Talk> Drop for Handle<T> {
    fn drop(&mut self) {
        self.end();
        if !self.seat.is_null() {
            // SAFETY: the pointer came from `Box::into_raw` and libpam has forgotten it.
            drop(unsafe { Box::from_raw(self.seat) });
        }
    }
}

/// # Safety
/// `appdata` is the `Seat<T>` given to `pam_start`, borrowed by nobody; the rest is what Linux-PAM
/// passes to a conversation function.
unsafe extern "C" fn converse<T: Talk>(
    count: c_int,
    messages: *const *const PamMessage,
    responses: *mut *mut PamResponse,
    appdata: *mut c_void,
) -> c_int {
    if appdata.is_null() {
        return PAM_CONV_ERR;
    }
    // SAFETY: the caller's promise; libpam calls back on the thread that called it, which holds no
    // borrow.
    let seat = unsafe { &mut *appdata.cast::<Seat<T>>() };
    let reply = |messages: &[(c_int, String)]| {
        if seat.panic.is_some() {
            return Err(PAM_CONV_ERR);
        }
        match catch_unwind(AssertUnwindSafe(|| seat.talk.converse(messages))) {
            Ok(Replies::Each(replies)) => Ok(replies),
            Ok(Replies::NoArray) => Err(PAM_SUCCESS),
            Ok(Replies::Fail) => Err(PAM_CONV_ERR),
            // A panic must not cross libpam and its modules; it goes on in `finish`.
            Err(panic) => {
                seat.panic = Some(panic);
                Err(PAM_CONV_ERR)
            }
        }
    };
    // SAFETY: the caller's promise.
    unsafe { abi::answer(count, messages, responses, reply) }
}

/// # Safety
/// As for [`converse`]: libpam passes the same `appdata`.
unsafe extern "C" fn fail_delay<T: Talk>(code: c_int, microseconds: c_uint, appdata: *mut c_void) {
    if appdata.is_null() {
        return;
    }
    // SAFETY: the caller's promise; libpam calls back on the thread that called it, which holds no
    // borrow.
    let seat = unsafe { &mut *appdata.cast::<Seat<T>>() };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| seat.talk.fail_delay(code, microseconds)))
    {
        seat.panic.get_or_insert(panic);
    }
}

#[cfg(test)]
#[path = "ffi_tests.rs"]
mod tests;
