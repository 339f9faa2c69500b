//! Logins in process: real socket pairs, scripted agents and key processes, a person who fails on any
//! question that was not expected.

mod alike;
mod bad_days;
mod fake_machine;
mod faults;
mod honest;
mod many;
mod peers;
mod scene;
mod server_time;
mod several_keys;
mod taken_over;
mod versions;
