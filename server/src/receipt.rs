//! Receipts: what a reader signs, stored before any wrapped key leaves.

use axum::{Json, extract::State};
use futures_util::TryStreamExt as _;
use reconnect_format::{
    Label,
    api::{Code, DocumentOpened, GiveReceipt, GrantOpened, GrantedDocument, ListFrom, Problem},
    encode,
    id::{AccountId, Base64, DocumentId, GrantId, StructureId},
    receipt::{Receipt, Subject},
    statement::{Attested, DeviceProof},
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    error::{Error, Result},
    generation::keys_proof,
    grant::RECEIPT_SECONDS,
    held::CLOCK_SECONDS,
    wire::{Asked, Named, Page, Sent, from_row, id, to_row},
};

/// Receipts that one reader may give under one grant in [`RECEIPT_SECONDS`].
const RECEIPTS: i64 = 500;

/// A live grant, and the caller's place in the structure that it was given to.
pub(crate) struct Standing {
    owner: AccountId,
    pub(crate) structure_id: StructureId,
    worker_number: i64,
    serial: i64,
    pub(crate) recipient_wrap: Vec<u8>,
    /// For which recipient epoch it is wrapped.
    pub(crate) epoch: i64,
}

/// Finds a live grant that the caller may open. The session is looked at again: its request may have
/// waited for its own body while the session was ended.
pub(crate) async fn standing(
    caller: Caller,
    grant_id: GrantId,
    now: i64,
    tx: &mut AnyConnection,
) -> Result<Standing> {
    type Row = (Vec<u8>, Vec<u8>, i64, i64, Vec<u8>, i64);
    let row: Option<Row> = sqlx::query_as(
        "-- receipt::standing
        select g.account_id, g.structure_id, m.number, m.serial, g.recipient_wrap, g.epoch
        from session x
        join member m on m.account_id = x.account_id
        join structure s on s.structure_id = m.structure_id and s.acceptance is not null
        join granted g on g.structure_id = m.structure_id
          and g.account_id not in (select account_id from behind)
        where m.account_id = $1 and m.confirmed = 1 and m.ends_at > $2
          and g.grant_id = $3 and g.ends_at > $2
          and x.token_hash = $4 and x.ended = 0 and x.expires_at > $2",
    )
    .bind(caller.account_id.as_bytes())
    .bind(now)
    .bind(grant_id.as_bytes())
    .bind(caller.token_hash.as_slice())
    .fetch_optional(&mut *tx)
    .await?;
    let (owner, structure, worker_number, serial, recipient_wrap, epoch) =
        row.ok_or(Code::NotFound)?;
    let (owner, structure_id) = (id(&owner)?, id(&structure)?);
    Ok(Standing { owner, structure_id, worker_number, serial, recipient_wrap, epoch })
}

/// Whether a receipt still lets content be fetched. One from the future is of a clock that was set
/// back since.
fn is_fresh(received_at: i64, now: i64) -> bool {
    received_at.abs_diff(now) < RECEIPT_SECONDS.unsigned_abs()
}

/// A receipt whose signature was verified and which names its signer truly.
pub(crate) struct Verified {
    pub(crate) receipt: Receipt,
    hash: [u8; 32],
    bytes: Vec<u8>,
}

pub(crate) fn verify(given: GiveReceipt, caller: Caller, now: u64) -> Result<Verified> {
    let bytes = given.receipt.0;
    let (signed, device) = Attested::open::<Receipt>(&bytes)?;
    let receipt = signed.into_body();
    // As an owner's page counts them: by device and nonce.
    let hash = Label::Receipt.hash(&[receipt.device_id.0, receipt.nonce].concat());
    let by_caller = device.account_id == caller.account_id
        && device.device_id == caller.device_id
        && receipt.account_id == caller.account_id
        && receipt.device_id == caller.device_id
        && receipt.made_at.abs_diff(now) <= CLOCK_SECONDS;
    if by_caller { Ok(Verified { receipt, hash, bytes }) } else { Err(Code::Refused.into()) }
}

impl Verified {
    /// Whether it is for this grant, by the one who has this standing.
    pub(crate) fn check(&self, grant_id: GrantId, standing: &Standing) -> Result<()> {
        let same = self.receipt.grant_id == grant_id
            && self.receipt.owner == standing.owner
            && self.receipt.structure_id == standing.structure_id
            && i64::from(self.receipt.worker_number) == standing.worker_number;
        if same { Ok(()) } else { Err(Code::Refused.into()) }
    }

    /// Stores it, once. The same again is the same opening for as long as it lets content be
    /// fetched; after that an opening needs a receipt of its own, or the owner's trace would miss it.
    pub(crate) async fn store(
        &self,
        standing: &Standing,
        now: i64,
        tx: &mut AnyConnection,
    ) -> Result<()> {
        let known: Option<(i64, Vec<u8>)> = sqlx::query_as(
            "-- receipt::store
            select received_at, bytes from receipt where account_id = $1 and receipt_hash = $2",
        )
        .bind(standing.owner.as_bytes())
        .bind(self.hash.as_slice())
        .fetch_optional(&mut *tx)
        .await?;
        if let Some((received_at, bytes)) = known {
            let same = bytes == self.bytes && is_fresh(received_at, now);
            return if same { Ok(()) } else { Err(Code::Refused.into()) };
        }
        self.check_count(now, tx).await?;
        let number: i64 = sqlx::query_scalar(
            "-- receipt::store
            update account set receipt_count = receipt_count + 1 where account_id = $1
            returning receipt_count",
        )
        .bind(standing.owner.as_bytes())
        .fetch_one(&mut *tx)
        .await?;
        let (document_id, version, epoch) = match self.receipt.subject {
            Subject::List => (None, None, None),
            Subject::Document { document_id, version } => {
                (Some(document_id.0.to_vec()), Some(i64::from(version)), None)
            }
            Subject::Rewrap { epoch } => (None, None, Some(to_row(epoch))),
        };
        sqlx::query(
            "-- receipt::store
            insert into receipt (account_id, number, receipt_hash, grant_id, reader, document_id,
              version, epoch, received_at, structure_id, serial, bytes)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(standing.owner.as_bytes())
        .bind(number)
        .bind(self.hash.as_slice())
        .bind(self.receipt.grant_id.as_bytes())
        .bind(self.receipt.account_id.as_bytes())
        .bind(document_id)
        .bind(version)
        .bind(epoch)
        .bind(now)
        .bind(standing.structure_id.as_bytes())
        .bind(standing.serial)
        .bind(self.bytes.clone())
        .execute(&mut *tx)
        .await?;
        Ok(())
    }

    /// A reader who gives receipts without end would fill the owner's trace.
    async fn check_count(&self, now: i64, tx: &mut AnyConnection) -> Result<()> {
        let given: i64 = sqlx::query_scalar(
            "-- receipt::check_count
            select count(*) from receipt
            where grant_id = $1 and reader = $2 and received_at > $3 and received_at < $4",
        )
        .bind(self.receipt.grant_id.as_bytes())
        .bind(self.receipt.account_id.as_bytes())
        .bind(now - RECEIPT_SECONDS)
        .bind(now + RECEIPT_SECONDS)
        .fetch_one(&mut *tx)
        .await?;
        if given < RECEIPTS { Ok(()) } else { Err(Error::Wait(Code::TooManyRequests, 600)) }
    }
}

/// The grant's key and the cards that it covers, for a receipt. RCPT-1: the receipt is committed
/// first. What it is for is read afterwards, beside the one transaction that writes, and only if the
/// caller may still read it then.
#[utoipa::path(
    post, path = "/v1/received/{grant_id}/list",
    params(("grant_id" = String, Path), ListFrom), request_body = GiveReceipt,
    responses((status = 200, body = GrantOpened), (status = "default", body = Problem))
)]
pub(crate) async fn list(
    caller: Caller,
    State(app): State<App>,
    Named(grant_id): Named<GrantId>,
    Asked(from): Asked<ListFrom>,
    Sent(given): Sent<GiveReceipt>,
) -> Result<Json<GrantOpened>> {
    let now = app.clock.now_row();
    let verified = verify(given, caller, app.clock.now());
    transaction!(app.db, "receipt::list", |tx| {
        let standing = standing(caller, grant_id, now, tx).await?;
        let verified = verified.as_ref().map_err(|_| Code::Refused)?;
        verified.check(grant_id, &standing)?;
        if verified.receipt.subject != Subject::List {
            return Err(Code::Refused.into());
        }
        verified.store(&standing, now, tx).await
    })?;
    let mut tx = app.db.snapshot().await?;
    let standing = standing(caller, grant_id, now, &mut tx).await?;
    let (page, last) = covered(grant_id, from, &mut tx).await?;
    Ok(Json(GrantOpened {
        recipient_wrap: Base64(standing.recipient_wrap),
        epoch: from_row(standing.epoch),
        next: last.filter(|_| page.more),
        documents: page.rows,
    }))
}

/// Statements and wraps of what a grant covers, as rows: opening, version (statement, the path to its
/// keys, its device's statement), the card's statement where it is a later one, card, wraps.
type CoveredRow = (
    Vec<u8>,
    (Vec<u8>, Option<Vec<u8>>, Vec<u8>),
    (Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>),
    (Vec<u8>, Vec<u8>, Option<Vec<u8>>),
);

async fn covered(
    grant_id: GrantId,
    from: ListFrom,
    tx: &mut AnyConnection,
) -> Result<(Page<GrantedDocument>, Option<DocumentId>)> {
    use sqlx::Row as _;
    let mut rows = sqlx::query(
        "-- receipt::covered
        select d.document_id, opening.bytes, version.bytes, version_keys.path,
          version_device.bytes, renamed.bytes, renamed_keys.path, renamed_device.bytes, card.whole,
          card_wrap.wrap, thumbnail_wrap.wrap
        from granted g
        join granted_document c on c.grant_id = g.grant_id
        join document d on d.account_id = g.account_id and d.document_id = c.document_id
        join statement opening on opening.account_id = g.account_id and opening.sequence = 1
        join statement version on version.account_id = g.account_id
          and version.sequence = d.content_sequence
        join statement version_device on version_device.account_id = g.account_id
          and version_device.sequence = version.proof_sequence
        left join generation version_keys on version_keys.account_id = g.account_id
          and version_keys.generation = version.generation
        left join statement renamed on renamed.account_id = g.account_id
          and renamed.sequence = d.card_sequence and d.card_sequence > d.content_sequence
        left join statement renamed_device on renamed_device.account_id = g.account_id
          and renamed_device.sequence = renamed.proof_sequence
        left join generation renamed_keys on renamed_keys.account_id = g.account_id
          and renamed_keys.generation = renamed.generation
        join envelope card on card.envelope_id = d.card_id
        join wrap card_wrap on card_wrap.grant_id = g.grant_id
          and card_wrap.envelope_id = d.card_id
        left join wrap thumbnail_wrap on thumbnail_wrap.grant_id = g.grant_id
          and thumbnail_wrap.envelope_id = d.thumbnail_id
        where g.grant_id = $1 and c.document_id > $2
        order by c.document_id limit $3",
    )
    .bind(grant_id.as_bytes())
    .bind(from.after.map_or(Vec::new(), |after| after.0.to_vec()))
    .bind(Page::<GrantedDocument>::limit())
    .fetch(&mut *tx);
    let mut page = Page::new();
    let mut last = None;
    while let Some(row) = rows.try_next().await? {
        let document = granted_document(read_covered(&row)?)?;
        let bytes = document.version.0.len()
            + document.renamed.as_ref().map_or(0, |renamed| renamed.0.len())
            + document.card.0.len();
        if !page.take(document, bytes) {
            break;
        }
        last = Some(id(&row.try_get::<Vec<u8>, _>(0)?)?);
    }
    Ok((page, last))
}

fn read_covered(row: &sqlx::any::AnyRow) -> Result<CoveredRow> {
    use sqlx::Row as _;
    Ok((
        row.try_get(1)?,
        (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?),
        (row.try_get(5)?, row.try_get(6)?, row.try_get(7)?),
        (row.try_get(8)?, row.try_get(9)?, row.try_get(10)?),
    ))
}

fn granted_document(row: CoveredRow) -> Result<GrantedDocument> {
    let (opening, (version, path, device), renamed, (card, card_wrap, thumbnail_wrap)) = row;
    let attest = |object: Vec<u8>, path: Option<Vec<u8>>, device: Vec<u8>| -> Result<Base64> {
        let keys = keys_proof(opening.clone(), path)?;
        let proof = DeviceProof { keys, device };
        Ok(Base64(encode(&Attested { object, proof })))
    };
    let (object, renamed_path, renamed_device) = renamed;
    let renamed = object.zip(renamed_device);
    Ok(GrantedDocument {
        version: attest(version, path, device)?,
        renamed: renamed
            .map(|(object, device)| attest(object, renamed_path, device))
            .transpose()?,
        card: Base64(card),
        card_wrap: Base64(card_wrap),
        thumbnail_wrap: thumbnail_wrap.map(Base64),
    })
}

/// One document's key, for a receipt.
#[utoipa::path(
    post, path = "/v1/received/{grant_id}/documents/{document_id}/open",
    params(("grant_id" = String, Path), ("document_id" = String, Path)),
    request_body = GiveReceipt,
    responses((status = 200, body = DocumentOpened), (status = "default", body = Problem))
)]
pub(crate) async fn open(
    caller: Caller,
    State(app): State<App>,
    Named((grant_id, document_id)): Named<(GrantId, DocumentId)>,
    Sent(given): Sent<GiveReceipt>,
) -> Result<Json<DocumentOpened>> {
    let now = app.clock.now_row();
    let verified = verify(given, caller, app.clock.now());
    let opened = transaction!(app.db, "receipt::open", |tx| {
        let standing = standing(caller, grant_id, now, tx).await?;
        let (newest, wrap) = content_wrap(grant_id, document_id, tx).await?;
        let verified = verified.as_ref().map_err(|_| Code::Refused)?;
        verified.check(grant_id, &standing)?;
        match verified.receipt.subject {
            Subject::Document { document_id: named, .. } if named != document_id => {
                return Err(Code::Refused.into());
            }
            Subject::Document { version, .. } if i64::from(version) != newest => {
                return Err(Code::Conflict.into());
            }
            Subject::Document { .. } => {}
            Subject::List | Subject::Rewrap { .. } => return Err(Code::Refused.into()),
        }
        verified.store(&standing, now, tx).await?;
        Ok(DocumentOpened { content_wrap: Base64(wrap) })
    })?;
    Ok(Json(opened))
}

async fn content_wrap(
    grant_id: GrantId,
    document_id: DocumentId,
    tx: &mut AnyConnection,
) -> Result<(i64, Vec<u8>)> {
    let row: Option<(i64, Vec<u8>)> = sqlx::query_as(
        "-- receipt::content_wrap
        select d.version, w.wrap
        from granted g
        join granted_document c on c.grant_id = g.grant_id
        join document d on d.account_id = g.account_id and d.document_id = c.document_id
        join wrap w on w.grant_id = g.grant_id and w.envelope_id = d.content_id
        where g.grant_id = $1 and c.document_id = $2",
    )
    .bind(grant_id.as_bytes())
    .bind(document_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    row.ok_or(Error::Code(Code::NotFound))
}
