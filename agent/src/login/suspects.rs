//! Devices that claimed to be a registered key and did not prove it, as they are recorded.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::event::EventName;
use wardkey_core::message::agent::{LoginOutcome, Suspect};
use wardkey_core::name::printable;
use wardkey_ipc::Peer;

use crate::agent::Agent;
use crate::login::begun::base;

/// A device that proved nothing is recorded again after this time.
const SUSPECT_AGAIN: Duration = Duration::from_secs(24 * 3600);

/// Records devices that claimed to be a registered key without proof, each at most once a day.
pub fn record(agent: &Agent, peer: Peer, outcome: &LoginOutcome, suspects: &[Suspect]) {
    let mut events = Vec::new();
    for suspect in suspects {
        let Suspect { vendor, product, .. } = suspect;
        let [name, path, why] = [(&suspect.name, 64), (&suspect.path, 64), (&suspect.why, 128)]
            .map(|(text, most)| printable(text, most));
        // Anyone but root could make up any number of devices.
        let device = if peer.is_root() {
            format!("{vendor:04x}:{product:04x} {path} {name}")
        } else {
            String::new()
        };
        if !agent.is_due(&format!("device {} {device}", peer.uid), SUSPECT_AGAIN) {
            continue;
        }
        let mut event = base(agent, &outcome.login, None, peer.uid);
        event.name = EventName::DeviceSuspected;
        event.reason = Some(Code::DeviceNotProven);
        event.detail = Some(format!("{name} ({vendor:04x}:{product:04x}, {path}): {why}"));
        events.push(event);
    }
    if !events.is_empty() {
        agent.record(events);
    }
}
