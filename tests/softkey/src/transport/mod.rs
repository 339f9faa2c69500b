//! Where a host finds the key.

pub mod seqpacket;
pub mod uhid;
pub mod usbip;
