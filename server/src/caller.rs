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
