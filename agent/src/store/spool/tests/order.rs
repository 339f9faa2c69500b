//! The order in which a collector gets records.

use super::*;

#[test]
fn a_collector_gets_the_records_of_all_classes_in_the_order_in_which_they_happened() {
    let store = Store::new(&[SYSLOG, SERVER, SIEM], LIMITS);
    // Sixty of each class, by turns; the server takes them by class meanwhile.
    let make = [alarm, success, failure, heartbeat];
    store.push(&(0..240).map(|number| make[usize::from(number % 4)](number)).collect::<Vec<_>>());
    store.drain(&SERVER);
    let mut got = Vec::new();
    for round in 0.. {
        // Pages of any length; every third does not arrive, and comes again.
        let most = Most { events: 1 + round % 50, bytes: usize::MAX };
        let rows = store.db.read(|transaction| pending(transaction, &SIEM, most)).unwrap();
        if rows.is_empty() {
            break;
        }
        if round % 3 != 0 {
            got.extend(rows.iter().map(|row| row.seq));
            store.deliver(&SIEM, &rows.iter().map(|row| row.seq).collect::<Vec<_>>());
        }
    }
    assert_eq!(got, (0..240).collect::<Vec<_>>());
}
