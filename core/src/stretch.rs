//! Argon2id (RFC 9106) for what people type: it has few bits, so each guess is to cost something.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize;

/// What a guess costs, in one lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Memory in KiB.
    pub(crate) memory_kib: u32,
    /// Passes over it.
    pub(crate) passes: u32,
}

/// Why nothing was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StretchError {
    /// Memory could not be had.
    Memory,
    /// Nobody hashes like this.
    Parameters,
}

/// Fills `out` with the hash of what was typed. The memory is wiped; where it cannot be had, that
/// is an error and no end of the process.
pub(crate) fn stretch(
    cost: Cost,
    typed: &[u8],
    salt: &[u8],
    out: &mut [u8],
) -> Result<(), StretchError> {
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(out.len()));
    let params = params.map_err(|_| StretchError::Parameters)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);

    let count = cost.memory_kib as usize;
    let mut blocks: Vec<Block> = Vec::new();
    blocks.try_reserve_exact(count).map_err(|_| StretchError::Memory)?;
    blocks.resize(count, Block::default());

    let hashed = argon2.hash_password_into_with_memory(typed, salt, out, blocks.as_mut_slice());
    blocks.zeroize();
    hashed.map_err(|_| StretchError::Parameters)
}
