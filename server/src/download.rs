//! Downloads: sealed content as a stream that looks again, while it runs, whether it still may.

use std::ops::Range;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use reconnect_format::{
    api::Code,
    envelope::{EnvelopeHeader, HEADER_BYTES, PREFIX_BYTES},
    id::{DepositId, DocumentId, EnvelopeId, GrantId},
};
use tokio::{
    sync::watch,
    time::{Duration, Instant},
};

use crate::{
    app::App,
    blob::{Ahead, Reading},
    caller::Caller,
    deposit,
    error::{Error, Result},
    grant, object,
};

/// Bytes that are read at one time: as much as a slow reader still gets after something was taken
/// away. Each download holds twice as much in memory: while one piece leaves, the next is read.
const PIECE_BYTES: u64 = 256 * 1024;
/// A long download looks again at least this often: for what another process took away, and for
/// what ended by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The same where other servers are on the database: what they took away is cut here within a second. No
/// counter says so, which every revocation would have to write and wait for.
const LOOK_AGAIN_SHARED: Duration = Duration::from_millis(400);

/// One stored content.
pub(crate) struct Content {
    envelope_id: EnvelopeId,
    header: EnvelopeHeader,
    prefix: Bytes,
}

impl Content {
    pub(crate) fn new(envelope_id: EnvelopeId, prefix: Vec<u8>) -> Result<Self> {
        let header = prefix
            .get(..HEADER_BYTES)
            .and_then(|bytes| EnvelopeHeader::decode(bytes).ok())
            .ok_or(Error::Broken("a stored header does not decode"))?;
        Ok(Self { envelope_id, header, prefix: prefix.into() })
    }

    /// Where the next piece is: at `at.start`, and not beyond `at.end`.
    fn place(&self, at: &Range<u64>) -> Result<Piece> {
        let prefix_bytes = PREFIX_BYTES as u64;
        if at.start < prefix_bytes {
            let range = as_index(at.start)?..as_index(at.end.min(prefix_bytes))?;
            return Ok(Piece::Prefix(self.prefix.slice(range)));
        }
        let whole_part = self.header.part_bytes(0).max(1);
        let inside = at.start - prefix_bytes;
        let part = u32::try_from(inside / whole_part).map_err(|_| OUTSIDE)?;
        let start = inside % whole_part;
        let stop = (start + PIECE_BYTES)
            .min(self.header.part_bytes(part))
            .min(start + (at.end - at.start));
        if stop <= start {
            return Err(OUTSIDE);
        }
        Ok(Piece::Part { part, start, count: stop - start })
    }
}

/// Where a piece is.
enum Piece {
    /// In the prefix, which is in the row.
    Prefix(Bytes),
    /// In a part.
    Part { part: u32, start: u64, count: u64 },
}

const OUTSIDE: Error = Error::Broken("a piece outside of its envelope");

fn as_index(offset: u64) -> Result<usize> {
    usize::try_from(offset).map_err(|_| OUTSIDE)
}

/// By what right somebody downloads.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    /// It is theirs.
    Owner { caller: Caller, document_id: DocumentId },
    /// It was sealed for them, and waits.
    Deposit { caller: Caller, deposit_id: DepositId },
    /// It was given to a structure of theirs, and they gave a receipt.
    Grantee { caller: Caller, grant_id: GrantId, document_id: DocumentId },
}

impl Access {
    /// Whether it still holds for this very envelope.
    async fn holds(self, envelope_id: EnvelopeId, app: &App) -> Result<bool> {
        let (Self::Owner { caller, .. }
        | Self::Deposit { caller, .. }
        | Self::Grantee { caller, .. }) = self;
        if Caller::find(caller.token_hash, app).await? != Some(caller) {
            return Ok(false);
        }
        match self {
            Self::Owner { document_id, .. } => {
                let found: Option<i64> = sqlx::query_scalar(
                    "-- Access::holds
                    select version from document
                    where account_id = $1 and document_id = $2 and content_id = $3",
                )
                .bind(caller.account_id.as_bytes())
                .bind(document_id.as_bytes())
                .bind(envelope_id.as_bytes())
                .fetch_optional(app.db.reader())
                .await?;
                Ok(found.is_some())
            }
            Self::Deposit { deposit_id, .. } => {
                let content = deposit::content_of(caller, deposit_id, app).await?;
                Ok(content.is_some_and(|(known, _)| known == envelope_id))
            }
            Self::Grantee { grant_id, document_id, .. } => {
                let content = grant::content_of(caller, grant_id, document_id, app).await?;
                Ok(content.is_some_and(|content| content.envelope_id == envelope_id))
            }
        }
    }
}

/// A download under way.
struct Running {
    content: Content,
    access: Access,
    app: App,
    taken: watch::Receiver<u64>,
    looked: Instant,
    at: Range<u64>,
    /// A part that was opened before the answer began.
    opened: Option<(u32, Reading)>,
    /// The next piece, with the number of its part.
    ahead: Option<(u32, Ahead)>,
}

impl Running {
    /// The next piece; nothing more once the right to it is gone.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        if self.at.is_empty() {
            return Ok(None);
        }
        let piece = self.read().await?;
        // After reading, so that nothing leaves that was taken away meanwhile.
        if self.taken.has_changed().unwrap_or(true) || self.looked.elapsed() > self.look_again() {
            self.taken.mark_unchanged();
            self.looked = Instant::now();
            if !self.access.holds(self.content.envelope_id, &self.app).await? {
                return Err(Code::NotFound.into());
            }
        }
        Ok(Some((piece, self)))
    }

    fn look_again(&self) -> Duration {
        if self.app.db.is_shared() { LOOK_AGAIN_SHARED } else { LOOK_AGAIN }
    }

    /// Opens the part that holds what is behind the prefix: what cannot be read now is refused, and not begun.
    async fn open_first(mut self) -> Result<Self> {
        let behind = self.at.start.max(PREFIX_BYTES as u64);
        if behind < self.at.end
            && let Piece::Part { part, start, .. } = self.content.place(&(behind..self.at.end))?
        {
            self.opened = Some((part, self.open(part, start).await?));
        }
        Ok(self)
    }

    /// Opens a part, to be read as far as this download goes.
    async fn open(&mut self, part: u32, start: u64) -> Result<Reading> {
        let whole = self.content.header.part_bytes(part);
        let (store, db) = (&self.app.blobs, &self.app.db);
        let part = object::find(self.content.envelope_id, part, (store.bucket(), db)).await?;
        let begins = self.at.start.max(PREFIX_BYTES as u64);
        let end = whole.min(start + self.at.end.saturating_sub(begins));
        store.open_part(part, start..end).await
    }

    /// Reads the next piece, and begins to read the one after it where that is in the same part.
    async fn read(&mut self) -> Result<Bytes> {
        let (part, ahead) = match (self.ahead.take(), self.content.place(&self.at)?) {
            (Some(ahead), _) => ahead,
            (None, Piece::Prefix(bytes)) => {
                self.at.start += bytes.len() as u64;
                return Ok(bytes);
            }
            (None, Piece::Part { part, start, count }) => {
                let reading = match self.opened.take() {
                    Some((opened, reading)) if opened == part => reading,
                    _ => self.open(part, start).await?,
                };
                (part, reading.ahead(count))
            }
        };
        let (reading, bytes) = ahead.read().await?;
        self.at.start += bytes.len() as u64;
        if !self.at.is_empty()
            && let Piece::Part { part: next, count, .. } = self.content.place(&self.at)?
            && next == part
        {
            self.ahead = Some((part, reading.ahead(count)));
        }
        Ok(bytes)
    }
}

/// Answers with the whole content, or with the one range that was asked for.
pub(crate) async fn answer(
    content: Content,
    access: Access,
    headers: &HeaderMap,
    app: App,
) -> Result<Response> {
    let total = content.header.sealed_bytes();
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, at) = match asked.map_or(Asked::Whole, |text| parse_range(text, total)) {
        Asked::Whole => (StatusCode::OK, 0..total),
        Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Asked::Nothing => {
            let range = HeaderValue::try_from(format!("bytes */{total}"));
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            response.headers_mut().extend(range.ok().map(|range| (header::CONTENT_RANGE, range)));
            return Ok(response);
        }
    };
    let mut response = status.into_response();
    let answered = response.headers_mut();
    answered.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    answered.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answered.insert(header::CONTENT_LENGTH, HeaderValue::from(at.end - at.start));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {}-{}/{total}", at.start, at.end - 1);
        answered.extend(HeaderValue::try_from(range).ok().map(|r| (header::CONTENT_RANGE, r)));
    }
    let mut taken = app.taken.subscribe();
    // The first piece looks again: something may have been taken away since the handler looked.
    taken.mark_changed();
    let looked = Instant::now();
    let running = Running { content, access, app, taken, looked, at, opened: None, ahead: None };
    let running = running.open_first().await?;
    let pieces = stream::try_unfold(running, |running| async {
        running.next().await.inspect_err(|error| {
            if let Error::Code(_) = error {
                tracing::info!("a download was cut: what it reads was taken away");
            } else {
                tracing::error!(%error, "a download broke");
            }
        })
    });
    *response.body_mut() = Body::from_stream(pieces);
    Ok(response)
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// All of it: there is no range, or one that this server does not know.
    Whole,
    /// One range.
    Part(Range<u64>),
    /// A range that is not there.
    Nothing,
}

/// Reads a single byte range (RFC 9110 section 14.1.2). Several ranges are answered with the whole.
fn parse_range(text: &str, total: u64) -> Asked {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|text| text.split_once('-'))
    else {
        return Asked::Whole;
    };
    if !digits(first) || !digits(last) {
        return Asked::Whole;
    }
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(total),
        (Ok(first), Err(_)) if last.is_empty() => first..total,
        (Err(_), Ok(suffix)) if first.is_empty() => total.saturating_sub(suffix)..total,
        _ => return Asked::Whole,
    };
    if range.is_empty() { Asked::Nothing } else { Asked::Part(range) }
}

#[cfg(test)]
mod tests;
