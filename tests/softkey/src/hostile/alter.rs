//! What a hostile key makes of an honest answer, or says without asking.

use ciborium::Value;
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use sha2::{Digest, Sha256};

use super::mode::Mode;
use crate::message::{Message, Report, command};

/// The most that a CTAPHID message can carry: one initialisation packet and
/// 128 continuation packets.
const MOST_PAYLOAD: usize = 57 + 128 * 59;

/// An answer that needs no firmware, or `None` where the mode needs one.
pub(super) fn invented(mode: Mode, channel: u32) -> Option<Vec<Report>> {
    let cbor = |payload: &[u8]| Message::new(channel, command::CBOR, payload);
    let message = match mode {
        Mode::GarbageCbor => {
            cbor(&[[0x00].as_slice(), &[0xFF, 0x9F, 0xBB, 0xC1].repeat(16)].concat())
        }
        Mode::EmptyCbor => cbor(&[0x00]),
        Mode::EmptyMessage => cbor(&[]),
        Mode::ErrorZero => Message::new(channel, command::ERROR, &[0]),
        Mode::HugeLength => Message { length: u16::MAX, ..cbor(&[0; MOST_PAYLOAD]) },
        Mode::Status(status) => cbor(&[status]),
        Mode::BadVersion => {
            // {1: ["FIDO_2\xff"], 3: AAGUID of zeros}
            let version = [[0x67].as_slice(), b"FIDO_2\xFF"].concat();
            let info = [&[0x00, 0xA2, 0x01, 0x81], version.as_slice(), &[0x03, 0x50], &[0; 16]];
            cbor(&info.concat())
        }
        _ => return None,
    };
    Some(message.reports())
}

/// An assertion of the first credential that a getAssertion asks for, signed by a key that nobody
/// registered. `None`: the request asks for none.
pub(super) fn echoed(request: &Message) -> Option<Vec<Report>> {
    let Ok(Value::Map(mut asked)) = ciborium::from_reader(request.payload.get(1..)?) else {
        return None;
    };
    let rp_id = entry(&mut asked, 1)?.as_text()?.to_owned();
    let client_data_hash = entry(&mut asked, 2)?.as_bytes()?.clone();
    let credential = entry(&mut asked, 3)?.as_array()?.first()?.clone();
    let mut auth_data = Sha256::digest(rp_id.as_bytes()).to_vec();
    // Neither UP nor UV; counter 1.
    auth_data.extend_from_slice(&[0, 0, 0, 0, 1]);
    let key = SigningKey::from_slice(&[66; 32]).ok()?;
    let signature: Signature = key.sign(&[auth_data.as_slice(), &client_data_hash].concat());
    let answer = Value::Map(vec![
        (Value::from(1), credential),
        (Value::from(2), Value::Bytes(auth_data)),
        (Value::from(3), Value::Bytes(signature.to_der().as_bytes().to_vec())),
    ]);
    let mut payload = vec![0];
    ciborium::into_writer(&answer, &mut payload).ok()?;
    Some(Message::new(request.channel, command::CBOR, &payload).reports())
}

/// The firmware's answer, altered.
pub(super) fn altered(mode: Mode, mut message: Message) -> Vec<Report> {
    match mode {
        Mode::WrongChannel => message.channel ^= 0x0100_0001,
        Mode::WrongSequence => {
            let mut reports = message.reports();
            for report in reports.iter_mut().skip(1) {
                report[4] = (report[4] + 1) & 0x7F;
            }
            return reports;
        }
        Mode::ShortAuthData => edit(&mut message, |entries| {
            if let Some(Value::Bytes(data)) = entry(entries, 2) {
                data.truncate(10);
            }
        }),
        Mode::ManyCredentials => edit(&mut message, |entries| {
            entries.retain(|(key, _)| *key != Value::from(5));
            entries.push((Value::from(5), Value::from(1_u64 << 31)));
        }),
        Mode::BadSignature => edit(&mut message, |entries| {
            if let Some(Value::Bytes(signature)) = entry(entries, 3) {
                // The last byte: still DER, no longer a signature.
                if let Some(last) = signature.last_mut() {
                    *last ^= 1;
                }
            }
        }),
        _ => {}
    }
    message.reports()
}

/// Edits the map of a successful answer; any other answer stays what it is.
fn edit(message: &mut Message, change: impl FnOnce(&mut Vec<(Value, Value)>)) {
    let Some((0, body)) = message.payload.split_first() else {
        return;
    };
    let Ok(Value::Map(mut entries)) = ciborium::from_reader(body) else {
        return;
    };
    change(&mut entries);
    let mut payload = vec![0];
    if ciborium::into_writer(&Value::Map(entries), &mut payload).is_ok() {
        *message = Message::new(message.channel, message.command, &payload);
    }
}

fn entry(entries: &mut [(Value, Value)], key: u8) -> Option<&mut Value> {
    entries.iter_mut().find(|(k, _)| *k == Value::from(key)).map(|(_, value)| value)
}
