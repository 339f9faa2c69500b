//! Proofs: that an entry is in a tree, and that one tree goes on from another (RFC 6962, sections
//! 2.1.1 and 2.1.2; verified as RFC 9162, sections 2.1.3.2 and 2.1.4.2, says).
//!
//! They are made from the hashes that tiles have: `read` gives the hash at a place of a level, and
//! is asked only for what is in full and partial tiles of a tree of that size.

use crate::hash::Hash;
use crate::tile::Level;

/// A proof does not lead to the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not lead to this root")]
pub struct ProofUnfit;

/// Proves that the entry at a place is in the tree of this size; none when there is no such place.
///
/// # Errors
/// Those of `read`.
pub fn inclusion<E>(
    place: u64,
    size: u64,
    read: &mut impl FnMut(Level, u64) -> Result<Hash, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if place >= size {
        return Ok(None);
    }
    let (mut from, mut to, mut proof) = (0, size, Vec::new());
    while to - from > 1 {
        let split = from + left_part(to - from);
        if place < split {
            proof.push(range(split, to, read)?);
            to = split;
        } else {
            proof.push(range(from, split, read)?);
            from = split;
        }
    }
    proof.reverse();
    Ok(Some(proof))
}

/// Proves that the tree of one size is the beginning of the tree of another; none when it is the
/// greater one.
///
/// # Errors
/// Those of `read`.
pub fn consistency<E>(
    before: u64,
    size: u64,
    read: &mut impl FnMut(Level, u64) -> Result<Hash, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if before > size {
        return Ok(None);
    }
    let mut proof = Vec::new();
    if before == 0 || before == size {
        return Ok(Some(proof));
    }
    let (mut from, mut to) = (0, size);
    // Whoever verifies has the hash of the older tree, as long as nothing was left out of it.
    while before < to {
        let split = from + left_part(to - from);
        if before <= split {
            proof.push(range(split, to, read)?);
            to = split;
        } else {
            proof.push(range(from, split, read)?);
            from = split;
        }
    }
    if from > 0 {
        proof.push(range(from, to, read)?);
    }
    proof.reverse();
    Ok(Some(proof))
}

/// The root of the tree of this size.
///
/// # Errors
/// Those of `read`.
pub fn root<E>(size: u64, read: &mut impl FnMut(Level, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    if size == 0 { Ok(Hash::of_nothing()) } else { range(0, size, read) }
}

/// The hash over the entries of a part of the tree, as it stands in the tree.
fn range<E>(
    from: u64,
    to: u64,
    read: &mut impl FnMut(Level, u64) -> Result<Hash, E>,
) -> Result<Hash, E> {
    let count = to - from;
    if count.is_power_of_two() && from.is_multiple_of(count) {
        return perfect(count.trailing_zeros(), from / count, read);
    }
    let split = from + left_part(count);
    let left = range(from, split, read)?;
    Ok(Hash::of_node(&left, &range(split, to, read)?))
}

/// The hash of the node at a height and place of the binary tree.
fn perfect<E>(
    height: u32,
    place: u64,
    read: &mut impl FnMut(Level, u64) -> Result<Hash, E>,
) -> Result<Hash, E> {
    let (level, above) = Level::of_height(height);
    if above == 0 {
        return read(level, place);
    }
    let left = perfect(height - 1, place * 2, read)?;
    Ok(Hash::of_node(&left, &perfect(height - 1, place * 2 + 1, read)?))
}

/// The greatest power of two below a count of at least 2.
const fn left_part(count: u64) -> u64 {
    match (count - 1).checked_ilog2() {
        Some(height) => 1 << height,
        None => 1,
    }
}

/// Whether a proof shows that an entry with this hash is at a place of the tree.
///
/// # Errors
/// [`ProofUnfit`].
pub fn verify_inclusion(
    entry: &Hash,
    (place, size): (u64, u64),
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofUnfit> {
    if place >= size {
        return Err(ProofUnfit);
    }
    let (mut place, mut last) = (place, size - 1);
    let mut hash = *entry;
    for other in proof {
        if last == 0 {
            return Err(ProofUnfit);
        }
        if is_right(place) || place == last {
            hash = Hash::of_node(other, &hash);
            climb(&mut place, &mut last);
        } else {
            hash = Hash::of_node(&hash, other);
        }
        place >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(ProofUnfit) }
}

/// Whether a node stands to the right of its sibling.
const fn is_right(place: u64) -> bool {
    place & 1 == 1
}

/// Where nothing stands to the right, the node above is the same one.
fn climb(place: &mut u64, last: &mut u64) {
    while place.is_multiple_of(2) && *place > 0 {
        *place >>= 1;
        *last >>= 1;
    }
}

/// Whether a proof shows that a tree is the beginning of another. Every tree goes on from the one
/// without entries, and from itself; the proof of both is empty.
///
/// # Errors
/// [`ProofUnfit`].
pub fn verify_consistency(
    (before, before_root): (u64, &Hash),
    (size, root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ProofUnfit> {
    let holds = |holds| if holds { Ok(()) } else { Err(ProofUnfit) };
    if before > size {
        return Err(ProofUnfit);
    }
    if before == size {
        return holds(proof.is_empty() && before_root == root);
    }
    if before == 0 {
        return holds(proof.is_empty() && *before_root == Hash::of_nothing());
    }

    let (mut place, mut last) = (before - 1, size - 1);
    while is_right(place) {
        place >>= 1;
        last >>= 1;
    }
    // The proof of a perfect tree leaves out what whoever verifies has.
    let mut proof = before.is_power_of_two().then_some(before_root).into_iter().chain(proof);
    let first = *proof.next().ok_or(ProofUnfit)?;
    let (mut older, mut newer) = (first, first);
    for other in proof {
        if last == 0 {
            return Err(ProofUnfit);
        }
        if is_right(place) || place == last {
            older = Hash::of_node(other, &older);
            newer = Hash::of_node(other, &newer);
            climb(&mut place, &mut last);
        } else {
            newer = Hash::of_node(&newer, other);
        }
        place >>= 1;
        last >>= 1;
    }
    holds(last == 0 && older == *before_root && newer == *root)
}
