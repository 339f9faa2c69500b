//! What is known of modules: on what their success rests, and which answers they can give.
//!
//! A module that is not in the table could succeed by anything. A module that never says `success`
//! in a phase is in the table for that; it was looked up in the sources of Linux-PAM 1.5.2 and
//! 1.7.0.

use crate::answer::{Answer, Answers};
use crate::condition;
use crate::load::{Kind, Line, Phase};
use crate::machine::Machine;
use crate::subject::{Subject, Who};
use crate::world::{MODULE, World};

/// On what the success of a module rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Key, PIN and touch, judged by Wardkey.
    Wardkey,
    /// Something the person knows, has or is, but no key of Wardkey's.
    Secret,
    /// Nothing: it says `success` to everybody.
    Nothing,
    /// A condition: an account, a group, a list, a time, a place.
    Condition,
    /// Who started the program.
    Caller,
    /// Something earlier: a ticket, a time stamp.
    Earlier,
    /// It never says `success` when asked who somebody is.
    Never,
    /// It is not known here.
    Unknown,
}

struct Known {
    name: &'static str,
    proof: Proof,
}

const fn known(name: &'static str, proof: Proof) -> Known {
    Known { name, proof }
}

/// In the order of names.
const TABLE: &[Known] = &[
    known("pam_access", Proof::Condition),
    known("pam_cap", Proof::Condition),
    known("pam_ccreds", Proof::Secret),
    known("pam_debug", Proof::Nothing),
    known("pam_deny", Proof::Never),
    known("pam_echo", Proof::Nothing),
    known("pam_ecryptfs", Proof::Nothing),
    known("pam_env", Proof::Never),
    known("pam_exec", Proof::Unknown),
    known("pam_faildelay", Proof::Never),
    known("pam_faillock", Proof::Condition),
    known("pam_fido", Proof::Wardkey),
    known("pam_fprintd", Proof::Secret),
    known("pam_ftp", Proof::Nothing),
    known("pam_gnome_keyring", Proof::Nothing),
    known("pam_google_authenticator", Proof::Secret),
    known("pam_group", Proof::Never),
    known("pam_heimdal", Proof::Secret),
    known("pam_himmelblau", Proof::Secret),
    known("pam_howdy", Proof::Secret),
    known("pam_issue", Proof::Never),
    known("pam_krb5", Proof::Secret),
    known("pam_kwallet5", Proof::Nothing),
    known("pam_ldap", Proof::Secret),
    known("pam_listfile", Proof::Condition),
    known("pam_localuser", Proof::Condition),
    known("pam_mount", Proof::Nothing),
    known("pam_mysql", Proof::Secret),
    known("pam_nologin", Proof::Never),
    known("pam_oath", Proof::Secret),
    known("pam_p11", Proof::Secret),
    known("pam_permit", Proof::Nothing),
    known("pam_pkcs11", Proof::Secret),
    known("pam_pwdfile", Proof::Secret),
    known("pam_radius_auth", Proof::Secret),
    known("pam_rhosts", Proof::Condition),
    known("pam_rootok", Proof::Caller),
    known("pam_securetty", Proof::Condition),
    known("pam_shells", Proof::Condition),
    known("pam_ssh", Proof::Secret),
    known("pam_ssh_agent_auth", Proof::Secret),
    known("pam_sss", Proof::Secret),
    known("pam_sss_gss", Proof::Earlier),
    known("pam_succeed_if", Proof::Condition),
    known("pam_systemd_home", Proof::Secret),
    known("pam_tally2", Proof::Condition),
    known("pam_time", Proof::Condition),
    known("pam_timestamp", Proof::Earlier),
    known("pam_tmpdir", Proof::Nothing),
    known("pam_u2f", Proof::Secret),
    known("pam_unix", Proof::Secret),
    known("pam_userdb", Proof::Secret),
    known("pam_usertype", Proof::Condition),
    known("pam_warn", Proof::Never),
    known("pam_wheel", Proof::Caller),
    known("pam_winbind", Proof::Secret),
    known("pam_yubico", Proof::Secret),
];

/// Programs that keep the uid of who starts them while they ask: there, `pam_rootok` means a caller
/// who is root. Elsewhere (login, display managers, sudo) the program runs as root whoever sits
/// there.
const KEEP_CALLER: [&str; 15] = [
    "su",
    "su-l",
    "runuser",
    "runuser-l",
    "chfn",
    "chsh",
    "passwd",
    "chpasswd",
    "newusers",
    "chage",
    "chgpasswd",
    "groupadd",
    "groupdel",
    "useradd",
    "userdel",
];

/// The name of a module without folder and ending; nothing for a file elsewhere, whatever its name
/// is.
pub(crate) fn base(name: &[u8]) -> &[u8] {
    let (folder, file) = match name.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (name.get(..at).unwrap_or_default(), name.get(at + 1..).unwrap_or_default()),
        None => (&b""[..], name),
    };
    let system = folder.starts_with(b"/lib/") || folder.starts_with(b"/usr/lib/");
    let up = folder.windows(2).any(|two| two == b"..");
    let usual = folder.is_empty() && file.len() == name.len()
        || system && !up && folder.ends_with(b"/security");
    file.strip_suffix(b".so").filter(|_| usual).unwrap_or_default()
}

/// On what the success of a module rests.
pub fn proof(name: &[u8]) -> Proof {
    entry(name).map_or(Proof::Unknown, |known| known.proof)
}

/// The name by which a module is known here, such as `pam_unix`; its words are looked up by it.
pub fn known_as(name: &[u8]) -> Option<&'static str> {
    entry(name).map(|known| known.name)
}

/// Every module that is known here.
pub fn known_modules() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|known| known.name)
}

fn entry(name: &[u8]) -> Option<&'static Known> {
    let base = base(name);
    TABLE.iter().find(|known| known.name.as_bytes() == base)
}

/// Whether a line of Wardkey's module asks nothing, and only says whether the line before it left
/// the account alone.
pub(crate) fn is_second(arguments: &[Vec<u8>]) -> bool {
    arguments.iter().any(|argument| argument == b"local")
}

const ERRORS: Answers = Answers::ANY.without(Answer::SUCCESS).without(Answer::NEW_AUTHTOK_REQD);

/// The answers that a line may give.
pub(crate) fn answers(
    line: &Line,
    phase: Phase,
    service: &str,
    subject: &Subject<'_>,
    world: &World<'_>,
) -> Answers {
    let Kind::Module { name, arguments } = &line.kind else {
        return Answers::of(&[Answer::PERM_DENIED]);
    };
    let missing = Answers::of(&[Answer::MODULE_UNKNOWN]);
    if !world.machine.has_module(name) || (world.without_key && base(name) == MODULE) {
        return missing;
    }
    let said = said(base(name), arguments, phase, service, subject, world.machine);
    // A caller with little memory, or a file that is damaged further on: any module may fail to
    // load.
    if world.loads_all { said } else { said.and(Answer::MODULE_UNKNOWN) }
}

fn said(
    base: &[u8],
    arguments: &[Vec<u8>],
    phase: Phase,
    service: &str,
    subject: &Subject<'_>,
    machine: &Machine,
) -> Answers {
    use Answer as A;
    let auth = phase == Phase::Auth;
    match base {
        // The second line: it only repeats that the first one left the account alone.
        b"pam_fido" if is_second(arguments) => match subject.who {
            Who::Person => ERRORS,
            Who::Local | Who::Root => Answers::of(&[A::SUCCESS]),
        },
        b"pam_fido" => match subject.who {
            Who::Person => Answers::ANY.without(A::USER_UNKNOWN).without(A::IGNORE),
            Who::Local | Who::Root => Answers::of(&[A::USER_UNKNOWN]),
        },
        b"pam_permit" => Answers::of(&[A::SUCCESS]),
        b"pam_deny" => Answers::of(&[A::AUTH_ERR, A::PERM_DENIED, A::ACCT_EXPIRED]),
        b"pam_env" | b"pam_group" | b"pam_warn" | b"pam_issue" | b"pam_faildelay" if auth => {
            ERRORS.without(A::MODULE_UNKNOWN)
        }
        b"pam_nologin" => {
            let success = arguments.iter().any(|argument| argument == b"successok");
            // With /etc/nologin there, root gets no refusal.
            let set = Answers::of(&[A::IGNORE, A::AUTH_ERR, A::USER_UNKNOWN]);
            if success { set.and(A::SUCCESS) } else { set }
        }
        b"pam_rootok" if KEEP_CALLER.contains(&service) => Answers::of(&[A::AUTH_ERR]),
        b"pam_rootok" => Answers::of(&[A::SUCCESS, A::AUTH_ERR]),
        b"pam_succeed_if" => condition::succeed_if(arguments, service, subject),
        b"pam_listfile" => condition::listfile(arguments, subject, machine),
        b"pam_usertype" => condition::usertype(arguments, subject, machine),
        b"pam_localuser" => condition::localuser(arguments, subject, machine),
        b"pam_debug" => condition::debug(arguments, phase),
        b"pam_faillock" if auth && arguments.iter().any(|argument| argument == b"authfail") => {
            ERRORS
        }
        _ => Answers::ANY,
    }
    .without(A::MODULE_UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_found_by_file() {
        assert!(TABLE.windows(2).all(|pair| pair[0].name < pair[1].name));
        for name in [
            &b"pam_krb5.so"[..],
            b"/lib/security/pam_krb5.so",
            b"/usr/lib/x86_64-linux-gnu/security/pam_krb5.so",
        ] {
            assert_eq!(proof(name), Proof::Secret);
        }
        // Not the file that is known by this name.
        for name in [
            &b"pam_krb5x.so"[..],
            b"pam_deny.so.1",
            b"pam_deny",
            b"/opt/security/pam_deny.so",
            b"../pam_deny.so",
            b"/lib/security/../../tmp/security/pam_deny.so",
            b"/pam_deny.so",
            b"",
        ] {
            assert_eq!(proof(name), Proof::Unknown, "{}", String::from_utf8_lossy(name));
        }
    }
}
