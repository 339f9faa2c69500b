//! The account phase without a login: which services may start something for a person who has not
//! logged in with the same handle. Every other one has let somebody in by other means than the key
//! (a fingerprint, a display manager's autologin), and is refused.
//!
//! No configuration adds to the table: a service in it opens sessions without a key.

use crate::name::ServiceName;

/// Who must have started the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter {
    /// A daemon of the system's, at the person's own earlier wish.
    System,
    /// Root itself, who may become anybody without asking.
    Root,
    /// The person: the process is theirs already.
    Oneself,
}

/// Who started the application that asks, by the kernel's word and the application's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its real uid.
    pub real_uid: u32,
    /// Its effective uid: root's when its word about the service counts (atd has another real one).
    pub effective_uid: u32,
    /// Who asks by way of it (`sudo` names its caller), else who logged in before.
    pub invoker: Option<u32>,
    /// The uid of the account.
    pub account: u32,
}

/// A service, who must have started it, and why its account phase may stand alone.
pub const SERVICES: &[(&str, Starter, &str)] = &[
    (
        "systemd-user",
        Starter::System,
        "the user manager of a session that a login opened, or of an account that lingers",
    ),
    ("cron", Starter::System, "jobs that the person wrote while logged in (Debian)"),
    ("crond", Starter::System, "the same (cronie)"),
    ("atd", Starter::System, "the same, once"),
    ("su", Starter::Root, "root becomes the person; for everybody else su asks for the key first"),
    ("su-l", Starter::Root, "the same with a login shell"),
    ("runuser", Starter::Root, "the same, for root only"),
    ("runuser-l", Starter::Root, "the same with a login shell"),
    (
        "sudo",
        Starter::Oneself,
        "the person's own sudo within its time stamp, or by a rule that asks for nothing",
    ),
    ("sudo-i", Starter::Oneself, "the same with a login shell"),
    ("doas", Starter::Oneself, "the same"),
];

/// Whether the account phase of this service, begun by this caller, may be passed without a login.
pub fn may_pass(service: &ServiceName, caller: &Caller) -> bool {
    let row = SERVICES.iter().find(|(name, ..)| *name == service.as_str());
    row.is_some_and(|(_, starter, _)| match starter {
        Starter::System => caller.effective_uid == 0,
        Starter::Root => caller.effective_uid == 0 && caller.real_uid == 0,
        Starter::Oneself => caller.effective_uid == 0 && caller.invoker == Some(caller.account),
    })
}

/// Names of the accounts that GDM makes while a greeter runs, without "-2" and so on.
const GREETERS: [&str; 2] = ["gdm-greeter", "gnome-initial-setup"];
/// Their uids, which systemd keeps for them (systemd.io/UIDS-GIDS).
const GREETER_UIDS: std::ops::RangeInclusive<u32> = 60_578..=60_705;
/// Services that open their sessions: the greeter's own, and its user manager.
const GREETER_SERVICES: [&str; 2] = ["gdm-launch-environment", "systemd-user"];

/// Whether the account phase is that of a greeter of GDM 49 and later, which runs as an account
/// made for it, above all system accounts. It is nobody's account, and without it nobody could log
/// in.
pub fn is_greeters(service: &str, name: &str, caller: &Caller) -> bool {
    let kind = name.trim_end_matches(|char: char| char.is_ascii_digit());
    let is_named = match kind.strip_suffix('-') {
        Some(kind) if kind.len() + 1 < name.len() => GREETERS.contains(&kind),
        _ => GREETERS.contains(&name),
    };
    caller.effective_uid == 0
        && caller.real_uid == 0
        && GREETER_UIDS.contains(&caller.account)
        && GREETER_SERVICES.contains(&service)
        && is_named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_services_pass_the_account_phase_without_a_login() {
        const HANAKO: u32 = 2001;
        const TARO: u32 = 2002;
        // (service, real and effective uid, invoker, whether it passes for hanako)
        for (service, (real_uid, effective_uid), invoker, passes) in [
            ("systemd-user", (0, 0), None, true),
            ("cron", (0, 0), None, true),
            ("crond", (0, 0), None, true),
            ("atd", (0, 0), None, true),
            ("atd", (1, 0), Some(1), true),
            // A program of a user's may call itself what it likes.
            ("cron", (HANAKO, HANAKO), Some(HANAKO), false),
            ("systemd-user", (TARO, TARO), Some(TARO), false),
            // Root, also one who came by sudo; nobody else without her key.
            ("su", (0, 0), Some(0), true),
            ("su-l", (0, 0), Some(TARO), true),
            ("runuser", (0, 0), None, true),
            ("su", (TARO, 0), Some(TARO), false),
            ("su", (HANAKO, 0), Some(HANAKO), false),
            // Her own sudo; not somebody else's who may become her.
            ("sudo", (0, 0), Some(HANAKO), true),
            ("sudo-i", (0, 0), Some(HANAKO), true),
            ("doas", (0, 0), Some(HANAKO), true),
            ("sudo", (0, 0), Some(TARO), false),
            ("sudo", (0, 0), None, false),
            ("sudo", (0, 0), Some(0), false),
            ("sudo", (HANAKO, HANAKO), Some(HANAKO), false),
        ] {
            let caller = Caller { real_uid, effective_uid, invoker, account: HANAKO };
            let name = ServiceName::new(service).unwrap();
            assert_eq!(may_pass(&name, &caller), passes, "{service} {caller:?}");
        }
        for service in [
            "gdm-fingerprint",
            "gdm-smartcard",
            "gdm-autologin",
            "gdm-password",
            "lightdm-autologin",
            "lightdm",
            "sddm-autologin",
            "sddm",
            "kde-fingerprint",
            "kde-smartcard",
            "kde",
            "login",
            "sshd",
            "polkit-1",
            "greetd",
            "other",
            "common-account",
            "cron2",
            "Cron",
            "systemd-user2",
            "systemd-run0",
            "xrdp-sesman",
        ] {
            for invoker in [None, Some(0), Some(HANAKO)] {
                let caller = Caller { real_uid: 0, effective_uid: 0, invoker, account: HANAKO };
                assert!(
                    !may_pass(&ServiceName::new(service).unwrap(), &caller),
                    "{service} {invoker:?}"
                );
            }
        }
    }

    #[test]
    fn greeters_of_gdm_have_accounts_that_are_nobodys() {
        let root = Caller { real_uid: 0, effective_uid: 0, invoker: None, account: 60_578 };
        let is = |service: &str, name: &str, caller: &Caller| is_greeters(service, name, caller);
        for name in ["gdm-greeter", "gdm-greeter-2", "gdm-greeter-128", "gnome-initial-setup"] {
            for account in [60_578, 60_600, 60_705] {
                let caller = Caller { account, ..root };
                assert!(is("gdm-launch-environment", name, &caller), "{name} {account}");
                assert!(is("systemd-user", name, &caller), "{name} {account}");
            }
        }
        // Somebody of the directory with such a uid, or such a name with another one.
        for name in
            ["hanako", "gdm", "gdm-greeter-", "gdm-greeter-x", "gdm-greeter2", "Gdm-greeter", ""]
        {
            assert!(!is("gdm-launch-environment", name, &root), "{name}");
        }
        for account in [0, 999, 2001, 60_577, 60_706, 65_534] {
            assert!(!is("gdm-launch-environment", "gdm-greeter", &Caller { account, ..root }));
        }
        // Any other way to be that account, also root's own and a user's program.
        for service in ["gdm-password", "gdm-autologin", "login", "su", "sudo", "cron", "other"] {
            assert!(!is(service, "gdm-greeter", &root), "{service}");
        }
        for uids in [(2001, 2001), (2001, 0), (60_578, 60_578)] {
            let caller = Caller { real_uid: uids.0, effective_uid: uids.1, ..root };
            assert!(!is("gdm-launch-environment", "gdm-greeter", &caller), "{uids:?}");
        }
    }
}
