//! Prepares the process: folders, socket, and giving up root.
//!
//! With systemd there is nothing to do: user, folders and socket are there. Started by root without
//! it, root's part comes first (the socket in root's folder), then the agent gives root up for
//! good. The folder of the sockets stays root's: whoever owns it could put a key socket of his own
//! into it.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::socket::{Backlog, listen as listen_again};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Uid, User, fchownat, geteuid, setgid, setgroups, setuid};

use crate::config::Config;
use crate::error::AgentError;

/// Connections that wait for their turn.
const BACKLOG: i32 = 128;
/// Everybody may connect; the agent authorises each request by SO_PEERCRED.
const SOCKET_MODE: u32 = 0o666;

/// Makes folders and socket and becomes the user of the configuration. Says which path is the
/// agent's own to remove when it stops. To be called before any thread is there: it sets the umask.
///
/// # Errors
/// [`AgentError`] when there is no such user, it is root, or a folder or the socket cannot be made.
pub fn prepare(config: &Config) -> Result<(UnixListener, Option<PathBuf>), AgentError> {
    let mut listener = listenfd::ListenFd::from_env().take_unix_listener(0)?;
    if geteuid().is_root() {
        let user = user_of(config)?;
        keep_key_folder(config, user.uid)?;
        make_state_folder(&config.state_dir, user.uid)?;
        let mut bound = None;
        if listener.is_none()
            && let Some(folder) = config.socket.parent()
        {
            make_folder(folder)?;
            // Root writes into no folder in which others could put something in its way.
            bound = if is_roots(folder)? { Some(bind(&config.socket)?) } else { None };
        }
        become_user(&user)?;
        if let Some(bound) = bound {
            // The kernel tells those who connect who listened last: not root.
            let backlog = Backlog::new(BACKLOG).map_err(std::io::Error::from)?;
            listen_again(&bound, backlog).map_err(std::io::Error::from)?;
            listener = Some(bound);
        }
    }
    let (listener, own) = match listener {
        Some(listener) => (listener, None),
        None => (bind(&config.socket)?, Some(config.socket.clone())),
    };
    listener.set_nonblocking(true)?;
    std::fs::create_dir_all(&config.state_dir)
        .map_err(|error| AgentError::file(&config.state_dir, error))?;
    std::fs::set_permissions(&config.state_dir, std::fs::Permissions::from_mode(0o700))
        .map_err(|error| AgentError::file(&config.state_dir, error))?;
    Ok((listener, own))
}

/// The uid of the enrollment console's user, by name or number; never root's or this process's own.
pub fn enroller(user: &str) -> Option<u32> {
    let uid = user.parse().ok();
    let uid: u32 = uid.or_else(|| Some(User::from_name(user).ok()??.uid.as_raw()))?;
    (uid != 0 && uid != geteuid().as_raw()).then_some(uid)
}

fn user_of(config: &Config) -> Result<User, AgentError> {
    let name = &config.user;
    let user = User::from_name(name).ok().flatten().ok_or_else(|| {
        AgentError::Configuration(
            format!("user: there is no user {name}; fix: adduser --system --group {name}").into(),
        )
    })?;
    if user.uid.is_root() {
        return Err(AgentError::Configuration(
            "user: the agent does not run as root; fix: user = \"wardkey\"".into(),
        ));
    }
    Ok(user)
}

fn become_user(user: &User) -> Result<(), AgentError> {
    let fail = |errno: Errno| AgentError::Io(errno.into());
    setgroups(&[user.gid]).map_err(fail)?;
    setgid(user.gid).map_err(fail)?;
    setuid(user.uid).map_err(fail)
}

/// A folder of the key socket that an earlier version gave to the agent's user becomes root's
/// again.
fn keep_key_folder(config: &Config, agent: Uid) -> Result<(), AgentError> {
    let Some(folder) = config.key_socket.parent() else { return Ok(()) };
    let fail = |error| AgentError::file(folder, error);
    match std::fs::symlink_metadata(folder) {
        Ok(found) if found.is_dir() && found.uid() == agent.as_raw() => {
            let root = Uid::from_raw(0);
            fchownat(AT_FDCWD, folder, Some(root), None, AtFlags::AT_SYMLINK_NOFOLLOW)
                .map_err(|errno| fail(errno.into()))?;
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).map_err(fail)
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(fail(error)),
    }
}

/// Makes a folder of root's unless it exists.
fn make_folder(path: &Path) -> Result<(), AgentError> {
    if !path.exists() {
        let fail = |error| AgentError::file(path, error);
        std::fs::create_dir_all(path).map_err(fail)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).map_err(fail)?;
    }
    Ok(())
}

/// Whether only root can change the folder.
fn is_roots(folder: &Path) -> Result<bool, AgentError> {
    let found =
        std::fs::symlink_metadata(folder).map_err(|error| AgentError::file(folder, error))?;
    Ok(found.is_dir() && found.uid() == 0 && found.mode() & 0o022 == 0)
}

/// The agent's own folder, with the files of an earlier run as another user.
fn make_state_folder(path: &Path, owner: Uid) -> Result<(), AgentError> {
    let fail = |error| AgentError::file(path, error);
    std::fs::create_dir_all(path).map_err(fail)?;
    // While it is still root's alone: what lies in it was not put there by another user just now.
    let trusted = is_roots(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(fail)?;
    let give = |path: &Path| {
        fchownat(AT_FDCWD, path, Some(owner), None, AtFlags::AT_SYMLINK_NOFOLLOW)
            .map_err(|errno| AgentError::file(path, errno.into()))
    };
    for entry in std::fs::read_dir(path).map_err(fail)?.flatten() {
        let file = entry.path();
        let found = std::fs::symlink_metadata(&file).map_err(fail)?;
        // A hard link could be any file of root's.
        if found.is_file() && found.uid() != owner.as_raw() && (trusted || found.nlink() == 1) {
            give(&file)?;
        }
    }
    give(path)
}

/// Makes a socket, in place of one without a listener.
fn bind(path: &Path) -> Result<UnixListener, AgentError> {
    if UnixStream::connect(path).is_ok() {
        let text = format!("{}: another agent is running; fix: stop it first", path.display());
        return Err(AgentError::Configuration(text.into()));
    }
    let fail = |error| AgentError::file(path, error);
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    // The umask sets the mode; chmod(2) afterwards would look the name up again.
    let before = umask(Mode::from_bits_truncate(0o777 & !SOCKET_MODE));
    let listener = UnixListener::bind(path);
    umask(before);
    listener.map_err(fail)
}
