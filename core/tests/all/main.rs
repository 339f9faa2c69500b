//! All tests of core over whole deployments, in one program: it is linked once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod addresses;
mod break_glass;
mod codec;
mod decide;
mod exchanged_keys;
mod exchanged_root_key;
mod growth;
mod later;
mod loans;
mod passes;
mod policy;
mod snapshot;
mod stages;
mod vectors;
mod vouches;
