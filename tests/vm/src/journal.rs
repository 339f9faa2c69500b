//! Nothing unexpected in the journal: every line of priority warning or worse has its reason here, or
//! the test fails.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::{Failure, ward::Ward};

/// A line that may be there.
struct Allowed {
    /// SYSLOG_IDENTIFIER; the empty text stands for any.
    who: &'static str,
    /// What its message contains.
    text: &'static str,
    /// Why it may be there.
    reason: &'static str,
}

const fn allowed(who: &'static str, text: &'static str, reason: &'static str) -> Allowed {
    Allowed { who, text, reason }
}

const EMULATOR: &str = "the emulated machine, not the system";
const PROVOKED: &str = "a step provokes it";

const ALLOWED: &[Allowed] = &[allowed("kernel", "", EMULATOR), allowed("wardkey", "result=failure", PROVOKED)];

impl Ward {
    /// Keeps the whole journal among the artefacts, and judges its warnings.
    pub fn judge_journal(&mut self) -> Result<String, Failure> {
        let patience = Duration::from_secs(300);
        let machine = self.machine()?;
        let all = machine.ok_within("journalctl --no-pager -o short-precise --no-hostname", patience)?;
        let warnings = machine.ok_within("journalctl --no-pager -p warning -o json --output-fields=MESSAGE,SYSLOG_IDENTIFIER,PRIORITY,_SYSTEMD_UNIT,_COMM", patience)?;
        let file = self.artefact("journal.txt");
        std::fs::write(&file, all).map_err(Failure::host(&file))?;
        let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
        let mut unexpected = Vec::new();
        for line in warnings.lines().filter(|line| line.starts_with('{')) {
            let entry: Value = serde_json::from_str(line).map_err(|error| Failure::Otherwise(error.to_string()))?;
            let field = |name: &str| text_of(entry.get(name));
            let (who, message) = (field("SYSLOG_IDENTIFIER"), field("MESSAGE"));
            match ALLOWED.iter().find(|rule| (rule.who.is_empty() || rule.who == who) && message.contains(rule.text)) {
                Some(rule) => *expected.entry(rule.reason).or_default() += 1,
                None => unexpected.push(format!("<{}> {who}: {message}", field("PRIORITY"))),
            }
        }
        let file = self.artefact("warnings-unexpected.txt");
        std::fs::write(&file, unexpected.join("\n")).map_err(Failure::host(&file))?;
        Failure::unless(unexpected.is_empty(), || {
            format!("{} unexpected:\n{}", unexpected.len(), unexpected.join("\n"))
        })?;
        Ok(expected.iter().map(|(reason, count)| format!("{count} lines: {reason}")).collect::<Vec<_>>().join("\n"))
    }
}

/// A field of the journal: text, or bytes when it is not UTF-8.
fn text_of(field: Option<&Value>) -> String {
    match field {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(bytes)) => {
            let bytes: Vec<u8> = bytes.iter().filter_map(|byte| byte.as_u64()?.try_into().ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => String::new(),
    }
}
