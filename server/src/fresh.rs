//! Whether what a grantee was given is still so: what the log names of its owner's safe, and which
//! records stand in the manifest after that. No key leaves here, so no receipt is asked for.

use axum::{Json, extract::State};
use reconnect_format::{
    Unverified,
    api::{Code, FreshAsked, Freshness, LEAVES, LoggedHead, Problem},
    encode,
    id::{AccountId, Base64, GrantId},
    statement::{DeviceProof, Statement},
};

use crate::{
    app::App,
    caller::Caller,
    error::{Error, Result},
    generation::keys_proof,
    log, statement,
    wire::{Named, Sent, id, to_row},
};

/// What the log names, for those who may open the grant. FRESH-3.
#[utoipa::path(
    post, path = "/v1/received/{grant_id}/fresh", params(("grant_id" = String, Path)),
    request_body = FreshAsked,
    responses((status = 200, body = Freshness), (status = "default", body = Problem))
)]
pub(crate) async fn fresh(
    caller: Caller,
    State(app): State<App>,
    Named(grant_id): Named<GrantId>,
    Sent(asked): Sent<FreshAsked>,
) -> Result<Json<Freshness>> {
    let (leaves, []) = asked.leaves.0.as_chunks::<32>() else {
        return Err(Code::BadRequest.into());
    };
    if leaves.len() > LEAVES || !leaves.is_sorted_by(|before, after| before < after) {
        return Err(Code::BadRequest.into());
    }
    let (owner, index) = owner_of(caller, grant_id, &app).await?;
    // Of no other statement: nobody asks how the safe was.
    log::follow(&app).await?;
    let Some(sequence) = app.log.names(&index)? else {
        return Ok(Json(Freshness { logged: None }));
    };
    let logged = logged(owner, sequence, leaves.to_vec(), &app).await?;
    Ok(Json(Freshness { logged: logged.map(Box::new) }))
}

/// Whose grant it is that the caller may open, and where the log has that safe.
async fn owner_of(caller: Caller, grant_id: GrantId, app: &App) -> Result<(AccountId, Vec<u8>)> {
    let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- fresh::owner_of
        select g.account_id, a.log_index
        from member m
        join structure s on s.structure_id = m.structure_id and s.acceptance is not null
        join granted g on g.structure_id = m.structure_id
          and g.account_id not in (select account_id from behind)
        join account a on a.account_id = g.account_id
        where m.account_id = $1 and m.confirmed = 1 and m.ends_at > $2
          and g.grant_id = $3 and g.ends_at > $2",
    )
    .bind(caller.account_id.as_bytes())
    .bind(app.clock.now_row())
    .bind(grant_id.as_bytes())
    .fetch_optional(app.db.reader())
    .await?;
    let (owner, index) = row.ok_or(Code::NotFound)?;
    Ok((id(&owner)?, index))
}

/// The head of a statement, and where the leaves stand in the manifest after it; none where the
/// database, put back from a backup, does not have it.
async fn logged(
    owner: AccountId,
    sequence: u64,
    asked: Vec<[u8; 32]>,
    app: &App,
) -> Result<Option<LoggedHead>> {
    type Row = (Vec<u8>, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);
    let row: Option<Row> = sqlx::query_as(
        "-- fresh::logged
        select said.bytes, opening.bytes, k.path, device.bytes
        from statement said
        join statement opening on opening.account_id = said.account_id and opening.sequence = 1
        left join generation k on k.account_id = said.account_id
          and k.generation = said.generation
        left join statement device on device.account_id = said.account_id
          and device.sequence = said.proof_sequence
        where said.account_id = $1 and said.sequence = $2",
    )
    .bind(owner.as_bytes())
    .bind(to_row(sequence))
    .fetch_optional(app.db.reader())
    .await?;
    let Some((said, opening, path, device)) = row else { return Ok(None) };
    let manifest = statement::as_of(owner, sequence, app).await?;
    let head = Base64(Unverified::<Statement>::decode(&said)?.head());
    let keys = keys_proof(opening, path)?;
    let proof = match device {
        Some(device) => encode(&DeviceProof { keys, device }),
        None => encode(&keys),
    };
    let found = tokio::task::spawn_blocking(move || {
        LoggedHead::find(head, Base64(proof), &manifest.leaves(), &asked)
    });
    Ok(Some(found.await.map_err(|_| Error::Broken("a manifest could not be searched"))?))
}
