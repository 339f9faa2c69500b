//! The key's side of a key agreement, as the specification has it (CTAP 2.1, 6.5.5 and 6.5.6): a
//! PIN that comes by a half of before is a wrong one.

use std::sync::{Arc, Mutex};

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, KeyInit};
use hidapi::scripted::Reply;
use minicbor::Decoder;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::{ProjectivePoint, PublicKey, Scalar};
use wardkey_core::codec::sha256;

use super::{AGREEMENT, About, TOKEN, agreement_of};

/// Whose PIN is "1234", by PIN protocol 1. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Agreeing {
    /// The private half of now. Small numbers do.
    half: Arc<Mutex<u64>>,
}

impl Agreeing {
    pub fn new() -> Self {
        Self { half: Arc::new(Mutex::new(1)) }
    }

    /// Another half, as after a loss of power.
    pub fn begin_anew(&self) {
        *self.half.lock().unwrap() += 1;
    }

    /// Its answer, where it has one of its own.
    pub fn answer(&self, about: About, payload: &[u8]) -> Option<Vec<Reply>> {
        match about {
            AGREEMENT => Some(vec![Reply::Cbor(0, self.public())]),
            TOKEN if !self.is_right(payload) => {
                self.begin_anew();
                Some(vec![Reply::Cbor(0x31, vec![])])
            }
            _ => None,
        }
    }

    fn scalar(&self) -> Scalar {
        Scalar::from(*self.half.lock().unwrap())
    }

    fn public(&self) -> Vec<u8> {
        let point = (ProjectivePoint::GENERATOR * self.scalar()).to_affine();
        agreement_of(point.x().as_ref(), point.y().as_ref())
    }

    /// Whether what came with getPinToken is the encrypted hash of the PIN.
    fn is_right(&self, payload: &[u8]) -> bool {
        let (theirs, encrypted) = read(payload);
        let shared = (theirs.to_projective() * self.scalar()).to_affine();
        let key: [u8; 32] = *sha256(shared.x().as_ref()).as_bytes();

        // One block of CBC, of which the first one has nothing before it.
        let mut block = aes::Block::from(<[u8; 16]>::try_from(&*encrypted).unwrap());
        Aes256::new(&key.into()).decrypt_block(&mut block);
        block[..] == sha256(b"1234").as_bytes()[..16]
    }
}

/// The half of who asks (3), and the encrypted hash (6).
fn read(payload: &[u8]) -> (PublicKey, Vec<u8>) {
    let mut d = Decoder::new(&payload[1..]);
    let (mut x, mut y, mut encrypted) = (vec![], vec![], vec![]);
    for _ in 0..d.map().unwrap().unwrap() {
        match d.u8().unwrap() {
            3 => {
                for _ in 0..d.map().unwrap().unwrap() {
                    match d.i8().unwrap() {
                        -2 => x = d.bytes().unwrap().to_vec(),
                        -3 => y = d.bytes().unwrap().to_vec(),
                        _ => d.skip().unwrap(),
                    }
                }
            }
            6 => encrypted = d.bytes().unwrap().to_vec(),
            _ => d.skip().unwrap(),
        }
    }
    let point = [&[4][..], &x, &y].concat();
    (PublicKey::from_sec1_bytes(&point).unwrap(), encrypted)
}
