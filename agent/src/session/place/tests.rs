//! Every way in of the table, and what looks like one.

use super::*;

struct Fake(Belongs, Screens);

impl Sessions for Fake {
    fn belongs(&self, _: i32) -> Belongs {
        self.0.clone()
    }
    fn screens(&self) -> Screens {
        self.1.clone()
    }
}

const HANAKO: u32 = 2001;

/// logind that answers one question, and is asked no other.
struct Once;

impl Sessions for Once {
    fn belongs(&self, _: i32) -> Belongs {
        Belongs::Nobody
    }
    fn screens(&self) -> Screens {
        panic!("asked for all sessions")
    }
}

#[test]
fn a_login_on_a_line_asks_logind_no_more_than_it_must() {
    let root = wardkey_ipc::Peer { uid: 0, gid: 0, pid: 99 };
    let place = locate(&Once, root, &begin("login", Some("tty1"), None), || None).unwrap();
    assert_eq!(place.tty.as_deref(), Some("tty1"));
    assert_eq!(
        locate(&Once, root, &begin("cron", Some("cron"), None), || None),
        Err(NotHere::Nothing)
    );
}

fn session(id: &str, change: impl FnOnce(&mut Session)) -> Session {
    let mut session = Session {
        id: id.into(),
        seat: Some("seat0".into()),
        active: true,
        uid: HANAKO,
        class: "user".into(),
        ..Session::default()
    };
    change(&mut session);
    session
}

/// LightDM's greeter on :0, as logind shows it.
fn lightdm(display: &str, active: bool) -> Session {
    session("c1", |greeter| {
        greeter.uid = 114;
        greeter.class = "greeter".into();
        greeter.service = "lightdm-greeter".into();
        greeter.display = Some(display.into());
        greeter.active = active;
    })
}

/// GDM's greeter: logind knows no display of it, neither on Wayland nor on X.
fn gdm(active: bool) -> Session {
    session("c2", |greeter| {
        greeter.uid = 115;
        greeter.class = "greeter".into();
        greeter.service = "gdm-launch-environment".into();
        greeter.tty = Some("tty1".into());
        greeter.active = active;
    })
}

/// Where a root process with this PAM_TTY is: refused, or in the foreground or not.
fn is_foreground(
    peer: u32,
    belongs: &Belongs,
    tty: Option<&str>,
    screens: &Screens,
) -> Result<bool, NotHere> {
    asks(peer, belongs, &begin("login", tty, None), screens)
}

fn asks(peer: u32, belongs: &Belongs, begin: &Begin, screens: &Screens) -> Result<bool, NotHere> {
    let sessions = Fake(belongs.clone(), screens.clone());
    let peer = wardkey_ipc::Peer { uid: peer, gid: peer, pid: 99 };
    locate(&sessions, peer, begin, || Some(HANAKO)).map(|place| place.is_foreground(screens))
}

fn begin(service: &str, tty: Option<&str>, invoker: Option<u32>) -> Begin {
    Begin {
        protocol: wardkey_core::message::PROTOCOL,
        account: None,
        service: wardkey_core::name::ServiceName::new(service).unwrap(),
        tty: tty.map(str::to_owned),
        rhost: None,
        invoker,
        asks_time: None,
        changes_pin: None,
    }
}

fn screens(line: &str, sessions: &[Session]) -> Screens {
    Screens { sessions: sessions.to_vec(), line: Some(line.into()) }
}

const IN: Result<bool, NotHere> = Ok(true);
const BEHIND: Result<bool, NotHere> = Ok(false);
const NOTHING: Result<bool, NotHere> = Err(NotHere::Nothing);

#[test]
fn greeters_before_a_session_are_in_front_when_people_see_them() {
    let nobody = Belongs::Nobody;
    let desktop =
        |active| session("7", |own| (own.display, own.active) = (Some(":0".into()), active));
    let remote_x = session("8", |own| (own.display, own.seat) = (Some(":5".into()), None));
    for (what, tty, screens, expected) in [
        ("login on tty1", Some("/dev/tty1"), screens("tty1", &[]), IN),
        ("login on tty1, tty2 shown", Some("tty1"), screens("tty2", &[]), BEHIND),
        ("login on a serial line", Some("/dev/ttyS0"), screens("tty1", &[]), BEHIND),
        ("LightDM", Some(":0"), screens("tty7", &[lightdm(":0", true)]), IN),
        ("LightDM, a console shown", Some(":0"), screens("tty1", &[lightdm(":0", false)]), BEHIND),
        ("LightDM, its screen named", Some(":0.0"), screens("tty7", &[lightdm(":0", true)]), IN),
        ("LightDM on Wayland", Some("/dev/tty7"), screens("tty7", &[lightdm(":0", true)]), IN),
        ("light-locker", Some(":1"), screens("tty8", &[desktop(false), lightdm(":1", true)]), IN),
        (
            "light-locker, behind",
            Some(":1"),
            screens("tty7", &[desktop(true), lightdm(":1", false)]),
            BEHIND,
        ),
        ("GDM on Wayland", None, screens("tty1", &[gdm(true)]), IN),
        ("GDM, empty PAM_TTY", Some(""), screens("tty1", &[gdm(true)]), IN),
        ("GDM, a desktop shown", None, screens("tty2", &[gdm(false), desktop(true)]), BEHIND),
        ("GDM on X", Some(":1024"), screens("tty1", &[gdm(true)]), IN),
        (
            "GDM on X, a desktop shown",
            Some(":1024"),
            screens("tty2", &[gdm(false), desktop(true)]),
            BEHIND,
        ),
        ("xdm without sessions", Some(":0"), screens("tty7", &[]), IN),
        ("a service without anything", None, screens("tty1", &[]), NOTHING),
        ("the same, its account at a desktop", None, screens("tty7", &[desktop(true)]), NOTHING),
        ("LightDM's VNC greeter", Some(":5"), screens("tty1", &[remote_x, gdm(true)]), NOTHING),
        ("xrdp beside a greeter", Some("xrdp-sesman"), screens("tty1", &[gdm(true)]), NOTHING),
        ("telnet beside a greeter", Some("/dev/pts/0"), screens("tty1", &[gdm(true)]), NOTHING),
        ("cron", Some("cron"), screens("tty1", &[gdm(true)]), NOTHING),
    ] {
        assert_eq!(is_foreground(0, &nobody, tty, &screens), expected, "{what}");
    }
}

#[test]
fn only_a_screen_that_is_shown_holds_the_key() {
    let desktop = |active| session("7", |own| own.active = active);
    let in_session = |active| Place { session: Some(desktop(active)), ..Place::default() };
    let on_line = |tty: &str| Place { tty: Some(tty.into()), ..Place::default() };
    for (what, place, screens, behind) in [
        ("a session in front", in_session(true), screens("tty7", &[desktop(true)]), false),
        ("a session, a console shown", in_session(true), screens("tty1", &[desktop(false)]), true),
        ("a session, logind just restarted", in_session(true), screens("tty7", &[]), false),
        ("login on tty1", on_line("tty1"), screens("tty1", &[desktop(false)]), false),
        (
            "login on tty1, a desktop shown",
            on_line("tty1"),
            screens("tty7", &[desktop(true)]),
            true,
        ),
        ("login on tty1 without logind", on_line("tty1"), screens("tty2", &[]), false),
        (
            "a serial line, a desktop shown",
            on_line("/dev/ttyS0"),
            screens("tty7", &[desktop(true)]),
            false,
        ),
        (
            "GDM, a desktop shown",
            Place::default(),
            screens("tty2", &[gdm(false), desktop(true)]),
            true,
        ),
    ] {
        assert_eq!(place.is_behind(&screens), behind, "{what}");
    }
}

/// Hanako, who sits here or does not, and a colleague who is logged in over the network.
#[test]
fn su_in_cron_is_where_who_started_it_is_and_never_the_greeter() {
    const FAR: u32 = 2002;
    let desktop = |active| session("7", |own| own.active = active);
    let ssh = session("9", |own| (own.uid, own.remote, own.seat) = (FAR, true, None));
    let with_greeter = screens("tty1", &[gdm(true), desktop(false), ssh.clone()]);
    let without = screens("tty7", &[desktop(true), ssh.clone()]);
    let empty = screens("tty1", &[gdm(true), ssh]);
    let no_user = Err(NotHere::User);
    for (what, service, tty, invoker, shown, expected) in [
        ("su in cron, a greeter", "su", None, Some(FAR), &with_greeter, no_user),
        ("su in cron, no greeter", "su", None, Some(FAR), &without, no_user),
        ("sudo in at, a greeter", "sudo", Some(""), Some(FAR), &with_greeter, no_user),
        ("sudo in at, no greeter", "sudo", Some(""), Some(FAR), &without, no_user),
        (
            "su in cron, a serial line as its input",
            "su",
            Some("/dev/ttyUSB0"),
            Some(FAR),
            &without,
            no_user,
        ),
        ("su in cron, the line that is shown", "su", Some("tty7"), Some(FAR), &without, no_user),
        ("su in cron, a display", "su", Some(":0"), Some(FAR), &without, no_user),
        ("su in root's cron, a greeter", "su", None, Some(0), &with_greeter, no_user),
        ("su in root's cron, no greeter", "su", None, Some(0), &without, no_user),
        ("su in the cron of who sits here", "su", None, Some(HANAKO), &without, IN),
        ("the same behind the greeter", "su", None, Some(HANAKO), &with_greeter, BEHIND),
        ("a module that does not say who, no greeter", "su", None, None, &without, NOTHING),
        ("polkit's helper", "polkit-1", None, None, &without, IN),
        ("polkit's helper, a greeter shown", "polkit-1", None, None, &with_greeter, no_user),
        ("pkexec over ssh, nobody here", "polkit-1", None, None, &empty, no_user),
        ("GDM's worker", "gdm-password", None, None, &empty, IN),
    ] {
        assert_eq!(
            asks(0, &Belongs::Nobody, &begin(service, tty, invoker), shown),
            expected,
            "{what}"
        );
    }
}

#[test]
fn what_asks_counts_against_its_user_or_who_started_it() {
    for (peer, said, uid, invoker) in [
        (0, Some(HANAKO), None, Some(HANAKO)),
        (0, Some(0), None, None),
        (0, None, None, None),
        (HANAKO, Some(7), Some(HANAKO), None),
    ] {
        let peer = wardkey_ipc::Peer { uid: peer, gid: peer, pid: 99 };
        let desktop = session("7", |_| {});
        let sessions = Fake(Belongs::Session(desktop.clone()), screens("tty7", &[desktop]));
        let place = locate(&sessions, peer, &begin("su", None, said), || None).unwrap();
        assert_eq!((place.uid, place.invoker), (uid, invoker), "{peer:?} {said:?}");
    }
}

#[test]
fn su_sudo_and_lockers_are_where_their_session_is() {
    let desktop = |active| session("7", |own| own.active = active);
    let ssh = session("9", |own| (own.remote, own.seat) = (true, None));
    let local_ssh = session("9", |own| (own.service, own.seat) = ("sshd".into(), None));
    let closing = session("9", |own| (own.closing, own.active) = (true, false));
    let serial = session("3", |own| (own.tty, own.seat) = (Some("ttyS0".into()), None));
    let nowhere = session("4", |own| (own.tty, own.seat) = (Some("pts/1".into()), None));
    let here = |session: &Session| Belongs::Session(session.clone());
    let (remote, lost) = (Err(NotHere::Remote), Err(NotHere::Session));
    let (no_user, stranger) = (Err(NotHere::User), Err(NotHere::Stranger));
    for (what, peer, belongs, sessions, expected) in [
        ("sudo on tty1, xscreensaver, i3lock", 0, here(&desktop(true)), vec![desktop(true)], IN),
        ("a locker that is the user's", HANAKO, here(&desktop(true)), vec![desktop(true)], IN),
        (
            "gnome-shell unlocks behind another",
            0,
            here(&desktop(false)),
            vec![desktop(false), gdm(true)],
            BEHIND,
        ),
        ("sudo in gnome-terminal", 0, Belongs::User(HANAKO), vec![desktop(true)], IN),
        ("swaylock of systemd", HANAKO, Belongs::User(HANAKO), vec![desktop(true)], IN),
        (
            "kscreenlocker behind",
            HANAKO,
            Belongs::User(HANAKO),
            vec![desktop(false), gdm(true)],
            BEHIND,
        ),
        ("sudo in a session over ssh", 0, here(&ssh), vec![ssh.clone(), desktop(true)], remote),
        ("sudo in ssh localhost", 0, here(&local_ssh), vec![local_ssh.clone()], remote),
        ("tmux after the logout", 0, here(&closing), vec![closing.clone()], lost),
        ("sudo on a serial line", 0, here(&serial), vec![serial.clone()], IN),
        ("a session without seat or line", 0, here(&nowhere), vec![nowhere.clone()], lost),
        ("systemd-run --user over ssh", 0, Belongs::User(HANAKO), vec![ssh.clone()], no_user),
        (
            "the same, only a greeter here",
            0,
            Belongs::User(HANAKO),
            vec![gdm(true), closing.clone()],
            no_user,
        ),
        ("a user's daemon, no session", HANAKO, Belongs::Nobody, vec![gdm(true)], no_user),
        ("a user's daemon", HANAKO, Belongs::Nobody, vec![desktop(true)], IN),
        (
            "a number that is another's by now",
            2002,
            here(&desktop(true)),
            vec![desktop(true)],
            stranger,
        ),
        (
            "the same, of another's services",
            2002,
            Belongs::User(HANAKO),
            vec![desktop(true)],
            stranger,
        ),
    ] {
        // A user's own word about its line changes nothing, nor does root's inside a session.
        for tty in [None, Some("/dev/pts/3"), Some("tty1")] {
            assert_eq!(
                is_foreground(peer, &belongs, tty, &screens("tty1", &sessions)),
                expected,
                "{what} {tty:?}"
            );
        }
    }
}

#[test]
fn without_logind_everybody_is_here_and_the_line_says_who_is_in_front() {
    for (tty, shown, expected) in
        [(Some("tty1"), "tty1", IN), (Some("tty1"), "tty2", BEHIND), (None, "tty1", BEHIND)]
    {
        assert_eq!(
            is_foreground(0, &Belongs::NoLogind, tty, &screens(shown, &[])),
            expected,
            "{tty:?}"
        );
    }
    assert_eq!(
        is_foreground(HANAKO, &Belongs::NoLogind, Some("tty1"), &screens("tty1", &[])),
        BEHIND
    );
}

#[test]
fn a_greeter_queues_at_its_seat() {
    let mut other = lightdm(":7", true);
    other.seat = Some("seat1".into());
    let shown = screens("tty1", &[lightdm(":0", true), other]);
    let peer = wardkey_ipc::Peer { uid: 0, gid: 0, pid: 99 };
    for (tty, seat) in [(":0", "seat0"), (":7", "seat1"), ("tty1", "seat0")] {
        let asked = begin("lightdm", Some(tty), None);
        let place = locate(&Fake(Belongs::Nobody, shown.clone()), peer, &asked, || None).unwrap();
        assert_eq!(place.seat(), seat, "{tty}");
    }
}
