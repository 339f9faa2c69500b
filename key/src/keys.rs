//! The trait between Wardkey and whatever speaks CTAP. Another library, for
//! other transports, takes the present one's place behind it.

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

pub use hidapi::hidraw::Contention;
use minicbor::{Decode, Encode};
use wardkey_core::message::key::Pin;

use crate::answer::{Assertion, Info, Registration, Retries};
use crate::error::KeyError;

/// How long a step may take that needs no person.
pub const STEP: Duration = Duration::from_secs(3);

/// What bounds an operation.
#[derive(Clone)]
pub struct Limits {
    /// When it ends at the latest.
    pub deadline: Instant,
    /// How long a step of it may take that needs no person.
    pub step: Duration,
    /// Readable or hung up means: give up.
    pub cancel: Option<Rc<OwnedFd>>,
    /// Called once when the key waits for a touch.
    pub on_touch: Rc<dyn Fn()>,
}

impl Limits {
    /// Ends at `deadline`; no events.
    #[must_use]
    pub fn until(deadline: Instant) -> Self {
        Self { deadline, step: STEP, cancel: None, on_touch: Rc::new(|| {}) }
    }

    /// The same, but ending after a step's time at the latest.
    #[must_use]
    pub fn for_step(&self) -> Self {
        Self { deadline: self.deadline.min(Instant::now() + self.step), ..self.clone() }
    }
}

/// What a key is, as far as the bus knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Device node.
    pub path: String,
    /// USB vendor id.
    pub vendor: u16,
    /// USB product id.
    pub product: u16,
    /// What it calls itself, printable, at most 128 characters.
    pub name: String,
    /// Since when it has been plugged in; `None` where that cannot be told.
    pub plugging: Option<Plugging>,
}

/// One time that a device was plugged in: the kernel makes a node of its own for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Plugging {
    /// Number of the node in the file system.
    #[n(0)]
    pub node: u64,
    /// When the node was made, in nanoseconds.
    #[n(1)]
    pub made: i64,
}

/// A credential to be made.
#[derive(Debug)]
pub struct NewCredential<'a> {
    /// PIN of the key.
    pub pin: &'a Pin,
    /// Relying party id.
    pub rp_id: &'a str,
    /// User handle, 1 to 64 bytes.
    pub user_handle: &'a [u8],
    /// Login name.
    pub user_name: &'a str,
    /// Name of the person.
    pub display_name: &'a str,
    /// The key signs the SHA-256 of this.
    pub client_data: &'a [u8],
    /// COSE algorithms, best first; ES256 (-7) and EdDSA (-8) are known.
    pub algorithms: &'a [i32],
    /// Credentials that the key must not hold yet.
    pub exclude: &'a [Vec<u8>],
    /// credProtect level, 1 to 3.
    pub protection: u8,
    /// How many characters a PIN of the key has to have from now on.
    pub min_pin_length: Option<u8>,
}

/// Finds keys.
pub trait SecurityKeys {
    /// The keys that are plugged in, opened.
    fn list(&mut self) -> Vec<Box<dyn SecurityKey>>;

    /// The same without opening anything for long or asking the keys.
    fn describe(&mut self) -> Vec<Description>;

    /// Whether exactly one key is plugged in. Not where something could not be looked at: it may be
    /// another one.
    fn is_only_one(&mut self) -> bool;

    /// What the exchanges from here on do while another program uses a key.
    fn on_contention(&mut self, _: Contention) {}

    /// Lets other programs use the keys until the next exchange.
    fn release(&mut self) {}

    /// Whether this key has many PIN tries left, so that it need not be asked: it took the right
    /// PIN for this credential here, and has been plugged in since.
    fn has_many_tries(&self, _: &Description, _credential: &[u8]) -> bool {
        false
    }

    /// A PIN is to be sent to a key, or was not the right one.
    fn pin_is_tried(&mut self) {}

    /// This key took the right PIN for this credential; the tries that it had when it was asked for
    /// them last.
    fn pin_was_right(&mut self, _: &Description, _credential: &[u8], _tries: Option<u8>) {}
}

/// One open key. All errors are [`KeyError`]s, with every status that CTAP has for an exchange as a
/// variant; nothing outlasts its [`Limits`].
pub trait SecurityKey {
    /// What it is.
    fn description(&self) -> &Description;

    /// What it can do. Asked once, then remembered.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] also for a key that does not know CTAP 2.
    fn info(&mut self, limits: &Limits) -> Result<Info, KeyError>;

    /// PIN tries left.
    fn retries(&mut self, limits: &Limits) -> Result<Retries, KeyError>;

    /// Has the key sign `client_data` with the first of `credentials` that it holds, silently: no
    /// PIN, no touch, as many as fit in one request. `None`: it holds none of them. What it signed
    /// proves nothing before somebody has verified it.
    ///
    /// # Errors
    /// As for every exchange; [`KeyError::CannotIdentify`] for a key that will not tell without PIN
    /// or touch.
    fn identify(
        &mut self,
        rp_id: &str,
        credentials: &[Vec<u8>],
        client_data: &[u8],
        limits: &Limits,
    ) -> Result<Option<Assertion>, KeyError>;

    /// Waits for a touch, without PIN.
    fn touch(
        &mut self,
        rp_id: &str,
        credential: &[u8],
        client_data: &[u8],
        limits: &Limits,
    ) -> Result<(), KeyError>;

    /// Asks for what the next PIN will need, while the person types it. What the key refuses is
    /// asked for again when the PIN is there; a key that was silent is out of step then.
    ///
    /// # Errors
    /// As for every exchange.
    fn prepare_for_pin(&mut self, limits: &Limits) -> Result<(), KeyError>;

    /// Signs with one credential: PIN, then touch.
    fn assert(
        &mut self,
        rp_id: &str,
        credential: &[u8],
        client_data: &[u8],
        pin: &Pin,
        limits: &Limits,
    ) -> Result<Assertion, KeyError>;

    /// Signs with one credential, after the key's own sensor has verified a finger. A finger counts
    /// as the touch where the key says so; else a touch is waited for as well.
    ///
    /// # Errors
    /// [`KeyError::FingerWrong`], and [`KeyError::FingerBlocked`] when only the PIN helps; as for
    /// every exchange.
    fn assert_by_finger(
        &mut self,
        rp_id: &str,
        credential: &[u8],
        client_data: &[u8],
        limits: &Limits,
    ) -> Result<Assertion, KeyError>;

    /// Makes a discoverable credential: PIN, then touch. Before that, a key that can is told how
    /// long PINs have to be; what it made of that, [`SecurityKey::info`] says.
    ///
    /// # Errors
    /// As for every exchange; [`KeyError::PinPolicy`] for a PIN that is shorter itself.
    fn make_credential(
        &mut self,
        credential: &NewCredential<'_>,
        limits: &Limits,
    ) -> Result<Registration, KeyError>;

    /// Sets the first PIN.
    ///
    /// # Errors
    /// [`KeyError::PinAlreadySet`], [`KeyError::PinPolicy`], and as for every exchange.
    fn set_pin(&mut self, pin: &Pin, limits: &Limits) -> Result<(), KeyError>;

    /// Changes the PIN.
    ///
    /// # Errors
    /// [`KeyError::PinWrong`], [`KeyError::PinPolicy`], and as for every exchange.
    fn change_pin(&mut self, old: &Pin, new: &Pin, limits: &Limits) -> Result<(), KeyError>;

    /// Has the key ask for another PIN: until then it takes this one for nothing else.
    ///
    /// # Errors
    /// [`KeyError::Unsuitable`] for a key that cannot, and as for every exchange.
    fn force_pin_change(&mut self, pin: &Pin, limits: &Limits) -> Result<(), KeyError>;
}
