//! The figures, as a table and as a file.

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;

/// All figures. The file has the ones that are compared from version to version.
#[derive(Default, Serialize)]
pub struct Report {
    pub terminals: usize,
    /// Resident memory of the server while all wait.
    pub memory_mb: f64,
    pub one_scope: OneScope,
    pub many_scopes: ManyScopes,
    /// From the first connection until the last terminal has everything.
    pub connect_s: f64,
    /// The same after the server was killed, from when it listens again.
    pub reconnect_s: f64,
    /// Processor time of the server in a minute in which nothing happens.
    pub idle_cpu_s: f64,
    pub join_cpu_ms: f64,
    pub intake: Intake,
    /// Terminals of one scope, memory in MB, seconds until the last has a revocation.
    pub growth_of_terminals: Vec<(usize, f64, f64)>,
    /// Scopes, people, seconds of a start, memory in MB before anybody connects.
    pub growth_of_scopes: Vec<(usize, usize, f64, f64)>,
}

/// A revocation in a scope of all terminals.
#[derive(Default, Serialize)]
pub struct OneScope {
    pub last_s: f64,
}

/// A revocation in one of many scopes.
#[derive(Default, Serialize)]
pub struct ManyScopes {
    pub last_s: f64,
    pub cpu_s: f64,
}

/// Verified logins.
#[derive(Default, Serialize)]
pub struct Intake {
    pub per_s: f64,
    pub p99_s: f64,
    pub refused: u64,
    pub revocation_s: f64,
}

impl Report {
    /// Writes the file.
    pub fn write(&self, path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, serde_json::to_string_pretty(self).unwrap() + "\n").unwrap();
    }

    /// The table for people.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let mut line = |what: &str, figure: String| writeln!(out, "{what:<70}{figure}").unwrap();
        line("terminals", self.terminals.to_string());
        line("memory while all wait", format!("{:.0} MB", self.memory_mb));
        line(
            "revocation, all in one scope: last has it",
            format!("{:.3} s", self.one_scope.last_s),
        );
        line(
            "revocation, one of many scopes: last has it; work",
            format!("{:.3} s; {:.2} s", self.many_scopes.last_s, self.many_scopes.cpu_s),
        );
        line(
            "all connect; again after kill -9",
            format!("{:.1} s; {:.1} s", self.connect_s, self.reconnect_s),
        );
        line("work of an idle minute", format!("{:.2} s", self.idle_cpu_s));
        line("work of a join", format!("{:.2} ms", self.join_cpu_ms));
        line(
            "verified logins of 32 senders; p99 of a batch; refused; revocation",
            format!(
                "{:.0}/s; {:.2} s; {}; {:.2} s",
                self.intake.per_s, self.intake.p99_s, self.intake.refused, self.intake.revocation_s
            ),
        );
        for (terminals, memory, last) in &self.growth_of_terminals {
            line(
                &format!("{terminals} terminals in one scope: memory; revocation"),
                format!("{memory:.0} MB; {last:.3} s"),
            );
        }
        for (scopes, people, start, memory) in &self.growth_of_scopes {
            line(
                &format!("{people} people in {scopes} scopes: start; memory"),
                format!("{start:.2} s; {memory:.0} MB"),
            );
        }
        out
    }
}
