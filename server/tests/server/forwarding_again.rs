//! Records that the server sends on: what comes again and what does not, when a list changes or the
//! database takes nothing.

use wardkey_core::event::Format;

use super::archives::send;
use super::backups::sql;
use super::forwarding::{file, numbers, numbers_in, records_to};
use super::process::Process;
use super::support::client::{Client, Terminal};
use super::support::port::Port;
use super::support::ward::Ward;
use super::support::{Deployment, now, until};

/// The acts in the trail about a destination, and their details; the latest first.
fn acts(deployment: &Deployment, of: &str) -> Vec<(String, String)> {
    let trail = deployment.rows(&["audit", "list"]);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let all = trail.as_array().unwrap().iter();
    let about = all.filter(|act| act["object"].as_str().unwrap().contains(of));
    about.map(|act| (text(&act["action"]), text(&act["detail"]))).collect()
}

#[test]
fn another_way_to_the_same_place_brings_what_waited_and_one_that_goes_is_in_the_trail() {
    let ward = Ward::new();
    let port = Port::held();
    let to = |way: &str| format!("{way}://127.0.0.1:{} rfc5424", port.number);
    let place = format!("127.0.0.1:{}", port.number);
    let named = |name: &str| {
        until(name, || {
            ward.destination(&place).is_some_and(|one| one["name"] == format!("{name} {place}"))
        });
    };
    ward.forward(&[&to("tls")]);
    named("tls");
    send(&ward.terminal, now(), 0..40);
    until("why nothing arrives", || {
        !ward.destination(&place).unwrap()["last_error_code"].is_null()
    });

    ward.forward(&[&to("tcp")]);
    named("tcp");
    assert_eq!(ward.destination(&place).unwrap()["waiting"], 40);
    let (action, detail) = acts(&ward.deployment, &place).remove(0);
    assert_eq!(action, "records.to");
    assert_eq!(detail, format!("40 records waiting; before: tls {place}"));

    let gone = |ward: &Ward| until("another list", || ward.destination(&place).is_none());
    ward.forward(&[]);
    gone(&ward);
    let ended = ("records.to-ended".to_owned(), "40 records waiting".to_owned());
    assert_eq!(acts(&ward.deployment, &place)[0], ended);

    // It comes back without the word of why nothing arrived then.
    let collected = port.collect();
    ward.forward(&[&to("tcp")]);
    named("tcp");
    until("all records", || ward.destination(&place).unwrap()["waiting"] == 0);
    assert_eq!(numbers(collected.text().split("[wardkey@")), (0..40).collect::<Vec<_>>());
    let shown = ward.destination(&place).unwrap();
    assert_eq!((&shown["failed"], &shown["pruned"]), (&serde_json::Value::Null, &0.into()));
}

/// Has the database refuse to note how far destinations are, or take it again.
fn refuse(deployment: &Deployment, refuses: bool) {
    let Some(database) = deployment.postgresql() else {
        let statements: &'static [&'static str] = if refuses {
            &["CREATE TRIGGER refuse BEFORE UPDATE ON record_destination
               BEGIN SELECT RAISE(ABORT, 'no'); END"]
        } else {
            &["DROP TRIGGER refuse"]
        };
        return sql(&deployment.database(), statements);
    };
    database.run(if refuses {
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON record_destination
             FOR EACH ROW EXECUTE FUNCTION refuse()"
    } else {
        "DROP TRIGGER refuse ON record_destination"
    });
}

#[test]
fn while_the_database_takes_no_note_a_batch_is_delivered_once() {
    let deployment = Deployment::new();
    let running = deployment.start();
    let terminal = deployment.join(&running, "ward-1", &["icu"]);
    running.stop();
    let (written, to) = file(&deployment, "records.log", Format::Cef.as_str());
    deployment.configure(&records_to(&[&to]));
    let process = Process::start(&deployment);
    until("the list", || deployment.destination("records.log").is_some());
    let identity = (terminal.certificate.as_slice(), &terminal.key);
    let client = Client::at(process.port, Some(identity));
    let terminal = Terminal { client, ..terminal };

    refuse(&deployment, true);
    send(&terminal, now(), 0..20);
    until("the records", || numbers_in(&written).len() == 20);
    process.until("records wait for a destination");
    refuse(&deployment, false);
    send(&terminal, now(), 20..40);
    until("all records", || deployment.destination("records.log").unwrap()["waiting"] == 0);
    assert_eq!(numbers_in(&written), (0..40).collect::<Vec<_>>());
}
