//! How many guardians have vouched: people of one place are one. BACK-3.

use std::collections::BTreeSet;

use reconnect_format::{
    check,
    guardian::{GuardianName, Guardians},
    id::{AccountId, ReturnId, StructureId},
};
use sqlx::AnyConnection;

use super::Vouched;
use crate::{error::Result, wire::id};

/// Guardians that count as one.
pub(super) struct Group {
    /// Where they worked when they vouched.
    places: BTreeSet<StructureId>,
    /// Whether a structure among them says that it met the person.
    pub(super) is_structure_that_met: bool,
}

/// Those who vouched: two who worked in one structure when they did, guardian or not, are one, and so is what
/// others join.
pub(super) async fn groups(
    return_id: ReturnId,
    guardians: &Guardians,
    vouches: &[Vouched],
    tx: &mut AnyConnection,
) -> Result<Vec<Group>> {
    let worked: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "-- comeback::groups
        select number, structure_id from vouch_place where return_id = $1",
    )
    .bind(return_id.as_bytes())
    .fetch_all(&mut *tx)
    .await?;
    let mut groups: Vec<Group> = Vec::with_capacity(vouches.len());
    for vouch in vouches {
        let Some(one) = guardians.get(vouch.number) else { continue };
        let mine = worked.iter().filter(|(number, _)| *number == i64::from(vouch.number));
        let places = mine.map(|(_, structure)| id(structure)).collect::<Result<_>>()?;
        let is_structure = matches!(one.name, GuardianName::Structure { .. });
        let mut group = Group { places, is_structure_that_met: is_structure && vouch.met };
        let (joined, apart): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|it| check!(OnePlace) && !it.places.is_disjoint(&group.places));
        for it in joined {
            group.places.extend(it.places);
            group.is_structure_that_met |= it.is_structure_that_met;
        }
        groups = apart;
        groups.push(group);
    }
    Ok(groups)
}

/// Notes where an account works that vouches now.
pub(super) async fn note_places(
    (return_id, number): (ReturnId, u8),
    account_id: AccountId,
    now: i64,
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- comeback::note_places
        insert into vouch_place (return_id, number, structure_id)
        select $1, $2, structure_id from member
        where account_id = $3 and confirmed = 1 and ends_at > $4",
    )
    .bind(return_id.as_bytes())
    .bind(i64::from(number))
    .bind(account_id.as_bytes())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
