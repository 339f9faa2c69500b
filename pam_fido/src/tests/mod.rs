//! Logins in process: real socket pairs, scripted agents and key processes, a person who fails on any
//! question that was not expected.

mod bad_days;
mod honest;
mod many;
mod scene;
mod server_time;
mod taken_over;
mod versions;

mod deployment {
    pub use wardkey_testkit::{Deployment as World, *};
}
