//! How a checked text is encoded: as CBOR's text string, read by the check that makes one.

/// Encodes a tuple struct of one string. The second argument reads one: `&str` to a `Result` whose
/// error is an error of the type's own.
macro_rules! text_codec {
    ($name:ident, $read:expr) => {
        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                $read(d.str()?)
            }
        }
    };
}
pub(crate) use text_codec;
