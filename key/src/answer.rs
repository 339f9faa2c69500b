//! What a security key's answers say. Every function takes the CBOR behind the
//! status byte and believes nothing.

use crate::cbor::{Item, Value, parse, parse_first};

/// Commands whose answers are read (CTAP 2.1, 6).
pub(crate) const MAKE_CREDENTIAL: u8 = 0x01;
pub(crate) const GET_ASSERTION: u8 = 0x02;
pub(crate) const GET_INFO: u8 = 0x04;
pub(crate) const CLIENT_PIN: u8 = 0x06;
pub(crate) const GET_NEXT_ASSERTION: u8 = 0x08;
pub(crate) const SELECTION: u8 = 0x0b;
pub(crate) const CONFIG: u8 = 0x0d;

const MAX_TEXT: usize = 64;
const MAX_LIST: usize = 32;
/// rpIdHash (32), flags (1), signCount (4): WebAuthn level 3, 6.1.
const MIN_AUTHENTICATOR_DATA: usize = 37;

/// What authenticatorGetInfo told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Info {
    /// Versions, for example `FIDO_2_1`.
    pub versions: Vec<String>,
    /// Extensions, for example `credProtect`.
    pub extensions: Vec<String>,
    /// Model of the key. Meaningless unless attested.
    pub aaguid: [u8; 16],
    /// `None`: the key has no PIN support; `Some(false)`: no PIN is set.
    pub client_pin: Option<bool>,
    /// Whether it can hold discoverable credentials.
    pub resident_keys: bool,
    /// Whether it demands user verification for everything.
    pub always_uv: bool,
    /// Whether it has a sensor for fingerprints, and knows one.
    pub fingerprint: bool,
    /// Whether it gives tokens that hold for one relying party and purpose, by a finger too
    /// (6.5.5.7); a key of CTAP 2.0 verifies the finger as part of the request itself.
    pub gives_tokens: bool,
    /// PIN protocols in the key's order of preference; 1 if it does not say.
    pub pin_protocols: Vec<u8>,
    /// Longest message in bytes.
    pub max_message: usize,
    /// Most credential ids in one list; `None`: only bounded by `max_message`.
    pub max_credentials_in_list: Option<usize>,
    /// Longest credential id in bytes.
    pub max_credential_id: Option<usize>,
    /// COSE algorithms; empty if it does not say.
    pub algorithms: Vec<i64>,
    /// The PIN must be changed before it is taken.
    pub force_pin_change: bool,
    /// Shortest new PIN in characters.
    pub min_pin_length: u8,
    /// Whether it can be told a longer one, and to ask for another PIN (6.11.4). It needs a token
    /// with the permission for that.
    pub takes_pin_rules: bool,
    /// How many relying parties it can be told to say that length to (12.4).
    pub min_pin_length_rp_ids: usize,
    /// Firmware version, 0 if unknown.
    pub firmware: u64,
    /// Room for discoverable credentials, if it says.
    pub remaining_credentials: Option<u32>,
}

/// What a key says about its PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Tries left before the key blocks for good.
    pub left: u8,
    /// The key takes no PIN before it is unplugged and plugged in.
    pub replug: bool,
}

/// An assertion as the key returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Credential that signed.
    pub credential_id: Vec<u8>,
    /// Authenticator data, as signed.
    pub authenticator_data: Vec<u8>,
    /// Signature over authenticator data and client data hash.
    pub signature: Vec<u8>,
    /// User handle, for discoverable credentials.
    pub user_handle: Option<Vec<u8>>,
    /// How many credentials match, where the key says; at least 1.
    pub(crate) count: u64,
}

/// A new credential as the key returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Credential id.
    pub credential_id: Vec<u8>,
    /// `attestationObject` as WebAuthn defines it: CBOR {fmt, attStmt, authData}.
    pub attestation_object: Vec<u8>,
}

/// Judges an answer before the library sees it.
pub(crate) fn inspect(command: u8, answer: &[u8]) -> Result<(), &'static str> {
    let Some((&0, body)) = answer.split_first() else {
        return match answer {
            [] => Err("answer without a status"),
            [_status, ..] => Ok(()),
        };
    };
    match command {
        GET_INFO => info(body).map(drop),
        GET_ASSERTION | GET_NEXT_ASSERTION => assertion(body, None).map(drop),
        MAKE_CREDENTIAL => registration(body).map(drop),
        // Setting and changing the PIN have no answer, nor has configuring, nor has a touch.
        CLIENT_PIN | CONFIG | SELECTION if body.is_empty() => Ok(()),
        CLIENT_PIN => map(body).map(drop),
        _ => Err("answer to a request that nobody sends"),
    }
}

fn map(body: &[u8]) -> Result<Item<'_>, &'static str> {
    let item = parse(body)?;
    match item.value {
        Value::Map(_) => Ok(item),
        _ => Err("answer is no map"),
    }
}

pub(crate) fn info(body: &[u8]) -> Result<Info, &'static str> {
    let item = map(body)?;
    let map = &item.value;
    let number = |key| {
        map.at(key)
            .and_then(|item| item.value.integer())
            .and_then(|value| usize::try_from(value).ok())
            .filter(|value| *value > 0)
    };
    let option = |name| {
        map.at(4).and_then(|item| item.value.named(name)).and_then(|item| item.value.boolean())
    };
    let has = |name| option(name) == Some(true);
    // uvModality (18) is of newer keys: fingerprint, inside of the key.
    let is_finger = number(18).is_some_and(|modality| modality & 0x02 != 0)
        || has("bioEnroll")
        || has("userVerificationMgmtPreview");
    let versions = texts(map.at(1));
    if versions.is_empty() {
        return Err("no version in the key's information");
    }
    let pin_protocols: Vec<u8> = map
        .at(6)
        .map(|item| item.value.items())
        .unwrap_or_default()
        .iter()
        .filter_map(|item| item.value.integer()?.try_into().ok())
        .take(MAX_LIST)
        .collect();
    Ok(Info {
        versions,
        extensions: texts(map.at(2)),
        aaguid: map
            .at(3)
            .and_then(|item| item.value.bytes()?.try_into().ok())
            .ok_or("no AAGUID in the key's information")?,
        client_pin: option("clientPin"),
        resident_keys: option("rk").unwrap_or(false),
        always_uv: has("alwaysUv"),
        fingerprint: has("uv") && is_finger,
        gives_tokens: has("pinUvAuthToken"),
        pin_protocols: if pin_protocols.is_empty() { vec![1] } else { pin_protocols },
        max_message: number(5).unwrap_or(1024),
        max_credentials_in_list: number(7),
        max_credential_id: number(8),
        algorithms: map
            .at(10)
            .map(|item| item.value.items())
            .unwrap_or_default()
            .iter()
            .filter_map(|item| item.value.named("alg")?.value.integer())
            .take(MAX_LIST)
            .collect(),
        force_pin_change: map.at(12).and_then(|item| item.value.boolean()).unwrap_or(false),
        min_pin_length: number(13).and_then(|length| u8::try_from(length).ok()).unwrap_or(4),
        takes_pin_rules: ["authnrCfg", "setMinPINLength", "pinUvAuthToken"].into_iter().all(has),
        min_pin_length_rp_ids: number(16).unwrap_or(0),
        firmware: map
            .at(14)
            .and_then(|item| item.value.integer())
            .and_then(|version| u64::try_from(version).ok())
            .unwrap_or(0),
        remaining_credentials: map
            .at(20)
            .and_then(|item| item.value.integer())
            .and_then(|room| u32::try_from(room).ok()),
    })
}

fn texts(item: Option<&Item<'_>>) -> Vec<String> {
    item.map(|item| item.value.items())
        .unwrap_or_default()
        .iter()
        .filter_map(|item| item.value.text())
        .take(MAX_LIST)
        .map(|text| text.chars().take(MAX_TEXT).collect())
        .collect()
}

pub(crate) fn retries(body: &[u8]) -> Result<Retries, &'static str> {
    let map = map(body)?;
    let left = map
        .value
        .at(3)
        .and_then(|item| u8::try_from(item.value.integer()?).ok())
        .ok_or("no number of PIN tries")?;
    let replug = map.value.at(4).and_then(|item| item.value.boolean()).unwrap_or(false);
    Ok(Retries { left, replug })
}

/// Tries of the sensor that are left (CTAP 2.1, 6.5.5.3).
pub(crate) fn finger_tries(body: &[u8]) -> Result<u8, &'static str> {
    map(body)?
        .value
        .at(5)
        .and_then(|item| u8::try_from(item.value.integer()?).ok())
        .ok_or("no number of tries of the sensor")
}

/// `only` is the credential id that was asked for, if it was one: then the key
/// may leave it out (CTAP 2.1, 6.2.2).
pub(crate) fn assertion(body: &[u8], only: Option<&[u8]>) -> Result<Assertion, &'static str> {
    let item = map(body)?;
    let map = &item.value;
    let credential_id = map
        .at(1)
        .and_then(|item| item.value.named("id"))
        .and_then(|item| item.value.bytes())
        .or(only);
    let authenticator_data = map
        .at(2)
        .and_then(|item| item.value.bytes())
        .ok_or("assertion without authenticator data")?;
    check_authenticator_data(authenticator_data)?;
    let signature =
        map.at(3).and_then(|item| item.value.bytes()).ok_or("assertion without signature")?;
    let user_handle =
        map.at(4).and_then(|item| item.value.named("id")).and_then(|item| item.value.bytes());
    let count = map.at(5).and_then(|item| u64::try_from(item.value.integer()?).ok()).unwrap_or(1);
    Ok(Assertion {
        credential_id: credential_id.unwrap_or_default().to_vec(),
        authenticator_data: authenticator_data.to_vec(),
        signature: signature.to_vec(),
        user_handle: user_handle.map(<[u8]>::to_vec),
        count,
    })
}

/// An assertion's authenticator data: no attested credential data, extensions
/// only if the flag says so.
fn check_authenticator_data(data: &[u8]) -> Result<(), &'static str> {
    let (header, rest) =
        data.split_at_checked(MIN_AUTHENTICATOR_DATA).ok_or("authenticator data under 37 bytes")?;
    let flags = header.get(32).copied().unwrap_or(0);
    if flags & 0x40 != 0 {
        return Err("assertion with attested credential data");
    }
    check_extensions(flags, rest)
}

fn check_extensions(flags: u8, rest: &[u8]) -> Result<(), &'static str> {
    match (flags & 0x80 != 0, rest.is_empty()) {
        (true, _) => map(rest).map(drop),
        (false, true) => Ok(()),
        (false, false) => Err("bytes behind the authenticator data"),
    }
}

/// Reads an answer to authenticatorMakeCredential and puts the attestation
/// object together from its unchanged parts.
pub(crate) fn registration(body: &[u8]) -> Result<Registration, &'static str> {
    let item = map(body)?;
    let map = &item.value;
    let format = map
        .at(1)
        .filter(|item| item.value.text().is_some())
        .ok_or("registration without a format")?;
    let data = map
        .at(2)
        .filter(|item| item.value.bytes().is_some())
        .ok_or("registration without authenticator data")?;
    let statement = map
        .at(3)
        .filter(|item| matches!(item.value, Value::Map(_)))
        .ok_or("registration without a statement")?;
    let credential_id = attested_credential_id(data.value.bytes().unwrap_or_default())?;

    // Keys in CTAP's canonical order: the shorter first.
    let mut object = vec![0xa3];
    for (name, item) in [("fmt", format), ("attStmt", statement), ("authData", data)] {
        object.push(0x60 | u8::try_from(name.len()).unwrap_or(0));
        object.extend(name.as_bytes());
        object.extend(item.raw);
    }
    Ok(Registration { credential_id: credential_id.to_vec(), attestation_object: object })
}

/// The credential id within a registration's authenticator data, all of which
/// must be there: AAGUID (16), length (2), id, public key, extensions.
fn attested_credential_id(data: &[u8]) -> Result<&[u8], &'static str> {
    const SHORT: &str = "attested credential data cut short";
    let (header, rest) =
        data.split_at_checked(MIN_AUTHENTICATOR_DATA).ok_or("authenticator data under 37 bytes")?;
    let flags = header.get(32).copied().unwrap_or(0);
    if flags & 0x40 == 0 {
        return Err("registration without attested credential data");
    }
    let (_aaguid, rest) = rest.split_at_checked(16).ok_or(SHORT)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(SHORT)?;
    let (id, rest) =
        rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(SHORT)?;
    if !(16..=1023).contains(&id.len()) {
        return Err("credential id of a length that WebAuthn does not allow");
    }
    let (public_key, rest) = parse_first(rest)?;
    if !matches!(public_key.value, Value::Map(_)) {
        return Err("public key is no map");
    }
    check_extensions(flags, rest)?;
    Ok(id)
}

#[cfg(test)]
mod tests;
