//! Proofs of one entry, as a text.

use std::convert::Infallible;

use wardkey_tlog::{
    Checkpoint, EntryProof, EntryProofError, Frontier, Hash, KeyName, Level, NoteError, Signer,
    proof,
};

const ORIGIN: &str = "example.org/log";

fn signer(secret: u8) -> Signer {
    Signer::new(KeyName::new(ORIGIN).unwrap(), &[secret; 32])
}

/// A proof of the entry "2" of five.
fn made() -> EntryProof {
    let entries: Vec<Hash> = ["0", "1", "2", "3", "4"].map(|e| Hash::of_entry(e.as_bytes())).into();
    let mut frontier = Frontier::new();
    for entry in &entries {
        frontier.push(*entry);
    }
    let mut read = |level: Level, place: u64| {
        assert_eq!(level, Level::ENTRIES);
        Ok::<_, Infallible>(entries[usize::try_from(place).unwrap()])
    };
    let path = proof::inclusion(2, 5, &mut read).unwrap().unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, 5, frontier.root()).unwrap();
    let checkpoint = checkpoint.sign(&signer(1)).unwrap();
    EntryProof { extra: b"2".to_vec(), place: 2, path, checkpoint }
}

#[test]
fn a_proof_is_read_back_and_holds_for_its_entry_alone() {
    let made = made();
    let text = made.to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra Mg==\nindex 2\n"), "{text}");
    let read = EntryProof::parse(&text).unwrap();
    assert_eq!(read, made);
    let keys = [signer(1).verifier().clone()];
    assert_eq!(read.verify(b"2", &keys).unwrap().size(), 5);
    assert!(matches!(read.verify(b"3", &keys), Err(EntryProofError::Unfit(_))));
    let elsewhere = EntryProof { place: 3, ..made.clone() };
    assert!(matches!(elsewhere.verify(b"2", &keys), Err(EntryProofError::Unfit(_))));
    let others = [signer(2).verifier().clone()];
    let unknown = Err(EntryProofError::Note(NoteError::Unknown));
    assert_eq!(read.verify(b"2", &others), unknown);

    let without = EntryProof { extra: vec![], ..made };
    assert!(!without.to_string().contains("extra"));
    assert_eq!(EntryProof::parse(&without.to_string()).unwrap(), without);
}

#[test]
fn what_is_no_proof_is_refused() {
    let text = made().to_string();
    for (from, to) in [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ("extra Mg==", "extra Mg"),
        ("extra Mg==\n", "extra Mg==\nextra Mg==\n"),
        ("index 2", "index 02"),
        ("index 2", "index +2"),
        ("index 2", "index"),
        ("index 2\n", ""),
        ("index 2\n", "index 2\nx\n"),
        ("\n\n", "\n"),
        ("example.org/log\n5\n", "example.org/log\n\n5\n"),
        ("\u{2014} ", "- "),
    ] {
        let wrong = text.replacen(from, to, 1);
        assert_ne!(wrong, text);
        let read = EntryProof::parse(&wrong);
        let keys = [signer(1).verifier().clone()];
        assert!(read.and_then(|read| read.verify(b"2", &keys)).is_err(), "{wrong}");
    }
    let hash = format!("{}\n", Hash::of_nothing());
    let long = text.replacen("index 2\n", &format!("index 2\n{}", hash.repeat(65)), 1);
    assert_eq!(EntryProof::parse(&long), Err(EntryProofError::Malformed));
}
