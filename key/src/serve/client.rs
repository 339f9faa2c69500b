//! Who is served.

use crate::caller::Caller;

/// Who is served, for as long as that one may be.
pub struct Client {
    pub(super) caller: Caller,
    /// Whether the caller still is what it was when it connected.
    pub(super) may_go_on: Box<dyn Fn() -> bool>,
}

impl Client {
    /// A caller whose rights can end; `may_go_on` is asked before each request.
    pub fn while_it(caller: Caller, may_go_on: impl Fn() -> bool + 'static) -> Self {
        Self { caller, may_go_on: Box::new(may_go_on) }
    }
}

/// A caller whose rights cannot end.
impl From<Caller> for Client {
    fn from(caller: Caller) -> Self {
        Self::while_it(caller, || true)
    }
}

/// Whether others use the keys at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Nobody but perhaps the agent, who only watches.
    None,
    /// Somebody, or it is not known.
    Perhaps,
}
