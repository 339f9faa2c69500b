//! Leaves out the half of the library that would print backtraces.
//!
//! Rust's own panic message can walk the stack and read debug information, which is 200 KB of code.
//! Ours never prints one (`journal::install_panic_hook`), but the compiler cannot know. With a
//! stack walk that is always empty, link-time optimisation sees that nobody needs the rest.
//! Unwinding does not use this function.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK` of the Itanium C++ ABI, 1.1.
const END_OF_STACK: c_int = 5;

// SAFETY: the name is the unwinder's, the signature and the result are those of its documentation,
// and a stack without frames is an answer that every caller must bear. Hidden (below), so that it
// takes this function's place in this library only, never in the application.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_trace: *const c_void, _argument: *mut c_void) -> c_int {
    END_OF_STACK
}

std::arch::global_asm!(".hidden _Unwind_Backtrace");
