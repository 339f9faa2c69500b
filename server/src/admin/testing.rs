//! A deployment for the tests of this room: a real store in a temporary folder.

use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding};
use jiff::tz::TimeZone;
use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::name::{DisplayText, GroupName, Language, LoginName, RpId, ScopeName};
use wardkey_core::time::UnixTime;

use super::import::{self, Outcome, Taking};
use super::init::{self, NewDeployment};
use super::person::{self, NewPerson};
use super::{Operation, key, trail};
use crate::config::Config;
use crate::error::Result;
use crate::people_file::People;
use crate::pki::{Issued, SERIAL_LEN};
use crate::store::audit::Actor;
use crate::store::terminal::{self, Joining, TerminalStatus};
use crate::store::testing::Home;
use crate::store::{PageRequest, Store};

/// When the tests begin.
pub const NOW: UnixTime = UnixTime(1_800_000_000);

/// A deployment with the scopes `icu` and `er`; removed when dropped.
pub struct Deployment {
    pub store: Store,
    actor: Actor,
    zone: TimeZone,
    _home: Home,
}

/// A configuration whose store and keys are in a folder.
pub fn config_in(folder: &Path) -> Config {
    let data = folder.join("data");
    let text = format!("store = \"{0}/wardkey.db\"\nkeys = \"{0}/keys\"", data.display());
    Config::parse_all(&text).unwrap()
}

/// The same, in PostgreSQL when the tests run beside one.
pub fn config_at(home: &Home) -> Config {
    Config { database: home.url(), ..config_in(home.folder()) }
}

pub fn new_deployment() -> NewDeployment {
    NewDeployment {
        name: DisplayText::new("Test").unwrap(),
        rp_id: RpId::new("wardkey.test").unwrap(),
        server_names: vec!["localhost".into()],
        scopes: ["icu", "er"].map(scope).into(),
    }
}

pub fn login(name: &str) -> LoginName {
    LoginName::new(name).unwrap()
}

pub fn scope(name: &str) -> ScopeName {
    ScopeName::new(name).unwrap()
}

pub fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

/// A person of the scope `icu`.
pub fn someone(name: &str) -> NewPerson {
    NewPerson {
        login: login(name),
        name: DisplayText::new(name).unwrap(),
        latin_name: None,
        language: Language::En,
        valid_from: None,
        valid_until: None,
        scopes: vec![scope("icu")],
        groups: Vec::new(),
    }
}

impl Deployment {
    pub async fn new() -> Self {
        let home = Home::new();
        let config = config_at(&home);
        init::create(&config, &new_deployment(), &Actor::server(), NOW).await.unwrap();
        let store = Store::open(config.place().unwrap()).await.unwrap();
        Self { store, actor: Actor::server(), zone: TimeZone::UTC, _home: home }
    }

    /// An act at a time, committed when it succeeds.
    pub async fn act_at<T>(
        &self,
        now: UnixTime,
        act: impl AsyncFnOnce(&mut Operation<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut tx = self.store.write().await?;
        let mut op = Operation {
            tx: &mut tx,
            actor: &self.actor,
            now,
            reason: Some("a test"),
            zone: &self.zone,
        };
        let done = act(&mut op).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// An act, committed when it succeeds.
    pub async fn act<T>(
        &self,
        act: impl AsyncFnOnce(&mut Operation<'_>) -> Result<T>,
    ) -> Result<T> {
        self.act_at(NOW, act).await
    }

    /// Adds a person of the scope `icu`.
    pub async fn add(&self, name: &str) {
        self.act(async |op| person::add(op, someone(name)).await).await.unwrap();
    }

    /// Actions in the trail, newest first.
    pub async fn actions(&self) -> Vec<String> {
        let mut tx = self.store.read().await.unwrap();
        let rows = trail::list(&mut tx, None, &PageRequest::default()).await.unwrap();
        rows.items.into_iter().map(|row| row.action).collect()
    }
}

/// Adds a person of the scope `icu` with one key; its fingerprint.
pub async fn import_key(deployment: &Deployment, name: &str) -> String {
    let point = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let point = point.verifying_key().to_sec1_point(false);
    let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
    cose.extend_from_slice(point.x().unwrap());
    cose.extend_from_slice(&[0x22, 0x58, 0x20]);
    cose.extend_from_slice(point.y().unwrap());
    let text = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
    let line = serde_json::json!({ "login": name, "name": name, "scopes": ["icu"],
        "credentials": [{ "id": text(&[9; 32]), "public_key": text(&cose) }] });
    let people = People::from_jsonl(line.to_string().as_bytes());
    let taking = Taking { keys_per_person: 4, skip_existing: false };
    let done = deployment
        .act(async |op| import::run(op, people, taking, "keys.jsonl").await)
        .await
        .unwrap();
    assert!(matches!(done, Outcome::Done(done) if done.keys == 1), "{done:?}");
    let mut tx = deployment.store.read().await.unwrap();
    let keys = key::list_of(&mut tx, &login(name), &PageRequest::default()).await.unwrap();
    keys.items[0].key.fingerprint.clone()
}

/// A terminal of the scope `icu` that has joined; its id.
pub async fn joined_terminal(deployment: &Deployment) -> String {
    let id = TerminalId::new([5; 16]);
    let issued = Issued {
        certificate: Vec::new(),
        serial: [1; SERIAL_LEN],
        begins: NOW,
        expires: NOW.plus(86_400),
        key: Hash::new([3; 32]),
        by: Hash::new([0; 32]),
    };
    let put = async |op: &mut Operation<'_>| {
        let joining = Joining {
            id,
            name: &DisplayText::new("desk 1").unwrap(),
            machine: Hash::new([4; 32]),
            status: TerminalStatus::Active,
            issued: &issued,
            scopes: &[scope("icu")].into(),
        };
        terminal::put(op.tx, &joining, op.now).await
    };
    deployment.act(put).await.unwrap();
    id.to_hex()
}
