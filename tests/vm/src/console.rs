//! The text console of the machine: keys go in at the keyboard, and what is on the screen is read
//! letter by letter from the kernel's own copy of it (/dev/vcs1).

use std::time::{Duration, Instant};

use crate::{
    Failure,
    machine::PATIENCE,
    ward::{PIN, Ward},
};

/// What the question for the PIN contains, of whomever the key is.
pub const QUESTION: &str = "Enter the PIN, then touch the key";

impl Ward {
    /// What is on the screen, with runs of blanks as one.
    pub fn screen(&mut self) -> Result<String, Failure> {
        self.ok("tr -s ' ' </dev/vcs1 | tr -d '\\000'")
    }

    /// Waits for a text on the screen; gives the screen.
    pub fn until_seen(&mut self, text: &str) -> Result<String, Failure> {
        self.until_seen_within(text, PATIENCE)
    }

    /// The same with another time.
    pub fn until_seen_within(&mut self, text: &str, patience: Duration) -> Result<String, Failure> {
        self.until_screen(&format!("{text:?} on the screen"), patience, |screen| {
            screen.contains(text)
        })
    }

    /// Waits for a screen that is so; gives it.
    pub fn until_screen(
        &mut self,
        what: &str,
        patience: Duration,
        is_so: impl Fn(&str) -> bool,
    ) -> Result<String, Failure> {
        let end = Instant::now() + patience;
        loop {
            let screen = self.screen()?;
            if is_so(&screen) {
                return Ok(screen);
            }
            if Instant::now() > end {
                let what = what.to_owned();
                return Err(Failure::Late { what, seconds: patience.as_secs(), seen: screen });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Types a line and Enter.
    pub fn type_line(&mut self, line: &str) -> Result<(), Failure> {
        self.machine()?.type_text(&format!("{line}\n"))
    }

    /// Ends whatever is on tty1 and waits for a fresh login prompt on an empty screen.
    pub fn fresh_login(&mut self) -> Result<(), Failure> {
        self.ok("systemctl stop getty@tty1
             loginctl list-sessions --no-legend | awk '/ tty1( |$)/ {print $1}' | xargs -r -n1 \
             loginctl terminate-session
             printf '\\033c' >/dev/tty1; systemctl start getty@tty1")?;
        // A display server may have taken the screen.
        self.machine()?.qmp.press(&["ctrl", "alt", "f1"])?;
        self.until_seen("login:").map(drop)
    }

    /// A fresh login up to the question for the PIN; gives what the question was.
    pub fn login_until_question(&mut self, account: &str) -> Result<String, Failure> {
        self.fresh_login()?;
        self.type_line(account)?;
        self.until_seen(QUESTION)
    }

    /// A whole login on tty1: name, PIN, touch, and a session of logind on seat0.
    pub fn login(&mut self, account: &str) -> Result<String, Failure> {
        let screen = self.login_until_question(account)?;
        self.type_line(PIN)?;
        self.until_seen("Please touch the key")?;
        self.touch()?;
        self.until_logged_in(account)?;
        Ok(dialogue(&screen))
    }

    /// Waits for the shell of `account` on tty1, and for its session.
    pub fn until_logged_in(&mut self, account: &str) -> Result<(), Failure> {
        self.until_seen(&format!("{account}@east3-desk1"))?;
        self.until("a session on seat0", &on_tty1(account)).map(drop)
    }

    /// Types a command in the shell of tty1 and gives what it writes into a file.
    pub fn in_shell(&mut self, command: &str) -> Result<String, Failure> {
        self.ok("rm -f /tmp/typed; touch /tmp/typed; chmod 0666 /tmp/typed")?;
        self.type_line(&format!("({command}) >/tmp/typed 2>&1; echo typed-end >>/tmp/typed"))?;
        let text = self.until(
            "the typed command to end",
            "grep -q '^typed-end$' /tmp/typed && cat /tmp/typed",
        )?;
        Ok(text.trim_end_matches("typed-end").trim_end().to_owned())
    }

    /// Leaves the shell of tty1 as a person does.
    pub fn logout(&mut self, account: &str) -> Result<(), Failure> {
        self.ok("printf '\\033c' >/dev/tty1")?;
        self.type_line("exit")?;
        self.until_seen("login:")?;
        self.until("the session to end", &format!("! {}", on_tty1(account))).map(drop)
    }
}

/// Whether the account has a session on tty1. Since systemd 254 the list has more columns, between
/// the seat and the terminal and after it, and says the user's manager, which outlives the session.
fn on_tty1(account: &str) -> String {
    format!("loginctl list-sessions --no-legend | grep -E ' {account} +seat0 +(.* )?tty1( |$)'")
}

/// What the screen says since the account's name was typed, for the record.
pub fn dialogue(screen: &str) -> String {
    let since = screen
        .split("east3-desk1 login: ")
        .filter(|part| !part.trim().is_empty())
        .last()
        .unwrap_or(screen);
    since.trim().chars().take(240).collect()
}
