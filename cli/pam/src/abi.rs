//! The words of `security/_pam_types.h`, and the frame of a conversation function: what a module
//! hands over and what it is given back, in memory that it frees.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;

use zeroize::Zeroizing;

/// Success.
pub const PAM_SUCCESS: c_int = 0;
/// libpam itself failed.
pub const PAM_SYSTEM_ERR: c_int = 4;
/// There is no memory.
pub const PAM_BUF_ERR: c_int = 5;
/// The conversation failed.
pub const PAM_CONV_ERR: c_int = 19;

/// Style of a message: a question whose answer is not shown.
pub const PAM_PROMPT_ECHO_OFF: c_int = 1;
/// Style of a message: a question whose answer is shown.
pub const PAM_PROMPT_ECHO_ON: c_int = 2;
/// Style of a message: an error.
pub const PAM_ERROR_MSG: c_int = 3;
/// Style of a message: information.
pub const PAM_TEXT_INFO: c_int = 4;

/// The item that says at which terminal it is.
pub const PAM_TTY: c_int = 3;

/// `PAM_MAX_NUM_MSG`: more messages in one call are a module's mistake.
const MAX_MESSAGES: usize = 32;

/// `struct pam_handle`, of which only libpam knows the inside.
#[repr(C)]
pub struct PamHandle {
    _opaque: [u8; 0],
}

/// `struct pam_message`.
#[repr(C)]
pub struct PamMessage {
    /// `PAM_PROMPT_ECHO_OFF` and its like.
    pub style: c_int,
    /// NUL-terminated.
    pub text: *const c_char,
}

/// `struct pam_response`.
#[repr(C)]
pub struct PamResponse {
    /// NUL-terminated, freed by the module; NULL without an answer.
    pub text: *mut c_char,
    /// Always 0.
    pub code: c_int,
}

/// The conversation function.
pub type ConverseFn = unsafe extern "C" fn(
    c_int,
    *const *const PamMessage,
    *mut *mut PamResponse,
    *mut c_void,
) -> c_int;

/// `struct pam_conv`.
#[repr(C)]
pub struct PamConv {
    /// Called with each of the modules' messages.
    pub converse: ConverseFn,
    /// Handed to it.
    pub appdata: *mut c_void,
}

/// What `reply` answers: a text or none for each message, or a result of libpam without any.
pub type Replies = Result<Vec<Option<Zeroizing<String>>>, c_int>;

/// Does what a conversation function must: takes style and text of each message, and hands the
/// module what `reply` answers. The value is the function's own. It must not unwind, so neither may
/// `reply`.
///
/// # Safety
/// The arguments are those that Linux-PAM passes to a conversation function.
pub unsafe fn answer(
    count: c_int,
    messages: *const *const PamMessage,
    responses: *mut *mut PamResponse,
    reply: impl FnOnce(&[(c_int, String)]) -> Replies,
) -> c_int {
    if messages.is_null() || responses.is_null() {
        return PAM_CONV_ERR;
    }
    // SAFETY: the module gave a place for the result. NULL now, so that every early return leaves
    // it so.
    unsafe { *responses = ptr::null_mut() };
    let count = match usize::try_from(count) {
        Ok(count @ 1..=MAX_MESSAGES) => count,
        _ => return PAM_CONV_ERR,
    };
    let mut texts = Vec::with_capacity(count);
    for index in 0..count {
        // SAFETY: Linux-PAM passes an array of `count` pointers to messages.
        let message = unsafe { (*messages.add(index)).as_ref() };
        let Some(message) = message else { return PAM_CONV_ERR };
        let text = match message.text.is_null() {
            true => String::new(),
            // SAFETY: the text of a message is NUL-terminated and lives through the call.
            false => unsafe { CStr::from_ptr(message.text) }.to_string_lossy().into_owned(),
        };
        texts.push((message.style, text));
    }
    let array = match reply(&texts) {
        Ok(replies) if replies.len() == count => allocate(&replies),
        Ok(_) => Err(PAM_CONV_ERR),
        Err(code) => Err(code),
    };
    match array {
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
        texts.push(
            text.map_err(|_| PAM_CONV_ERR)?.map(|text| Zeroizing::new(text.into_bytes_with_nul())),
        );
    }
    // SAFETY: an array of so many zeroed responses, which are valid ones with NULL texts.
    let array =
        unsafe { libc::calloc(texts.len(), size_of::<PamResponse>()) }.cast::<PamResponse>();
    if array.is_null() {
        return Err(PAM_BUF_ERR);
    }
    for (index, text) in texts.iter().enumerate() {
        if let Some(text) = text {
            // SAFETY: `text` is NUL-terminated, and the array has a place for each text. A copy
            // that failed for want of memory is a NULL answer, which modules must bear anyway.
            unsafe { (*array.add(index)).text = libc::strdup(text.as_ptr().cast()) };
        }
    }
    Ok(array)
}
