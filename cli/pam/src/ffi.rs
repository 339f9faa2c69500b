//! The part of libpam's application interface that one login needs (`security/pam_appl.h`). With
//! [`crate::abi`] the only unsafe code of the command line. Outside of this file a PAM handle is an
//! owned [`Handle`].

use std::ffi::{CStr, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use zeroize::Zeroizing;

use crate::abi::{
    self, PAM_CONV_ERR, PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_SUCCESS,
    PAM_SYSTEM_ERR, PAM_TEXT_INFO, PAM_TTY, PamConv, PamHandle, PamMessage, PamResponse,
};
use crate::conversation::{Conversation, HungUp, Style};

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conv: *const PamConv,
        confdir: *const c_char,
        handle: *mut *mut PamHandle,
    ) -> c_int;
    fn pam_end(handle: *mut PamHandle, status: c_int) -> c_int;
    fn pam_authenticate(handle: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_set_item(handle: *mut PamHandle, item: c_int, value: *const c_void) -> c_int;
    fn pam_getenv(handle: *mut PamHandle, name: *const c_char) -> *const c_char;
}

/// What libpam's callback is given.
struct Seat<'c> {
    conversation: &'c mut dyn Conversation,
}

/// An open PAM transaction, which is ended when dropped. It is not `Send`: modules may keep
/// thread-bound state.
pub(crate) struct Handle<'c> {
    raw: *mut PamHandle,
    /// Made by `Box::into_raw`. libpam holds the same pointer, so nothing else uses it until it is
    /// dropped.
    seat: *mut Seat<'c>,
    last: c_int,
    conversation: PhantomData<&'c mut dyn Conversation>,
}

impl<'c> Handle<'c> {
    /// Calls `pam_start_confdir`. The error is a result of libpam.
    pub(crate) fn start(
        folder: &CStr,
        service: &CStr,
        user: &CStr,
        conversation: &'c mut dyn Conversation,
    ) -> Result<Self, c_int> {
        let seat = Box::into_raw(Box::new(Seat { conversation }));
        let mut handle =
            Self { raw: ptr::null_mut(), seat, last: PAM_SUCCESS, conversation: PhantomData };
        let conv = PamConv { converse, appdata: seat.cast() };
        // SAFETY: the strings live through the call and libpam copies them and `conv`; `seat`
        // outlives the PAM handle, as `Drop` ends it first; `handle.raw` is a place for the result.
        let code = unsafe {
            pam_start_confdir(
                service.as_ptr(),
                user.as_ptr(),
                &conv,
                folder.as_ptr(),
                &mut handle.raw,
            )
        };
        if code != PAM_SUCCESS || handle.raw.is_null() {
            // libpam has freed its half-made handle on error; only the seat is left to be dropped.
            handle.raw = ptr::null_mut();
            return Err(if code == PAM_SUCCESS { PAM_SYSTEM_ERR } else { code });
        }
        Ok(handle)
    }

    /// Sets `PAM_TTY`.
    pub(crate) fn set_tty(&mut self, tty: &CStr) {
        // SAFETY: the handle is open; libpam copies the NUL-terminated text.
        unsafe { pam_set_item(self.raw, PAM_TTY, tty.as_ptr().cast()) };
    }

    /// Calls `pam_authenticate`.
    pub(crate) fn authenticate(&mut self) -> c_int {
        // SAFETY: the handle is open, and no borrow of the seat is alive.
        self.last = unsafe { pam_authenticate(self.raw, 0) };
        self.last
    }

    /// Calls `pam_acct_mgmt`.
    pub(crate) fn account(&mut self) -> c_int {
        // SAFETY: the handle is open, and no borrow of the seat is alive.
        self.last = unsafe { pam_acct_mgmt(self.raw, 0) };
        self.last
    }

    /// A variable of the PAM environment.
    pub(crate) fn variable(&mut self, name: &CStr) -> Option<String> {
        // SAFETY: the handle is open and the name NUL-terminated.
        let value = unsafe { pam_getenv(self.raw, name.as_ptr()) };
        if value.is_null() {
            return None;
        }
        // SAFETY: a NUL-terminated text that libpam owns; it is copied before the next call.
        Some(unsafe { CStr::from_ptr(value) }.to_string_lossy().into_owned())
    }
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            // SAFETY: the handle is open and forgotten right after. Modules may still talk while
            // they clean up, so the seat goes later.
            unsafe { pam_end(self.raw, self.last) };
        }
        // SAFETY: the pointer came from `Box::into_raw` and libpam has forgotten it.
        drop(unsafe { Box::from_raw(self.seat) });
    }
}

/// # Safety
/// `appdata` is the `Seat` given to `pam_start_confdir`, borrowed by nobody; the rest is what
/// Linux-PAM passes to a conversation function.
unsafe extern "C" fn converse(
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
    let seat = unsafe { &mut *appdata.cast::<Seat<'_>>() };
    let reply = |messages: &[(c_int, String)]| {
        messages.iter().map(|(style, text)| reply_to(seat.conversation, *style, text)).collect()
    };
    // SAFETY: the caller's promise.
    unsafe { abi::answer(count, messages, responses, reply) }
}

fn reply_to(
    conversation: &mut dyn Conversation,
    style: c_int,
    text: &str,
) -> Result<Option<Zeroizing<String>>, c_int> {
    let style = match style {
        PAM_PROMPT_ECHO_OFF => Style::Secret,
        PAM_PROMPT_ECHO_ON => Style::Visible,
        PAM_ERROR_MSG => Style::Error,
        PAM_TEXT_INFO => Style::Info,
        _ => return Err(PAM_CONV_ERR),
    };
    // A panic must not cross libpam and its modules: it is a hung-up conversation, and a login that
    // failed.
    let reply = catch_unwind(AssertUnwindSafe(|| conversation.message(style, text)));
    match (style, reply) {
        (Style::Secret | Style::Visible, Ok(Ok(reply))) => Ok(Some(reply)),
        (Style::Error | Style::Info, Ok(_)) => Ok(None),
        (_, Ok(Err(HungUp)) | Err(_)) => Err(PAM_CONV_ERR),
    }
}
