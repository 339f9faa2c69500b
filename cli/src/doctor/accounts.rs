//! The directory's people as accounts of this machine: other secrets, ageing, uids.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use wardkey_core::code::Code;

use wardkey_settings::files::Owner;
use wardkey_settings::login_defs;

use crate::finding::{Finding, Level};
use crate::texts::Text;

use super::text;

/// Findings of one kind that are told one by one; of the others, how many.
const TOLD: usize = 20;
/// `UID_MIN` where login.defs does not say.
const UID_MIN: u32 = 1000;

/// An account of `/etc/passwd`, or of another source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    /// Its first group.
    pub(crate) gid: u32,
    /// It stands in `/etc/passwd`.
    pub(crate) is_local: bool,
}

/// What is looked at of all people.
pub(crate) struct People {
    pub(crate) names: BTreeSet<String>,
    /// By name.
    pub(crate) accounts: BTreeMap<String, Account>,
}

/// `/etc/passwd`: name and uid.
pub(crate) fn passwd(root: &Path) -> BTreeMap<String, Account> {
    let text = text::read(&root.join("etc/passwd"));
    let account = |line: &str| {
        let mut fields = line.split(':');
        let (name, uid, gid) =
            (fields.next()?, fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        Some((name.to_owned(), Account { uid, gid, is_local: true }))
    };
    text.lines().filter_map(account).collect()
}

/// Sources of accounts beside the files of this machine.
pub(crate) fn sources(root: &Path) -> Vec<String> {
    let text = text::read(&root.join("etc/nsswitch.conf"));
    let line = text.lines().find_map(|line| line.trim().strip_prefix("passwd:"));
    let words = line.unwrap_or("files").split_whitespace().filter(|word| !word.starts_with('['));
    words.filter(|word| !["files", "systemd", "compat"].contains(word)).map(str::to_owned).collect()
}

/// Where the accounts of people begin here, as the module takes it.
pub(crate) fn uid_min(root: &Path, owner: Owner) -> u32 {
    login_defs::system_uid_max(&root.join("etc/login.defs"), owner)
        .map_or(UID_MIN, |max| max.saturating_add(1))
}

/// What is wrong with the accounts of people.
pub(crate) fn look(
    root: &Path,
    people: &People,
    local: &BTreeSet<String>,
    system_uid_max: u32,
) -> Vec<Finding> {
    let shadow = text::read(&root.join("etc/shadow"));
    let shadow: BTreeMap<&str, Vec<&str>> = shadow
        .lines()
        .filter_map(|line| line.split_once(':').map(|(name, _)| (name, line.split(':').collect())))
        .collect();
    let mut findings = Vec::new();
    for name in people.names.iter().filter(|name| !local.contains(*name)) {
        if let Some(account) =
            people.accounts.get(name).filter(|account| account.uid <= system_uid_max)
        {
            let finding = Finding::new(Code::PersonIsSystem, Level::Open, "name", name.clone());
            findings.push(
                finding
                    .detail(Text::UidAndLimit.with([
                        ("uid", account.uid.to_string().into()),
                        ("limit", system_uid_max.to_string().into()),
                    ]))
                    .way(account.uid.to_string()),
            );
        }
        let Some(fields) = shadow.get(name.as_str()) else { continue };
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        if is_usable(field(1)) {
            let finding = Finding::new(Code::PersonHasSecret, Level::Warning, "name", name.clone());
            findings.push(finding.fix(format!("passwd -l {name}")));
        }
        // The longest that shadow(5) knows means never.
        let maximum = field(4).parse::<u64>().ok().filter(|days| *days < 99_999);
        // Changed on day 0: a new one is asked for at once.
        if maximum.is_some() || field(2) == "0" || !field(7).is_empty() {
            let finding = Finding::new(Code::PersonAgeing, Level::Warning, "name", name.clone());
            findings.push(finding.fix(format!("chage -d -1 -m 0 -M -1 -I -1 -E -1 {name}")));
        }
    }
    shortened(findings)
}

/// An empty one lets in where pam_unix has nullok; crypt(5) makes the others.
fn is_usable(secret: &str) -> bool {
    secret.is_empty()
        || secret.starts_with(['$', '_'])
        || (secret.len() == 13 && !secret.starts_with(['!', '*']))
}

/// The first ones of each kind, and the number of the others.
fn shortened(findings: Vec<Finding>) -> Vec<Finding> {
    let mut seen: BTreeMap<Code, usize> = BTreeMap::new();
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        let count = seen.entry(finding.code).or_default();
        *count += 1;
        // What is open is told whole: each has to be accepted or mended.
        if *count <= TOLD || finding.level == Level::Open {
            kept.push(finding);
        }
    }
    for (code, count) in seen {
        if let Some(last) = kept
            .iter_mut()
            .rfind(|finding| finding.code == code && count > TOLD && finding.level != Level::Open)
        {
            last.details.push(Text::AndMore.with([("count", ((count - TOLD) as u64).into())]));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_with_another_secret_ageing_or_a_systems_uid_are_named() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(root.path().join("etc").join(name), text).unwrap()
        };
        write(
            "passwd",
            "root:x:0:0::/root:/bin/sh\nhanako:x:1001:1::/:/bin/sh\nold:x:500:1::/:/bin/sh\n\
                empty:x:1002:1::/:/bin/sh\n",
        );
        write(
            "shadow",
            "root:$y$a:1::::::\nhanako:$y$x:19000:0:99999:7:::\ntaro:!$y$x:19000:0:90:7:::\n\
                empty::19000:0:99999:7:::\n\
                         fine:!*:19000:0:99999:7:::\nends:*:19000:0:99999:7::20000:\n\
                         new:!:0:0:99999:7:::\nadmin:$y$x:1:0:99999:7:::\n",
        );
        write("login.defs", "# UID_MIN 7\nUID_MIN\t\t\t 500\nUID_MAX 60000\n");
        write("nsswitch.conf", "passwd: files systemd [NOTFOUND=continue] sss\ngroup: files\n");
        assert_eq!(
            (uid_min(root.path(), Owner::current()), sources(root.path())),
            (500, vec!["sss".to_owned()])
        );
        let names =
            ["hanako", "taro", "old", "empty", "fine", "ends", "new", "admin", "nobody-here"];
        let people = People { names: names.map(Into::into).into(), accounts: passwd(root.path()) };
        let found = look(root.path(), &people, &BTreeSet::from(["admin".to_owned()]), 999);
        let found: Vec<_> =
            found.iter().map(|finding| (finding.code.number(), finding.subject.as_str())).collect();
        assert_eq!(
            found,
            [
                (1626, "empty"),
                (1627, "ends"),
                (1626, "hanako"),
                (1627, "new"),
                (1628, "old"),
                (1627, "taro")
            ]
        );
    }

    #[test]
    fn a_long_list_is_cut_but_not_of_what_is_open() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let line = |number: usize| format!("p{number}:$y$x:19000:0:99999:7:::\n");
        std::fs::write(root.path().join("etc/shadow"), (0..50).map(line).collect::<String>())
            .unwrap();
        let names: BTreeSet<String> = (0..50).map(|number| format!("p{number}")).collect();
        let account =
            |name: &String| (name.clone(), Account { uid: 700, gid: 700, is_local: true });
        let people = People { accounts: names.iter().map(account).collect(), names };
        let found = look(root.path(), &people, &BTreeSet::new(), 999);
        assert_eq!(found.iter().filter(|finding| finding.code == Code::PersonIsSystem).count(), 50);
        let secrets: Vec<_> =
            found.iter().filter(|finding| finding.code == Code::PersonHasSecret).collect();
        assert_eq!(
            (secrets.len(), secrets[TOLD - 1].details[0].to_string()),
            (TOLD, "and 30 more".to_owned())
        );
    }
}
