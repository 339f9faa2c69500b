//! A deployment of one terminal, one scope and one person, signed, and the
//! decision about a login at it.

use wardkey_core::client_data::ClientData;
use wardkey_core::code::Denial;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::decide::{self, Freshness, Granted};
use wardkey_core::directory::{BUCKETS, Bucket, Leaf, Proof, bucket_of, leaf_key, state_root};
use wardkey_core::document::{Head, Position, RootDocument, SignedRoot, TerminalDocument};
use wardkey_core::id::{CredentialId, DeploymentId, Nonce, TerminalId, UserHandle};
use wardkey_core::marks::Marks;
use wardkey_core::message::key::KeyAssertion;
use wardkey_core::name::{DisplayText, Language, LoginName, RpId, ScopeName, ServiceName};
use wardkey_core::person::{CredentialRecord, PersonRecord, Status};
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::document::PolicyDocument;
use wardkey_core::proof::assertion::Assertion as Evidence;
use wardkey_core::proof::identification::{IdentifyData, Proven, SilentAssertion};
use wardkey_core::sign::SigningKey;
use wardkey_core::snapshot::{Anchor, Evidence as Shown, ScopeEvidence, Snapshot};
use wardkey_core::time::UnixTime;
use wardkey_key::Assertion;

use crate::plugged::{HANDLE, RP};

const NOW: UnixTime = UnixTime(1_800_000_000);
const TERMINAL: TerminalId = TerminalId::new([4; 16]);

/// What a key signed, whoever asked for it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Credential that signed.
    pub credential_id: Vec<u8>,
    /// Authenticator data.
    pub authenticator_data: Vec<u8>,
    /// Signature.
    pub signature: Vec<u8>,
    /// User handle, if it was told.
    pub user_handle: Option<Vec<u8>>,
}

impl From<&Assertion> for Signed {
    fn from(assertion: &Assertion) -> Self {
        Self {
            credential_id: assertion.credential_id.clone(),
            authenticator_data: assertion.authenticator_data.clone(),
            signature: assertion.signature.clone(),
            user_handle: assertion.user_handle.clone(),
        }
    }
}

impl From<&KeyAssertion> for Signed {
    fn from(assertion: &KeyAssertion) -> Self {
        Self {
            credential_id: assertion.credential.as_slice().to_vec(),
            authenticator_data: assertion.auth_data.as_slice().to_vec(),
            signature: assertion.signature.as_slice().to_vec(),
            user_handle: assertion.user_handle.as_ref().map(|handle| handle.as_slice().to_vec()),
        }
    }
}

/// What a terminal knows and has been shown.
pub struct Directory {
    snapshot: Snapshot,
    login: LoginName,
    service: ServiceName,
    scope: ScopeName,
}

impl Directory {
    /// Publishes hanako with these keys, and verifies what was published.
    pub fn of(credentials: Vec<CredentialRecord>) -> Self {
        let login = LoginName::new("hanako").expect("a name");
        let scope = ScopeName::new("ward3").expect("a scope");
        let person = PersonRecord {
            login: login.clone(),
            display_name: DisplayText::new("Demo Hanako").expect("a name"),
            language: Language::Ja,
            user_handle: UserHandle::new(HANDLE),
            groups: List::default(),
            not_before: None,
            not_after: None,
            status: Status::Active,
            credentials: List::new(credentials).expect("few keys"),
            pass: None,
            loan: None,
            break_glass: None,
            latin_name: None,
        };
        let (root_key, publish_key) =
            (SigningKey::from_secret(&[100; 32]), SigningKey::from_secret(&[101; 32]));
        let (issued, expires) = (UnixTime(NOW.0 - 60), NOW.plus(840));
        let root = RootDocument {
            version: 1,
            deployment: DeploymentId::new([3; 16]),
            name: DisplayText::new("Demo Hospital").expect("a name"),
            rp_id: RpId::new(RP).expect("an rp id"),
            root_key: root_key.public(),
            publish_keys: List::new(vec![publish_key.public()]).expect("one key"),
            tls_ca: Bytes::new(vec![0x30, 0]).expect("two bytes"),
            issued,
        };
        let terminal = TerminalDocument {
            terminal: TERMINAL,
            number: 1,
            name: DisplayText::new("ward3-a").expect("a name"),
            scopes: List::new(vec![scope.clone()]).expect("one scope"),
            status: Status::Active,
            issued,
            expires,
        };
        let policy = PolicyDocument::default_for(scope.clone());
        let (proof, root_hash) = proof(&person);
        let head = Head {
            scope: scope.clone(),
            epoch: 1,
            seq: 10,
            root: root_hash,
            count: 1,
            policy: codec::hash_of(&policy),
            issued,
            expires,
        };
        let shown = Shown {
            roots: List::new(vec![SignedRoot {
                by_itself: Bytes::new(root_key.sign(&root)).expect("short"),
                by_previous: None,
            }])
            .expect("one root"),
            terminal: Bytes::new(publish_key.sign(&terminal)).expect("short"),
            scopes: List::new(vec![ScopeEvidence {
                head: Bytes::new(publish_key.sign(&head)).expect("short"),
                policy: Bytes::new(codec::to_bytes(&policy)).expect("short"),
                proof,
            }])
            .expect("one scope"),
        };
        let anchor = Anchor { root_key: root_key.public(), terminal: TERMINAL };
        let snapshot = Snapshot::verify(&shown, &anchor, &Marks::default(), &login)
            .expect("a verified directory");
        Self { snapshot, login, service: ServiceName::new("login").expect("a service"), scope }
    }

    /// Ids that a key is asked for at this terminal.
    pub fn allow_list(&self) -> Vec<Vec<u8>> {
        self.snapshot.known_credentials().iter().map(|id| id.as_slice().to_vec()).collect()
    }

    /// A challenge of this terminal, with a nonce that `seed` stands for.
    pub fn challenge(&self, seed: u8) -> IdentifyData {
        IdentifyData { nonce: Nonce::new([seed; 32]), terminal: TERMINAL }
    }

    /// Whether what a device claims is proven.
    ///
    /// # Errors
    /// What does not hold.
    pub fn prove(&self, challenge: &IdentifyData, claim: &Assertion) -> Result<Proven, Denial> {
        let silent = SilentAssertion {
            credential: CredentialId::new(claim.credential_id.clone()).expect("an id"),
            client_data: Bytes::new(codec::to_bytes(challenge)).expect("short"),
            auth_data: Bytes::new(claim.authenticator_data.clone()).expect("short"),
            signature: Bytes::new(claim.signature.clone()).expect("short"),
        };
        silent.prove(challenge, &self.snapshot)
    }

    /// Client data of a login of hanako now, with a nonce that `seed` stands for.
    pub fn client_data(&self, seed: u8) -> ClientData {
        ClientData {
            nonce: Nonce::new([seed; 32]),
            terminal: TERMINAL,
            service: self.service.clone(),
            account: self.login.clone(),
            person: self.login.clone(),
            time: NOW,
            scope: self.scope.clone(),
            position: Position { epoch: 1, seq: 10 },
        }
    }

    /// The decision about what a key signed, for the login of
    /// this client data, a second after its nonce was made.
    pub fn decide(&self, login: &ClientData, signed: impl Into<Signed>) -> Result<Granted, Denial> {
        self.decide_over(login, &login.to_bytes(), signed)
    }

    /// The same with other bytes given as the client data that was signed.
    pub fn decide_over(
        &self,
        login: &ClientData,
        shown: &[u8],
        signed: impl Into<Signed>,
    ) -> Result<Granted, Denial> {
        let signed = signed.into();
        let evidence = Evidence {
            credential_id: CredentialId::new(signed.credential_id).expect("an id"),
            client_data: Bytes::new(shown).expect("short client data"),
            auth_data: Bytes::new(signed.authenticator_data).expect("short"),
            signature: Bytes::new(signed.signature).expect("short"),
            user_handle: signed.user_handle.map(|handle| Bytes::new(handle).expect("short")),
        };
        let marks = Marks::default();
        let request = LoginContext {
            account: &self.login,
            service: &self.service,
            remote: false,
            now: NOW.plus(1),
            marks: &marks,
        };
        let freshness = Freshness::Own { nonce: &login.nonce, elapsed: 1 };
        decide::decide(&self.snapshot, &request, &TERMINAL, freshness, &evidence)
    }
}

/// A state with one person: the proof and the state root.
fn proof(person: &PersonRecord) -> (Proof, wardkey_core::id::Hash) {
    let key = leaf_key(&person.login);
    let own = usize::from(bucket_of(&key));
    let leaf = Leaf { key, value: codec::hash_of(person) };
    let buckets: Vec<Bucket> = (0..BUCKETS)
        .map(|index| {
            Bucket::new(if index == own { vec![leaf] } else { Vec::new() }).expect("a bucket")
        })
        .collect();
    let hashes: Vec<_> = buckets.iter().map(Bucket::hash).collect();
    let root = state_root(&hashes).expect("256 buckets");
    let others = hashes
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != own)
        .map(|(_, hash)| *hash)
        .collect();
    let record = Some(Bytes::new(codec::to_bytes(person)).expect("short"));
    (Proof { others: List::new(others).expect("255"), bucket: buckets[own].clone(), record }, root)
}
