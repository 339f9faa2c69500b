//! Logins in process: real socket pairs, scripted agents and key processes, a person who fails on
//! any question that was not expected.

mod alike;
mod bad_days;
mod break_glass;
mod by_key;
mod change_pin;
mod change_pin_at_key;
mod exchanged_keys;
mod fake_machine;
mod faults;
mod fingers;
mod honest;
mod keys;
mod loans;
mod looks;
mod lying_devices;
mod many;
mod nameless;
mod new_pin_first;
mod old_evidence;
mod pages;
mod passes;
mod passes_refused;
mod peers;
mod person;
pub mod scene;
mod server_time;
mod sessions;
mod several_keys;
mod taken_over;
mod versions;
mod vouches;
mod vouches_failing;
mod vouches_refused;
mod vouches_secret;
mod vouches_used;
mod waiting;
