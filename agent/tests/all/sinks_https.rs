//! Records over HTTPS: what the answer says of each decides, and nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use wardkey_agent::audit::carried::Carried;
use wardkey_agent::audit::deliver::batch;
use wardkey_agent::upkeep::record_lost;
use wardkey_core::code::Notice;
use wardkey_core::event::EventName;
use wardkey_settings::intake;
use wardkey_settings::sink::Sink;
use wardkey_sinks::intake::Intake;

use crate::collectors::{Port, destination_of, numbers, record, shown};
use crate::collectors_tls::tls;
use crate::common::*;

const TOKEN: &str = "c2VjcmV0LXRva2Vu";

/// What the agent asked.
struct Asked {
    line: String,
    authorization: String,
    body: String,
}

impl Asked {
    fn lines(&self) -> Vec<Value> {
        self.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Answers one request.
fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    answer: impl FnOnce(&Asked) -> (u16, String) + Send + 'static,
) -> JoinHandle<Asked> {
    std::thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        let mut peer =
            BufReader::new(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream));
        let mut line = String::new();
        peer.read_line(&mut line).unwrap();
        let (mut length, mut authorization) = (0, String::new());
        loop {
            let mut header = String::new();
            peer.read_line(&mut header).unwrap();
            match header.trim_end().split_once(": ") {
                None => break,
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("authorization", value)) => authorization = value.to_owned(),
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        peer.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        let asked = Asked { line: line.trim_end().to_owned(), authorization, body };
        let (status, said) = answer(&asked);
        let peer = peer.get_mut();
        let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n", said.len());
        write!(peer, "{head}connection: close\r\n\r\n{said}").unwrap();
        peer.conn.send_close_notify();
        peer.flush().unwrap();
        asked
    })
}

/// An agent with records for a collector behind a certificate of a CA of its own.
struct Scene {
    folder: tempfile::TempDir,
    tls: Arc<ServerConfig>,
    port: Port,
    to: intake::Intake,
    f: Fixture,
}

impl Scene {
    /// With `text` as the sink, `PORT` and `TOKEN` in it for what they are.
    fn new(text: &str, records: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (tls, port) = (tls(folder.path(), 2090), Port::held());
        let token = folder.path().join("siem.token");
        std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = text
            .replace("PORT", &port.number.to_string())
            .replace("TOKEN", &token.display().to_string());
        let Some(Sink::Intake(to)) = Sink::read(&text) else { panic!("{text}") };
        let f = Fixture::at(tempfile::tempdir().unwrap(), |config| {
            config.records_to = vec![Sink::Intake(to.clone())];
            config.records_ca = folder.path().join("ca.pem");
        });
        f.sync().unwrap();
        record(&f, 0..records);
        Self { folder, tls, port, to, f }
    }

    fn sink(&self) -> Sink {
        Sink::Intake(self.to.clone())
    }

    fn transport(&self) -> Carried<Intake> {
        let destination = destination_of(&self.f, &self.sink());
        Carried::new(&self.f.agent.config, destination, |terms| Intake::new(terms, &self.to))
    }

    fn waiting(&self) -> u64 {
        self.f.agent.state.waiting(destination_of(&self.f, &self.sink())).unwrap()
    }

    fn code(&self) -> Option<u16> {
        shown(&self.f, &self.sink().name()).code
    }

    /// One batch, answered so: what was asked, and how many records are done with.
    fn batch(
        &self,
        answer: impl FnOnce(&Asked) -> (u16, String) + Send + 'static,
    ) -> (Asked, Result<usize, String>) {
        let server = serve(self.port.listen(), Arc::clone(&self.tls), answer);
        let done = batch(&self.f.agent, &mut self.transport()).map_err(|error| error.to_string());
        (server.join().unwrap(), done)
    }

    fn lost(&self) -> usize {
        record_lost(&self.f.agent);
        let events = self.f.events();
        events.iter().filter(|event| event.name == EventName::RecordsLost).count()
    }
}

/// The bulk interface's answer: these statuses, then 201.
fn bulk(asked: &Asked, statuses: &[u16]) -> (u16, String) {
    let records = asked.body.lines().count() / 2;
    let of = |index: usize| statuses.get(index).copied().unwrap_or(201);
    let items: Vec<Value> =
        (0..records).map(|index| json!({ "create": { "status": of(index) } })).collect();
    (200, json!({ "items": items }).to_string())
}

#[test]
fn elastic_gets_each_record_under_the_id_of_its_event_until_it_says_that_it_has_it() {
    let scene = Scene::new("elastic://127.0.0.1:PORT/logs-wardkey-default ecs TOKEN", 20);
    let before = usize::try_from(scene.waiting()).unwrap();

    // The second record is of no mapping, the fifth came at a bad moment.
    let (asked, done) = scene.batch(|asked| bulk(asked, &[201, 400, 409, 201, 429]));
    assert_eq!(
        asked.line,
        "POST /logs-wardkey-default/_bulk?filter_path=items.*.status,items.*.error.type HTTP/1.1"
    );
    assert_eq!(asked.authorization, format!("ApiKey {TOKEN}"));
    assert!(done.unwrap_err().contains("429"));
    assert_eq!(scene.waiting(), (before - 4) as u64);
    assert_eq!(scene.code(), Some(Notice::CollectorRefuses.number()));
    let first = asked.lines();
    assert_eq!(first.len(), 2 * before);
    for pair in first.chunks(2) {
        assert_eq!(pair[0]["create"]["_id"], pair[1]["event"]["id"]);
    }

    let (asked, done) = scene.batch(|asked| bulk(asked, &[]));
    assert_eq!(done.unwrap(), before - 4);
    assert_eq!(asked.lines()[..], first[8..], "what comes again is the same, in its order");
    assert_eq!((scene.waiting(), scene.code()), (0, None));
    assert_eq!(scene.lost(), 1);
}

#[test]
fn splunk_has_what_stands_before_an_event_that_it_does_not_take() {
    let scene = Scene::new("splunk://127.0.0.1:PORT keyvalue TOKEN", 20);
    let before = usize::try_from(scene.waiting()).unwrap();
    let refusal = json!({ "text": "No data", "code": 5, "invalid-event-number": 3 }).to_string();
    let (asked, done) = scene.batch(move |_| (400, refusal));
    assert_eq!(done.unwrap(), 4);
    assert_eq!(asked.line, "POST /services/collector/event HTTP/1.1");
    assert_eq!(asked.authorization, format!("Splunk {TOKEN}"));
    let first = asked.lines();
    assert_eq!(first.len(), before);
    assert_eq!(first[0]["sourcetype"], "wardkey:keyvalue");
    assert!(first[0]["event"].as_str().unwrap().contains("event="));
    assert!(first[0]["time"].is_u64());

    let (asked, done) = scene.batch(|_| (200, r#"{"text":"Success","code":0}"#.into()));
    assert_eq!((done.unwrap(), scene.waiting()), (before - 4, 0));
    assert_eq!(asked.lines()[..], first[4..]);
    assert_eq!(scene.lost(), 1);
}

#[test]
fn records_are_objects_where_their_form_is_json() {
    let scene = Scene::new("splunk://127.0.0.1:PORT ocsf TOKEN", 3);
    let (asked, done) = scene.batch(|_| (200, r#"{"text":"Success","code":0}"#.into()));
    done.unwrap();
    assert!(asked.lines().iter().all(|line| line["event"]["class_uid"].is_u64()));
    assert_eq!(numbers(&asked.body), [0, 1, 2]);
}

#[test]
fn an_answer_that_says_nothing_of_the_records_has_delivered_none() {
    let scene = Scene::new("elastic://127.0.0.1:PORT/wardkey ecs TOKEN", 9);
    let before = scene.waiting();
    let said: [(u16, &str, Notice); 8] = [
        (200, "", Notice::CollectorRefuses),
        (200, "<html>", Notice::CollectorRefuses),
        (200, r#"{"items":[]}"#, Notice::CollectorRefuses),
        (200, r#"{"items":[{"create":{"status":201}}]}"#, Notice::CollectorRefuses),
        (301, "", Notice::CollectorRefuses),
        (401, "", Notice::CollectorToken),
        (403, "", Notice::CollectorToken),
        (503, "", Notice::CollectorRefuses),
    ];
    for (status, text, notice) in said {
        let (_, done) = scene.batch(move |_| (status, text.to_owned()));
        let error = done.unwrap_err();
        assert!(!error.contains(TOKEN), "{error}");
        assert_eq!((scene.waiting(), scene.code()), (before, Some(notice.number())), "{status}");
    }
}

#[test]
fn a_batch_that_is_too_long_is_halved_and_a_record_that_is_too_long_is_lost() {
    let scene = Scene::new("elastic://127.0.0.1:PORT/wardkey ecs TOKEN", 9);
    let before = usize::try_from(scene.waiting()).unwrap();
    let mut transport = scene.transport();
    let (mut records, mut tries) = (before, 0);
    while records > 1 {
        let server = serve(scene.port.listen(), Arc::clone(&scene.tls), |_| (413, String::new()));
        batch(&scene.f.agent, &mut transport).unwrap_err();
        let sent = server.join().unwrap().body.lines().count() / 2;
        assert_eq!(sent, records);
        records /= 2;
        tries += 1;
    }
    assert!(tries > 2);
    let server = serve(scene.port.listen(), Arc::clone(&scene.tls), |_| (413, String::new()));
    assert_eq!(batch(&scene.f.agent, &mut transport).unwrap(), 1);
    server.join().unwrap();
    assert_eq!((scene.waiting(), scene.lost()), (before as u64 - 1, 1));
}

#[test]
fn without_a_token_that_is_a_secret_or_a_certificate_that_is_trusted_nothing_is_sent() {
    let scene = Scene::new("splunk://127.0.0.1:PORT ecs TOKEN", 5);
    let before = scene.waiting();
    let listener = scene.port.listen();
    listener.set_nonblocking(true).unwrap();
    let token = scene.folder.path().join("siem.token");
    let refused = |why: &str| {
        assert!(batch(&scene.f.agent, &mut scene.transport()).is_err(), "{why}");
        assert_eq!(scene.code(), Some(Notice::CollectorToken.number()), "{why}");
        assert_eq!(scene.waiting(), before);
        assert!(listener.accept().is_err(), "{why}: it was asked");
    };
    let mode = |mode| std::fs::set_permissions(&token, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o644);
    refused("everybody reads it");
    mode(0o600);
    for text in ["", "\n", "two words", "line\nline", "t\u{f6}ken"] {
        std::fs::write(&token, text).unwrap();
        refused(text);
    }
    std::fs::remove_file(&token).unwrap();
    refused("it is missing");

    std::fs::write(&token, TOKEN).unwrap();
    mode(0o600);
    let other = tempfile::tempdir().unwrap();
    tls(other.path(), 2090);
    std::fs::copy(other.path().join("ca.pem"), scene.folder.path().join("ca.pem")).unwrap();
    listener.set_nonblocking(false).unwrap();
    let seen = handshake(&listener, &scene.tls);
    assert!(batch(&scene.f.agent, &mut scene.transport()).is_err());
    assert_eq!(seen.join().unwrap(), "", "nothing is said to a stranger");
    assert_eq!(scene.code(), Some(Notice::CollectorNotTrusted.number()));
    assert_eq!(scene.waiting(), before);
}

/// What is said to a server that nobody trusts.
fn handshake(listener: &TcpListener, tls: &Arc<ServerConfig>) -> JoinHandle<String> {
    let (listener, tls) = (listener.try_clone().unwrap(), Arc::clone(tls));
    std::thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        let mut peer = StreamOwned::new(ServerConnection::new(tls).unwrap(), stream);
        let mut said = String::new();
        let _ = peer.read_to_string(&mut said);
        said
    })
}

#[test]
fn what_is_about_no_record_loses_none() {
    let refused = |scene: &Scene, status: u16, said: Value| {
        let before = scene.waiting();
        let (_, done) = scene.batch(move |_| (status, said.to_string()));
        assert!(done.is_err());
        assert_eq!(scene.code(), Some(Notice::CollectorRefuses.number()));
        assert_eq!((scene.waiting(), scene.lost()), (before, 0));
    };
    // A closed index, or a pipeline that is missing: each is refused as if it were at fault.
    let scene = Scene::new("elastic://127.0.0.1:PORT/wardkey ecs TOKEN", 5);
    let items = vec![json!({ "create": { "status": 400 } }); scene.waiting() as usize];
    refused(&scene, 200, json!({ "items": items }));

    let scene = Scene::new("splunk://127.0.0.1:PORT ecs TOKEN", 5);
    // An index that the token may not use; no answer of the collector.
    refused(&scene, 400, json!({ "code": 7, "invalid-event-number": 1 }));
    refused(&scene, 400, json!({ "code": 10 }));
    refused(&scene, 400, json!({ "code": 6, "invalid-event-number": 99 }));
    refused(&scene, 200, json!({}));
    refused(&scene, 200, json!({ "code": 9 }));
    refused(&scene, 503, json!({ "code": 9 }));
}

#[test]
fn records_that_no_mapping_takes_keep_nothing_back_however_many_stand_in_a_row() {
    let scene = Scene::new("elastic://127.0.0.1:PORT/wardkey ecs TOKEN", 1101);
    let mut transport = scene.transport();
    let mut taken = Vec::new();
    for kind in ["document_parsing_exception", "mapper_parsing_exception"].iter().cycle() {
        if scene.waiting() == 0 {
            break;
        }
        let server = serve(scene.port.listen(), Arc::clone(&scene.tls), move |asked| {
            // None of a batch is taken, but for the very last record.
            let lines = asked.lines();
            let of = |line: &Value| match numbers(&line.to_string()).contains(&1100) {
                true => json!({ "create": { "status": 201 } }),
                false => json!({ "create": { "status": 400, "error": { "type": kind } } }),
            };
            let items: Vec<Value> = lines.chunks(2).map(|pair| of(&pair[1])).collect();
            (200, json!({ "items": items }).to_string())
        });
        batch(&scene.f.agent, &mut transport).unwrap();
        taken = numbers(&server.join().unwrap().body);
    }
    assert_eq!(taken.last(), Some(&1100));
    assert!(scene.lost() > 0, "and how many it lacks is told");
}

#[test]
fn a_connection_that_ends_in_the_middle_of_a_body_makes_the_next_batch_smaller() {
    let scene = Scene::new("elastic://127.0.0.1:PORT/wardkey ecs TOKEN", 200);
    let mut transport = scene.transport();
    let before = wardkey_agent::audit::deliver::Transport::most(&transport).events;
    let (listener, tls) = (scene.port.listen(), Arc::clone(&scene.tls));
    let server = std::thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        let mut peer = StreamOwned::new(ServerConnection::new(tls).unwrap(), stream);
        peer.read_exact(&mut [0; 64]).unwrap();
        // What is not read makes the end of the connection a reset.
    });
    assert!(batch(&scene.f.agent, &mut transport).is_err());
    server.join().unwrap();
    assert!(wardkey_agent::audit::deliver::Transport::most(&transport).events < before);
}

/// A collector's configuration is checked before anybody waits for records.
#[test]
fn the_check_of_the_configuration_names_a_token_that_others_read() {
    let scene = Scene::new("splunk://127.0.0.1:PORT ecs TOKEN", 0);
    let config = &scene.f.agent.config;
    let told = |path: &Path| {
        let found = wardkey_settings::sink_places::check(config);
        found.iter().map(ToString::to_string).find(|one| one.contains(&path.display().to_string()))
    };
    let token = scene.folder.path().join("siem.token");
    std::fs::set_permissions(&token, PermissionsExt::from_mode(0o644)).unwrap();
    let problem = told(&token).unwrap();
    assert!(problem.contains("0644") && problem.contains("0600"), "{problem}");
}
