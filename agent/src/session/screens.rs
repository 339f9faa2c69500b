//! Sessions and what of them is shown, as logind says it.

/// A session, as logind sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// logind's id.
    pub id: String,
    /// The seat, when it has one.
    pub seat: Option<String>,
    /// In the foreground of its seat.
    pub active: bool,
    /// Comes over the network.
    pub remote: bool,
    /// Its person has logged out; what is left of it may run on.
    pub closing: bool,
    /// Whose session it is.
    pub uid: u32,
    /// `user`, `greeter`, `background`, `manager`, ...
    pub class: String,
    /// PAM service that made it.
    pub service: String,
    /// Its X display, for example `:0`.
    pub display: Option<String>,
    /// Its line without `/dev/`, for example `tty1`.
    pub tty: Option<String>,
    /// The process that opened it.
    pub leader: Option<i32>,
}

impl Session {
    /// Whether it is at this terminal: on a seat or on a line with a plug, and its person still
    /// there.
    pub fn is_here(&self) -> bool {
        let on_line = self.tty.as_deref().is_some_and(is_wired_line);
        !self.is_from_network() && !self.closing && (self.seat.is_some() || on_line)
    }

    /// Whether it comes over the network. logind takes `ssh localhost` for local, wherever that ssh
    /// runs.
    pub fn is_from_network(&self) -> bool {
        self.remote || self.service == "sshd"
    }

    /// A display manager's session, in which people log in.
    pub fn is_greeter(&self) -> bool {
        self.class == "greeter"
    }

    /// Made by systemd for services of a user (cron, `user@.service`): says nothing about where the
    /// user is.
    pub fn is_of_services(&self) -> bool {
        self.class.starts_with("manager") || self.class.starts_with("background")
    }
}

/// What a process belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Belongs {
    /// There is no logind on this machine.
    NoLogind,
    /// To a session.
    Session(Session),
    /// To the services of a user: a terminal emulator or locker that systemd started.
    User(u32),
    /// To neither: a display manager, a getty, another service of the system, or logind does not
    /// answer.
    Nobody,
}

/// What the people at the terminal see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screens {
    /// All sessions.
    pub sessions: Vec<Session>,
    /// The virtual terminal in the foreground, for example `tty1`.
    pub line: Option<String>,
}

impl Screens {
    /// Whether a user has an active session at this terminal.
    pub fn has_active_local(&self, uid: u32) -> bool {
        self.sessions
            .iter()
            .any(|session| session.uid == uid && session.active && session.is_here())
    }

    /// The session at this terminal that a user most likely looks at.
    pub fn of_user(&self, uid: u32) -> Option<&Session> {
        let mut own =
            self.sessions.iter().filter(|session| session.uid == uid && session.is_here());
        own.clone().find(|session| session.active).or_else(|| own.next())
    }
}

/// Who knows the sessions: logind, or a test.
pub trait Sessions: Send + Sync {
    /// What a process belongs to.
    fn belongs(&self, pid: i32) -> Belongs;
    /// What is shown now.
    fn screens(&self) -> Screens;
}

/// Whether a line (without `/dev/`) is a virtual terminal, the console or a serial line.
pub fn is_wired_line(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let serial = ["tty", "ttyS", "ttyAMA", "ttyUSB", "ttyACM", "hvc"];
    name == "console" || serial.iter().any(|kind| name.strip_prefix(kind).is_some_and(digits))
}
