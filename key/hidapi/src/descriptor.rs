//! Just enough of a HID report descriptor (HID 1.11, 6.2.2) to know whether its
//! first collection is a FIDO device.

/// Usage page of FIDO devices (CTAP 2.1, 11.2.8.1).
pub const FIDO_USAGE_PAGE: u16 = 0xf1d0;

/// Usage page and usage of the first top-level collection.
pub(crate) fn first_usage(descriptor: &[u8]) -> Option<(u16, u16)> {
    const USAGE_PAGE: u8 = 0x04;
    const USAGE: u8 = 0x08;
    const COLLECTION: u8 = 0xa0;
    const LONG_ITEM: u8 = 0xfe;

    let mut rest = descriptor;
    let (mut page, mut usage) = (None, None);
    while let [prefix, tail @ ..] = rest {
        if *prefix == LONG_ITEM {
            let [length, _tag, tail @ ..] = tail else {
                return None;
            };
            rest = tail.get(usize::from(*length)..)?;
            continue;
        }
        let length = match prefix & 0x03 {
            3 => 4,
            short => usize::from(short),
        };
        let (data, tail) = tail.split_at_checked(length)?;
        rest = tail;
        let value = data.iter().rev().fold(0u32, |value, byte| value << 8 | u32::from(*byte));
        match prefix & 0xfc {
            USAGE_PAGE => page = u16::try_from(value).ok(),
            // An extended usage brings its page in the upper half.
            USAGE if length == 4 => {
                page = u16::try_from(value >> 16).ok();
                usage = u16::try_from(value & 0xffff).ok();
            }
            USAGE => usage = u16::try_from(value).ok(),
            COLLECTION => return Some((page?, usage?)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::first_usage;

    #[test]
    fn usage_of_known_descriptors() {
        let fido: &[u8] = &[0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0xc0];
        let keyboard: &[u8] = &[0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0xc0];
        let extended: &[u8] = &[0x0b, 0x01, 0x00, 0xd0, 0xf1, 0xa1, 0x01];
        let long_item_first: &[u8] =
            &[0xfe, 0x02, 0x10, 0xaa, 0xbb, 0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01];
        for (descriptor, expected) in [
            (fido, Some((0xf1d0, 1))),
            (keyboard, Some((1, 6))),
            (extended, Some((0xf1d0, 1))),
            (long_item_first, Some((0xf1d0, 1))),
            (&[], None),
            (&[0x06, 0xd0], None),
            (&[0xfe, 0xff], None),
            (&[0xa1, 0x01], None),
        ] {
            assert_eq!(first_usage(descriptor), expected, "{descriptor:02x?}");
        }
    }
}
