//! A frame that is arriving.

use zeroize::Zeroizing;

/// The frame that is arriving: read into a buffer of its own length, so that it never moves, and
/// wiped when it was decoded or dropped. Nothing of the next frame is read before.
#[derive(Default)]
pub(crate) struct Incoming {
    header: [u8; 4],
    /// How much of the header is there, in bytes.
    header_filled: usize,
    body: Zeroizing<Vec<u8>>,
    /// How much of the body is there, in bytes.
    body_filled: usize,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Incoming({} of {} bytes)", self.body_filled, self.body.len())
    }
}

impl Incoming {
    /// Whether all of it is there.
    pub(crate) fn is_whole(&self) -> bool {
        !self.body.is_empty() && self.body_filled == self.body.len()
    }

    /// What has arrived of the body, and zeroes for the rest.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Where the next bytes go; empty when the frame is whole.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.header_filled < self.header.len() {
            self.header.get_mut(self.header_filled..).unwrap_or_default()
        } else {
            self.body.get_mut(self.body_filled..).unwrap_or_default()
        }
    }

    /// Takes note of bytes that were read into [`Self::space`]; an error is a length that is not
    /// accepted.
    pub(crate) fn filled(&mut self, count: usize, max: usize) -> Result<(), usize> {
        if self.header_filled == self.header.len() {
            self.body_filled += count;
            return Ok(());
        }
        self.header_filled += count;
        if self.header_filled == self.header.len() {
            let length = usize::try_from(u32::from_be_bytes(self.header)).unwrap_or(usize::MAX);
            if length == 0 || length > max {
                return Err(length);
            }
            self.body = Zeroizing::new(vec![0; length]);
        }
        Ok(())
    }
}
