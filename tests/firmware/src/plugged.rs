//! A plugged key, as the key process would have opened it, and what a person
//! and an administrator do with it.

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hidapi::Report;
use wardkey_core::message::key::Pin;
use wardkey_key::keys::{Description, Limits, NewCredential, SecurityKey};
use wardkey_key::{Assertion, KeyError, Registration, open_in_process};
use wardkey_softkey::{Direction, Options, SoftKey};

use crate::link::Link;

/// The deployment's relying party id.
pub const RP: &str = "hospital.example";
/// The PIN that [`Plugged::with_pin`] sets.
pub const PIN: &str = "2580";
/// COSE algorithm number.
pub const ES256: i32 = -7;
/// COSE algorithm number.
pub const EDDSA: i32 = -8;
/// The user handle of every credential that is made here.
pub const HANDLE: [u8; 32] = [0x5a; 32];

/// A key and the way to it.
pub struct Plugged {
    /// The firmware.
    pub key: Arc<SoftKey>,
    /// The key as the product sees it.
    pub open: Box<dyn SecurityKey>,
}

/// A PIN that can be one.
pub fn pin(text: &str) -> Pin {
    Pin::new(text.to_owned().into()).expect("a PIN")
}

/// More time than anything here takes that does not wait for a person.
pub fn soon() -> Limits {
    within(Duration::from_secs(60))
}

/// Ends after `wait`.
pub fn within(wait: Duration) -> Limits {
    Limits::until(Instant::now() + wait)
}

/// Limits that `fd` cancels.
pub fn cancelled_by(fd: OwnedFd) -> Limits {
    Limits { cancel: Some(Rc::new(fd)), ..soon() }
}

/// Opens a connection to `key` as the key process opens a hidraw node.
pub fn open(key: &Arc<SoftKey>) -> Box<dyn SecurityKey> {
    // A key stays behind its node however often it is opened.
    open_at(format!("in-process:{:p}", Arc::as_ptr(key)), Link::new(key))
}

/// The same over a link that is there already.
pub fn open_link(link: Link) -> Box<dyn SecurityKey> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    open_at(format!("in-process:{}", COUNT.fetch_add(1, Ordering::Relaxed)), link)
}

fn open_at(path: String, link: Link) -> Box<dyn SecurityKey> {
    let (name, plugging) = ("Software security key".into(), None);
    let description = Description { path, vendor: 0x1209, product: 0x5749, name, plugging };
    open_in_process(description, Box::new(link)).expect("a path without NUL")
}

impl Plugged {
    /// A new key, as it comes out of its box.
    pub fn new(options: Options) -> Self {
        let key = Arc::new(SoftKey::start(options).expect("a key"));
        let open = open(&key);
        Self { key, open }
    }

    /// A new key with [`PIN`] set, touched whenever it asks.
    pub fn with_pin() -> Self {
        Self::with_pin_and(Options::default())
    }

    /// The same with options.
    pub fn with_pin_and(options: Options) -> Self {
        let mut plugged = Self::new(options);
        plugged.open.set_pin(&pin(PIN), &soon()).expect("a first PIN");
        plugged
    }

    /// Plugs the key out and in, and opens it again.
    pub fn replug(&mut self) {
        self.key.replug().expect("plugged in again");
        self.open = open(&self.key);
    }

    /// Opens the key anew, as each login does.
    pub fn reopen(&mut self) {
        self.open = open(&self.key);
    }

    /// Opens the key anew over a cable that changes reports.
    pub fn reopen_altering(&mut self, alter: fn(&mut Report)) {
        self.open = open_link(Link::altering(&self.key, alter));
    }

    /// A discoverable credential for [`HANDLE`].
    pub fn make(
        &mut self,
        rp_id: &str,
        protection: u8,
        algorithm: i32,
    ) -> Result<Registration, KeyError> {
        self.make_within(rp_id, protection, algorithm, &soon())
    }

    /// The same within limits.
    pub fn make_within(
        &mut self,
        rp_id: &str,
        protection: u8,
        algorithm: i32,
        limits: &Limits,
    ) -> Result<Registration, KeyError> {
        let pin = pin(PIN);
        let algorithms = [algorithm];
        let wanted = Self::wanted(&pin, rp_id, protection, &algorithms);
        self.open.make_credential(&wanted, limits)
    }

    /// A credential of the deployment with a PIN, on a key that is told how long PINs are.
    pub fn make_with_length(&mut self, typed: &str, least: u8) -> Result<Registration, KeyError> {
        let pin = pin(typed);
        let wanted =
            NewCredential { min_pin_length: Some(least), ..Self::wanted(&pin, RP, 2, &[ES256]) };
        self.open.make_credential(&wanted, &soon())
    }

    fn wanted<'a>(
        pin: &'a Pin,
        rp_id: &'a str,
        protection: u8,
        algorithms: &'a [i32],
    ) -> NewCredential<'a> {
        NewCredential {
            pin,
            rp_id,
            user_handle: &HANDLE,
            user_name: "hanako",
            display_name: "Demo Hanako",
            client_data: b"{\"type\":\"webauthn.create\"}",
            algorithms,
            exclude: &[],
            protection,
            min_pin_length: None,
        }
    }

    /// A credential of the deployment with the defaults: credProtect 2, ES256; its id.
    pub fn enroll(&mut self) -> Registration {
        self.make(RP, 2, ES256).expect("a credential")
    }

    /// Asks whose key it is; the credential that it claims.
    pub fn identify(&mut self, ids: &[Vec<u8>]) -> Result<Option<Vec<u8>>, KeyError> {
        let claimed = self.open.identify(RP, ids, b"a challenge", &soon())?;
        Ok(claimed.map(|assertion| assertion.credential_id))
    }

    /// Signs with the right PIN.
    pub fn assert(&mut self, id: &[u8], client_data: &[u8]) -> Result<Assertion, KeyError> {
        self.assert_with(id, client_data, PIN, &soon())
    }

    /// Signs.
    pub fn assert_with(
        &mut self,
        id: &[u8],
        client_data: &[u8],
        typed: &str,
        limits: &Limits,
    ) -> Result<Assertion, KeyError> {
        self.open.assert(RP, id, client_data, &pin(typed), limits)
    }

    /// Names of the requests since the last reset.
    pub fn requests(&self) -> Vec<String> {
        requests(&self.key)
    }

    /// Whether a CANCEL reached the key since the last reset.
    pub fn saw_cancel(&self) -> bool {
        self.key.exchanges().iter().any(|e| e.direction == Direction::ToKey && e.name == "CANCEL")
    }
}

/// Names of the requests that were round trips, since the last reset.
pub fn requests(key: &SoftKey) -> Vec<String> {
    key.exchanges()
        .into_iter()
        .filter(|exchange| exchange.is_round_trip())
        .map(|exchange| exchange.name)
        .collect()
}
