//! CBOR from a security key, read strictly into a small tree: definite lengths,
//! UTF-8, no tags, little nesting (CTAP 2.1, 8), nothing behind the end. What
//! does not pass here never reaches the library, which panics on some of it.

use minicbor::Decoder;
use minicbor::data::Type;

/// CTAP allows four levels, attestation statements one or two more.
const MAX_DEPTH: usize = 8;

/// One data item and the bytes that encode it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item<'b> {
    pub raw: &'b [u8],
    pub value: Value<'b>,
}

/// What a data item says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'b> {
    Integer(i64),
    Bytes(&'b [u8]),
    Text(&'b str),
    Bool(bool),
    Array(Vec<Item<'b>>),
    Map(Vec<(Item<'b>, Item<'b>)>),
    /// Null, undefined and floating point: nothing that CTAP gives a meaning.
    Other,
}

const NOT_CBOR: &str = "not the CBOR that CTAP prescribes";

/// Reads one item that fills `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Item<'_>, &'static str> {
    let mut decoder = Decoder::new(bytes);
    let item = item(&mut decoder, MAX_DEPTH)?;
    if decoder.position() == bytes.len() { Ok(item) } else { Err("bytes behind the CBOR item") }
}

/// Reads the item that `bytes` begins with; also the bytes behind it.
pub(crate) fn parse_first(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), &'static str> {
    let mut decoder = Decoder::new(bytes);
    let item = item(&mut decoder, MAX_DEPTH)?;
    let rest = bytes.get(decoder.position()..).unwrap_or_default();
    Ok((item, rest))
}

fn item<'b>(decoder: &mut Decoder<'b>, depth: usize) -> Result<Item<'b>, &'static str> {
    let depth = depth.checked_sub(1).ok_or("CBOR nested too deeply")?;
    let start = decoder.position();
    let value = value(decoder, depth)?;
    let raw = decoder.input().get(start..decoder.position()).ok_or(NOT_CBOR)?;
    Ok(Item { raw, value })
}

fn value<'b>(decoder: &mut Decoder<'b>, depth: usize) -> Result<Value<'b>, &'static str> {
    let bad = |_| NOT_CBOR;
    Ok(match decoder.datatype().map_err(bad)? {
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64 => Value::Integer(decoder.i64().map_err(bad)?),
        Type::Bytes => Value::Bytes(decoder.bytes().map_err(bad)?),
        Type::String => Value::Text(decoder.str().map_err(bad)?),
        Type::Bool => Value::Bool(decoder.bool().map_err(bad)?),
        Type::Array => {
            // Each turn consumes a byte or fails: a huge count ends with the input.
            let count = decoder.array().map_err(bad)?.ok_or(NOT_CBOR)?;
            let mut items = Vec::new();
            for _ in 0..count {
                items.push(item(decoder, depth)?);
            }
            Value::Array(items)
        }
        Type::Map => {
            let count = decoder.map().map_err(bad)?.ok_or(NOT_CBOR)?;
            let mut entries = Vec::new();
            for _ in 0..count {
                entries.push((item(decoder, depth)?, item(decoder, depth)?));
            }
            Value::Map(entries)
        }
        Type::Null | Type::Undefined | Type::F16 | Type::F32 | Type::F64 => {
            decoder.skip().map_err(bad)?;
            Value::Other
        }
        _ => return Err(NOT_CBOR),
    })
}

impl<'b> Value<'b> {
    /// Value under an integer key of a map.
    pub fn at(&self, key: i64) -> Option<&Item<'b>> {
        self.entry(|value| *value == Value::Integer(key))
    }

    /// Value under a text key of a map.
    pub fn named(&self, key: &str) -> Option<&Item<'b>> {
        self.entry(|value| *value == Value::Text(key))
    }

    fn entry(&self, is_key: impl Fn(&Value<'b>) -> bool) -> Option<&Item<'b>> {
        let Self::Map(entries) = self else {
            return None;
        };
        entries.iter().find(|(key, _)| is_key(&key.value)).map(|(_, item)| item)
    }

    pub fn bytes(&self) -> Option<&'b [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&'b str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    pub fn boolean(&self) -> Option<bool> {
        match self {
            Self::Bool(boolean) => Some(*boolean),
            _ => None,
        }
    }

    /// Items of an array; none for anything else.
    pub fn items(&self) -> &[Item<'b>] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, parse, parse_first};

    #[test]
    fn reads_what_ctap_uses() {
        let map = parse(&[0xa3, 0x01, 0x41, 0xaa, 0x02, 0x81, 0x20, 0x61, b'x', 0xf5]).unwrap();
        assert_eq!(map.value.at(1).and_then(|item| item.value.bytes()), Some(&[0xaa][..]));
        let array = map.value.at(2).unwrap();
        assert_eq!(array.raw, [0x81, 0x20]);
        assert_eq!(array.value.items()[0].value.integer(), Some(-1));
        assert_eq!(map.value.named("x").and_then(|item| item.value.boolean()), Some(true));
        assert_eq!(map.value.at(9), None);
        assert_eq!(parse(&[0xfb, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap().value, Value::Other);
        assert_eq!(parse_first(&[0x01, 0x02]).unwrap().1, [0x02]);
    }

    #[test]
    fn refuses_the_rest() {
        let deep = [[0x81; 20].as_slice(), &[0x01]].concat();
        for bytes in [
            &[][..],
            &[0x01, 0x01],                                     // bytes behind
            &[0xbf, 0x01, 0x02, 0xff],                         // indefinite map
            &[0x9f, 0xff],                                     // indefinite array
            &[0x5f, 0x41, 0xaa, 0xff],                         // indefinite bytes
            &[0x61, 0xff],                                     // not UTF-8
            &[0xc0, 0x01],                                     // tag
            &[0x42, 0x01],                                     // too short
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // cut off
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // beyond i64
            &deep,
        ] {
            assert!(parse(bytes).is_err(), "{bytes:02x?}");
        }
    }
}
