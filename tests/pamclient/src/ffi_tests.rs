//! The callbacks called as a module calls them, and what no module of the distribution can show.

use std::ffi::{CStr, CString, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use wardkey_pamapp::abi::{
    PAM_CONV_ERR, PAM_SUCCESS, PAM_TEXT_INFO, PamHandle, PamMessage, PamResponse,
};
use zeroize::Zeroizing;

use super::{Handle, PAM_USER, Replies, Seat, Talk, converse, fail_delay};

unsafe extern "C" {
    fn pam_putenv(handle: *mut PamHandle, name_value: *const c_char) -> c_int;
}

/// Answers each message with its own text, except "null", "fail", "short", "none", "nul" and
/// "panic".
struct Echo {
    delays: Vec<(c_int, u32)>,
}

impl Talk for Echo {
    fn converse(&mut self, messages: &[(c_int, String)]) -> Replies {
        let text = |text: &str| Some(Zeroizing::new(text.to_owned()));
        let mut replies = Vec::new();
        for (_, message) in messages {
            match message.as_str() {
                "null" => replies.push(None),
                "fail" => return Replies::Fail,
                "none" => return Replies::NoArray,
                "short" => return Replies::Each(Vec::new()),
                "nul" => replies.push(text("a\0b")),
                "panic" => panic!("expected by the test"),
                other => replies.push(text(other)),
            }
        }
        Replies::Each(replies)
    }

    fn fail_delay(&mut self, code: c_int, microseconds: u32) {
        self.delays.push((code, microseconds));
    }
}

fn seat() -> Seat<Echo> {
    Seat { talk: Echo { delays: Vec::new() }, panic: None }
}

/// Result of one call with these texts, and the texts that came back; None if no array did.
fn call(
    seat: &mut Seat<Echo>,
    texts: &[Option<&str>],
    count: c_int,
) -> (c_int, Option<Vec<Option<String>>>) {
    let owned: Vec<_> =
        texts.iter().map(|text| text.map(|text| CString::new(text).unwrap())).collect();
    let messages: Vec<_> = owned
        .iter()
        .map(|text| PamMessage {
            style: PAM_TEXT_INFO,
            text: text.as_ref().map_or(ptr::null(), |text| text.as_ptr()),
        })
        .collect();
    let pointers: Vec<_> = messages.iter().map(ptr::from_ref).collect();
    let mut responses = ptr::dangling_mut::<PamResponse>();
    // SAFETY: what a module passes; `seat` is borrowed only here.
    let code = unsafe {
        converse::<Echo>(count, pointers.as_ptr(), &mut responses, ptr::from_mut(seat).cast())
    };
    if responses.is_null() {
        return (code, None);
    }
    let mut answers = Vec::new();
    for index in 0..texts.len() {
        // SAFETY: an array of one response for each message, whose texts are NUL-terminated and
        // ours to free.
        unsafe {
            let response = &*responses.add(index);
            assert_eq!(response.code, 0);
            answers.push(
                (!response.text.is_null())
                    .then(|| CStr::from_ptr(response.text).to_str().unwrap().to_owned()),
            );
            libc::free(response.text.cast());
        }
    }
    // SAFETY: the array is ours to free.
    unsafe { libc::free(responses.cast()) };
    (code, Some(answers))
}

#[test]
fn a_call_with_several_messages_gets_a_response_for_each() {
    let answer = |text: &str| Some(text.to_owned());
    assert_eq!(
        call(&mut seat(), &[Some("one"), Some("null"), Some("二"), None], 4),
        (PAM_SUCCESS, Some(vec![answer("one"), None, answer("二"), answer("")]))
    );
    let many = [Some("x"); 32];
    assert_eq!(call(&mut seat(), &many, 32).1.unwrap().len(), 32);
}

#[test]
fn what_is_not_a_call_is_refused_without_an_array() {
    let too_many = [Some("x"); 33];
    let table: [(&[Option<&str>], c_int, c_int); 7] = [
        (&[Some("x")], 0, PAM_CONV_ERR),
        (&[Some("x")], -1, PAM_CONV_ERR),
        (&too_many, 33, PAM_CONV_ERR),
        (&[Some("x"), Some("fail")], 2, PAM_CONV_ERR),
        (&[Some("short")], 1, PAM_CONV_ERR),
        (&[Some("x"), Some("nul")], 2, PAM_CONV_ERR),
        (&[Some("none")], 1, PAM_SUCCESS),
    ];
    for (texts, count, code) in table {
        assert_eq!(call(&mut seat(), texts, count), (code, None), "{texts:?}");
    }
}

#[test]
fn a_panic_is_kept_and_refuses_what_follows() {
    let mut seat = seat();
    assert_eq!(call(&mut seat, &[Some("panic")], 1), (PAM_CONV_ERR, None));
    assert!(seat.panic.is_some());
    assert_eq!(call(&mut seat, &[Some("x")], 1), (PAM_CONV_ERR, None));
}

#[test]
fn delays_reach_the_talk() {
    let mut seat = seat();
    // SAFETY: what libpam passes; `seat` is borrowed only here.
    unsafe { fail_delay::<Echo>(7, 2_000_000, ptr::from_mut(&mut seat).cast()) };
    assert_eq!(seat.talk.delays, [(7, 2_000_000)]);
}

#[test]
fn environment_and_items_are_copied() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("permit"), "auth required pam_permit.so\n").unwrap();
    let confdir = CString::new(folder.path().to_str().unwrap()).unwrap();
    let mut handle =
        Handle::start(c"permit", Some(c"hanako"), Some(&confdir), Echo { delays: Vec::new() })
            .unwrap();
    assert_eq!(handle.environment(), []);
    for variable in [c"WARDKEY_ONE=1", c"EMPTY=", c"WITH=a=b"] {
        // SAFETY: the handle is open; libpam copies the text.
        assert_eq!(unsafe { pam_putenv(handle.raw, variable.as_ptr()) }, PAM_SUCCESS);
    }
    let expected = [("WARDKEY_ONE", "1"), ("EMPTY", ""), ("WITH", "a=b")];
    assert_eq!(
        handle.environment(),
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(handle.text(PAM_USER).as_deref(), Some("hanako"));
    assert!(handle.finish().delays.is_empty());
}

#[test]
fn finish_lets_a_panic_go_on() {
    let handle = Handle::start(c"other", None, None, Echo { delays: Vec::new() }).unwrap();
    // SAFETY: the handle's own seat, borrowed by nobody else.
    let seat = unsafe { &mut *handle.seat };
    seat.panic = Some(Box::new("on its way"));
    let panic = catch_unwind(AssertUnwindSafe(|| handle.finish())).err().unwrap();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"on its way"));
}
