//! Administration from afar: its listener, its certificate, and what is said when it is not served.

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::support::Deployment;
use super::support::admin::Admin;

/// A certificate for so many days and its key, in files.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn lines(&self) -> String {
        format!("certificate = {:?}\nkey = {:?}", self.path("admin.pem"), self.path("admin.key"))
    }

    /// Writes another pair; the certificate.
    fn write(&self, days: i64) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.not_after = OffsetDateTime::now_utc() + Duration::days(days);
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(self.path("admin.pem"), certificate.pem()).unwrap();
        std::fs::write(self.path("admin.key"), key.serialize_pem()).unwrap();
        certificate.der().to_vec()
    }
}

/// The codes of what "status" finds wrong, and what it says of the interface.
fn status(deployment: &Deployment) -> (Vec<String>, Value) {
    let status = deployment.json(&["status"]);
    assert_eq!(status["ready"], true, "terminals need it not");
    let problems = status["problems"].as_array().unwrap();
    let codes = problems.iter().map(|problem| problem["code"].as_str().unwrap().to_owned());
    let codes = codes.filter(|code| code.starts_with("WK-17")).collect();
    (codes, status["administration"].clone())
}

#[test]
fn what_is_wrong_with_its_files_is_said_and_keeps_no_terminal_out() {
    let files = Files::new();
    let deployment = Deployment::administrated(&files.lines());
    let said = deployment.refused(3, &["config", "check"]);
    assert!(said.contains("certificate: ") && said.contains("admin.pem"), "{said}");
    let running = deployment.start();
    assert!(running.server().administration().is_none());
    assert_eq!(running.anyone().get("/readyz").status, 200);
    let (codes, interface) = status(&deployment);
    assert_eq!(codes, ["WK-1726"]);
    assert_eq!(
        (&interface["listen"], &interface["served"]),
        (&"127.0.0.1:0".into(), &false.into())
    );
    for (locale, words) in [("C.UTF-8", "not served"), ("ja_JP.UTF-8", "応答していません")]
    {
        let output = deployment.cli_in(locale, &["status"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(words) && said.contains("WK-1726"), "{said}");
    }
    running.stop();

    // A certificate and the key of another.
    let der = files.write(365);
    let right = std::fs::read(files.path("admin.key")).unwrap();
    std::fs::write(files.path("admin.key"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(deployment.refused(3, &["config", "check"]).contains("do not belong together"));
    std::fs::write(files.path("admin.key"), right).unwrap();
    deployment.ok(&["config", "check"]);

    let running = deployment.start();
    let token = deployment.api_key("auditor", &[]);
    assert_eq!(Admin::trusting(&running, &token, &der).get("/v1/people").status, 200);
    let (codes, interface) = status(&deployment);
    assert_eq!((codes.len(), &interface["served"]), (0, &true.into()));
    assert!(interface["certificate_until"].is_u64());
}

#[test]
fn a_new_certificate_is_shown_after_a_reload_and_one_that_ends_is_pointed_out() {
    let files = Files::new();
    let first = files.write(10);
    let deployment = Deployment::administrated(&files.lines());
    let running = deployment.start();
    let token = deployment.api_key("auditor", &[]);
    let is_shown = |der: &[u8]| {
        let admin = Admin::trusting(&running, &token, der);
        admin.try_ask(("get", "/v1/people"), None, &[]).is_ok_and(|answer| answer.status == 200)
    };
    assert!(is_shown(&first));
    assert_eq!(status(&deployment).0, ["WK-1727"]);

    let second = files.write(365);
    assert!(is_shown(&first), "nothing is read before somebody says so");
    running.server().reload().unwrap();
    assert_eq!((is_shown(&first), is_shown(&second)), (false, true));
    assert_eq!(status(&deployment).0, [""; 0]);
    // What cannot be used leaves the one before.
    std::fs::write(files.path("admin.pem"), "nothing").unwrap();
    assert!(running.server().reload().is_err());
    assert!(is_shown(&second));
}

#[test]
fn an_address_that_somebody_has_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let deployment = Deployment::with(&format!(
        "[admin]\nlisten = \"{}\"\n[watch]\nlisten = \"127.0.0.1:0\"",
        taken.local_addr().unwrap()
    ));
    let running = deployment.start();
    assert!(running.server().administration().is_none());
    assert_eq!(status(&deployment).0, ["WK-1726"]);
    // The same for those who watch the server.
    let address = running.server().measures().unwrap();
    let page = ureq::get(format!("http://{address}/readyz")).call().unwrap();
    let page: Value = page.into_body().read_json().unwrap();
    let problems = page["problems"].as_array().unwrap();
    assert!(problems.iter().any(|problem| problem["code"] == json!("WK-1726")), "{page}");
    running.stop();
    drop(taken);
    let running = deployment.start();
    assert!(running.server().administration().is_some());
    assert_eq!(status(&deployment).0, [""; 0]);
}

#[test]
fn issuers_of_client_certificates_that_are_none_are_found_before_the_start() {
    let files = Files::new();
    let path = files.path("clients.pem");
    let deployment = Deployment::administrated(&format!("client_ca = {path:?}"));
    for text in ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&path, text).unwrap();
        let said = deployment.refused(3, &["config", "check"]);
        assert!(said.contains("client_ca: ") && said.contains("clients.pem"), "{said}");
        let running = deployment.start();
        assert!(running.server().administration().is_none(), "without any check of who comes");
    }
}
