//! What can go wrong, as a person or the page can act on it.

use reconnect_format::{
    DecodeError, api::Problem, manifest::StatementError, structure::ChainError,
};

/// Something sealed did not open. One error for every cause: no oracle. OPEN-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("damaged")]
pub struct Damaged;

/// The server broke the protocol. Never retried silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerMisbehaved {
    /// It showed a chain that is not the one seen before.
    #[error("fork")]
    Fork,
    /// It showed less than was seen before.
    #[error("rollback")]
    Rollback,
    /// It showed another chain for a structure that was compared.
    #[error("other chain")]
    OtherChain,
    /// It handed out keys or envelopes that nobody who may has signed.
    #[error("forged")]
    Forged,
    /// It showed less than the log says, or what the log does not say.
    #[error("withheld")]
    Withheld,
    /// It showed a grant that its owner's safe has no more.
    #[error("shown though it was taken back")]
    ShownTakenBack,
    /// It showed a version or a card that its owner's safe has no more.
    #[error("an old version")]
    OldVersion,
    /// It showed what a device signed that its owner had retired.
    #[error("a retired device")]
    RetiredDevice,
    /// The log does not continue the one that was seen.
    #[error("the log has forked")]
    LogForked,
    /// What it showed of the log does not verify.
    #[error("the log's proofs do not verify")]
    LogForged,
}

/// Why the log says nothing yet. No key is used, and trying again later may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unchecked {
    /// It was not asked yet, or did not answer.
    #[error("the log did not answer")]
    Unanswered,
    /// Too few witnesses have seen its newest state.
    #[error("too few witnesses")]
    TooFewWitnesses,
    /// Its newest state is older than a day.
    #[error("the log is a day old")]
    Stale,
    /// It is a day ahead of this device's clock.
    #[error("the log is a day ahead of the clock")]
    Ahead,
    /// It has not caught up with the newest statement.
    #[error("the log is behind")]
    Behind,
}

impl Unchecked {
    /// A stable code that the page turns into words.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unanswered => "log_unanswered",
            Self::TooFewWitnesses => "log_witnesses",
            Self::Stale => "log_stale",
            Self::Ahead => "log_ahead",
            Self::Behind => "log_behind",
        }
    }
}

/// What is missing in a safe that comes from a backup, as its person is told it. They say yes to exactly this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is not gone on from yet. BACKUP-9.
    FromBackup {
        /// When the newest statement that is there was made, in seconds since 1970.
        until: u64,
        /// How many are missing, at most.
        missing: u64,
    },
    /// It went on, without what this device remembers. SYNC-5.
    WentOn {
        /// What was said after it is missing, in seconds since 1970.
        until: u64,
        /// When it went on, in seconds since 1970.
        at: u64,
    },
}

/// Why a journey stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server could not be reached.
    #[error("offline")]
    Offline,
    /// The server answered with a problem.
    #[error("refused by the server")]
    Refused(Problem),
    /// The server answered with something that is not an answer.
    #[error("unreadable answer")]
    Unreadable,
    /// The server answered with something that this version does not know, or that is cut or has more in it.
    #[error("undecodable answer")]
    Undecodable,
    /// Something sealed does not open.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The server broke the protocol.
    #[error(transparent)]
    Misbehaved(#[from] ServerMisbehaved),
    /// The log does not vouch for it yet.
    #[error(transparent)]
    Unchecked(#[from] Unchecked),
    /// Something is missing that was in the safe: whoever comes in must say that they know. BACKUP-9, SYNC-5.
    #[error("comes from a backup")]
    Missing(Told),
    /// The device that this way in belongs to was put out. BACKUP-8.
    #[error("put out")]
    PutOut,
    /// Handle and words do not belong together.
    #[error("wrong words or handle")]
    WrongWordsOrHandle,
    /// A word is not in the list; which one, counted from 1.
    #[error("word {0} is not in the list")]
    WordsMisread(usize),
    /// The letters of a sheet do not fit their check characters.
    #[error("sheet misread")]
    SheetMisread,
    /// It is a card: it opens with its PIN.
    #[error("a card needs its PIN")]
    NeedsPin,
    /// Not six digits.
    #[error("PIN misread")]
    PinMisread,
    /// A PIN that is guessed first: a date, a run, a repetition. LOCK-9.
    #[error("PIN too plain")]
    PinTooPlain,
    /// The PIN is another; how many tries are left.
    #[error("wrong PIN, {0} tries left")]
    WrongPin(u32),
    /// The letters are not those of this structure's paper.
    #[error("wrong paper")]
    WrongPaper,
    /// What this guardian holds is not what the safe names. BACK-6.
    #[error("guardian {0} holds something else")]
    BadShare(u8),
    /// The code is not twenty letters.
    #[error("code misread")]
    CodeMisread,
    /// The code is another structure's.
    #[error("code differs")]
    CodeDiffers,
    /// The structure's code was not compared in this safe.
    #[error("not compared")]
    NotCompared,
    /// No structure that this safe compared stands in for it, or not any more. INTRO-3.
    #[error("not introduced")]
    NotIntroduced,
    /// What was typed or scanned is no address of a safe.
    #[error("address misread")]
    AddressMisread,
    /// A square carries a checkpoint that the log which this device believes did not sign. LOG-17.
    #[error("a square of another log")]
    OtherLog,
    /// What was typed or scanned is no code of a computer. LINK-2.
    #[error("link misread")]
    LinkMisread,
    /// Another account was let into that computer, or lets it in. LINK-5.
    #[error("link taken")]
    LinkTaken,
    /// The invitation's link is incomplete.
    #[error("invitation misread")]
    InvitationMisread,
    /// There is no such document, grant or structure in this safe.
    #[error("not found")]
    NotFound,
    /// The grant has ended or was taken back.
    #[error("grant ended")]
    GrantEnded,
    /// It was there before, its time is not over, and the server has it no more.
    #[error("taken back")]
    TakenBack,
    /// Not a member of a structure, or not yet.
    #[error("not a member")]
    NotAMember,
    /// What this needs is kept on a device of one's own, and this one is shared.
    #[error("needs a device of one's own")]
    NeedsOwnDevice,
    /// This browser remembers another safe.
    #[error("remembers another safe")]
    RemembersAnother,
    /// The invitation is over.
    #[error("invitation ended")]
    InvitationEnded,
    /// An input is outside its bounds.
    #[error("bad request")]
    BadInput,
}

impl Error {
    /// A stable code that the page turns into words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Refused(problem) => problem.code.text(),
            Self::Unreadable => "server_down",
            Self::Undecodable => "undecodable",
            Self::Damaged(_) => "damaged",
            Self::Misbehaved(ServerMisbehaved::Fork) => "fork",
            Self::Misbehaved(ServerMisbehaved::Rollback) => "rollback",
            Self::Misbehaved(ServerMisbehaved::OtherChain) => "other_chain",
            Self::Misbehaved(ServerMisbehaved::Forged) => "forged",
            Self::Misbehaved(ServerMisbehaved::Withheld) => "withheld",
            Self::Misbehaved(ServerMisbehaved::ShownTakenBack) => "shown_taken_back",
            Self::Misbehaved(ServerMisbehaved::OldVersion) => "old_version",
            Self::Misbehaved(ServerMisbehaved::RetiredDevice) => "retired_device",
            Self::Misbehaved(ServerMisbehaved::LogForked) => "log_forked",
            Self::Misbehaved(ServerMisbehaved::LogForged) => "log_forged",
            Self::Unchecked(unchecked) => unchecked.code(),
            Self::Missing(Told::FromBackup { .. }) => "from_backup",
            Self::Missing(Told::WentOn { .. }) => "went_on",
            Self::PutOut => "put_out",
            Self::WrongWordsOrHandle => "wrong_words_or_handle",
            Self::WordsMisread(_) => "words_misread",
            Self::SheetMisread => "sheet_misread",
            Self::NeedsPin => "needs_pin",
            Self::PinMisread => "pin_misread",
            Self::PinTooPlain => "pin_too_plain",
            Self::WrongPin(_) => "wrong_pin",
            Self::WrongPaper => "wrong_paper",
            Self::BadShare(_) => "bad_share",
            Self::CodeMisread => "code_misread",
            Self::CodeDiffers => "code_differs",
            Self::NotCompared => "not_compared",
            Self::NotIntroduced => "not_introduced",
            Self::AddressMisread => "address_misread",
            Self::OtherLog => "other_log",
            Self::LinkMisread => "link_misread",
            Self::LinkTaken => "link_taken",
            Self::InvitationMisread => "invitation_misread",
            Self::NotFound => "not_found",
            Self::GrantEnded => "grant_ended",
            Self::TakenBack => "taken_back",
            Self::NotAMember => "not_a_member",
            Self::NeedsOwnDevice => "needs_own_device",
            Self::RemembersAnother => "remembers_another",
            Self::InvitationEnded => "invitation_ended",
            Self::BadInput => "bad_request",
        }
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::BadSignature => Self::Misbehaved(ServerMisbehaved::Forged),
            _ => Self::Undecodable,
        }
    }
}

impl From<StatementError> for Error {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::Decode(inner) => inner.into(),
            StatementError::WrongSigner | StatementError::Contradiction => {
                Self::Misbehaved(ServerMisbehaved::Forged)
            }
            StatementError::Fork | StatementError::RootMismatch => {
                Self::Misbehaved(ServerMisbehaved::Fork)
            }
        }
    }
}

impl From<ChainError> for Error {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Decode(inner) => inner.into(),
            ChainError::OtherChain => Self::Misbehaved(ServerMisbehaved::OtherChain),
            ChainError::WrongSigner => Self::Misbehaved(ServerMisbehaved::Forged),
            ChainError::Rollback => Self::Misbehaved(ServerMisbehaved::Rollback),
        }
    }
}
