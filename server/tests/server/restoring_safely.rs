//! Whose backup it is, what others put in the way, and what happens beside a restore.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use wardkey_core::codec::{List, sha256};
use wardkey_core::document::RootDocument;
use wardkey_core::sign::{self, SigningKey};
use wardkey_server::backup::Seal;

use super::backups::{copy_of, rewrite};
use super::restoring::{add, restore, root_of};
use super::support::Deployment;

/// The same backup under another root key, sealed by this deployment's own publish key, as whoever
/// has that key can make it.
fn with_another_root(deployment: &Deployment, own: &Path) -> PathBuf {
    let forged = copy_of(own, "forged");
    let key = SigningKey::from_secret(&[7; 32]);
    re_root(deployment, &forged, |document| RootDocument { root_key: key.public(), ..document });
    forged
}

/// Exchanges the root document of a backup for one that another root key signs.
fn re_root(
    deployment: &Deployment,
    forged: &Path,
    change: impl FnOnce(RootDocument) -> RootDocument,
) {
    let key = SigningKey::from_secret(&[7; 32]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::{ConnectOptions as _, Connection as _};
        let options = SqliteConnectOptions::new().filename(forged.join("wardkey.db"));
        let mut connection = options.connect().await.unwrap();
        let read = sqlx::query_scalar("SELECT by_itself FROM root");
        let signed: Vec<u8> = read.fetch_one(&mut connection).await.unwrap();
        let document: RootDocument = sign::peek(&signed).unwrap();
        let document = change(document);
        let put = sqlx::query("UPDATE root SET by_itself = $1").bind(key.sign(&document));
        put.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    rewrite(deployment, forged, |manifest| {
        manifest["contents"]["root_key"] = key.public().to_hex().into();
    });
}

#[test]
fn a_backup_of_another_root_is_refused_whoever_sealed_it() {
    let deployment = Deployment::new();
    add(&deployment, "hanako");
    let (own, _) = deployment.backup("own");
    let root = root_of(&deployment, &own);
    let forged = with_another_root(&deployment, &own);

    // The database that is there knows its root.
    let said = deployment.refused(1, &restore(&forged, &["--replace", "--yes"]));
    assert!(said.contains("WK-1862"), "{said}");

    // Where it cannot be read, somebody has to know the root key.
    let before = std::fs::read(deployment.database()).unwrap();
    std::fs::write(deployment.database(), "no database").unwrap();
    for backup in [&forged, &own] {
        let said = deployment.refused(1, &restore(backup, &["--replace", "--yes"]));
        assert!(said.contains("WK-1863"), "{said}");
    }
    let with_root = ["--replace", "--yes", "--root", &root];
    let said = deployment.refused(1, &restore(&forged, &with_root));
    assert!(said.contains("WK-1864"), "{said}");
    assert_eq!(std::fs::read(deployment.database()).unwrap(), b"no database");
    deployment.ok(&restore(&own, &with_root));
    assert_eq!(deployment.json(&["person", "show", "hanako"])["status"], "active");

    // A root key that is given is compared whatever is there.
    std::fs::write(deployment.database(), before).unwrap();
    let other = "00".repeat(32);
    let said = deployment.refused(1, &restore(&own, &["--check", "--root", &other]));
    assert!(said.contains("WK-1864"), "{said}");
}

#[test]
fn numbers_rise_above_those_of_the_database_that_is_there() {
    let deployment = Deployment::new();
    add(&deployment, "hanako");
    let (backup, _) = deployment.backup("monday");
    deployment.ok(&["epoch", "raise", "--at-least", "9000000000"]);
    let done = deployment.json(&restore(&backup, &["--replace", "--yes"]));
    assert!(done["report"]["epoch"].as_u64().unwrap() > 9_000_000_000, "{done}");
}

#[test]
fn a_given_trail_counts_beside_that_of_the_database_that_is_there() {
    let deployment = Deployment::new();
    ["one", "two", "three"].iter().for_each(|login| add(&deployment, login));
    let (monday, _) = deployment.backup("monday");
    let copy = std::fs::read(deployment.database()).unwrap();
    deployment.ok(&["person", "disable", "one"]);
    let (tuesday, _) = deployment.backup("tuesday");
    // Two histories: this one goes on from Monday by itself.
    std::fs::write(deployment.database(), copy).unwrap();
    deployment.ok(&["person", "disable", "two"]);
    let path = tuesday.to_str().unwrap();
    let done = deployment.json(&restore(&monday, &["--replace", "--yes", "--trail", path]));
    assert_eq!(done["report"]["replayed"]["people"], serde_json::json!(["one", "two"]), "{done}");
    deployment.ok(&["audit", "verify"]);
}

#[test]
fn a_trail_in_a_folder_is_one_that_this_deployment_sealed() {
    let deployment = Deployment::new();
    add(&deployment, "hanako");
    let (monday, _) = deployment.backup("monday");
    deployment.ok(&["person", "disable", "hanako"]);
    let (tuesday, _) = deployment.backup("tuesday");
    // Whole in itself, and sealed by the key that it names.
    let key = SigningKey::from_secret(&[7; 32]);
    re_root(&deployment, &tuesday, |document| RootDocument {
        root_key: key.public(),
        publish_keys: List::new(vec![key.public()]).unwrap(),
        ..document
    });
    let manifest = std::fs::read(tuesday.join("manifest.json")).unwrap();
    let seal = key.sign(&Seal { manifest: sha256(&manifest) });
    std::fs::write(tuesday.join("manifest.sig"), seal).unwrap();
    let path = tuesday.to_str().unwrap();
    let said = deployment.refused(1, &restore(&monday, &["--check", "--trail", path]));
    assert!(said.contains("WK-1860") && said.contains("sealed"), "{said}");
}

#[test]
fn no_pipe_and_no_endless_line_keeps_a_restore() {
    let deployment = Deployment::new();
    let (backup, _) = deployment.backup("monday");
    let fifo = |path: &Path| {
        let _ = std::fs::remove_file(path);
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    };
    let trail = deployment.folder.path().join("trail.jsonl");
    std::fs::write(&trail, "x".repeat(1 << 20)).unwrap();
    let args = ["--check", "--trail", trail.to_str().unwrap()];
    let said = deployment.refused(1, &restore(&backup, &args));
    assert!(said.contains("WK-1860") && said.contains("65536"), "{said}");
    fifo(&trail);
    assert!(ends(&deployment, &restore(&backup, &args)), "it waits for the pipe");

    for name in ["manifest.sig", "manifest.json", "wardkey.db", "trail.jsonl", "keys.age"] {
        let (backup, _) = deployment.backup(&format!("with-{name}"));
        fifo(&backup.join(name));
        let said = ends(&deployment, &restore(&backup, &["--check"]));
        assert!(said, "it waits for the pipe {name}");
    }
    let (backup, _) = deployment.backup("long");
    std::fs::write(backup.join("manifest.sig"), vec![0; 1 << 20]).unwrap();
    assert!(deployment.refused(1, &restore(&backup, &["--check"])).contains("WK-1853"));
}

/// Whether a command ends, and refuses; whoever waits for a pipe never does.
fn ends(deployment: &Deployment, args: &[&str]) -> bool {
    let mut child = spawn(deployment, args, Stdio::null());
    for _ in 0..600 {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code() == Some(1);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    false
}

fn spawn(deployment: &Deployment, args: &[&str], stdin: Stdio) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_wardkey-server"))
        .arg("--config")
        .arg(deployment.path())
        .args(args)
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_folder_that_others_made_or_can_write_is_not_used() {
    let deployment = Deployment::new();
    let (backup, _) = deployment.backup("monday");
    let left = deployment.folder.path().join("data/.wardkey.db.partial");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("theirs"), "x").unwrap();
    std::fs::set_permissions(&left, std::fs::Permissions::from_mode(0o777)).unwrap();
    let said = deployment.refused(1, &restore(&backup, &["--replace", "--yes"]));
    assert!(said.contains("WK-1851"), "{said}");
    assert!(left.join("theirs").exists());
    std::fs::set_permissions(&left, std::fs::Permissions::from_mode(0o700)).unwrap();
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(&left, Some(1234), None).unwrap();
        let said = deployment.refused(1, &restore(&backup, &["--replace", "--yes"]));
        assert!(said.contains("WK-1851"), "{said}");
        std::os::unix::fs::chown(&left, Some(0), None).unwrap();
    }
    deployment.ok(&restore(&backup, &["--replace", "--yes"]));
}

/// A restore at its question, on a terminal of its own.
struct AtTheQuestion {
    child: std::process::Child,
    terminal: std::fs::File,
    _said: BufReader<std::process::ChildStderr>,
}

impl AtTheQuestion {
    fn new(deployment: &Deployment, args: &[&str]) -> Self {
        let pty = nix::pty::openpty(None, None).unwrap();
        let mut child = spawn(deployment, args, pty.slave.into());
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut text = Vec::new();
        // The question has no end of line.
        while !String::from_utf8_lossy(&text).contains("type the relying party id:") {
            let mut byte = [0];
            said.read_exact(&mut byte).unwrap();
            text.push(byte[0]);
        }
        Self { child, terminal: pty.master.into(), _said: said }
    }

    fn answer(mut self, text: &str) -> i32 {
        writeln!(self.terminal, "{text}").unwrap();
        let mut rest = String::new();
        while self._said.read_line(&mut rest).unwrap() > 0 {}
        println!("{rest}");
        self.child.wait().unwrap().code().unwrap()
    }
}

#[test]
fn what_is_written_at_the_question_is_not_lost() {
    let deployment = Deployment::new();
    ["hanako", "taro"].iter().for_each(|login| add(&deployment, login));
    let (backup, _) = deployment.backup("monday");
    let asked = AtTheQuestion::new(&deployment, &restore(&backup, &["--replace"]));
    deployment.ok(&["person", "disable", "hanako"]);
    // What others do meanwhile reaches no terminal, and is said so: no server runs.
    deployment.unheard(&["person", "disable", "taro"]);
    let before = std::fs::read(deployment.database()).unwrap();
    assert_eq!(asked.answer("wardkey.test"), 1);
    assert_eq!(std::fs::read(deployment.database()).unwrap(), before);
    let asked = AtTheQuestion::new(&deployment, &restore(&backup, &["--replace"]));
    assert_eq!(asked.answer("wardkey.test"), 0);
    assert_eq!(deployment.json(&["person", "show", "hanako"])["status"], "disabled");
}

#[test]
fn no_server_starts_while_a_restore_holds_the_place_and_no_key_lies_at_the_question() {
    let deployment = Deployment::new();
    let (backup, recipient) = deployment.backup("monday");
    let root = root_of(&deployment, &backup);
    let asked = AtTheQuestion::new(&deployment, &restore(&backup, &["--replace"]));
    let said = deployment.refused(1, &["run"]);
    assert!(said.contains("WK-1866"), "{said}");
    assert_eq!(asked.answer("no"), 1);

    // On a new machine the keys come from the backup.
    deployment.lose();
    let identity = recipient.file.to_str().unwrap();
    let args = ["--identity", identity, "--root", &root];
    let asked = AtTheQuestion::new(&deployment, &restore(&backup, &args));
    let partial = deployment.folder.path().join("data/.wardkey.db.partial");
    assert!(partial.join("wardkey.db").exists());
    assert!(!partial.join("keys").exists(), "keys in the clear before anybody said yes");
    assert_eq!(asked.answer("wardkey.test"), 0);
    assert!(deployment.config().keys.join("publish.key").exists());
}
