//! The part of libpam's application interface that one login needs (`security/pam_appl.h`), and the only
//! unsafe code of the command line. Outside of this file a PAM handle is an owned [`Handle`].

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use zeroize::Zeroizing;

use crate::{Conversation, HungUp, Style};

pub(crate) const PAM_SUCCESS: c_int = 0;
pub(crate) const PAM_SYSTEM_ERR: c_int = 4;
const PAM_BUF_ERR: c_int = 5;
const PAM_CONV_ERR: c_int = 19;

const PAM_PROMPT_ECHO_OFF: c_int = 1;
const PAM_PROMPT_ECHO_ON: c_int = 2;
const PAM_ERROR_MSG: c_int = 3;
const PAM_TEXT_INFO: c_int = 4;

const PAM_TTY: c_int = 3;

/// `PAM_MAX_NUM_MSG`: more messages in one call are a module's mistake.
const MAX_MESSAGES: usize = 32;

#[repr(C)]
struct PamHandle {
    _opaque: [u8; 0],
}

#[repr(C)]
struct PamMessage {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct PamResponse {
    text: *mut c_char,
    code: c_int,
}

type ConverseFn = unsafe extern "C" fn(c_int, *const *const PamMessage, *mut *mut PamResponse, *mut c_void) -> c_int;

#[repr(C)]
struct PamConv {
    converse: ConverseFn,
    appdata: *mut c_void,
}

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

/// An open PAM transaction, which is ended when dropped. It is not `Send`: modules may keep thread-bound
/// state.
pub(crate) struct Handle<'c> {
    raw: *mut PamHandle,
    /// Made by `Box::into_raw`. libpam holds the same pointer, so nothing else uses it until it is dropped.
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
        let mut handle = Self { raw: ptr::null_mut(), seat, last: PAM_SUCCESS, conversation: PhantomData };
        let conv = PamConv { converse, appdata: seat.cast() };
        // SAFETY: the strings live through the call and libpam copies them and `conv`; `seat` outlives the
        // PAM handle, as `Drop` ends it first; `handle.raw` is a place for the result.
        let code =
            unsafe { pam_start_confdir(service.as_ptr(), user.as_ptr(), &conv, folder.as_ptr(), &mut handle.raw) };
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
            // SAFETY: the handle is open and forgotten right after. Modules may still talk while they clean
            // up, so the seat goes later.
            unsafe { pam_end(self.raw, self.last) };
        }
        // SAFETY: the pointer came from `Box::into_raw` and libpam has forgotten it.
        drop(unsafe { Box::from_raw(self.seat) });
    }
}

/// # Safety
/// `appdata` is the `Seat` given to `pam_start_confdir`, borrowed by nobody; the rest is what Linux-PAM
/// passes to a conversation function.
unsafe extern "C" fn converse(
    count: c_int,
    messages: *const *const PamMessage,
    responses: *mut *mut PamResponse,
    appdata: *mut c_void,
) -> c_int {
    if messages.is_null() || responses.is_null() || appdata.is_null() {
        return PAM_CONV_ERR;
    }
    // SAFETY: the module gave a place for the result. NULL now, so that every early return leaves it so.
    unsafe { *responses = ptr::null_mut() };
    let count = match usize::try_from(count) {
        Ok(count @ 1..=MAX_MESSAGES) => count,
        _ => return PAM_CONV_ERR,
    };
    // SAFETY: the caller's promise; libpam calls back on the thread that called it, which holds no borrow.
    let seat = unsafe { &mut *appdata.cast::<Seat<'_>>() };
    let mut replies: Vec<Option<Zeroizing<String>>> = Vec::with_capacity(count);
    for index in 0..count {
        // SAFETY: Linux-PAM passes an array of `count` pointers to messages.
        let message = unsafe { (*messages.add(index)).as_ref() };
        let Some(message) = message else { return PAM_CONV_ERR };
        let text = match message.text.is_null() {
            true => String::new(),
            // SAFETY: the text of a message is NUL-terminated and lives through the call.
            false => unsafe { CStr::from_ptr(message.text) }.to_string_lossy().into_owned(),
        };
        let style = match message.style {
            PAM_PROMPT_ECHO_OFF => Style::Secret,
            PAM_PROMPT_ECHO_ON => Style::Visible,
            PAM_ERROR_MSG => Style::Error,
            PAM_TEXT_INFO => Style::Info,
            _ => return PAM_CONV_ERR,
        };
        // A panic must not cross libpam and its modules: it is a hung-up conversation, and a login that failed.
        let reply = catch_unwind(AssertUnwindSafe(|| seat.conversation.message(style, &text)));
        match (style, reply) {
            (Style::Secret | Style::Visible, Ok(Ok(reply))) => replies.push(Some(reply)),
            (Style::Error | Style::Info, Ok(_)) => replies.push(None),
            (_, Ok(Err(HungUp)) | Err(_)) => return PAM_CONV_ERR,
        }
    }
    match allocate(&replies) {
        Ok(array) => {
            // SAFETY: as above; the module frees the array and its texts.
            unsafe { *responses = array };
            PAM_SUCCESS
        }
        Err(code) => code,
    }
}

/// Copies the replies to memory that the module frees.
fn allocate(replies: &[Option<Zeroizing<String>>]) -> Result<*mut PamResponse, c_int> {
    let mut texts = Vec::with_capacity(replies.len());
    for reply in replies {
        // A NUL byte cannot be typed.
        let text = reply.as_ref().map(|text| CString::new(text.as_bytes())).transpose();
        texts.push(text.map_err(|_| PAM_CONV_ERR)?.map(|text| Zeroizing::new(text.into_bytes_with_nul())));
    }
    // SAFETY: an array of so many zeroed responses, which are valid ones with NULL texts.
    let array = unsafe { libc::calloc(texts.len(), size_of::<PamResponse>()) }.cast::<PamResponse>();
    if array.is_null() {
        return Err(PAM_BUF_ERR);
    }
    for (index, text) in texts.iter().enumerate() {
        if let Some(text) = text {
            // SAFETY: `text` is NUL-terminated, and the array has a place for each text. A copy that failed
            // for want of memory is a NULL answer, which modules must bear anyway.
            unsafe { (*array.add(index)).text = libc::strdup(text.as_ptr().cast()) };
        }
    }
    Ok(array)
}
