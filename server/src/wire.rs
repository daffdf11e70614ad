//! What arrives, read strictly: paths, queries and JSON become types or one [`Error`]; and numbers
//! and ids as the database holds them.

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use reconnect_format::api::Code;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::{
    app::App,
    error::{Error, Result},
    journal::Noted,
    limit::{Place, patience},
};

/// How large a body a group of routes takes.
#[derive(Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

/// JSON that was sent, as large as any open route takes: a new safe has some thousand bytes.
pub(crate) const OPEN_JSON_BYTES: usize = 64 * 1024;
/// JSON that was sent by a caller: a grant of 10,000 documents, a group of some hundred members.
pub(crate) const CALLER_JSON_BYTES: usize = 8 * 1024 * 1024;

/// JSON with every document key of a safe: three wraps of each of 20,000 documents.
pub(crate) const SAFE_JSON_BYTES: usize = 16 * 1024 * 1024;

/// A JSON body.
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Sent<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
            return Err(Code::BadRequest.into());
        }
        let body = take_in(request, app).await?;
        check_values(&body)?;
        Ok(Self(serde_json::from_slice(&body).map_err(|_| Code::BadRequest)?))
    }
}

/// A list of nothing takes many times its bytes once it is read: values have some length on the average, as ids, keys
/// and wraps have. I-20.
fn check_values(body: &[u8]) -> Result<()> {
    const FEW: usize = 1_000;
    const AVERAGE_BYTES: usize = 16;
    let values = body.split(|it| *it == b',').count();
    if values > FEW && values * AVERAGE_BYTES > body.len() {
        return Err(Code::BadRequest.into());
    }
    Ok(())
}

/// A body as it is.
pub(crate) struct Taken(pub(crate) Bytes);

impl FromRequest<App> for Taken {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        Ok(Self(take_in(request, app).await?))
    }
}

/// Reads a whole body, under one deadline and within what all bodies may take. Meanwhile the request
/// keeps nobody else from being answered.
async fn take_in(request: Request, app: &App) -> Result<Bytes> {
    let limit = request.extensions().get().map_or(OPEN_JSON_BYTES, |BodyLimit(bytes)| *bytes);
    // What says nothing of its length may be as large as the limit.
    let bytes = content_length(request.headers()).unwrap_or(limit);
    if bytes > limit {
        return Err(Code::BadRequest.into());
    }
    let place = request.extensions().get::<Place>().cloned();
    let place = place.ok_or(Error::Broken("a request without a place"))?;
    place.leave_for_body(bytes, &app.crowd)?;
    let noted = request.extensions().get::<Noted>().cloned();
    let body = timeout(patience(bytes as u64), to_bytes(request.into_body(), limit))
        .await
        .map_err(|_| Error::Wait(Code::Unavailable, 1))?
        .map_err(|_| Code::BadRequest)?;
    place.enter(&app.crowd)?;
    if let Some(noted) = noted {
        noted.body(&body);
    }
    Ok(body)
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
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

/// Rows that one answer takes of a longer list.
pub(crate) const PAGE_ROWS: usize = 200;
/// Bytes of such rows: a statement about a grant may have 160 KB.
const PAGE_BYTES: usize = 512 * 1024;

/// The beginning of a longer list, as far as one answer goes.
pub(crate) struct Page<T> {
    pub(crate) rows: Vec<T>,
    /// Whether there was a row that no longer fitted.
    pub(crate) more: bool,
    most: usize,
    bytes: usize,
}

impl<T> Page<T> {
    pub(crate) fn new() -> Self {
        Self::of(PAGE_ROWS)
    }

    /// Of at most so many rows.
    pub(crate) fn of(most: usize) -> Self {
        Self { rows: Vec::new(), more: false, most, bytes: 0 }
    }

    /// How many rows to ask the database for: one more shows that there are more.
    pub(crate) fn limit() -> i64 {
        Self::limit_of(PAGE_ROWS)
    }

    /// The same for a page [`of`](Self::of) so many rows.
    pub(crate) fn limit_of(most: usize) -> i64 {
        to_row(most as u64 + 1)
    }

    /// Takes a row in; whether it fitted. The first always does.
    pub(crate) fn take(&mut self, row: T, bytes: usize) -> bool {
        self.bytes += bytes;
        let fits = self.rows.len() < self.most && self.bytes <= PAGE_BYTES;
        if fits || self.rows.is_empty() {
            self.rows.push(row);
        } else {
            self.more = true;
        }
        !self.more
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

#[cfg(test)]
mod tests {
    use reconnect_format::{
        api::{FoundStructure, Submission, Wrap},
        grant::DOCUMENT_WRAP_BYTES,
        id::{Base64, EnvelopeId, GrantId},
        manifest::DOCUMENTS_MAX,
    };

    use super::*;

    #[test]
    fn lists_of_nothing_are_refused_before_they_are_read() -> serde_json::Result<()> {
        let nothing = vec![Base64::default(); CALLER_JSON_BYTES / 3 - 100];
        let (certificate, history, recovery) = <(Base64, Base64, Base64)>::default();
        let founding = FoundStructure { statements: nothing, certificate, history, recovery };
        let body = serde_json::to_vec(&founding)?;
        assert!(body.len() <= CALLER_JSON_BYTES);
        assert!(check_values(&body).is_err());
        Ok(())
    }

    #[test]
    fn every_key_of_the_largest_safe_is_taken() -> serde_json::Result<()> {
        let wrap = Wrap {
            grant_id: GrantId([1; 16]),
            envelope_id: EnvelopeId([2; 16]),
            wrap: Base64(vec![3; DOCUMENT_WRAP_BYTES]),
        };
        let submission =
            Submission { wraps: vec![wrap; 3 * DOCUMENTS_MAX], ..Submission::default() };
        let body = serde_json::to_vec(&submission)?;
        assert!(body.len() <= SAFE_JSON_BYTES);
        assert!(check_values(&body).is_ok());
        Ok(())
    }
}
