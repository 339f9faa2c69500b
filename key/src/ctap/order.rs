//! Requests in the order that CTAP prescribes.

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
