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
    /// The folder of the keys.
    pub keys: PathBuf,
}

/// Refuses where a deployment is there already.
pub fn must_be_new(config: &Config) -> Result<()> {
    for path in [&config.store, &config.keys] {
        if path.exists() {
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

/// Makes a deployment. The one act that has a transaction of its own: it makes the store.
pub async fn create(
    config: &Config,
    new: &NewDeployment,
    actor: &Actor,
    now: UnixTime,
) -> Result<DeploymentMade> {
    must_be_new(config)?;
    let parent = config.store.parent().unwrap_or(Path::new("/"));
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(parent)
        .map_err(Error::at_file(Text::DoingMake, parent))?;

    let keyring = Keyring::at(&config.keys);
    let made = make(config, new, &keyring, (actor, now)).await;
    if made.is_err() {
        // Half a deployment would only be in the way of the next try; nothing was there before.
        for file in files_of(&config.store) {
            let _ = std::fs::remove_file(file);
        }
        let _ = std::fs::remove_file(config.store.with_extension("lock"));
        let _ = std::fs::remove_dir_all(keyring.folder());
    }

    let root = made?;
    Ok(DeploymentMade {
        deployment: root.deployment.to_hex(),
        name: root.name.to_string(),
        rp_id: root.rp_id.to_string(),
        root_key: root.root_key.to_hex(),
        store: config.store.clone(),
        keys: config.keys.clone(),
    })
}

async fn make(
    config: &Config,
    new: &NewDeployment,
    keyring: &Keyring,
    (actor, now): (&Actor, UnixTime),
) -> Result<RootDocument> {
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

    let store = Store::create(&config.store).await?;
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
    let owner = std::fs::metadata(parent).map_err(Error::at_file(Text::DoingLook, parent))?;
    if !nix::unistd::geteuid().is_root() || owner.uid() == 0 {
        return Ok(());
    }

    keyring.give_to(owner.uid(), owner.gid())?;
    let running = config.store.with_extension("running");
    let lock = config.store.with_extension("lock");
    for path in files_of(&config.store).into_iter().chain([running, lock]) {
        if path.exists() {
            std::os::unix::fs::lchown(&path, Some(owner.uid()), Some(owner.gid()))
                .map_err(Error::at_file(Text::DoingOwner, &path))?;
        }
    }
    Ok(())
}

/// Gives a file to the owner of a folder, where root made it.
pub(crate) fn give_like(path: &Path, folder: &Path) -> Result<()> {
    let failed = || Error::at_file(Text::DoingOwner, path);
    let owner = std::fs::metadata(folder).map_err(failed())?;
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    std::os::unix::fs::lchown(path, Some(owner.uid()), Some(owner.gid())).map_err(failed())
}

/// A path with something behind its name.
pub(crate) fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::{config_in, new_deployment};

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
}
