//! Which records are lost first.

use super::*;

const THREE: &[Destination] = &[SYSLOG, SERVER, SIEM];

#[test]
fn what_only_a_collector_lacks_gives_way_before_what_server_and_syslog_lack() {
    let limits = Limits { events: 40, bytes: 1 << 20 };
    let store = Store::new(THREE, limits);
    // A collector that is down has even alarms waiting; server and system log have them.
    let before: Vec<Event> = (0..30).map(alarm).collect();
    store.push(&before);
    store.drain(&SYSLOG);
    store.drain(&SERVER);
    // Then the server is down too, and what matters least comes.
    let after: Vec<Event> = (30..70).map(heartbeat).collect();
    store.push(&after);
    assert_eq!(store.events_for(&SERVER), (30..70).collect::<Vec<_>>(), "nothing of it is lost");
    assert_eq!(store.events_for(&SYSLOG).len(), 40);
    let lost = store.write(|spool| spool.take_lost());
    assert_eq!(lost, Lost { count: 30, of: vec![("siem", 30)] });
    // Only then does that give way.
    store.push(&[alarm(70)]);
    let lost = store.write(|spool| spool.take_lost());
    assert_eq!(lost, Lost { count: 1, of: vec![("syslog", 1), ("server", 1), ("siem", 1)] });
    assert_eq!(store.events_for(&SERVER).len(), 40);
    assert_eq!(store.write(|spool| spool.take_lost()), Lost { count: 0, of: vec![] });
}

#[test]
fn what_the_server_has_out_of_order_gives_way_too() {
    let store = Store::new(THREE, Limits { events: 4, bytes: 1 << 20 });
    store.push(&[success(1), success(2), success(3), success(4)]);
    let (seqs, _) = store.pending(&SERVER);
    store.drain(&SYSLOG);
    store.deliver(&SERVER, &seqs[2..]);
    store.push(&[heartbeat(5)]);
    assert_eq!(store.events_for(&SERVER), [1, 2, 5]);
}

#[test]
fn what_only_a_collector_lacks_gives_way_however_much_the_server_lacks_before_it() {
    let store = Store::new(THREE, Limits { events: 200, bytes: 1 << 20 });
    // The server does not take the first 100 of a class, then everything; the log has all.
    store.push(&(0..200).map(success).collect::<Vec<_>>());
    let (seqs, _) = store.pending(&SERVER);
    store.drain(&SYSLOG);
    store.deliver(&SERVER, &seqs[100..]);
    store.push(&(200..250).map(alarm).collect::<Vec<_>>());
    let lost = store.write(|spool| spool.take_lost());
    assert_eq!(lost, Lost { count: 50, of: vec![("siem", 50)] });
    let lacks = store.events_for(&SERVER);
    assert_eq!(lacks, (200..250).chain(0..100).collect::<Vec<_>>(), "nothing of it is lost");
    assert_eq!(store.events_for(&SIEM), (0..100).chain(150..250).collect::<Vec<_>>());
}

#[test]
fn what_only_a_destination_lacked_that_never_got_anything_goes_with_it() {
    let mut store = Store::new(THREE, Limits { events: 4, bytes: 1 << 20 });
    store.take_list();
    store.push(&[success(1), success(2), heartbeat(3), heartbeat(4), heartbeat(5)]);
    store.drain(&SYSLOG);
    store.drain(&SERVER);
    assert_eq!(store.size().0, 4, "kept for the collector");
    store.destinations = BOTH;
    store.take_list();
    assert_eq!(store.size(), (0, 0));
    // It is told of nothing that was lost before it came again.
    store.destinations = THREE;
    store.take_list();
    let lost = store.write(|spool| spool.take_lost());
    assert_eq!(lost, Lost { count: 1, of: vec![("syslog", 1), ("server", 1)] });
}

#[test]
fn however_many_gaps_there_are_what_only_a_collector_lacks_is_found_at_once() {
    let store = Store::new(THREE, Limits { events: 100, bytes: 1 << 20 });
    store.push(&(0..100).map(success).collect::<Vec<_>>());
    let (seqs, _) = store.pending(&SYSLOG);
    // What the one has the other lacks, by turns.
    let every_second = |from: usize| seqs.iter().skip(from).step_by(2).copied().collect::<Vec<_>>();
    store.deliver(&SYSLOG, &every_second(1));
    store.deliver(&SERVER, &every_second(2));
    let spare = || {
        store.write(|spool| {
            let mut seqs = Vec::new();
            for entry in spool.spare.iter()? {
                seqs.extend(lane_parts(entry?.0.value()).map(|(_, seq)| seq));
            }
            Ok(seqs)
        })
    };
    assert_eq!(spare(), [0_u64; 0]);
    store.deliver(&SERVER, &[seqs[77]]);
    assert_eq!(spare(), [seqs[77]]);
    store.push(&[alarm(200)]);
    let lost = store.write(|spool| spool.take_lost());
    assert_eq!(lost, Lost { count: 1, of: vec![("siem", 1)] });
    assert_eq!(spare(), [0_u64; 0]);
}

#[test]
fn what_an_older_version_removed_is_no_record_that_could_give_way() {
    let store = Store::new(THREE, Limits { events: 3, bytes: 1 << 20 });
    store.push(&[success(1), success(2), success(3)]);
    store.write(|spool| {
        spool.spare.insert(lane_key(Class::Notice, 999).as_slice(), &[][..])?;
        Ok(())
    });
    store.push(&[alarm(4)]);
    assert_eq!((store.size().0, store.lost()), (3, 1));
    assert_eq!(store.events_for(&SYSLOG), [2, 3, 4]);
}

#[test]
fn what_a_destination_never_gets_is_counted_for_it() {
    let store = Store::new(THREE, LIMITS);
    store.push(&[success(1), success(2), success(3)]);
    let (seqs, _) = store.pending(&SIEM);
    store.deliver(&SIEM, &seqs[..1]);
    store.write(|spool| spool.gave_up(&SIEM, &seqs[1..2]));
    assert_eq!(store.events_for(&SIEM), [3]);
    assert_eq!(store.events_for(&SYSLOG), [1, 2, 3]);
    let lost = store.write(|spool| spool.take_lost());
    assert_eq!(lost, Lost { count: 1, of: vec![("siem", 1)] });
}
