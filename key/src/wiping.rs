//! Memory is wiped before it is given back.
//!
//! A PIN is in few places of ours, which wipe themselves. The libraries that pad it, encrypt it and
//! put it into packets make copies of their own, and of the keys that they agree on with a security
//! key. So all memory of these processes is wiped when it is freed, whoever had it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::mem::MaybeUninit;

use zeroize::Zeroize;

/// An allocator that wipes what it takes back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wiping<A = System>(pub A);

// SAFETY: each call is handed on to `A` with the caller's own arguments. Before a block goes back
// to `A` it is overwritten within its bounds; the caller has given up its content. `realloc` is the
// trait's own, by these functions: a block that grew in place would leave a copy where it was.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Wiping<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: what the caller has to see to, `A` asks for as well.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is one of `A`, has this many bytes, and is the caller's alone until it
        // is given back; bytes that may be uninitialised are what is written to.
        unsafe {
            std::slice::from_raw_parts_mut(block.cast::<MaybeUninit<u8>>(), layout.size())
                .zeroize();
            self.0.dealloc(block, layout);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// The system's, which looks at what it takes back.
    #[derive(Default)]
    struct Looking {
        blocks: Cell<usize>,
        bytes_left: Cell<usize>,
    }

    // SAFETY: the system's; `dealloc` reads a block that the test has written to its end.
    unsafe impl GlobalAlloc for Looking {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: as in `Wiping`.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            // SAFETY: it was written to its end, and is given back as it came.
            unsafe {
                let bytes = std::slice::from_raw_parts(block, layout.size());
                let left = bytes.iter().filter(|byte| **byte != 0).count();
                self.blocks.set(self.blocks.get() + 1);
                self.bytes_left.set(self.bytes_left.get() + left);
                System.dealloc(block, layout);
            }
        }
    }

    #[test]
    fn what_is_given_back_is_wiped() {
        let allocator = Wiping(Looking::default());
        let layout = |size| Layout::from_size_align(size, 1).unwrap();
        // (size, then grown or shrunk to that)
        for (size, other) in [(1, 2), (7, 64), (64, 65), (1000, 3), (4096, 100_000)] {
            // SAFETY: sizes and layouts are those of the block, which is written to its end.
            unsafe {
                let block = allocator.alloc(layout(size));
                block.write_bytes(0x41, size);
                let block = allocator.realloc(block, layout(size), other);
                let kept = std::slice::from_raw_parts(block, size.min(other));
                assert!(kept.iter().all(|byte| *byte == 0x41), "{size} {other}");
                block.write_bytes(0x42, other);
                allocator.dealloc(block, layout(other));
            }
        }
        let seen = allocator.0;
        assert_eq!((seen.blocks.get(), seen.bytes_left.get()), (10, 0));
    }
}
