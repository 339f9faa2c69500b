//! What keeps a transaction from being run at all. A refusal by the stack is not an error: see
//! [`Outcome`](crate::Outcome).

use wardkey_pamapp::name as code_name;

/// Why a transaction could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name or path holds a NUL byte, which libpam cannot be given. Correct the value.
    #[error("{0} holds a NUL byte")]
    Nul(&'static str),
    /// libpam refused to begin: look for a missing service file, or an error in it, in the system
    /// log.
    #[error("{call} failed: {} ({code})", code_name(*.code))]
    Pam {
        /// The function of libpam, such as `pam_start`.
        call: &'static str,
        /// Its result, a `PAM_*` number.
        code: i32,
    },
}
