//! What a process that talks to a key may still do: talk to its caller and to
//! devices, nothing else. The unit takes away more; this holds without it.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::alarm;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is, SeccompCondition as Condition,
    SeccompFilter, SeccompRule as Rule, TargetArch,
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

/// Gives up what is not needed, for good.
///
/// # Errors
/// [`SandboxError`]; what has been given up stays given up.
pub fn enter() -> Result<(), SandboxError> {
    prctl::set_no_new_privs()?;
    // A PIN passes through this memory: no core dumps, no debuggers.
    prctl::set_dumpable(false)?;
    // A second bolt on the same door; a unit that has set it may forbid the call.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    seccompiler::apply_filter(&filter()?)?;
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

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(
        rules()?,
        SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1)),
        SeccompAction::Allow,
        architecture,
    )?
    .try_into()
}

/// System calls by subject. No execve, no clone, no ptrace, no sockets but Unix
/// ones, no creating of files.
fn rules() -> Result<BTreeMap<i64, Vec<Rule>>, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<Rule>> = allowed().map(|number| (number, Vec::new())).collect();

    // Files: for reading, or devices for both; never created, never cut short.
    let unnamed = libc::O_TMPFILE & !libc::O_DIRECTORY;
    let access = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | unnamed;
    let access = u64::try_from(access).unwrap_or(u64::MAX);
    let opens: &[(i64, u8)] = &[
        (libc::SYS_openat, 2),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, 1),
    ];
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
    // Unix sockets only: simulated devices answer ioctl over one.
    rules.insert(libc::SYS_socket, vec![equals(0, libc::AF_UNIX)?]);
    // No new code.
    for (number, protection) in [(libc::SYS_mmap, 2), (libc::SYS_mprotect, 2)] {
        let executable = u64::try_from(libc::PROT_EXEC).unwrap_or(0);
        rules.insert(
            number,
            vec![Rule::new(vec![Condition::new(protection, Length::Dword, Is::MaskedEq(executable), 0)?])?],
        );
    }
    Ok(rules)
}

fn equals(argument: u8, value: i32) -> Result<Rule, seccompiler::BackendError> {
    Rule::new(vec![Condition::new(argument, Length::Dword, Is::Eq, u64::try_from(value).unwrap_or(0))?])
}

fn allowed() -> impl Iterator<Item = i64> {
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
        libc::SYS_connect,
        libc::SYS_shutdown,
        libc::SYS_ioctl,
        libc::SYS_fcntl,
        libc::SYS_dup,
        libc::SYS_close,
        libc::SYS_ppoll,
        libc::SYS_inotify_init1,
        libc::SYS_inotify_add_watch,
        libc::SYS_inotify_rm_watch,
        // looking at files
        libc::SYS_getdents64,
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
        libc::SYS_alarm,
        libc::SYS_stat,
        libc::SYS_lstat,
        libc::SYS_access,
        libc::SYS_readlink,
        libc::SYS_time,
        libc::SYS_gettimeofday,
    ];
    #[cfg(not(target_arch = "x86_64"))]
    const HERE: &[i64] = &[];
    EVERYWHERE.iter().chain(HERE).copied()
}

#[cfg(test)]
mod tests {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

    use super::{allowed, rules};

    #[test]
    fn the_filter_can_be_made_for_both_architectures() {
        for architecture in [TargetArch::x86_64, TargetArch::aarch64] {
            let filter =
                SeccompFilter::new(rules().unwrap(), SeccompAction::Errno(1), SeccompAction::Allow, architecture);
            let program: Result<BpfProgram, _> = filter.unwrap().try_into();
            assert!(program.is_ok(), "{architecture:?}");
        }
    }

    #[test]
    fn nothing_that_starts_programs_or_reaches_out_is_allowed() {
        for number in [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_clone,
            libc::SYS_clone3,
            libc::SYS_ptrace,
            libc::SYS_bind,
            libc::SYS_listen,
            libc::SYS_unlinkat,
            libc::SYS_renameat2,
            libc::SYS_openat2,
            libc::SYS_setuid,
            libc::SYS_mount,
            libc::SYS_bpf,
            libc::SYS_io_uring_setup,
            libc::SYS_process_vm_readv,
        ] {
            assert!(!allowed().any(|other| other == number), "{number}");
        }
    }
}
