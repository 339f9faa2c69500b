//! Whose sessions may be locked and ended: those of people at this terminal.

use wardkey_core::name::printable;

/// A session, as logind shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The uid of its user.
    pub uid: u32,
    /// The name of its user.
    pub user: String,
    /// `user`, `greeter`, `manager`, ...
    pub class: String,
    /// It comes over the network.
    pub is_remote: bool,
    /// PAM service that made it.
    pub service: String,
    /// Its seat; empty when it has none.
    pub seat: String,
    /// Its line; empty when it has none.
    pub tty: String,
}

/// Whether the session is one that may be locked and ended. `is_local` says which accounts Wardkey
/// leaves alone: an administrator who mends the terminal is not locked out by an agent.
///
/// # Errors
/// Why not, for the record.
pub fn check_permitted(shown: &Shown, is_local: impl Fn(&str) -> bool) -> Result<(), String> {
    let user = printable(&shown.user, 64);
    if shown.uid == 0 {
        return Err("a session of root's".into());
    }
    if shown.user.is_empty() || is_local(&shown.user) {
        return Err(format!("{user} is a local account"));
    }
    // systemd has `user-light` and others from version 256 on.
    if shown.class != "user" && !shown.class.starts_with("user-") {
        return Err(format!("a session of class {}", printable(&shown.class, 32)));
    }
    if shown.is_remote || shown.service == "sshd" {
        return Err("a session over the network".into());
    }
    if shown.seat.is_empty() && shown.tty.is_empty() {
        return Err("a session without seat and line".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sessions_of_people_at_this_terminal_are_touched() {
        let person = Shown {
            uid: 2001,
            user: "hanako".into(),
            class: "user".into(),
            service: "lightdm".into(),
            seat: "seat0".into(),
            ..Shown::default()
        };
        let is_local = |name: &str| name == "localadmin";
        let with = |change: fn(&mut Shown)| {
            let mut shown = person.clone();
            change(&mut shown);
            check_permitted(&shown, is_local)
        };
        assert_eq!(with(|_| {}), Ok(()));
        assert_eq!(with(|shown| shown.class = "user-early".into()), Ok(()));
        let on_line = |shown: &mut Shown| {
            (shown.seat, shown.tty) = (String::new(), "ttyS0".into());
        };
        assert_eq!(with(on_line), Ok(()));
        type Change = fn(&mut Shown);
        let refused: [(&str, Change); 9] = [
            ("root", |shown| shown.uid = 0),
            ("an administrator", |shown| shown.user = "localadmin".into()),
            ("a user without name", |shown| shown.user = String::new()),
            ("a greeter", |shown| shown.class = "greeter".into()),
            ("a user manager", |shown| shown.class = "manager".into()),
            ("cron", |shown| shown.class = "background".into()),
            ("somebody far away", |shown| shown.is_remote = true),
            ("ssh localhost", |shown| shown.service = "sshd".into()),
            ("a session of services", |shown| shown.seat = String::new()),
        ];
        for (what, change) in refused {
            assert!(with(change).is_err(), "{what}");
        }
    }
}
