//! Invitations into a structure: made by its manager, answered once, over after a day.

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    api::{Code, InvitationState, Invitations, Invite, Join, Problem},
    decode,
    id::{Base64, InvitationId, StructureId},
    statement::Attested,
    structure::{AuthenticatedJoin, Invitation},
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    effect::role_row,
    error::Result,
    member::{learn, managed},
    structure::Done,
    wire::{Named, Sent, to_row},
};

/// Longest life of an invitation, with an hour for clocks that differ.
const LIFE_SECONDS: u64 = 25 * 3600;
/// Invitations that one structure may have open.
const OPEN: i64 = 200;
/// A secret of 16 bytes and a name, sealed.
const KEPT_MAX_BYTES: usize = 1024;
/// A key package with its proof, and a name, sealed.
const JOIN_MAX_BYTES: usize = 64 * 1024;

/// Makes an invitation.
#[utoipa::path(
    post, path = "/v1/structures/{structure_id}/invitations",
    params(("structure_id" = String, Path)), request_body = Invite,
    responses((status = 201, body = Done), (status = "default", body = Problem))
)]
pub(crate) async fn invite(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Sent(invite): Sent<Invite>,
) -> Result<(StatusCode, Json<Done>)> {
    let now = app.clock.now();
    app.disk.check_room(0)?;
    learn(structure_id, caller, &app).await?;
    transaction!(app.db, "invitation::invite", |tx| {
        managed(structure_id, caller, &app, tx).await?;
        let (signed, device) = Attested::open::<Invitation>(&invite.invitation.0)?;
        let invitation = signed.body();
        let sound = device.account_id == caller.account_id
            && invitation.structure_id == structure_id
            && invitation.ends_at > now
            && invitation.ends_at <= now + LIFE_SECONDS
            && invite.kept.0.len() <= KEPT_MAX_BYTES;
        if !sound {
            return Err(Code::Refused.into());
        }
        insert(invitation, &invite, now, tx).await
    })?;
    Ok((StatusCode::CREATED, Json(Done {})))
}

async fn insert(
    invitation: &Invitation,
    invite: &Invite,
    now: u64,
    tx: &mut AnyConnection,
) -> Result<()> {
    let open: i64 = sqlx::query_scalar(
        "-- invitation::insert
        select count(*) from invitation where structure_id = $1 and used = 0 and ends_at > $2",
    )
    .bind(invitation.structure_id.as_bytes())
    .bind(to_row(now))
    .fetch_one(&mut *tx)
    .await?;
    if open >= OPEN {
        return Err(crate::error::Error::Wait(Code::TooManyRequests, 3600));
    }
    let stored = sqlx::query(
        "-- invitation::insert
        insert into invitation (invitation_id, structure_id, ends_at, role, used, bytes, kept,
          joiner, answer)
        values ($1, $2, $3, $4, 0, $5, $6, null, null)
        on conflict (invitation_id) do update set kept = $6
        where invitation.structure_id = $2 and invitation.bytes = $5 and invitation.kept = $6",
    )
    .bind(invitation.invitation_id.as_bytes())
    .bind(invitation.structure_id.as_bytes())
    .bind(to_row(invitation.ends_at))
    .bind(role_row(invitation.role))
    .bind(invite.invitation.0.clone())
    .bind(invite.kept.0.clone())
    .execute(&mut *tx)
    .await?;
    if stored.rows_affected() == 1 { Ok(()) } else { Err(Code::Conflict.into()) }
}

/// The invitations of a structure that are not over, for its manager.
#[utoipa::path(
    get, path = "/v1/structures/{structure_id}/invitations",
    params(("structure_id" = String, Path)),
    responses((status = 200, body = Invitations), (status = "default", body = Problem))
)]
pub(crate) async fn list(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
) -> Result<Json<Invitations>> {
    type Row = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);
    let mut tx = app.db.snapshot().await?;
    managed(structure_id, caller, &app, &mut tx).await?;
    let rows: Vec<Row> = sqlx::query_as(
        "-- invitation::list
        select bytes, kept, answer from invitation
        where structure_id = $1 and used = 0 and (ends_at > $2 or answer is not null)
        order by ends_at, invitation_id",
    )
    .bind(structure_id.as_bytes())
    .bind(app.clock.now_row())
    .fetch_all(&mut *tx)
    .await?;
    let invitations = rows
        .into_iter()
        .map(|(invitation, kept, join)| InvitationState {
            invitation: Base64(invitation),
            kept: Base64(kept),
            join: join.map(Base64),
        })
        .collect();
    Ok(Json(Invitations { invitations }))
}

/// Answers an invitation: the first answer counts. The newcomer waits until a manager confirms.
#[utoipa::path(
    post, path = "/v1/invitations/{invitation_id}/join",
    params(("invitation_id" = String, Path)), request_body = Join,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn join(
    caller: Caller,
    State(app): State<App>,
    Named(invitation_id): Named<InvitationId>,
    Sent(join): Sent<Join>,
) -> Result<StatusCode> {
    let now = app.clock.now_row();
    let answer = decode::<AuthenticatedJoin>(&join.join.0);
    transaction!(app.db, "invitation::join", |tx| {
        let structure_id = open_for(invitation_id, &join, now, tx).await?;
        let Some(structure_id) = structure_id else { return Ok(()) };
        let request = answer.as_ref().map_err(|_| Code::Refused)?.request.clone();
        let sound = request.invitation_id == invitation_id
            && request.structure_id == structure_id
            && request.account_id == caller.account_id
            && request.device_id == caller.device_id
            && join.join.0.len() <= JOIN_MAX_BYTES;
        if !sound {
            return Err(Code::Refused.into());
        }
        take_in(invitation_id, structure_id, (&join, caller), tx).await
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// The structure of an invitation that waits for an answer; `None` when it has this one already.
async fn open_for(
    invitation_id: InvitationId,
    join: &Join,
    now: i64,
    tx: &mut AnyConnection,
) -> Result<Option<StructureId>> {
    let row: Option<(Vec<u8>, i64, Option<Vec<u8>>)> = sqlx::query_as(
        "-- invitation::open_for
        select structure_id, ends_at, answer from invitation where invitation_id = $1",
    )
    .bind(invitation_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let (structure, ends_at, answer) = row.ok_or(Code::NotFound)?;
    match answer {
        Some(answer) if answer == join.join.0 => Ok(None),
        Some(_) => Err(Code::InvitationUsed.into()),
        None if ends_at <= now => Err(Code::InvitationEnded.into()),
        None => Ok(Some(crate::wire::id(&structure)?)),
    }
}

async fn take_in(
    invitation_id: InvitationId,
    structure_id: StructureId,
    (join, caller): (&Join, Caller),
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- invitation::take_in
        update invitation set joiner = $1, answer = $2 where invitation_id = $3",
    )
    .bind(caller.account_id.as_bytes())
    .bind(join.join.0.clone())
    .bind(invitation_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "-- invitation::take_in
        insert into member (structure_id, account_id, confirmed, serial, number, ends_at)
        values ($1, $2, 0, null, null, null)
        on conflict do nothing",
    )
    .bind(structure_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    let waiting: i64 = sqlx::query_scalar(
        "-- invitation::take_in
        select count(*) from member
        where structure_id = $1 and account_id = $2 and confirmed = 0",
    )
    .bind(structure_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    // Who is a member already does not use an invitation up.
    if waiting == 1 { Ok(()) } else { Err(Code::Conflict.into()) }
}
