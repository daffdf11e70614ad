//! The safe: one façade for everything that its owner does.
//!
//! A [`Drawn`] safe does not exist yet; opening it, or unlocking one that exists, gives a
//! [`Vault`], which is open until it is dropped. What the server shows is believed only after the
//! chain of statements was verified from its first word and folded into a manifest.

#[cfg(feature = "structure")]
mod again;
mod back;
#[cfg(feature = "structure")]
mod certify;
#[cfg(feature = "structure")]
mod change;
mod continued;
#[cfg(feature = "structure")]
mod deposit;
#[cfg(feature = "structure")]
mod desk;
mod drawn;
mod entry;
mod generation;
mod giving;
mod guardians;
mod guarding;
#[cfg(feature = "structure")]
mod harm;
mod inbox;
mod introducing;
#[cfg(feature = "structure")]
mod invite;
#[cfg(feature = "structure")]
mod keep;
#[cfg(all(feature = "structure", feature = "vectors"))]
mod kept;
#[cfg(feature = "structure")]
mod leaf;
mod leave;
mod link;
mod locks;
mod log;
#[cfg(feature = "structure")]
mod manage;
mod notice;
mod papers;
#[cfg(feature = "structure")]
mod received;
mod rekey;
mod remembered;
mod renewing;
mod returning;
mod returns;
#[cfg(feature = "structure")]
mod team;
mod trace;
mod unlock;

use rand_core::CryptoRng;
use reconnect_format::{
    Signed, Sorted, Unverified,
    api::{Call, Code, ReturnShown, StoredReceipt, Submission, Sync, Written},
    id::{AccountId, Base64, DepositId, DeviceId, DocumentId, EnvelopeId, GrantId, StructureId},
    manifest::Manifest,
    statement::{Attested, Body, Signer, Statement},
    structure::StructureChain,
};
use reconnect_log::Witnessed;

use crate::{
    document::{Card, draw_id},
    error::{Damaged, Error, ServerMisbehaved, Unchecked},
    grant,
    key::{AccountSecrets, DeviceSecrets},
    log::Watch,
    place::LogPlace,
    secret::GrantKey,
    world::{World, ask},
};

#[cfg(feature = "structure")]
pub use deposit::{DepositDraft, DepositTo, DepositWords, GivenDeposit};
#[cfg(feature = "structure")]
pub use desk::{Desk, FoundingNames};
pub use drawn::{Drawn, Ways};
pub use giving::{Comparison, Gift, GivenGrant, GrantState};
pub use guardians::{GuardianSeen, GuardiansView, Naming, Standing as GuardianStanding, Who};
pub use guarding::Guarded;
pub use inbox::{Deposited, Distrust, Inbox};
#[cfg(feature = "structure")]
pub use invite::{Invited, PendingInvitation};
#[cfg(all(feature = "structure", feature = "vectors"))]
pub use kept::Kept;
pub use leave::Stayed;
pub use link::Linking;
pub use locks::LockSeen;
#[cfg(feature = "structure")]
pub use manage::{Agreed, Asked};
pub use papers::{
    ContentDraft, Paper, PaperCard, Reading, upload_begin, upload_part, upload_state,
};
#[cfg(feature = "structure")]
pub use received::{Blame, ReceivedGift, ReceivedPaper, Renewal};
use remembered::{check_remembered, head_name, remembered_number};
pub use returning::{ReturnStands, Returning};
pub use returns::{ReturnSeen, Returns};
#[cfg(feature = "structure")]
pub use team::{Member, Standing};
pub use trace::{Entry, Opening, Sentence};
pub use unlock::Coming;

/// How often a write that lost a race is tried again.
const RACES_MAX: usize = 8;

/// An open safe.
pub struct Vault {
    secrets: AccountSecrets,
    /// Of earlier generations, the newest first: what was sealed to them may still wait. `None` until they were read.
    /// ACC-5.
    earlier: Option<Vec<AccountSecrets>>,
    /// Where the log has this safe's head.
    place: LogPlace,
    /// What this page has seen of the log.
    watch: Watch,
    /// Up to which statement the log has this safe.
    head: log::Head,
    /// What was signed, and is not kept on this device yet.
    fresh: notice::Fresh,
    /// Up to which statement this safe was looked through.
    noticed: u64,
    /// Whether something was signed in this device's name, and not by it.
    copied: bool,
    device: DeviceSecrets,
    device_id: DeviceId,
    /// Whether this device is the person's own: what may stay on it stays.
    kept: bool,
    /// Whether it was added when this safe was opened, to a safe that was there.
    is_new_here: bool,
    token: String,
    manifest: Manifest,
    statements: Vec<Signed<Statement>>,
    own_key: GrantKey,
    owner_wraps: Sorted<GrantId, Vec<u8>>,
    wraps: Sorted<EnvelopeId, Vec<u8>>,
    cards: Sorted<DocumentId, (EnvelopeId, Result<Card, Damaged>)>,
    receipts: Vec<StoredReceipt>,
    chains: Sorted<StructureId, StructureChain>,
    accepted: Sorted<StructureId, ()>,
    /// How many wrong PINs were typed before the one that opened this safe.
    wrong_pins: u32,
    /// What the log says of each structure, or why nobody knows.
    witnessed: Sorted<StructureId, Result<Witnessed, Unchecked>>,
    /// Whose chain was fetched for the statement that is being written. GRANT-6.
    looked_at: Sorted<StructureId, ()>,
    records_seen: u64,
    /// A statement that was sent, and nobody said whether it arrived. STMT-8.
    unanswered: Option<Box<Sent>>,
    /// The same of a new generation.
    begun: Option<Box<generation::Begun>>,
    /// How its person came back, who may do nothing but begin a generation.
    back: Option<Box<back::Back>>,
    used_bytes: u64,
    /// How many deposits wait, as the server says.
    deposits: u32,
    /// Those that were looked at, and may be opened.
    inbox: Sorted<DepositId, Deposited>,
    /// Returns of the last weeks, as the server shows them.
    returns: Vec<ReturnShown>,
}

/// A signed statement with what goes with it, and what the person had asked for.
struct Sent {
    wish: String,
    statement: Signed<Statement>,
    submission: Submission,
}

impl Vault {
    /// Whose safe.
    pub fn account_id(&self) -> AccountId {
        self.manifest.account_id()
    }

    /// Which device this is.
    pub fn device_id(&self) -> DeviceId {
        self.device_id
    }

    /// What is so in this safe.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What one types to say which safe: the handle of its newest words.
    pub fn handle(&self) -> String {
        let handles = self.manifest.locks().filter_map(|(_, lock)| lock.access.handle());
        handles
            .last()
            .map(|handle| String::from_utf8_lossy(handle).into_owned())
            .unwrap_or_default()
    }

    /// How many wrong PINs were typed, by the server's word, between the last time that the lock was opened and
    /// this one.
    pub fn wrong_pins(&self) -> u32 {
        self.wrong_pins
    }

    /// Sealed bytes that the server holds for this safe.
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    /// The session's token, for calls that this safe made and somebody else ships.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether this device is the person's own.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    pub(crate) fn secrets(&self) -> &AccountSecrets {
        &self.secrets
    }

    #[cfg(feature = "structure")]
    pub(crate) fn device(&self) -> &DeviceSecrets {
        &self.device
    }

    /// Signs `body` with this device's key and puts its proof beside.
    #[cfg(feature = "structure")]
    pub(crate) fn attest<T: reconnect_format::Signable>(&self, body: T) -> Base64 {
        Base64(self.attested(body).encode())
    }

    pub(crate) fn attested<T: reconnect_format::Signable>(&self, body: T) -> Attested {
        let signed = self.device.signing.sign(body);
        if T::LABEL == reconnect_format::Label::StructureStatement {
            self.fresh.add(&signed);
        }
        Attested { object: signed.encode(), proof: self.device_proof() }
    }

    pub(crate) async fn read<T: serde::de::DeserializeOwned>(
        &self,
        world: &impl World,
        call: Call,
    ) -> Result<T, Error> {
        self.keep_signed(world).await?;
        ask(world, call, Some(&self.token)).await
    }

    /// Takes in what is new: statements, wraps, cards, receipts. SYNC-1.
    pub async fn sync(&mut self, world: &impl World) -> Result<(), Error> {
        while self.take_in_page(world).await? {}
        if self.secrets.generation > 1 && self.earlier.is_none() {
            return Err(Damaged.into());
        }
        self.forget_what_is_gone();
        self.notice(world).await?;
        self.remember_head(world).await
    }

    /// Takes in as much as one answer gives; whether there is more. What was taken in stays, should
    /// the connection break: it was verified, and the next time goes on from there. SYNC-4.
    async fn take_in_page(&mut self, world: &impl World) -> Result<bool, Error> {
        let path = format!(
            "/v1/sync?statements_after={}&records_after={}&receipts_after={}",
            self.manifest.sequence(),
            self.records_seen,
            self.receipts.last().map_or(0, |receipt| receipt.number),
        );
        let news: Sync = self.read(world, Call::read(path)).await?;
        let before = (self.manifest.sequence(), self.records_seen, self.receipts.len());
        for bytes in &news.statements {
            let statement = self.manifest.append(Unverified::decode(&bytes.0)?)?;
            self.statements.push(statement);
        }
        if let Some(sealed) = &news.earlier_roots {
            self.open_earlier(sealed)?;
        }
        self.owner_wraps.extend(news.owner_wraps.into_iter().map(|it| (it.grant_id, it.wrap.0)));
        self.wraps.extend(news.wraps.into_iter().map(|it| (it.envelope_id, it.wrap.0)));
        self.receipts.extend(news.receipts);
        self.used_bytes = news.used_bytes;
        self.deposits = news.deposits;
        self.returns = news.returns;
        if news.records_until > self.records_seen {
            self.open_own_key()?;
        }
        for card in news.cards {
            self.open_card(card.document_id, &card.envelope.0);
        }
        self.records_seen = news.records_until.min(self.manifest.sequence());
        let after = (self.manifest.sequence(), self.records_seen, self.receipts.len());
        // SYNC-4: each answer brings something, and the last goes up to the newest statement.
        match news.more {
            true if after == before => Err(Error::Unreadable),
            false if self.records_seen < after.0 => Err(ServerMisbehaved::Rollback.into()),
            more => Ok(more),
        }
    }

    fn open_own_key(&mut self) -> Result<(), Error> {
        let terms = self.manifest.owner_grant().ok_or(ServerMisbehaved::Forged)?;
        let wrap = self.owner_wraps.get(&terms.grant_id).ok_or(Damaged)?;
        self.own_key = grant::open_as_owner(wrap, terms, &self.secrets.vault, &self.place)?.key();
        Ok(())
    }

    fn forget_what_is_gone(&mut self) {
        let mut live = Sorted::default();
        for (_, document) in self.manifest.documents() {
            live.extend(document.envelopes().map(|it| (it.envelope_id, ())));
        }
        self.wraps.retain(|envelope_id, _| live.contains(envelope_id));
        self.cards.retain(|_, (envelope_id, _)| live.contains(envelope_id));
    }

    /// A device of one's own remembers the newest head: an older chain is refused. SYNC-2.
    async fn remember_head(&self, world: &impl World) -> Result<(), Error> {
        if self.kept {
            let head =
                [&self.manifest.sequence().to_be_bytes()[..], &self.manifest.head()].concat();
            world.keep(&head_name(self.account_id()), &head).await?;
        }
        Ok(())
    }

    /// Signs and ships a statement; when somebody else wrote first, takes in what they wrote and
    /// makes it anew: wraps and versions are computed again from what is so then. STMT-7.
    ///
    /// `wish` says what the person asked for: when no answer came and they ask for the same again,
    /// the same bytes are sent. What differs from journey to journey is erased: the page holds this
    /// once, not ten times.
    pub(crate) async fn write(
        &mut self,
        world: &impl World,
        wish: &str,
        make: &Make<'_>,
    ) -> Result<Signed<Statement>, Error> {
        let mut again = self.look_for_unanswered(world, wish).await?;
        for _ in 0..RACES_MAX {
            let sent = match again.take() {
                Some(sent) => sent,
                None => self.sign_for(world, wish, make)?,
            };
            if self.holds(&sent.statement) {
                return Ok(sent.statement);
            }
            match self.ship_submission(world, &sent.submission).await {
                Ok(()) => {
                    self.manifest.append(Unverified::decode(&sent.submission.statement.0)?)?;
                    self.statements.push(sent.statement.clone());
                    self.remember_head(world).await?;
                    return Ok(sent.statement);
                }
                Err(Error::Refused(problem)) if problem.code == Code::Conflict => {
                    // STMT-7: no second signature for a place that nobody else has taken, but for a
                    // grant to an epoch that ended on its way.
                    let before = self.manifest.sequence();
                    self.sync(world).await?;
                    let taken = self.manifest.sequence() > before;
                    if !taken && !self.gave_to_the_past(world, &sent.statement).await? {
                        return Err(ServerMisbehaved::Fork.into());
                    }
                    // What won may be these bytes, from a try whose answer was lost.
                    again = Some(sent).filter(|sent| self.holds(&sent.statement));
                }
                Err(error) if says_nothing(&error) => {
                    self.unanswered = Some(sent);
                    again = self.look_for_unanswered(world, wish).await?;
                    if !again.as_ref().is_some_and(|sent| self.holds(&sent.statement)) {
                        self.unanswered = again;
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::Offline)
    }

    /// Reads the chain when a statement was not answered, and gives that statement when the person
    /// asks for the same again and no other took its place. STMT-8.
    async fn look_for_unanswered(
        &mut self,
        world: &impl World,
        wish: &str,
    ) -> Result<Option<Box<Sent>>, Error> {
        if self.unanswered.is_none() {
            return Ok(None);
        }
        self.sync(world).await?;
        let free = self.manifest.sequence() + 1;
        Ok(self.unanswered.take().filter(|sent| {
            let place = sent.statement.body().sequence;
            sent.wish == wish && (place == free || self.holds(&sent.statement))
        }))
    }

    fn sign_for(
        &self,
        world: &impl World,
        wish: &str,
        make: &Make<'_>,
    ) -> Result<Box<Sent>, Error> {
        let mut rng = world.rng();
        let (body, attach) = make(self, &mut rng)?;
        let statement = self.sign(body, self.time(world), &mut rng);
        let mut submission = attach(&statement, &mut rng)?;
        submission.statement = Base64(statement.encode());
        submission.log_value = log_value(&self.place, &statement);
        Ok(Box::new(Sent { wish: wish.to_owned(), statement, submission }))
    }

    /// Whether the chain has this very statement.
    fn holds(&self, statement: &Signed<Statement>) -> bool {
        let there = log::numbered(&self.statements, statement.body().sequence);
        there.is_some_and(|there| there.hash() == statement.hash())
    }

    /// The same bytes may be sent again: the server knows a statement that it has.
    async fn ship_submission(
        &self,
        world: &impl World,
        submission: &Submission,
    ) -> Result<(), Error> {
        let call = Call::send("/v1/statements", submission);
        match self.read::<Written>(world, call.clone()).await {
            Err(Error::Offline) => self.read::<Written>(world, call).await.map(drop),
            other => other.map(drop),
        }
    }

    fn sign(&self, body: Body, made_at: u64, rng: &mut impl CryptoRng) -> Signed<Statement> {
        let salt = draw_id(rng);
        if body.is_by_root() {
            let signer = Signer::Root { generation: self.secrets.generation };
            self.secrets.signing.sign(self.manifest.next(signer, body, made_at, salt))
        } else {
            let signer = Signer::Device { device_id: self.device_id };
            let next = self.manifest.next(signer, body, made_at, salt);
            let statement = self.device.signing.sign(next);
            self.fresh.add(&statement);
            statement
        }
    }
}

/// What the log is to say of a safe whose newest statement is this one.
fn log_value(place: &LogPlace, statement: &Signed<Statement>) -> Base64 {
    Base64(place.value(statement.body().sequence, &statement.hash()).to_vec())
}

/// Whether this leaves open what became of what was sent, perhaps in an earlier copy: no answer, or
/// one that was given before anybody looked at it.
fn says_nothing(error: &Error) -> bool {
    match error {
        Error::Offline | Error::Unreadable | Error::Undecodable => true,
        Error::Refused(problem) => matches!(problem.status, 401 | 429 | 500..),
        _ => false,
    }
}

/// Makes a statement's body anew from what is so, and what goes with it.
pub(crate) type Make<'a> = dyn Fn(&Vault, &mut dyn CryptoRng) -> Result<Made, Error> + 'a;

/// A statement's body, and what goes with it.
pub(crate) type Made = (Body, Attach);

/// What goes with a statement, once it is signed and its hash is known. The generator is erased so
/// that every journey can hand over a closure of the same shape.
pub(crate) type Attach =
    Box<dyn FnOnce(&Signed<Statement>, &mut dyn CryptoRng) -> Result<Submission, Error>>;

/// Nothing goes with it.
pub(crate) fn bare() -> Attach {
    Box::new(|_, _| Ok(Submission::default()))
}
