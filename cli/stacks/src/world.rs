//! What is supposed of the machine while its services are judged.

use crate::machine::Machine;

/// The module, without its ending.
pub const MODULE: &[u8] = b"pam_fido";

/// What is supposed of the machine.
#[derive(Clone, Copy, Debug)]
pub struct World<'w> {
    /// Its files.
    pub machine: &'w Machine,
    /// Every module that is there can be loaded. Else any may answer `module_unknown`: programs
    /// with a caller's limits (`su`, polkit's helper) can be started with too little memory for one
    /// module and enough for another.
    pub loads_all: bool,
    /// Wardkey's module cannot be loaded.
    pub without_key: bool,
}

impl<'w> World<'w> {
    /// Every module that is there can be loaded.
    pub fn sound(machine: &'w Machine) -> Self {
        Self { machine, loads_all: true, without_key: false }
    }
}
