//! Grants: what owners gave to structures, and what their members may fetch.
//!
//! Invariant: every query for a grantee goes through a live grant, an accepted structure and a
//! confirmed membership whose certificate has not ended. A grant that was revoked has no row.

use std::collections::BTreeMap;

use axum::{extract::State, http::HeaderMap, response::Response};
use reconnect_format::{
    api::{Code, GrantWraps, Problem},
    grant::{GrantTerms, RecipientName, Scope},
    id::{AccountId, DocumentId, EnvelopeId, GrantId, StructureId},
};
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    document::whole_answer,
    download::{self, Access, Content},
    error::{Error, Result},
    wire::{Named, id, to_row},
};

/// Rows that one statement inserts.
const BATCH: usize = 200;
/// How long a receipt for a document lets its reader fetch the content.
pub(crate) const RECEIPT_SECONDS: i64 = 3600;

/// Stores a grant. A structure must be accepted, and the grant made for its newest epoch.
pub(crate) async fn give(
    account_id: AccountId,
    (sequence, now): (u64, i64),
    (terms, wraps): (&GrantTerms, &GrantWraps),
    tx: &mut AnyConnection,
) -> Result<()> {
    let (structure_id, epoch) = match &terms.recipient {
        RecipientName::Owner { .. } => (None, None),
        RecipientName::Structure { structure_id, epoch, key_id } => {
            check_recipient(*structure_id, *epoch, key_id, tx).await?;
            (Some(structure_id.as_bytes().to_vec()), Some(to_row(*epoch)))
        }
        RecipientName::Account { .. } => return Err(Code::Refused.into()),
    };
    let recipient_wrap = structure_id.is_some().then(|| wraps.recipient_wrap.0.clone());
    let given = sqlx::query(
        "-- grant::give
        insert into granted (grant_id, account_id, structure_id, ends_at, sequence, owner_wrap,
          recipient_wrap, epoch, received_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict do nothing",
    )
    .bind(terms.grant_id.as_bytes())
    .bind(account_id.as_bytes())
    .bind(structure_id)
    .bind(to_row(terms.ends_at))
    .bind(to_row(sequence))
    .bind(wraps.owner_wrap.0.clone())
    .bind(recipient_wrap)
    .bind(epoch)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if given.rows_affected() != 1 {
        return Err(Code::Refused.into());
    }
    if let Scope::Documents { document_ids } = &terms.scope {
        let rows: Vec<_> = document_ids
            .iter()
            .map(|document_id| vec![terms.grant_id.0.to_vec(), document_id.0.to_vec()])
            .collect();
        insert_many("granted_document (grant_id, document_id)", &rows, tx).await?;
    }
    Ok(())
}

/// Whether a structure may be given something, under its newest epoch's key.
pub(crate) async fn check_recipient(
    structure_id: StructureId,
    epoch: u64,
    key_id: &[u8; 32],
    tx: &mut AnyConnection,
) -> Result<()> {
    let newest: Option<(i64, Vec<u8>)> = sqlx::query_as(
        "-- grant::check_recipient
        select epoch, key_id from structure
        where structure_id = $1 and acceptance is not null and closed = 0",
    )
    .bind(structure_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    match newest {
        Some((newest, key)) if newest == to_row(epoch) && key == key_id => Ok(()),
        // A new epoch began meanwhile: read again and repeat.
        Some((newest, _)) if newest > to_row(epoch) => Err(Code::Conflict.into()),
        _ => Err(Code::Refused.into()),
    }
}

/// Stores wrapped document keys.
pub(crate) async fn insert_wraps(
    wraps: &BTreeMap<(GrantId, EnvelopeId), Vec<u8>>,
    tx: &mut AnyConnection,
) -> Result<()> {
    let rows: Vec<_> = wraps
        .iter()
        .map(|((grant_id, envelope_id), wrap)| {
            vec![grant_id.0.to_vec(), envelope_id.0.to_vec(), wrap.clone()]
        })
        .collect();
    insert_many("wrap (grant_id, envelope_id, wrap)", &rows, tx).await
}

/// Inserts rows of bytes, some hundred with each statement. `into` is a constant of this file.
async fn insert_many(
    into: &'static str,
    rows: &[Vec<Vec<u8>>],
    tx: &mut AnyConnection,
) -> Result<()> {
    for batch in rows.chunks(BATCH) {
        let mut count = 0;
        let values: Vec<_> = batch
            .iter()
            .map(|row| {
                let marks: Vec<_> = row
                    .iter()
                    .map(|_| {
                        count += 1;
                        format!("${count}")
                    })
                    .collect();
                format!("({})", marks.join(", "))
            })
            .collect();
        let text =
            format!("-- grant::insert_many\ninsert into {into} values {}", values.join(", "));
        let mut query = sqlx::query(AssertSqlSafe(text));
        for value in batch.iter().flatten() {
            query = query.bind(value.clone());
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Removes a grant with all its wraps: from the commit on, nobody is answered under it.
/// GRANT-8.
pub(crate) async fn revoke(
    account_id: AccountId,
    grant_id: GrantId,
    tx: &mut AnyConnection,
) -> Result<()> {
    sqlx::query(
        "-- grant::revoke
        delete from granted where grant_id = $1 and account_id = $2",
    )
    .bind(grant_id.as_bytes())
    .bind(account_id.as_bytes())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Removes grants that have ended. Whether there were any.
pub(crate) async fn sweep(app: &App) -> Result<bool> {
    let now = app.clock.now_row();
    transaction!(app.db, "grant::sweep", |tx| {
        let ended = sqlx::query(
            "-- grant::sweep
                delete from granted where ends_at <= $1",
        )
        .bind(now)
        .execute(&mut *tx)
        .await?;
        Ok(ended.rows_affected() > 0)
    })
}

/// The content that the caller may fetch: under a live grant that covers the document, after a
/// receipt of this caller for this version, not long ago.
pub(crate) async fn content_of(
    caller: Caller,
    grant_id: GrantId,
    document_id: DocumentId,
    app: &App,
) -> Result<Option<Granted>> {
    let now = app.clock.now_row();
    let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "-- grant::content_of
        select e.envelope_id, e.prefix
        from member m
        join structure s on s.structure_id = m.structure_id and s.acceptance is not null
        join granted g on g.structure_id = m.structure_id
          and g.account_id not in (select account_id from behind)
        join granted_document c on c.grant_id = g.grant_id
        join document d on d.account_id = g.account_id and d.document_id = c.document_id
        join envelope e on e.envelope_id = d.content_id
        where m.account_id = $1 and m.confirmed = 1 and m.ends_at > $2
          and g.grant_id = $3 and g.ends_at > $2 and c.document_id = $4
          and exists (
            select 1 from receipt r
            where r.grant_id = g.grant_id and r.account_id = g.account_id and r.reader = $1
              and r.document_id = d.document_id and r.version = d.version
              and r.received_at > $5 and r.received_at < $6)",
    )
    .bind(caller.account_id.as_bytes())
    .bind(now)
    .bind(grant_id.as_bytes())
    .bind(document_id.as_bytes())
    .bind(now - RECEIPT_SECONDS)
    // One from the future is of a clock that was set back since.
    .bind(now + RECEIPT_SECONDS)
    .fetch_optional(app.db.reader())
    .await?;
    row.map(|(envelope, prefix)| Ok(Granted { envelope_id: id(&envelope)?, prefix })).transpose()
}

/// Content under a grant.
pub(crate) struct Granted {
    pub(crate) envelope_id: EnvelopeId,
    prefix: Vec<u8>,
}

/// The sealed content of a document that was given.
#[utoipa::path(
    get, path = "/v1/received/{grant_id}/documents/{document_id}/content",
    params(("grant_id" = String, Path), ("document_id" = String, Path)),
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
    Named((grant_id, document_id)): Named<(GrantId, DocumentId)>,
    headers: HeaderMap,
) -> Result<Response> {
    let granted = content_of(caller, grant_id, document_id, &app)
        .await?
        .ok_or(Error::Code(Code::NotFound))?;
    let content = Content::new(granted.envelope_id, granted.prefix)?;
    download::answer(content, Access::Grantee { caller, grant_id, document_id }, &headers, app)
        .await
}

/// The sealed thumbnail of a document that was given.
#[utoipa::path(
    get, path = "/v1/received/{grant_id}/documents/{document_id}/thumbnail",
    params(("grant_id" = String, Path), ("document_id" = String, Path)),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = "default", body = Problem),
    )
)]
pub(crate) async fn thumbnail(
    caller: Caller,
    State(app): State<App>,
    Named((grant_id, document_id)): Named<(GrantId, DocumentId)>,
) -> Result<Response> {
    let now = app.clock.now_row();
    let whole: Option<Vec<u8>> = sqlx::query_scalar(
        "-- grant::thumbnail
        select e.whole
        from member m
        join structure s on s.structure_id = m.structure_id and s.acceptance is not null
        join granted g on g.structure_id = m.structure_id
          and g.account_id not in (select account_id from behind)
        join granted_document c on c.grant_id = g.grant_id
        join document d on d.account_id = g.account_id and d.document_id = c.document_id
        join envelope e on e.envelope_id = d.thumbnail_id
        where m.account_id = $1 and m.confirmed = 1 and m.ends_at > $2
          and g.grant_id = $3 and g.ends_at > $2 and c.document_id = $4
          and exists (
            select 1 from receipt r
            where r.grant_id = g.grant_id and r.account_id = g.account_id and r.reader = $1
              and r.epoch is null and r.received_at > $5 and r.received_at < $6)",
    )
    .bind(caller.account_id.as_bytes())
    .bind(now)
    .bind(grant_id.as_bytes())
    .bind(document_id.as_bytes())
    .bind(now - RECEIPT_SECONDS)
    .bind(now + RECEIPT_SECONDS)
    .fetch_optional(app.db.reader())
    .await?;
    Ok(whole_answer(whole.ok_or(Code::NotFound)?))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{Clock, Config, app::App, db::transaction};

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        config: Config,
    }

    /// The answer to a grant that was made under an epoch and its key, where the newest is the fifth.
    async fn answer(
        (accepted, closed): (bool, bool),
        (epoch, key): (u64, [u8; 32]),
    ) -> anyhow::Result<Result<()>> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().to_string_lossy().into_owned();
        let config = Command::try_parse_from(["reconnect", "--data", &data])?.config;
        let app = App::open(config, Clock::manual(1_000_000)).await?;
        let structure_id = StructureId([1; 32]);
        Ok(transaction!(app.db, "test", |tx| {
            sqlx::query(
                "insert into structure (structure_id, name, place, searched, founder, sequence,
                  epoch, key_id, acceptance, closed, mls_epoch, history)
                values ($1, 'a', 'b', 'a b', $1, 1, 5, $2, $3, $4, 1, $1)",
            )
            .bind(structure_id.as_bytes())
            .bind(vec![7; 32])
            .bind(accepted.then(|| vec![1]))
            .bind(i64::from(closed))
            .execute(&mut *tx)
            .await?;
            check_recipient(structure_id, epoch, &key, tx).await
        }))
    }

    #[tokio::test]
    async fn only_an_accepted_structure_is_given_something_under_its_newest_key()
    -> anyhow::Result<()> {
        let (open, key) = ((true, false), [7; 32]);
        answer(open, (5, key)).await??;
        // Who was too slow reads again; who is wrong is refused.
        for (structure, asked, code) in [
            (open, (4, key), Code::Conflict),
            (open, (4, [8; 32]), Code::Conflict),
            (open, (5, [8; 32]), Code::Refused),
            (open, (6, key), Code::Refused),
            ((false, false), (5, key), Code::Refused),
            ((true, true), (5, key), Code::Refused),
        ] {
            let answer = answer(structure, asked).await?;
            let is_so = matches!(answer, Err(Error::Code(said)) if said == code);
            anyhow::ensure!(is_so, "{structure:?} {asked:?}: {answer:?}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_grant_that_has_ended_is_swept_and_that_is_told() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().to_string_lossy().into_owned();
        let config = Command::try_parse_from(["reconnect", "--data", &data])?.config;
        let app = App::open(config, Clock::manual(1_000_000)).await?;
        let id = [1; 32];
        transaction!(app.db, "test", |tx| {
            sqlx::query(
                "insert into account (account_id, sequence, head, used_bytes, receipt_count,
                  log_index, log_place)
                values ($1, 1, $1, 0, 0, $1, $1)",
            )
            .bind(id.as_slice())
            .execute(&mut *tx)
            .await?;
            for (grant, ends_at) in [(1, 999_999), (2, 1_000_000), (3, 1_000_001)] {
                sqlx::query(
                    "insert into granted (grant_id, account_id, ends_at, sequence, received_at,
                      owner_wrap)
                    values ($1, $2, $3, 1, 1, $2)",
                )
                .bind(vec![grant; 16])
                .bind(id.as_slice())
                .bind(ends_at)
                .execute(&mut *tx)
                .await?;
            }
            Ok(())
        })?;
        anyhow::ensure!(sweep(&app).await?, "some had ended");
        anyhow::ensure!(!sweep(&app).await?, "none has ended since");
        let left: Vec<i64> =
            sqlx::query_scalar("select ends_at from granted").fetch_all(app.db.reader()).await?;
        anyhow::ensure!(left == [1_000_001], "{left:?}");
        Ok(())
    }

    const OWNER: AccountId = AccountId([1; 32]);
    const READER: AccountId = AccountId([2; 32]);
    const GIVEN: [u8; 16] = [3; 16];

    /// A document that was given to a structure of the reader's, with its picture.
    async fn given(tx: &mut AnyConnection) -> Result<()> {
        for insert in [
            "insert into account (account_id, sequence, head, used_bytes, receipt_count,
              log_index, log_place)
            values ($1, 1, $1, 0, 0, $1, $1), ($2, 1, $2, 0, 0, $2, $2)",
            "insert into structure (structure_id, name, place, searched, founder, sequence,
              epoch, key_id, acceptance, closed, mls_epoch, history)
            values ($1, 'a', 'b', 'a b', $2, 1, 1, $1, $1, 0, 1, $1)",
            "insert into member (structure_id, account_id, confirmed, ends_at)
            values ($1, $2, 1, 2000000)",
            "insert into granted (grant_id, account_id, structure_id, ends_at, sequence,
              received_at, owner_wrap)
            values ($3, $1, $1, 2000000, 1, 1, $2)",
            "insert into granted_document (grant_id, document_id) values ($3, $3)",
            "insert into envelope (envelope_id, account_id, document_id, kind, prefix,
              sealed_bytes, sequence, touched_at, whole)
            values ($3, $1, $3, 1, $2, 1, 1, 1, $2)",
            "insert into document (account_id, document_id, content_id, card_id, thumbnail_id,
              version, content_sequence, card_sequence)
            values ($1, $3, $3, $3, $3, 1, 1, 1)",
            "insert into receipt (account_id, number, receipt_hash, grant_id, reader,
              document_id, version, received_at, structure_id, serial, bytes)
            values ($1, 1, $1, $3, $2, $3, 1, 0, $1, 1, $1)",
        ] {
            sqlx::query(insert)
                .bind(OWNER.as_bytes())
                .bind(READER.as_bytes())
                .bind(GIVEN.as_slice())
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_receipt_counts_for_an_hour_by_a_clock_that_was_set_either_way() -> anyhow::Result<()>
    {
        let folder = tempfile::tempdir()?;
        let data = folder.path().to_string_lossy().into_owned();
        let config = Command::try_parse_from(["reconnect", "--data", &data])?.config;
        let app = App::open(config, Clock::manual(1_000_000)).await?;
        transaction!(app.db, "test", |tx| { given(tx).await })?;
        let device_id = reconnect_format::id::DeviceId(GIVEN);
        let caller = Caller { account_id: READER, device_id, token_hash: [0; 32] };
        let (grant_id, document_id) = (GrantId(GIVEN), DocumentId(GIVEN));
        for (received_at, counts) in [
            (1_000_000 - 3_600, false),
            (1_000_000 - 3_599, true),
            (1_000_000 + 3_599, true),
            (1_000_000 + 3_600, false),
        ] {
            transaction!(app.db, "test", |tx| {
                let dated = sqlx::query("update receipt set received_at = $1").bind(received_at);
                dated.execute(&mut *tx).await?;
                Ok(())
            })?;
            let found = content_of(caller, grant_id, document_id, &app).await?;
            anyhow::ensure!(found.is_some() == counts, "{received_at}: its content");
            let named = Named((grant_id, document_id));
            let picture = thumbnail(caller, State(app.clone()), named).await;
            let is_none = matches!(picture, Err(Error::Code(Code::NotFound)));
            anyhow::ensure!(is_none != counts, "{received_at}: its picture");
        }
        Ok(())
    }
}
