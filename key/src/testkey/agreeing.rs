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

/// By PIN protocol 1. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Agreeing {
    pin: &'static str,
    /// The private half of now. Small numbers do.
    half: Arc<Mutex<u64>>,
}

impl Agreeing {
    /// Whose PIN is "1234".
    pub fn new() -> Self {
        Self::with_pin("1234")
    }

    pub fn with_pin(pin: &'static str) -> Self {
        Self { pin, half: Arc::new(Mutex::new(1)) }
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
    pub fn is_right(&self, payload: &[u8]) -> bool {
        let (theirs, encrypted) = read(payload);
        decrypt(&self.shared(&theirs), &encrypted) == sha256(self.pin.as_bytes()).as_bytes()[..16]
    }

    /// What both halves make.
    fn shared(&self, theirs: &PublicKey) -> [u8; 32] {
        let shared = (theirs.to_projective() * self.scalar()).to_affine();
        *sha256(shared.x().as_ref()).as_bytes()
    }

    /// The token that whoever sent this request makes of an encrypted one.
    pub fn token_of(&self, payload: &[u8], encrypted: &[u8]) -> Vec<u8> {
        decrypt(&self.shared(&read(payload).0), encrypted)
    }
}

/// CBC, in which the first block has nothing before it.
fn decrypt(key: &[u8; 32], encrypted: &[u8]) -> Vec<u8> {
    let cipher = Aes256::new(&(*key).into());
    let mut before = [0; 16];
    let mut plain = Vec::new();
    for chunk in encrypted.chunks(16) {
        let chunk = <[u8; 16]>::try_from(chunk).unwrap();
        let mut block = aes::Block::from(chunk);
        cipher.decrypt_block(&mut block);
        plain.extend(block.iter().zip(before).map(|(byte, before)| byte ^ before));
        before = chunk;
    }
    plain
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
