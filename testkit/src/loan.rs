//! A key of the pool that hanako has on loan.

use wardkey_core::codec::Bytes;
use wardkey_core::id::{LoanId, UserHandle};
use wardkey_core::name::DisplayText;
use wardkey_core::person::Loan;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::time::UnixTime;

use crate::deployment::Deployment;
use crate::key::Key;
use crate::names::{RP, T0};
use crate::pass::LONGEST;

/// The seed and the credential of the key in [`loan`].
pub const LOANER: u8 = 9;
/// The user handle that this key has for the pool.
pub const HOLDER: UserHandle = UserHandle::new([99; 32]);

/// A loan of this number, from a minute before [`T0`] on for eight hours.
pub fn loan(number: u8) -> Loan {
    Loan {
        id: LoanId::new([number; 16]),
        credential: Key::es256(LOANER).record(LOANER),
        holder: HOLDER,
        from: UnixTime(T0 - 60),
        until: UnixTime(T0 - 60 + 8 * 3600),
        lender: DisplayText::new("unix:helpdesk").unwrap(),
        reason: DisplayText::new("key at home").unwrap(),
    }
}

/// What the key on loan signs, with the user handle that it was made for.
pub fn signed_on_loan(client_data: &[u8]) -> Assertion {
    Assertion {
        user_handle: Some(Bytes::new(*HOLDER.as_bytes()).unwrap()),
        ..Key::es256(LOANER).assert(LOANER, client_data, 0x05, 1, RP)
    }
}

impl Deployment {
    /// A deployment whose `ward3` allows loans, and where hanako has loan 1.
    pub fn with_loan() -> Self {
        let mut deployment = Self::new();
        deployment.scopes[1].1.loan_seconds = Some(LONGEST);
        deployment.hanako().loan = Some(loan(1));
        deployment.refresh();
        deployment
    }
}
