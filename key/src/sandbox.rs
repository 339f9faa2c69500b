//! What a process that talks to a key may still do: talk to its caller and to
//! devices, nothing else. The unit takes away more; this holds without it.
//!
//! The process that has the PIN opens nothing at all: as uid 0 it could write to every file of
//! root's. [`crate::broker`] opens devices for it.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::alarm;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is,
    SeccompCondition as Condition, SeccompFilter, SeccompRule as Rule, TargetArch,
};
use thiserror::Error;

/// The sandbox could not be entered. The process must not go on.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// A system call failed.
    #[error("sandbox: {0}")]
    System(#[from] nix::errno::Errno),
    /// The filter could not be made for this machine.
    #[error("sandbox: {0}")]
    Filter(#[from] seccompiler::BackendError),
    /// The kernel did not take the filter.
    #[error("sandbox: {0}")]
    Kernel(#[from] seccompiler::Error),
}

/// Whose sandbox it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Has the caller, the PIN and the key; opens nothing.
    Worker,
    /// Opens devices for the worker.
    Broker,
}

/// Gives up what is not needed, for good.
///
/// # Errors
/// [`SandboxError`]; what has been given up stays given up.
pub fn enter(role: Role) -> Result<(), SandboxError> {
    prctl::set_no_new_privs()?;
    // A PIN passes through this memory: no core dumps, no debuggers.
    prctl::set_dumpable(false)?;
    // A second bolt on the same door; a unit that has set it may forbid the call.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    seccompiler::apply_filter(&filter(role)?)?;
    Ok(())
}

/// Has the kernel end this process after `time`, or never; each call replaces
/// the last.
pub fn end_after(time: Option<Duration>) {
    match time {
        Some(time) => {
            // Rounded up; 0 would mean never.
            let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
            alarm::set(seconds.saturating_add(1));
        }
        None => {
            alarm::cancel();
        }
    }
}

fn filter(role: Role) -> Result<BpfProgram, seccompiler::BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(
        rules(role)?,
        SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1)),
        SeccompAction::Allow,
        architecture,
    )?
    .try_into()
}

/// System calls by subject. No execve, no clone, no ptrace, no creating of files. The worker has no
/// call that opens a file, the broker none that locks or signs off a device.
fn rules(role: Role) -> Result<BTreeMap<i64, Vec<Rule>>, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<Rule>> =
        allowed(role).map(|number| (number, Vec::new())).collect();
    match role {
        // Only to make the connection non-blocking, as the standard library does it.
        Role::Worker => {
            let request = i32::try_from(libc::FIONBIO).unwrap_or(-1);
            rules.insert(libc::SYS_ioctl, vec![equals(1, request)?]);
        }
        Role::Broker => {
            rules.extend(opening()?);
            // Unix sockets only: simulated devices answer over one.
            rules.insert(libc::SYS_socket, vec![equals(0, libc::AF_UNIX)?]);
        }
    }
    // No new code.
    for (number, protection) in [(libc::SYS_mmap, 2), (libc::SYS_mprotect, 2)] {
        let executable = u64::try_from(libc::PROT_EXEC).unwrap_or(0);
        rules.insert(
            number,
            vec![Rule::new(vec![Condition::new(
                protection,
                Length::Dword,
                Is::MaskedEq(executable),
                0,
            )?])?],
        );
    }
    Ok(rules)
}

/// Files: for reading, or devices for both; never created, never cut short.
fn opening() -> Result<BTreeMap<i64, Vec<Rule>>, seccompiler::BackendError> {
    let unnamed = libc::O_TMPFILE & !libc::O_DIRECTORY;
    let access = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | unnamed;
    let access = u64::try_from(access).unwrap_or(u64::MAX);
    let opens: &[(i64, u8)] = &[
        (libc::SYS_openat, 2),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, 1),
    ];
    let mut rules = BTreeMap::new();
    for (number, flags) in opens {
        let with = |value: i32| {
            Rule::new(vec![Condition::new(
                *flags,
                Length::Dword,
                Is::MaskedEq(access),
                u64::try_from(value).unwrap_or(0),
            )?])
        };
        rules.insert(*number, vec![with(libc::O_RDONLY)?, with(libc::O_RDWR)?]);
    }
    Ok(rules)
}

fn equals(argument: u8, value: i32) -> Result<Rule, seccompiler::BackendError> {
    Rule::new(vec![Condition::new(
        argument,
        Length::Dword,
        Is::Eq,
        u64::try_from(value).unwrap_or(0),
    )?])
}

fn allowed(role: Role) -> impl Iterator<Item = i64> {
    const WORKER: &[i64] = &[
        // plug and unplug; who else uses a device
        libc::SYS_inotify_init1,
        libc::SYS_inotify_add_watch,
        libc::SYS_inotify_rm_watch,
        libc::SYS_flock,
    ];
    const BROKER: &[i64] = &[
        // looking for devices and at logind's seats
        libc::SYS_ioctl,
        libc::SYS_connect,
        libc::SYS_getdents64,
    ];
    const EVERYWHERE: &[i64] = &[
        // caller and device
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_sendto,
        libc::SYS_recvfrom,
        libc::SYS_sendmsg,
        libc::SYS_recvmsg,
        libc::SYS_getsockopt,
        libc::SYS_shutdown,
        libc::SYS_fcntl,
        libc::SYS_dup,
        libc::SYS_close,
        libc::SYS_ppoll,
        // what files are, without opening them
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_faccessat,
        libc::SYS_faccessat2,
        libc::SYS_readlinkat,
        libc::SYS_lseek,
        libc::SYS_getcwd,
        // memory, time, randomness
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_getrandom,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        // itself
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
        libc::SYS_sigaltstack,
        libc::SYS_setitimer,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_getuid,
        libc::SYS_geteuid,
        libc::SYS_getgid,
        libc::SYS_getegid,
        libc::SYS_tgkill,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    #[cfg(target_arch = "x86_64")]
    const HERE: &[i64] = &[
        libc::SYS_poll,
        libc::SYS_stat,
        libc::SYS_lstat,
        libc::SYS_access,
        libc::SYS_readlink,
        libc::SYS_alarm,
        libc::SYS_time,
        libc::SYS_gettimeofday,
    ];
    #[cfg(not(target_arch = "x86_64"))]
    const HERE: &[i64] = &[];
    let own = match role {
        Role::Worker => WORKER,
        Role::Broker => BROKER,
    };
    EVERYWHERE.iter().chain(HERE).chain(own).copied()
}

#[cfg(test)]
#[allow(unsafe_code)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::ErrorKind;
    use std::os::unix::net::UnixStream;

    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

    use super::{Role, filter, rules};

    const ROLES: [Role; 2] = [Role::Worker, Role::Broker];

    /// Runs `body` in a thread that the compiled filter holds.
    fn within<T: Send + 'static>(role: Role, body: impl FnOnce() -> T + Send + 'static) -> T {
        std::thread::spawn(move || {
            nix::sys::prctl::set_no_new_privs().unwrap();
            seccompiler::apply_filter(&filter(role).unwrap()).unwrap();
            body()
        })
        .join()
        .unwrap()
    }

    /// What the kernel says to each of these.
    fn denied<T>(result: std::io::Result<T>) -> bool {
        matches!(result, Err(error) if error.kind() == ErrorKind::PermissionDenied)
    }

    #[test]
    fn the_filter_can_be_made_for_both_architectures() {
        for (architecture, role) in [TargetArch::x86_64, TargetArch::aarch64]
            .into_iter()
            .flat_map(|one| ROLES.map(|role| (one, role)))
        {
            let filter = SeccompFilter::new(
                rules(role).unwrap(),
                SeccompAction::Errno(1),
                SeccompAction::Allow,
                architecture,
            );
            let program: Result<BpfProgram, _> = filter.unwrap().try_into();
            assert!(program.is_ok(), "{architecture:?} {role:?}");
        }
    }

    #[test]
    fn the_process_that_has_the_pin_opens_nothing_and_the_broker_writes_to_devices_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "precious").unwrap();
        for (role, opens) in [(Role::Worker, false), (Role::Broker, true)] {
            let (file, fresh) = (file.clone(), folder.path().join("fresh"));
            let refused = within(role, move || {
                let open = |options: &OpenOptions, path| denied(options.open(path));
                (
                    denied(File::open(&file)),
                    open(OpenOptions::new().read(true).write(true), &file),
                    open(OpenOptions::new().write(true), &file),
                    open(OpenOptions::new().read(true).write(true).truncate(true), &file),
                    open(OpenOptions::new().read(true).write(true).create(true), &fresh),
                    denied(std::fs::read_dir("/")),
                )
            });
            assert_eq!(refused, (!opens, !opens, true, true, true, !opens), "{role:?}");
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
    }

    #[test]
    fn nothing_starts_programs_or_reaches_out() {
        for role in ROLES {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("file");
            std::fs::write(&file, "precious").unwrap();
            let refused = within(role, move || {
                let of_family = |family| {
                    socket(family, SockType::Stream, SockFlag::empty(), None)
                        .map_err(std::io::Error::from)
                };
                let raw = |number: libc::c_long| {
                    // SAFETY: none of the calls below takes a pointer that it would follow: the
                    // filter answers.
                    let result = unsafe { libc::syscall(number, 0, 0, 0, 0, 0, 0) };
                    result == -1
                        && std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
                };
                vec![
                    ("spawn", denied(std::process::Command::new("/bin/true").spawn())),
                    ("inet", denied(of_family(AddressFamily::Inet))),
                    ("netlink", denied(of_family(AddressFamily::Netlink))),
                    ("unlink", denied(std::fs::remove_file(&file))),
                    ("rename", denied(std::fs::rename(&file, "/nonexistent"))),
                    (
                        "chmod",
                        denied(std::fs::set_permissions(
                            &file,
                            std::os::unix::fs::PermissionsExt::from_mode(0o600),
                        )),
                    ),
                    ("execveat", raw(libc::SYS_execveat)),
                    ("clone3", raw(libc::SYS_clone3)),
                    ("ptrace", raw(libc::SYS_ptrace)),
                    ("openat2", raw(libc::SYS_openat2)),
                    ("bind", raw(libc::SYS_bind)),
                    ("listen", raw(libc::SYS_listen)),
                    ("setuid", raw(libc::SYS_setuid)),
                    ("mount", raw(libc::SYS_mount)),
                    ("bpf", raw(libc::SYS_bpf)),
                    ("io_uring", raw(libc::SYS_io_uring_setup)),
                    ("process_vm_readv", raw(libc::SYS_process_vm_readv)),
                    ("open_by_handle_at", raw(libc::SYS_open_by_handle_at)),
                ]
            });
            for (what, refused) in refused {
                assert!(refused, "{role:?} {what}");
            }
        }
    }

    #[test]
    fn what_is_needed_works_within() {
        use std::io::{Read, Write};
        let (mut one, mut other) = UnixStream::pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        within(Role::Worker, move || {
            one.set_nonblocking(true).unwrap();
            other.write_all(b"x").unwrap();
            one.read_exact(&mut [0]).unwrap();
            file.try_lock().unwrap();
            nix::sys::inotify::Inotify::init(nix::sys::inotify::InitFlags::IN_NONBLOCK)
                .unwrap()
                .add_watch("/dev", nix::sys::inotify::AddWatchFlags::IN_CREATE)
                .unwrap();
        });
        within(Role::Broker, || assert!(std::fs::read_dir("/dev").unwrap().count() > 0));
    }
}
