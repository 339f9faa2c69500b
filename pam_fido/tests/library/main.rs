//! The library as it is installed: what it exports, what it needs, how large it is, and how it
//! behaves under the real libpam. Builds the release library first, as the package does (a minute,
//! once; nothing after "make release").
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod sentences;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The library as it is shipped: built once for all tests.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        // With flags of our own it would be another library than the one that is shipped, and it
        // would lie in that one's place.
        let output = Command::new(root.join("tools/release"))
            .args(["--module", "--message-format=json-render-diagnostics"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).unwrap();
        let end = messages.rfind("libpam_fido.so\"").expect("cargo names the library")
            + "libpam_fido.so".len();
        let start = messages[..end].rfind('"').unwrap() + 1;
        PathBuf::from(&messages[start..end])
    })
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .arg(library())
        .output()
        .expect("binutils are installed");
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn exports_the_six_functions_of_libpam_only() {
    let exported: Vec<String> = run("nm", &["-D", "--defined-only"])
        .lines()
        .map(|line| line.split_whitespace().last().unwrap().to_owned())
        .collect();
    let functions =
        ["acct_mgmt", "authenticate", "chauthtok", "close_session", "open_session", "setcred"];
    assert_eq!(exported, functions.map(|name| format!("pam_sm_{name}")));
}

#[test]
fn needs_libpam_libc_and_libgcc_s_only() {
    let dynamic = run("readelf", &["-dW"]);
    for line in dynamic.lines().filter(|line| line.contains("(NEEDED)")) {
        // The dynamic loader is libc's own.
        let known = ["[libpam.so.0]", "[libc.so.6]", "[libgcc_s.so.1]", "[ld-linux"];
        assert!(known.iter().any(|name| line.contains(name)), "{line}");
    }
    assert!(
        !dynamic.contains("RPATH") && !dynamic.contains("RUNPATH") && !dynamic.contains("TEXTREL"),
        "{dynamic}"
    );
    assert!(dynamic.contains("BIND_NOW") || dynamic.contains("NOW"), "{dynamic}");
    let segments = run("readelf", &["-lW"]);
    assert!(segments.contains("GNU_RELRO"));
    assert!(
        segments.lines().any(|line| line.contains("GNU_STACK") && line.contains(" RW ")),
        "{segments}"
    );
}

#[test]
fn is_under_875_kb_stripped() {
    let size = std::fs::metadata(library()).unwrap().len();
    println!("libpam_fido.so: {size} bytes");
    assert!(size < 875_000, "{size} bytes");
}

#[test]
fn calls_nothing_that_a_guest_must_not() {
    let undefined = run("nm", &["-D", "--undefined-only"]);
    let names: Vec<&str> = undefined
        .lines()
        .filter_map(|line| line.split_whitespace().last()?.split('@').next())
        .collect();
    for never in [
        "fork",
        "execve",
        "pthread_create",
        "sigaction",
        "signal",
        "setenv",
        "putenv",
        "system",
        "_exit",
    ] {
        assert!(!names.contains(&never), "{never}");
    }
}

#[repr(C)]
struct Conversation {
    function: extern "C" fn(c_int, *mut *const Message, *mut *mut Response, *mut c_void) -> c_int,
    data: *mut c_void,
}

#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    text: *mut c_char,
    code: c_int,
}

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conversation: *const Conversation,
        folder: *const c_char,
        handle: *mut *mut c_void,
    ) -> c_int;
    fn pam_authenticate(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_setcred(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_chauthtok(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_end(handle: *mut c_void, status: c_int) -> c_int;
}

/// Keeps what is said; answers notices with a NULL response and every question with PAM_CONV_ERR.
extern "C" fn converse(
    count: c_int,
    messages: *mut *const Message,
    responses: *mut *mut Response,
    said: *mut c_void,
) -> c_int {
    assert_eq!(count, 1);
    // SAFETY: libpam's contract: one message, a place for the responses, our own data.
    let (message, said) = unsafe {
        *responses = std::ptr::null_mut();
        (&**messages, &mut *said.cast::<Vec<(c_int, String)>>())
    };
    // SAFETY: the text of a message ends with a zero byte.
    said.push((
        message.style,
        unsafe { CStr::from_ptr(message.text) }.to_string_lossy().into_owned(),
    ));
    const PAM_CONV_ERR: c_int = 19;
    if message.style >= 3 { 0 } else { PAM_CONV_ERR }
}

const SUCCESS: c_int = 0;
const PERM_DENIED: c_int = 6;
const AUTHINFO_UNAVAIL: c_int = 9;
const USER_UNKNOWN: c_int = 10;
const AUTH_ERR: c_int = 7;
const TRY_AGAIN: c_int = 24;

struct Stack {
    folder: tempfile::TempDir,
}

impl Stack {
    /// A PAM service with the library alone, and its configuration.
    fn new(configuration: Option<&str>, anchor: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let conf = path("pam.toml");
        let module = format!(
            "required {} conf={} nouserok timeout=1\n",
            library().display(),
            conf.display()
        );
        std::fs::write(path("ward"), format!("auth {module}account {module}")).unwrap();
        if let Some(text) = configuration {
            let sockets = format!(
                "agent_socket = \"{0}/agent\"\nkey_socket = \"{0}/key\"\nagent_user = \"root\"\n\
                    anchor = \"{0}/anchor.toml\"\n\
                 marks = \"{0}/marks\"\nlanguage = \"en\"\n{text}\n",
                folder.path().display()
            );
            std::fs::write(&conf, sockets).unwrap();
            std::fs::set_permissions(&conf, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        if let Some(text) = anchor {
            std::fs::write(path("anchor.toml"), text).unwrap();
        }
        Self { folder }
    }

    /// Results of authentication and account phase, and what was said.
    fn login(&self, user: &str) -> ([c_int; 2], Vec<(c_int, String)>) {
        self.with(user, |handle| {
            // SAFETY: `with` gives a live handle.
            unsafe {
                let results = [pam_authenticate(handle, 0), pam_acct_mgmt(handle, 0)];
                if results[0] == SUCCESS {
                    assert_eq!(pam_setcred(handle, 2), SUCCESS);
                }
                results
            }
        })
    }

    /// Result of a change of the token, and what was said.
    fn chauthtok(&self, user: &str) -> (c_int, Vec<(c_int, String)>) {
        // SAFETY: `with` gives a live handle.
        self.with(user, |handle| unsafe { pam_chauthtok(handle, 0) })
    }

    fn with<T>(
        &self,
        user: &str,
        calls: impl FnOnce(*mut c_void) -> T,
    ) -> (T, Vec<(c_int, String)>) {
        let folder = CString::new(self.folder.path().to_str().unwrap()).unwrap();
        let user = CString::new(user).unwrap();
        // An application without a user lets the module ask.
        let user = if user.is_empty() { std::ptr::null() } else { user.as_ptr() };
        let mut said: Vec<(c_int, String)> = Vec::new();
        let conversation = Conversation { function: converse, data: (&raw mut said).cast() };
        let mut handle = std::ptr::null_mut();
        // SAFETY: all pointers live until pam_end; the signatures are those of pam_appl.h.
        let results = unsafe {
            let started = pam_start_confdir(
                c"ward".as_ptr(),
                user,
                &raw const conversation,
                folder.as_ptr(),
                &mut handle,
            );
            assert_eq!(started, SUCCESS);
            let results = calls(handle);
            pam_end(handle, SUCCESS);
            results
        };
        (results, said)
    }
}

/// A test that passed without having looked would be worse than none.
fn needs_root() {
    assert!(
        nix::unistd::geteuid().is_root(),
        "run this test as root: the module believes root's files only"
    );
}

const ANCHOR: &str = "\
    root_key = \"1111111111111111111111111111111111111111111111111111111111111111\"\n\
    terminal = \"00112233445566778899aabbccddeeff\"\n";

#[test]
fn under_libpam_local_accounts_pass_by_and_everyone_else_is_refused() {
    needs_root();
    // (pam.toml, anchor.toml, user, results, part of what is said)
    let local = [USER_UNKNOWN, USER_UNKNOWN];
    let unavailable = [AUTHINFO_UNAVAIL, PERM_DENIED];
    type Row<'a> = (Option<&'a str>, Option<&'a str>, &'a str, [c_int; 2], &'a str);
    let rows: &[Row<'_>] = &[
        (Some(""), Some(ANCHOR), "root", local, ""),
        (Some(""), Some(ANCHOR), "daemon", local, ""),
        (Some("local_accounts = [65534]"), Some(ANCHOR), "nobody", local, ""),
        (Some("local_accounts = [\"nobody\"]"), Some(ANCHOR), "nobody", local, ""),
        (Some(""), Some(ANCHOR), "nobody", unavailable, "WK-1301"),
        (Some("system_uid_max = 0"), Some(ANCHOR), "daemon", unavailable, "WK-1301"),
        (Some(""), Some(ANCHOR), "nobody-of-this-name", unavailable, "WK-1301"),
        (Some(""), Some(ANCHOR), "Root", unavailable, "WK-1301"),
        (Some(""), Some(ANCHOR), "-x\n\u{202e}", unavailable, "WK-1301"),
        (Some(""), None, "nobody", unavailable, "WK-1109"),
        (Some(""), Some("root_key = 5"), "nobody", unavailable, "WK-1109"),
        // Without a configuration that can be read root alone passes by.
        (None, Some(ANCHOR), "root", local, ""),
        (None, Some(ANCHOR), "daemon", unavailable, "WK-1308"),
        (Some("nouserok = true"), Some(ANCHOR), "nobody", unavailable, "WK-1308"),
        (
            Some("local_accounts = [\"nobody\"]\ntypo = 1"),
            Some(ANCHOR),
            "nobody",
            unavailable,
            "WK-1308",
        ),
        (Some("typo = 1"), Some(ANCHOR), "root", local, ""),
    ];
    for (configuration, anchor, user, results, said) in rows {
        let stack = Stack::new(*configuration, *anchor);
        let (seen, heard) = stack.login(user);
        assert_eq!(seen, *results, "{configuration:?} {user:?}: {heard:?}");
        assert_eq!(heard.is_empty(), said.is_empty(), "{configuration:?} {user:?}: {heard:?}");
        assert!(
            heard.first().is_none_or(|(style, text)| *style == 3 && text.contains(said)),
            "{heard:?}"
        );
    }
    // No name and no answer to the question for it.
    assert_eq!(Stack::new(Some(""), Some(ANCHOR)).login("").0, [AUTH_ERR, PERM_DENIED]);
}

#[test]
fn in_the_installed_stack_no_failure_leads_to_the_next_module_but_for_local_accounts() {
    needs_root();
    let installed = include_str!("../../../config/pam.d/wardkey");
    let stack = Stack::new(Some(""), Some(ANCHOR));
    // The next module lets everyone in: who gets there, is in.
    let module = format!(
        "{} conf={}/pam.toml timeout=1",
        library().display(),
        stack.folder.path().display()
    );
    let service = installed.replace("pam_fido.so", &module).replace("pam_unix.so", "pam_permit.so");
    let lines = service.lines().filter(|line| !line.starts_with('#') && line.contains(&module));
    assert_eq!(lines.count(), 3, "auth, account and session");
    std::fs::write(stack.folder.path().join("ward"), service).unwrap();
    assert_eq!(stack.login("root").0, [SUCCESS, SUCCESS]);
    assert_eq!(stack.login("daemon").0, [SUCCESS, SUCCESS]);
    for user in ["nobody", "nobody-of-this-name", "ROOT", ""] {
        assert!(!stack.login(user).0.contains(&SUCCESS), "{user}");
    }
    std::fs::write(stack.folder.path().join("pam.toml"), "broken").unwrap();
    assert_eq!(stack.login("root").0, [SUCCESS, SUCCESS]);
    assert!(!stack.login("daemon").0.contains(&SUCCESS));
}

#[test]
fn in_the_file_of_passwd_nobody_gets_to_a_password_but_local_accounts() {
    needs_root();
    let stack = Stack::new(Some(""), Some(ANCHOR));
    let module = format!(
        "{} conf={}/pam.toml timeout=1",
        library().display(),
        stack.folder.path().display()
    );
    // The next module takes every password: who gets there, could set one.
    let service =
        include_str!("../../../config/pam.d/passwd").replace("pam_fido.so", &module).replace(
            "@include common-password",
            "password [success=1 default=ignore] pam_permit.so\npassword requisite pam_deny.so\n\
         password required pam_permit.so",
        );
    std::fs::write(stack.folder.path().join("ward"), service).unwrap();
    for user in ["root", "daemon"] {
        assert_eq!(stack.chauthtok(user), (SUCCESS, vec![]), "{user}");
    }
    let (result, said) = stack.chauthtok("nobody");
    assert_eq!(result, TRY_AGAIN);
    assert!(said[0].1.contains("WK-1301"), "{said:?}");
    for user in ["nobody-of-this-name", "ROOT"] {
        assert_ne!(stack.chauthtok(user).0, SUCCESS, "{user}");
    }
    std::fs::write(stack.folder.path().join("pam.toml"), "broken").unwrap();
    assert_eq!(stack.chauthtok("root").0, SUCCESS);
    assert_ne!(stack.chauthtok("daemon").0, SUCCESS);
}

#[test]
fn cve_2019_12209_no_descriptor_is_left_open() {
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    needs_root();
    let stack = Stack::new(Some(""), Some(ANCHOR));
    // An agent that is there, takes the connection and hangs up.
    let agent = std::os::unix::net::UnixListener::bind(stack.folder.path().join("agent")).unwrap();
    let connected = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connected);
    std::thread::spawn(move || {
        for connection in agent.incoming() {
            // Before the login hears that it ends.
            counted.fetch_add(1, Ordering::SeqCst);
            drop(connection.unwrap());
        }
    });
    stack.login("nobody");
    let before = open();
    let earlier = connected.load(Ordering::SeqCst);
    for _ in 0..8 {
        stack.login("nobody");
    }
    assert!(
        connected.load(Ordering::SeqCst) >= earlier + 8,
        "each login had a connection to leave open"
    );
    // One may be the listener's, between accept and drop.
    assert!(open() <= before + 1, "{} descriptors, {before} before", open());
}
