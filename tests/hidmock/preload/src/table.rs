//! Which descriptors of this process are nodes of ours.

use std::sync::atomic::{AtomicU32, Ordering};

/// Descriptors above are left alone; no program under test comes near.
const MOST: usize = 4096;

/// Per descriptor the node's number plus one, 0 for none.
static NODES: [AtomicU32; MOST] = [const { AtomicU32::new(0) }; MOST];

pub(crate) fn node_of(descriptor: i32) -> Option<u32> {
    let entry = NODES.get(usize::try_from(descriptor).ok()?)?;
    entry.load(Ordering::Relaxed).checked_sub(1)
}

pub(crate) fn remember(descriptor: i32, node: u32) {
    set(descriptor, node + 1);
}

pub(crate) fn forget(descriptor: i32) {
    set(descriptor, 0);
}

fn set(descriptor: i32, value: u32) {
    if let Some(entry) = usize::try_from(descriptor).ok().and_then(|at| NODES.get(at)) {
        entry.store(value, Ordering::Relaxed);
    }
}
