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

#[cfg(test)]
mod tests {
    use anyhow::ensure;
    use reconnect_format::id::{AccountId, DeviceId};

    use super::*;
    use crate::{Clock, Config, db::transaction, error::Error};

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        config: Config,
    }

    #[tokio::test]
    async fn who_was_not_confirmed_is_told_so_and_belongs_to_nothing() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().to_string_lossy().into_owned();
        let command: Command = clap::Parser::try_parse_from(["reconnect", "--data", &data])?;
        let app = App::open(command.config, Clock::manual(1_000_000)).await?;
        let account_id = AccountId([9; 32]);
        transaction!(app.db, "test", |tx| {
            sqlx::query(
                "insert into account (account_id, sequence, head, used_bytes, receipt_count,
                  log_index, log_place)
                values ($1, 1, $1, 0, 0, $1, $1)",
            )
            .bind(account_id.as_bytes())
            .execute(&mut *tx)
            .await?;
            for (structure, confirmed) in [(1, 0), (2, 1)] {
                for insert in [
                    "insert into structure (structure_id, name, place, searched, founder,
                      sequence, epoch, key_id, acceptance, closed, mls_epoch, history)
                    values ($1, 'a', 'b', 'a b', $2, 1, 1, $1, $1, 0, 1, $1)",
                    "insert into member (structure_id, account_id, confirmed)
                    values ($1, $2, $3)",
                ] {
                    sqlx::query(insert)
                        .bind(vec![structure; 32])
                        .bind(account_id.as_bytes())
                        .bind(i64::from(confirmed))
                        .execute(&mut *tx)
                        .await?;
                }
            }
            Ok(())
        })?;
        let device_id = DeviceId([4; DeviceId::SIZE_BYTES]);
        let caller = Caller { account_id, device_id, token_hash: [0; 32] };
        let Json(told) = memberships(caller, State(app.clone())).await?;
        let told: Vec<_> =
            told.memberships.iter().map(|it| (it.structure_id.0[0], it.confirmed)).collect();
        ensure!(told == [(1, false), (2, true)], "{told:?}");
        for structure in [1, 3] {
            let learned = learn(StructureId([structure; 32]), caller, &app).await;
            ensure!(matches!(learned, Err(Error::Code(Code::NotFound))), "{learned:?}");
        }
        Ok(())
    }
}
