//! A safe that comes from a backup: what is missing, and going on without it. PROTOCOL.md section 17.1.

use reconnect_format::{
    Signed, check,
    id::DeviceId,
    manifest::Manifest,
    statement::{Body, Statement},
};
use reconnect_log::Newest;

use super::log::{ended_until, look_up, some_ended};
use crate::{
    error::{Error, ServerMisbehaved, Told},
    log::Watch,
    place::LogPlace,
    world::World,
};

/// Where a chain went on from a backup without this number: the statement before, and the one that goes on.
pub(super) fn passed_over(
    statements: &[Signed<Statement>],
    number: u64,
) -> Option<(&Statement, &Statement)> {
    let mut pairs = statements.windows(2).filter_map(|pair| match pair {
        [before, next] => Some((before.body(), next.body())),
        _ => None,
    });
    pairs.find(|(before, next)| before.sequence < number && number < next.sequence)
}

/// By how much the number of a statement that goes on is higher than the one that the log names.
const LEAP: u64 = 100;

/// What is missing of a safe that comes from a backup.
pub(super) struct Lost {
    /// What the log names.
    named: Newest,
    /// Devices that the log says are retired.
    retired: Vec<DeviceId>,
    /// The newest number that this device remembers.
    remembered: u64,
    /// When the newest statement that is there was made.
    until: u64,
    /// How many numbers are missing.
    missing: u64,
}

impl Lost {
    /// Asks the log what it names of a safe, and which of its devices are retired. Where it names nothing newer, or the
    /// generation is over, there is nothing to go on from. BACKUP-8.
    pub(super) async fn find(
        watch: &mut Watch,
        world: &impl World,
        (place, manifest, statements): (&LogPlace, &Manifest, &[Signed<Statement>]),
        remembered: u64,
        own_device: bool,
    ) -> Result<Self, Error> {
        let asked = some_ended(place, statements, world);
        let looked = look_up(watch, world, place, (&asked, statements), own_device).await;
        let (witnessed, there) = looked?;
        let newest = manifest.sequence();
        ended_until(newest, &asked, &there, &witnessed)?;
        let named = witnessed.newest().filter(|it| it.sequence > newest);
        let named = named.ok_or(ServerMisbehaved::Withheld)?;
        let devices: Vec<_> = manifest.devices().map(|(device_id, _)| device_id).collect();
        let mark = |device_id: &DeviceId| place.retired(manifest.account_id(), *device_id).index;
        let marks: Vec<_> = devices.iter().map(mark).collect();
        let looked = watch.look_up_marks(world, place.index(), &marks, own_device).await;
        let (_, there) = looked?;
        let is_retired = |there: &Option<Newest>| there.is_some() && check!(ContinuedMarks);
        let retired = devices.into_iter().zip(there).filter(|(_, there)| is_retired(there));
        Ok(Self {
            named,
            retired: retired.map(|(device_id, _)| device_id).collect(),
            remembered,
            until: statements.last().map_or(0, |newest| newest.body().made_at),
            missing: named.sequence - newest,
        })
    }

    /// What its person is told before anything is signed. BACKUP-9.
    pub(super) fn told(&self) -> Told {
        Told::FromBackup { until: self.until, missing: self.missing }
    }

    /// Whether the log says that this device is retired.
    pub(super) fn is_retired(&self, device_id: DeviceId) -> bool {
        self.retired.contains(&device_id)
    }

    /// Number and body of the statement that goes on. STMT-11.
    pub(super) fn going_on(self) -> (u64, Body) {
        let Newest { sequence, value } = self.named;
        let body = Body::Continue { sequence, value, retired: self.retired };
        // Far enough for what other devices remember that no batch of the log named.
        (sequence.saturating_add(LEAP).max(self.remembered.saturating_add(1)), body)
    }
}
