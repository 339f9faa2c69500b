//! Documents with fields of a later version, from the signature to the person's record.

use crate::later::with_field;
use coset::CborSerializable;
use ed25519_dalek::Signer;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::directory::{Bucket, Leaf, bucket_of, leaf_key, state_root};
use wardkey_core::marks::Marks;
use wardkey_core::sign;
use wardkey_core::snapshot::{ScopeEvidence, Snapshot};
use wardkey_testkit::{Deployment, login, signing};

/// Bytes as a later version's document, signed by the key of `seed`.
fn signed(seed: u8, payload: &[u8]) -> Vec<u8> {
    let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
    let protected = coset::HeaderBuilder::new().algorithm(coset::iana::Algorithm::EdDSA).build();
    let unprotected =
        coset::HeaderBuilder::new().key_id(sign::key_id(&signing(seed).public()).to_vec()).build();
    coset::CoseSign1Builder::new()
        .protected(protected)
        .unprotected(unprotected)
        .payload(payload.to_vec())
        .create_signature(b"", |bytes| key.sign(bytes).to_bytes().to_vec())
        .build()
        .to_vec()
        .unwrap()
}

#[test]
fn documents_of_a_later_version_log_somebody_in_by_what_this_one_knows() {
    let world = Deployment::new();
    let (root, publish) = (world.root_seed, world.publish_seed);
    let plain = Snapshot::verify(
        &world.evidence("hanako"),
        &world.anchor(),
        &Marks::default(),
        &login("hanako"),
    );
    // (key of the new field, whether it is passed over)
    for (key, is_taken) in [(100, true), (4_000_000, true), (99, false)] {
        let later = |bytes: Vec<u8>| with_field(&bytes, key, true);
        let mut evidence = world.evidence("hanako");
        let mut roots = evidence.roots.to_vec();
        roots[0].by_itself =
            Bytes::new(signed(root, &later(codec::to_bytes(&world.root)))).unwrap();
        evidence.roots = List::new(roots).unwrap();
        evidence.terminal =
            Bytes::new(signed(publish, &later(codec::to_bytes(&world.terminal)))).unwrap();
        let scopes =
            world.scopes.iter().zip(evidence.scopes.iter()).map(|((state, policy), shown)| {
                let mut proof = shown.proof.clone();
                let mut head = state.head.clone();
                let policy = later(codec::to_bytes(policy));
                head.policy = codec::sha256(&policy);
                if let Some(record) = &proof.record {
                    let record = later(record.as_slice().to_vec());
                    let key = leaf_key(&login("hanako"));
                    let leaves = proof.bucket.0.iter().map(|leaf| {
                        if leaf.key == key {
                            Leaf { key, value: codec::sha256(&record) }
                        } else {
                            *leaf
                        }
                    });
                    proof.bucket = Bucket::new(leaves.collect()).unwrap();
                    proof.record = Some(Bytes::new(record).unwrap());
                    let mut hashes = proof.others.to_vec();
                    hashes.insert(usize::from(bucket_of(&key)), proof.bucket.hash());
                    head.root = state_root(&hashes).unwrap();
                }
                let head = Bytes::new(signed(publish, &later(codec::to_bytes(&head)))).unwrap();
                ScopeEvidence { head, policy: Bytes::new(policy).unwrap(), proof }
            });
        evidence.scopes = List::new(scopes.collect()).unwrap();
        let shown =
            Snapshot::verify(&evidence, &world.anchor(), &Marks::default(), &login("hanako"));
        assert_eq!(shown.is_ok(), is_taken, "{key}: {shown:?}");
        if let Ok(shown) = shown {
            let of = |snapshot: &Snapshot| format!("{:?}", snapshot.records().collect::<Vec<_>>());
            assert_eq!(of(&shown), of(plain.as_ref().unwrap()));
        }
    }
}
