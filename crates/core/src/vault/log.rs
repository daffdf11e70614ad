//! What the log says of this safe and of structures, compared with the chains that were shown.
//! LOG-10, LOG-11, LOG-12.

use rand_core::Rng as _;
use reconnect_format::{
    Signed, check,
    id::StructureId,
    log::structure_index,
    statement::{Body, Signer, Statement},
};
use reconnect_log::{Carried, Newest, Witnessed};

use super::{Vault, continued};
use crate::{
    error::{Error, ServerMisbehaved, Unchecked},
    log::Watch,
    place::{LogPlace, Mark},
    recipient::{Recipient, named_by},
    world::World,
};

/// For so long after its first statement, by witnessed time, a safe may not stand in the log yet.
pub(super) const ABSENT_SECONDS: u64 = 600;

/// Up to which statement a safe is in the log, or why nobody knows.
pub(super) type Head = Result<u64, Unchecked>;

/// How many of the last things that were retired are asked about on unlock, and how many of those
/// before, drawn at random.
const MARKS: usize = 16;

/// What a statement says is over, as the log is to say it.
pub(super) struct Ended {
    /// Of the statement that says so.
    sequence: u64,
    made_at: u64,
    mark: Mark,
}

/// What statements after one ended: devices that they retired, and generations.
fn ended(place: &LogPlace, statements: &[Signed<Statement>], after: u64) -> Vec<Ended> {
    let mark = |statement: &Statement| {
        let account_id = statement.account_id;
        let mark = match &statement.body {
            Body::RetireDevice { device_id } => place.retired(account_id, *device_id),
            Body::NewGeneration { keys, .. } => {
                place.over(account_id, keys.generation.checked_sub(1)?, &keys.signing)
            }
            _ => return None,
        };
        Some(Ended { sequence: statement.sequence, made_at: statement.made_at, mark })
    };
    let overruled = overruled(statements);
    let is_so = |it: &&Statement| {
        let within = |(from, to): &(u64, u64)| (*from..*to).contains(&it.sequence);
        it.sequence > after && !overruled.iter().any(within)
    };
    statements.iter().map(Signed::body).filter(is_so).filter_map(mark).collect()
}

/// Between which statements a chain was overruled: what whoever had its root said there has perhaps no mark, and the
/// log says nothing of it. GUARD-9.
fn overruled(statements: &[Signed<Statement>]) -> Vec<(u64, u64)> {
    let set = |wanted| {
        let mut all = statements.iter().map(Signed::body);
        all.find(|it| matches!(it.body, Body::SetLock { lock_id, .. } if lock_id == wanted))
    };
    let by = statements.iter().map(Signed::body).filter_map(|it| match it.signer {
        Signer::Guardians { lock_id } => Some((set(lock_id)?.sequence + 1, it.sequence)),
        _ => None,
    });
    by.collect()
}

/// Where the log would say that the newest generation of a chain is over: then this is not the chain.
fn own_generation(place: &LogPlace, statements: &[Signed<Statement>]) -> Option<Mark> {
    let newest = statements.iter().rev().find_map(|it| match &it.body().body {
        Body::Open { keys } | Body::NewGeneration { keys, .. } => {
            Some((it.body().account_id, keys))
        }
        _ => None,
    });
    // Whatever stands there: it is of no root that this chain names.
    newest.map(|(account_id, keys)| place.over(account_id, keys.generation, &keys.signing))
}

/// Those that are asked about on unlock: the last, and of the others some. LOG-20.
pub(super) fn some_ended(
    place: &LogPlace,
    statements: &[Signed<Statement>],
    world: &impl World,
) -> Vec<Ended> {
    let mut others = ended(place, statements, 0);
    let mut some = others.split_off(others.len().saturating_sub(MARKS));
    let mut rng = world.rng();
    for _ in 0..MARKS.min(others.len()) {
        let drawn = rng.next_u64() % others.len() as u64;
        some.push(others.swap_remove(usize::try_from(drawn).unwrap_or(0)));
    }
    some
}

/// Compares a safe's chain with the log, before anything is signed or shown. Not being able to is no
/// error: the safe opens, and says so. LOG-11.
pub(super) async fn check_head(
    watch: &mut Watch,
    world: &impl World,
    place: &LogPlace,
    statements: &[Signed<Statement>],
    own_device: bool,
) -> Result<Head, Error> {
    let asked = some_ended(place, statements, world);
    match look_up(watch, world, place, (&asked, statements), own_device).await {
        Ok((witnessed, there)) => match safe_until(place, statements, &witnessed) {
            Ok(until) => ended_until(until, &asked, &there, &witnessed).map(Ok),
            Err(Error::Unchecked(unchecked)) => Ok(Err(unchecked)),
            Err(error) => Err(error),
        },
        Err(Error::Unchecked(unchecked)) => Ok(Err(unchecked)),
        Err(error) => Err(error),
    }
}

/// Looks a safe up, with marks of what it ended, and that of its newest generation, beside it; whether each
/// of the first is there. LOG-20.
pub(super) async fn look_up(
    watch: &mut Watch,
    world: &impl World,
    place: &LogPlace,
    (asked, statements): (&[Ended], &[Signed<Statement>]),
    own_device: bool,
) -> Result<(Witnessed, Vec<bool>), Error> {
    let own = own_generation(place, statements);
    let marks: Vec<_> = own.iter().chain(asked.iter().map(|it| &it.mark)).collect();
    let indices: Vec<_> = marks.iter().map(|mark| mark.index).collect();
    let looked = watch.look_up_marks(world, place.index(), &indices, own_device).await;
    let (witnessed, there) = looked?;
    let (own, there) = there.split_at(usize::from(own.is_some()));
    let is = asked.iter().zip(there).map(|(ended, there)| ended.mark.is(there.as_ref()));
    let is: Result<Vec<_>, _> = is.collect();
    let sound = is.is_ok() && own.iter().all(Option::is_none);
    if check!(MarkLogged) && !sound {
        return Err(ServerMisbehaved::Withheld.into());
    }
    Ok((witnessed, is.unwrap_or_else(|_| vec![true; asked.len()])))
}

/// Up to which statement a safe is in the log with the marks of what it ended, where the log names statement
/// `until`. LOG-20.
pub(super) fn ended_until(
    until: u64,
    asked: &[Ended],
    there: &[bool],
    witnessed: &Witnessed,
) -> Result<u64, Error> {
    let mut safe = until;
    let missing = asked.iter().zip(there).filter(|(_, there)| !**there && check!(MarkLogged));
    for (ended, _) in missing {
        let is_late = witnessed.time() > ended.made_at.saturating_add(ABSENT_SECONDS);
        if is_late && ended.sequence <= until {
            return Err(ServerMisbehaved::Withheld.into());
        }
        safe = safe.min(ended.sequence - 1);
    }
    Ok(safe)
}

/// Which statement of a safe's chain the log names. LOG-11.
fn safe_until(
    place: &LogPlace,
    statements: &[Signed<Statement>],
    witnessed: &Witnessed,
) -> Result<u64, Error> {
    if !check!(SafeLogged) {
        return Ok(statements.last().map_or(0, |newest| newest.body().sequence));
    }
    let Some(Newest { sequence, value }) = witnessed.newest() else {
        let opened = statements.first().map_or(0, |first| first.body().made_at);
        let is_new = witnessed.time() <= opened.saturating_add(ABSENT_SECONDS);
        return if is_new { Ok(0) } else { Err(ServerMisbehaved::Withheld.into()) };
    };
    let named = numbered(statements, sequence);
    if named.is_some_and(|it| place.value(sequence, &it.hash()) == value) {
        return Ok(sequence);
    }
    // The safe went on without what the log named until then, and the log does not say so yet.
    let before = continued::passed_over(statements, sequence).filter(|(_, statement)| {
        matches!(statement.body, Body::Continue { sequence: lost, value: its, .. }
            if (lost, its) == (sequence, value))
    });
    Err(before.map_or(ServerMisbehaved::Withheld.into(), |_| Unchecked::Behind.into()))
}

/// The statement of a chain that has this number.
pub(super) fn numbered(
    statements: &[Signed<Statement>],
    number: u64,
) -> Option<&Signed<Statement>> {
    let at = statements.binary_search_by_key(&number, |it| it.body().sequence).ok()?;
    statements.get(at)
}

impl Vault {
    /// Takes in what is new. While the log does not name the newest statement, it is looked up
    /// before: what somebody else writes meanwhile is then in the chain too. LOG-12.
    pub async fn look(&mut self, world: &impl World) -> Result<(), Error> {
        if self.is_safe() {
            return self.sync(world).await;
        }
        let known = self.manifest.sequence();
        let asked = match self.head {
            Ok(until) => ended(&self.place, &self.statements, until),
            Err(_) => some_ended(&self.place, &self.statements, world),
        };
        let shown = (asked.as_slice(), self.statements.as_slice());
        let looked = look_up(&mut self.watch, world, &self.place, shown, self.kept).await;
        self.sync(world).await?;
        match looked {
            Ok((witnessed, there)) => {
                let until = match safe_until(&self.place, &self.statements, &witnessed) {
                    Err(Error::Unchecked(unchecked)) => {
                        self.head = Err(unchecked);
                        return Ok(());
                    }
                    until => until?,
                };
                let until = ended_until(until, &asked, &there, &witnessed)?;
                // What somebody else retired meanwhile was not asked about.
                let unasked = ended(&self.place, &self.statements, known).into_iter().next();
                self.head = Ok(unasked.map_or(until, |it| until.min(it.sequence - 1)));
            }
            // What was checked when the safe was opened stays checked.
            Err(Error::Unchecked(unchecked)) => self.head = self.head.or(Err(unchecked)),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Compares what a square carried with the log. Where the log does not answer, the next look-up
    /// asks again. LOG-17.
    pub async fn heed(&mut self, world: &impl World, carried: Carried) -> Result<(), Error> {
        self.watch.carry(carried);
        match self.watch.look_up(world, self.place.index(), self.kept).await {
            Ok(_) | Err(Error::Unchecked(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What a square that is drawn here holds: its text, and the newest checkpoint. LOG-16.
    pub fn square(&self, text: &str) -> String {
        Carried::beside(text, self.watch.carried().as_ref())
    }

    /// Seconds since 1970, by which ends are judged: the device's clock, or witnessed time where that is
    /// ahead of it. A clock that is set back brings nothing back. FRESH-5.
    pub fn time(&self, world: &impl World) -> u64 {
        let witnessed = if check!(WitnessedTime) { self.watch.time() } else { 0 };
        world.now().max(witnessed)
    }

    /// Up to which statement the log has this safe. LOG-12.
    pub fn safe_until(&self) -> u64 {
        self.head.unwrap_or(0)
    }

    /// Whether the log names the newest statement.
    pub fn is_safe(&self) -> bool {
        self.safe_until() >= self.manifest.sequence()
    }

    /// Why the log could not be compared with this safe since it was opened. LOG-11.
    pub fn unchecked(&self) -> Option<Unchecked> {
        self.head.err()
    }

    /// Nothing is given to anybody from a safe that the log could not be compared with: a grant
    /// that was taken back may stand in it. LOG-11.
    pub(super) async fn check_safe(&mut self, world: &impl World) -> Result<(), Error> {
        if check!(SafeChecked) && self.head.is_err() {
            Box::pin(self.look(world)).await?;
            self.head?;
        }
        Ok(())
    }

    /// Looks a structure up, and compares what the log names with the chain that was shown: a
    /// statement that came meanwhile is in it when it is asked for again. LOG-10.
    pub(super) async fn witness(
        &mut self,
        world: &impl World,
        structure_id: StructureId,
    ) -> Result<(), Error> {
        let index = structure_index(structure_id);
        let looked = match self.watch.look_up(world, index, self.kept).await {
            Ok(witnessed) => {
                let chain = self.chains.get(&structure_id).ok_or(Error::NotFound)?;
                if named_by(chain, &witnessed).is_err() {
                    self.fetch_structure(world, structure_id).await?;
                    let chain = self.chains.get(&structure_id).ok_or(Error::NotFound)?;
                    if let Err(error) = named_by(chain, &witnessed) {
                        // Nothing goes on with a chain that the log contradicts.
                        self.chains.remove(&structure_id);
                        self.witnessed.remove(&structure_id);
                        return Err(error);
                    }
                }
                Ok(witnessed)
            }
            Err(Error::Unchecked(unchecked)) => Err(unchecked),
            Err(error) => return Err(error),
        };
        self.witnessed.insert(structure_id, looked);
        Ok(())
    }

    /// Whether the log has named the newest statement of the chain that was shown.
    pub fn is_witnessed(&self, structure_id: StructureId) -> bool {
        let (chain, looked) = (self.chains.get(&structure_id), self.witnessed.get(&structure_id));
        match (chain, looked) {
            (Some(chain), Some(Ok(witnessed))) => named_by(chain, witnessed) == Ok(chain.head().0),
            _ => false,
        }
    }

    /// A structure's newest key, if its chain, this safe and the log agree on it. GRANT-5, LOG-10.
    pub(super) fn recipient(&self, structure_id: StructureId) -> Result<Recipient, Error> {
        let chain = self.chains.get(&structure_id).ok_or(Error::NotFound)?;
        let looked = self.witnessed.get(&structure_id).ok_or(Unchecked::Unanswered)?;
        let witnessed = looked.as_ref().map_err(|unchecked| *unchecked)?;
        Recipient::of_structure(chain, &self.manifest, witnessed)
    }
}
