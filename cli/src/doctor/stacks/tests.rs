//! Services as packages and administrators write them.

use super::*;

struct Tree(tempfile::TempDir);

/// With lines for the day on which the module cannot be loaded.
const NOW: &str = "auth [success=5 user_unknown=3 module_unknown=ignore default=die] pam_fido.so\n\
                   auth [success=2 default=ignore] pam_succeed_if.so quiet uid < 1000\n\
                   auth [success=1 default=ignore] pam_listfile.so item=user sense=allow \
                   file=/local onerr=fail\n\
                   auth requisite pam_deny.so\n\
                   auth [success=1 default=ignore] pam_unix.so nullok\n\
                   auth requisite pam_deny.so\nauth required pam_permit.so\n";
const ACCOUNT: &str = "account [success=ok user_unknown=ignore module_unknown=ignore default=die] \
                       pam_fido.so\n\
                       account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n\
                       account requisite pam_deny.so\naccount required pam_permit.so\n";

impl Tree {
    /// Modules that begin as one does; `other` asks for a key.
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        let mut elf =
            vec![0x7f, b'E', b'L', b'F', if cfg!(target_pointer_width = "64") { 2 } else { 1 }, 1];
        elf.resize(16, 0);
        elf.extend([3, 0, 0, 0, 0, 0, 0, 0]);
        for name in [
            "fido",
            "unix",
            "deny",
            "permit",
            "krb5",
            "fprintd",
            "succeed_if",
            "listfile",
            "nologin",
            "rootok",
        ] {
            tree.write(&format!("usr/lib/x86_64-linux-gnu/security/pam_{name}.so"), &elf);
        }
        tree.write("etc/pam.d/common-auth", NOW.as_bytes());
        tree.write("etc/pam.d/common-account", ACCOUNT.as_bytes());
        tree.write("etc/pam.d/other", b"@include common-auth\n@include common-account\n");
        for (name, text) in files {
            tree.write(name, text.as_bytes());
        }
        tree
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn look(&self) -> Vec<(u16, String, Level)> {
        self.findings()
            .into_iter()
            .map(|finding| (finding.code.number(), finding.subject, finding.level))
            .collect()
    }

    fn findings(&self) -> Vec<Finding> {
        let people = People {
            system_uid_max: 999,
            local: vec![("admin".into(), 1000)],
            in_group: &|_, group| (group != "somewhere").then_some(false),
            can_be_person: &|name| !["root", "admin", "gdm"].contains(&name),
        };
        look(&Machine::new(self.0.path()), &people).findings
    }
}

const OPEN: Level = Level::Open;

#[test]
fn a_service_that_asks_for_the_key_first_is_closed() {
    let with = "auth requisite pam_nologin.so\n@include common-auth\n@include common-account\n";
    let tree = Tree::new(&[
        ("etc/pam.d/login", with),
        (
            "etc/pam.d/su",
            "auth sufficient pam_rootok.so\n@include common-auth\n@include common-account\n",
        ),
    ]);
    assert_eq!(tree.look(), []);
}

/// Debian's profile for Kerberos stands above: priority 704, success=end.
#[test]
fn kerberos_above_the_key_is_open_everywhere() {
    let above = NOW.replace(
        "auth [success=5 user",
        "auth [success=6 default=ignore] pam_krb5.so minimum_uid=1000\nauth [success=5 user",
    );
    let tree = Tree::new(&[
        ("etc/pam.d/common-auth", &above),
        ("etc/pam.d/sddm", "@include common-auth\n@include common-account\n"),
    ]);
    // The account phase asks the module, which lets nobody through without a login of the same
    // handle.
    assert_eq!(tree.look(), [(1608, "other".into(), OPEN), (1612, "sddm".into(), Level::Warning)]);
    let detail = tree.findings()[0].details[0].to_string();
    assert!(
        detail.starts_with("/etc/pam.d/common-auth:1 pam_krb5.so (a Kerberos password); way: "),
        "{detail}"
    );
    assert!(detail.ends_with("/etc/pam.d/common-auth:8 pam_permit.so = success"), "{detail}");
}

/// "done" upon an old password ends the phase before the module is asked.
#[test]
fn an_account_phase_that_asks_the_module_last_can_be_left_before() {
    let (first, rest) = ACCOUNT.split_once('\n').unwrap();
    let last = format!("{rest}{first}\n");
    let tree = Tree::new(&[
        ("etc/pam.d/common-account", &last),
        ("etc/pam.d/gdm-pin", "auth required pam_fprintd.so\n@include common-account\n"),
    ]);
    assert_eq!(tree.look(), [(1608, "gdm-pin".into(), OPEN)]);
}

#[test]
fn services_with_an_auth_phase_of_their_own_are_named() {
    let account = "@include common-account\n";
    let plain = "account required pam_unix.so\n";
    let tree = Tree::new(&[
        ("usr/lib/pam.d/gdm-fingerprint", &format!("auth required pam_fprintd.so\n{account}")),
        ("etc/pam.d/gdm-autologin", &format!("auth required pam_permit.so\n{plain}")),
        ("etc/pam.d/kde-fingerprint", &format!("auth required pam_fprintd.so\n{account}")),
        (
            "etc/pam.d/lightdm-greeter",
            "auth required pam_permit.so\naccount required pam_permit.so\n",
        ),
        (
            "etc/pam.d/gdm-launch-environment",
            "auth required pam_succeed_if.so user in gdm:root\nauth required pam_permit.so\n",
        ),
        ("etc/pam.d/unknown", "auth required pam_of_somebody.so\n"),
        (
            "etc/pam.d/vendor",
            "auth sufficient /lib/security/../security/pam_vendor.so\n@include common-auth\n",
        ),
    ]);
    tree.write(
        "lib/security/pam_vendor.so",
        &std::fs::read(tree.0.path().join("usr/lib/x86_64-linux-gnu/security/pam_unix.so"))
            .unwrap(),
    );
    assert_eq!(
        tree.look(),
        [
            (1608, "gdm-autologin".into(), OPEN),
            (1612, "gdm-fingerprint".into(), Level::Warning),
            (1608, "kde-fingerprint".into(), OPEN),
            (1608, "lightdm-greeter".into(), Level::Note),
            (1608, "vendor".into(), OPEN),
        ]
    );
}

#[test]
fn what_cannot_be_told_counts_as_open() {
    let long = format!("# {}\n@include common-auth\n", "x".repeat(10_000));
    let tree = Tree::new(&[
        ("etc/pam.d/long", &long),
        ("etc/pam.d/loop", "auth include loop\n"),
        ("etc/pam.d/missing", "@include nowhere\n"),
    ]);
    tree.write("etc/pam.d/latin1", b"# \xe9\nauth required pam_\xe9.so\n@include common-auth\n");
    assert_eq!(
        tree.look(),
        [
            (1609, "long".into(), OPEN),
            (1609, "loop".into(), OPEN),
            (1610, "missing".into(), Level::Warning),
        ]
    );
}

/// What was written until now: without the module, the password does.
#[test]
fn a_module_that_cannot_be_loaded_is_one_of_the_possible_worlds() {
    let ignoring = "auth [success=2 user_unknown=ignore module_unknown=ignore default=die] \
                    pam_fido.so\n\
                    auth [success=1 default=ignore] pam_unix.so nullok\n\
                    auth requisite pam_deny.so\nauth required pam_permit.so\n";
    let tree = Tree::new(&[("etc/pam.d/common-auth", ignoring)]);
    assert_eq!(tree.look(), [(1611, "other".into(), OPEN)]);
    // System accounts and listed ones go on, everybody else is refused.
    let tree = Tree::new(&[("etc/pam.d/login", "@include common-auth\n@include common-account\n")]);
    tree.write("local", b"admin\n");
    assert_eq!(tree.look(), []);
    std::fs::remove_file(tree.0.path().join("usr/lib/x86_64-linux-gnu/security/pam_fido.so"))
        .unwrap();
    let codes = || tree.look().iter().map(|found| found.0).collect::<Vec<_>>();
    assert_eq!(codes(), [1614]);
    tree.write("local", b"admin\nhanako\n");
    assert_eq!(codes(), [1614, 1608, 1608], "a person is on the list");
    // Nobody at all gets in then.
    let closed = NOW.replace("module_unknown=ignore ", "");
    let tree = Tree::new(&[
        ("etc/pam.d/common-auth", &closed),
        ("etc/pam.d/login", "@include common-auth\n@include common-account\n"),
    ]);
    assert_eq!(tree.look(), [(1613, "login".into(), Level::Warning)]);
}

/// pam-auth-update can write one jump a line: the second line of the module only repeats the first
/// one's word.
#[test]
fn the_second_line_of_the_module_is_no_key_and_lets_no_person_in() {
    let auth = "auth [success=6 user_unknown=ignore module_unknown=ignore default=die] \
                pam_fido.so\n\
                auth [success=2 default=ignore] pam_fido.so local\n\
                auth [success=1 default=ignore] pam_succeed_if.so quiet uid eq 0\n\
                auth [success=ignore default=die] pam_listfile.so quiet item=user sense=allow \
                file=/local onerr=fail\n\
                auth [success=1 default=ignore] pam_unix.so nullok\n\
                auth requisite pam_deny.so\nauth required pam_permit.so\n";
    let login = ("etc/pam.d/login", "@include common-auth\n@include common-account\n");
    let tree = Tree::new(&[("etc/pam.d/common-auth", auth), login]);
    tree.write("local", b"admin\n");
    assert_eq!(tree.look(), []);
    // In the place of the first line it would ask for no key; nor does a file of the same name
    // elsewhere.
    let tree = Tree::new(&[(
        "etc/pam.d/x",
        "auth sufficient pam_fido.so local\nauth required pam_unix.so\n",
    )]);
    tree.write(
        "opt/pam_fido.so",
        &std::fs::read(tree.0.path().join("usr/lib/x86_64-linux-gnu/security/pam_fido.so"))
            .unwrap(),
    );
    tree.write("etc/pam.d/y", b"auth required /opt/pam_fido.so\n");
    assert_eq!(tree.look(), [(1608, "x".into(), OPEN), (1608, "y".into(), OPEN)]);
}

#[test]
fn the_administrator_must_get_in_somewhere() {
    let only = "auth required pam_fido.so\naccount required pam_permit.so\n";
    let tree = Tree::new(&[("etc/pam.d/login", only)]);
    assert_eq!(tree.look(), [(1613, "login".into(), Level::Warning)]);
}

#[test]
fn a_service_that_is_closed_to_administrators_is_a_note_where_another_is_not() {
    let tree = Tree::new(&[
        ("etc/pam.d/sddm", "auth required pam_fido.so\naccount required pam_permit.so\n"),
        ("etc/pam.d/login", "@include common-auth\n@include common-account\n"),
    ]);
    assert_eq!(tree.look(), [(1613, "sddm".into(), Level::Note)]);
}

#[test]
fn groups_that_may_skip_the_question_are_looked_up() {
    let text = |group| {
        format!("auth sufficient pam_succeed_if.so user ingroup {group}\n@include common-auth\n")
    };
    let tree = Tree::new(&[("etc/pam.d/lightdm", &text("nopasswdlogin"))]);
    assert_eq!(tree.look(), []);
    tree.write("etc/pam.d/locker", text("somewhere").as_bytes());
    assert_eq!(tree.look(), [(1608, "locker".into(), OPEN)]);
}
