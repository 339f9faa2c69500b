//! Login names that a careful administrator does not give: those of system accounts, and those that
//! are mistaken for another person's.

use std::collections::HashMap;

use wardkey_core::code::Code;
use wardkey_core::name::{GroupName, LoginName};
use wardkey_core::texts;

use crate::error::{Error, Result};
use crate::people_file::{People, Problem, Wrong};
use crate::store::{Tx, lookup};
use crate::texts::{Phrase, Text};

/// Accounts that Debian makes on every machine, and those of display managers and of Wardkey. The
/// module leaves accounts of the system alone, so nobody could ever log in there with a key.
const OF_THE_SYSTEM: [&str; 31] = [
    "root",
    "daemon",
    "bin",
    "sys",
    "sync",
    "games",
    "man",
    "lp",
    "mail",
    "news",
    "uucp",
    "proxy",
    "www-data",
    "backup",
    "list",
    "irc",
    "nobody",
    "messagebus",
    "sshd",
    "polkitd",
    "avahi",
    "gdm",
    "lightdm",
    "sddm",
    "rtkit",
    "colord",
    "pulse",
    "wardkey",
    "wardkey-enroll",
    "wardkey-server",
    "debian-gdm",
];

/// Whether a login name is that of an account that every system has.
fn is_of_the_system(login: &str) -> bool {
    let login = login.to_ascii_lowercase();
    OF_THE_SYSTEM.contains(&login.as_str())
        || login.starts_with("systemd-")
        || login.starts_with('_')
}

/// Refuses a login name for a new person.
///
/// Looked up and then added, within the transaction that holds the write lock: nobody comes
/// between. A unique index on the small letters would say it too, but stores of before may hold
/// such pairs, and the step that makes the index would fail there; it could not name the other
/// person, either.
///
/// # Errors
/// [`Code::LoginReserved`], [`Code::LoginAlike`].
pub async fn check_login(tx: &mut Tx, login: &LoginName) -> Result<()> {
    not_of_the_system(login)?;
    match lookup::login_alike(tx, login).await? {
        None => Ok(()),
        Some(other) => {
            let message = Text::LoginThere.with([
                ("sentence", sentence(Code::LoginAlike, login)),
                ("other", other.to_string().into()),
            ]);
            Err(Error::refused(Code::LoginAlike, message))
        }
    }
}

/// Refuses the name of an account that every system has.
///
/// # Errors
/// [`Code::LoginReserved`].
pub fn not_of_the_system(login: &LoginName) -> Result<()> {
    if is_of_the_system(login.as_str()) {
        return Err(Error::refused(Code::LoginReserved, sentence(Code::LoginReserved, login)));
    }
    Ok(())
}

/// The same for everyone in a file, beside those who are there already: whoever has such a name
/// becomes a problem of that line.
pub fn check_file(mut people: People, there: &[LoginName]) -> People {
    let lower = |login: &str| login.to_ascii_lowercase();
    let mut seen: HashMap<String, String> =
        there.iter().map(|login| (lower(login.as_str()), login.to_string())).collect();

    let mut kept = Vec::with_capacity(people.lines.len());
    for (number, line) in people.lines {
        let known = seen.entry(lower(&line.login)).or_insert_with(|| line.login.clone());
        let wrong = if is_of_the_system(&line.login) {
            Wrong::Reserved(line.login)
        } else if *known != line.login {
            Wrong::Alike(line.login)
        } else {
            kept.push((number, line));
            continue;
        };
        people.problems.push(Problem::at(number, wrong));
    }
    people.lines = kept;
    people
}

/// Warnings about groups that nobody is in: a slip of the finger, or people who come later.
pub async fn empty_groups(tx: &mut Tx, groups: &[GroupName]) -> Result<Vec<Phrase>> {
    without_people(tx, groups, Text::EmptyGroup).await
}

/// The same of groups that a person comes into.
pub async fn new_groups(
    tx: &mut Tx,
    groups: impl IntoIterator<Item = &GroupName>,
) -> Result<Vec<Phrase>> {
    without_people(tx, groups, Text::NewGroup).await
}

async fn without_people(
    tx: &mut Tx,
    groups: impl IntoIterator<Item = &GroupName>,
    warning: Text,
) -> Result<Vec<Phrase>> {
    let groups: Vec<GroupName> = groups.into_iter().cloned().collect();
    let with_people = lookup::with_people(tx, &groups).await?;
    let empty = groups.iter().filter(|group| !with_people.contains(*group));
    Ok(empty.map(|group| warning.with([("name", group.to_string().into())])).collect())
}

fn sentence(code: Code, login: &LoginName) -> Phrase {
    texts::phrase(code, vec![("value", login.as_str().into())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::person;
    use crate::admin::testing::{Deployment, login, someone};

    #[tokio::test]
    async fn neither_system_accounts_nor_names_that_look_alike_become_people() {
        let deployment = Deployment::new().await;
        deployment.add("taro").await;
        for (name, code) in [
            ("root", Code::LoginReserved),
            ("Root", Code::LoginReserved),
            ("systemd-network", Code::LoginReserved),
            ("_apt", Code::LoginReserved),
            ("Taro", Code::LoginAlike),
        ] {
            let refused = deployment.act(async |op| person::add(op, someone(name)).await).await;
            assert_eq!(refused.unwrap_err().code(), code, "{name}");
        }
        deployment.add("taro2").await;
        let mut tx = deployment.store.read().await.unwrap();
        check_login(&mut tx, &login("taro")).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_is_held_to_the_same_names() {
        let deployment = Deployment::new().await;
        deployment.add("taro").await;
        let text =
            "login,name,scopes\nroot,R,icu\nTARO,T,icu\ntaro,T,icu\nHanako,H,icu\nhanako,H,icu\n";
        let mut tx = deployment.store.read().await.unwrap();
        let there = lookup::logins(&mut tx).await.unwrap();
        let people = check_file(People::from_csv(text.as_bytes()), &there);
        let wrong: Vec<_> =
            people.problems.iter().map(|problem| (problem.line, problem.code())).collect();
        assert_eq!(wrong, [(2, Code::LoginReserved), (3, Code::LoginAlike), (6, Code::LoginAlike)]);
        assert_eq!(people.lines.len(), 2);
    }
}
