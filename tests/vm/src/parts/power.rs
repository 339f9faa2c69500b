//! The power fails in the middle of a sync.

use std::time::Duration;

use serde_json::Value;

use crate::{
    Failure,
    parts::install::no_unit_failed,
    steps::{Part, Step},
    ward::{Port, Ward},
};

/// Enough that fetching them takes a while.
const PEOPLE: usize = 4000;

pub(super) const PART: Part = Part {
    name: "power cut",
    steps: &[
        Step { expected: "the power fails while the terminal fetches 4000 new people", run: cut },
        Step { expected: "the machine boots again and no unit has failed", run: boots_again },
        Step {
            expected: "with the network down, hanako logs in from what was on the disk",
            run: logs_in_offline,
        },
        Step { expected: "with the network up, the directory is completed", run: completes },
    ],
};

fn cut(ward: &mut Ward) -> Result<String, Failure> {
    // The cable is out while the server takes the people in, so that the fetching begins when it is
    // plugged in again; and it is a slow one, so that there is a middle to hit.
    ward.ok("ip link set ward0 down
             ip netns exec server tc qdisc add dev server0 root tbf rate 1mbit burst 16kbit \
             latency 500ms")?;
    let import = format!(
        "(echo login,name,language,scopes,groups,valid_from,valid_until
          for i in $(seq {PEOPLE}); do echo \"p$i,Person $i,en,east3,,,\"; done) >/tmp/people.csv
         wardkey-server person import /tmp/people.csv --reason 'the whole hospital'; sync"
    );
    ward.machine()?.ok_within(&import, Duration::from_secs(180))?;
    // Data arrives; and then the agent begins to write what it has fetched.
    let fetching = "received() { cat /sys/class/net/ward0/statistics/rx_bytes; }
         begin=$(received); ip link set ward0 up
         for i in $(seq 600); do [ $(($(received) - begin)) -gt 60000 ] && break; sleep 0.1; done
         [ $(($(received) - begin)) -gt 60000 ]";
    ward.machine()?.ok_within(fetching, Duration::from_secs(120))?;
    let status = ward.status()?;
    let people = people_of(&status);
    Failure::unless(people.iter().all(|count| *count < PEOPLE as u64), || {
        format!("the sync was over before the power failed: {people:?} people")
    })?;
    let writing = "changed() { stat -c %y /var/lib/wardkey/directory.redb; }
         before=$(changed); for i in $(seq 6000); do \
         [ \"$(changed)\" != \"$before\" ] && exit 0; done; exit 1";
    ward.machine()?.ok_within(writing, Duration::from_secs(180))?;
    ward.take_machine()?.cut_power();
    Ok(format!("with {people:?} people of its scopes when data arrived, and as it began to write"))
}

fn people_of(status: &Value) -> Vec<u64> {
    let scopes = status.get("scopes").and_then(Value::as_array).into_iter().flatten();
    scopes.filter_map(|scope| scope.get("people")?.as_u64()).collect()
}

fn boots_again(ward: &mut Ward) -> Result<String, Failure> {
    let seconds = ward.boot("ward.cable=out")?;
    no_unit_failed(ward)?;
    ward.until("the agent to answer", "wardkey status --json")?;
    Ok(format!("{seconds:.1} s"))
}

fn logs_in_offline(ward: &mut Ward) -> Result<String, Failure> {
    ward.plug("hanako", Port::Uhid)?;
    let status = ward.status()?;
    ward.login("hanako")?;
    ward.logout("hanako")?;
    Ok(format!("people of its scopes on the disk: {:?}", people_of(&status)))
}

fn completes(ward: &mut Ward) -> Result<String, Failure> {
    ward.ok("ip link set ward0 up")?;
    let all = format!("wardkey status --json | grep -q '\"people\":{}'", PEOPLE + 2);
    ward.machine()?.until_within("all people", &all, Duration::from_secs(240))?;
    ward.login("hanako")?;
    ward.logout("hanako")?;
    Ok(format!("{} people", PEOPLE + 2))
}
