//! What is new in the caller's safe, as one state.

use axum::{Json, extract::State};
use reconnect_format::{
    api::{CardEnvelope, Code, OwnerWrap, Problem, StoredReceipt, Sync, SyncFrom, Wrap},
    id::{AccountId, Base64},
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    error::Result,
    wire::{Asked, from_row, id, to_row},
};

/// What is new in the caller's safe.
#[utoipa::path(
    get, path = "/v1/sync", params(SyncFrom),
    responses((status = 200, body = Sync), (status = "default", body = Problem))
)]
pub(crate) async fn sync(
    caller: Caller,
    State(app): State<App>,
    Asked(from): Asked<SyncFrom>,
) -> Result<Json<Sync>> {
    let account_id = caller.account_id;
    let mut tx = app.db.snapshot().await?;
    let used: Option<i64> = sqlx::query_scalar(
        "-- sync::sync
        select used_bytes from account where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    Ok(Json(Sync {
        used_bytes: from_row(used.ok_or(Code::SessionEnded)?),
        statements: statements(account_id, from.statements_after, &mut tx).await?,
        owner_wraps: owner_wraps(account_id, &mut tx).await?,
        wraps: wraps(account_id, from.records_after, &mut tx).await?,
        cards: cards(account_id, from.records_after, &mut tx).await?,
        receipts: receipts(account_id, from.receipts_after, &mut tx).await?,
    }))
}

async fn statements(
    account_id: AccountId,
    after: u64,
    tx: &mut AnyConnection,
) -> Result<Vec<Base64>> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- sync::statements
        select bytes from statement where account_id = $1 and sequence > $2 order by sequence",
    )
    .bind(account_id.as_bytes())
    .bind(to_row(after))
    .fetch_all(&mut *tx)
    .await?;
    Ok(rows.into_iter().map(Base64).collect())
}

async fn owner_wraps(account_id: AccountId, tx: &mut AnyConnection) -> Result<Vec<OwnerWrap>> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- sync::owner_wraps
        select grant_id, owner_wrap from granted where account_id = $1 order by sequence",
    )
    .bind(account_id.as_bytes())
    .fetch_all(&mut *tx)
    .await?;
    rows.into_iter()
        .map(|(grant, wrap)| Ok(OwnerWrap { grant_id: id(&grant)?, wrap: Base64(wrap) }))
        .collect()
}

async fn wraps(account_id: AccountId, after: u64, tx: &mut AnyConnection) -> Result<Vec<Wrap>> {
    let rows: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- sync::wraps
        select w.grant_id, w.envelope_id, w.wrap
        from envelope e
        join wrap w on w.envelope_id = e.envelope_id
        join granted g on g.grant_id = w.grant_id
        where e.account_id = $1 and e.sequence > $2
          and g.account_id = $1 and g.structure_id is null
        order by e.sequence",
    )
    .bind(account_id.as_bytes())
    .bind(to_row(after))
    .fetch_all(&mut *tx)
    .await?;
    rows.into_iter()
        .map(|(grant, envelope, wrap)| {
            Ok(Wrap { grant_id: id(&grant)?, envelope_id: id(&envelope)?, wrap: Base64(wrap) })
        })
        .collect()
}

async fn cards(
    account_id: AccountId,
    after: u64,
    tx: &mut AnyConnection,
) -> Result<Vec<CardEnvelope>> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- sync::cards
        select d.document_id, e.whole
        from document d
        join envelope e on e.envelope_id = d.card_id
        where d.account_id = $1 and d.card_sequence > $2
        order by d.card_sequence",
    )
    .bind(account_id.as_bytes())
    .bind(to_row(after))
    .fetch_all(&mut *tx)
    .await?;
    rows.into_iter()
        .map(|(document, card)| {
            Ok(CardEnvelope { document_id: id(&document)?, envelope: Base64(card) })
        })
        .collect()
}

async fn receipts(
    account_id: AccountId,
    after: u64,
    tx: &mut AnyConnection,
) -> Result<Vec<StoredReceipt>> {
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- sync::receipts
        select r.number, r.bytes, c.bytes
        from receipt r
        join certificate c on c.structure_id = r.structure_id and c.serial = r.serial
        where r.account_id = $1 and r.number > $2
        order by r.number",
    )
    .bind(account_id.as_bytes())
    .bind(to_row(after))
    .fetch_all(&mut *tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(number, receipt, certificate)| StoredReceipt {
            number: from_row(number),
            receipt: Base64(receipt),
            certificate: Base64(certificate),
        })
        .collect())
}
