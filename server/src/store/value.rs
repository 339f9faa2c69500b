//! Values on their way into the store and out of it.
//!
//! The store knows integers, texts and bytes. A type of ours goes in by `Into<Value>` and comes out
//! by [`Column`], which checks it: what does not fit was damaged, or written by another version.

use wardkey_core::codec::Bytes;
use wardkey_core::id::{
    Aaguid, CredentialId, EventId, Hash, LoanId, PassId, Salt, SigningPublicKey, TerminalId,
    UserHandle,
};
use wardkey_core::name::{DisplayText, GroupName, Language, LatinName, LoginName, RpId, ScopeName};
use wardkey_core::time::UnixTime;

use super::number::to_i64;

/// A value of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A signed number.
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A type that is read from one column.
pub trait Column: Sized {
    /// Checks the value; the error says what is wrong with it.
    ///
    /// # Errors
    /// A text for administrators, without the name of the column.
    fn from_value(value: Value) -> Result<Self, String>;
}

fn other(wanted: &str, got: &Value) -> String {
    let kind = match got {
        Value::Null => "nothing",
        Value::Integer(_) => "a number",
        Value::Text(_) => "a text",
        Value::Bytes(_) => "bytes",
    };
    format!("{kind} where {wanted} should be")
}

impl<T: Column> Column for Option<T> {
    fn from_value(value: Value) -> Result<Self, String> {
        if value == Value::Null { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Column for i64 {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Integer(number) => Ok(number),
            value => Err(other("a number", &value)),
        }
    }
}

impl Column for String {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Text(text) => Ok(text),
            value => Err(other("a text", &value)),
        }
    }
}

impl Column for Vec<u8> {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            value => Err(other("bytes", &value)),
        }
    }
}

impl<const N: usize> Column for [u8; N] {
    fn from_value(value: Value) -> Result<Self, String> {
        let bytes = Vec::<u8>::from_value(value)?;
        bytes
            .try_into()
            .map_err(|bytes: Vec<u8>| format!("{} bytes where {N} should be", bytes.len()))
    }
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn from_value(value: Value) -> Result<Self, String> {
                let number = i64::from_value(value)?;
                Self::try_from(number).map_err(|_| format!("the number {number}"))
            }
        }
    )*};
}
number!(u8, u16, u32, u64);

impl Column for UnixTime {
    fn from_value(value: Value) -> Result<Self, String> {
        u64::from_value(value).map(Self)
    }
}

impl Column for CredentialId {
    fn from_value(value: Value) -> Result<Self, String> {
        Self::new(Vec::<u8>::from_value(value)?).map_err(|error| error.to_string())
    }
}

impl<const MAX: usize> Column for Bytes<MAX> {
    fn from_value(value: Value) -> Result<Self, String> {
        Self::new(Vec::<u8>::from_value(value)?).map_err(|error| error.to_string())
    }
}

impl Column for Language {
    fn from_value(value: Value) -> Result<Self, String> {
        String::from_value(value)?
            .parse()
            .map_err(|error: wardkey_core::name::NameError| error.to_string())
    }
}

macro_rules! text {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn from_value(value: Value) -> Result<Self, String> {
                Self::new(String::from_value(value)?).map_err(|error| error.to_string())
            }
        }
        impl From<&$type> for Value {
            fn from(value: &$type) -> Self {
                Self::Text(value.as_str().to_owned())
            }
        }
    )*};
}
text!(LoginName, ScopeName, GroupName, DisplayText, LatinName, RpId);

macro_rules! id {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn from_value(value: Value) -> Result<Self, String> {
                Self::from_slice(&Vec::<u8>::from_value(value)?).map_err(|error| error.to_string())
            }
        }
        impl From<&$type> for Value {
            fn from(value: &$type) -> Self {
                Self::Bytes(value.as_bytes().to_vec())
            }
        }
    )*};
}
id!(Aaguid, EventId, Hash, LoanId, PassId, Salt, SigningPublicKey, TerminalId, UserHandle);

/// An enum that stands in the store as one word for each variant.
macro_rules! words {
    ($type:ident, $what:literal, $($variant:ident = $word:literal),+) => {
        impl $type {
            /// The word in the store.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
        impl $crate::store::value::Column for $type {
            fn from_value(value: $crate::store::value::Value) -> Result<Self, String> {
                match String::from_value(value)?.as_str() {
                    $($word => Ok(Self::$variant),)+
                    word => Err(format!("\"{word}\" as {}", $what)),
                }
            }
        }
        impl From<$type> for $crate::store::value::Value {
            fn from(value: $type) -> Self {
                value.as_str().into()
            }
        }
    };
}
pub(super) use words;

macro_rules! into {
    ($($type:ty: $value:ident => $make:expr),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $make
            }
        }
    )*};
}
into! {
    i64: value => Self::Integer(value),
    u8: value => Self::Integer(value.into()),
    u16: value => Self::Integer(value.into()),
    u32: value => Self::Integer(value.into()),
    u64: value => Self::Integer(to_i64(value)),
    UnixTime: value => value.0.into(),
    &str: value => Self::Text(value.to_owned()),
    String: value => Self::Text(value),
    &String: value => Self::Text(value.clone()),
    &[u8]: value => Self::Bytes(value.to_vec()),
    Vec<u8>: value => Self::Bytes(value),
    &CredentialId: value => Self::Bytes(value.as_slice().to_vec()),
    Language: value => Self::Text(value.to_string()),
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<const MAX: usize> From<&Bytes<MAX>> for Value {
    fn from(value: &Bytes<MAX>) -> Self {
        Self::Bytes(value.as_slice().to_vec())
    }
}

/// From the lowest to the highest bytes of a length that begin with these hexadecimal digits; none
/// when the text is no such beginning. A range needs no function of one database, and uses the
/// index.
pub(super) fn with_prefix(digits: &str, length: usize) -> Option<(Vec<u8>, Vec<u8>)> {
    let room = (length * 2).checked_sub(digits.len())?;
    let fill =
        |digit: &str| wardkey_core::id::from_hex(&format!("{digits}{}", digit.repeat(room))).ok();
    fill("0").zip(fill("f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_does_not_fit_is_refused_and_named() {
        assert_eq!(LoginName::from_value(Value::Text("yamada".into())).unwrap().as_str(), "yamada");
        assert!(LoginName::from_value(Value::Text("-x".into())).is_err());
        assert_eq!(u32::from_value(Value::Integer(-1)).unwrap_err(), "the number -1");
        assert_eq!(
            u32::from_value(Value::Text("1".into())).unwrap_err(),
            "a text where a number should be"
        );
        assert_eq!(
            <[u8; 2]>::from_value(Value::Bytes(vec![1])).unwrap_err(),
            "1 bytes where 2 should be"
        );
        assert_eq!(<Option<i64>>::from_value(Value::Null), Ok(None));
        assert!(i64::from_value(Value::Null).is_err());
        assert_eq!(Value::from(u64::MAX), Value::Integer(i64::MAX));
    }

    #[test]
    fn a_prefix_of_digits_is_a_range_of_bytes() {
        assert_eq!(with_prefix("a", 2), Some((vec![0xa0, 0], vec![0xaf, 0xff])));
        assert_eq!(with_prefix("0102", 2), Some((vec![1, 2], vec![1, 2])));
        assert_eq!(with_prefix("010203", 2), None);
        assert_eq!(with_prefix("xy", 2), None);
    }
}
