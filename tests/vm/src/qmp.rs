//! The emulator's own protocol (QMP): one line of JSON for an order, one for the answer.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};

use crate::Failure;

const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to the emulator.
pub struct Qmp {
    answers: BufReader<UnixStream>,
    orders: UnixStream,
}

impl Qmp {
    /// Greets the emulator at the other end.
    pub fn start(stream: UnixStream) -> Result<Self, Failure> {
        stream.set_read_timeout(Some(PATIENCE)).map_err(Failure::host("qmp"))?;
        let orders = stream.try_clone().map_err(Failure::host("qmp"))?;
        let mut qmp = Self { answers: BufReader::new(stream), orders };
        qmp.line()?;
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Gives an order and waits for its answer; events in between are passed over.
    pub fn execute(&mut self, order: &str, arguments: Value) -> Result<Value, Failure> {
        let text = json!({ "execute": order, "arguments": arguments }).to_string() + "\n";
        self.orders.write_all(text.as_bytes()).map_err(Failure::host("qmp"))?;
        loop {
            let mut answer = self.line()?;
            if let Some(error) = answer.get("error") {
                return Err(Failure::Emulator(format!("{order}: {error}")));
            }
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
        }
    }

    /// Presses keys together (`["shift", "a"]`) and lets them go.
    pub fn press(&mut self, keys: &[&str]) -> Result<(), Failure> {
        let event = |key: &str, down: bool| {
            let key = json!({ "type": "qcode", "data": key });
            json!({ "type": "key", "data": { "down": down, "key": key } })
        };
        let down: Vec<_> = keys.iter().map(|key| event(key, true)).collect();
        let up: Vec<_> = keys.iter().rev().map(|key| event(key, false)).collect();
        self.execute("input-send-event", json!({ "events": down }))?;
        std::thread::sleep(Duration::from_millis(30));
        self.execute("input-send-event", json!({ "events": up }))?;
        std::thread::sleep(Duration::from_millis(30));
        Ok(())
    }

    /// Writes what the display shows to a PNG file.
    pub fn screenshot(&mut self, file: &Path) -> Result<(), Failure> {
        self.execute("screendump", json!({ "filename": file, "format": "png" })).map(drop)
    }

    fn line(&mut self) -> Result<Value, Failure> {
        let mut line = String::new();
        let length = self.answers.read_line(&mut line).map_err(Failure::host("qmp"))?;
        Failure::unless(length > 0, || "the emulator is gone".into())?;
        serde_json::from_str(&line).map_err(|error| Failure::Emulator(format!("{error}: {line}")))
    }
}
