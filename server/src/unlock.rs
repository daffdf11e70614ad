//! Unlocking: OPAQUE, with six words or a PIN, and what an opened lock gives.
//!
//! Invariant: a known and an unknown handle take one path through this file: the same statements to
//! the database, the same work, answers of the same shape and size. Only the finish differs, and
//! there an unknown handle fails as wrong words do.

use axum::{Extension, Json, extract::State};
use opaque_ke::{
    CredentialFinalization, CredentialRequest, ServerLogin, ServerLoginParameters,
    ServerRegistration,
};
use reconnect_format::{
    Label,
    api::{ChainPage, Code, PakeAnswer, PakeFinish, Problem, UnlockRest, Unlocked, WordsStart},
    check,
    id::{AccountId, Base64, LockId, UnlockId},
};
use sqlx::AnyConnection;

use crate::{
    account::{check_handle, pin_name},
    app::App,
    continued,
    db::transaction,
    error::Result,
    held,
    limit::Place,
    secret::{SystemRng, Words},
    statement, tries,
    unlocking::{self, Spent, UnderWay},
    wire::{Sent, id},
};

impl Spent {
    fn context(self) -> Label {
        match self {
            Self::Words(_) => Label::WordsContext,
            Self::Pin(_) => Label::PinContext,
        }
    }
}

/// Whether this is an OPAQUE registration record.
pub(crate) fn is_record(bytes: &[u8]) -> bool {
    ServerRegistration::<Words>::deserialize(bytes)
        .is_ok_and(|record| record.serialize().as_slice() == bytes)
}

fn parameters(context: Label) -> ServerLoginParameters<'static, 'static> {
    ServerLoginParameters {
        context: Some(context.text().as_bytes()),
        ..ServerLoginParameters::default()
    }
}

/// First and second message of an OPAQUE login. A try is spent, durably, before the answer. LOCK-8.
#[utoipa::path(
    post, path = "/v1/unlock/words", request_body = WordsStart,
    responses((status = 200, body = PakeAnswer), (status = "default", body = Problem))
)]
pub(crate) async fn start_words(
    State(app): State<App>,
    Extension(place): Extension<Place>,
    Sent(start): Sent<WordsStart>,
) -> Result<Json<PakeAnswer>> {
    app.unlock_rate.turn(&place, &app.crowd).await?;
    check_handle(&start.handle)?;
    let request =
        CredentialRequest::<Words>::deserialize(&start.request.0).map_err(|_| Code::BadRequest)?;
    // Nobody's stands in where there is none: a row is read in either case.
    let nobody = &app.nobody;
    let (account, lock, stored, there): (Vec<u8>, Vec<u8>, Vec<u8>, i64) = sqlx::query_as(
        "-- unlock::start_words
        select account_id, lock_id, record, 1 as there from lock
        where handle = $1 and record is not null
        union all select $2, $3, $4, 0 order by there desc limit 1",
    )
    .bind(&start.handle)
    .bind(nobody.signing.0.as_slice())
    .bind(nobody.signing.0[..16].to_vec())
    .bind(nobody.record.as_slice())
    .fetch_one(app.db.reader())
    .await?;
    let is_there = there == 1;
    if !check!(UnknownHandle) && !is_there {
        return Err(Code::NotFound.into());
    }
    let record = ServerRegistration::<Words>::deserialize(&stored)
        .map_err(|_| crate::error::Error::Broken("a stored record does not decode"))?;
    let record = is_there.then_some(record);
    let lock = (id(&account)?, id(&lock)?);
    let (tries_key, name) = (app.secrets.tries_key(&start.handle), start.handle.as_bytes());
    let lock = is_there.then_some(lock);
    // Whatever has no room is refused before a try is spent; the answer leaves after it.
    unlocking::check_room(&app).await?;
    let begun = begin(Spent::Words(tries_key), lock, (record, name, request), &app)?;
    let now = app.clock.now();
    transaction!(app.db, "unlock::start_words", |tx| {
        tries::spend(tries_key, now, tx).await?;
        unlocking::begin(begun.answer.unlock_id, &begun.one, now, tx).await
    })?;
    Ok(Json(begun.answer))
}

/// An answer that may leave once its try was spent.
pub(crate) struct Begun {
    pub(crate) answer: PakeAnswer,
    pub(crate) one: UnderWay,
}

/// The same for a PIN: its answer leaves once a try was spent.
pub(crate) fn begin_pin(
    (account_id, lock_id): (AccountId, LockId),
    record: &[u8],
    request: CredentialRequest<Words>,
    app: &App,
) -> Result<Begun> {
    let record = ServerRegistration::<Words>::deserialize(record)
        .map_err(|_| crate::error::Error::Broken("a stored record does not decode"))?;
    let (lock, name) = (Some((account_id, lock_id)), pin_name(lock_id));
    begin(Spent::Pin(lock_id), lock, (Some(record), &name, request), app)
}

fn begin(
    spent: Spent,
    lock: Option<(AccountId, LockId)>,
    (record, name, request): (Option<ServerRegistration<Words>>, &[u8], CredentialRequest<Words>),
    app: &App,
) -> Result<Begun> {
    let parameters = parameters(spent.context());
    let (rng, setup) = (&mut SystemRng, &app.secrets.opaque);
    let answer = ServerLogin::start(rng, setup, record, request, name, parameters)
        .map_err(|_| Code::BadRequest)?;
    let unlock_id = UnlockId(random()?);
    let response = Base64(answer.message.serialize().to_vec());
    Ok(Begun {
        answer: PakeAnswer { unlock_id, response, tries_left: None },
        one: UnderWay { login: answer.state, spent, lock },
    })
}

/// Third message: what it opens, or one answer for everything that is wrong.
#[utoipa::path(
    post, path = "/v1/unlock/finish", request_body = PakeFinish,
    responses((status = 200, body = Unlocked), (status = "default", body = Problem))
)]
pub(crate) async fn finish(
    State(app): State<App>,
    Sent(finish): Sent<PakeFinish>,
) -> Result<Json<Unlocked>> {
    let wrong = Code::WrongWordsOrHandle;
    // It is over for whatever was tried, right or wrong: the try stays spent, since its answer was given. LOCK-16.
    let one = unlocking::end(finish.unlock_id, &app).await?;
    let message =
        CredentialFinalization::<Words>::deserialize(&finish.finalization.0).map_err(|_| wrong)?;
    one.login.finish(message, parameters(one.spent.context())).map_err(|_| wrong)?;
    let (account_id, lock_id) = one.lock.ok_or(wrong)?;
    match one.spent {
        Spent::Words(tries_key) => tries::give_back(tries_key, &app).await?,
        Spent::Pin(lock_id) => held::give_tries_back(lock_id, &app).await?,
    }
    let mut tx = app.db.snapshot().await?;
    let found = unlocked(account_id, lock_id, &mut tx).await?.ok_or(wrong)?;
    drop(tx);
    Ok(Json(found.named(lock_id, &app).await?))
}

/// What is left of a long chain, for whoever opened a lock of it just now.
#[utoipa::path(
    post, path = "/v1/unlock/rest", request_body = UnlockRest,
    responses((status = 200, body = ChainPage), (status = "default", body = Problem))
)]
pub(crate) async fn rest(
    State(app): State<App>,
    Sent(asked): Sent<UnlockRest>,
) -> Result<Json<ChainPage>> {
    let (account_id, lock_id) = unlocking::rest(asked.rest, &app).await?.ok_or(Code::NotFound)?;
    let mut tx = app.db.snapshot().await?;
    // The lock may have been retired since.
    root_wrap(account_id, lock_id, &mut tx).await?.ok_or(Code::NotFound)?;
    let page = statement::page(account_id, asked.statements_after, &mut tx).await?;
    Ok(Json(ChainPage { statements: page.rows, more: page.more }))
}

/// What a lock gives, before what is left of its chain has a name.
pub(crate) struct Opened {
    unlocked: Unlocked,
    more: bool,
}

impl Opened {
    /// With a name for what is left of its chain.
    pub(crate) async fn named(self, lock_id: LockId, app: &App) -> Result<Unlocked> {
        let Self { mut unlocked, more } = self;
        if more {
            let rest_id = UnlockId(random()?);
            unlocking::keep_rest(rest_id, (unlocked.account_id, lock_id), app).await?;
            unlocked.rest = Some(rest_id);
        }
        Ok(unlocked)
    }
}

/// What a lock gives: the wrapped root, and the chain as far as one answer goes.
pub(crate) async fn unlocked(
    account_id: AccountId,
    lock_id: LockId,
    tx: &mut AnyConnection,
) -> Result<Option<Opened>> {
    let Some(root_wrap) = root_wrap(account_id, lock_id, tx).await? else { return Ok(None) };
    let page = statement::page(account_id, 0, tx).await?;
    let (root_wrap, log_place) = (Base64(root_wrap), log_place(account_id, tx).await?);
    let (statements, more) = (page.rows, page.more);
    let from_backup = continued::is_behind(account_id, tx).await?;
    let unlocked =
        Unlocked { account_id, root_wrap, log_place, statements, rest: None, from_backup };
    Ok(Some(Opened { unlocked, more }))
}

async fn log_place(account_id: AccountId, tx: &mut AnyConnection) -> Result<Base64> {
    let place = sqlx::query_scalar(
        "-- unlock::log_place
        select log_place from account where account_id = $1",
    )
    .bind(account_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    Ok(Base64(place))
}

async fn root_wrap(
    account_id: AccountId,
    lock_id: LockId,
    tx: &mut AnyConnection,
) -> Result<Option<Vec<u8>>> {
    let root_wrap = sqlx::query_scalar(
        "-- unlock::root_wrap
        select root_wrap from lock where account_id = $1 and lock_id = $2",
    )
    .bind(account_id.as_bytes())
    .bind(lock_id.as_bytes())
    .fetch_optional(&mut *tx)
    .await?;
    Ok(root_wrap)
}

fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| crate::error::Error::Broken("the system gives no randomness"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{Clock, Config, error::Error};

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        config: Config,
    }

    #[tokio::test]
    async fn where_there_is_no_room_no_try_is_spent() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().to_str().expect("text");
        let command = Command::try_parse_from(["reconnect", "--data", data]).expect("settings");
        let app = App::open(command.config, Clock::manual(1_000_000)).await.expect("it opens");
        let mut rng = SystemRng;
        let begun = opaque_ke::ClientLogin::<Words>::start(&mut rng, b"words").expect("begins");
        let request = Base64(begun.message.serialize().to_vec());
        let fill = "with recursive n (i) as (select 1 union all select i + 1 from n where i < $1)
            insert into unlocking (unlock_id, login, ends_at) select randomblob(16), x'00', 9 from n";
        let filled: Result<()> = transaction!(app.db, "test", |tx| {
            sqlx::query(fill).bind(unlocking::UNDER_WAY).execute(tx).await?;
            Ok(())
        });
        filled.expect("there is room");
        let start = async || {
            let start = WordsStart { handle: "nobody-here-1234".into(), request: request.clone() };
            let place = Place::take(&app.crowd).expect("a place");
            start_words(State(app.clone()), Extension(place), Sent(start)).await
        };
        let refused = start().await.err();
        assert!(matches!(refused, Some(Error::Wait(Code::TooManyRequests, _))));
        let spent: i64 = sqlx::query_scalar("select count(*) from handle_tries")
            .fetch_one(app.db.reader())
            .await
            .expect("a count");
        assert_eq!(spent, 0);
        let emptied: Result<()> = transaction!(app.db, "test", |tx| {
            sqlx::query("delete from unlocking").execute(tx).await?;
            Ok(())
        });
        emptied.expect("emptied");
        assert!(start().await.is_ok());
    }
}
