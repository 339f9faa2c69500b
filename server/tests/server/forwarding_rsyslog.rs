//! Records that the server sends on to a real rsyslogd over TLS, and a server that is killed
//! meanwhile.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::archives::send;
use super::forwarding::{file, numbers_in, records_to};
use super::process::Process;
use super::support::client::{Client, Terminal};
use super::support::port::Port;
use super::support::{Deployment, now, until};

/// rsyslogd with a port for TLS and a file of what it got. It takes whoever the deployment's
/// authority certifies.
struct Rsyslogd(Child);

impl Rsyslogd {
    fn start(deployment: &Deployment, port: u16) -> Self {
        let folder = deployment.folder.path();
        let text = format!(
            "global(workDirectory=\"{0}\" maxMessageSize=\"64k\" \
             defaultNetstreamDriver=\"gtls\" \
             defaultNetstreamDriverCAFile=\"{0}/data/keys/ca.crt\" \
             defaultNetstreamDriverCertFile=\"{0}/siem.crt\" \
             defaultNetstreamDriverKeyFile=\"{0}/siem.key\")\n\
             module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\" \
             streamDriver.authMode=\"x509/certvalid\")\n\
             input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
             template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
             action(type=\"omfile\" file=\"{0}/read\" template=\"raw\")\n",
            folder.display()
        );
        let configuration = folder.join("rsyslog.conf");
        std::fs::write(&configuration, text).unwrap();
        let mut rsyslogd = Command::new("/usr/sbin/rsyslogd");
        rsyslogd.args(["-n", "-f"]).arg(&configuration).arg("-i").arg(folder.join("pid"));
        Self(rsyslogd.stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Rsyslogd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A certificate for `127.0.0.1` of an authority of its own, which is in `siem-ca.pem`.
fn certify(folder: &Path) {
    let (ca_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key).unwrap();
    std::fs::write(folder.join("siem-ca.pem"), ca.pem()).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&ca.pem(), ca_key).unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("siem.crt"), certificate.pem()).unwrap();
    std::fs::write(folder.join("siem.key"), key.serialize_pem()).unwrap();
}

/// The same terminal at a process that runs now.
fn at(process: &Process, terminal: Terminal) -> Terminal {
    let identity = (terminal.certificate.as_slice(), &terminal.key);
    let client = Client::at(process.port, Some(identity));
    Terminal { client, ..terminal }
}

#[test]
fn a_server_that_is_killed_in_the_middle_loses_no_record_and_keeps_their_order() {
    let deployment = Deployment::new();
    certify(deployment.folder.path());
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    running.stop();
    let held = Port::held();
    let port = held.number;
    let ca = deployment.folder.path().join("siem-ca.pem");
    let (written, to_file) = file(&deployment, "records.log", "cef");
    let to = format!("tls-fin://127.0.0.1:{port} rfc5424");
    deployment.configure(&format!(
        "records_ca = \"{}\"\n{}",
        ca.display(),
        records_to(&[&to, &to_file])
    ));
    deployment.ok(&["config", "check"]);
    let mut process = Process::start(&deployment);
    until("the list", || deployment.destination("tls-fin").is_some());
    let terminal = at(&process, terminal);
    send(&terminal, now(), 0..3000);

    // More than two batches wait; the server is killed as soon as the first has come.
    let rsyslogd = Rsyslogd::start(&deployment, port);
    let read = deployment.folder.path().join("read");
    until("some records", || !numbers_in(&read).is_empty());
    process.signal(Signal::SIGKILL);
    process.child.wait().unwrap();
    let process = Process::start(&deployment);
    let terminal = at(&process, terminal);
    send(&terminal, now(), 3000..3100);

    for to in ["tls-fin", "records.log"] {
        until("all records", || deployment.destination(to).unwrap()["waiting"] == 0);
    }
    until("are written", || numbers_in(&read).last() == Some(&3099));
    for path in [&read, &written] {
        let (mut found, mut last) = (Vec::new(), None);
        // What comes again comes in its order: behind a step back stands what stood there before.
        for number in numbers_in(path) {
            assert!(last.is_none_or(|last| number <= last + 1), "{number} after {last:?}");
            last = Some(number);
            found.push(number);
        }
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, (0..3100).collect::<Vec<_>>());
    }
    drop(rsyslogd);
}
