//! Nothing unexpected in the journal: every line of priority warning or worse has its reason here,
//! or the test fails.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::{Failure, ward::Ward};

/// Lines that may be there.
struct Allowed {
    /// SYSLOG_IDENTIFIER, or the program's name where it gives none.
    who: &'static str,
    /// What the message contains.
    text: &'static str,
    /// How many there may be.
    times: usize,
    /// Why.
    reason: &'static str,
}

const fn allowed(
    who: &'static str,
    text: &'static str,
    times: usize,
    reason: &'static str,
) -> Allowed {
    Allowed { who, text, times, reason }
}

const ANY: usize = usize::MAX;
const EMULATOR: &str = "the emulated processors and their clocks, on a busy host";
const KERNEL: &str = "Debian's kernel says it at every boot";
const AUDIT: &str = "more audit lines than the kernel prints at once; the journal has them";
const KILLED: &str = "the test kills it, once";
const POWER: &str =
    "journald finds its files of before the power cuts: of the system and of a user";
const POWER_CUTS: usize = 2;
const GREETER: &str = "LightDM, also without Wardkey";

const VENDOR: &str = "Debian's libpam, of the service that systemd has in the vendor's folder";

const ALLOWED: &[Allowed] = &[
    allowed("kernel", "mtrr: your CPUs had inconsistent", ANY, EMULATOR),
    allowed("kernel", "MP-BIOS bug: 8254 timer", ANY, EMULATOR),
    allowed("kernel", "Unstable clock detected", ANY, EMULATOR),
    allowed("kernel", "clocksource: ", ANY, EMULATOR),
    allowed("kernel", "hrtimer: interrupt took", ANY, EMULATOR),
    allowed("kernel", "perf: interrupt took too long", ANY, EMULATOR),
    allowed("kernel", "tsc: ", ANY, EMULATOR),
    allowed("kernel", "TSC ", ANY, EMULATOR),
    allowed("kernel", "APIC calibration not consistent", ANY, EMULATOR),
    allowed("kernel", "rcu: ", ANY, EMULATOR),
    allowed("kernel", "workqueue: ", ANY, EMULATOR),
    allowed("kernel", "CONFIG_IMA_DISABLE_HTABLE is disabled", ANY, KERNEL),
    allowed("kernel", "amd_pstate: the _CPC object is not present", ANY, EMULATOR),
    allowed("kernel", "kauditd_printk_skb: ", ANY, AUDIT),
    allowed("systemd-udevd", "is taking a long time", ANY, EMULATOR),
    allowed(
        "systemd",
        "wardkey-agent.service: Main process exited, code=killed, status=9/KILL",
        1,
        KILLED,
    ),
    allowed("systemd", "wardkey-agent.service: Failed with result 'signal'", 1, KILLED),
    allowed(
        "systemd",
        "wardkey-key.service: Main process exited, code=killed, status=9/KILL",
        1,
        KILLED,
    ),
    allowed("systemd", "wardkey-key.service: Failed with result 'signal'", 1, KILLED),
    allowed(
        "systemd",
        "wardkey-enroll.service: Main process exited, code=killed, status=9/KILL",
        1,
        KILLED,
    ),
    allowed("systemd", "wardkey-enroll.service: Failed with result 'signal'", 1, KILLED),
    // The login at that moment goes on, or is refused, as its agent is back in time or not.
    allowed("login", "WK-1301", 2, KILLED),
    allowed("systemd-journald", "corrupted or uncleanly shut down", 2 * POWER_CUTS, POWER),
    allowed("(systemd)", "(systemd-user) /usr/lib/pam.d is not supported", ANY, VENDOR),
    allowed("lightdm", "assertion 'G_IS_DBUS_CONNECTION (connection)' failed", ANY, GREETER),
];

impl Ward {
    /// Keeps the whole journal among the artefacts, and checks that its warnings are expected.
    pub fn check_journal(&mut self) -> Result<String, Failure> {
        let patience = Duration::from_secs(300);
        let machine = self.machine()?;
        let all =
            machine.ok_within("journalctl --no-pager -o short-precise --no-hostname", patience)?;
        let warnings = machine.ok_within(
            "journalctl --no-pager -p warning -o json \
             --output-fields=MESSAGE,SYSLOG_IDENTIFIER,PRIORITY,_SYSTEMD_UNIT,_COMM",
            patience,
        )?;
        let file = self.artefact("journal.txt");
        std::fs::write(&file, all).map_err(Failure::host(&file))?;
        let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        let mut unexpected = Vec::new();
        let mut every = String::new();
        for line in warnings.lines().filter(|line| line.starts_with('{')) {
            let entry: Value = serde_json::from_str(line)
                .map_err(|error| Failure::Otherwise(error.to_string()))?;
            let field = |name: &str| text_of(entry.get(name));
            let who = Some(field("SYSLOG_IDENTIFIER")).filter(|name| !name.is_empty());
            let (who, message) = (who.unwrap_or_else(|| field("_COMM")), field("MESSAGE"));
            every += &format!("<{}> {who}: {message}\n", field("PRIORITY"));
            let rule = ALLOWED
                .iter()
                .enumerate()
                .find(|(_, rule)| rule.who == who && message.contains(rule.text));
            let within = rule.is_some_and(|(at, rule)| {
                let count = counts.entry(at).or_default();
                *count += 1;
                *count <= rule.times
            });
            match rule {
                Some((_, rule)) if within => *expected.entry(rule.reason).or_default() += 1,
                _ => unexpected.push(format!("<{}> {who}: {message}", field("PRIORITY"))),
            }
        }
        let file = self.artefact("warnings.txt");
        std::fs::write(&file, every).map_err(Failure::host(&file))?;
        // What a profile forbids is a notice only.
        let denied = self
            .machine()?
            .ok_within("journalctl --no-pager -k -g 'apparmor=.DENIED' || true", patience)?;
        unexpected.extend(denied.lines().filter(|line| line.contains("DENIED")).map(str::to_owned));
        Failure::unless(unexpected.is_empty(), || {
            format!("{} unexpected:\n{}", unexpected.len(), unexpected.join("\n"))
        })?;
        Ok(expected
            .iter()
            .map(|(reason, count)| format!("{count} lines: {reason}"))
            .collect::<Vec<_>>()
            .join("\n"))
    }
}

/// A field of the journal: text, or bytes when it is not UTF-8.
fn text_of(field: Option<&Value>) -> String {
    match field {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(bytes)) => {
            let bytes: Vec<u8> =
                bytes.iter().filter_map(|byte| byte.as_u64()?.try_into().ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => String::new(),
    }
}
