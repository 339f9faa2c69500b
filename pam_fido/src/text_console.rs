//! Whether the person reads a text console of Linux. It has no Japanese letters, whatever the
//! locale is: they would all be boxes. There the conversation is in English, and a person whose
//! name it cannot show is named by the name in Latin letters, else by the user name.

use pam::items::Tty;
use pam::module::PamHandle;
use wardkey_core::name::{DisplayText, is_latin};

/// The line of a process in which its controlling terminal is a number (proc_pid_stat(5)).
const STAT: &str = "/proc/self/stat";
/// `tty1` to `tty63` (devices.txt of the kernel). `ttyS0` is the 64th of the same kind.
const MAJOR: u32 = 4;
const CONSOLES: std::ops::RangeInclusive<u32> = 1..=63;

/// Whether the application asks at a text console.
pub fn is_at(pamh: &PamHandle) -> bool {
    let tty = pamh.get_item::<Tty<'_>>().ok().flatten();
    let tty = tty.and_then(|item| item.0.to_str().ok());
    tty.is_some_and(|tty| is_console(tty, || std::fs::read_to_string(STAT).ok()))
}

/// A display manager names the console of its screen too, but reads nothing from it: only for
/// programs that run on the console is that the controlling terminal.
fn is_console(tty: &str, stat: impl FnOnce() -> Option<String>) -> bool {
    let number = tty.strip_prefix("/dev/").unwrap_or(tty).strip_prefix("tty");
    let number = number.and_then(|number| number.parse::<u32>().ok());
    number.filter(|number| CONSOLES.contains(number)).is_some_and(|number| {
        stat().as_deref().and_then(controlling_terminal) == Some((MAJOR, number))
    })
}

/// Major and minor number; the name of the program before it may hold anything.
fn controlling_terminal(stat: &str) -> Option<(u32, u32)> {
    let (_, fields) = stat.rsplit_once(')')?;
    // State, parent, process group, session.
    let device: i32 = fields.split_ascii_whitespace().nth(4)?.parse().ok()?;
    let device = device.cast_unsigned();
    Some(((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xf_ff00)))
}

/// Whether a console can show a name.
pub fn shows(name: &DisplayText) -> bool {
    name.as_str().chars().all(is_latin)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with this terminal of `(4, 1)` and the like.
    fn stat(major: u32, minor: u32) -> Option<String> {
        let device = (major << 8) | (minor & 0xff) | ((minor & 0xf_ff00) << 12);
        Some(format!("812 (a) b (x) S 1 812 812 {} 812 4194560", device.cast_signed()))
    }

    #[test]
    fn a_console_is_one_that_the_program_runs_on() {
        for (what, tty, stat, console) in [
            ("login", "tty1", stat(4, 1), true),
            ("sudo on a console", "/dev/tty63", stat(4, 63), true),
            ("GDM, which names its screen's console", "/dev/tty1", stat(0, 0), false),
            ("on another one", "/dev/tty2", stat(4, 1), false),
            ("a serial line", "/dev/ttyS0", stat(4, 64), false),
            ("what is no console of this number", "tty64", stat(4, 64), false),
            ("the console in front, whichever", "tty0", stat(4, 0), false),
            ("xterm", "/dev/pts/1", stat(136, 1), false),
            ("a pty with a great number", "/dev/pts/260", stat(136, 260), false),
            ("LightDM", ":0", stat(0, 0), false),
            ("a kernel that says nothing", "tty1", None, false),
            ("a line that is none", "tty1", Some("1 (a) S 1".to_owned()), false),
        ] {
            assert_eq!(is_console(tty, || stat), console, "{what}");
        }
    }

    #[test]
    fn names_in_latin_letters_are_shown() {
        for (name, shown) in
            [("Demo Hanako", true), ("Søren Žižek", true), ("山田 花子", false), ("はな", false)]
        {
            assert_eq!(shows(&DisplayText::new(name).unwrap()), shown, "{name}");
        }
    }
}
