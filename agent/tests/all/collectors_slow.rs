//! Collectors that read slowly, and records that are long once they are written out.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wardkey_agent::audit::deliver::batch;
use wardkey_core::event::Format;

use crate::collectors::{Port, collector, fixture, network, numbers, record, waiting};

/// What each connection read before the agent ended it.
type Heard = Arc<Mutex<Vec<String>>>;

/// Reads so many octets of each connection, and of one that brings more nothing further: it stays
/// open and does not get on.
fn read_by(listener: TcpListener, most: usize) -> Heard {
    let heard = Heard::default();
    let kept = Arc::clone(&heard);
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || {
                let (mut all, mut some) = (Vec::new(), vec![0; 1 << 16]);
                while all.len() <= most
                    && let Ok(count @ 1..) = stream.read(&mut some)
                {
                    all.extend_from_slice(&some[..count]);
                }
                // Before the agent hears that we end.
                kept.lock().unwrap().push(String::from_utf8_lossy(&all).into_owned());
                while all.len() > most {
                    std::thread::park();
                }
            });
        }
    });
    heard
}

#[test]
fn a_collector_that_is_too_slow_for_a_batch_gets_smaller_ones_until_it_has_all() {
    let port = Port::held();
    let to = collector(&port, Format::Ecs);
    let f = fixture(std::slice::from_ref(&to));
    record(&f, 0..600);
    let before = waiting(&f, &to);
    // Some hundred records; all have twice as many octets, or more.
    let heard = read_by(port.listen_narrowly(), 250_000);
    let mut transport = network(&f, &to).by(|way| way.within(Duration::from_millis(1500)));
    let (mut failed, mut arrived) = (0, 0);
    while waiting(&f, &to) > 0 {
        match batch(&f.agent, &mut transport) {
            Ok(count) => arrived += count as u64,
            Err(_) => failed += 1,
        }
        assert!(failed < 20, "{arrived} of {before} in all, {failed} failed");
    }
    assert!(failed > 0 && arrived == before, "{failed} failed, {arrived} of {before}");
    let heard = heard.lock().unwrap().concat();
    // One that was given up may end within a number.
    let number = |rest: &str| rest.get(..5)?.parse().ok();
    let got: BTreeSet<u32> = heard.split("記録 ").skip(1).filter_map(number).collect();
    assert!((0..600).all(|number| got.contains(&number)));
}

#[test]
fn a_batch_is_bounded_as_it_is_sent() {
    let port = Port::held();
    let to = collector(&port, Format::Fhir);
    let f = fixture(std::slice::from_ref(&to));
    record(&f, 0..1000);
    let heard = read_by(port.listen(), usize::MAX);
    let mut transport = network(&f, &to);
    while batch(&f.agent, &mut transport).unwrap() > 0 {}
    assert_eq!(waiting(&f, &to), 0);
    let heard = heard.lock().unwrap();
    assert!(heard.len() > 1 && heard.iter().all(|text| text.len() <= 1 << 20), "{}", heard.len());
    assert_eq!(numbers(&heard.concat()), (0..1000).collect::<Vec<_>>());
}
