//! Answers that were published by others.

use wardkey_tlog::{Frontier, Hash, proof};

fn bytes(digits: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(digit).collect()
}

/// The entries and roots that the tests of Certificate Transparency's own implementations use
/// (certificate-transparency, transparency-dev/merkle).
#[test]
fn roots_are_those_of_certificate_transparency() {
    let entries = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root().as_bytes().as_slice(), bytes(roots[0]));
    for (entry, root) in entries.iter().zip(&roots[1..]) {
        frontier.push(Hash::of_entry(&bytes(entry)));
        assert_eq!(frontier.root().as_bytes().as_slice(), bytes(root));
    }
}

/// What Google's log Argon 2020 answered (`get-sth`, `get-proof-by-hash`, `get-sth-consistency`),
/// as the tests of Go's golang.org/x/mod/sumdb/tlog keep it.
const ARGON: &str = include_str!("../../vectors/argon2020.txt");

fn argon(name: &str) -> Vec<Hash> {
    let line = |line: &str| {
        let (of, hash) = line.split_once(' ')?;
        (of == name).then(|| Hash::from_base64(hash).unwrap())
    };
    ARGON.lines().filter_map(line).collect()
}

#[test]
fn proofs_of_a_log_of_others_hold_and_changed_ones_do_not() {
    const SIZE: u64 = 961_984_013;
    const OLDER: u64 = 3_654_490;
    let one = |name| argon(name)[0];
    let (root, older, entry) = (one("root"), one("older-root"), one("entry"));
    let (path, steps) = (argon("inclusion"), argon("consistency"));
    assert_eq!((path.len(), steps.len()), (30, 30));
    let included =
        |place, path: &[Hash]| proof::verify_inclusion(&entry, (place, SIZE), path, &root).is_ok();
    assert!(included(10_000, &path));
    assert!(!included(10_001, &path) && !included(SIZE, &path));
    let goes_on = |before, steps: &[Hash]| {
        proof::verify_consistency((before, &older), (SIZE, &root), steps).is_ok()
    };
    assert!(goes_on(OLDER, &steps));
    assert!(!goes_on(OLDER + 1, &steps) && !goes_on(SIZE + 1, &steps) && !goes_on(0, &steps));

    for at in 0..30 {
        let other = Hash::of_nothing();
        let (mut path, mut steps) = (path.clone(), steps.clone());
        (path[at], steps[at]) = (other, other);
        assert!(!included(10_000, &path) && !goes_on(OLDER, &steps), "{at}");
    }
    for (path, steps) in [(&path[1..], &steps[1..]), (&path[..29], &steps[..29])] {
        assert!(!included(10_000, path) && !goes_on(OLDER, steps));
    }
    let longer = |of: &[Hash]| [of, &[Hash::of_nothing()]].concat();
    assert!(!included(10_000, &longer(&path)) && !goes_on(OLDER, &longer(&steps)));
}
