//! Whether a login comes from another machine, as far as PAM says so: one rule for the module,
//! which decides by it, and the agent, which refuses at once. What the agent knows beyond it
//! (sessions) can only add refusals.

/// The name by which sshd fills PAM_TTY before there is a line.
const SSHD_TTY: &str = "ssh";

/// Whether PAM_RHOST or PAM_TTY name another machine; `own` is this machine's host name.
///
/// Some applications put this machine itself in PAM_RHOST (sudo with `pam_rhost`, old display
/// managers). Only names that nobody else can have are taken for it; everything that is not
/// understood is remote.
pub fn is_remote(rhost: Option<&str>, tty: Option<&str>, own: &str) -> bool {
    rhost.is_some_and(|host| is_remote_host(host, own)) || tty.is_some_and(is_remote_line)
}

fn is_remote_host(host: &str, own: &str) -> bool {
    if host.is_empty()
        || matches!(host, "localhost" | "localhost.localdomain" | "127.0.0.1" | "::1")
    {
        return false;
    }
    // The whole name, or its first label. Not the reverse: whoever owns a domain can have a "ward3"
    // in it.
    let is_own = !own.is_empty()
        && (host.eq_ignore_ascii_case(own)
            || own
                .split_once('.')
                .is_some_and(|(short, _)| !short.is_empty() && host.eq_ignore_ascii_case(short)));
    !is_own && !is_local_display(host)
}

/// sshd's name, or an X display of another machine (XDMCP, forwarded by ssh).
fn is_remote_line(tty: &str) -> bool {
    tty == SSHD_TTY || (tty.contains(':') && !is_local_display(tty))
}

/// `:0`, `:1.0`: an X display that is reached over a socket of this machine. Not `::ffff:10.0.0.7`.
pub fn is_local_display(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix(':').is_some_and(|display| match display.split_once('.') {
        Some((display, screen)) => digits(display) && digits(screen),
        None => digits(display),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_remote_and_this_one_is_not() {
        for here in [
            "",
            "localhost",
            "localhost.localdomain",
            "127.0.0.1",
            "::1",
            "ward3-a",
            "WARD3-A",
            ":0",
            ":1.0",
        ] {
            assert!(!is_remote(Some(here), None, "ward3-a"), "{here:?}");
        }
        for there in [
            "10.0.0.7",
            "::ffff:10.0.0.7",
            "::2",
            ":",
            ":0.evil.example",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "ward3-a.evil.example",
            "LOCALHOST",
            " ",
            " localhost",
        ] {
            assert!(is_remote(Some(there), None, "ward3-a"), "{there:?}");
        }
        assert!(!is_remote(None, None, "ward3-a"));
    }

    #[test]
    fn a_long_host_name_may_be_said_short() {
        let own = "ward3-a.hospital.example";
        for (host, remote) in
            [(own, false), ("ward3-a", false), ("ward3-a.evil.example", true), ("ward3", true)]
        {
            assert_eq!(is_remote(Some(host), None, own), remote, "{host}");
        }
        // A machine that cannot say its name has none.
        assert!(is_remote(Some("ward3-a"), None, ""));
        assert!(is_remote(Some("x"), None, ".example"));
    }

    #[test]
    fn a_line_of_another_machine_is_remote() {
        for (tty, remote) in [
            ("tty1", false),
            ("/dev/tty1", false),
            ("/dev/pts/3", false),
            ("console", false),
            (":0", false),
            ("ssh", true),
            ("xterminal.hospital.example:0", true),
            ("localhost:10.0", true),
            (":0:1", true),
        ] {
            assert_eq!(is_remote(None, Some(tty), "ward3-a"), remote, "{tty}");
        }
    }
}
