//! Against whom a connection counts. Programs that become root (su, sudo) are anybody's to start
//! and to stop halfway, so they count against who started them.

use std::path::Path;

use wardkey_ipc::Peer;

/// Nobody logged in.
const UNSET: u32 = u32::MAX;

/// Who pays for a connection: its uid; for one of root's who started the program, as the kernel
/// knows; `None` for a service of the system's own, such as a display manager.
pub(super) fn charged(peer: Peer) -> Option<u32> {
    if peer.is_root() {
        started_by(&Path::new("/proc").join(peer.pid.to_string()))
    } else {
        Some(peer.uid)
    }
}

/// The real uid of a process, which a program with the setuid bit leaves as it was, else its login
/// uid. A process that is gone tells nothing.
fn started_by(process: &Path) -> Option<u32> {
    let status = std::fs::read_to_string(process.join("status")).ok()?;
    let login = || std::fs::read_to_string(process.join("loginuid")).ok()?.trim().parse().ok();
    real_uid(&status)
        .filter(|uid| *uid != 0)
        .or_else(login)
        .filter(|uid| *uid != 0 && *uid != UNSET)
}

fn real_uid(status: &str) -> Option<u32> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_roots_counts_against_who_started_it() {
        for (what, uids, login, expected) in [
            ("su", "2001\t0\t0\t0", Some("2001"), Some(2001)),
            ("su of a service with a user", "33\t0\t0\t0", Some("4294967295"), Some(33)),
            ("sudo, which has become root", "0\t0\t0\t0", Some("2001\n"), Some(2001)),
            ("LightDM, GDM, login", "0\t0\t0\t0", Some("4294967295"), None),
            ("a shell of root's", "0\t0\t0\t0", Some("0"), None),
            ("a kernel without audit", "0\t0\t0\t0", None, None),
            ("nonsense", "x", Some("y"), None),
        ] {
            let process = tempfile::tempdir().unwrap();
            std::fs::write(
                process.path().join("status"),
                format!("Name:\tsu\nUid:\t{uids}\nGid:\t7\t7\t7\t7\n"),
            )
            .unwrap();
            if let Some(login) = login {
                std::fs::write(process.path().join("loginuid"), login).unwrap();
            }
            assert_eq!(started_by(process.path()), expected, "{what}");
        }
        assert_eq!(started_by(Path::new("/nonexistent")), None, "gone");
    }

    #[test]
    fn everybody_else_counts_against_himself() {
        assert_eq!(charged(Peer { uid: 2001, gid: 0, pid: 1 }), Some(2001));
    }
}
