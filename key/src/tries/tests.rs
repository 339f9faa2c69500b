use super::*;

const AWAKE: Duration = Duration::ZERO;
const ALL: Option<u8> = Some(8);

fn key(node: u64, made: i64) -> Description {
    let plugging = Some(Plugging { node, made });
    let path = "/dev/hidraw0".to_owned();
    Description { path, vendor: 1, product: 2, name: String::new(), plugging }
}

/// A worker with what the parent told it, and the parent's end.
fn worker(book: &Book) -> (Known, UnixStream) {
    let (parent, theirs) = UnixStream::pair().unwrap();
    (Known::told(&book.told_at(AWAKE), Some(OwnedFd::from(theirs))), parent)
}

#[test]
fn a_key_that_took_its_pin_has_many_tries_until_a_pin_is_tried_again() {
    let mut book = Book::default();
    let (mut first, control) = worker(&book);
    assert!(!first.has_many(&key(1, 1), b"credential"));
    first.is_tried();
    first.was_right(&key(1, 1), b"credential", ALL);
    assert!(first.has_many(&key(1, 1), b"credential"), "for the same worker too");
    book.hear_at([&control].into_iter(), || AWAKE);

    let (mut second, control) = worker(&book);
    assert!(second.has_many(&key(1, 1), b"credential"));
    for (what, key, credential) in [
        ("plugged in again", key(2, 1), &b"credential"[..]),
        ("a node of the same number", key(1, 2), b"credential"),
        ("another credential", key(1, 1), b"another"),
        ("unknown", Description { plugging: None, ..key(1, 1) }, b"credential"),
    ] {
        assert!(!second.has_many(&key, credential), "{what}");
    }
    // It was wrong, or the worker died: either way nothing more came.
    second.is_tried();
    assert!(!second.has_many(&key(1, 1), b"credential"));
    drop(second);
    book.hear_at([&control].into_iter(), || AWAKE);
    assert!(!worker(&book).0.has_many(&key(1, 1), b"credential"));
}

/// Three that nobody here saw leave a small key one, or none.
#[test]
fn a_key_that_never_had_eight_is_asked_each_time() {
    let mut book = Book::default();
    for (tries, has_many) in [(Some(4), false), (Some(7), false), (None, false), (Some(8), true)] {
        let (mut known, control) = worker(&book);
        known.is_tried();
        known.was_right(&key(1, 1), b"credential", tries);
        assert_eq!(known.has_many(&key(1, 1), b"credential"), has_many, "{tries:?}");
        book.hear_at([&control].into_iter(), || AWAKE);
        assert_eq!(worker(&book).0.has_many(&key(1, 1), b"credential"), has_many, "{tries:?}");
    }
    // One that was not asked because it had eight, after a wrong PIN as well.
    let (mut told, _control) = worker(&book);
    told.is_tried();
    told.is_tried();
    told.was_right(&key(1, 1), b"credential", None);
    assert!(told.has_many(&key(1, 1), b"credential"));
}

#[test]
fn after_sleep_every_key_is_asked_again() {
    const SLEPT: Duration = Duration::from_secs(60);
    let has_many = |known: &Known, slept| known.has_many_at(&key(1, 1), b"credential", slept);
    let mut book = Book::default();
    let (mut one, control) = worker(&book);
    one.was_right_at(&key(1, 1), b"credential", ALL, AWAKE);
    book.hear_at([&control].into_iter(), || AWAKE);
    // A locker's, which waits over the sleep, and one that comes after it.
    let (waiting, _) = worker(&book);
    for known in [&one, &waiting] {
        assert!(has_many(known, Duration::from_millis(1)), "read a little later");
        assert!(!has_many(known, SLEPT));
    }
    assert!(!has_many(&Known::told(&book.told_at(SLEPT), None), SLEPT));
    // Told before, and got after it.
    assert!(!has_many(&Known::told(&book.told_at(AWAKE), None), SLEPT));

    // Sent before the sleep and read after it, whoever sees first that it was.
    one.was_right_at(&key(1, 1), b"credential", ALL, AWAKE);
    book.told_at(SLEPT);
    book.hear_at([&control].into_iter(), || SLEPT);
    assert!(!has_many(&Known::told(&book.told_at(SLEPT), None), SLEPT));

    one.was_right_at(&key(1, 1), b"credential", ALL, SLEPT);
    assert!(has_many(&one, SLEPT));
    book.hear_at([&control].into_iter(), || SLEPT);
    assert!(has_many(&Known::told(&book.told_at(SLEPT), None), SLEPT));
}

#[test]
fn what_two_workers_said_at_one_time_counts_for_neither() {
    let mut book = Book::default();
    let (mut one, its_control) = worker(&book);
    let (mut other, others_control) = worker(&book);
    one.was_right(&key(1, 1), b"credential", ALL);
    other.is_tried();
    // Whichever is heard first.
    for controls in [[&its_control, &others_control], [&others_control, &its_control]] {
        book.hear_at(controls.into_iter(), || AWAKE);
        assert!(book.tags.is_empty());
        one.was_right(&key(1, 1), b"credential", ALL);
        other.is_tried();
    }
}

#[test]
fn nonsense_and_many_tags_of_a_worker_are_bounded() {
    let mut book = Book::default();
    let (mut known, control) = worker(&book);
    for credential in 0..MAX_SAID as u8 {
        known.was_right(&key(1, 1), &[credential], ALL);
    }
    assert_eq!(book.hear_at([&control].into_iter(), || AWAKE), [false]);
    assert_eq!(book.told_at(AWAKE).len(), MAX_TOLD);
    let (last, _) = worker(&book);
    assert!(last.has_many(&key(1, 1), &[MAX_SAID as u8 - 1]), "the newest are kept");
    assert!(!last.has_many(&key(1, 1), &[0]));

    let (nonsense, theirs) = UnixStream::pair().unwrap();
    send(theirs.as_raw_fd(), &[1, 2, 3], MsgFlags::MSG_NOSIGNAL).unwrap();
    book.hear_at([&nonsense].into_iter(), || AWAKE);
    assert!(book.tags.is_empty());
    assert!(!Known::told(&[1, 2, 3], None).has_many(&key(1, 1), b"credential"));
}

/// It writes faster than it is read: the parent goes on, and knows which one it is.
#[test]
fn a_worker_that_writes_without_end_keeps_nobody_and_is_told_apart() {
    use std::io::Write;
    let mut book = Book::default();
    let (mut honest, its_control) = worker(&book);
    honest.was_right(&key(1, 1), b"credential", ALL);
    book.hear_at([&its_control].into_iter(), || AWAKE);
    assert!(!book.tags.is_empty());

    let (flooded, mut theirs) = UnixStream::pair().unwrap();
    let (full, is_full) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        let block = [7; 64 * 1024];
        theirs.write_all(&block).unwrap();
        full.send(()).unwrap();
        while theirs.write_all(&block).is_ok() {}
    });
    is_full.recv().unwrap();
    honest.was_right(&key(1, 1), b"credential", ALL);
    assert_eq!(book.hear_at([&flooded, &its_control].into_iter(), || AWAKE), [true, false]);
    assert!(book.tags.is_empty(), "and nothing is believed that may have hidden a try");
    drop(flooded);
    writer.join().unwrap();

    // Nor does a parent that reads nothing keep a worker.
    let (mut unheard, _control) = worker(&book);
    for _ in 0..10_000 {
        unheard.is_tried();
    }
}
