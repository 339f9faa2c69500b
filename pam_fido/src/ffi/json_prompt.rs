//! The prompt by which GDM's session worker passes JSON between a module and the greeter (its PAM
//! extension `CustomJSON`): PAM_BINARY_PROMPT with a struct, answered by the same struct.
//!
//! ```text
//!   length (big endian) │ kind │ name of the protocol │ version │ pointer to the JSON
//!         4 bytes           1          64                 4              8
//! ```

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::mem::size_of;
use std::ptr;

use pam::conv::Conv;
use pam::items::Item;
use pam::module::PamHandle;
use zeroize::{Zeroize, Zeroizing};

/// Variable in which the worker names its extensions, separated by blanks; the place of a name is
/// its number.
const EXTENSIONS: &CStr = c"GDM_SUPPORTED_PAM_EXTENSIONS";
const CUSTOM_JSON: &str = "org.gnome.DisplayManager.UserVerifier.CustomJSON";
/// The longest answer that is read, in bytes. A greeter's has about a hundred.
const MAX_ANSWER: usize = 4096;

/// What every extension's struct begins with.
#[repr(C)]
struct Header {
    length: [u8; 4],
    kind: u8,
    padding: [u8; 3],
}

#[repr(C)]
struct JsonPrompt {
    header: Header,
    protocol: [u8; 64],
    version: c_uint,
    json: *mut c_char,
}

/// libpam's style of a message that is no text.
const PAM_BINARY_PROMPT: c_int = 7;
const LENGTH: [u8; 4] = (size_of::<JsonPrompt>() as u32).to_be_bytes();

#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_void,
}

#[repr(C)]
struct Response {
    answer: *mut JsonPrompt,
    code: c_int,
}

/// libpam's `struct pam_conv`.
#[repr(C)]
struct Conversation {
    function: Option<
        unsafe extern "C" fn(
            c_int,
            *const *const Message,
            *mut *mut Response,
            *mut c_void,
        ) -> c_int,
    >,
    data: *mut c_void,
}

unsafe extern "C" {
    fn secure_getenv(name: *const c_char) -> *mut c_char;
}

/// Why there is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoJson {
    /// The application does not ask it, or nobody answers.
    Failed,
    /// An answer came that is none.
    Unreadable,
}

/// The number that the application has given to the extension. A program that runs with more
/// rights than who started it is no greeter, whatever its environment says.
pub fn number() -> Option<u8> {
    // SAFETY: the name ends with a zero byte. libpam's functions are not for several threads of one
    // handle, and nothing in this library changes the environment.
    let names = unsafe { secure_getenv(EXTENSIONS.as_ptr()) };
    if names.is_null() {
        return None;
    }
    // SAFETY: not null, so a string of the environment, which ends with a zero byte.
    let names = unsafe { CStr::from_ptr(names) }.to_bytes();
    let mut number = 0;
    for name in names.split(|byte| *byte == b' ') {
        if name == CUSTOM_JSON.as_bytes() {
            return Some(number);
        }
        number = number.checked_add(u8::from(!name.is_empty()))?;
    }
    None
}

/// Sends JSON and waits for the answer, which is wiped where the application put it.
///
/// # Errors
/// [`NoJson`].
pub fn ask(
    pamh: &PamHandle,
    number: u8,
    (protocol, version): (&str, c_uint),
    json: Vec<u8>,
) -> Result<Zeroizing<Vec<u8>>, NoJson> {
    let conversation = pamh.get_item::<Conv<'_>>().ok().flatten().ok_or(NoJson::Failed)?;
    let conversation = conversation.into_raw().cast::<Conversation>();
    // SAFETY: PAM_CONV is a `struct pam_conv`, whose layout is libpam's ABI; the application keeps
    // it while the handle lives, and the handle is borrowed.
    let Conversation { function, data } = unsafe { ptr::read(conversation) };
    let function = function.ok_or(NoJson::Failed)?;

    let json = CString::new(json).map_err(|_| NoJson::Failed)?;
    let mut name = [0; 64];
    // One byte fewer, so that it ends with a zero byte.
    name.iter_mut().take(63).zip(protocol.bytes()).for_each(|(to, byte)| *to = byte);
    let prompt = JsonPrompt {
        header: Header { length: LENGTH, kind: number, padding: [0; 3] },
        protocol: name,
        version,
        json: json.as_ptr().cast_mut(),
    };
    let message = Message { style: PAM_BINARY_PROMPT, text: (&raw const prompt).cast() };
    let messages = [&raw const message];
    let mut responses: *mut Response = ptr::null_mut();
    // SAFETY: one message, which lives until the function returns, and a place for the responses;
    // `data` is what belongs to the function. The application said by `number` that it knows this
    // struct.
    let answered = unsafe { function(1, messages.as_ptr(), &raw mut responses, data) };
    if answered != 0 || responses.is_null() {
        return Err(NoJson::Failed);
    }

    // SAFETY: a conversation that succeeded gives an array of one response, which is ours now.
    let answer = unsafe { ptr::read(responses) }.answer;
    // SAFETY: allocated with malloc(3) by the application for the module to free; not used again.
    unsafe { libc::free(responses.cast()) };
    take(answer, &prompt)
}

/// Takes what an answer says, wipes and frees it.
fn take(answer: *mut JsonPrompt, asked: &JsonPrompt) -> Result<Zeroizing<Vec<u8>>, NoJson> {
    if answer.is_null() {
        return Err(NoJson::Failed);
    }
    // SAFETY: an answer to a binary prompt begins with the header; also the shortest allocation of
    // malloc(3) has room for its bytes. No reference is made to it.
    let header = unsafe { ptr::read_unaligned(answer.cast::<Header>()) };
    if header.length != LENGTH || header.kind != asked.header.kind {
        // It may be anything, also a text with no end: what cannot be told apart is left alone.
        // SAFETY: as for the responses.
        unsafe { libc::free(answer.cast()) };
        return Err(NoJson::Unreadable);
    }
    // SAFETY: the header says that the whole struct is there.
    let JsonPrompt { protocol, version, json, .. } = unsafe { ptr::read_unaligned(answer) };
    // SAFETY: as for the responses.
    unsafe { libc::free(answer.cast()) };
    if json.is_null() {
        return Err(NoJson::Unreadable);
    }

    // SAFETY: a string of the application's, given to the module together with the struct; it ends
    // with a zero byte, and nothing else points to it.
    let length = unsafe { libc::strlen(json) };
    // SAFETY: `length` bytes, as just counted; nothing else points to them.
    let bytes = unsafe { std::slice::from_raw_parts_mut(json.cast::<u8>(), length) };
    let named = CStr::from_bytes_until_nul(&protocol).ok();
    // Behind the end of the name the application leaves whatever its memory had.
    let same = named == CStr::from_bytes_until_nul(&asked.protocol).ok();
    let fits = length <= MAX_ANSWER && same && version == asked.version;
    let copy = fits.then(|| Zeroizing::new(bytes.to_vec())).ok_or(NoJson::Unreadable);
    bytes.zeroize();
    // SAFETY: as for the responses; the slice is not used any more.
    unsafe { libc::free(json.cast()) };
    copy
}
