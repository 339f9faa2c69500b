//! `wardkey-server init`

use std::io::{BufRead, IsTerminal};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use wardkey_core::codec::{Bytes, List};
use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::id::DeploymentId;

use super::args::Init;
use super::value::Output;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keyring::{Holder, Keyring, Secret};
use crate::pki::{Authority, read_certificate};
use crate::secret;
use crate::store::audit::{self, Act, Actor};
use crate::store::{Store, clock, scope, setting};

#[derive(Serialize)]
struct Made<'a> {
    deployment: String,
    name: &'a str,
    rp_id: &'a str,
    root_key: String,
    store: &'a Path,
    keys: &'a Path,
}

pub async fn init(config: &Config, init: &Init, output: Output) -> Result<()> {
    let keyring = Keyring::at(&config.keys);
    for path in [config.store.as_path(), keyring.folder()] {
        if path.exists() {
            return Err(Error::invalid(format!(
                "{} exists already; nothing was changed. To start over, and lose everything of this deployment (all \
                 terminals join anew, all keys are registered anew): stop wardkey-server, move {} and {} away, run init \
                 again",
                path.display(),
                config.store.display(),
                keyring.folder().display()
            )));
        }
    }
    confirm(init)?;
    let parent = config.store.parent().unwrap_or(Path::new("/"));
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(parent)
        .map_err(Error::io(format!("making {}", parent.display())))?;
    match make(config, init, &keyring).await {
        Ok(root) => {
            let made = Made {
                deployment: root.deployment.to_hex(),
                name: root.name.as_str(),
                rp_id: root.rp_id.as_str(),
                root_key: root.root_key.to_hex(),
                store: &config.store,
                keys: keyring.folder(),
            };
            output.say(&made, || {
                vec![
                    format!("deployment  {} ({})", made.name, made.deployment),
                    format!("rp id       {} (for ever)", made.rp_id),
                    format!("root key    {}", made.root_key),
                    format!("store       {}", made.store.display()),
                    format!("keys        {}", made.keys.display()),
                    "Keep a copy of root.key off this machine; the server runs without it.".into(),
                ]
            })
        }
        Err(error) => {
            // Half a deployment would only be in the way of the next try; nothing was there before.
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(with_end(&config.store, end));
            }
            let _ = std::fs::remove_dir_all(keyring.folder());
            Err(error)
        }
    }
}

/// Shows what can never be changed, and asks. Without a terminal nobody can answer: then what was typed
/// into the script counts.
fn confirm(init: &Init) -> Result<()> {
    if init.yes || !std::io::stdin().is_terminal() {
        return Ok(());
    }
    eprintln!("This is for ever, as keys are registered for it and terminals trust it:");
    eprintln!("  relying party id  {}", init.rp_id);
    eprintln!("  name              {}", init.name);
    eprintln!("  server            {}", init.server_names.join(", "));
    eprint!("Type the relying party id once more to go on: ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(Error::io("reading the answer"))?;
    if answer.trim() == init.rp_id.as_str() {
        return Ok(());
    }
    Err(Error::invalid("not confirmed; nothing was made"))
}

async fn make(config: &Config, init: &Init, keyring: &Keyring) -> Result<RootDocument> {
    let now = Clock::system().now();
    keyring.create()?;
    let files = Authority::create(init.name.as_str(), now)?;
    keyring.put_certificate(Holder::Authority, &files)?;
    let authority = Authority::load(&files)?;
    keyring.put_certificate(Holder::Server, &authority.server(&init.server_names, now)?)?;
    let (ca, _) = read_certificate(&files.certificate)?;
    let root_key = keyring.signing(Secret::Root)?;
    let root = RootDocument {
        version: 1,
        deployment: DeploymentId::new(secret::random()?),
        name: init.name.clone(),
        rp_id: init.rp_id.clone(),
        root_key: root_key.public(),
        publish_keys: List::new(vec![keyring.signing(Secret::Publish)?.public()]).map_err(Error::damaged)?,
        tls_ca: Bytes::new(ca.to_vec()).map_err(|error| Error::Crypto(error.to_string()))?,
        issued: now,
    };
    let signed = SignedRoot {
        by_itself: Bytes::new(root_key.sign(&root)).map_err(|error| Error::Crypto(error.to_string()))?,
        by_previous: None,
    };
    let store = Store::create(&config.store).await?;
    let mut tx = store.write().await?;
    setting::put_root(&mut tx, 1, &signed).await?;
    let names = serde_json::to_string(&init.server_names).map_err(|error| Error::Crypto(error.to_string()))?;
    setting::put(&mut tx, "server_names", &names).await?;
    clock::confirm(&mut tx, now).await?;
    for name in &init.scopes {
        scope::add(&mut tx, name, now).await?;
    }
    let act = Act::new("init", init.name.as_str()).with(init.rp_id.as_str());
    audit::record(&mut tx, now, &Actor::process(), act).await?;
    tx.commit().await?;
    store.close().await;
    give_away(config, keyring)?;
    Ok(root)
}

/// What root makes in the folder of the service belongs to the service.
fn give_away(config: &Config, keyring: &Keyring) -> Result<()> {
    let parent = config.store.parent().unwrap_or(Path::new("/"));
    let owner = std::fs::metadata(parent).map_err(Error::io("looking at the folder of the store"))?;
    if !nix::unistd::geteuid().is_root() || owner.uid() == 0 {
        return Ok(());
    }
    keyring.give_to(owner.uid(), owner.gid())?;
    for path in ["", "-wal", "-shm"].map(|end| with_end(&config.store, end)) {
        if path.exists() {
            std::os::unix::fs::lchown(&path, Some(owner.uid()), Some(owner.gid()))
                .map_err(Error::io(format!("changing the owner of {}", path.display())))?;
        }
    }
    Ok(())
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
