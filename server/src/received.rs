//! What structures were given, as their members see it before they open anything: that there are grants,
//! and who gave each, and why. No key leaves here, so no receipt is asked for.

use axum::{Json, extract::State};
use futures_util::TryStreamExt as _;
use reconnect_format::{
    api::{Code, FACES, Faces, FacesOf, GrantFace, Problem, Received, ReceivedFrom, ReceivedGrant},
    encode,
    grant::FACE_WRAP_BYTES,
    id::Base64,
    statement::DeviceProof,
};
use sqlx::AssertSqlSafe;

use crate::{
    app::App,
    caller::Caller,
    error::Result,
    generation::keys_proof,
    wire::{Asked, Page, Sent, from_row, id},
};

/// Grants that one answer lists: a row of it is short.
const LISTED: usize = 2000;

/// The live grants of the structures that the caller belongs to, as far as one answer goes.
#[utoipa::path(
    get, path = "/v1/received", params(ReceivedFrom),
    responses((status = 200, body = Received), (status = "default", body = Problem))
)]
pub(crate) async fn received(
    caller: Caller,
    State(app): State<App>,
    Asked(from): Asked<ReceivedFrom>,
) -> Result<Json<Received>> {
    let mut rows = sqlx::query_as::<_, (Vec<u8>, i64, i64, i64, Option<i64>)>(
        "-- received::received
        select g.grant_id, g.received_at, a.sequence, g.epoch, r.number
        from member m
        join structure s on s.structure_id = m.structure_id and s.acceptance is not null
        join granted g on g.structure_id = m.structure_id
          and g.account_id not in (select account_id from behind)
        join account a on a.account_id = g.account_id
        left join rewrap r on r.grant_id = g.grant_id and r.state = 1 and r.epoch = s.epoch
        where m.account_id = $1 and m.confirmed = 1 and m.ends_at > $2 and g.ends_at > $2
          and g.grant_id > $3
        order by g.grant_id limit $4",
    )
    .bind(caller.account_id.as_bytes())
    .bind(app.clock.now_row())
    .bind(from.after.map_or(Vec::new(), |after| after.0.to_vec()))
    .bind(Page::<ReceivedGrant>::limit_of(LISTED))
    .fetch(app.db.reader());
    let mut page = Page::of(LISTED);
    while let Some((grant_id, received_at, sequence, epoch, by)) = rows.try_next().await? {
        let grant = ReceivedGrant {
            grant_id: id(&grant_id)?,
            received_at: from_row(received_at),
            owner_sequence: from_row(sequence),
            epoch: from_row(epoch),
            rewrapped_by: by.and_then(|by| by.try_into().ok()),
        };
        if !page.take(grant, grant_id.len()) {
            break;
        }
    }
    let last = page.rows.last().map(|grant: &ReceivedGrant| grant.grant_id);
    Ok(Json(Received { next: last.filter(|_| page.more), grants: page.rows }))
}

/// Who gave, and why, as far as one answer goes. Whoever has no place in a grant's structure finds
/// nothing, whether or not there is one.
#[utoipa::path(
    post, path = "/v1/received/faces", request_body = FacesOf,
    responses((status = 200, body = Faces), (status = "default", body = Problem))
)]
pub(crate) async fn faces(
    caller: Caller,
    State(app): State<App>,
    Sent(asked): Sent<FacesOf>,
) -> Result<Json<Faces>> {
    type Row = (Vec<u8>, i64, Vec<u8>, Vec<u8>, Option<Vec<u8>>, Vec<u8>);
    if asked.grant_ids.len() > FACES {
        return Err(Code::BadRequest.into());
    }
    let marks: Vec<_> = (0..asked.grant_ids.len()).map(|place| format!("${}", place + 3)).collect();
    // Marks alone are put into the text.
    let text = format!(
        "-- received::faces
        select g.recipient_wrap, g.epoch, given.bytes, opening.bytes, k.path, device.bytes
        from member m
        join structure s on s.structure_id = m.structure_id and s.acceptance is not null
        join granted g on g.structure_id = m.structure_id
          and g.account_id not in (select account_id from behind)
        join statement given on given.account_id = g.account_id and given.sequence = g.sequence
        join statement opening on opening.account_id = g.account_id and opening.sequence = 1
        left join generation k on k.account_id = g.account_id and k.generation = given.generation
        join statement device on device.account_id = g.account_id
          and device.sequence = given.proof_sequence
        where m.account_id = $1 and m.confirmed = 1 and m.ends_at > $2 and g.ends_at > $2
          and g.grant_id in ({})
        order by g.grant_id",
        if marks.is_empty() { "null".to_owned() } else { marks.join(", ") }
    );
    let mut query = sqlx::query_as::<_, Row>(AssertSqlSafe(text))
        .bind(caller.account_id.as_bytes())
        .bind(app.clock.now_row());
    for grant_id in &asked.grant_ids {
        query = query.bind(grant_id.0.to_vec());
    }
    let mut rows = query.fetch(app.db.reader());
    let mut page = Page::of(FACES);
    while let Some((mut face, epoch, statement, opening, path, device)) = rows.try_next().await? {
        // What follows wraps the grant's key: it leaves for a receipt only. GRANT-11.
        face.truncate(FACE_WRAP_BYTES);
        let bytes = statement.len() + opening.len() + device.len() + face.len();
        let bytes = bytes + path.as_ref().map_or(0, Vec::len);
        let keys = keys_proof(opening, path)?;
        let face = GrantFace {
            statement: Base64(statement),
            proof: Base64(encode(&DeviceProof { keys, device })),
            face: Base64(face),
            epoch: from_row(epoch),
        };
        if !page.take(face, bytes) {
            break;
        }
    }
    Ok(Json(Faces { faces: page.rows }))
}
