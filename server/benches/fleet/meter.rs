//! Memory and work of a process, as the kernel counts them.

/// A process.
pub struct Meter(u32);

impl Meter {
    pub const fn of(process: u32) -> Self {
        Self(process)
    }

    /// Resident memory in megabytes.
    pub fn memory_mb(&self) -> f64 {
        let status = self.read("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes / 1024.0
    }

    /// Seconds of processor time, in steps of a hundredth.
    pub fn cpu_s(&self) -> f64 {
        let stat = self.read("stat");
        // Behind the name, which may hold spaces, comes field 3 of proc_pid_stat(5).
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: f64 = [11, 12].iter().map(|field| fields[*field].parse::<f64>().unwrap()).sum();
        ticks / 100.0
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.0)).expect("the process runs")
    }
}
