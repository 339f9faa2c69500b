//! What those who run the server are told: measures, reasons, notices; each reason for real.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use wardkey_core::codec;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::EventId;
use wardkey_core::message::http::Base64;
use wardkey_core::time::UnixTime;

use super::events::{login, send};
use super::support::authenticator::Making;
use super::support::client::Terminal;
use super::support::ward::{Ward, enroll};
use super::support::{Deployment, Running, now};

const HOUR: u64 = 3600;

/// `[watch]` with a listener of its own port and these lines. The disk of whoever runs the tests is
/// not what they are about.
pub fn watch(lines: &str) -> String {
    let disk = if lines.contains("disk_megabytes") { "" } else { "disk_megabytes = 0\n" };
    format!("[watch]\nlisten = \"127.0.0.1:0\"\n{disk}{lines}")
}

/// Asks the listener as plain HTTP: status, head, body.
fn ask(address: SocketAddr, request: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

pub fn measures(running: &Running) -> Measures {
    // What was read a second ago still counts.
    std::thread::sleep(Duration::from_millis(1100));
    let (status, head, body) = ask(running.server().measures().unwrap(), "GET /metrics");
    assert_eq!(status, 200, "{body}");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    Measures::parse(&body)
}

/// The codes that `/readyz` of the listener names, by severity, and whether it is ready.
pub fn reasons(running: &Running) -> (bool, BTreeMap<String, String>) {
    std::thread::sleep(Duration::from_millis(1100));
    let (status, _, body) = ask(running.server().measures().unwrap(), "GET /readyz");
    let json: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, if json["ready"] == true { 200 } else { 503 });
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let problems = json["problems"].as_array().unwrap();
    let each = problems.iter().map(|problem| (text(&problem["code"]), text(&problem["severity"])));
    (json["ready"] == true, each.collect())
}

fn only(code: &str, severity: &str) -> BTreeMap<String, String> {
    [(code.to_owned(), severity.to_owned())].into()
}

/// The page, held against what OpenMetrics 1.0 says of its text.
pub struct Measures(pub BTreeMap<String, f64>);

impl Measures {
    fn parse(text: &str) -> Self {
        let is_name = |name: &str| {
            !name.is_empty()
                && !name.starts_with(|c: char| c.is_ascii_digit())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
        let (mut kinds, mut helped) = (BTreeMap::new(), BTreeSet::new());
        let mut samples = BTreeMap::new();
        let mut family = "";
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(help.len() > 5 && helped.insert(name), "{line}");
                family = name;
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(["gauge", "counter"].contains(&kind), "{line}");
                assert!(name == family && kinds.insert(name, kind).is_none(), "{line}");
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
                let end = if kinds[family] == "counter" { "_total" } else { "" };
                assert_eq!(name.strip_suffix(end), Some(family), "{line}");
                assert!(is_name(name) && name.starts_with("wardkey_server_"), "{line}");
                let labels = labels.strip_suffix('}').unwrap();
                for label in labels.split(',').filter(|label| !label.is_empty()) {
                    let (key, value) = label.split_once('=').unwrap();
                    let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                    assert!(is_name(key) && !value.unwrap().contains(['"', '\\']), "{line}");
                }
                let value: f64 = value.parse().unwrap();
                assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
            }
        }
        assert_eq!(kinds.keys().copied().collect::<BTreeSet<_>>(), helped);
        Self(samples)
    }

    fn get(&self, series: &str) -> f64 {
        let value = self.0.get(&format!("wardkey_server_{series}"));
        *value.unwrap_or_else(|| panic!("{series}: {:#?}", self.0))
    }
}

fn heartbeat(terminal: &Terminal, number: u16, detail: usize) -> Event {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    let mut event =
        Event::new(EventId::new(id), UnixTime(now()), EventName::Heartbeat, Outcome::Success);
    event.terminal = Some(terminal.id);
    event.detail = Some("x".repeat(detail));
    event
}

#[test]
fn measures_say_how_it_is_and_name_nobody() {
    let ward = Ward::with(|_| watch(""));
    let (_, answer) = enroll(&ward.terminal, &ward.code(), &ward.maker, Making::default());
    assert_eq!(answer.status, 200);
    send(&ward.terminal, &[heartbeat(&ward.terminal, 1, 1), heartbeat(&ward.terminal, 2, 1)]);
    ward.running.anyone().get("/v1/nothing");
    let measures = measures(&ward.running);
    for (series, value) in [
        ("terminals{state=\"active\"}", 1.0),
        ("terminals{state=\"revoked\"}", 0.0),
        ("terminals_stage{stage=\"online\"}", 1.0),
        ("terminals_silent", 0.0),
        ("scope_epoch{scope=\"icu\"}", 1.0),
        ("scope_halted{scope=\"icu\"}", 0.0),
        ("scope_people{scope=\"icu\"}", 1.0),
        ("records_accepted_total", 2.0),
        ("records_set_aside_total", 0.0),
        ("requests_total{route=\"/v1/events\",status=\"200\"}", 1.0),
        ("requests_total{route=\"none\",status=\"404\"}", 1.0),
        ("requests_held", 0.0),
        ("intake_queue", 0.0),
        ("store_writable", 1.0),
        ("clock_plausible", 1.0),
        ("keys_suspected", 0.0),
        ("problem{code=\"WK-1922\",severity=\"critical\"}", 0.0),
        ("build{version=\"0.1.0\"}", 1.0),
    ] {
        assert_eq!(measures.get(series), value, "{series}");
    }
    for series in [
        "scope_sequence{scope=\"icu\"}",
        "scope_expiry_timestamp_seconds{scope=\"icu\"}",
        "records_latest_timestamp_seconds",
        "database_bytes",
        "disk_free_bytes",
        "certificate_expiry_timestamp_seconds{certificate=\"server\"}",
        "connections{kind=\"terminal\"}",
    ] {
        assert!(measures.get(series) > 0.0, "{series}");
    }
    // No person, no terminal, no address, whatever was asked for.
    let text = measures.0.keys().map(String::as_str).collect::<Vec<_>>().join("\n");
    let id = ward.terminal.id.to_hex();
    for name in ["yamada", "ward-1", &id[..8], "127.0.0", "nothing"] {
        assert!(!text.contains(name), "{name}: {text}");
    }
}

#[test]
fn the_listener_has_three_pages_and_takes_nothing_else() {
    let deployment = Deployment::new();
    // It is off until somebody asks for it.
    let running = deployment.start();
    assert_eq!(running.server().measures(), None);
    running.stop();

    deployment.configure(&watch(""));
    let running = deployment.start();
    let address = running.server().measures().unwrap();
    // An address that somebody else has keeps nobody from serving.
    let other = Deployment::with(&format!("[watch]\nlisten = \"{address}\""));
    let second = other.start();
    assert_eq!((second.server().measures(), second.anyone().get("/readyz").status), (None, 200));
    second.stop();

    assert_eq!(ask(address, "GET /healthz").0, 200);
    assert_eq!(ask(address, "GET /readyz").0, 200);
    for (request, status) in [
        ("GET /", 404),
        ("GET /v1/root", 404),
        ("GET /metrics/x", 404),
        ("POST /metrics", 405),
        ("HEAD /metrics", 405),
        ("DELETE /readyz", 405),
    ] {
        assert_eq!(ask(address, request).0, status, "{request}");
    }
    // A head that is too long is no request, and who says nothing keeps nobody out for long.
    let mut stream = TcpStream::connect(address).unwrap();
    let _ = write!(stream, "GET /healthz?{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(20_000));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert_eq!(ask(address, "GET /healthz").0, 200);
    drop(silent);
}

#[test]
fn what_the_configuration_bounds_is_a_warning_and_the_server_is_ready() {
    for (lines, code) in
        [("disk_megabytes = 4000000000", "WK-1926"), ("certificate_days_left = 3650", "WK-1927")]
    {
        let deployment = Deployment::with(&watch(lines));
        let running = deployment.start();
        assert_eq!(reasons(&running), (true, only(code, "warning")), "{lines}");
        let series = format!("problem{{code=\"{code}\",severity=\"warning\"}}");
        assert_eq!(measures(&running).get(&series), 1.0);
        // For anyone it is ready, and no more is said.
        let answer = running.anyone().get("/readyz");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json::<Value>()["problems"], serde_json::json!([]));
        let status = deployment.json(&["status"]);
        assert_eq!(
            (&status["ready"], &status["problems"][0]["code"]),
            (&true.into(), &code.into())
        );
        let said = deployment.cli_in("ja_JP.UTF-8", &["status"]);
        let said = String::from_utf8(said.stdout).unwrap();
        assert!(said.contains(&format!("（{code}）")) && said.contains("動作中"), "{said}");
    }
}

#[test]
fn backups_that_are_missing_or_old_are_a_warning() {
    let deployment = Deployment::with(&watch("backup_hours = 3"));
    let running = deployment.start();
    assert_eq!(reasons(&running), (true, BTreeMap::new()));
    // The command line makes the backup by its own clock, which goes on.
    running.pass(4 * HOUR);
    assert_eq!(reasons(&running), (true, only("WK-1930", "warning")));
    let to = deployment.folder.path().join("backup");
    deployment.ok(&["backup", to.to_str().unwrap(), "--without-keys"]);
    assert_eq!(reasons(&running), (true, only("WK-1929", "warning")));
    assert!(measures(&running).get("backup_timestamp_seconds") >= (now() - 600) as f64);
    assert!(deployment.json(&["status"])["backup"].as_u64().unwrap() >= now() - 600);
}

#[test]
fn terminals_that_are_silent_or_send_too_much_are_a_warning() {
    let lines = "silent_hours = 2\n[limits]\nevent_megabytes = 1";
    let ward = Ward::with(|_| watch(lines));
    let events: Vec<Base64> = (0..250)
        .map(|number| Base64(codec::to_bytes(&heartbeat(&ward.terminal, number, 4000))))
        .collect();
    ward.terminal.client.post("/v1/events", &serde_json::json!({ "events": events }));
    assert_eq!(reasons(&ward.running), (true, only("WK-1932", "warning")));
    assert_eq!(measures(&ward.running).get("terminals_at_quota"), 1.0);
    assert_eq!(measures(&ward.running).get("alarms{action=\"terminal.quota\"}"), 1.0);

    // Another day (UTC), or the same one.
    ward.running.pass(2 * HOUR + 60);
    let (ready, found) = reasons(&ward.running);
    assert!(ready && found.get("WK-1931").is_some_and(|severity| severity == "warning"));
    assert_eq!(measures(&ward.running).get("terminals_stage{stage=\"soft\"}"), 1.0);
}

#[test]
fn keys_that_may_have_been_copied_are_a_warning_until_they_are_disabled() {
    let ward = Ward::with(|_| watch(""));
    let (key, _) = enroll(&ward.terminal, &ward.code(), &ward.maker, Making::default());
    let id = ward.terminal.id;
    send(&ward.terminal, &[login(&key, id, now() - 600, 9), login(&key, id, now(), 3)]);
    assert_eq!(reasons(&ward.running), (true, only("WK-1933", "warning")));
    assert_eq!(measures(&ward.running).get("alarms{action=\"key.clone-suspected\"}"), 1.0);
    ward.deployment.ok(&["key", "disable", &key.fingerprint()]);
    assert_eq!(reasons(&ward.running), (true, BTreeMap::new()));
}

#[test]
fn what_keeps_terminals_from_their_directory_is_critical_for_everybody() {
    let deployment = Deployment::with(&watch(""));
    // The command says it too, whether the server runs or not.
    let status = deployment.json(&["status"]);
    assert_eq!((&status["running"], &status["ready"]), (&false.into(), &false.into()));
    assert_eq!(status["problems"][0]["code"], "WK-1920");
    assert!(status["problems"][0]["message_ja"].as_str().unwrap().contains("起動"));

    let running = deployment.start();
    assert_eq!(reasons(&running), (true, BTreeMap::new()));
    deployment.halt("icu");
    running.settle();
    assert_eq!(reasons(&running), (false, only("WK-1924", "critical")));
    assert_eq!(measures(&running).get("scope_halted{scope=\"icu\"}"), 1.0);
    assert_eq!(deployment.json(&["status"])["problems"][0]["code"], "WK-1924");
    deployment.ok(&["epoch", "raise"]);
    running.settle();
    assert_eq!(reasons(&running), (true, BTreeMap::new()));

    // A clock that jumps is not signed by, and heads expire.
    running.pass(700);
    running.clock.set(now() + 3 * HOUR);
    running.settle();
    let (ready, found) = reasons(&running);
    let critical = |code: &str| (code.to_owned(), "critical".to_owned());
    assert_eq!((ready, found), (false, [critical("WK-1923"), critical("WK-1925")].into()));
    assert_eq!(measures(&running).get("clock_plausible"), 0.0);
    let answer = running.anyone().get("/readyz");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("WK-1923") && answer.body.contains("\"message_ja\""));
}

#[test]
fn a_command_is_told_what_begins() {
    let deployment = Deployment::new();
    let told = deployment.folder.path().join("told");
    let script = format!("cat > '{0}.new' && mv '{0}.new' '{0}'", told.display());
    let notify = format!("notify = [\"/bin/sh\", \"-c\", \"{script}\"]");
    deployment.configure(&watch(&format!("certificate_days_left = 3650\n{notify}")));
    let running = deployment.start();
    let end = Instant::now() + Duration::from_secs(60);
    while !told.exists() {
        assert!(Instant::now() < end, "nothing was told");
        std::thread::sleep(Duration::from_millis(50));
    }
    let notice: Value = serde_json::from_slice(&std::fs::read(&told).unwrap()).unwrap();
    assert_eq!(notice["began"][0]["code"], "WK-1927");
    assert_eq!((&notice["ended"], &notice["ready"]), (&serde_json::json!([]), &true.into()));
    assert!(notice["began"][0]["message_ja"].as_str().unwrap().contains("証明書"));
    running.stop();
}
