//! What arrives, read strictly: paths, queries and JSON become types or one [`Error`]; and numbers
//! and ids as the database holds them.

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::request::Parts,
};
use reconnect_format::api::Code;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// JSON that was sent, as large as any open route takes.
pub(crate) const OPEN_JSON_BYTES: usize = 256 * 1024;
/// JSON that was sent by a caller: a grant of 10,000 documents, a group of some hundred members.
pub(crate) const CALLER_JSON_BYTES: usize = 8 * 1024 * 1024;

/// A JSON body.
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let Json(value) = Json::from_request(request, state).await.map_err(|_| Code::BadRequest)?;
        Ok(Self(value))
    }
}

/// What the path names. A malformed id looks like one that does not exist.
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Path(value) =
            Path::from_request_parts(parts, state).await.map_err(|_| Code::NotFound)?;
        Ok(Self(value))
    }
}

/// What the query asks for.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Query(value) =
            Query::from_request_parts(parts, state).await.map_err(|_| Code::BadRequest)?;
        Ok(Self(value))
    }
}

/// A number as the database holds it; what is larger means "never".
pub(crate) fn to_row(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that the database holds.
pub(crate) fn from_row(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// An id that the database holds.
pub(crate) fn id<T>(bytes: &[u8]) -> Result<T>
where
    T: for<'a> TryFrom<&'a [u8]>,
{
    T::try_from(bytes).map_err(|_| Error::Broken("an id in the database has another length"))
}
