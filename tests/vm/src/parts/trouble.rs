//! What goes wrong in a hospital: the network, a lost key, a program that dies.

use std::time::Duration;

use crate::{
    Failure,
    console::dialogue,
    steps::{Part, Step},
    ward::{HEAD_SECONDS, PIN, Ward},
};

pub(super) const PART: Part = Part {
    name: "trouble",
    steps: &[
        Step { expected: "network down: login and sudo work, with a banner", run: network_down },
        Step { expected: "network up: the agent is connected again by itself", run: network_up },
        Step {
            expected: "a key that the server disables is refused within seconds, which are \
                measured",
            run: key_disabled,
        },
        Step { expected: "enabled again, it logs in", run: key_enabled },
        Step {
            expected: "agent killed at the question: in or refused, never stuck; then it works",
            run: agent_killed,
        },
        Step {
            expected: "key process killed at the question: in by a new one or refused; then it \
                works",
            run: key_process_killed,
        },
        Step {
            expected: "its file replaced, as in an upgrade: the key process goes on",
            run: replaced,
        },
    ],
};

fn network_down(ward: &mut Ward) -> Result<String, Failure> {
    ward.ok("ip link set ward0 down")?;
    let patience = Duration::from_secs(HEAD_SECONDS + 60);
    let expired = "wardkey --lang en status | grep -q expired";
    ward.machine()?.until_within("what the server signed to expire", expired, patience)?;
    ward.login("hanako")?;
    let screen = ward.until_seen("Offline. Age of the directory")?;
    ward.picture("console-offline")?;
    ward.sudo_in_shell()?;
    ward.logout("hanako")?;
    Ok(dialogue(&screen))
}

fn network_up(ward: &mut Ward) -> Result<String, Failure> {
    ward.ok("ip link set ward0 up")?;
    let seconds = ward.ok(&format!(
        "{CLOCK}; begin; for i in $(seq 1200); do wardkey --lang en status >/run/status && \
         ! grep -q expired /run/status && grep -q '(connected)' /run/status && break; sleep 0.1; \
         done; end; cat /run/status"
    ))?;
    Failure::unless(seconds.contains("(connected)"), || seconds.clone())?;
    Ok(format!("connected after {} s", seconds.lines().next().unwrap_or_default()))
}

/// Shell functions: `begin` ... `end` prints the seconds between them.
const CLOCK: &str = "begin() { t0=$(date +%s%N); }; \
    end() { awk -v a=\"$t0\" -v b=\"$(date +%s%N)\" 'BEGIN { printf \"%.2f\\n\", (b-a)/1e9 }'; }";

fn key_disabled(ward: &mut Ward) -> Result<String, Failure> {
    let key = hanakos_key(ward)?;
    // From the end of the administrator's command until the directory of the terminal has moved.
    let seconds = ward.ok(&format!(
        "{CLOCK}; \
         seq() {{ wardkey status --json | grep -o '\"seq\":[0-9]*' | sort | tr '\\n' ' '; }}
         old=$(seq); wardkey-server key disable {key} --reason 'lost on the bus' >/dev/null; begin
         for i in $(seq 100); do [ \"$(seq)\" != \"$old\" ] && break; done; end; \
         [ \"$(seq)\" != \"$old\" ]"
    ))?;
    // On real machines a tenth of a second; the emulator takes longer to ask than that.
    let measured: f64 = seconds.trim().parse().map_err(|_| Failure::Otherwise(seconds.clone()))?;
    Failure::unless(measured < 5.0, || format!("known at the terminal only after {measured} s"))?;
    // Said when the key has proved itself: no PIN is asked for.
    ward.fresh_login()?;
    ward.type_line("hanako")?;
    let screen = ward.until_seen("WK-1005")?;
    Ok(format!("known at the terminal after {seconds} s; {}", dialogue(&screen)))
}

fn hanakos_key(ward: &mut Ward) -> Result<String, Failure> {
    let list = ward.server_json("key list hanako")?;
    let keys = list.get("items").and_then(|keys| keys.as_array());
    let first = keys.and_then(|keys| keys.first());
    let name = first
        .and_then(|key| key.get("key").or_else(|| key.get("fingerprint")))
        .and_then(|key| key.as_str());
    name.map(str::to_owned).ok_or_else(|| Failure::Otherwise(format!("no key in {list}")))
}

fn key_enabled(ward: &mut Ward) -> Result<String, Failure> {
    let key = hanakos_key(ward)?;
    ward.server(&format!("key enable {key} --reason found"))?;
    ward.sync()?;
    ward.login("hanako")?;
    ward.logout("hanako")?;
    Ok(String::new())
}

fn agent_killed(ward: &mut Ward) -> Result<String, Failure> {
    ward.login_until_question("hanako")?;
    ward.ok("systemctl kill -s KILL wardkey-agent")?;
    ward.type_line(PIN)?;
    let end = ends_or_asks_for_touch(ward)?;
    ward.until("the agent to answer again", "wardkey status --json")?;
    ward.login("hanako")?;
    ward.logout("hanako")?;
    Ok(end)
}

fn key_process_killed(ward: &mut Ward) -> Result<String, Failure> {
    ward.login_until_question("hanako")?;
    ward.ok("systemctl kill -s KILL wardkey-key")?;
    ward.type_line(PIN)?;
    let end = ends_or_asks_for_touch(ward)?;
    ward.login("hanako")?;
    ward.logout("hanako")?;
    Ok(end)
}

fn replaced(ward: &mut Ward) -> Result<String, Failure> {
    ward.ok("cd /usr/libexec/wardkey && cp -a wardkey-key wardkey-key.next && \
         mv wardkey-key.next wardkey-key")?;
    // Each is served by a process of its own, started from the file that is no more.
    ward.ok(
        "for n in 1 2 3; do wardkey key info --json | grep -q '\"pin_tries\"' || exit 1; done",
    )?;
    ward.login("hanako")?;
    ward.logout("hanako")?;
    ward.ok("readlink /proc/$(systemctl show -p MainPID --value wardkey-key)/exe")
}

/// After something died: the login is refused with a code, or goes on to its end.
fn ends_or_asks_for_touch(ward: &mut Ward) -> Result<String, Failure> {
    for _ in 0..600 {
        let screen = ward.screen()?;
        if screen.contains("Please touch the key") && ward.until_touch_is_asked().is_ok() {
            ward.touch()?;
            for _ in 0..300 {
                let screen = ward.screen()?;
                if screen.contains("hanako@east3-desk1") {
                    return Ok("went on, and in".into());
                }
                if screen.contains("Login incorrect") {
                    return Ok(format!("refused after the touch: {}", dialogue(&screen)));
                }
            }
        }
        if screen.contains("Login incorrect") {
            return Ok(format!("refused: {}", dialogue(&screen)));
        }
    }
    Err(Failure::Late { what: "the login to end".into(), seconds: 60, seen: ward.screen()? })
}
