//! One error for the whole server, turned into a [`Problem`] once, at the edge.
//!
//! Internals are logged here and never sent. Reasons for a refusal are not sent either.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use reconnect_format::{
    DecodeError,
    api::{Code, Problem},
    id::NotAnId,
    manifest::StatementError,
    structure::ChainError,
};

use crate::fault::{self, Mutant};

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A refusal that the caller is told by its code.
    #[error("{}", .0.text())]
    Code(Code),
    /// The same, with the time after which trying again makes sense.
    #[error("{} for {wait} s", .0.text(), wait = .1)]
    Wait(Code, u64),
    /// The same, with the limit that was passed.
    #[error("{} of {limit} bytes", .0.text(), limit = .1)]
    Limit(Code, u64),
    /// The safe holds as many of something as it may.
    #[error("{}: at most {limit}", Code::TooManyThings.text(), limit = .0)]
    TooMany(u64),
    /// A transaction lost a race and is tried again.
    #[error("lost a race")]
    Raced,
    /// The database failed.
    #[error("database: {0}")]
    Database(sqlx::Error),
    /// The blob store failed.
    #[error("blobs: {}", redacted(.0))]
    Blobs(object_store::Error),
    /// A file failed.
    #[error("file: {0}")]
    File(std::io::Error),
    /// What is stored contradicts itself.
    #[error("{0}")]
    Broken(&'static str),
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::Code(code)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match kind(&error) {
            Fault::Full => Self::Code(Code::StorageFull),
            Fault::Broken if fault::has(Mutant::CarryOn) => Self::Database(error),
            Fault::Broken => stop_without_ack("database", &error),
            Fault::Busy if matches!(error, sqlx::Error::PoolTimedOut) => {
                Self::Wait(Code::Unavailable, 1)
            }
            Fault::Busy => Self::Raced,
            Fault::Other => Self::Database(error),
        }
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        if is_full(&error) { Self::Code(Code::StorageFull) } else { Self::Blobs(error) }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        if is_full(&error) { Self::Code(Code::StorageFull) } else { Self::File(error) }
    }
}

impl From<StatementError> for Error {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::Fork => Self::Code(Code::Conflict),
            _ => Self::Code(Code::Refused),
        }
    }
}

impl From<ChainError> for Error {
    fn from(_: ChainError) -> Self {
        Self::Code(Code::Refused)
    }
}

impl From<DecodeError> for Error {
    fn from(_: DecodeError) -> Self {
        Self::Code(Code::Refused)
    }
}

impl From<NotAnId> for Error {
    fn from(_: NotAnId) -> Self {
        Self::Code(Code::NotFound)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        problem(match &self {
            Self::Code(code) => Problem::of(*code),
            Self::Wait(code, seconds) => {
                Problem { retry_after_seconds: Some(*seconds), ..Problem::of(*code) }
            }
            Self::Limit(code, bytes) => Problem { limit_bytes: Some(*bytes), ..Problem::of(*code) },
            Self::TooMany(most) => {
                Problem { limit_count: Some(*most), ..Problem::of(Code::TooManyThings) }
            }
            Self::Raced => {
                Problem { retry_after_seconds: Some(1), ..Problem::of(Code::Unavailable) }
            }
            Self::Database(_) | Self::Blobs(_) | Self::File(_) | Self::Broken(_) => {
                tracing::error!(error = %self, "a request failed inside");
                Problem::of(Code::Internal)
            }
        })
    }
}

/// The answer that shows `problem`.
pub(crate) fn problem(problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let wait = problem.retry_after_seconds;
    let mut response = (status, Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = wait {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// What a database error means for what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The disk is full.
    Full,
    /// What was written may not be there: going on would lose what was acknowledged.
    Broken,
    /// Somebody else is writing, or the database is not reachable: try again.
    Busy,
    /// A mistake of ours, or something unknown.
    Other,
}

/// Sorts a database error. `PostgreSQL` codes have five characters, `SQLite`'s at most four.
pub(crate) fn kind(error: &sqlx::Error) -> Fault {
    /// Low bytes of `SQLite` codes: BUSY and LOCKED; IOERR, CORRUPT and NOTADB; FULL.
    const BUSY: [u32; 2] = [5, 6];
    const BROKEN: [u32; 3] = [10, 11, 26];
    const FULL: u32 = 13;
    /// `SQLITE_IOERR_SHMSIZE`: the index of the write-ahead log did not fit on the disk.
    const SHM_SIZE: u32 = 4874;
    match error {
        sqlx::Error::Database(database) => match database.code().as_deref() {
            Some("40001" | "40P01" | "57P01" | "57P02" | "57P03" | "53300") => Fault::Busy,
            Some("53100") => Fault::Full,
            Some(code) if code.len() < 5 => match code.parse::<u32>() {
                Ok(SHM_SIZE) => Fault::Full,
                Ok(code) if code & 0xff == FULL => Fault::Full,
                Ok(code) if BUSY.contains(&(code & 0xff)) => Fault::Busy,
                Ok(code) if BROKEN.contains(&(code & 0xff)) => Fault::Broken,
                _ => Fault::Other,
            },
            _ => Fault::Other,
        },
        sqlx::Error::WorkerCrashed => Fault::Broken,
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed => Fault::Busy,
        _ => Fault::Other,
    }
}

/// Whether an error, or what caused it, is a full disk.
pub(crate) fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    causes(error).any(|error| matches!(error.kind(), StorageFull | QuotaExceeded))
}

/// The errors of files behind an error.
pub(crate) fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a std::io::Error> {
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref())
}

/// What an error says, without what may be an id: paths of files and addresses of objects hold them.
pub(crate) fn redacted(error: &dyn std::fmt::Display) -> String {
    /// Letters of the shortest id.
    const SHORTEST: usize = 22;
    let is_of_id = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    let said = error.to_string();
    let mut words: Vec<&str> = said.split(|it| !is_of_id(it)).collect();
    words.retain(|it| it.len() >= SHORTEST);
    words.iter().fold(said.clone(), |said, id| said.replace(id, "…"))
}

/// Ends the process: after a failed write or fsync nobody can say what is on the disk, so nothing
/// more is acknowledged, and the next start repairs before anything else.
pub(crate) fn stop_without_ack(what: &str, error: &dyn std::fmt::Display) -> ! {
    let error = redacted(error);
    tracing::error!(what, error, "storage failed: stopping without an answer");
    std::process::exit(70)
}

/// For tests of what ends the process: the same test once more, in a process of its own.
#[cfg(test)]
pub(crate) mod again {
    use std::{env, process::Command};

    const AGAIN: &str = "RECONNECT_TEST_AGAIN";

    /// Whether this is that process.
    pub(crate) fn is_so() -> bool {
        env::var_os(AGAIN).is_some()
    }

    /// How it ended.
    pub(crate) fn run(test: &str) -> anyhow::Result<Option<i32>> {
        let mut command = Command::new(env::current_exe()?);
        Ok(command.args(["--exact", test]).env(AGAIN, "1").output()?.status.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_an_id_is_not_said_and_the_rest_is() {
        let said = "PUT /blobs/AbCdEfGhIjKlMnOpQrStUv/17: 503 SlowDown (os error 28) /v/l-_01234567890123456789ab#2";
        assert_eq!(redacted(&said), "PUT /blobs/…/17: 503 SlowDown (os error 28) /v/…#2");
    }
}
