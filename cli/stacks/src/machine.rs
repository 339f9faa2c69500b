//! The files of a machine, or of a folder that stands for one.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 1024 * 1024;
/// What pam-auth-update writes, to be included.
const PARTS: [&str; 5] = [
    "common-auth",
    "common-account",
    "common-password",
    "common-session",
    "common-session-noninteractive",
];
/// Endings of copies that dpkg, ucf, pam-auth-update and editors leave: no program asks for these.
const COPIES: [&str; 10] = [
    ".dpkg-old",
    ".dpkg-new",
    ".dpkg-dist",
    ".dpkg-tmp",
    ".dpkg-bak",
    ".ucf-old",
    ".ucf-dist",
    ".pam-old",
    ".pam-new",
    "~",
];

/// Where a machine's files are.
#[derive(Clone, Debug)]
pub struct Machine {
    /// In place of `/`.
    pub root: PathBuf,
    /// Folders of services, the first one first; below the root.
    pub services: Vec<PathBuf>,
    /// Where `include` and `@include` look. What is in another folder alone is found by some
    /// versions of Debian's libpam, and not by others.
    pub includes: PathBuf,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    /// Why it was not read.
    Unreadable(String),
    Text(Vec<u8>),
}

impl Machine {
    /// The machine below `root`, as Debian's libpam sees it.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            services: vec!["/etc/pam.d".into(), "/usr/lib/pam.d".into()],
            includes: "/etc/pam.d".into(),
        }
    }

    /// A path below the root.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The names of all services, in order. A name with a capital cannot be asked for: libpam makes
    /// it small.
    ///
    /// # Errors
    /// A folder that is there and cannot be read.
    pub fn names(&self) -> Result<Vec<String>, String> {
        let mut names = BTreeSet::new();
        for folder in &self.services {
            let entries = match std::fs::read_dir(self.path(folder)) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("{}: {error}", folder.display())),
            };
            for entry in entries {
                let entry = entry.map_err(|error| format!("{}: {error}", folder.display()))?;
                // A name that is not UTF-8 is nobody's service; a program's own text asks for it.
                let Ok(name) = entry.file_name().into_string() else { continue };
                let copy =
                    COPIES.iter().any(|ending| name.ends_with(ending)) || name.starts_with('.');
                if !copy
                    && !PARTS.contains(&name.as_str())
                    && name.to_ascii_lowercase() == name
                    && !entry.path().is_dir()
                {
                    names.insert(name);
                }
            }
        }
        Ok(names.into_iter().collect())
    }

    /// The file of a service, or none.
    pub(crate) fn service(&self, name: &str) -> Option<PathBuf> {
        self.services
            .iter()
            .map(|folder| folder.join(name))
            .find(|path| self.path(path).metadata().is_ok())
    }

    /// What a path has, following links. A folder is an empty file to libpam.
    pub(crate) fn read(&self, path: &Path) -> Found {
        let unreadable = |why: &dyn std::fmt::Display| Found::Unreadable(why.to_string());
        let place = self.path(path);
        match place.metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Found::Nothing,
            Err(error) => return unreadable(&error),
            Ok(metadata) if metadata.is_dir() => return Found::Text(Vec::new()),
            Ok(metadata) if !metadata.is_file() => return unreadable(&"not a file"),
            Ok(_) => {}
        }
        let mut bytes = Vec::new();
        match File::open(place).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)) {
            Ok(_) if bytes.len() as u64 > MAX_FILE => {
                unreadable(&format_args!("longer than {MAX_FILE} bytes"))
            }
            Ok(_) => Found::Text(bytes),
            Err(error) => unreadable(&error),
        }
    }

    /// What lstat(2) says.
    pub(crate) fn lstat(&self, path: &Path) -> Option<Metadata> {
        self.path(path).symlink_metadata().ok()
    }

    /// Whether libpam can load a module: a file that begins as a program of this machine's kind
    /// does. What is damaged further on is not noticed; therefore every module may also answer
    /// `module_unknown`.
    pub fn has_module(&self, name: &[u8]) -> bool {
        let name = Path::new(std::ffi::OsStr::from_bytes(name));
        if name.is_absolute() {
            return self.loads(&self.path(name));
        }
        self.module_folders().iter().any(|folder| self.loads(&folder.join(name)))
    }

    /// `/lib/x86_64-linux-gnu/security` and its like, and `/lib/security`.
    fn module_folders(&self) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        for lib in ["lib", "usr/lib"] {
            let lib = self.root.join(lib);
            folders.push(lib.join("security"));
            let inside = std::fs::read_dir(&lib).into_iter().flatten().flatten();
            folders.extend(
                inside
                    .filter(|entry| is_triplet(&entry.file_name()))
                    .map(|entry| entry.path().join("security")),
            );
        }
        folders
    }

    fn loads(&self, path: &Path) -> bool {
        let mut begin = [0; 20];
        let begins = File::open(path).and_then(|mut file| file.read_exact(&mut begin));
        // ELF, this machine's width and byte order, a shared object (e_type 3), and not empty
        // behind it.
        let width = if cfg!(target_pointer_width = "64") { 2 } else { 1 };
        let order = if cfg!(target_endian = "little") { 1 } else { 2 };
        let kind = if cfg!(target_endian = "little") { [3, 0] } else { [0, 3] };
        begins.is_ok()
            && matches!(begin, [0x7f, b'E', b'L', b'F', w, o, ..] if w == width && o == order)
            && begin.get(16..18) == Some(&kind)
    }
}

fn is_triplet(name: &std::ffi::OsStr) -> bool {
    name.as_bytes().windows(6).any(|part| part == b"-linux")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_services_are_those_that_a_program_can_ask_for() {
        let root = tempfile::tempdir().unwrap();
        for name in [
            "etc/pam.d/login",
            "etc/pam.d/common-auth",
            "etc/pam.d/su.dpkg-old",
            "etc/pam.d/Foo",
            "usr/lib/pam.d/gdm",
        ] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::fs::create_dir(root.path().join("etc/pam.d/folder")).unwrap();
        let machine = Machine::new(root.path());
        assert_eq!(machine.names().unwrap(), ["gdm", "login"]);
        assert_eq!(machine.service("gdm"), Some("/usr/lib/pam.d/gdm".into()));
        assert_eq!(machine.service("sshd"), None);
        assert!(Machine::new(root.path().join("none")).names().unwrap().is_empty());
    }

    #[test]
    fn a_module_is_there_when_it_begins_like_one() {
        let machine = Machine::new("/");
        assert!(machine.has_module(b"pam_permit.so"));
        assert!(!machine.has_module(b"pam_of_nobody.so"));
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("usr/lib/x86_64-linux-gnu/security");
        std::fs::create_dir_all(&folder).unwrap();
        for (bytes, loads) in
            [(&b""[..], false), (b"\x7fELF", false), (b"#!/bin/sh\nexit 0 and so on", false)]
        {
            std::fs::write(folder.join("pam_fido.so"), bytes).unwrap();
            assert_eq!(Machine::new(root.path()).has_module(b"pam_fido.so"), loads, "{bytes:?}");
        }
    }
}
