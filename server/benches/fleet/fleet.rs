//! All terminals at once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hyper::Method;
use rcgen::KeyPair;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use wardkey_core::codec::sha256;
use wardkey_core::message::http::{Base64, JoinRequest, join_mac_input};
use wardkey_core::token::JoinToken;
use wardkey_server::secret;

use super::deployment::{Deployment, Identity, Running, login_name, scope_name, signing_request};
use super::terminal::{Connection, News, Terminal};

/// Joins that are measured.
const JOINS: usize = 200;
/// The longest that anything may take.
const LONGEST: Duration = Duration::from_secs(300);

/// Terminals that run.
pub struct Fleet {
    tasks: JoinSet<()>,
    news: UnboundedReceiver<News>,
    /// Terminals of each scope, by its number.
    in_scope: Vec<usize>,
    /// Whose change is next, by scope.
    revoked: Vec<usize>,
}

impl Fleet {
    /// Connects all at once.
    pub fn start(address: SocketAddr, identities: Vec<Identity>) -> Self {
        let (sender, news) = unbounded_channel();
        let mut in_scope: Vec<usize> = Vec::new();
        let mut tasks = JoinSet::new();
        for identity in identities {
            if in_scope.len() <= identity.scope {
                in_scope.resize(identity.scope + 1, 0);
            }
            in_scope[identity.scope] += 1;
            tasks.spawn(Terminal::new(identity, address, sender.clone()).live());
        }
        let revoked = vec![0; in_scope.len()];
        Self { tasks, news, in_scope, revoked }
    }

    /// Waits until each has everything.
    pub async fn all_are_up(&mut self) {
        let mut up = 0;
        while up < self.tasks.len() {
            if self.next().await == News::Up {
                up += 1;
            }
        }
    }

    /// Passes over what was told so far.
    pub fn forget_who_is_up(&mut self) {
        while self.news.try_recv().is_ok() {}
    }

    /// Leaves so many people of a scope out.
    pub fn skip(&mut self, scope: usize, people: usize) {
        self.revoked[scope] += people;
    }

    /// Switches a person of a scope off: the seconds until the last terminal of the scope has the
    /// change, and until the first has it. They begin before the command is started.
    pub async fn revocation(&mut self, deployment: &Deployment, scope: usize) -> (f64, f64) {
        self.forget_who_is_up();
        let scopes = self.in_scope.len();
        let login = login_name(scope + self.revoked[scope] * scopes);
        self.revoked[scope] += 1;
        let begun = Instant::now();
        let command = deployment.begin(&["person", "disable", &login]);
        let mut have: Vec<Instant> = Vec::new();
        while have.len() < self.in_scope[scope] {
            if let News::Has(when) = self.next().await {
                have.push(when);
            }
        }
        deployment.must_be_done(command);
        let since = |when: Option<&Instant>| when.unwrap().duration_since(begun).as_secs_f64();
        (since(have.iter().max()), since(have.iter().min()))
    }

    /// Ends all of them.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    async fn next(&mut self) -> News {
        let news = tokio::time::timeout(LONGEST, self.news.recv()).await;
        news.expect("all terminals are served within five minutes").expect("terminals run")
    }
}

/// Processor time in milliseconds that a machine costs the server which joins.
pub async fn joins(deployment: &Deployment, server: &Running) -> f64 {
    let uses = JOINS.to_string();
    let scope = scope_name(0);
    let token = ["terminal", "token", "--scope", scope.as_str(), "--uses", &uses];
    let issued = deployment.admin_json(&token);
    let token = JoinToken::from_text(issued["token"].as_str().unwrap()).unwrap();
    let requests: Vec<Vec<u8>> = (0..JOINS).map(|number| request(&token, number)).collect();
    let mut connection =
        Connection::open(deployment.address(), deployment.stranger()).await.unwrap();
    let before = server.meter().cpu_s();
    for request in requests {
        let answer = connection.send(Method::POST, "/v1/join", request.into()).await.unwrap();
        assert_eq!(answer.0, 200, "{}", String::from_utf8_lossy(&answer.1));
    }
    (server.meter().cpu_s() - before) * 1000.0 / JOINS as f64
}

fn request(token: &JoinToken, number: usize) -> Vec<u8> {
    let csr = signing_request(&KeyPair::generate().unwrap());
    let name = format!("new {number}");
    let nonce = secret::random::<32>().unwrap();
    let machine = sha256(name.as_bytes());
    let mac = secret::mac(&token.secret, &join_mac_input(&nonce, machine.as_bytes(), &name, &csr));
    let request = JoinRequest {
        token: Base64(token.id.to_vec()),
        csr: Base64(csr),
        nonce: Base64(nonce.to_vec()),
        machine: Base64(machine.as_bytes().to_vec()),
        name,
        mac: Base64(mac.as_bytes().to_vec()),
    };
    serde_json::to_vec(&request).unwrap()
}
