//! A tree that grows at its right edge.

use crate::hash::Hash;
use crate::tile::{Level, Tile, WIDTH};

/// A tile that has become full, with its hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Full {
    /// Which one.
    pub tile: Tile,
    /// Its 256 hashes.
    pub hashes: Vec<Hash>,
}

/// The right edge of a tree: all that is needed to add entries and to say its root. At most 255
/// hashes of each level, whatever the size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// The partial tile of each level; empty where there is none.
    partial: Vec<Vec<Hash>>,
}

impl Frontier {
    /// Of a tree without entries.
    pub const fn new() -> Self {
        Self { size: 0, partial: Vec::new() }
    }

    /// Of a tree of so many entries, from the hashes of the partial tile of each level, the lowest
    /// level first; none when they are not as many as the size says.
    pub fn of(size: u64, partial: Vec<Vec<Hash>>) -> Option<Self> {
        let mut frontier = Self { size, partial };
        for (level, width) in Self::widths(size) {
            let row = frontier.partial.get(usize::from(level.number()));
            if row.map_or(0, Vec::len) != usize::from(width) {
                return None;
            }
        }
        let levels = Self::widths(size).count();
        frontier.partial.iter().skip(levels).all(Vec::is_empty).then(|| {
            frontier.partial.truncate(levels);
            frontier
        })
    }

    /// How many hashes the partial tile of each level has in a tree of so many entries, the lowest
    /// level first: 0 to 255.
    pub fn widths(size: u64) -> impl Iterator<Item = (Level, u16)> {
        std::iter::successors(Some(Level::ENTRIES), |level| level.above())
            .take_while(move |level| level.hashes(size) > 0)
            .map(move |level| {
                let width = level.hashes(size) % u64::from(WIDTH);
                (level, u16::try_from(width).unwrap_or(0))
            })
    }

    /// Entries in the tree.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds the hash of the next entry; the tiles that it completes, the lowest level first.
    pub fn push(&mut self, entry: Hash) -> Vec<Full> {
        let mut full = Vec::new();
        let mut next = Some((Level::ENTRIES, entry));
        while let Some((level, hash)) = next.take() {
            let at = usize::from(level.number());
            if self.partial.len() <= at {
                self.partial.push(Vec::new());
            }
            let Some(row) = self.partial.get_mut(at) else { break };
            row.push(hash);
            if row.len() == usize::from(WIDTH) {
                let hashes = std::mem::take(row);
                let index = level.hashes(self.size) / u64::from(WIDTH);
                next = level.above().map(|above| (above, whole(&hashes)));
                full.push(Full { tile: Tile::full(level, index), hashes });
            }
        }
        self.size = self.size.saturating_add(1);
        full
    }

    /// The partial tiles, the lowest level first.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        Self::widths(self.size).zip(&self.partial).filter_map(|((level, width), hashes)| {
            let index = level.hashes(self.size) / u64::from(WIDTH);
            Some((Tile::new(level, index, width)?, hashes.as_slice()))
        })
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut whole = Vec::new();
        for row in self.partial.iter().rev() {
            perfect_parts(row, &mut whole);
        }
        let mut from_the_right = whole.into_iter().rev();
        let last = from_the_right.next().unwrap_or_else(Hash::of_nothing);
        from_the_right.fold(last, |right, left| Hash::of_node(&left, &right))
    }
}

/// The hashes of the greatest perfect trees over a row, from the left.
fn perfect_parts(mut row: &[Hash], parts: &mut Vec<Hash>) {
    while let Some(height) = row.len().checked_ilog2() {
        let (part, rest) = row.split_at(1 << height);
        parts.push(whole(part));
        row = rest;
    }
}

/// The hash over a full tile: what the level above has of it. None of a tile that is not full.
pub fn over_full(hashes: &[Hash]) -> Option<Hash> {
    (hashes.len() == usize::from(WIDTH)).then(|| whole(hashes))
}

/// The hash over a row whose length is a power of two.
fn whole(row: &[Hash]) -> Hash {
    match row {
        [] => Hash::of_nothing(),
        [one] => *one,
        more => {
            let (left, right) = more.split_at(more.len() / 2);
            Hash::of_node(&whole(left), &whole(right))
        }
    }
}
