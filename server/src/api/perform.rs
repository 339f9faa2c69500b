//! Whether who asks may do what is asked, there and to them; then it is done.

use std::collections::BTreeSet;

use wardkey_core::code::Code;
use wardkey_core::name::{GroupName, ScopeName};
use wardkey_core::texts;

use super::call::Call;
use super::endpoint::{Asked, Endpoint, Touches, Whom};
use super::tag;
use crate::admin::role::{Act, Grant, Kind};
use crate::error::{Error, Result};
use crate::texts::Text;

/// Does what is asked, where who asks may: whoever asks, and in whatever form it came.
///
/// # Errors
/// Those of the act; [`Code::ActNotAllowed`], [`Code::OutsideScopes`], [`Code::PersonProtected`],
/// and [`Code::NotFound`] for what is elsewhere as for what is not.
pub async fn perform<E: Endpoint>(
    call: &mut Call<'_>,
    asked: Asked<E>,
    if_match: Option<&str>,
) -> Result<E::View> {
    must_have(call.grant(), E::ACT)?;
    let touches = match E::touches(call, &asked).await {
        // The same words for what is not there and for what is elsewhere.
        Err(error) if error.code() == Code::NotFound => return Err(unseen()),
        touches => touches?,
    };
    may(call.grant(), E::ACT, &touches, &call.api.app.config.admin.protected_groups)?;
    if let Some(wanted) = if_match {
        tag::must_match(wanted, &E::before(call, &asked).await?)?;
    }
    E::run(call, asked).await
}

/// Whether who asks may, where and to whom that is.
fn may(grant: &Grant, act: Act, touches: &Touches, protected: &BTreeSet<GroupName>) -> Result<()> {
    let (none, nobody) = (BTreeSet::new(), Whom::default());
    let (own, others, whom) = match touches {
        Touches::Nothing | Touches::Rows => return Ok(()),
        Touches::Everything if grant.is_everywhere() => return Ok(()),
        Touches::Everything => return Err(outside()),
        Touches::Scopes(own) => (own, &none, &nobody),
        Touches::Person(whom) => (&whom.scopes, &none, whom),
        Touches::Moves(whom, others) => (&whom.scopes, others, whom),
    };
    // What is elsewhere is not there, wherever it would come.
    if !grant.sees(own.iter().map(ScopeName::as_str)) {
        return Err(unseen());
    }
    let all = own.union(others).map(ScopeName::as_str);
    if act.kind() == Kind::Changes && !grant.rules(all) {
        return Err(outside());
    }
    let is_protected = whom.administrates || !whom.groups.is_disjoint(protected);
    if act.lets_in() && !grant.is_whole() && is_protected {
        let message = texts::phrase(Code::PersonProtected, vec![]);
        return Err(Error::refused(Code::PersonProtected, message));
    }
    Ok(())
}

/// Refuses an act that the role does not have.
///
/// # Errors
/// [`Code::ActNotAllowed`].
pub fn must_have(grant: &Grant, act: Act) -> Result<()> {
    if grant.has(act) {
        return Ok(());
    }
    let args = vec![("act", act.as_str().into())];
    Err(Error::refused(Code::ActNotAllowed, texts::phrase(Code::ActNotAllowed, args)))
}

fn unseen() -> Error {
    Error::not_found(Text::NotYours)
}

fn outside() -> Error {
    Error::refused(Code::OutsideScopes, texts::phrase(Code::OutsideScopes, vec![]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::role::Role;
    use crate::admin::testing::{group, scope};

    #[test]
    fn what_lies_elsewhere_is_not_there_and_what_lies_in_part_elsewhere_stays_as_it_is() {
        let set = |names: &[&str]| names.iter().map(|name| scope(name)).collect::<BTreeSet<_>>();
        let of = |names: &[&str]| Touches::Scopes(set(names));
        let whom = |own: &[&str]| Whom { scopes: set(own), ..Whom::default() };
        let moves = |own: &[&str], others: &[&str]| Touches::Moves(whom(own), set(others));
        let icu = Grant::new(Role::SiteAdministrator, Some([scope("icu")].into())).unwrap();
        let owner = Grant::new(Role::Owner, None).unwrap();
        for (touches, read, write) in [
            (of(&["icu"]), None, None),
            (of(&["icu", "er"]), None, Some(Code::OutsideScopes)),
            (of(&["er"]), Some(Code::NotFound), Some(Code::NotFound)),
            (of(&[]), Some(Code::NotFound), Some(Code::NotFound)),
            (moves(&["icu"], &["icu"]), None, None),
            (moves(&["icu"], &["er"]), None, Some(Code::OutsideScopes)),
            (moves(&["er"], &["icu"]), Some(Code::NotFound), Some(Code::NotFound)),
            (Touches::Everything, Some(Code::OutsideScopes), Some(Code::OutsideScopes)),
            (Touches::Nothing, None, None),
            (Touches::Rows, None, None),
        ] {
            let none = BTreeSet::new();
            let refused =
                |grant, act| may(grant, act, &touches, &none).err().map(|error| error.code());
            assert_eq!(refused(&icu, Act::ReadPeople), read, "{touches:?}");
            assert_eq!(refused(&icu, Act::WritePeople), write, "{touches:?}");
            assert_eq!(refused(&owner, Act::WritePeople), None, "{touches:?}");
        }
    }

    #[test]
    fn who_is_protected_is_let_in_by_an_owner_of_everything_alone() {
        let protected = BTreeSet::from([group("it")]);
        let whom = |groups: &[&str]| Whom {
            administrates: groups.contains(&"administrators"),
            scopes: [scope("icu")].into(),
            groups: groups.iter().map(|name| group(name)).collect(),
        };
        let of = |role, scopes| Grant::new(role, scopes).unwrap();
        let icu = || Some(BTreeSet::from([scope("icu")]));
        for grant in [
            of(Role::SiteAdministrator, icu()),
            of(Role::HelpDesk, None),
            of(Role::Owner, icu()),
            of(Role::Owner, None),
        ] {
            for act in Act::ALL {
                let refused = |groups: &[&str]| {
                    [Touches::Person(whom(groups)), Touches::Moves(whom(groups), BTreeSet::new())]
                        .map(|touches| may(&grant, *act, &touches, &protected).err())
                        .map(|error| error.map(|error| error.code()))
                };
                let is_refused = act.lets_in() && !grant.is_whole();
                let expected = is_refused.then_some(Code::PersonProtected);
                assert_eq!(refused(&["it", "nurses"]), [expected; 2], "{grant:?} {act:?}");
                assert_eq!(refused(&["administrators"]), [expected; 2], "{grant:?} {act:?}");
                assert_eq!(refused(&["nurses"]), [None; 2], "{grant:?} {act:?}");
            }
        }
    }
}
