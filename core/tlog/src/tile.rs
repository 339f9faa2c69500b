//! Tiles: runs of 256 hashes of one level, and where they are served (tlog-tiles, "Merkle Tree").
//!
//! ```text
//!   level 1   ├ hash of tile 0 ┤├ hash of tile 1 ┤ ...        a hash for 256 entries
//!   level 0   256 hashes         256 hashes       112 of them  a hash for each entry
//! ```
//! The last tile of a level may be partial. It counts for no hash of the level above.

/// Hashes in a full tile; entries in a full bundle.
pub const WIDTH: u16 = 256;
/// Levels of the binary tree in a tile.
const HEIGHT: u32 = 8;
/// The highest level that has a name.
const HIGHEST: u8 = 63;

/// A level of tiles: a hash of level `n` stands for 256 to the power of `n` entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// The lowest: hashes of entries.
    pub const ENTRIES: Self = Self(0);

    /// A level from 0 to 63. Trees of 2^64 entries end at 7.
    pub const fn new(number: u8) -> Option<Self> {
        if number <= HIGHEST { Some(Self(number)) } else { None }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The level whose hashes stand for tiles of this one; none above the highest.
    pub const fn above(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }

    /// How many hashes this level has in a tree of so many entries.
    pub fn hashes(self, size: u64) -> u64 {
        size.checked_shr(u32::from(self.0) * HEIGHT).unwrap_or(0)
    }

    /// The level of the nodes at a height of the binary tree, and how far above it they are.
    pub(crate) fn of_height(height: u32) -> (Self, u32) {
        // Heights of a tree of 2^64 entries are below 65.
        (Self(u8::try_from(height / HEIGHT).unwrap_or(HIGHEST)), height % HEIGHT)
    }
}

/// A tile, and the bundle of entries that belongs to one of the lowest level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: Level,
    index: u64,
    /// From 1 to 256.
    width: u16,
}

impl Tile {
    /// A tile of a width; none when that is not from 1 to 256.
    pub fn new(level: Level, index: u64, width: u16) -> Option<Self> {
        (1..=WIDTH).contains(&width).then_some(Self { level, index, width })
    }

    /// A full one.
    pub const fn full(level: Level, index: u64) -> Self {
        Self { level, index, width: WIDTH }
    }

    /// Its level.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Which one of its level, from 0.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes are in it: 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it never changes any more.
    pub const fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// The place of its first hash in the level.
    pub const fn first(&self) -> u64 {
        self.index.saturating_mul(WIDTH as u64)
    }

    /// Where it is served, below the log's prefix.
    pub fn path(&self) -> String {
        self.below(&format!("tile/{}", self.level.0))
    }

    /// Where the entries are served whose hashes are in it; none above the lowest level.
    pub fn bundle_path(&self) -> Option<String> {
        (self.level == Level::ENTRIES).then(|| self.below("tile/entries"))
    }

    fn below(&self, folder: &str) -> String {
        let mut path = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            path = format!("x{:03}/{path}", rest % 1000);
            rest /= 1000;
        }
        let end = if self.is_full() { String::new() } else { format!(".p/{}", self.width) };
        format!("{folder}/{path}{end}")
    }

    /// The tile at a path of [`Self::path`]; none for any other text.
    pub fn at(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let tile = Self::named(Level::new(level.parse().ok()?)?, rest)?;
        // One text for each: no other number of zeros, no sign.
        (tile.path() == path).then_some(tile)
    }

    /// The tile whose entries are at a path of [`Self::bundle_path`]; none for any other text.
    pub fn of_bundle(path: &str) -> Option<Self> {
        let tile = Self::named(Level::ENTRIES, path.strip_prefix("tile/entries/")?)?;
        (tile.bundle_path().as_deref() == Some(path)).then_some(tile)
    }

    fn named(level: Level, path: &str) -> Option<Self> {
        let (number, width) = match path.split_once(".p/") {
            Some((number, width)) => {
                let width: u16 = width.parse().ok()?;
                (number, Some(width).filter(|width| *width < WIDTH)?)
            }
            None => (path, WIDTH),
        };
        let mut index = 0u64;
        for part in number.split('/') {
            let digits = part.strip_prefix('x').unwrap_or(part);
            let part: u16 = digits.parse().ok()?;
            index = index.checked_mul(1000)?.checked_add(part.into())?;
        }
        Self::new(level, index, width)
    }
}

/// The tiles of a tree of `size` entries that a tree of `before` entries does not have, from the
/// lowest level on: what was added, and partial ones that have become wider.
pub fn since(before: u64, size: u64) -> impl Iterator<Item = Tile> {
    (0..=HIGHEST).map(Level).take_while(move |level| level.hashes(size) > 0).flat_map(
        move |level| {
            let (had, has) = (level.hashes(before), level.hashes(size));
            let width = u64::from(WIDTH);
            let first = if had < has { had / width } else { has.div_ceil(width) };
            (first..has.div_ceil(width)).filter_map(move |index| {
                let left = has.saturating_sub(index.saturating_mul(width)).min(width);
                Tile::new(level, index, u16::try_from(left).ok()?)
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(level: u8, index: u64, width: u16) -> Tile {
        Tile::new(Level::new(level).unwrap(), index, width).unwrap()
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        for (made, path) in [
            (tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),
            (tile(0, 0, 1), "tile/0/000.p/1"),
            (tile(1, 999, 255), "tile/1/999.p/255"),
            (tile(63, 1000, 256), "tile/63/x001/000"),
            (tile(2, u64::MAX, 7), "tile/2/x018/x446/x744/x073/x709/x551/615.p/7"),
        ] {
            assert_eq!(made.path(), path);
            assert_eq!(Tile::at(path), Some(made));
        }
        let entries = "tile/entries/x001/x234/067.p/9";
        assert_eq!(tile(0, 1_234_067, 9).bundle_path().as_deref(), Some(entries));
        assert_eq!(Tile::of_bundle(entries), Some(tile(0, 1_234_067, 9)));
        assert_eq!(tile(1, 0, 9).bundle_path(), None);
    }

    #[test]
    fn no_other_text_names_a_tile() {
        for path in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/000",
            "tile/0/001/000",
            "tile/0/x001/x000",
            "tile/0/x001/00",
            "tile/00/000",
            "tile/+0/000",
            "tile/64/000",
            "tile/entries/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/+1",
            "tile/0/000.p/",
            "tile/0/000.p/1/",
            "/tile/0/000",
            "tile/0/../000",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
        ] {
            assert_eq!(Tile::at(path), None, "{path}");
        }
        assert_eq!(Tile::of_bundle("tile/0/000"), None);
    }

    #[test]
    fn a_tree_has_the_tiles_of_the_specification() {
        let of = |size| since(0, size).collect::<Vec<_>>();
        let all = of(70_000);
        let level = |number| all.iter().filter(move |tile| tile.level().number() == number);
        assert_eq!(level(0).filter(|tile| tile.is_full()).count(), 273);
        assert_eq!(level(0).next_back(), Some(&tile(0, 273, 112)));
        assert_eq!(level(1).collect::<Vec<_>>(), [&tile(1, 0, 256), &tile(1, 1, 17)]);
        assert_eq!(level(2).collect::<Vec<_>>(), [&tile(2, 0, 1)]);
        assert_eq!(of(256), [tile(0, 0, 256), tile(1, 0, 1)]);
        assert_eq!(of(0), []);
        assert_eq!(of(1), [tile(0, 0, 1)]);
    }

    #[test]
    fn what_is_added_is_all_that_differs() {
        for (before, size) in [(0, 3), (3, 3), (3, 255), (255, 256), (256, 257), (300, 66_000)] {
            let had: Vec<Tile> = since(0, before).collect();
            let wanted: Vec<Tile> = since(0, size).filter(|tile| !had.contains(tile)).collect();
            assert_eq!(since(before, size).collect::<Vec<_>>(), wanted, "{before} {size}");
        }
    }
}
