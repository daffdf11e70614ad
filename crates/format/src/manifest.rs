//! The manifest: what is so in a safe, as its chain of statements says.
//!
//! Client and server fold the same chain with the same code. The manifest's root, which every
//! statement names, is the Merkle root over its records in the order of their hashes; each leaf is
//! salted, so that showing one says nothing of the others.

mod continued;
mod grants;
mod live;
mod overrule;

use crate::{
    DecodeError, PublicKey, Signed, Sorted, Unverified,
    account::AccountKeys,
    check,
    envelope::{EnvelopeKind, EnvelopeRef},
    grant::RecipientName,
    id::{AccountId, DepositId, DeviceId, DocumentId, GrantId},
    lock::{HANDLE_MAX_BYTES, LockAccess},
    statement::{Body, Signer, Statement},
    tree,
};

pub use continued::{LEAP_MAX, MISSING_MAX};
pub use overrule::Ended;

pub use crate::record::{
    CardRecord, ComparedRecord, ContentRecord, DeviceRecord, DocumentRecord, LockRecord, Record,
    RecordKey,
};

/// Live documents of one safe. STMT-9.
pub const DOCUMENTS_MAX: usize = 20_000;
/// Grants of one safe that were not taken back, the owner's own among them. STMT-9.
pub const GRANTS_MAX: usize = 1_000;
/// Structures whose code one safe has compared. STMT-9.
pub const STRUCTURES_MAX: usize = 1_000;
/// Live locks of one safe. STMT-9.
pub const LOCKS_MAX: usize = 100;
/// Live devices of one safe. Many, since a device is added each time that somebody comes in on a
/// shared browser, and whoever finds no room for one is locked out. STMT-9.
pub const DEVICES_MAX: usize = 10_000;

/// Why a statement does not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It does not decode or verify.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It does not follow the newest statement: somebody else wrote first.
    #[error("does not follow")]
    Fork,
    /// That key may not say that.
    #[error("signed by somebody who may not")]
    WrongSigner,
    /// It contradicts what is so: an unknown or used id, a version that does not follow.
    #[error("contradicts what is so")]
    Contradiction,
    /// The manifest's root is another.
    #[error("another manifest root")]
    RootMismatch,
}

/// What is so in one safe.
#[derive(Clone, Debug)]
pub struct Manifest {
    account_id: AccountId,
    keys: AccountKeys,
    sequence: u64,
    head: [u8; 32],
    closed: bool,
    records: Sorted<RecordKey, ([u8; 16], Record)>,
    /// Grants to others that were given under keys of an earlier generation. GRANT-6.
    earlier: Sorted<GrantId, ()>,
    /// Ids that were used and are gone: they never come back. STMT-6.
    spent: Sorted<RecordKey, ()>,
    /// Guardians who may overrule the root for a while, in the order in which they were named. GUARD-7.
    ended: Vec<Ended>,
    /// The latest time at which guardians were named or ended, or a generation begun. GUARD-7.
    turned_at: u64,
    /// Content hash of the statement that named those who are live.
    named_in: [u8; 32],
}

impl Manifest {
    /// Begins with a chain's first statement. STMT-2.
    pub fn begin(
        first: Unverified<Statement>,
    ) -> Result<(Self, Signed<Statement>), StatementError> {
        let Body::Open { keys } = first.claim().body.clone() else {
            return Err(StatementError::Fork);
        };
        let statement = first.verify(&keys.signing)?;
        let body = statement.body();
        let begins = body.sequence == 1
            && body.previous == [0; 32]
            && keys.generation == 1
            && body.signer == Signer::Root { generation: 1 }
            && body.account_id == keys.account_id();
        if !begins {
            return Err(StatementError::Fork);
        }
        let mut manifest = Self::before(keys);
        manifest.take_in(body);
        manifest.sequence = 1;
        manifest.head = statement.hash();
        manifest.check_root(body)?;
        Ok((manifest, statement))
    }

    /// The manifest before any statement: for making a chain's first one.
    pub fn before(keys: AccountKeys) -> Self {
        Self {
            account_id: keys.account_id(),
            keys,
            sequence: 0,
            head: [0; 32],
            closed: false,
            records: Sorted::default(),
            earlier: Sorted::default(),
            spent: Sorted::default(),
            ended: Vec::new(),
            turned_at: 0,
            named_in: [0; 32],
        }
    }

    /// Folds a whole chain. The root is checked at the last statement, which stands for all.
    pub fn replay<'a>(
        statements: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(Self, Vec<Signed<Statement>>), StatementError> {
        let mut statements = statements.into_iter();
        let first = statements.next().ok_or(StatementError::Fork)?;
        let (mut manifest, first) = Self::begin(Unverified::decode(first)?)?;
        let mut verified = vec![first];
        for bytes in statements {
            verified.push(manifest.follow(Unverified::decode(bytes)?)?);
        }
        if let Some(last) = verified.last() {
            manifest.check_root(last.body())?;
        }
        Ok((manifest, verified))
    }

    /// Verifies the next statement and takes it in, its root included. On an error this manifest
    /// is unchanged. STMT-4.
    pub fn append(
        &mut self,
        next: Unverified<Statement>,
    ) -> Result<Signed<Statement>, StatementError> {
        let mut after = self.clone();
        let statement = after.follow(next)?;
        after.check_root(statement.body())?;
        *self = after;
        Ok(statement)
    }

    /// The statement that would say `body` next.
    pub fn next(&self, signer: Signer, body: Body, made_at: u64, salt: [u8; 16]) -> Statement {
        self.numbered(self.sequence + 1, signer, body, made_at, salt)
    }

    /// The same under a number of its own. STMT-11.
    pub fn numbered(
        &self,
        sequence: u64,
        signer: Signer,
        body: Body,
        made_at: u64,
        salt: [u8; 16],
    ) -> Statement {
        let mut statement = Statement {
            suite: crate::Suite::V1,
            account_id: self.account_id,
            sequence,
            previous: self.head,
            made_at,
            salt,
            signer,
            manifest_root: [0; 32],
            body,
        };
        let mut after = self.clone();
        after.take_in(&statement);
        statement.manifest_root = after.root();
        statement
    }

    fn follow(&mut self, next: Unverified<Statement>) -> Result<Signed<Statement>, StatementError> {
        let claim = next.claim();
        let follows = claim.account_id == self.account_id
            && self.is_number_of_next(claim)
            && claim.previous == self.head
            && !self.closed;
        if check!(ChainOrder) && !follows {
            return Err(StatementError::Fork);
        }
        let key = self.signer_key(claim)?;
        let statement = next.verify(&key)?;
        self.check(statement.body())?;
        self.take_in(statement.body());
        self.sequence = self.number_after(statement.body());
        self.head = statement.hash();
        Ok(statement)
    }

    /// Who may say what. STMT-3.
    fn signer_key(&self, claim: &Statement) -> Result<PublicKey, StatementError> {
        let by_root = claim.body.is_by_root();
        match claim.signer {
            Signer::Root { generation } if by_root && generation == self.keys.generation => {
                Ok(self.keys.signing)
            }
            Signer::Device { device_id } if !by_root => self
                .device(device_id)
                .map(|device| device.signing)
                .ok_or(StatementError::WrongSigner),
            Signer::Guardians { lock_id } if matches!(claim.body, Body::NewGeneration { .. }) => {
                self.overruling_key(lock_id, claim.made_at).ok_or(StatementError::WrongSigner)
            }
            _ => Err(StatementError::WrongSigner),
        }
    }

    /// Whether `statement` agrees with what is so. STMT-5, STMT-6.
    fn check(&self, statement: &Statement) -> Result<(), StatementError> {
        let agrees = match &statement.body {
            Body::Open { .. } => false,
            Body::AddDevice { device_id, .. } => self.is_fresh(RecordKey::Device(*device_id)),
            Body::RetireDevice { device_id } => self.device(*device_id).is_some(),
            Body::SetLock { lock_id, generation, access, .. } => {
                self.is_fresh(RecordKey::Lock(*lock_id))
                    && *generation == self.keys.generation
                    && access_is_sound(access)
                    && self.may_guard(access)
                    && access.device().is_none_or(|device_id| self.device(device_id).is_some())
            }
            Body::RetireLock { lock_id } => {
                self.records.contains(&RecordKey::Lock(*lock_id))
                    && self.locks().any(|(id, it)| id != *lock_id && it.access.kind().is_way_back())
            }
            Body::PutVersion { document_id, content, card, thumbnail } => {
                self.version_follows(*document_id, content, card, thumbnail.as_ref())
            }
            Body::AcceptDeposit { deposit_id, document_id, content, card, thumbnail, .. } => {
                self.is_fresh(RecordKey::Deposit(*deposit_id))
                    && self.document(*document_id).is_none()
                    && self.version_follows(*document_id, content, card, thumbnail.as_ref())
            }
            Body::RefuseDeposit { deposit_id } => self.is_fresh(RecordKey::Deposit(*deposit_id)),
            Body::PutCard { document_id, card } => self
                .document(*document_id)
                .is_some_and(|known| follows(card, EnvelopeKind::Card, Some(&known.card))),
            Body::RemoveDocument { document_id } => self.document(*document_id).is_some(),
            Body::Grant(terms) => {
                let again = matches!(terms.recipient, RecipientName::Owner { .. })
                    && self.owner_grant().is_some();
                !again && self.grant_is_sound(terms, statement.made_at)
            }
            Body::Revoke { grant_id } => self
                .grant(*grant_id)
                .is_some_and(|terms| !matches!(terms.recipient, RecipientName::Owner { .. })),
            Body::CompareStructure { structure_id, sequence, .. } => {
                self.compared(*structure_id).is_none_or(|before| before.sequence < *sequence)
                    && self.admitted(*structure_id).is_none_or(|seen| seen.sequence <= *sequence)
            }
            Body::AdmitStructure { structure_id, sequence, introducer, .. } => {
                self.may_admit(*structure_id, *introducer, *sequence)
            }
            Body::NewGeneration { keys, overrulers } => {
                *overrulers == self.overrulers()
                    && keys.succeed(&self.keys)
                    && keys.generation <= self.generations_of(statement.signer)
            }
            Body::Close => true,
            Body::StopReturn { return_id } => self.is_fresh(RecordKey::Return(*return_id)),
            Body::Continue { retired, .. } => self.are_live(retired),
            Body::Regrant { grant_id, terms } => {
                self.goes_on(*grant_id, terms) && self.grant_is_sound(terms, statement.made_at)
            }
        };
        if agrees { Ok(()) } else { Err(StatementError::Contradiction) }
    }

    fn version_follows(
        &self,
        document_id: DocumentId,
        content: &EnvelopeRef,
        card: &EnvelopeRef,
        thumbnail: Option<&EnvelopeRef>,
    ) -> bool {
        let known = self.document(document_id);
        let fresh = known.is_some() || self.is_fresh(RecordKey::Document(document_id));
        // A thumbnail's version is its content's: a document may gain or lose its picture.
        let pictured = thumbnail.is_none_or(|picture| {
            picture.kind == EnvelopeKind::Thumbnail && picture.version == content.version
        });
        fresh
            && pictured
            && follows(content, EnvelopeKind::Content, known.as_ref().map(|known| &known.content))
            && follows(card, EnvelopeKind::Card, known.as_ref().map(|known| &known.card))
    }

    fn is_fresh(&self, key: RecordKey) -> bool {
        !self.records.contains(&key) && check!(SpentIds, !self.spent.contains(&key))
    }

    fn take_in(&mut self, statement: &Statement) {
        self.turn(statement);
        match &statement.body {
            Body::RetireDevice { device_id } => self.spend_device(*device_id),
            Body::Continue { retired, .. } => self.go_on(retired),
            Body::RetireLock { lock_id } => self.spend(RecordKey::Lock(*lock_id)),
            // One configuration at a time. GUARD-1.
            Body::SetLock { access: LockAccess::Guardians(_), .. } => {
                if let Some((before, _)) = self.guardians() {
                    self.spend(RecordKey::Lock(before));
                }
            }
            Body::StopReturn { return_id } => self.spend(RecordKey::Return(*return_id)),
            Body::AcceptDeposit { deposit_id, .. } | Body::RefuseDeposit { deposit_id } => {
                self.spend(RecordKey::Deposit(*deposit_id));
            }
            Body::RemoveDocument { document_id } => {
                self.spend(RecordKey::Document(*document_id));
                self.records.remove(&RecordKey::Card(*document_id));
            }
            Body::Revoke { grant_id } | Body::Regrant { grant_id, .. } => {
                self.spend(RecordKey::Grant(*grant_id));
            }
            Body::NewGeneration { keys, .. } => self.begin_generation(keys),
            Body::Close => {
                self.closed = true;
                self.records.clear();
            }
            _ => {}
        }
        let written = statement.records().into_iter();
        self.records.extend(written.map(|(key, record)| (key, (statement.salt, record))));
    }

    /// Nothing of before signs or opens anything any more. ACC-4.
    fn begin_generation(&mut self, keys: &AccountKeys) {
        let is_gone = |key: &RecordKey| matches!(key, RecordKey::Device(_) | RecordKey::Lock(_));
        let gone: Vec<_> = self
            .records
            .iter()
            .map(|(key, _)| (*key, ()))
            .filter(|(key, ())| is_gone(key))
            .collect();
        self.records.retain(|key, _| !is_gone(key));
        self.spent.extend(gone);
        let given: Vec<_> = self.grants().map(|terms| (terms.grant_id, ())).collect();
        self.earlier.extend(given);
        self.keys = keys.clone();
    }

    /// A device is gone, with its locks.
    fn spend_device(&mut self, device_id: DeviceId) {
        self.spend(RecordKey::Device(device_id));
        let theirs = self.locks().filter(|(_, it)| it.access.device() == Some(device_id));
        for lock_id in theirs.map(|(lock_id, _)| lock_id).collect::<Vec<_>>() {
            self.spend(RecordKey::Lock(lock_id));
        }
    }

    fn spend(&mut self, key: RecordKey) {
        self.records.remove(&key);
        self.spent.add(key);
    }

    fn check_root(&self, statement: &Statement) -> Result<(), StatementError> {
        if check!(ManifestRoot, self.root() == statement.manifest_root) {
            Ok(())
        } else {
            Err(StatementError::RootMismatch)
        }
    }

    /// The leaves of all live records, ascending: where one stands says nothing of what it is. MAN-1.
    pub fn leaves(&self) -> Vec<[u8; 32]> {
        let mut leaves: Vec<_> =
            self.records.iter().map(|(key, (salt, record))| record.leaf(salt, key)).collect();
        leaves.sort_unstable();
        leaves
    }

    /// Merkle root over the live records. MAN-1.
    pub fn root(&self) -> [u8; 32] {
        tree::root(&self.leaves())
    }

    /// Whose safe.
    pub fn account_id(&self) -> AccountId {
        self.account_id
    }

    /// The newest generation's keys.
    pub fn keys(&self) -> &AccountKeys {
        &self.keys
    }

    /// Sequence number of the newest statement.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Hash of the newest statement.
    pub fn head(&self) -> [u8; 32] {
        self.head
    }

    /// Whether the safe was closed for good.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    fn record(&self, key: RecordKey) -> Option<&Record> {
        self.records.get(&key).map(|(_, record)| record)
    }

    /// A live device.
    pub fn device(&self, device_id: DeviceId) -> Option<&DeviceRecord> {
        match self.record(RecordKey::Device(device_id)) {
            Some(Record::Device(record)) => Some(record),
            _ => None,
        }
    }

    /// A live document.
    pub fn document(&self, document_id: DocumentId) -> Option<DocumentRecord> {
        match self.record(RecordKey::Document(document_id)) {
            Some(Record::Content(content)) => self.with_card(document_id, content),
            _ => None,
        }
    }

    fn with_card(
        &self,
        document_id: DocumentId,
        content: &ContentRecord,
    ) -> Option<DocumentRecord> {
        let Some(Record::Card(card)) = self.record(RecordKey::Card(document_id)) else {
            return None;
        };
        Some(DocumentRecord {
            content: content.content.clone(),
            card: card.card.clone(),
            thumbnail: content.thumbnail.clone(),
            content_sequence: content.sequence,
            card_sequence: card.sequence,
        })
    }

    /// Whether a deposit was taken or refused before. DEP-4.
    pub fn is_settled(&self, deposit_id: DepositId) -> bool {
        self.spent.contains(&RecordKey::Deposit(deposit_id))
    }
}

/// Whether `next` is of `kind` and its version follows the one before. ENV-9.
fn follows(next: &EnvelopeRef, kind: EnvelopeKind, before: Option<&EnvelopeRef>) -> bool {
    next.kind == kind
        && Some(next.version) == before.map_or(0, |known| known.version).checked_add(1)
}

/// Whether a handle is what a device draws: lower-case ASCII letters, digits and dashes.
fn access_is_sound(access: &LockAccess) -> bool {
    access.handle().is_none_or(|handle| {
        !handle.is_empty()
            && handle.len() <= HANDLE_MAX_BYTES
            && handle.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    })
}
