//! Logins that a key has signed, as many as the server takes.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper::Method;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use wardkey_core::client_data::ClientData;
use wardkey_core::codec::{self, Bytes, sha256};
use wardkey_core::document::Position;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{CredentialId, Nonce, TerminalId};
use wardkey_core::message::http::{Base64, EventsRequest};
use wardkey_core::name::{LoginName, ServiceName};
use wardkey_core::proof::assertion::Assertion;
use wardkey_server::secret;

use super::deployment::{Deployment, Identity, RP_ID, credential_id, login_name, now, scope_name};
use super::fleet::Fleet;
use super::report::Intake;
use super::terminal::Connection;

/// Terminals that send at once.
pub const SENDERS: usize = 32;
/// Events of one request.
const BATCH: usize = 128;
/// Requests of each.
const BATCHES: usize = 12;

/// The key that all people of the benchmark have.
fn key() -> SigningKey {
    SigningKey::from_slice(&[1; 32]).unwrap()
}

/// Its public half as COSE_Key.
pub fn public_key() -> Vec<u8> {
    let point = key().verifying_key().to_sec1_point(false);
    let mut out = Vec::new();
    let mut e = minicbor::Encoder::new(&mut out);
    e.map(5).unwrap().u8(1).unwrap().u8(2).unwrap().u8(3).unwrap().i8(-7).unwrap();
    e.i8(-1).unwrap().u8(1).unwrap();
    e.i8(-2).unwrap().bytes(point.x().unwrap()).unwrap();
    e.i8(-3).unwrap().bytes(point.y().unwrap()).unwrap();
    out
}

/// Sends from all of them but the last, which waits for a revocation.
pub async fn measure(deployment: &Deployment, mut identities: Vec<Identity>) -> Intake {
    let waiting = identities.split_off(SENDERS);
    let mut fleet = Fleet::start(deployment.address(), waiting);
    fleet.all_are_up().await;

    let key = key();
    let mut senders = Vec::new();
    for (number, identity) in identities.into_iter().enumerate() {
        let batches: Vec<Vec<u8>> =
            (0..BATCHES).map(|batch| body(&key, identity.id, number, batch)).collect();
        let connection = Connection::open(deployment.address(), identity.tls).await.unwrap();
        senders.push((connection, batches));
    }

    let times = Arc::new(Mutex::new(Vec::new()));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (connection, batches) in senders {
        tasks.spawn(send(connection, batches, Arc::clone(&times)));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Nobody of those who log in.
    fleet.skip(0, 2 * SENDERS);
    let (revocation_s, _) = fleet.revocation(deployment, 0).await;
    let refused = tasks.join_all().await.into_iter().sum();
    let elapsed = begun.elapsed().as_secs_f64();
    fleet.stop().await;

    let mut times = times.lock().unwrap().clone();
    times.sort_by(f64::total_cmp);
    Intake {
        per_s: (SENDERS * BATCHES * BATCH) as f64 / elapsed,
        p99_s: times[times.len() * 99 / 100],
        refused,
        revocation_s,
    }
}

/// Sends each batch until it is taken; how often it was not.
async fn send(
    mut connection: Connection,
    batches: Vec<Vec<u8>>,
    times: Arc<Mutex<Vec<f64>>>,
) -> u64 {
    let mut refused = 0;
    for batch in batches {
        loop {
            let begun = Instant::now();
            let body = batch.clone().into();
            let (status, answer) = connection.send(Method::POST, "/v1/events", body).await.unwrap();
            if status == 200 {
                times.lock().unwrap().push(begun.elapsed().as_secs_f64());
                break;
            }
            assert!(matches!(status, 429 | 503), "{status} {}", String::from_utf8_lossy(&answer));
            refused += 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    refused
}

fn body(key: &SigningKey, terminal: TerminalId, person: usize, batch: usize) -> Vec<u8> {
    let event = |number| {
        let counter = (batch * BATCH + number + 1) as u32;
        Base64(codec::to_bytes(&login(key, terminal, person, counter)))
    };
    let request = EventsRequest { events: (0..BATCH).map(event).collect() };
    serde_json::to_vec(&request).unwrap()
}

/// A login as an agent reports it.
fn login(key: &SigningKey, terminal: TerminalId, person: usize, counter: u32) -> Event {
    let login = LoginName::new(login_name(person)).unwrap();
    let data = ClientData {
        nonce: Nonce::new(secret::random().unwrap()),
        terminal,
        service: ServiceName::new("gdm-password").unwrap(),
        account: login.clone(),
        person: login,
        time: now(),
        scope: scope_name(0),
        position: Position { epoch: 1, seq: 1 },
    };
    let mut event = Event::new(data.event_id(), data.time, EventName::Login, Outcome::Success);
    event.terminal = Some(terminal);
    event.person = Some(data.person.clone());
    event.account = Some(data.account.clone());
    event.service = Some(data.service.to_string());
    event.counter = Some(counter);
    event.evidence = Some(assertion(key, person, &data, counter));
    event
}

/// What the key of a person signs, with its PIN and a touch.
fn assertion(key: &SigningKey, person: usize, data: &ClientData, counter: u32) -> Assertion {
    let client_data = data.to_bytes();
    let mut auth_data = sha256(RP_ID.as_bytes()).as_bytes().to_vec();
    auth_data.push(0x05);
    auth_data.extend_from_slice(&counter.to_be_bytes());
    let message = [&auth_data[..], sha256(&client_data).as_bytes()].concat();
    let signature: Signature = key.sign(&message);
    Assertion {
        credential_id: CredentialId::new(credential_id(person).to_vec()).unwrap(),
        client_data: Bytes::new(client_data).unwrap(),
        auth_data: Bytes::new(auth_data).unwrap(),
        signature: Bytes::new(signature.to_der().as_bytes().to_vec()).unwrap(),
        user_handle: None,
    }
}
