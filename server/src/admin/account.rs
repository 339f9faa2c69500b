//! Unix accounts that several people share, each with their own key.

use serde::Serialize;
use wardkey_core::codec::List;
use wardkey_core::name::{GroupName, LoginName, ScopeName};
use wardkey_core::policy::document::{PolicyDocument, SharedAccount};

use super::operation::joined;
use super::scope::{self, ScopesChanged};
use super::{Listing, Operation, naming};
use crate::error::{Error, Result};
use crate::store::{PageRequest, Tx, person};
use crate::texts::Text;

/// A shared account in one scope.
#[derive(Debug, Serialize)]
pub struct AccountView {
    /// The account.
    pub account: String,
    /// The scope.
    pub scope: String,
    /// Groups whose people may use it.
    pub groups: Vec<String>,
}

/// A page of shared accounts, by name and scope; searched in account, scope and groups.
pub async fn list(tx: &mut Tx, request: &PageRequest) -> Result<Listing<AccountView>> {
    let mut all = Vec::new();
    for scope in scope::all(tx).await? {
        let name = scope.name;
        all.extend(scope.shared_accounts.into_iter().map(|shared| AccountView {
            account: shared.account,
            scope: name.clone(),
            groups: shared.groups,
        }));
    }
    let cursor = |view: &AccountView| format!("{}/{}", view.account, view.scope);
    let text =
        |view: &AccountView| format!("{} {} {}", view.account, view.scope, view.groups.join(" "));
    all.sort_by_key(cursor);
    Ok(Listing::part_of(all, request, cursor, text))
}

/// A shared account, with every scope in which it is one.
#[derive(Debug, Serialize)]
pub struct SharedView {
    /// The account.
    pub account: String,
    /// The scopes, by name.
    pub scopes: Vec<ScopeOfAccount>,
}

/// A scope in which an account is shared.
#[derive(Debug, Serialize)]
pub struct ScopeOfAccount {
    /// The scope.
    pub scope: String,
    /// Groups whose people may use the account there.
    pub groups: Vec<String>,
}

/// One shared account.
///
/// # Errors
/// [`Error::Refused`] where it is shared in no scope.
pub async fn show(tx: &mut Tx, account: &LoginName) -> Result<SharedView> {
    let mut scopes = Vec::new();
    for scope in scope::all(tx).await? {
        let shared = scope.shared_accounts.into_iter();
        let of_it = shared.filter(|shared| shared.account == account.as_str());
        scopes.extend(
            of_it.map(|shared| ScopeOfAccount { scope: scope.name.clone(), groups: shared.groups }),
        );
    }
    if scopes.is_empty() {
        let name = account.to_string().into();
        return Err(Error::not_found(Text::UnknownAccount.with([("account", name)])));
    }
    Ok(SharedView { account: account.to_string(), scopes })
}

/// Lets people of these groups use an account; no group ends the sharing.
pub async fn set(
    op: &mut Operation<'_>,
    account: &LoginName,
    scopes: &[ScopeName],
    groups: &[GroupName],
) -> Result<ScopesChanged> {
    naming::not_of_the_system(account)?;
    let mut warnings = naming::empty_groups(op.tx, groups).await?;
    if let Some(person) = person::find(op.tx, account).await? {
        warnings.push(Text::AccountOfPerson.with([
            ("account", account.to_string().into()),
            ("name", person.display_name.to_string().into()),
        ]));
    }

    let detail = Text::SetAccount
        .with([("account", account.as_str().into()), ("groups", joined(groups).into())]);
    let set = |policy: &mut PolicyDocument| set_groups(policy, account, groups);
    let changed = scope::change(op, scopes, ("scope.share", detail), set).await?;
    Ok(ScopesChanged { warnings, ..changed })
}

/// Ends the sharing of an account.
///
/// # Errors
/// [`Error::Refused`] where it is not shared.
pub async fn delete(
    op: &mut Operation<'_>,
    account: &LoginName,
    scopes: &[ScopeName],
) -> Result<ScopesChanged> {
    let detail = Text::SetNoGroups.with([("account", account.as_str().into())]);
    let end = |policy: &mut PolicyDocument| {
        if policy.shared_accounts.iter().all(|shared| shared.account != *account) {
            return Err(Error::not_found(Text::UnknownShared.with([
                ("account", account.to_string().into()),
                ("scope", policy.scope.to_string().into()),
            ])));
        }
        set_groups(policy, account, &[])
    };
    scope::change(op, scopes, ("scope.share", detail), end).await
}

fn set_groups(
    policy: &mut PolicyDocument,
    account: &LoginName,
    groups: &[GroupName],
) -> Result<()> {
    let mut accounts = policy.shared_accounts.to_vec();
    accounts.retain(|shared| shared.account != *account);

    if !groups.is_empty() {
        let groups = List::new(groups.to_vec()).map_err(|_| Error::invalid(Text::AccountGroups))?;
        accounts.push(SharedAccount { account: account.clone(), groups });
        accounts.sort_by(|a, b| a.account.cmp(&b.account));
    }

    policy.shared_accounts =
        List::new(accounts).map_err(|_| Error::invalid(Text::SharedAccounts))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use wardkey_core::code::Code;

    use super::*;
    use crate::admin::testing::{Deployment, login, scope as named};

    #[tokio::test]
    async fn sharing_is_set_and_ended_in_each_scope() {
        let deployment = Deployment::new().await;
        let (account, nurses) = (login("ward"), [GroupName::new("nurses").unwrap()]);
        let both = [named("icu"), named("er")];
        let shared = async || {
            let mut tx = deployment.store.read().await.unwrap();
            let request = PageRequest { limit: 1, ..PageRequest::default() };
            let page = list(&mut tx, &request).await.unwrap();
            (page.items.iter().map(|view| view.scope.clone()).collect::<Vec<_>>(), page.next)
        };
        deployment.act(async |op| set(op, &account, &both, &nurses).await).await.unwrap();
        assert_eq!(shared().await, (vec!["er".to_owned()], Some("ward/er".to_owned())));
        deployment.act(async |op| delete(op, &account, &both[..1]).await).await.unwrap();
        assert_eq!(shared().await, (vec!["er".to_owned()], None));
        let mut tx = deployment.store.read().await.unwrap();
        let shown = show(&mut tx, &account).await.unwrap();
        let scopes: Vec<_> =
            shown.scopes.iter().map(|scope| (scope.scope.as_str(), scope.groups.len())).collect();
        assert_eq!((shown.account.as_str(), scopes), ("ward", vec![("er", 1)]));
        assert_eq!(show(&mut tx, &login("desk")).await.unwrap_err().code(), Code::NotFound);
        drop(tx);
        let again = deployment.act(async |op| delete(op, &account, &both[..1]).await).await;
        assert_eq!(again.unwrap_err().code(), Code::NotFound);
    }

    #[tokio::test]
    async fn a_group_that_nobody_is_in_and_a_person_s_own_account_are_pointed_out() {
        let deployment = Deployment::new().await;
        deployment.add("yamada").await;
        let groups = [GroupName::new("nurse").unwrap()];
        let shared = async |account: &str| {
            let account = login(account);
            deployment.act(async |op| set(op, &account, &[named("icu")], &groups).await).await
        };
        let done = shared("ward").await.unwrap();
        assert_eq!(
            done.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["nobody is in group nurse: is the name right?"]
        );
        assert_eq!(shared("yamada").await.unwrap().warnings.len(), 2);
        assert_eq!(shared("root").await.unwrap_err().code(), Code::LoginReserved);
    }
}
