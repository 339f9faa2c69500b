//! Documents of a deployment, and what an honest agent shows of them.

use wardkey_core::client_data::ClientData;
use wardkey_core::code::Denial;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::decide::{self, Freshness, Granted};
use wardkey_core::directory::{BUCKETS, Bucket, Leaf, Proof, bucket_of, leaf_key, state_root};
use wardkey_core::document::{Head, Position, RootDocument, SignedRoot, TerminalDocument};
use wardkey_core::id::{DeploymentId, Hash, Nonce};
use wardkey_core::marks::Marks;
use wardkey_core::name::{DisplayText, LoginName, RpId};
use wardkey_core::person::{PersonRecord, Status};
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::document::{PolicyDocument, SharedAccount};
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::snapshot::{Anchor, Evidence, ScopeEvidence, Snapshot};
use wardkey_core::time::UnixTime;

use crate::key::Key;
use crate::names::{RP, T0, TERMINAL, group, login, scope, service, signing};
use crate::people::person;

/// A deployment with what an honest agent would show of it.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Seed of the key that signs the root document.
    pub root_seed: u8,
    /// Seed of the key that signs everything else.
    pub publish_seed: u8,
    /// The root document.
    pub root: RootDocument,
    /// The terminal document.
    pub terminal: TerminalDocument,
    /// Scopes in their order.
    pub scopes: Vec<(ScopeState, PolicyDocument)>,
}

/// The head of a scope, and the people in it.
#[derive(Clone, Debug)]
pub struct ScopeState {
    /// The head.
    pub head: Head,
    /// The people.
    pub people: Vec<PersonRecord>,
}

impl Default for Deployment {
    fn default() -> Self {
        Self::new()
    }
}

impl Deployment {
    /// One terminal in the scopes `roaming` and `ward3`; `hanako` (key 1) is in `ward3`.
    pub fn new() -> Self {
        let hanako = person("hanako", 1, &Key::es256(1));
        let (root, terminal) = (root_document(), terminal_document(T0 - 60));
        let mut deployment =
            Self { root_seed: 100, publish_seed: 101, root, terminal, scopes: Vec::new() };
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
            deployment.scopes.push((ScopeState { head, people }, policy));
        }
        deployment.refresh();
        deployment
    }

    /// Recomputes state roots and policy hashes after people or policies changed.
    pub fn refresh(&mut self) {
        for (state, policy) in &mut self.scopes {
            state.head.root = state.root();
            state.head.count = state.people.len() as u64;
            state.head.policy = codec::hash_of(policy);
        }
    }

    /// The record of `hanako`; call [`Self::refresh`] after a change.
    pub fn hanako(&mut self) -> &mut PersonRecord {
        &mut self.scopes[1].0.people[0]
    }

    /// Makes an account of `ward3` one that these groups share.
    pub fn share(&mut self, account: &str, groups: &[&str]) {
        let groups = List::new(groups.iter().map(|g| group(g)).collect()).unwrap();
        self.scopes[1].1.shared_accounts =
            List::new(vec![SharedAccount { account: login(account), groups }]).unwrap();
        self.refresh();
    }

    /// What the terminal's own disk says.
    pub fn anchor(&self) -> Anchor {
        Anchor { root_key: signing(100).public(), terminal: TERMINAL }
    }

    /// The root document, signed by itself.
    pub fn signed_root(&self) -> SignedRoot {
        SignedRoot {
            by_itself: Bytes::new(signing(self.root_seed).sign(&self.root)).unwrap(),
            by_previous: None,
        }
    }

    /// What an honest agent shows of a person.
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

    /// The same, verified.
    pub fn snapshot(&self, person: &str) -> Result<Snapshot, Denial> {
        Snapshot::verify(&self.evidence(person), &self.anchor(), &Marks::default(), &login(person))
    }

    /// Client data of a login that fits.
    pub fn client_data(&self, account: &str, person: &str, service_name: &str) -> ClientData {
        ClientData {
            nonce: Nonce::new([5; 32]),
            terminal: TERMINAL,
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
        self.decide(
            account,
            person,
            service_name,
            now,
            marks,
            &Key::es256(1).assert(1, &data, 0x05, 1, RP),
            1,
        )
    }

    /// The decision about an assertion.
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
        let snapshot =
            Snapshot::verify(&self.evidence(person), &self.anchor(), marks, &login(person))?;
        let context = LoginContext {
            account: &login(account),
            service: &service(service_name),
            remote: false,
            now: UnixTime(now),
            marks,
        };
        let nonce = Nonce::new([5; 32]);
        let freshness = Freshness::Own { nonce: &nonce, elapsed };
        decide::decide(&snapshot, &context, &self.anchor().terminal, freshness, assertion)
    }
}

/// The buckets of a state with these records, by the person's name and the record's encoding.
pub fn buckets<'r>(records: impl Iterator<Item = (LoginName, &'r [u8])>) -> Vec<Bucket> {
    let mut leaves = vec![Vec::new(); BUCKETS];
    for (login, record) in records {
        let key = leaf_key(&login);
        leaves[usize::from(bucket_of(&key))].push(Leaf { key, value: codec::sha256(record) });
    }
    leaves.into_iter().map(|leaves| Bucket::new(leaves).unwrap()).collect()
}

impl ScopeState {
    /// The buckets of the people.
    pub fn buckets(&self) -> Vec<Bucket> {
        let records: Vec<_> =
            self.people.iter().map(|one| (one.login.clone(), codec::to_bytes(one))).collect();
        buckets(records.iter().map(|(login, record)| (login.clone(), record.as_slice())))
    }

    /// The state root.
    pub fn root(&self) -> Hash {
        state_root(&self.buckets().iter().map(Bucket::hash).collect::<Vec<_>>()).unwrap()
    }

    /// The record of a person, or that there is none.
    pub fn proof(&self, person: &LoginName) -> Proof {
        let buckets = self.buckets();
        let own = usize::from(bucket_of(&leaf_key(person)));
        let others =
            buckets.iter().enumerate().filter(|(i, _)| *i != own).map(|(_, b)| b.hash()).collect();
        Proof {
            others: List::new(others).unwrap(),
            bucket: buckets[own].clone(),
            record: self
                .people
                .iter()
                .find(|p| p.login == *person)
                .map(|p| Bytes::new(codec::to_bytes(p)).unwrap()),
        }
    }
}

/// The first root document.
pub fn root_document() -> RootDocument {
    RootDocument {
        version: 1,
        deployment: DeploymentId::new([3; 16]),
        name: DisplayText::new("Demo Hospital").unwrap(),
        rp_id: RpId::new(RP).unwrap(),
        root_key: signing(100).public(),
        publish_keys: List::new(vec![signing(101).public()]).unwrap(),
        tls_ca: Bytes::new(vec![0x30, 0]).unwrap(),
        issued: UnixTime(T0 - 5000),
    }
}

/// The root document that follows on one, of the same root key: it names the publish keys of these
/// seeds.
pub fn next_root(root: &RootDocument, root_seed: u8, publish: &[u8]) -> (RootDocument, SignedRoot) {
    let keys = publish.iter().map(|seed| signing(*seed).public()).collect();
    let next = RootDocument {
        version: root.version + 1,
        publish_keys: List::new(keys).unwrap(),
        ..root.clone()
    };
    let signed = Bytes::new(signing(root_seed).sign(&next)).unwrap();
    (next, SignedRoot { by_itself: signed.clone(), by_previous: Some(signed) })
}

/// The root document that follows on one, by which the root key of one seed gives way to that of
/// another.
pub fn next_root_key(root: &RootDocument, before: u8, own: u8) -> (RootDocument, SignedRoot) {
    let next =
        RootDocument { version: root.version + 1, root_key: signing(own).public(), ..root.clone() };
    let signed = |seed: u8| Bytes::new(signing(seed).sign(&next)).unwrap();
    let both = SignedRoot { by_itself: signed(own), by_previous: Some(signed(before)) };
    (next, both)
}

/// The document of the terminal, which is in the scopes `roaming` and `ward3`; good for 15 minutes.
pub fn terminal_document(issued: u64) -> TerminalDocument {
    TerminalDocument {
        terminal: TERMINAL,
        number: 1,
        name: DisplayText::new("ward3-a").unwrap(),
        scopes: List::new(vec![scope("roaming"), scope("ward3")]).unwrap(),
        status: Status::Active,
        issued: UnixTime(issued),
        expires: UnixTime(issued + 900),
    }
}
