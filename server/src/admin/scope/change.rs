//! How a policy is changed, whatever is changed of it.

use wardkey_core::name::ScopeName;
use wardkey_core::policy::document::PolicyDocument;

use super::view::ScopesChanged;
use crate::admin::Operation;
use crate::admin::operation::names;
use crate::error::Result;
use crate::store::scope;
use crate::texts::Phrase;

/// Changes the policy of each scope, with a row of the trail for each.
pub(in crate::admin) async fn change(
    op: &mut Operation<'_>,
    scopes: &[ScopeName],
    (action, detail): (&str, Phrase),
    change: impl Fn(&mut PolicyDocument) -> Result<()>,
) -> Result<ScopesChanged> {
    let mut changed = false;
    for name in scopes {
        let row = scope::get(op.tx, name).await?;
        let mut policy = scope::policy(op.tx, &row).await?;
        change(&mut policy)?;
        changed |= scope::set_policy(op.tx, &policy).await?;
        // The trail is in one language, like every record.
        op.record(action, name.as_str(), Some(&detail.to_string())).await?;
    }
    Ok(ScopesChanged {
        scopes: names(scopes),
        changed,
        details: vec![detail],
        warnings: Vec::new(),
    })
}
