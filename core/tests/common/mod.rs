//! A deployment in memory: a publisher with its keys, people with software credentials, and what an
//! honest agent would show. Tests then change one thing.
#![allow(dead_code)]

use p256::ecdsa::signature::Signer;
use wardkey_core::assertion::Assertion;
use wardkey_core::client_data::ClientData;
use wardkey_core::code::Denial;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::decide::{self, Freshness, Granted, Request};
use wardkey_core::directory::{BUCKETS, Bucket, Leaf, Proof, bucket_of, leaf_key, state_root};
use wardkey_core::document::{
    Head, PolicyDocument, Position, RootDocument, SharedAccount, SignedRoot, TerminalDocument,
};
use wardkey_core::id::{Aaguid, CredentialId, DeploymentId, Hash, Nonce, TerminalId, UserHandle};
use wardkey_core::marks::Marks;
use wardkey_core::name::{DisplayText, GroupName, Language, LoginName, RpId, ScopeName, ServiceName};
use wardkey_core::person::{CredentialFlags, CredentialRecord, PersonRecord, Status};
use wardkey_core::sign::SigningKey;
use wardkey_core::snapshot::{Anchor, Evidence, ScopeEvidence, Snapshot};
use wardkey_core::time::UnixTime;

pub const T0: u64 = 1_800_000_000;
pub const RP: &str = "hospital.example";

pub fn login(name: &str) -> LoginName {
    LoginName::new(name).unwrap()
}
pub fn scope(name: &str) -> ScopeName {
    ScopeName::new(name).unwrap()
}
pub fn service(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}
pub fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

/// A software credential.
#[derive(Clone)]
pub enum Key {
    Es256(Box<p256::ecdsa::SigningKey>),
    EdDsa(Box<ed25519_dalek::SigningKey>),
}

impl Key {
    pub fn es256(seed: u8) -> Self {
        Self::Es256(Box::new(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()))
    }
    pub fn eddsa(seed: u8) -> Self {
        Self::EdDsa(Box::new(ed25519_dalek::SigningKey::from_bytes(&[seed; 32])))
    }
    pub fn cose(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut e = minicbor::Encoder::new(&mut out);
        match self {
            Self::Es256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                e.map(5).unwrap().u8(1).unwrap().u8(2).unwrap().u8(3).unwrap().i8(-7).unwrap();
                e.i8(-1).unwrap().u8(1).unwrap();
                e.i8(-2).unwrap().bytes(point.x().unwrap()).unwrap();
                e.i8(-3).unwrap().bytes(point.y().unwrap()).unwrap();
            }
            Self::EdDsa(key) => {
                e.map(4).unwrap().u8(1).unwrap().u8(1).unwrap().u8(3).unwrap().i8(-8).unwrap();
                e.i8(-1).unwrap().u8(6).unwrap();
                e.i8(-2).unwrap().bytes(key.verifying_key().as_bytes()).unwrap();
            }
        }
        out
    }
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Es256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Self::EdDsa(key) => {
                use ed25519_dalek::Signer;
                key.sign(message).to_bytes().to_vec()
            }
        }
    }
    pub fn record(&self, id: u8) -> CredentialRecord {
        CredentialRecord {
            id: CredentialId::new(vec![id; 32]).unwrap(),
            public_key: Bytes::new(self.cose()).unwrap(),
            rp_id: RpId::new(RP).unwrap(),
            aaguid: Aaguid::new([9; 16]),
            flags: CredentialFlags(CredentialFlags::ATTESTED | CredentialFlags::DISCOVERABLE),
            cred_protect: 2,
            status: Status::Active,
            label: DisplayText::new("blue key").unwrap(),
            enrolled: UnixTime(T0 - 1000),
        }
    }
    /// An assertion over client data, with authenticator data given by flags, counter and rp id.
    pub fn assert(&self, id: u8, client_data: &[u8], flags: u8, counter: u32, rp: &str) -> Assertion {
        let mut auth_data = codec::sha256(rp.as_bytes()).as_bytes().to_vec();
        auth_data.push(flags);
        auth_data.extend_from_slice(&counter.to_be_bytes());
        self.assert_raw(id, client_data, auth_data)
    }
    pub fn assert_raw(&self, id: u8, client_data: &[u8], auth_data: Vec<u8>) -> Assertion {
        let message = [&auth_data[..], codec::sha256(client_data).as_bytes()].concat();
        Assertion {
            credential_id: CredentialId::new(vec![id; 32]).unwrap(),
            client_data: Bytes::new(client_data).unwrap(),
            auth_data: Bytes::new(auth_data).unwrap(),
            signature: Bytes::new(self.sign(&message)).unwrap(),
            user_handle: None,
        }
    }
}

pub fn person(name: &str, id: u8, key: &Key) -> PersonRecord {
    PersonRecord {
        login: login(name),
        display_name: DisplayText::new("Demo Hanako").unwrap(),
        language: Language::Ja,
        user_handle: UserHandle::new([id; 32]),
        groups: List::new(vec![group("nurses")]).unwrap(),
        not_before: None,
        not_after: None,
        status: Status::Active,
        credentials: List::new(vec![key.record(id)]).unwrap(),
    }
}

/// A deployment with what an honest agent would show of it.
#[derive(Clone)]
pub struct World {
    pub root_seed: u8,
    pub publish_seed: u8,
    pub root: RootDocument,
    pub terminal: TerminalDocument,
    pub scopes: Vec<(ScopeState, PolicyDocument)>,
}

#[derive(Clone)]
pub struct ScopeState {
    pub head: Head,
    pub people: Vec<PersonRecord>,
}

pub fn signing(seed: u8) -> SigningKey {
    SigningKey::from_secret(&[seed; 32])
}

impl World {
    /// One terminal in the scopes `roaming` and `ward3`; `hanako` (key 1) is in `ward3`.
    pub fn new() -> Self {
        let hanako = person("hanako", 1, &Key::es256(1));
        let root = RootDocument {
            version: 1,
            deployment: DeploymentId::new([3; 16]),
            name: DisplayText::new("Demo Hospital").unwrap(),
            rp_id: RpId::new(RP).unwrap(),
            root_key: signing(100).public(),
            publish_keys: List::new(vec![signing(101).public()]).unwrap(),
            tls_ca: Bytes::new(vec![0x30, 0]).unwrap(),
            issued: UnixTime(T0 - 5000),
        };
        let terminal = TerminalDocument {
            terminal: TerminalId::new([4; 16]),
            number: 1,
            name: DisplayText::new("ward3-a").unwrap(),
            scopes: List::new(vec![scope("roaming"), scope("ward3")]).unwrap(),
            status: Status::Active,
            issued: UnixTime(T0 - 60),
            expires: UnixTime(T0 + 840),
        };
        let mut world = Self { root_seed: 100, publish_seed: 101, root, terminal, scopes: Vec::new() };
        for (name, people) in [("roaming", vec![]), ("ward3", vec![hanako])] {
            let policy = PolicyDocument::default_for(scope(name));
            let head = Head {
                scope: scope(name),
                epoch: 1,
                seq: 10,
                root: Hash::new([0; 32]),
                count: people.len() as u64,
                policy: codec::hash_of(&policy),
                issued: UnixTime(T0 - 60),
                expires: UnixTime(T0 + 840),
            };
            world.scopes.push((ScopeState { head, people }, policy));
        }
        world.refresh();
        world
    }

    /// Recomputes state roots and policy hashes after people or policies changed.
    pub fn refresh(&mut self) {
        for (state, policy) in &mut self.scopes {
            state.head.root = state.root();
            state.head.count = state.people.len() as u64;
            state.head.policy = codec::hash_of(policy);
        }
    }

    pub fn hanako(&mut self) -> &mut PersonRecord {
        &mut self.scopes[1].0.people[0]
    }

    pub fn share(&mut self, account: &str, groups: &[&str]) {
        let groups = List::new(groups.iter().map(|g| group(g)).collect()).unwrap();
        self.scopes[1].1.shared_accounts = List::new(vec![SharedAccount { account: login(account), groups }]).unwrap();
        self.refresh();
    }

    pub fn anchor(&self) -> Anchor {
        Anchor { root_key: signing(100).public(), terminal: TerminalId::new([4; 16]) }
    }

    pub fn signed_root(&self) -> SignedRoot {
        SignedRoot { by_itself: Bytes::new(signing(self.root_seed).sign(&self.root)).unwrap(), by_previous: None }
    }

    pub fn evidence(&self, person: &str) -> Evidence {
        let publish = signing(self.publish_seed);
        Evidence {
            roots: List::new(vec![self.signed_root()]).unwrap(),
            terminal: Bytes::new(publish.sign(&self.terminal)).unwrap(),
            scopes: List::new(
                self.scopes
                    .iter()
                    .map(|(state, policy)| ScopeEvidence {
                        head: Bytes::new(publish.sign(&state.head)).unwrap(),
                        policy: Bytes::new(codec::to_bytes(policy)).unwrap(),
                        proof: state.proof(&login(person)),
                    })
                    .collect(),
            )
            .unwrap(),
        }
    }

    pub fn snapshot(&self, person: &str) -> Result<Snapshot, Denial> {
        Snapshot::verify(&self.evidence(person), &self.anchor(), &Marks::default(), &login(person))
    }

    pub fn client_data(&self, account: &str, person: &str, service_name: &str) -> ClientData {
        ClientData {
            nonce: Nonce::new([5; 32]),
            terminal: TerminalId::new([4; 16]),
            service: service(service_name),
            account: login(account),
            person: login(person),
            time: UnixTime(T0),
            scope: scope("ward3"),
            position: Position { epoch: 1, seq: 10 },
        }
    }

    /// One login of `person` to `account` by key 1 with everything right.
    pub fn login(
        &self,
        account: &str,
        person: &str,
        service_name: &str,
        now: u64,
        marks: &Marks,
    ) -> Result<Granted, Denial> {
        let data = self.client_data(account, person, service_name).to_bytes();
        self.decide(account, person, service_name, now, marks, &Key::es256(1).assert(1, &data, 0x05, 1, RP), 1)
    }

    #[allow(clippy::too_many_arguments)]
    pub fn decide(
        &self,
        account: &str,
        person: &str,
        service_name: &str,
        now: u64,
        marks: &Marks,
        assertion: &Assertion,
        elapsed: u64,
    ) -> Result<Granted, Denial> {
        let snapshot = Snapshot::verify(&self.evidence(person), &self.anchor(), marks, &login(person))?;
        let request = Request {
            account: &login(account),
            service: &service(service_name),
            remote: false,
            now: UnixTime(now),
            marks,
        };
        let nonce = Nonce::new([5; 32]);
        let freshness = Freshness::Own { nonce: &nonce, elapsed };
        decide::decide(&snapshot, &request, &self.anchor().terminal, freshness, assertion)
    }
}

impl ScopeState {
    pub fn buckets(&self) -> Vec<Bucket> {
        let mut leaves = vec![Vec::new(); BUCKETS];
        for record in &self.people {
            let key = leaf_key(&record.login);
            leaves[usize::from(bucket_of(&key))].push(Leaf { key, value: codec::hash_of(record) });
        }
        leaves.into_iter().map(|leaves| Bucket::new(leaves).unwrap()).collect()
    }
    pub fn root(&self) -> Hash {
        state_root(&self.buckets().iter().map(Bucket::hash).collect::<Vec<_>>()).unwrap()
    }
    pub fn proof(&self, person: &LoginName) -> Proof {
        let buckets = self.buckets();
        let own = usize::from(bucket_of(&leaf_key(person)));
        let others = buckets.iter().enumerate().filter(|(i, _)| *i != own).map(|(_, b)| b.hash()).collect();
        Proof {
            others: List::new(others).unwrap(),
            bucket: buckets[own].clone(),
            record: self.people.iter().find(|p| p.login == *person).map(|p| Bytes::new(codec::to_bytes(p)).unwrap()),
        }
    }
}

/// A document with a field more, of this key, in its own map; and with `nested`, in the first map of each list
/// in it too.
pub fn with_field(document: &[u8], key: u64, nested: bool) -> Vec<u8> {
    use coset::cbor::value::Value;
    fn add(map: &mut Vec<(Value, Value)>, key: u64) {
        map.push((Value::from(key), Value::from("later")));
        // By their bytes (RFC 8949, section 4.2.1); the keys here are small integers.
        map.sort_by_key(|(key, _)| key.as_integer().map(i128::from));
    }
    let mut value: Value = coset::cbor::from_reader(document).unwrap();
    let body = value.as_array_mut().unwrap()[1].as_map_mut().unwrap();
    if nested {
        let lists = body.iter_mut().filter_map(|(_, value)| value.as_array_mut());
        for first in lists.filter_map(|list| list.first_mut()?.as_map_mut()) {
            add(first, key);
        }
    }
    add(body, key);
    let mut out = Vec::new();
    coset::cbor::into_writer(&value, &mut out).unwrap();
    out
}
