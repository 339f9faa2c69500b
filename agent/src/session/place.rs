//! The rules that say whether a login is at this terminal, and whether it is in the foreground.
//!
//! | who asks | its process belongs to | PAM_TTY | is judged by |
//! |---|---|---|---|
//! | login, agetty, greetd | nobody | `tty1` | that line, in the foreground or not |
//! | LightDM, SDDM on X; light-locker, a second greeter | nobody | `:0` | that display's session |
//! | GDM's worker | nobody | none, or a display unknown to logind | the greeter in the foreground |
//! | GDM's worker at a locked screen, sudo, su, xscreensaver | a session | any | that session |
//! | terminal emulators that systemd started | a user | any | the user's session here |
//! | swaylock, kscreenlocker that systemd started | a user | any | the user's session here |
//! | su, sudo in cron, at, a service | nobody | any | the session here of who started it |
//! | polkit's helper as a service | nobody | none | the active session here of that account |
//! | sshd, remote su, cron, xrdp | nobody or a remote session | `ssh`, `cron`, ... | refused |

use wardkey_core::message::agent::Begin;
use wardkey_core::origin::is_local_display;

use crate::session::screens::{Belongs, Screens, Session, Sessions, is_wired_line};

/// The seat of what has none: the one that every terminal has.
const FIRST_SEAT: &str = "seat0";
/// PAM service of polkit's helper. Started by its socket it shows nothing of who asks, and `pkexec`
/// asks from anywhere.
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
    /// The user who started the asking program of root's, as that program says; never root.
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

    /// Whose it is: of the user who asks, started the program that asks, or has the session; `None`
    /// for a login that has no session yet.
    pub fn user(&self) -> Option<u32> {
        self.uid.or(self.invoker).or(self.session.as_ref().map(|session| session.uid))
    }

    /// Whether logind knows that the seat shows another session or greeter.
    pub fn is_behind(&self, screens: &Screens) -> bool {
        match &self.session {
            // A logind that has just been restarted may not know the session.
            Some(session) => screens.sessions.iter().any(|now| now.id == session.id && !now.active),
            None => {
                // Who sits at a serial line looks at it, whatever the screen shows.
                let is_serial =
                    matches!(Tty::of(self.tty.as_deref()), Tty::Terminal(name) if is_serial(name));
                let others = |now: &Session| {
                    now.active && now.is_here() && now.seat.as_deref() == Some(self.seat())
                };
                !is_serial && !self.is_foreground(screens) && screens.sessions.iter().any(others)
            }
        }
    }

    /// Whether the person at the seat sees it now.
    pub fn is_foreground(&self, screens: &Screens) -> bool {
        if let Some(session) = &self.session {
            return screens.sessions.iter().any(|now| now.id == session.id && now.active);
        }
        match Tty::of(self.tty.as_deref()) {
            Tty::Terminal(name) => screens.line.as_deref() == Some(name),
            Tty::Display(display) => match of_display(screens, display) {
                Displayed::By(session) => session.active,
                // A greeter whose display logind does not know (GDM on X), or one that it does not
                // know at all (xdm): then nobody is in front.
                Displayed::Unlisted => {
                    match greeter(screens).filter(|session| session.display.is_none()) {
                        Some(session) => session.active,
                        None => !screens
                            .sessions
                            .iter()
                            .any(|session| session.active && session.seat.is_some()),
                    }
                }
                Displayed::Elsewhere => false,
            },
            Tty::None => greeter(screens).is_some_and(|session| session.active),
            Tty::Other => false,
        }
    }
}

/// Finds out where the peer is. PAM_TTY, service and invoker are believed when root says them;
/// `of_account` says the uid of the account asked for, for a service that asks in the name of a
/// user (polkit's helper).
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
    // Only root's word about its line is believed: anyone else could claim the foreground.
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
            // A line can be borrowed (su with a serial line as its standard input); who started it
            // cannot. Root's own jobs have no greeter either.
            if let Some(uid) = begin.invoker {
                return of_user(uid).ok_or(NotHere::User);
            }
            if begin.service.as_str() == POLKIT {
                let screens = sessions.screens();
                let own = of_account()
                    .and_then(|uid| screens.of_user(uid))
                    .filter(|session| session.active);
                return own.map(in_session).ok_or(NotHere::User);
            }
            let at =
                |session: &Session| Place { greeter_seat: session.seat.clone(), ..place.clone() };
            match Tty::of(place.tty.as_deref()) {
                // Needs no word of logind.
                Tty::Terminal(_) => Ok(place),
                Tty::Display(display) => {
                    let screens = sessions.screens();
                    match of_display(&screens, display) {
                        Displayed::By(session) => Ok(at(session)),
                        Displayed::Unlisted => {
                            Ok(greeter(&screens).map_or_else(|| place.clone(), at))
                        }
                        Displayed::Elsewhere => Err(NotHere::Nothing),
                    }
                }
                Tty::None => greeter(&sessions.screens()).map(at).ok_or(NotHere::Nothing),
                Tty::Other => Err(NotHere::Nothing),
            }
        }
    }
}

/// The user who started a program of root's; the login counts against this user.
pub fn invoker(peer: wardkey_ipc::Peer, begin: &Begin) -> Option<u32> {
    begin.invoker.filter(|uid| peer.is_root() && *uid != 0)
}

/// What PAM_TTY names.
enum Tty<'a> {
    /// Nothing.
    None,
    /// A line with a plug: a virtual terminal, the console, a serial line. Without `/dev/`.
    Terminal(&'a str),
    /// An X display of this machine.
    Display(&'a str),
    /// Anything else: a pseudo terminal, the name of a service.
    Other,
}

impl<'a> Tty<'a> {
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

/// Whether a wired line is a serial one: the screen never shows it.
fn is_serial(name: &str) -> bool {
    name != "console"
        && !name
            .strip_prefix("tty")
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The session that an X display belongs to.
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
        screens.sessions.iter().filter(|session| {
            !session.closing && session.display.as_deref().map(number).as_ref() == Some(&wanted)
        })
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
mod tests;
