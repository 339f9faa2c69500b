//! The rules: who logs in at this terminal, and who of several is in front of it.
//!
//! | who asks | its process belongs to | PAM_TTY | is judged by |
//! |---|---|---|---|
//! | login, agetty, greetd | nobody | `tty1` | that line, in the foreground or not |
//! | LightDM, SDDM on X (light-locker too: a second greeter) | nobody | `:0` | the session with that display |
//! | GDM's worker | nobody | none, or a display that logind does not know | the greeter in the foreground |
//! | GDM's worker when a screen is unlocked, sudo, su, xscreensaver | a session | any | that session |
//! | terminal emulators, swaylock, kscreenlocker that systemd started | a user | any | the user's session here |
//! | su, sudo in cron, at, a service | nobody | any | the session here of who started it |
//! | polkit's helper as a service | nobody | none | the active session here of the account asked for |
//! | sshd, su in a remote session, cron, xrdp | nobody or a remote session | `ssh`, `cron`, ... | refused |

use wardkey_core::message::agent::Begin;
use wardkey_core::origin::is_local_display;

use crate::session::{Belongs, Screens, Session, Sessions};

/// The seat of what has none: the one that every terminal has.
const FIRST_SEAT: &str = "seat0";
/// PAM service of polkit's helper. Started by its socket it shows nothing of who asks, and `pkexec` asks from
/// anywhere.
const POLKIT: &str = "polkit-1";

/// Where a login happens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The peer's session, when it has one.
    pub session: Option<Session>,
    /// PAM_TTY as root says, for logins that have no session yet.
    pub tty: Option<String>,
    /// The peer's user, unless it is root.
    pub uid: Option<u32>,
    /// The user who started the program of root's that asks, as that says; never root.
    pub invoker: Option<u32>,
    /// The seat of the greeter or display, for logins that have no session yet.
    pub greeter_seat: Option<String>,
}

/// Why a login is not at this terminal; for administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHere {
    /// The session comes over the network.
    #[error("the session comes over the network")]
    Remote,
    /// The session has neither seat nor line, or its person has logged out.
    #[error("the session is not at this terminal")]
    Session,
    /// The process is not of the session's user: its number may be another's by now.
    #[error("the session is another user's")]
    Stranger,
    /// The user of the process, who started it or who is asked for has no session at this terminal.
    #[error("the user has no session at this terminal")]
    User,
    /// A service without line, display or greeter.
    #[error("neither a session, a line, a display nor a greeter of this terminal")]
    Nothing,
}

impl Place {
    /// The seat that the login queues at.
    pub fn seat(&self) -> &str {
        let own = self.session.as_ref().and_then(|session| session.seat.as_deref());
        own.or(self.greeter_seat.as_deref()).unwrap_or(FIRST_SEAT)
    }

    /// Whether the person at the seat sees it now.
    pub fn is_foreground(&self, screens: &Screens) -> bool {
        if let Some(session) = &self.session {
            return screens.sessions.iter().any(|now| now.id == session.id && now.active);
        }
        match Line::of(self.tty.as_deref()) {
            Line::Terminal(name) => screens.line.as_deref() == Some(name),
            Line::Display(display) => match of_display(screens, display) {
                Displayed::By(session) => session.active,
                // A greeter whose display logind does not know (GDM on X), or one that it does not know at
                // all (xdm): then nobody is in front.
                Displayed::Unlisted => match greeter(screens).filter(|session| session.display.is_none()) {
                    Some(session) => session.active,
                    None => !screens.sessions.iter().any(|session| session.active && session.seat.is_some()),
                },
                Displayed::Elsewhere => false,
            },
            Line::None => greeter(screens).is_some_and(|session| session.active),
            Line::Other => false,
        }
    }
}

/// Finds out where the peer is. PAM_TTY, service and invoker are believed when root says them; `of_account`
/// says the uid of the account asked for, for a service that asks in the name of a user (polkit's helper).
///
/// # Errors
/// [`NotHere`] when nothing shows that a person at this terminal asks.
pub fn locate(
    sessions: &dyn Sessions,
    peer: wardkey_ipc::Peer,
    begin: &Begin,
    of_account: impl Fn() -> Option<u32>,
) -> Result<Place, NotHere> {
    let root = peer.is_root();
    // What anyone but root says about its line proves nothing: it would claim the foreground.
    let place = Place {
        tty: begin.tty.clone().filter(|_| root),
        uid: (!root).then_some(peer.uid),
        invoker: invoker(peer, begin),
        ..Place::default()
    };
    let stranger = |uid| !root && uid != peer.uid;
    let in_session = |session: &Session| Place { session: Some(session.clone()), ..place.clone() };
    let of_user = |uid| sessions.screens().of_user(uid).map(in_session);
    match sessions.belongs(peer.pid) {
        Belongs::NoLogind => Ok(place),
        Belongs::Session(session) if stranger(session.uid) => Err(NotHere::Stranger),
        Belongs::User(uid) if stranger(uid) => Err(NotHere::Stranger),
        Belongs::Session(session) if session.is_here() => Ok(in_session(&session)),
        Belongs::Session(session) if session.is_from_network() => Err(NotHere::Remote),
        Belongs::Session(_) => Err(NotHere::Session),
        Belongs::User(uid) => of_user(uid).ok_or(NotHere::User),
        Belongs::Nobody if !root => of_user(peer.uid).ok_or(NotHere::User),
        Belongs::Nobody => {
            // A line can be borrowed (su with a serial line as its standard input); who started it cannot. Root's
            // own jobs have no greeter either.
            if let Some(uid) = begin.invoker {
                return of_user(uid).ok_or(NotHere::User);
            }
            let screens = sessions.screens();
            if begin.service.as_str() == POLKIT {
                let own = of_account().and_then(|uid| screens.of_user(uid)).filter(|session| session.active);
                return own.map(in_session).ok_or(NotHere::User);
            }
            let at = |session: &Session| Place { greeter_seat: session.seat.clone(), ..place.clone() };
            match Line::of(place.tty.as_deref()) {
                Line::Terminal(_) => Ok(place),
                Line::Display(display) => match of_display(&screens, display) {
                    Displayed::By(session) => Ok(at(session)),
                    Displayed::Unlisted => Ok(greeter(&screens).map_or_else(|| place.clone(), at)),
                    Displayed::Elsewhere => Err(NotHere::Nothing),
                },
                Line::None => greeter(&screens).map(at).ok_or(NotHere::Nothing),
                Line::Other => Err(NotHere::Nothing),
            }
        }
    }
}

/// Who started a program of root's: a user, against whom it counts.
pub fn invoker(peer: wardkey_ipc::Peer, begin: &Begin) -> Option<u32> {
    begin.invoker.filter(|uid| peer.is_root() && *uid != 0)
}

/// What PAM_TTY names.
enum Line<'a> {
    /// Nothing.
    None,
    /// A line with a plug: a virtual terminal, the console, a serial line. Without `/dev/`.
    Terminal(&'a str),
    /// An X display of this machine.
    Display(&'a str),
    /// Anything else: a pseudo terminal, the name of a service.
    Other,
}

impl<'a> Line<'a> {
    fn of(tty: Option<&'a str>) -> Self {
        let Some(tty) = tty.map(str::trim).filter(|tty| !tty.is_empty()) else { return Self::None };
        let name = tty.trim_start_matches("/dev/");
        if is_local_display(tty) {
            Self::Display(tty)
        } else if is_wired_line(name) {
            Self::Terminal(name)
        } else {
            Self::Other
        }
    }
}

/// Whether a line (without `/dev/`) is a virtual terminal, the console or a serial line.
pub fn is_wired_line(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let serial = ["tty", "ttyS", "ttyAMA", "ttyUSB", "ttyACM", "hvc"];
    name == "console" || serial.iter().any(|kind| name.strip_prefix(kind).is_some_and(digits))
}

/// Whose an X display is.
enum Displayed<'a> {
    /// A session's on a seat.
    By(&'a Session),
    /// logind knows no session that has it: a display manager without sessions for its greeters.
    Unlisted,
    /// A session's that is on no seat: shown over the network.
    Elsewhere,
}

fn of_display<'a>(screens: &'a Screens, display: &str) -> Displayed<'a> {
    let number = |display: &str| display.split('.').next().unwrap_or_default().to_owned();
    let wanted = number(display);
    let all = || {
        screens
            .sessions
            .iter()
            .filter(|session| !session.closing && session.display.as_deref().map(number).as_ref() == Some(&wanted))
    };
    // The greeter's session may end a little after the person's began on the same display.
    match all().filter(|session| session.is_here()).max_by_key(|session| session.active) {
        Some(session) => Displayed::By(session),
        None if all().next().is_some() => Displayed::Elsewhere,
        None => Displayed::Unlisted,
    }
}

/// A greeter at this terminal, the one in the foreground first.
fn greeter(screens: &Screens) -> Option<&Session> {
    screens
        .sessions
        .iter()
        .filter(|session| session.is_greeter() && session.seat.is_some() && session.is_here())
        .max_by_key(|session| session.active)
}

#[cfg(test)]
mod tests {
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
    fn judge(peer: u32, belongs: &Belongs, tty: Option<&str>, screens: &Screens) -> Result<bool, NotHere> {
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
        }
    }

    fn screens(line: &str, sessions: &[Session]) -> Screens {
        Screens { sessions: sessions.to_vec(), line: Some(line.into()) }
    }

    const IN: Result<bool, NotHere> = Ok(true);
    const BEHIND: Result<bool, NotHere> = Ok(false);
    const NOTHING: Result<bool, NotHere> = Err(NotHere::Nothing);

    #[test]
    fn lesson_greeters_before_a_session_are_in_front_when_people_see_them() {
        let nobody = Belongs::Nobody;
        let desktop = |active| session("7", |own| (own.display, own.active) = (Some(":0".into()), active));
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
            ("light-locker, behind", Some(":1"), screens("tty7", &[desktop(true), lightdm(":1", false)]), BEHIND),
            ("GDM on Wayland", None, screens("tty1", &[gdm(true)]), IN),
            ("GDM, empty PAM_TTY", Some(""), screens("tty1", &[gdm(true)]), IN),
            ("GDM, a desktop shown", None, screens("tty2", &[gdm(false), desktop(true)]), BEHIND),
            ("GDM on X", Some(":1024"), screens("tty1", &[gdm(true)]), IN),
            ("GDM on X, a desktop shown", Some(":1024"), screens("tty2", &[gdm(false), desktop(true)]), BEHIND),
            ("xdm without sessions", Some(":0"), screens("tty7", &[]), IN),
            ("a service without anything", None, screens("tty1", &[]), NOTHING),
            ("the same, its account at a desktop", None, screens("tty7", &[desktop(true)]), NOTHING),
            ("LightDM's VNC greeter", Some(":5"), screens("tty1", &[remote_x, gdm(true)]), NOTHING),
            ("xrdp beside a greeter", Some("xrdp-sesman"), screens("tty1", &[gdm(true)]), NOTHING),
            ("telnet beside a greeter", Some("/dev/pts/0"), screens("tty1", &[gdm(true)]), NOTHING),
            ("cron", Some("cron"), screens("tty1", &[gdm(true)]), NOTHING),
        ] {
            assert_eq!(judge(0, &nobody, tty, &screens), expected, "{what}");
        }
    }

    /// Hanako, who sits here or does not, and a colleague who is logged in over the network.
    #[test]
    fn lesson_su_in_cron_is_where_who_started_it_is_and_never_the_greeter() {
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
            ("su in cron, a serial line as its input", "su", Some("/dev/ttyUSB0"), Some(FAR), &without, no_user),
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
            assert_eq!(asks(0, &Belongs::Nobody, &begin(service, tty, invoker), shown), expected, "{what}");
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
            ("gnome-shell unlocks behind another", 0, here(&desktop(false)), vec![desktop(false), gdm(true)], BEHIND),
            ("sudo in gnome-terminal", 0, Belongs::User(HANAKO), vec![desktop(true)], IN),
            ("swaylock of systemd", HANAKO, Belongs::User(HANAKO), vec![desktop(true)], IN),
            ("kscreenlocker behind", HANAKO, Belongs::User(HANAKO), vec![desktop(false), gdm(true)], BEHIND),
            ("sudo in a session over ssh", 0, here(&ssh), vec![ssh.clone(), desktop(true)], remote),
            ("sudo in ssh localhost", 0, here(&local_ssh), vec![local_ssh.clone()], remote),
            ("tmux after the logout", 0, here(&closing), vec![closing.clone()], lost),
            ("sudo on a serial line", 0, here(&serial), vec![serial.clone()], IN),
            ("a session without seat or line", 0, here(&nowhere), vec![nowhere.clone()], lost),
            ("systemd-run --user over ssh", 0, Belongs::User(HANAKO), vec![ssh.clone()], no_user),
            ("the same, only a greeter here", 0, Belongs::User(HANAKO), vec![gdm(true), closing.clone()], no_user),
            ("a user's daemon, no session", HANAKO, Belongs::Nobody, vec![gdm(true)], no_user),
            ("a user's daemon", HANAKO, Belongs::Nobody, vec![desktop(true)], IN),
            ("a number that is another's by now", 2002, here(&desktop(true)), vec![desktop(true)], stranger),
            ("the same, of another's services", 2002, Belongs::User(HANAKO), vec![desktop(true)], stranger),
        ] {
            // A user's own word about its line changes nothing, nor does root's inside a session.
            for tty in [None, Some("/dev/pts/3"), Some("tty1")] {
                assert_eq!(judge(peer, &belongs, tty, &screens("tty1", &sessions)), expected, "{what} {tty:?}");
            }
        }
    }

    #[test]
    fn without_logind_everybody_is_here_and_the_line_says_who_is_in_front() {
        for (tty, shown, expected) in
            [(Some("tty1"), "tty1", IN), (Some("tty1"), "tty2", BEHIND), (None, "tty1", BEHIND)]
        {
            assert_eq!(judge(0, &Belongs::NoLogind, tty, &screens(shown, &[])), expected, "{tty:?}");
        }
        assert_eq!(judge(HANAKO, &Belongs::NoLogind, Some("tty1"), &screens("tty1", &[])), BEHIND);
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
}
