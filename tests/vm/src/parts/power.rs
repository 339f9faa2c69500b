//! The power fails in the middle of a sync.

use std::time::Duration;

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
        Step { expected: "with the network down, hanako logs in from what was on the disk", run: logs_in_offline },
        Step { expected: "with the network up, the directory is completed", run: completes },
    ],
};

fn cut(ward: &mut Ward) -> Result<String, Failure> {
    // The cable is out while the server takes the people in, so that the fetching begins when it is
    // plugged in again.
    ward.ok("ip link set ward0 down")?;
    let import = format!(
        "(echo login,name,language,scopes,groups,valid_from,valid_until
          for i in $(seq {PEOPLE}); do echo \"p$i,Person $i,en,east3,,,\"; done) >/tmp/people.csv
         wardkey-server person import /tmp/people.csv --reason 'the whole hospital'; sync"
    );
    ward.machine()?.ok_within(&import, Duration::from_secs(180))?;
    ward.ok("ip link set ward0 up")?;
    // Something has arrived, and not all is applied.
    let received = "[ $(ip -s -j link show ward0 | grep -o '\"rx\":{\"bytes\":[0-9]*' | grep -o '[0-9]*$') -gt $(($(cat /run/received) + 100000)) ]";
    ward.ok("ip -s -j link show ward0 | grep -o '\"rx\":{\"bytes\":[0-9]*' | grep -o '[0-9]*$' >/run/received")?;
    ward.machine()?.until_within("data to arrive", received, Duration::from_secs(120))?;
    let status = ward.status()?;
    ward.take_machine()?.cut_power();
    let people: Vec<_> = status
        .get("scopes")
        .and_then(|scopes| scopes.as_array())
        .into_iter()
        .flatten()
        .filter_map(|scope| scope.get("people")?.as_u64())
        .collect();
    Failure::unless(people.iter().all(|count| *count < PEOPLE as u64), || {
        format!("the sync was over before the power failed: {people:?} people")
    })?;
    Ok(format!("at that moment the terminal had {people:?} people of its scopes"))
}

fn boots_again(ward: &mut Ward) -> Result<String, Failure> {
    let target = if ward.options.display { "graphical.target" } else { "multi-user.target" };
    let seconds = ward.boot(target)?;
    ward.ok("ip link set ward0 down")?;
    no_unit_failed(ward)?;
    ward.until("the agent to answer", "wardkey status --json")?;
    Ok(format!("{seconds:.1} s"))
}

fn logs_in_offline(ward: &mut Ward) -> Result<String, Failure> {
    ward.plug("hanako", Port::Uhid)?;
    let status = ward.status()?;
    ward.login("hanako")?;
    ward.logout("hanako")?;
    Ok(format!("scopes on the disk: {}", status.get("scopes").unwrap_or(&status)))
}

fn completes(ward: &mut Ward) -> Result<String, Failure> {
    ward.ok("ip link set ward0 up")?;
    let all = format!("wardkey status --json | grep -q '\"people\":{}'", PEOPLE + 2);
    ward.machine()?.until_within("all people", &all, Duration::from_secs(240))?;
    ward.login("hanako")?;
    ward.logout("hanako")?;
    Ok(format!("{} people", PEOPLE + 2))
}
