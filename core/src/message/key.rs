//! What the module, the command line and the agent say to the key process, and its answers.
//!
//! One connection is one process on one open device at a time: what was identified is what gets the
//! PIN.

mod by_code;
mod enrolling;
mod pin;

use minicbor::{Decode, Encode};

use crate::code::Code;
use crate::codec::{Bytes, Document, List};
use crate::id::{Aaguid, CredentialId, SigningPublicKey};
use crate::name::RpId;
use crate::proof::identification::IdentifyData;

pub use by_code::{HashCode, SignByCode};
pub use enrolling::{ForcePinChange, KeyCredential, MAX_EXCLUDE, MakeCredential};
pub use pin::Pin;

/// Credential ids in one identification.
pub const MAX_ALLOW: usize = 512;
/// Devices that one identification looks at.
pub const MAX_DEVICES: usize = 16;

/// A request.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Request {
    /// The keys that are plugged. Answer: [`Reply::Keys`].
    #[n(0)]
    List,
    /// Tell of keys plugged and unplugged, until the caller hangs up. Answers: [`Reply::Keys`] at
    /// once and after each change.
    #[n(1)]
    Watch,
    /// Wait for a key and have it say whose it is, without PIN or touch. Answers: [`Reply::Insert`]
    /// when none is plugged, [`Reply::Unregistered`] when those that are hold none of the
    /// credentials, then [`Reply::Identified`].
    #[n(2)]
    Identify(#[n(0)] Identify),
    /// Sign with the identified key. Answers: [`Reply::Touch`], then [`Reply::Assertion`].
    #[n(3)]
    Assert(#[n(0)] Assert),
    /// Make a credential on the one key that is plugged (waits for it). Answers: [`Reply::Insert`],
    /// `Touch`, then [`Reply::Credential`].
    #[n(4)]
    MakeCredential(#[n(0)] Box<MakeCredential>),
    /// Change the PIN of the one key that is plugged. Answer: [`Reply::Done`].
    #[n(5)]
    ChangePin {
        /// The PIN so far.
        #[n(0)]
        old: Pin,
        /// The PIN from now on.
        #[n(1)]
        new: Pin,
    },
    /// Set the first PIN of the one key that is plugged. Answer: [`Reply::Done`].
    #[n(6)]
    SetPin(#[n(0)] Pin),
    /// Give up what is under way. Answer: [`Reply::Failed`] with [`Code::Cancelled`] to that.
    #[n(7)]
    Cancel,
    /// What was identified proved nothing: leave these devices alone while they stay plugged, and
    /// go on with the identification. Answers: as to [`Request::Identify`].
    #[n(8)]
    PassOver(#[n(0)] List<String, MAX_DEVICES>),
    /// Wait for a touch of the key that was identified at this device node, without PIN: which of
    /// several is meant? Answers: [`Reply::Touch`], then [`Reply::Done`].
    #[n(9)]
    Touch {
        /// The device node.
        #[n(0)]
        path: String,
        /// Milliseconds to wait.
        #[n(1)]
        wait_ms: u32,
    },
    /// Further credentials for the identification, after [`Reply::NoneYet`]. Answers: as to
    /// [`Request::Identify`].
    #[n(10)]
    AskFurther {
        /// The credentials.
        #[n(0)]
        allow: List<CredentialId, MAX_ALLOW>,
        /// There are still more, as in [`Identify::more`].
        #[n(1)]
        more: bool,
    },
    /// Change the PIN of the key that was identified (root). Answer: [`Reply::Done`].
    #[n(11)]
    ChangePinOf(#[n(0)] ChangePinOf),
    /// Have the one key that is plugged in ask for another PIN before it takes this one again.
    /// Answer: [`Reply::Done`].
    #[n(70)]
    ForcePinChange(#[n(0)] ForcePinChange),
    /// Sign with the identified key, which verifies a finger by its own sensor in place of a PIN.
    /// Answers: [`Reply::Touch`], then [`Reply::Assertion`].
    #[n(80)]
    AssertByFinger(#[n(0)] AssertByFinger),
    /// Make the key pair of a code and sign with it (root). No security key is asked. Answer:
    /// [`Reply::SignedByCode`].
    #[n(30)]
    SignByCode(#[n(0)] SignByCode),
    /// Make the key pair of a code, and say its public key (root). No security key is asked.
    /// Answer: [`Reply::KeyOfCode`].
    #[n(60)]
    HashCode(#[n(0)] HashCode),
}

/// Wait for a key and have it say whose it is.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Identify {
    /// Relying party id.
    #[n(0)]
    pub rp_id: RpId,
    /// Credentials to look for, the active ones and disabled ones alike.
    #[n(1)]
    pub allow: List<CredentialId, MAX_ALLOW>,
    /// Milliseconds to wait for a key.
    #[n(2)]
    pub wait_ms: u32,
    /// [`IdentifyData`] as bytes; the key signs its SHA-256, silently. Modules of before proofs do
    /// not say it, and are refused.
    #[n(3)]
    pub client_data: Bytes<{ IdentifyData::MAX_BYTES }>,
    /// Ask every device that is plugged before answering, as keys of several people may be meant.
    /// Otherwise the first that answers with a credential is told at once.
    #[n(4)]
    pub every: bool,
    /// There are more credentials than fit here: say [`Reply::NoneYet`] when no key holds one of
    /// these. Older modules do not say it.
    #[n(5)]
    pub more: Option<bool>,
}

/// Sign with the identified key.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Assert {
    /// The PIN.
    #[n(0)]
    pub pin: Pin,
    /// Client data; the key signs its SHA-256.
    #[n(1)]
    pub client_data: Bytes<1024>,
    /// The credential that was identified.
    #[n(2)]
    pub credential: CredentialId,
    /// Milliseconds for PIN and touch together.
    #[n(3)]
    pub wait_ms: u32,
    /// Device node of the key that proved itself: no other gets the PIN, whatever it claims to
    /// hold.
    #[n(4)]
    pub path: String,
}

/// Sign with the identified key by a finger. Only for a key process that said of the key
/// [`KeyDetails::fingerprint`].
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct AssertByFinger {
    /// Client data; the key signs its SHA-256.
    #[n(0)]
    pub client_data: Bytes<1024>,
    /// The credential that was identified.
    #[n(1)]
    pub credential: CredentialId,
    /// Milliseconds for finger and touch together.
    #[n(2)]
    pub wait_ms: u32,
    /// Device node of the key that proved itself, as in [`Assert::path`].
    #[n(3)]
    pub path: String,
}

/// Change the PIN of the key that was identified.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct ChangePinOf {
    /// The PIN so far.
    #[n(0)]
    pub old: Pin,
    /// The PIN from now on.
    #[n(1)]
    pub new: Pin,
    /// The credential that was identified.
    #[n(2)]
    pub credential: CredentialId,
    /// Device node of the key that proved itself, as in [`Assert::path`].
    #[n(3)]
    pub path: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Reply {
    /// The keys that are plugged.
    #[n(0)]
    Keys(#[n(0)] List<KeyInfo, 16>),
    /// No key is plugged; waiting for one.
    #[n(1)]
    Insert,
    /// A key is there and this is what it is.
    #[n(2)]
    Identified(#[n(0)] Identified),
    /// The key waits to be touched.
    #[n(3)]
    Touch,
    /// The key signed.
    #[n(4)]
    Assertion(#[n(0)] KeyAssertion),
    /// The key made a credential.
    #[n(5)]
    Credential(#[n(0)] KeyCredential),
    /// Done.
    #[n(6)]
    Done,
    /// It did not work.
    #[n(7)]
    Failed(#[n(0)] KeyFailure),
    /// Keys are plugged, and none holds one of the credentials; waiting for another. The code says
    /// why: [`Code::KeyNotRegistered`], [`Code::KeyCannotIdentify`] or [`Code::PinMustChange`].
    #[n(8)]
    Unregistered(#[n(0)] Code),
    /// A key is plugged, and none holds one of the credentials named so far; there are more of
    /// them. The caller names them ([`Request::AskFurther`]).
    #[n(9)]
    NoneYet,
    /// What the code signed.
    #[n(30)]
    SignedByCode(#[n(0)] Bytes<64>),
    /// The public key that is made of a code.
    #[n(60)]
    KeyOfCode(#[n(0)] SigningPublicKey),
}

/// A plugged key.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct KeyInfo {
    /// Device node, for example `/dev/hidraw0`.
    #[n(0)]
    pub path: String,
    /// USB vendor.
    #[n(1)]
    pub vendor: u16,
    /// USB product.
    #[n(2)]
    pub product: u16,
    /// Name that the device gives itself, printable.
    #[n(3)]
    pub name: String,
    /// What getInfo says; absent when the key did not answer.
    #[n(4)]
    pub details: Option<KeyDetails>,
    /// Why it did not; absent for one that was not asked.
    #[n(5)]
    pub problem: Option<Code>,
}

/// What getInfo says of a key.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct KeyDetails {
    /// Model.
    #[n(0)]
    pub aaguid: Aaguid,
    /// Protocol versions.
    #[n(1)]
    pub versions: List<String, 16>,
    /// A PIN is set.
    #[n(2)]
    pub pin_set: bool,
    /// The PIN must be changed before use.
    #[n(3)]
    pub pin_must_change: bool,
    /// Least PIN length in characters.
    #[n(4)]
    pub min_pin_length: u8,
    /// PIN tries left, when asked.
    #[n(5)]
    pub pin_tries: Option<u8>,
    /// True: it can be told how long PINs have to be, and to ask for another one (CTAP 2.1,
    /// 6.11.4). Older key processes do not say it.
    #[n(6)]
    pub takes_pin_rules: Option<bool>,
    /// True: it has a sensor, and knows a finger. Older key processes do not say it.
    #[n(7)]
    pub fingerprint: Option<bool>,
}

impl KeyDetails {
    /// Whether a login goes by a finger first: where the PIN could be used as well.
    pub fn takes_finger(&self) -> bool {
        self.fingerprint == Some(true) && self.hindrance(false).is_none()
    }

    /// Why no PIN is asked for, if something stands in the way. With `changes_pin` the PIN is to be
    /// changed, so that it must be is no hindrance.
    pub fn hindrance(&self, changes_pin: bool) -> Option<Code> {
        match self.pin_tries {
            _ if !self.pin_set => Some(Code::PinNotSet),
            Some(0) => Some(Code::PinBlocked),
            _ if self.pin_must_change && !changes_pin => Some(Code::PinMustChange),
            _ => None,
        }
    }
}

/// A device answered with one of the credentials. It claims to hold it; whether that is true, the
/// proof says.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Identified {
    /// The key.
    #[n(0)]
    pub key: KeyInfo,
    /// The credential that it claims. (Key processes of before proofs say it alone.)
    #[n(1)]
    pub credential: Option<CredentialId>,
    /// What it signed.
    #[n(2)]
    pub proof: Option<KeyAssertion>,
    /// The further ones, when every device was asked.
    #[n(3)]
    pub others: Option<List<Claim, MAX_DEVICES>>,
    /// True: no other FIDO device is plugged in. Told when every device was asked.
    #[n(4)]
    pub alone: Option<bool>,
}

/// One more device that answered with one of the credentials.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Claim {
    /// The key.
    #[n(0)]
    pub key: KeyInfo,
    /// What it signed.
    #[n(1)]
    pub proof: KeyAssertion,
}

/// An assertion, as the key gave it.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct KeyAssertion {
    /// The credential that signed.
    #[n(0)]
    pub credential: CredentialId,
    /// Authenticator data.
    #[n(1)]
    pub auth_data: Bytes<1024>,
    /// Signature.
    #[n(2)]
    pub signature: Bytes<512>,
    /// User handle.
    #[n(3)]
    pub user_handle: Option<Bytes<64>>,
}

/// Why it did not work.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct KeyFailure {
    /// The code (12xx, 13xx).
    #[n(0)]
    pub code: Code,
    /// CTAP status, when the key gave one.
    #[n(1)]
    pub status: Option<u8>,
    /// Tries left, when known: of the finger for a finger that was wrong, else of the PIN.
    #[n(2)]
    pub tries_left: Option<u8>,
    /// Detail for records; no secrets.
    #[n(3)]
    pub detail: Option<String>,
}
