//! Documents as a later version writes them.

/// A document with a field more, of this key, in its own map; and with `nested`, in the first map
/// of each list in it too.
pub fn with_field(document: &[u8], key: u64, nested: bool) -> Vec<u8> {
    use coset::cbor::value::Value;
    fn add(map: &mut Vec<(Value, Value)>, key: u64) {
        map.push((Value::from(key), Value::from("later")));
        // By their bytes (RFC 8949, section 4.2.1); the keys here are small integers.
        map.sort_by_key(|(key, _)| key.as_integer().map(i128::from));
    }
    let mut value: Value = coset::cbor::from_reader(document).unwrap();
    let body = value.as_array_mut().unwrap()[1].as_map_mut().unwrap();
    if nested {
        let lists = body.iter_mut().filter_map(|(_, value)| value.as_array_mut());
        for first in lists.filter_map(|list| list.first_mut()?.as_map_mut()) {
            add(first, key);
        }
    }
    add(body, key);
    let mut out = Vec::new();
    coset::cbor::into_writer(&value, &mut out).unwrap();
    out
}

/// The keys of a document's own map.
pub fn keys_of(document: &[u8]) -> Vec<i128> {
    use coset::cbor::value::Value;
    let value: Value = coset::cbor::from_reader(document).unwrap();
    let body = value.as_array().unwrap()[1].as_map().unwrap().clone();
    body.into_iter().map(|(key, _)| key.as_integer().unwrap().into()).collect()
}
