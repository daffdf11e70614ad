//! Problems: why the server refused, as the wire shows it (RFC 9457), with codes that never change.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal);* $(;)?) => {
        /// Why the server refused, as a stable code that the page turns into words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($(#[$doc])* $name),* }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As JSON shows it.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }
        }
    };
}

codes! {
    /// The request does not have the form that this route takes.
    BadRequest = "bad_request", 400;
    /// No session, or one that has ended.
    SessionEnded = "session_ended", 401;
    /// Words and handle do not belong together, or there is no such handle.
    WrongWordsOrHandle = "wrong_words_or_handle", 401;
    /// No lock is found by what is held, or it is not its key.
    WrongHeld = "wrong_held", 401;
    /// What was signed is right, and says a time that is a month from the server's.
    WrongClock = "wrong_clock", 401;
    /// Not there, or not the caller's: the two look alike.
    NotFound = "not_found", 404;
    /// No such route takes this method.
    MethodNotAllowed = "method_not_allowed", 405;
    /// Somebody else wrote first: read again and repeat.
    Conflict = "conflict", 409;
    /// The safe comes from a backup, and only its owner goes on, knowing what is missing.
    FromBackup = "from_backup", 409;
    /// The handle exists: draw another.
    HandleTaken = "handle_taken", 409;
    /// No try of its PIN is left: this lock opens nothing any more.
    PinSpent = "pin_spent", 410;
    /// Nobody is coming back in this way any more: it was stopped, or its time is over.
    ReturnOver = "return_over", 410;
    /// One was stopped before, and guardians began it all the same: no device stops this one.
    ReturnStrict = "return_strict", 409;
    /// Too long between the first and the third message, or the server started again meanwhile.
    UnlockOver = "unlock_over", 410;
    /// The invitation was answered by somebody.
    InvitationUsed = "invitation_used", 409;
    /// The invitation is over.
    InvitationEnded = "invitation_ended", 410;
    /// Larger than the limit for one file.
    FileTooLarge = "file_too_large", 413;
    /// The safe is full.
    QuotaFull = "quota_full", 413;
    /// The safe holds as many documents, grants, devices, locks or structures as it may.
    TooManyThings = "too_many_things", 413;
    /// A statement, signature or envelope does not verify.
    Refused = "refused", 422;
    /// Too often: try again after a while.
    TooManyRequests = "too_many_requests", 429;
    /// Too many wrong tries: try again after a while.
    TooManyTries = "too_many_tries", 429;
    /// A fault of the server.
    Internal = "internal", 500;
    /// The server is stopping or overloaded.
    Unavailable = "unavailable", 503;
    /// The server's disk is full.
    StorageFull = "storage_full", 507;
}

/// An error as the wire shows it (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: Code,
    /// Seconds after which trying again makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// The limit that was passed, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
    /// The limit that was passed, as a count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_count: Option<u64>,
}

impl Problem {
    /// A problem of which there is nothing more to say than its code.
    pub const fn of(code: Code) -> Self {
        let (retry_after_seconds, limit_bytes, limit_count) = (None, None, None);
        Self { status: code.status(), code, retry_after_seconds, limit_bytes, limit_count }
    }
}
