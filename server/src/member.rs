//! Members of structures: where a caller belongs, and what members see.

use axum::{Json, extract::State};
use reconnect_format::{
    api::{Code, Committed, Inside, InsideFrom, Membership, Memberships, Problem},
    id::{Base64, StructureId},
    structure::StructureChain,
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    chains,
    error::Result,
    wire::{Asked, Named, from_row, id, to_row},
};

/// Where the caller belongs.
#[utoipa::path(
    get, path = "/v1/memberships",
    responses((status = 200, body = Memberships), (status = "default", body = Problem))
)]
pub(crate) async fn memberships(
    caller: Caller,
    State(app): State<App>,
) -> Result<Json<Memberships>> {
    let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(
        "-- member::memberships
        select structure_id, confirmed from member where account_id = $1 order by structure_id",
    )
    .bind(caller.account_id.as_bytes())
    .fetch_all(app.db.reader())
    .await?;
    let memberships = rows
        .into_iter()
        .map(|(structure, confirmed)| {
            Ok(Membership { structure_id: id(&structure)?, confirmed: confirmed == 1 })
        })
        .collect::<Result<_>>()?;
    Ok(Json(Memberships { memberships }))
}

/// What the confirmed members of a structure see.
#[utoipa::path(
    get, path = "/v1/structures/{structure_id}/inside",
    params(("structure_id" = String, Path), InsideFrom),
    responses((status = 200, body = Inside), (status = "default", body = Problem))
)]
pub(crate) async fn inside(
    caller: Caller,
    State(app): State<App>,
    Named(structure_id): Named<StructureId>,
    Asked(from): Asked<InsideFrom>,
) -> Result<Json<Inside>> {
    let mut tx = app.db.snapshot().await?;
    let row: Option<(i64, Vec<u8>)> = sqlx::query_as(
        "-- member::inside
        select s.mls_epoch, s.history
        from member m
        join structure s on s.structure_id = m.structure_id
        where m.structure_id = $1 and m.account_id = $2 and m.confirmed = 1",
    )
    .bind(structure_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let (mls_epoch, history) = row.ok_or(Code::NotFound)?;
    let certificates: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- member::inside
        select bytes from certificate where structure_id = $1 and serial > $2 order by serial",
    )
    .bind(structure_id.as_bytes())
    .bind(to_row(from.certificates_after))
    .fetch_all(&mut *tx)
    .await?;
    let commits: Vec<(Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(
        "-- member::inside
        select bytes, request from mls_commit where structure_id = $1 and mls_epoch >= $2
        order by mls_epoch",
    )
    .bind(structure_id.as_bytes())
    .bind(to_row(from.commits_from))
    .fetch_all(&mut *tx)
    .await?;
    let welcome: Option<Vec<u8>> = sqlx::query_scalar(
        "-- member::inside
        select bytes from welcome
        where structure_id = $1 and account_id = $2 and device_id = $3 and joined_epoch > $4",
    )
    .bind(structure_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .bind(caller.device_id.as_bytes())
    .bind(to_row(from.commits_from))
    .fetch_optional(&mut *tx)
    .await?;
    let requests: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- member::inside
        select bytes from leaf_request where structure_id = $1 order by asked_at, device_id",
    )
    .bind(structure_id.as_bytes())
    .fetch_all(&mut *tx)
    .await?;
    let motions: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- member::inside
        select bytes from motion where structure_id = $1 order by made_at, mover, about",
    )
    .bind(structure_id.as_bytes())
    .fetch_all(&mut *tx)
    .await?;
    let committed = |(commit, request): (_, Option<_>)| Committed {
        commit: Base64(commit),
        request: request.map(Base64),
    };
    Ok(Json(Inside {
        mls_epoch: from_row(mls_epoch),
        certificates: certificates.into_iter().map(Base64).collect(),
        commits: commits.into_iter().map(committed).collect(),
        history: Base64(history),
        welcome: welcome.map(Base64),
        requests: requests.into_iter().map(Base64).collect(),
        motions: motions.into_iter().map(Base64).collect(),
    }))
}

/// The chain of a structure that the caller is a confirmed member of; 404 for everybody else.
pub(crate) async fn joined(
    structure_id: StructureId,
    caller: Caller,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<StructureChain> {
    let found: Option<i64> = sqlx::query_scalar(
        "-- member::joined
        select s.sequence from structure s
        join member m on m.structure_id = s.structure_id
        where s.structure_id = $1 and m.account_id = $2 and m.confirmed = 1",
    )
    .bind(structure_id.as_bytes())
    .bind(caller.account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    found.ok_or(Code::NotFound)?;
    chains::chain(structure_id, app, tx).await
}

/// Has a member's chain verified before a transaction that writes asks for it.
pub(crate) async fn learn(structure_id: StructureId, caller: Caller, app: &App) -> Result<()> {
    let mut tx = app.db.snapshot().await?;
    joined(structure_id, caller, app, &mut tx).await.map(drop)
}

/// The chain of a structure that the caller manages; 404 for everybody else.
pub(crate) async fn managed(
    structure_id: StructureId,
    caller: Caller,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<StructureChain> {
    let chain = joined(structure_id, caller, app, tx).await?;
    if chain.is_manager(caller.account_id) { Ok(chain) } else { Err(Code::NotFound.into()) }
}
