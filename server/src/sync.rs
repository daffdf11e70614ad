//! What is new in the caller's safe, as one state.

use axum::{Json, extract::State};
use futures_util::TryStreamExt as _;
use reconnect_format::{
    api::{CardEnvelope, Code, OwnerWrap, Problem, StoredReceipt, Sync, SyncFrom, Wrap},
    id::{AccountId, Base64, DocumentId, EnvelopeId, GrantId},
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    comeback, deposit,
    error::Result,
    gathered::{Gathered, gathered, rows},
    statement,
    wire::{Asked, PAGE_ROWS, Page, from_row, id, to_row},
};

/// Statements whose cards and wraps one answer takes.
pub(crate) const RECORDS: u64 = PAGE_ROWS as u64;

/// What is new in the caller's safe, as far as one answer goes. Statements come first: cards and
/// wraps are of statements that the caller has by then, whatever is written between two answers.
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
    let account: Option<(i64, i64)> = sqlx::query_as(
        "-- sync::sync
        select used_bytes, sequence from account where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let (used, head) = account.ok_or(Code::SessionEnded)?;
    let deposits = deposit::count(account_id, &app, &mut tx).await?;
    let statements = statement::page(account_id, from.statements_after, &mut tx).await?;
    let mut news = Sync {
        used_bytes: from_row(used),
        deposits,
        returns: comeback::shown(account_id, None, &app, &mut tx).await?,
        statements: statements.rows,
        records_until: from.records_after,
        more: true,
        ..Sync::default()
    };
    if statements.more {
        return Ok(Json(news));
    }
    let after = from.records_after;
    let until = after.saturating_add(RECORDS).min(from_row(head)).max(after);
    let receipts = receipts(account_id, from.receipts_after, &mut tx).await?;
    if after == 0 {
        news.earlier_roots = earlier_roots(account_id, &mut tx).await?;
    }
    news.owner_wraps = owner_wraps(account_id, (after, until), &mut tx).await?;
    news.wraps = wraps(account_id, (after, until), &mut tx).await?;
    news.cards = cards(account_id, (after, until), &mut tx).await?;
    news.records_until = until;
    news.more = receipts.more || until < from_row(head);
    news.receipts = receipts.rows;
    Ok(Json(news))
}

async fn earlier_roots(account_id: AccountId, tx: &mut AnyConnection) -> Result<Option<Base64>> {
    let roots: Option<Vec<u8>> = sqlx::query_scalar(
        "-- sync::earlier_roots
        select earlier_roots from account where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    Ok(roots.map(Base64))
}

/// The owner's own with each answer: wraps and cards are opened with it.
pub(crate) async fn owner_wraps(
    account_id: AccountId,
    (after, until): (u64, u64),
    tx: &mut AnyConnection,
) -> Result<Vec<OwnerWrap>> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- sync::owner_wraps
        select grant_id, owner_wrap from granted
        where account_id = $1 and (sequence > $2 and sequence <= $3 or structure_id is null)
        order by sequence",
    )
    .bind(account_id.as_bytes())
    .bind(to_row(after))
    .bind(to_row(until))
    .fetch_all(&mut *tx)
    .await?;
    read_owner_wraps(rows)
}

/// Reads grants and their secrets, as they are stored.
pub(crate) fn read_owner_wraps(rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Vec<OwnerWrap>> {
    rows.into_iter()
        .map(|(grant, wrap)| Ok(OwnerWrap { grant_id: id(&grant)?, wrap: Base64(wrap) }))
        .collect()
}

pub(crate) async fn wraps(
    account_id: AccountId,
    (after, until): (u64, u64),
    tx: &mut AnyConnection,
) -> Result<Vec<Wrap>> {
    let gathered: Gathered = gathered!(
        tx,
        "sync::wraps",
        ("w.grant_id || w.envelope_id", "w.wrap"),
        "envelope e
        join wrap w on w.envelope_id = e.envelope_id
        join granted g on g.grant_id = w.grant_id
        where e.account_id = $1 and e.sequence > $2 and e.sequence <= $3
          and g.account_id = $1 and g.structure_id is null"
    )
    .bind(account_id.as_bytes())
    .bind(to_row(after))
    .bind(to_row(until))
    .fetch_one(&mut *tx)
    .await?;
    rows(&gathered, GrantId::SIZE_BYTES + EnvelopeId::SIZE_BYTES)?
        .into_iter()
        .map(|(ids, wrap)| {
            let (grant, envelope) = ids.split_at(GrantId::SIZE_BYTES);
            Ok(Wrap {
                grant_id: id(grant)?,
                envelope_id: id(envelope)?,
                wrap: Base64(wrap.to_vec()),
            })
        })
        .collect()
}

async fn cards(
    account_id: AccountId,
    (after, until): (u64, u64),
    tx: &mut AnyConnection,
) -> Result<Vec<CardEnvelope>> {
    let gathered: Gathered = gathered!(
        tx,
        "sync::cards",
        ("d.document_id", "e.whole"),
        "document d
        join envelope e on e.envelope_id = d.card_id
        where d.account_id = $1 and d.card_sequence > $2 and d.card_sequence <= $3"
    )
    .bind(account_id.as_bytes())
    .bind(to_row(after))
    .bind(to_row(until))
    .fetch_one(&mut *tx)
    .await?;
    rows(&gathered, DocumentId::SIZE_BYTES)?
        .into_iter()
        .map(|(document, card)| {
            Ok(CardEnvelope { document_id: id(document)?, envelope: Base64(card.to_vec()) })
        })
        .collect()
}

async fn receipts(
    account_id: AccountId,
    after: u64,
    tx: &mut AnyConnection,
) -> Result<Page<StoredReceipt>> {
    let mut rows = sqlx::query_as::<_, (i64, i64, Vec<u8>, Vec<u8>)>(
        "-- sync::receipts
        select r.number, r.received_at, r.bytes, c.bytes
        from receipt r
        join certificate c on c.structure_id = r.structure_id and c.serial = r.serial
        where r.account_id = $1 and r.number > $2
        order by r.number limit $3",
    )
    .bind(account_id.as_bytes())
    .bind(to_row(after))
    .bind(Page::<StoredReceipt>::limit())
    .fetch(&mut *tx);
    let mut page = Page::new();
    while let Some((number, received_at, receipt, certificate)) = rows.try_next().await? {
        let bytes = receipt.len() + certificate.len();
        let stored = StoredReceipt {
            number: from_row(number),
            received_at: from_row(received_at),
            receipt: Base64(receipt),
            certificate: Base64(certificate),
        };
        if !page.take(stored, bytes) {
            break;
        }
    }
    Ok(page)
}
