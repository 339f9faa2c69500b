//! Whether a key on loan may be used here and now.
//!
//! It is a key, with PIN and touch. But it was handed to the person by a desk and goes back there,
//! so it opens nothing that raises privilege, and it has an end.

use super::ways::raises_privilege;
use crate::code::{Code, Denial};
use crate::name::ServiceName;
use crate::person::{Loan, MAX_LOAN_SECONDS};
use crate::snapshot::Snapshot;
use crate::time::UnixTime;

/// Whether the snapshot's person may use this loan for a service now, for no longer than the
/// policies let one be. Deny wins among the scopes that show the person.
///
/// # Errors
/// [`Code::LoanRefused`], [`Code::LoanNotYet`] or [`Code::LoanOver`].
pub fn may_be_used(
    snapshot: &Snapshot,
    service: &ServiceName,
    loan: &Loan,
    now: UnixTime,
) -> Result<(), Denial> {
    let refused = |why: &str| Err(Denial::new(Code::LoanRefused, why));
    if raises_privilege(snapshot, service) {
        return refused("a key on loan, and the service raises privilege");
    }

    let longest = snapshot
        .scopes()
        .iter()
        .filter(|scope| scope.record.is_some())
        .map(|scope| scope.policy.loan_seconds.unwrap_or(0))
        .min()
        .unwrap_or(0)
        .min(MAX_LOAN_SECONDS);
    if longest == 0 {
        return refused("a key on loan, and a scope of the person allows none");
    }

    if now < loan.from {
        return Err(Denial::new(Code::LoanNotYet, "the loan has not begun"));
    }
    if now >= loan.until || now.since(loan.from) >= longest {
        return Err(Denial::new(Code::LoanOver, "the loan is over"));
    }
    Ok(())
}
