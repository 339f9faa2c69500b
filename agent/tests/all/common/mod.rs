//! A deployment in memory: a publisher that signs as the server does, people with software keys,
//! and an agent over real files and sockets.
#![allow(dead_code)]

mod answers;
mod client;
mod fixture;
mod log;
mod people;
pub mod server;
mod ward;

pub use answers::*;
pub use client::*;
pub use fixture::*;
pub use log::*;
pub use people::*;
pub use ward::*;
