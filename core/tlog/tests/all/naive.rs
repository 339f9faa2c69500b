//! The code against the definitions of RFC 6962, section 2.1, written down as they stand there.

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;
use wardkey_tlog::{Frontier, Hash, Level, Tile, WIDTH, proof, since};

/// MTH(D[n]).
fn root(entries: &[Hash]) -> Hash {
    match entries {
        [] => Hash::of_nothing(),
        [one] => *one,
        _ => {
            let (left, right) = entries.split_at(split(entries.len()));
            Hash::of_node(&root(left), &root(right))
        }
    }
}

/// The largest power of two smaller than n.
fn split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// PATH(m, D[n]).
fn path(m: usize, entries: &[Hash]) -> Vec<Hash> {
    if entries.len() == 1 {
        return vec![];
    }
    let k = split(entries.len());
    let (left, right) = entries.split_at(k);
    let (mut proof, other) =
        if m < k { (path(m, left), root(right)) } else { (path(m - k, right), root(left)) };
    proof.push(other);
    proof
}

/// SUBPROOF(m, D[n], b).
fn subproof(m: usize, entries: &[Hash], whole: bool) -> Vec<Hash> {
    if m == entries.len() {
        return if whole { vec![] } else { vec![root(entries)] };
    }
    let k = split(entries.len());
    let (left, right) = entries.split_at(k);
    let (mut proof, other) = if m <= k {
        (subproof(m, left, whole), root(right))
    } else {
        (subproof(m - k, right, false), root(left))
    };
    proof.push(other);
    proof
}

fn entries(count: usize) -> Vec<Hash> {
    (0..count).map(|number| Hash::of_entry(&number.to_be_bytes())).collect()
}

/// A tree, and every tile of it.
fn grown(entries: &[Hash]) -> (Frontier, BTreeMap<Tile, Vec<Hash>>) {
    let (mut frontier, mut tiles) = (Frontier::new(), BTreeMap::new());
    for entry in entries {
        tiles.extend(frontier.push(*entry).into_iter().map(|full| (full.tile, full.hashes)));
    }
    tiles.extend(frontier.partial().map(|(tile, hashes)| (tile, hashes.to_vec())));
    (frontier, tiles)
}

/// Reads a hash out of tiles.
fn reader(tiles: &BTreeMap<Tile, Vec<Hash>>) -> impl FnMut(Level, u64) -> Result<Hash, Infallible> {
    move |level, place| {
        let width = u64::from(WIDTH);
        let found = tiles
            .iter()
            .find(|(tile, _)| tile.level() == level && tile.index() == place / width)
            .unwrap_or_else(|| panic!("no tile has {level:?} {place}"));
        Ok(found.1[usize::try_from(place % width).unwrap()])
    }
}

#[test]
fn every_small_tree_and_every_proof_of_it_is_that_of_the_definitions() {
    let all = entries(71);
    for size in 0..=70 {
        let (frontier, tiles) = grown(&all[..size]);
        let whole = frontier.root();
        assert_eq!(whole, root(&all[..size]));
        let mut read = reader(&tiles);
        let long = size as u64;
        assert_eq!(proof::root(long, &mut read).unwrap(), whole);
        for place in 0..size {
            let at = place as u64;
            let made = proof::inclusion(at, long, &mut read).unwrap().unwrap();
            assert_eq!(made, path(place, &all[..size]));
            for (other, entry) in all[..size].iter().enumerate() {
                let shown = proof::verify_inclusion(entry, (at, long), &made, &whole);
                assert_eq!(shown.is_ok(), other == place);
            }
        }
        assert_eq!(proof::inclusion(long, long, &mut read), Ok(None));
        for before in 0..=size {
            let made = proof::consistency(before as u64, long, &mut read).unwrap().unwrap();
            if before > 0 {
                assert_eq!(made, subproof(before, &all[..size], true), "{before} of {size}");
            }
            let older = root(&all[..before]);
            let shows = |before: u64, older: &Hash| {
                proof::verify_consistency((before, older), (long, &whole), &made).is_ok()
            };
            assert!(shows(before as u64, &older), "{before} of {size}");
            let other = root(&all[1..=before]);
            assert!(before == 0 || !shows(before as u64, &other), "{before} of {size}");
        }
        assert_eq!(proof::consistency(long + 1, long, &mut read), Ok(None));
    }
}

#[test]
fn tiles_of_several_levels_are_hashes_of_the_tiles_below() {
    let all = entries(70_000);
    let (frontier, tiles) = grown(&all);
    assert_eq!(frontier.root(), root(&all));
    assert_eq!(tiles.keys().copied().collect::<Vec<_>>(), {
        let mut wanted: Vec<Tile> = since(0, 70_000).collect();
        wanted.sort();
        wanted
    });
    for (tile, hashes) in &tiles {
        assert_eq!(hashes.len(), usize::from(tile.width()));
        let span = 256_usize.pow(tile.level().number().into());
        let first = usize::try_from(tile.first()).unwrap();
        for at in [0, hashes.len() - 1] {
            let from = (first + at) * span;
            assert_eq!(hashes[at], root(&all[from..from + span]), "{tile:?} {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_tree_goes_on_from_its_right_edge_alone(before in 0_usize..1500, more in 0_usize..700) {
        let all = entries(before + more);
        let (frontier, _) = grown(&all[..before]);
        let rows = Frontier::widths(before as u64)
            .map(|(level, width)| {
                let has = frontier.partial().find(|(tile, _)| tile.level() == level);
                assert_eq!(has.map_or(0, |(_, row)| row.len()), usize::from(width));
                has.map(|(_, row)| row.to_vec()).unwrap_or_default()
            })
            .collect();
        let mut again = Frontier::of(before as u64, rows).unwrap();
        prop_assert_eq!(&again, &frontier);
        for entry in &all[before..] {
            again.push(*entry);
        }
        prop_assert_eq!(again.root(), root(&all));
        prop_assert_eq!(again.size(), all.len() as u64);
    }

    #[test]
    fn proofs_in_a_tree_of_several_tiles_are_those_of_the_definitions(
        size in 1_usize..2000,
        place: prop::sample::Index,
        before: prop::sample::Index,
        changed: prop::sample::Index,
    ) {
        let all = entries(size);
        let (frontier, tiles) = grown(&all);
        let (whole, long, mut read) = (frontier.root(), size as u64, reader(&tiles));
        let place = place.index(size);
        let before = before.index(size) + 1;
        let made = proof::inclusion(place as u64, long, &mut read).unwrap().unwrap();
        prop_assert_eq!(&made, &path(place, &all));
        let (at, entry) = ((place as u64, long), &all[place]);
        prop_assert!(proof::verify_inclusion(entry, at, &made, &whole).is_ok());
        let steps = proof::consistency(before as u64, long, &mut read).unwrap().unwrap();
        prop_assert_eq!(&steps, &subproof(before, &all, true));
        let older = root(&all[..before]);
        let (before, now) = ((before as u64, &older), (long, &whole));
        prop_assert!(proof::verify_consistency(before, now, &steps).is_ok());

        if !made.is_empty() {
            let mut made = made;
            let one = changed.index(made.len());
            made[one] = Hash::of_nothing();
            prop_assert!(proof::verify_inclusion(entry, at, &made, &whole).is_err());
        }
        if !steps.is_empty() {
            let mut steps = steps;
            let one = changed.index(steps.len());
            steps[one] = Hash::of_nothing();
            prop_assert!(proof::verify_consistency(before, now, &steps).is_err());
        }
    }
}

#[test]
fn a_right_edge_that_does_not_fit_its_size_is_none() {
    let row = |count| vec![Hash::of_nothing(); count];
    assert!(Frontier::of(0, vec![]).is_some());
    assert!(Frontier::of(3, vec![row(3)]).is_some());
    assert!(Frontier::of(256, vec![row(0), row(1)]).is_some());
    assert!(Frontier::of(3, vec![row(2)]).is_none());
    assert!(Frontier::of(3, vec![row(3), row(1)]).is_none());
    assert!(Frontier::of(256, vec![row(0)]).is_none());
    assert!(Frontier::of(0, vec![row(1)]).is_none());
}
