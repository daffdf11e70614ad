//! Who asks: the account and device behind one request, from its bearer token.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reconnect_format::{
    Label,
    api::Code,
    id::{AccountId, DeviceId},
};
use zeroize::Zeroizing;

use crate::{
    app::App,
    error::{Error, Result},
    journal::Noted,
    session,
    wire::id,
};

/// The authenticated account and device behind one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) account_id: AccountId,
    pub(crate) device_id: DeviceId,
    pub(crate) token_hash: [u8; 32],
}

impl Caller {
    /// The caller whose live session this is.
    pub(crate) async fn find(token_hash: [u8; 32], app: &App) -> Result<Option<Self>> {
        let now = app.clock.now_row();
        let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "-- Caller::find
            select s.account_id, s.device_id
            from session s
            join device d on d.account_id = s.account_id and d.device_id = s.device_id
            where s.token_hash = $1 and s.ended = 0 and s.expires_at > $2 and s.expires_at <= $3",
        )
        .bind(token_hash.as_slice())
        .bind(now)
        .bind(session::latest_end(now))
        .fetch_optional(app.db.reader())
        .await?;
        row.map(|(account, device)| {
            Ok(Self { account_id: id(&account)?, device_id: id(&device)?, token_hash })
        })
        .transpose()
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let hash = token_hash(&parts.headers).ok_or(Code::SessionEnded)?;
        let caller = Self::find(hash, app).await?.ok_or(Code::SessionEnded)?;
        if let Some(noted) = parts.extensions.get::<Noted>() {
            noted.caller(caller);
        }
        Ok(caller)
    }
}

impl OptionalFromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>> {
        match token_hash(&parts.headers) {
            Some(hash) => Self::find(hash, app).await,
            None => Ok(None),
        }
    }
}

/// The hash under which a request's token is stored; the token itself goes no further.
fn token_hash(headers: &HeaderMap) -> Option<[u8; 32]> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = Zeroizing::new(URL_SAFE_NO_PAD.decode(value.strip_prefix("Bearer ")?).ok()?);
    (token.len() == 32).then(|| Label::SessionToken.hash(&token))
}

#[cfg(test)]
mod tests {
    use anyhow::ensure;
    use axum::http::Request;

    use super::*;
    use crate::{Clock, Config, db::transaction};

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        config: Config,
    }

    #[tokio::test]
    async fn who_need_not_say_who_they_are_is_known_all_the_same() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().to_string_lossy().into_owned();
        let command: Command = clap::Parser::try_parse_from(["reconnect", "--data", &data])?;
        let app = App::open(command.config, Clock::manual(1_000_000)).await?;
        let id = [1; 32];
        transaction!(app.db, "test", |tx| {
            for insert in [
                "insert into account (account_id, sequence, head, used_bytes, receipt_count,
                  log_index, log_place)
                values ($1, 1, $1, 0, 0, $1, $1)",
                "insert into device (account_id, device_id, signing) values ($1, $2, $1)",
                "insert into session (token_hash, account_id, device_id, expires_at, ended,
                  kept_until)
                values ($3, $1, $2, 1000001, 0, 2000000)",
            ] {
                sqlx::query(insert)
                    .bind(id.as_slice())
                    .bind(vec![2; 16])
                    .bind(Label::SessionToken.hash(&[3; 32]).as_slice())
                    .execute(&mut *tx)
                    .await?;
            }
            Ok(())
        })?;
        let asks = async |token: Option<[u8; 32]>| {
            let mut request = Request::new(());
            if let Some(token) = token {
                let value = format!("Bearer {}", URL_SAFE_NO_PAD.encode(token));
                request.headers_mut().insert(header::AUTHORIZATION, value.parse()?);
            }
            let (mut parts, ()) = request.into_parts();
            let asked: Option<Caller> =
                <Caller as OptionalFromRequestParts<App>>::from_request_parts(&mut parts, &app)
                    .await?;
            anyhow::Ok(asked.map(|caller| caller.account_id))
        };
        ensure!(asks(Some([3; 32])).await? == Some(AccountId(id)));
        ensure!(asks(Some([4; 32])).await?.is_none() && asks(None).await?.is_none());
        Ok(())
    }
}
