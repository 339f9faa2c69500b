//! Why a message did not come through.

use wardkey_core::codec;

/// Why a message did not arrive or leave.
#[derive(Debug, thiserror::Error)]
pub enum IpcError {
    /// The deadline passed.
    #[error("no answer in time")]
    TimedOut,
    /// The peer hung up.
    #[error("the other end hung up")]
    Closed,
    /// A signal asks for the end ([`crate::Channel::interrupted_by`]).
    #[error("interrupted by a signal")]
    Interrupted,
    /// The peer announced a frame that is too long, or of no bytes.
    #[error("a frame of {0} bytes is not accepted")]
    FrameLength(usize),
    /// The frame is not a message.
    #[error(transparent)]
    Codec(#[from] codec::CodecError),
    /// The socket belongs to somebody else than it should.
    #[error("the socket belongs to uid {actual}, not to uid {expected}")]
    WrongOwner {
        /// The uid that should own it.
        expected: u32,
        /// The uid that does.
        actual: u32,
    },
    /// Another error of the socket.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
