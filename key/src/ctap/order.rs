//! Requests as CTAP prescribes them, where the library writes others.

use minicbor::Encoder;

use crate::answer;
use crate::cbor::{Value, parse};

/// Puts the map of authenticatorConfig in the order that CTAP prescribes (8, "Message Encoding"):
/// the library writes its parameters last, which strict keys refuse. What is authenticated of it,
/// the parameters alone, stays as it is.
pub(super) fn in_order(request: &mut Vec<u8>) -> bool {
    let Some((&answer::CONFIG, map)) = request.split_first() else { return true };
    let Ok(item) = parse(map) else { return true };
    let (Value::Map(entries), Some(head)) = (&item.value, item.raw.first()) else { return true };
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|(key, _)| key.raw);

    // Few entries: their number stands in the first byte.
    let mut ordered = vec![answer::CONFIG, *head];
    for (key, value) in entries {
        ordered.extend(key.raw);
        ordered.extend(value.raw);
    }
    *request = ordered;
    true
}

/// Has the key ask for a finger where the library would send a PIN: getPinToken becomes
/// getPinUvAuthTokenUsingUvWithPermissions for assertions of this relying party alone (CTAP 2.1,
/// 6.5.5.7.3). Both carry the same half of the key agreement, and are answered alike. Nothing but
/// the key agreement and the assertion goes out besides: what the library made of the PIN, which is
/// none, would cost a try.
pub(super) fn by_finger(rp_id: &str, request: &mut Vec<u8>) -> bool {
    const KEY_AGREEMENT: i64 = 0x02;
    const PIN_TOKEN: i64 = 0x05;
    const UV_TOKEN: u8 = 0x06;
    const GET_ASSERTION: u8 = 0x02;

    let map = match request.split_first() {
        Some((&answer::GET_ASSERTION, _)) => return true,
        Some((&answer::CLIENT_PIN, map)) => map,
        _ => return false,
    };
    let Ok(item) = parse(map) else { return false };
    let number = |key| item.value.at(key).and_then(|item| item.value.integer());
    match (number(2), number(1), item.value.at(3)) {
        (Some(KEY_AGREEMENT), _, _) => true,
        (Some(PIN_TOKEN), Some(protocol), Some(half)) => {
            let mut wanted = vec![answer::CLIENT_PIN];
            let mut e = Encoder::new(&mut wanted);
            let head =
                e.map(5).and_then(|e| e.u8(1)?.i64(protocol)?.u8(2)?.u8(UV_TOKEN)?.u8(3)).is_ok();
            wanted.extend(half.raw);
            let rest = Encoder::new(&mut wanted)
                .u8(9)
                .and_then(|e| e.u8(GET_ASSERTION)?.u8(10)?.str(rp_id))
                .is_ok();
            *request = wanted;
            head && rest
        }
        _ => false,
    }
}
