//! The marks: the least that this machine still accepts, raised by what was verified.

use wardkey_core::code::Code;
use wardkey_core::marks::Marks;
use wardkey_core::server_time::Attested;
use wardkey_core::snapshot::Snapshot;

use crate::refusal::Refusal;
use crate::world::World;

/// Raises marks and clock to what a snapshot shows, and does `more` to them.
pub fn raise(
    world: &World<'_>,
    snapshot: &Snapshot,
    time: Option<&Attested>,
    more: &dyn Fn(&mut Marks),
) -> Result<(), Refusal> {
    let reading = world.machine.clock()?;
    let raise = |marks: &mut Marks| {
        snapshot.raise(marks);
        let signed =
            time.map_or(snapshot.signed_time(), |time| time.signed().max(snapshot.signed_time()));
        marks.floor = marks.floor.raised(signed, &reading);
        more(marks);
    };
    world.machine.raise_marks(&raise).map_err(|error| Refusal::new(Code::MarksNotRaised, error))
}

/// Notes what was verified and how late it is, before it is judged: a login that is refused must
/// not be allowed after a reboot with the clock set back.
pub fn note_verified(world: &World<'_>, snapshot: &Snapshot, time: Option<&Attested>) {
    if let Err(error) = raise(world, snapshot, time, &|_| {}) {
        world.journal.error(&format!(
            "{}: marks were not raised: {}",
            Code::MarksNotRaised,
            error.detail
        ));
    }
}
