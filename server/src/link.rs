//! Linking a computer: offers that wait for whoever scans their code, and the answers. Both live for
//! minutes, in rows that any server on the database finds. LINK-6.
//!
//! Invariant: whoever fills the table with offers keeps nobody out of it. What waits is sent again
//! every few seconds; the one that was not sent for the longest time gives way.

use axum::{Json, extract::State, http::StatusCode};
use reconnect_format::{
    api::{AnswerLink, Code, LinkLooked, LinkShown, Problem, PutLink},
    decode,
    guardian::{RETURN_OFFER_BYTES, ReturnOffer},
    id::{AccountId, Base64, LinkId},
    link::{LINK_ANSWER_BYTES, LINK_OFFER_BYTES, LinkOffer},
};
use sqlx::AnyConnection;

use crate::{
    app::App,
    caller::Caller,
    db::transaction,
    error::{Error, Result},
    wire::{Named, Sent},
};

/// How long an offer waits after it was last sent, and an answer after it was given.
const LIFE_SECONDS: i64 = 120;
/// Offers at one time: some 30 MB with their answers.
const ROOM: i64 = 10_000;

/// Has an offer wait, or wait on; and what was answered.
async fn wait(
    link_id: LinkId,
    offer: &[u8],
    (now, room): (i64, i64),
    app: &App,
) -> Result<Option<Vec<u8>>> {
    // Outside of the transaction: with all that come at one instant they may be a few more, and none
    // waits for another.
    let count: i64 = sqlx::query_scalar("-- link::wait\nselect count(*) from link")
        .fetch_one(app.db.reader())
        .await?;
    transaction!(app.db, "link::wait", |tx| {
        let known: Option<Option<Vec<u8>>> = sqlx::query_scalar(
            "-- link::wait
            update link set ends_at = case when answer is null then $2 else ends_at end
            where link_id = $1 and ends_at > $3
            returning answer",
        )
        .bind(link_id.as_bytes())
        .bind(now + LIFE_SECONDS)
        .bind(now)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(answer) = known {
            return Ok(answer);
        }
        if count >= room {
            make_room(tx).await?;
        }
        sqlx::query(
            "-- link::wait
            insert into link (link_id, offer, account_id, answer, ends_at)
            values ($1, $2, null, null, $3)
            on conflict (link_id) do update
            set offer = $2, account_id = null, answer = null, ends_at = $3",
        )
        .bind(link_id.as_bytes())
        .bind(offer)
        .bind(now + LIFE_SECONDS)
        .execute(&mut *tx)
        .await?;
        Ok(None)
    })
}

/// The one that was not sent for the longest time gives way.
async fn make_room(tx: &mut AnyConnection) -> Result<()> {
    let gone = sqlx::query(
        "-- link::make_room
        delete from link where link_id =
          (select link_id from link where answer is null order by ends_at limit 1)",
    )
    .execute(&mut *tx)
    .await?;
    if gone.rows_affected() == 1 { Ok(()) } else { Err(Error::Wait(Code::TooManyRequests, 10)) }
}

/// The offer, and who answered it.
async fn look(link_id: LinkId, now: i64, app: &App) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let row = sqlx::query_as(
        "-- link::look
        select offer, account_id from link where link_id = $1 and ends_at > $2",
    )
    .bind(link_id.as_bytes())
    .bind(now)
    .fetch_optional(app.db.reader())
    .await?;
    Ok(row.ok_or(Code::NotFound)?)
}

/// The first answer counts. Whoever gave it may give another, should they not know that it arrived: it
/// opens the same.
async fn keep(
    link_id: LinkId,
    (account_id, answer): (AccountId, &[u8]),
    now: i64,
    app: &App,
) -> Result<()> {
    transaction!(app.db, "link::keep", |tx| {
        let by: Option<Option<Vec<u8>>> = sqlx::query_scalar(
            "-- link::keep
            select account_id from link where link_id = $1 and ends_at > $2",
        )
        .bind(link_id.as_bytes())
        .bind(now)
        .fetch_optional(&mut *tx)
        .await?;
        match by.ok_or(Code::NotFound)? {
            Some(by) if by == account_id.as_bytes() => return Ok(()),
            Some(_) => return Err(Code::Conflict.into()),
            None => {}
        }
        // One at a time for each account: answers give way to nobody.
        sqlx::query("-- link::keep\ndelete from link where account_id = $1")
            .bind(account_id.as_bytes())
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "-- link::keep
            update link set account_id = $2, answer = $3, ends_at = $4 where link_id = $1",
        )
        .bind(link_id.as_bytes())
        .bind(account_id.as_bytes())
        .bind(answer)
        .bind(now + LIFE_SECONDS)
        .execute(&mut *tx)
        .await?;
        Ok(())
    })
}

/// Has a computer's offer wait, and says what was answered.
#[utoipa::path(
    post, path = "/v1/links", request_body = PutLink,
    responses((status = 200, body = LinkLooked), (status = "default", body = Problem))
)]
pub(crate) async fn put(
    State(app): State<App>,
    Sent(sent): Sent<PutLink>,
) -> Result<Json<LinkLooked>> {
    let bytes = sent.offer.0;
    // Of a computer, or of somebody who comes back: nobody answers the second here.
    let link_id = match bytes.len() {
        LINK_OFFER_BYTES => decode(&bytes).map(|offer: LinkOffer| offer.link_id()),
        RETURN_OFFER_BYTES => decode(&bytes).map(|offer: ReturnOffer| offer.code()),
        _ => return Err(Code::BadRequest.into()),
    };
    let link_id = link_id.map_err(|_| Code::BadRequest)?;
    let answer = wait(link_id, &bytes, (app.clock.now_row(), ROOM), &app).await?;
    Ok(Json(LinkLooked { answer: answer.map(Base64) }))
}

/// Shows an offer to whoever has its code.
#[utoipa::path(
    get, path = "/v1/links/{link_id}", params(("link_id" = String, Path)),
    responses((status = 200, body = LinkShown), (status = "default", body = Problem))
)]
pub(crate) async fn show(
    caller: Caller,
    State(app): State<App>,
    Named(link_id): Named<LinkId>,
) -> Result<Json<LinkShown>> {
    let (offer, by) = look(link_id, app.clock.now_row(), &app).await?;
    let taken = by.is_some_and(|by| by != caller.account_id.as_bytes());
    Ok(Json(LinkShown { offer: Base64(offer), taken }))
}

/// Answers an offer; the first answer counts.
#[utoipa::path(
    post, path = "/v1/links/{link_id}", params(("link_id" = String, Path)), request_body = AnswerLink,
    responses((status = 204), (status = "default", body = Problem))
)]
pub(crate) async fn answer(
    caller: Caller,
    State(app): State<App>,
    Named(link_id): Named<LinkId>,
    Sent(sent): Sent<AnswerLink>,
) -> Result<StatusCode> {
    if sent.answer.0.len() != LINK_ANSWER_BYTES {
        return Err(Code::BadRequest.into());
    }
    keep(link_id, (caller.account_id, &sent.answer.0), app.clock.now_row(), &app).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{Clock, Config};

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        config: Config,
    }

    async fn on(folder: &tempfile::TempDir) -> App {
        let data = folder.path().to_str().expect("text");
        let command = Command::try_parse_from(["reconnect", "--data", data]).expect("settings");
        App::open(command.config, Clock::manual(1_000_000)).await.expect("it opens")
    }

    fn id(number: u64) -> LinkId {
        let mut id = [0; LinkId::SIZE_BYTES];
        id[..8].copy_from_slice(&number.to_be_bytes());
        LinkId(id)
    }

    const HONEST: LinkId = LinkId([0xff; LinkId::SIZE_BYTES]);

    #[tokio::test]
    async fn whoever_fills_the_table_keeps_nobody_out_who_sends_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let app = on(&folder).await;
        let (owner, mut number) = (AccountId([1; 32]), 0);
        let wait = async |link_id, now| wait(link_id, &[1], (now, 20), &app).await.expect("room");
        for second in 0..20 {
            // Each second ten more strangers; at each other the honest one is there again.
            if second % 2 == 0 {
                assert!(wait(HONEST, second).await.is_none());
                assert!(look(HONEST, second, &app).await.is_ok());
            }
            for _ in 0..10 {
                number += 1;
                assert!(wait(id(number), second).await.is_none());
            }
        }
        let count: i64 = sqlx::query_scalar("select count(*) from link")
            .fetch_one(app.db.reader())
            .await
            .expect("a count");
        assert!(count <= 20);
        // Once it is answered, nobody takes its place.
        wait(HONEST, 20).await;
        keep(HONEST, (owner, &[3]), 20, &app).await.expect("the first");
        for _ in 0..50 {
            number += 1;
            wait(id(number), 21).await;
        }
        assert_eq!(wait(HONEST, 22).await, Some(vec![3]));
    }

    #[tokio::test]
    async fn the_first_answer_counts_and_each_account_has_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let app = on(&folder).await;
        let wait = async |link_id, now| wait(link_id, &[1], (now, 2), &app).await;
        let keep = async |link_id, by, answer: u8| keep(link_id, (by, &[answer]), 0, &app).await;
        let (owner, stranger) = (AccountId([1; 32]), AccountId([2; 32]));
        wait(HONEST, 0).await.expect("room");
        keep(HONEST, owner, 3).await.expect("the first");
        keep(HONEST, owner, 4).await.expect("one's own again");
        assert!(keep(HONEST, stranger, 5).await.is_err());
        let (_, by) = look(HONEST, 0, &app).await.expect("there");
        assert_eq!(by.as_deref(), Some(owner.as_bytes()));
        assert_eq!(wait(HONEST, 0).await.expect("there"), Some(vec![3]));
        // Another answer of the same account ends its first.
        wait(id(1), 0).await.expect("room");
        keep(id(1), owner, 6).await.expect("the first");
        assert!(look(HONEST, 0, &app).await.is_err());
        // A table full of answers takes nothing in.
        wait(id(2), 0).await.expect("room");
        keep(id(2), stranger, 7).await.expect("the first");
        assert!(wait(id(3), 0).await.is_err());
    }

    #[tokio::test]
    async fn what_nobody_sends_any_more_is_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let app = on(&folder).await;
        let owner = AccountId([1; 32]);
        let wait = async |now| wait(HONEST, &[1], (now, 2), &app).await.expect("room");
        wait(0).await;
        wait(100).await;
        assert!(look(HONEST, 200, &app).await.is_ok());
        assert!(look(HONEST, 100 + LIFE_SECONDS, &app).await.is_err());
        assert!(keep(HONEST, (owner, &[3]), 100 + LIFE_SECONDS, &app).await.is_err());
        // What is over is swept.
        app.sweep().await.expect("swept");
        let count: i64 = sqlx::query_scalar("select count(*) from link")
            .fetch_one(app.db.reader())
            .await
            .expect("a count");
        assert_eq!(count, 0);
    }
}
