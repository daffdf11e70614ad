//! Documents: which envelopes are live, and their bytes for their owner.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use reconnect_format::{
    api::{Code, Problem},
    envelope::EnvelopeRef,
    id::{AccountId, DocumentId, EnvelopeId, GrantId},
    manifest::Manifest,
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    download::{self, Access, Content},
    effect::{Effect, kind_row},
    error::{Error, Result},
    grant, upload,
    wire::{Named as Path, id, to_row},
};

/// A card or a thumbnail, checked against the statement that names it.
pub(crate) struct Small {
    pub(crate) named: EnvelopeRef,
    pub(crate) prefix: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

/// What a statement about a version names.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) document_id: DocumentId,
    pub(crate) content: &'a EnvelopeRef,
    pub(crate) is_new: bool,
}

/// Makes a version live: its content must have arrived whole, as the statement names it. What it
/// replaces goes. ENV-15.
pub(crate) async fn put_version(
    manifest: &Manifest,
    named: Named<'_>,
    effect: &Effect,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    let account_id = manifest.account_id();
    let replaced = if named.is_new {
        Vec::new()
    } else {
        envelopes_of(account_id, named.document_id, tx).await?
    };
    upload::make_live(manifest, named.document_id, named.content, tx).await?;
    insert_small(manifest, named.document_id, effect, app, tx).await?;
    let record = manifest.document(named.document_id).ok_or(Code::Refused)?;
    sqlx::query(
        "-- document::put_version
        insert into document (account_id, document_id, content_id, card_id, thumbnail_id, version,
          content_sequence, card_sequence)
        values ($1, $2, $3, $4, $5, $6, $7, $7)
        on conflict (account_id, document_id) do update set content_id = $3, card_id = $4,
          thumbnail_id = $5, version = $6, content_sequence = $7, card_sequence = $7",
    )
    .bind(account_id.as_bytes())
    .bind(named.document_id.as_bytes())
    .bind(record.content.envelope_id.as_bytes())
    .bind(record.card.envelope_id.as_bytes())
    .bind(record.thumbnail.as_ref().map(|named| named.envelope_id.as_bytes().to_vec()))
    .bind(i64::from(record.content.version))
    .bind(to_row(manifest.sequence()))
    .execute(&mut *tx)
    .await?;
    forget(account_id, &replaced, tx).await?;
    insert_wraps(account_id, effect, app, tx).await
}

/// Makes a new card live.
pub(crate) async fn put_card(
    manifest: &Manifest,
    document_id: DocumentId,
    effect: &Effect,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    let account_id = manifest.account_id();
    let replaced: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- document::put_card
        select card_id from document where account_id = $1 and document_id = $2",
    )
    .bind(account_id.as_bytes())
    .bind(document_id.as_bytes())
    .fetch_all(&mut *tx)
    .await?;
    insert_small(manifest, document_id, effect, app, tx).await?;
    let record = manifest.document(document_id).ok_or(Code::Refused)?;
    sqlx::query(
        "-- document::put_card
        update document set card_id = $1, card_sequence = $2
        where account_id = $3 and document_id = $4",
    )
    .bind(record.card.envelope_id.as_bytes())
    .bind(to_row(manifest.sequence()))
    .bind(account_id.as_bytes())
    .bind(document_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    let replaced: Vec<EnvelopeId> = replaced.iter().map(|row| id(row)).collect::<Result<_>>()?;
    forget(account_id, &replaced, tx).await?;
    insert_wraps(account_id, effect, app, tx).await
}

/// Removes a document with its envelopes and every wrap of their keys.
pub(crate) async fn remove(
    account_id: AccountId,
    document_id: DocumentId,
    tx: &mut AnyConnection,
) -> Result<()> {
    let gone = envelopes_of(account_id, document_id, tx).await?;
    sqlx::query(
        "-- document::remove
        delete from granted_document where document_id = $1
          and grant_id in (select grant_id from granted where account_id = $2)",
    )
    .bind(document_id.as_bytes())
    .bind(account_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    // Its row goes with its envelopes.
    forget(account_id, &gone, tx).await
}

async fn envelopes_of(
    account_id: AccountId,
    document_id: DocumentId,
    tx: &mut AnyConnection,
) -> Result<Vec<EnvelopeId>> {
    type Row = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);
    let row: Option<Row> = sqlx::query_as(
        "-- document::envelopes_of
        select content_id, card_id, thumbnail_id from document
        where account_id = $1 and document_id = $2",
    )
    .bind(account_id.as_bytes())
    .bind(document_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    let (content, card, thumbnail) = row.ok_or(Error::Broken("a live document has no row"))?;
    [Some(content), Some(card), thumbnail].iter().flatten().map(|row| id(row)).collect()
}

/// Stores cards and thumbnails, within the safe's limit.
async fn insert_small(
    manifest: &Manifest,
    document_id: DocumentId,
    effect: &Effect,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    let account_id = manifest.account_id();
    for small in &effect.small {
        upload::reserve(account_id, small.named.sealed_bytes, app, tx).await?;
        let stored = sqlx::query(
            "-- document::insert_small
            insert into envelope (envelope_id, account_id, document_id, kind, prefix, sealed_bytes,
              sequence, touched_at, whole)
            select $1, $2, $3, $4, $5, $6, $7, $8, $9
            where not exists (select 1 from doomed where envelope_id = $1)
            on conflict do nothing",
        )
        .bind(small.named.envelope_id.as_bytes())
        .bind(account_id.as_bytes())
        .bind(document_id.as_bytes())
        .bind(kind_row(small.named.kind))
        .bind(small.prefix.clone())
        .bind(to_row(small.named.sealed_bytes))
        .bind(to_row(manifest.sequence()))
        .bind(app.clock.now_row())
        .bind(small.bytes.clone())
        .execute(&mut *tx)
        .await?;
        if stored.rows_affected() != 1 {
            return Err(Code::Refused.into());
        }
    }
    Ok(())
}

/// Stores the wraps that came, when all that must be there are: those of the owner, and of every
/// grant that is still answered.
async fn insert_wraps(
    account_id: AccountId,
    effect: &Effect,
    app: &App,
    tx: &mut AnyConnection,
) -> Result<()> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- document::insert_wraps
        select grant_id from granted
        where account_id = $1 and ends_at > $2
          and (structure_id is null or recipient_wrap is not null)",
    )
    .bind(account_id.as_bytes())
    .bind(app.clock.now_row())
    .fetch_all(&mut *tx)
    .await?;
    let live: Vec<GrantId> = rows.iter().map(|row| id(row)).collect::<Result<_>>()?;
    let complete =
        effect.required.iter().all(|key| effect.wraps.contains_key(key) || !live.contains(&key.0));
    if !complete {
        return Err(Code::Refused.into());
    }
    let kept = effect
        .wraps
        .iter()
        .filter(|((grant_id, _), _)| live.contains(grant_id))
        .map(|(key, wrap)| (*key, wrap.clone()))
        .collect();
    grant::insert_wraps(&kept, tx).await
}

/// Removes envelopes with their wraps; what is a blob is left to the sweep.
pub(crate) async fn forget(
    account_id: AccountId,
    envelopes: &[EnvelopeId],
    tx: &mut AnyConnection,
) -> Result<()> {
    for envelope_id in envelopes {
        let freed: Option<i64> = sqlx::query_scalar(
            "-- document::forget
            select sealed_bytes from envelope where envelope_id = $1 and account_id = $2",
        )
        .bind(envelope_id.as_bytes())
        .bind(account_id.as_bytes())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(freed) = freed else { continue };
        for statement in [
            "-- document::forget
            insert into doomed (envelope_id)
            select envelope_id from envelope where envelope_id = $1 and whole is null
            on conflict do nothing",
            "-- document::forget
            delete from envelope where envelope_id = $1",
        ] {
            sqlx::query(statement).bind(envelope_id.as_bytes()).execute(&mut *tx).await?;
        }
        sqlx::query(
            "-- document::forget
            update account set used_bytes = used_bytes - $1 where account_id = $2",
        )
        .bind(freed)
        .bind(account_id.as_bytes())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// The sealed content of one of the caller's documents.
#[utoipa::path(
    get, path = "/v1/documents/{document_id}/content",
    params(("document_id" = String, Path)),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 206, content_type = "application/octet-stream"),
        (status = 416, description = "No byte of that range is there"),
        (status = "default", body = Problem),
    )
)]
pub(crate) async fn content(
    caller: Caller,
    State(app): State<App>,
    Path(document_id): Path<DocumentId>,
    headers: HeaderMap,
) -> Result<Response> {
    let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- document::content
        select e.envelope_id, e.prefix
        from document d
        join envelope e on e.envelope_id = d.content_id
        where d.account_id = $1 and d.document_id = $2",
    )
    .bind(caller.account_id.as_bytes())
    .bind(document_id.as_bytes())
    .fetch_optional(app.db.reader())
    .await?;
    let (envelope_id, prefix) = row.ok_or(Code::NotFound)?;
    let content = Content::new(id(&envelope_id)?, prefix)?;
    download::answer(content, Access::Owner { caller, document_id }, &headers, app).await
}

/// The sealed thumbnail of one of the caller's documents.
#[utoipa::path(
    get, path = "/v1/documents/{document_id}/thumbnail",
    params(("document_id" = String, Path)),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = "default", body = Problem),
    )
)]
pub(crate) async fn thumbnail(
    caller: Caller,
    State(app): State<App>,
    Path(document_id): Path<DocumentId>,
) -> Result<Response> {
    let whole: Option<Vec<u8>> = sqlx::query_scalar(
        "-- document::thumbnail
        select e.whole
        from document d
        join envelope e on e.envelope_id = d.thumbnail_id
        where d.account_id = $1 and d.document_id = $2",
    )
    .bind(caller.account_id.as_bytes())
    .bind(document_id.as_bytes())
    .fetch_optional(app.db.reader())
    .await?;
    Ok(whole_answer(whole.ok_or(Code::NotFound)?))
}

/// Sealed bytes as they are.
pub(crate) fn whole_answer(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
}
