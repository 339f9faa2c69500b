//! Clocks that jump, stand still, are corrected and are set back.

use super::*;

const START: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

fn stored(signed: u64) -> SigningClock {
    SigningClock { signed: UnixTime(signed), confirmation: 0, refused: None }
}

#[test]
fn a_start_after_a_month_or_before_the_last_signature_needs_a_confirmation() {
    for (wall, signed_by, is_trouble) in [
        (START, START, false),
        (START + 30 * DAY, START + 30 * DAY, false),
        (START + 30 * DAY + 1, START, true),
        (START + 5 * 365 * DAY, START, true),
        (START - STEP, START, false),
        (START - STEP - 1, START, true),
        (0, START, true),
    ] {
        let time = SigningTime::new(Clock::manual(wall), stored(START));
        assert_eq!((time.now().0, time.trouble().is_some()), (signed_by, is_trouble), "{wall}");
    }
}

/// A machine whose clock is slow until time servers correct it.
#[test]
fn a_clock_that_is_corrected_soon_after_the_start_is_followed_as_far_as_a_start_goes() {
    for (after, set, is_trouble) in [
        (60, START + 3600, false),
        (600, START + 30 * DAY, false),
        (600, START + 30 * DAY + 600, false),
        (600, START + 30 * DAY + 601, true),
        (601, START + 3600, true),
    ] {
        let clock = Clock::manual(START);
        let time = SigningTime::new(clock.clone(), stored(START));
        clock.advance(after);
        time.now();
        clock.set(set);
        assert_eq!(time.trouble().is_some(), is_trouble, "{after} {set}");
        assert_eq!(time.now().0, if is_trouble { START + after } else { set });
        // What was followed is what is compared with from then on.
        clock.advance(DAY);
        assert!(is_trouble || time.trouble().is_none());
        clock.set(clock.now().0 + STEP + 1);
        assert!(time.trouble().is_some());
    }
}

/// Time passes in seconds, as the server looks.
fn pass(clock: &Clock, time: &SigningTime, seconds: u64) {
    for _ in 0..seconds / 10 {
        clock.advance(10);
        time.now();
    }
}

/// CLOCK_BOOTTIME stands still while a virtual machine is paused.
#[test]
fn a_paused_machine_comes_right_by_itself_and_a_far_time_never() {
    for (paused, heals) in
        [(400, true), (9 * 3600, true), (29 * DAY, true), (31 * DAY, false), (5 * 365 * DAY, false)]
    {
        let clock = Clock::manual(START);
        let time = SigningTime::new(clock.clone(), stored(START));
        pass(&clock, &time, 1000);
        clock.set(clock.now().0 + paused);
        pass(&clock, &time, EVENLY);
        assert_eq!(time.now().0, START + 1000, "{paused}: not before an hour");
        pass(&clock, &time, 10);
        assert_eq!(time.trouble().is_none(), heals, "{paused}");
        pass(&clock, &time, 10 * DAY);
        assert_eq!(
            time.now(),
            if heals { clock.now() } else { UnixTime(START + 1000) },
            "{paused}"
        );
    }
}

#[test]
fn steps_that_come_right_do_not_add_up_over_what_a_start_allows() {
    let clock = Clock::manual(START);
    let time = SigningTime::new(clock.clone(), stored(START));
    pass(&clock, &time, 1000);
    let real = |clock: &Clock| START + clock.elapsed();
    for step in 1..=5 {
        clock.set(clock.now().0 + 9 * DAY);
        pass(&clock, &time, 2 * EVENLY);
        assert_eq!(time.trouble().is_none(), step <= 3, "{step}");
        assert!(time.now().0 <= real(&clock) + AWAY);
    }
}

#[test]
fn a_clock_that_does_not_run_evenly_stays_refused() {
    let clock = Clock::manual(START);
    let time = SigningTime::new(clock.clone(), stored(START));
    pass(&clock, &time, 1000);
    clock.set(clock.now().0 + DAY);
    for _ in 0..10 {
        pass(&clock, &time, EVENLY / 2);
        clock.set(clock.now().0 + 60);
    }
    assert!(time.trouble().is_some());
    assert_eq!(time.now().0, START + 1000);
}

/// A clock that keeps local time signs ahead; set right, it is behind until it gets there, and a
/// restart or the running server see the same.
#[test]
fn a_clock_that_is_set_back_comes_right_when_it_is_at_the_signed_time() {
    let clock = Clock::manual(START + 9 * 3600);
    let time = SigningTime::new(clock.clone(), stored(START));
    clock.advance(5);
    assert_eq!(time.now().0, START + 9 * 3600 + 5);
    clock.set(START + 5);
    pass(&clock, &time, 8 * 3600);
    assert!(matches!(time.trouble(), Some(Trouble::Behind(_))));
    assert_eq!(time.now().0, START + 9 * 3600 + 5);
    pass(&clock, &time, 3600);
    assert_eq!((time.trouble(), time.now()), (None, clock.now()));
}

#[test]
fn a_running_server_does_not_follow_a_clock_that_is_set() {
    for (set, signed_by, is_trouble) in [
        (START + 1000 + STEP, START + 1000 + STEP, false),
        (START + 1000 + STEP + 1, START + 1000, true),
        (START + 5 * 365 * DAY, START + 1000, true),
        (START + 1000 - STEP, START + 1000, false),
        (START + 1000 - STEP - 1, START + 1000, true),
    ] {
        let clock = Clock::manual(START);
        let time = SigningTime::new(clock.clone(), stored(START));
        clock.advance(1000);
        time.now();
        clock.set(set);
        assert_eq!((time.now().0, time.trouble().is_some()), (signed_by, is_trouble), "{set}");
        // Set right again, it goes on by itself.
        clock.set(START + 1000);
        clock.advance(60);
        assert!(time.trouble().is_none());
        assert_eq!(time.now().0, (START + 1060).max(signed_by));
    }
}

#[test]
fn steps_within_the_bound_do_not_add_up_within_a_day() {
    let clock = Clock::manual(START);
    let time = SigningTime::new(clock.clone(), stored(START));
    clock.advance(1000);
    time.now();
    for _ in 0..3 {
        clock.advance(100);
        clock.set(clock.now().0 + 200);
        time.now();
    }
    assert!(matches!(time.trouble(), Some(Trouble::Ahead(_))));
    assert_eq!(
        time.now().0,
        START + 1300,
        "one step of 200 s was followed, the second was over the bound"
    );
}

#[test]
fn a_restart_does_not_forget_a_jump_and_a_confirmation_does() {
    let jump = Jump { wall: UnixTime(START + 10 * DAY), expected: UnixTime(START) };
    let refused = SigningClock { refused: Some(jump), ..stored(START) };
    let clock = Clock::manual(START + 10 * DAY + 60);
    let time = SigningTime::new(clock.clone(), refused);
    assert!(
        matches!(time.trouble(), Some(Trouble::Ahead(_))),
        "ten days alone would be no trouble at a start"
    );
    assert_eq!(time.unwritten(), None, "the store knows");
    time.take(SigningClock { signed: clock.now(), confirmation: 1, refused: None });
    assert_eq!((time.trouble(), time.now()), (None, clock.now()));
    // A pause is forgotten when the clock has run evenly, over a restart too.
    let time = SigningTime::new(clock.clone(), refused);
    pass(&clock, &time, EVENLY + 10);
    assert_eq!((time.trouble(), time.now()), (None, clock.now()));
    // Or the clock is set right.
    let time = SigningTime::new(Clock::manual(START + 120), refused);
    assert_eq!((time.trouble(), time.now().0), (None, START + 120));
    assert!(time.unwritten().unwrap().turned);
}

#[test]
fn a_confirmation_may_go_back() {
    let clock = Clock::manual(START);
    let time = SigningTime::new(clock.clone(), stored(START + 5 * 365 * DAY));
    assert!(matches!(time.trouble(), Some(Trouble::Behind(_))));
    time.take(SigningClock { signed: clock.now(), confirmation: 1, refused: None });
    assert_eq!((time.trouble(), time.now().0), (None, START));
}
