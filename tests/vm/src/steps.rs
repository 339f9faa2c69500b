//! Steps, and the account of them.

use std::time::Instant;

use crate::{Failure, ward::Ward};

/// One thing that is tried.
pub struct Step {
    /// What is expected, in one line.
    pub expected: &'static str,
    /// Does it; gives what was seen.
    pub run: fn(&mut Ward) -> Result<String, Failure>,
}

/// A group of steps that is timed together.
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Its steps, in order.
    pub steps: &'static [Step],
}

/// What came of it.
#[derive(Default)]
pub struct Account {
    steps: usize,
    as_expected: usize,
    durations: Vec<(&'static str, f64)>,
}

impl Account {
    /// Goes through a part; `false` when it ended early. A step that is not as expected ends the
    /// test, as what follows stands on it.
    pub fn play(&mut self, ward: &mut Ward, part: &Part) -> bool {
        println!("== {} ==", part.name);
        let begin = Instant::now();
        let mut all = true;
        for step in part.steps {
            self.steps += 1;
            let start = Instant::now();
            let result = (step.run)(ward);
            let seconds = start.elapsed().as_secs_f64();
            match result {
                Ok(seen) => {
                    self.as_expected += 1;
                    println!("{:3} ok    {seconds:5.1} s  {}", self.steps, step.expected);
                    print_indented(&seen);
                }
                Err(failure) => {
                    println!("{:3} WRONG {seconds:5.1} s  {}", self.steps, step.expected);
                    print_indented(&failure.to_string());
                    ward.keep_what_is_seen(self.steps);
                    all = false;
                    if !ward.options.keep_going {
                        break;
                    }
                }
            }
        }
        self.durations.push((part.name, begin.elapsed().as_secs_f64()));
        all
    }

    /// Notes a part that has no steps of its own.
    pub fn note(&mut self, name: &'static str, since: Instant) {
        self.durations.push((name, since.elapsed().as_secs_f64()));
    }

    /// Prints the sum; `true` when all `planned` steps were as expected.
    pub fn close(&self, planned: usize) -> bool {
        println!("== durations ==");
        for (name, seconds) in &self.durations {
            println!("{seconds:11.1} s  {name}");
        }
        println!("{}", self.sum(planned));
        self.as_expected == planned
    }

    /// What is neither right nor wrong is said, too: it was not run.
    fn sum(&self, planned: usize) -> String {
        let wrong = self.steps - self.as_expected;
        let not_run = planned.saturating_sub(self.steps);
        let mut text = format!("vm: {} of {planned} steps as expected", self.as_expected);
        if wrong > 0 {
            text += &format!(", {wrong} wrong");
        }
        if not_run > 0 {
            text += &format!(", {not_run} not run, as what they stand on was wrong");
        }
        text
    }
}

fn print_indented(text: &str) {
    for line in text.lines() {
        println!("               {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_were_not_run_are_not_passed_over() {
        let account = |steps, as_expected| Account { steps, as_expected, durations: Vec::new() };
        assert_eq!(account(50, 50).sum(50), "vm: 50 of 50 steps as expected");
        assert_eq!(account(50, 48).sum(50), "vm: 48 of 50 steps as expected, 2 wrong");
        assert_eq!(
            account(45, 44).sum(50),
            "vm: 44 of 50 steps as expected, 1 wrong, 5 not run, as what they stand on was wrong"
        );
    }
}
