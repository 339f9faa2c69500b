//! Fields that an older reader may pass over.
//!
//! A map's keys say what a reader does that does not know them: below [`PASSED_OVER_FROM`] it
//! refuses, as it would miss something that decides; from there on it passes the field over. The
//! one encoding of a document still holds: what is passed over must be deterministic CBOR too, and
//! all that is known must be byte for byte what this version writes.

/// The first key of fields that a reader who does not know them passes over.
pub const PASSED_OVER_FROM: u64 = 100;
/// How deep maps and arrays may be nested.
const DEPTH: usize = 16;

/// CBOR's major types (RFC 8949, section 3.1).
const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

/// Whether `whole` is `known` with nothing added but fields that may be passed over. Both are one
/// item; `known` is deterministic already.
pub fn adds_what_may_be_passed_over(whole: &[u8], known: &[u8]) -> bool {
    let (mut whole, mut known) = (Reader(whole), Reader(known));
    same(&mut whole, &mut known, DEPTH).is_some() && whole.0.is_empty() && known.0.is_empty()
}

/// The rest of what is read.
#[derive(Clone, Copy)]
struct Reader<'b>(&'b [u8]);

/// The head of an item: its major type, and its value or length.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    major: u8,
    value: u64,
}

impl<'b> Reader<'b> {
    /// The next head, in its shortest form. None for anything else: indefinite lengths, tags,
    /// floats.
    fn head(&mut self) -> Option<Head> {
        let (first, rest) = self.0.split_first()?;
        let (major, info) = (first >> 5, first & 0x1f);
        let length = match info {
            0..=23 => 0,
            24..=27 => 1usize << (info - 24),
            _ => return None,
        };
        let (bytes, rest) = rest.split_at_checked(length)?;
        let value = bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        self.0 = rest;

        let least = match length {
            // Of the simple values: false, true and null.
            0 if major == SIMPLE && !matches!(info, 20..=22) => return None,
            0 => return (major != TAG).then_some(Head { major, value: u64::from(info) }),
            1 => 24,
            2 => 1 << 8,
            4 => 1 << 16,
            _ => 1 << 32,
        };
        (value >= least && major != TAG && major != SIMPLE).then_some(Head { major, value })
    }

    /// So many bytes.
    fn take(&mut self, length: u64) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    /// Passes one item over, which must be deterministic.
    fn skip(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let head = self.head()?;
        match head.major {
            BYTES => self.take(head.value).map(drop),
            TEXT => std::str::from_utf8(self.take(head.value)?).is_ok().then_some(()),
            ARRAY => (0..head.value).try_for_each(|_| self.skip(depth)),
            MAP => {
                let mut last: Option<&[u8]> = None;
                (0..head.value).try_for_each(|_| {
                    let before = self.0;
                    self.skip(depth)?;
                    let key = before.get(..before.len() - self.0.len())?;
                    let ascends = last.replace(key).is_none_or(|last| last < key);
                    ascends.then_some(())?;
                    self.skip(depth)
                })
            }
            _ => Some(()),
        }
    }
}

/// Reads the same item of both.
fn same(whole: &mut Reader<'_>, known: &mut Reader<'_>, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let (theirs, ours) = (whole.head()?, known.head()?);
    if theirs.major == MAP && ours.major == MAP {
        return same_map(whole, theirs.value, known, ours.value, depth);
    }
    (theirs == ours).then_some(())?;
    match ours.major {
        BYTES | TEXT => (whole.take(theirs.value)? == known.take(ours.value)?).then_some(()),
        ARRAY => (0..ours.value).try_for_each(|_| same(whole, known, depth)),
        _ => Some(()),
    }
}

/// Reads a map of so many entries of each.
fn same_map(
    whole: &mut Reader<'_>,
    theirs: u64,
    known: &mut Reader<'_>,
    mut ours: u64,
    depth: usize,
) -> Option<()> {
    let mut last: Option<&[u8]> = None;
    for _ in 0..theirs {
        let before = whole.0;
        let key = whole.head()?;
        let bytes = before.get(..before.len() - whole.0.len())?;
        // Keys ascend by their bytes (RFC 8949, section 4.2.1), so none comes twice.
        last.replace(bytes).is_none_or(|last| last < bytes).then_some(())?;

        let mut next = *known;
        let is_known = ours > 0 && next.head() == Some(key);
        if is_known {
            *known = next;
            ours -= 1;
            // Keys are integers; a text as a key has more bytes than its head.
            if key.major == BYTES || key.major == TEXT {
                (whole.take(key.value)? == known.take(key.value)?).then_some(())?;
            }
            same(whole, known, depth)?;
        } else {
            (key.major == UNSIGNED && key.value >= PASSED_OVER_FROM).then_some(())?;
            whole.skip(depth)?;
        }
    }
    (ours == 0).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(whole: &str, known: &str) -> bool {
        let bytes = |text: &str| crate::id::from_hex(&text.replace(' ', "")).unwrap();
        adds_what_may_be_passed_over(&bytes(whole), &bytes(known))
    }

    #[test]
    fn fields_from_a_hundred_on_are_passed_over_wherever_maps_are() {
        // {0: 1, 2: [{0: "a"}]} and more
        let known = "a2 00 01 02 81 a1 00 61 61";
        for whole in [
            known,
            "a3 00 01 02 81 a1 00 61 61 18 64 00",
            "a3 00 01 02 81 a1 00 61 61 19 01 00 a1 61 78 82 20 f6",
            "a2 00 01 02 81 a2 00 61 61 18 c8 43 01 02 03",
            "a4 00 01 02 81 a2 00 61 61 18 64 f5 18 64 80 18 65 a0",
        ] {
            assert!(added(whole, known), "{whole}");
        }
        assert!(added("a1 18 64 00", "a0"), "a map of nothing known");
    }

    #[test]
    fn everything_else_is_refused() {
        let known = "a2 00 01 02 81 a1 00 61 61";
        for (whole, why) in [
            ("a3 00 01 02 81 a1 00 61 61 18 63 00", "a field that decides"),
            ("a3 00 01 01 00 02 81 a1 00 61 61", "a field that decides, in between"),
            ("a3 00 01 02 81 a1 00 61 61 20 00", "a negative key"),
            ("a3 00 01 02 81 a1 00 61 61 61 61 00", "a text as a key"),
            ("a1 00 01", "a field is missing"),
            ("a2 00 02 02 81 a1 00 61 61", "another value"),
            ("a2 00 01 02 82 a1 00 61 61 00", "a longer list"),
            ("a2 02 81 a1 00 61 61 00 01", "another order"),
            ("a3 18 64 00 00 01 02 81 a1 00 61 61", "another order of what is passed over"),
            ("a4 00 01 02 81 a1 00 61 61 18 64 00 18 64 00", "the same key twice"),
            ("a3 00 01 02 81 a1 00 61 61 19 00 64 00", "a key that is over-long"),
            ("a3 00 01 02 81 a1 00 61 61 18 64 18 01", "a value that is over-long"),
            ("bf 00 01 02 81 a1 00 61 61 18 64 00 ff", "an indefinite length"),
            (
                "a3 00 01 02 81 a1 00 61 61 18 64 9f ff",
                "an indefinite length in what is passed over",
            ),
            ("a3 00 01 02 81 a1 00 61 61 18 64 c0 00", "a tag"),
            ("a3 00 01 02 81 a1 00 61 61 18 64 f9 3c 00", "a float"),
            ("a3 00 01 02 81 a1 00 61 61 18 64 f7", "undefined"),
            ("a3 00 01 02 81 a1 00 61 61 18 64 f8 20", "a simple value that nobody has assigned"),
            ("a3 00 01 02 81 a1 00 61 61 18 64 62 c3 28", "a text that is no UTF-8"),
            (
                "a3 00 01 02 81 a1 00 61 61 18 64 a2 01 00 01 00",
                "a key twice in what is passed over",
            ),
            ("a3 00 01 02 81 a1 00 61 61 18 64", "an end in the middle"),
            (
                "a3 00 01 02 81 a1 00 61 61 18 64 5b ff ff ff ff ff ff ff ff",
                "a length beyond the end",
            ),
            ("a2 00 01 02 81 a1 00 61 61 00", "something after the end"),
        ] {
            assert!(!added(whole, known), "{why}: {whole}");
        }
        let deep = format!("a1 18 64 {} 00", "81".repeat(40));
        assert!(!added(&deep, "a0"), "nested without end");
    }
}
