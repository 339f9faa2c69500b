//! What a witness sees, and what it signs.

use std::convert::Infallible;

use wardkey_tlog::{
    Checkpoint, Contradiction, Cosigner, Frontier, Growth, Hash, KeyName, Kind, Note, Signature,
    Signer, goes_on, proof,
};

const MOST: usize = 40;

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn entries(count: usize) -> Vec<Hash> {
    (0..count).map(|entry| Hash::of_entry(&[entry as u8])).collect()
}

fn checkpoint(origin: &str, entries: &[Hash]) -> Checkpoint {
    let mut frontier = Frontier::new();
    for entry in entries {
        frontier.push(*entry);
    }
    Checkpoint::new(origin, frontier.size(), frontier.root()).unwrap()
}

fn proof(before: usize, entries: &[Hash]) -> Vec<Hash> {
    let mut read = |_, at: u64| Ok::<_, Infallible>(entries[at as usize]);
    let size = entries.len() as u64;
    proof::consistency(before as u64, size, &mut read).unwrap().unwrap_or_default()
}

#[test]
fn only_a_log_that_was_added_to_goes_on() {
    for size in 0..MOST {
        let all = entries(size);
        for before in 0..=size {
            let seen = checkpoint("log", &all[..before]);
            let growth = if before == size { Growth::Same } else { Growth::Grown };
            let (shown, proof) = (checkpoint("log", &all), proof(before, &all));
            assert_eq!(goes_on(&seen, &shown, &proof), Ok(growth), "{before} of {size}");
            let other = checkpoint("other", &all);
            assert_eq!(goes_on(&seen, &other, &proof), Err(Contradiction::Renamed));
            if before < size {
                assert_eq!(goes_on(&shown, &seen, &[]), Err(Contradiction::Shorter));
            }
        }
    }
}

#[test]
fn whatever_entry_was_changed_the_log_does_not_go_on() {
    for size in 1..MOST {
        for at in 0..size {
            let mut changed = entries(size);
            changed[at] = Hash::of_entry(b"changed");
            for before in at + 1..=size {
                let seen = checkpoint("log", &entries(before));
                let shown = checkpoint("log", &changed);
                for proof in [proof(before, &changed), proof(before, &entries(size)), vec![]] {
                    let judged = goes_on(&seen, &shown, &proof);
                    assert_eq!(judged, Err(Contradiction::Forked), "{at}: {before} of {size}");
                }
            }
        }
    }
}

#[test]
fn a_cosigned_checkpoint_says_who_saw_it_and_when() {
    let log = Signer::new(name("log"), &[1; 32]);
    let witness = Cosigner::new(name("witness"), &[2; 32]);
    assert_eq!(witness.verifier().kind(), Kind::Cosignature);
    let mut note = checkpoint("log", &entries(3)).sign(&log).unwrap();
    let signature = note.cosign(&witness, 1_800_000_000);
    note.add(signature.clone());
    // The same key once, whenever it signs.
    note.add(note.cosign(&witness, 1_800_000_060));
    assert_eq!(note.signatures().len(), 2);

    let read = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(read, note);
    let keys = [log.verifier().clone(), witness.verifier().clone()];
    let opened = read.open(&keys).unwrap();
    let by: Vec<_> = opened.by().iter().map(|(name, time)| (name.as_str(), *time)).collect();
    assert_eq!(by, [("log", None), ("witness", Some(1_800_000_060))]);
    let line = signature.to_string();
    assert_eq!(Signature::parse(&line), Some(signature.clone()));
    assert!(signature.is_of(witness.verifier()) && !signature.is_of(log.verifier()));

    // It is of this text, and of no other.
    let mut other = checkpoint("log", &entries(4)).sign(&log).unwrap();
    other.add(signature);
    assert!(other.open(&keys).is_err());
    assert!(!format!("{witness:?}").contains(&"2".repeat(8)));
}
