//! Medians of logins, and how the two sides compare.

/// One login.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Wall time of pam_authenticate in milliseconds.
    pub wall_ms: f64,
    /// What of it the key did not work: module, processes, and the bus between.
    pub own_ms: f64,
    /// CTAP exchanges in all.
    pub total: usize,
    /// Those after the PIN was answered.
    pub after_pin: usize,
}

/// The logins of one side in one case.
#[derive(Clone, Debug, Default)]
pub struct Figures(Vec<Sample>);

impl Figures {
    pub fn add(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// Median wall time in milliseconds.
    pub fn wall_ms(&self) -> f64 {
        self.millis(|sample| sample.wall_ms)
    }

    /// Median of the milliseconds that the key did not work.
    pub fn own_ms(&self) -> f64 {
        self.millis(|sample| sample.own_ms)
    }

    fn millis(&self, of: fn(&Sample) -> f64) -> f64 {
        let mut all: Vec<_> = self.0.iter().map(of).collect();
        (median(&mut all) * 1000.0).round() / 1000.0
    }

    /// Median exchanges in all.
    pub fn total(&self) -> u64 {
        let mut all: Vec<_> = self.0.iter().map(|sample| sample.total as f64).collect();
        median(&mut all) as u64
    }

    /// Median exchanges after the PIN.
    pub fn after_pin(&self) -> u64 {
        let mut all: Vec<_> = self.0.iter().map(|sample| sample.after_pin as f64).collect();
        median(&mut all) as u64
    }

    /// Median of the ratios pair by pair: holds when the machine's speed drifts.
    pub fn ratio((ours, theirs): &(Self, Self)) -> f64 {
        let mut all: Vec<_> =
            ours.0.iter().zip(&theirs.0).map(|(our, their)| our.wall_ms / their.wall_ms).collect();
        (median(&mut all) * 1000.0).round() / 1000.0
    }

    /// One line for people.
    pub fn compare(ours: &Self, theirs: &Self) -> String {
        format!(
            "ours {:.1} ms ({:.1} without the key), {} exchanges, {} after the PIN; \
             pam_u2f {:.1} ms ({:.1} without the key), {} exchanges, {} after the PIN; \
             ratio {:.2}",
            ours.wall_ms(),
            ours.own_ms(),
            ours.total(),
            ours.after_pin(),
            theirs.wall_ms(),
            theirs.own_ms(),
            theirs.total(),
            theirs.after_pin(),
            Self::ratio(&(ours.clone(), theirs.clone())),
        )
    }
}

/// The median of numbers.
pub fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    if all.len().is_multiple_of(2) {
        f64::midpoint(all[middle - 1], all[middle])
    } else {
        all[middle]
    }
}
