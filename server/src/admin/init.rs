//! A new deployment: keys, certificates, the root document, an empty store.

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use wardkey_core::codec::{Bytes, List};
use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::id::DeploymentId;
use wardkey_core::name::{DisplayText, RpId, ScopeName};
use wardkey_core::time::UnixTime;

use super::scope;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keyring::{Holder, Keyring, Secret};
use crate::pki::{Authority, read_certificate};
use crate::secret;
use crate::store::audit::{self, Act, Actor};
use crate::store::{Store, clock, files_of, setting};
use crate::texts::Text;

/// What a deployment is made with.
#[derive(Debug)]
pub struct NewDeployment {
    /// Its name, for people.
    pub name: DisplayText,
    /// Relying party id, for ever.
    pub rp_id: RpId,
    /// Names and addresses by which terminals reach the server.
    pub server_names: Vec<String>,
    /// Scopes to begin with.
    pub scopes: Vec<ScopeName>,
}

/// A deployment that was made.
#[derive(Debug, Serialize)]
pub struct DeploymentMade {
    /// Its id, hexadecimal digits.
    pub deployment: String,
    /// Its name.
    pub name: String,
    /// Relying party id.
    pub rp_id: String,
    /// Public root key, hexadecimal digits.
    pub root_key: String,
    /// The database.
    pub store: PathBuf,
    /// Where PostgreSQL has it, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The folder of the keys.
    pub keys: PathBuf,
}

/// Refuses where a deployment is there already.
pub fn must_be_new(config: &Config) -> Result<()> {
    for path in [&config.store, &config.keys] {
        if path.symlink_metadata().is_ok() {
            let shown = |path: &Path| path.display().to_string().into();
            return Err(Error::invalid(Text::DeploymentExists.with([
                ("path", shown(path)),
                ("store", shown(&config.store)),
                ("keys", shown(&config.keys)),
            ])));
        }
    }
    Ok(())
}

/// Makes the folder of the database (0700).
///
/// # Errors
/// [`Error::Io`].
pub fn make_folder(config: &Config) -> Result<()> {
    let parent = config.store.parent().unwrap_or(Path::new("/"));
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(parent)
        .map_err(Error::at_file(Text::Making, parent))
}

/// Makes a deployment. The one act that has a transaction of its own: it makes the store.
pub async fn create(
    config: &Config,
    new: &NewDeployment,
    actor: &Actor,
    now: UnixTime,
) -> Result<DeploymentMade> {
    must_be_new(config)?;
    make_folder(config)?;
    let keyring = Keyring::at(&config.keys);
    let mut own = Own::default();
    let made = make(config, new, (&keyring, &mut own), (actor, now)).await;
    if made.is_err() {
        // Half a deployment would only be in the way of the next try.
        own.remove(config);
    }

    let root = made?;
    Ok(DeploymentMade {
        deployment: root.deployment.to_hex(),
        name: root.name.to_string(),
        rp_id: root.rp_id.to_string(),
        root_key: root.root_key.to_hex(),
        store: config.store.clone(),
        database: config.database.clone(),
        keys: config.keys.clone(),
    })
}

/// What this run has made. Only that is removed when it fails: what somebody else put in the place
/// meanwhile is theirs. The file that is locked by whoever has the database open stays: whoever
/// waits for it would have another lock than who comes next.
#[derive(Debug, Default)]
struct Own {
    store: Option<Made>,
    keys: Option<Made>,
}

/// Which file or folder something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Made(u64, u64);

impl Made {
    fn at(path: &Path) -> Option<Self> {
        let meta = path.symlink_metadata().ok()?;
        Some(Self(meta.dev(), meta.ino()))
    }
}

impl Own {
    fn remove(&self, config: &Config) {
        if self.store.is_some() && Made::at(&config.store) == self.store {
            for file in files_of(&config.store) {
                let _ = std::fs::remove_file(file);
            }
        }
        if self.keys.is_some() && Made::at(&config.keys) == self.keys {
            let _ = std::fs::remove_dir_all(&config.keys);
        }
    }
}

async fn make(
    config: &Config,
    new: &NewDeployment,
    (keyring, own): (&Keyring, &mut Own),
    (actor, now): (&Actor, UnixTime),
) -> Result<RootDocument> {
    keyring.create_folder()?;
    own.keys = Made::at(keyring.folder());
    keyring.create()?;
    let files = Authority::create(new.name.as_str(), now)?;
    keyring.put_certificate(Holder::Authority, &files)?;
    let authority = Authority::load(&files)?;
    keyring.put_certificate(Holder::Server, &authority.server(&new.server_names, now)?)?;
    let (ca, _) = read_certificate(&files.certificate)?;

    let root_key = keyring.signing(Secret::Root)?;
    let root = RootDocument {
        version: 1,
        deployment: DeploymentId::new(secret::random()?),
        name: new.name.clone(),
        rp_id: new.rp_id.clone(),
        root_key: root_key.public(),
        publish_keys: List::new(vec![keyring.signing(Secret::Publish)?.public()])
            .map_err(Error::damaged)?,
        tls_ca: Bytes::new(ca.to_vec()).map_err(Error::crypto("root document"))?,
        issued: now,
    };
    let signed = SignedRoot {
        by_itself: Bytes::new(root_key.sign(&root)).map_err(Error::crypto("root document"))?,
        by_previous: None,
    };

    let place = config.place()?;
    place.create_file()?;
    own.store = Made::at(&config.store);
    let store = Store::open_new(place).await?;
    let mut tx = store.write().await?;
    setting::put_root(&mut tx, 1, &signed).await?;
    let names =
        serde_json::to_string(&new.server_names).map_err(Error::crypto("list of server names"))?;
    setting::put(&mut tx, "server_names", &names).await?;
    clock::confirm(&mut tx, now).await?;
    for name in &new.scopes {
        scope::begin(&mut tx, name, now).await?;
    }
    let act = Act::new("init", new.name.as_str()).with(new.rp_id.as_str());
    audit::record(&mut tx, now, actor, act).await?;
    tx.commit().await?;
    store.close().await;

    give_away(config, keyring)?;
    Ok(root)
}

/// What root makes in the folder of the service belongs to the service.
pub(crate) fn give_away(config: &Config, keyring: &Keyring) -> Result<()> {
    let parent = config.store.parent().unwrap_or(Path::new("/"));
    let owner = std::fs::metadata(parent).map_err(Error::at_file(Text::Reading, parent))?;
    if !nix::unistd::geteuid().is_root() || owner.uid() == 0 {
        return Ok(());
    }

    keyring.give_to(owner.uid(), owner.gid())?;
    let running = config.store.with_extension("running");
    let lock = config.store.with_extension("lock");
    for path in files_of(&config.store).into_iter().chain([running, lock]) {
        if path.exists() {
            std::os::unix::fs::lchown(&path, Some(owner.uid()), Some(owner.gid()))
                .map_err(Error::at_file(Text::ChangingOwner, &path))?;
        }
    }
    Ok(())
}

/// Gives a file to the owner of a folder, where root made it.
pub(crate) fn give_like(path: &Path, folder: &Path) -> Result<()> {
    let failed = || Error::at_file(Text::ChangingOwner, path);
    let owner = std::fs::metadata(folder).map_err(failed())?;
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    std::os::unix::fs::lchown(path, Some(owner.uid()), Some(owner.gid())).map_err(failed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::{config_in, new_deployment};
    use crate::store::with_end;

    #[tokio::test]
    async fn a_second_deployment_in_the_same_place_is_refused_and_nothing_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let config = config_in(folder.path());
        let (new, actor, now) = (new_deployment(), Actor::server(), UnixTime(1_800_000_000));
        let made = create(&config, &new, &actor, now).await.unwrap();
        assert_eq!(made.rp_id, "wardkey.test");
        let before = std::fs::read(config.keys.join("root.key")).unwrap();

        let refused = create(&config, &new, &actor, now).await.unwrap_err().to_string();
        assert!(refused.contains("start over"), "{refused}");
        assert_eq!(std::fs::read(config.keys.join("root.key")).unwrap(), before);
    }

    #[tokio::test]
    async fn a_failure_removes_what_this_run_made_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let config = config_in(folder.path());
        let (actor, now) = (Actor::server(), UnixTime(1_800_000_000));
        make_folder(&config).unwrap();
        // Somebody put something there after it was looked at.
        for (path, is_keys) in [(&config.keys, true), (&config.store, false)] {
            let keyring = Keyring::at(&config.keys);
            if is_keys {
                std::fs::create_dir(path).unwrap();
                std::fs::write(path.join("root.key"), "theirs").unwrap();
            } else {
                std::fs::write(path, "theirs").unwrap();
            }
            let mut own = Own::default();
            let made = make(&config, &new_deployment(), (&keyring, &mut own), (&actor, now)).await;
            made.unwrap_err();
            own.remove(&config);
            if is_keys {
                assert_eq!(std::fs::read(path.join("root.key")).unwrap(), b"theirs");
                std::fs::remove_dir_all(path).unwrap();
            } else {
                assert_eq!(std::fs::read(path).unwrap(), b"theirs");
                assert!(!config.keys.exists(), "the keys were made by this run");
                std::fs::remove_file(path).unwrap();
            }
        }

        // What is exchanged between is not this run's either.
        let mut own = Own::default();
        let keyring = Keyring::at(&config.keys);
        let new = new_deployment();
        make(&config, &new, (&keyring, &mut own), (&actor, now)).await.unwrap();
        for path in [&config.store, &config.keys] {
            std::fs::rename(path, with_end(path, ".theirs")).unwrap();
        }
        std::fs::write(&config.store, "theirs").unwrap();
        std::fs::create_dir(&config.keys).unwrap();
        own.remove(&config);
        assert!(config.store.exists() && config.keys.exists());
        assert!(config.store.with_extension("lock").exists(), "a lock is never removed");
    }
}
