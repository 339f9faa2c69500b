//! The account of the enrollment console: nobody's, in no group, and nobody logs in to it.

use std::path::Path;

use crate::texts::Text;

/// Its name, by which agent and key process know it.
pub(crate) const ACCOUNT: &str = "wardkey-enroll";
/// Greatest uid of accounts of the system (Debian policy, 9.2.2).
const SYSTEM: u32 = 999;

/// What is not as the package makes it. A file that cannot be read says nothing.
pub(crate) fn problems(root: &Path) -> Vec<Text> {
    let lines = |name: &str| std::fs::read_to_string(root.join("etc").join(name));
    let passwd = lines("passwd").unwrap_or_default();
    let accounts: Vec<Vec<&str>> = passwd.lines().map(|line| line.split(':').collect()).collect();
    let field =
        |account: &[&str], at: usize| account.get(at).copied().unwrap_or_default().to_owned();
    let Some(own) = accounts.iter().find(|account| field(account, 0) == ACCOUNT) else {
        return vec![Text::ConsoleAccountMissing];
    };
    let mut problems = Vec::new();

    let uid = field(own, 2);
    let same = accounts.iter().filter(|account| field(account, 2) == uid).count();
    if same != 1 || !uid.parse().is_ok_and(|uid: u32| (1..=SYSTEM).contains(&uid)) {
        problems.push(Text::ConsoleAccountUid);
    }
    let shell = field(own, 6);
    if !["/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false"].contains(&&*shell) {
        problems.push(Text::ConsoleAccountShell);
    }

    // An x stands for the other file.
    let has_password = |field: &str| !field.starts_with(['!', '*']);
    let shadow = lines("shadow").unwrap_or_default();
    let of_shadow = shadow.lines().find_map(|line| line.strip_prefix(ACCOUNT)?.strip_prefix(':'));
    let of_shadow = of_shadow.map(|line| line.split(':').next().unwrap_or_default());
    let of_passwd = field(own, 1);
    if of_shadow.is_some_and(has_password) || (of_passwd != "x" && has_password(&of_passwd)) {
        problems.push(Text::ConsoleAccountPassword);
    }

    let gid = field(own, 3);
    let group = lines("group").unwrap_or_default();
    let is_wrong = group.lines().any(|line| {
        let group: Vec<&str> = line.split(':').collect();
        let is_own = field(&group, 0) == ACCOUNT;
        let is_member = field(&group, 3).split(',').any(|member| member == ACCOUNT);
        (is_member && !is_own) || ((field(&group, 2) == gid) != is_own)
    });
    if is_wrong {
        problems.push(Text::ConsoleAccountGroups);
    }
    problems
}
