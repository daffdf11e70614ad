//! The registry of domain-separation strings: every signature, hash and derivation has its own.

use sha2::{Digest, Sha256};

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What a signature, a hash or a derived key is for. LABEL-1.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Label { $($(#[$doc])* $name),* }

        impl Label {
            /// All of them, for the registry's tests.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The text, which never changes: a new meaning is a new label.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => concat!("reconnect/v1 ", $text)),* }
            }
        }
    };
}

labels! {
    /// Hash: an account's id.
    AccountId = "account id",
    /// Derivation: an account's signing key from its root.
    AccountSigningKey = "account signing key",
    /// Derivation: an account's recipient key from its root.
    AccountRecipientKey = "account recipient key",
    /// Derivation: an account's vault key from its root.
    AccountVaultKey = "account vault key",
    /// Derivation: what seals the roots of an account's earlier generations.
    EarlierRoots = "earlier roots",
    /// Derivation: a device's signing key from its seed.
    DeviceSigningKey = "device signing key",
    /// Derivation: a device's MLS leaf key from its seed.
    DeviceLeafKey = "device leaf key",
    /// Derivation: the key that seals a device's seed on that device.
    DeviceSeal = "device seal",
    /// Derivation: the key of a lock's wrap of the root.
    LockWrap = "lock wrap",
    /// Hash: a lock's wrap, as its statement names it.
    LockWrapHash = "lock wrap hash",
    /// Hash: a PAKE record, as its statement names it.
    LockRecordHash = "lock record hash",
    /// PAKE context (RFC 9807 section 6.4) of six words.
    WordsContext = "words context",
    /// Derivation: a lock's secret from the PAKE's export key.
    WordsSecret = "words secret",
    /// PAKE context of a PIN.
    PinContext = "pin context",
    /// Derivation: the PAKE's password from what is held and a PIN.
    PinPassword = "pin password",
    /// Derivation: a lock's secret from what is held and the PAKE's export key.
    PinSecret = "pin secret",
    /// Derivation: what finds a lock by what is held: a sheet, a card, a device's secret, a passkey's.
    HeldId = "held id",
    /// Derivation: what proves that one holds it.
    HeldSigningKey = "held signing key",
    /// Derivation: a lock's secret, or its share of one, from what is held.
    HeldSecret = "held secret",
    /// Signature: one use of what is held.
    HeldUse = "held use",
    /// Hash: the check characters of a sheet.
    SheetCheck = "sheet check",
    /// Hash: the check characters of a card.
    CardCheck = "card check",
    /// Hash: what a passkey is asked for its secret with.
    PasskeyInput = "passkey input",
    /// Derivation: the picture of a lock or a device.
    Mark = "mark",
    /// Signature and hash: a statement of an owner.
    Statement = "statement",
    /// Hash: what a statement says and when, as its head names it.
    StatementContent = "statement content",
    /// Hash: what a computer offers that asks to be let in.
    LinkOffer = "link offer",
    /// HPKE info: what lets it in.
    LinkAnswer = "link answer",
    /// Signature: the opening of a session.
    Session = "session",
    /// Hash: a bearer token at rest.
    SessionToken = "session token",
    /// Hash, keyed: a handle in the server's counter of tries.
    HandleTries = "handle tries",
    /// Hash: a record of a manifest.
    ManifestRecord = "manifest record",
    /// Hash: an envelope's header.
    EnvelopeHeader = "envelope header",
    /// Derivation: an envelope's payload key.
    EnvelopePayload = "envelope payload",
    /// Derivation: an envelope's commitment.
    EnvelopeCommitment = "envelope commitment",
    /// Derivation: a grant's commitment to its key, and to its owner's place in the log.
    GrantCommitment = "grant commitment",
    /// Derivation: the key of the owner's own copy of a grant key.
    GrantOwnerWrap = "grant owner wrap",
    /// HPKE info: a grant key wrapped to its recipient.
    GrantRecipientWrap = "grant recipient wrap",
    /// Derivation: the key that wraps one document key under a grant.
    GrantDocumentWrap = "grant document wrap",
    /// Hash: a grant's face, the owner's name and purpose.
    GrantFace = "grant face",
    /// Hash: a recipient's public key.
    RecipientKeyId = "recipient key id",
    /// Signature: a receipt.
    Receipt = "receipt",
    /// Signature and hash: grants' secrets that a member wrapped to a newer epoch.
    Rewrap = "rewrap",
    /// Signature and hash: whether what another member wrapped opens.
    RewrapCheck = "rewrap check",
    /// Hash: a recipient's wrap, as a member's list names it.
    RewrapWrap = "rewrap wrap",
    /// Hash: a structure's id.
    StructureId = "structure id",
    /// Derivation: a structure's root key from its paper.
    StructureRoot = "structure root",
    /// Derivation: a structure's recovery key from its paper.
    StructureRecoveryKey = "structure recovery key",
    /// Signature and hash: a statement of a structure.
    StructureStatement = "structure statement",
    /// Signature and hash: a worker's certificate.
    Certificate = "certificate",
    /// Signature: what one manager asks another to carry out.
    Motion = "motion",
    /// Signature: a member's request for a leaf of another device.
    LeafRequest = "leaf request",
    /// Hash: a structure's roster.
    Roster = "roster",
    /// Hash: an MLS tree, as a structure's statement names it.
    TreeHash = "tree hash",
    /// Hash: an MLS epoch authenticator, as a structure's statement names it.
    EpochAuthenticator = "epoch authenticator",
    /// Signature: the operator's acceptance of a structure.
    Acceptance = "acceptance",
    /// Signature: an invitation.
    Invitation = "invitation",
    /// Derivation: an invitation's id.
    InvitationId = "invitation id",
    /// Derivation: what authenticates the newcomer's answer.
    InvitationAuthentication = "invitation authentication",
    /// Derivation: what seals the newcomer's name.
    InvitationSeal = "invitation seal",
    /// Derivation: what seals an invitation's secret for the manager who made it.
    InvitationKeep = "invitation keep",
    /// MAC: the newcomer's answer.
    JoinRequest = "join request",
    /// MLS exporter: the seed of a structure's recipient key.
    EpochSeed = "epoch seed",
    /// MLS exporter: the key that seals a structure's history.
    HistorySeal = "history seal",
    /// HPKE info: a structure's history, for whoever holds its paper.
    HistoryRecovery = "history recovery",
    /// Derivation: what seals a device's MLS state on that device.
    GroupStateSeal = "group state seal",
    /// Derivation: what seals a draft on the device that made it.
    DraftSeal = "draft seal",
    /// Signature and hash: a deposit.
    Deposit = "deposit",
    /// Hash: key and words of a deposit.
    DepositSecret = "deposit secret",
    /// HPKE info: key and words of a deposit, wrapped to the owner.
    DepositWrap = "deposit wrap",
    /// Derivation: what seals a depositor's own note of a deposit.
    DepositKeep = "deposit keep",
    /// Hash: what a guardian holds, as the lock names it.
    GuardianShare = "guardian share",
    /// HPKE info: what a guardian holds, wrapped to them.
    GuardianWrap = "guardian wrap",
    /// Derivation: what seals the owner's own note of who their guardians are.
    GuardiansNote = "guardians note",
    /// Hash: the check characters of a guardian's paper.
    GuardianPaperCheck = "guardian paper check",
    /// Derivation: the recipient key of a guardian's paper.
    GuardianPaperKey = "guardian paper key",
    /// Derivation: what opens the marks of returns.
    ReturnOpening = "return opening",
    /// Hash: the check characters of a return card.
    ReturnCheck = "return check",
    /// Derivation: what somebody has who comes back, from a return card and a PIN.
    ReturnSeed = "return seed",
    /// Derivation: the recipient key of somebody who comes back.
    ReturnRecipientKey = "return recipient key",
    /// Derivation: the signing key of somebody who comes back.
    ReturnSigningKey = "return signing key",
    /// Hash: what somebody offers who comes back.
    ReturnOffer = "return offer",
    /// Signature and hash: that somebody comes back.
    Return = "return",
    /// Signature: that a guardian knows who comes back.
    Vouch = "vouch",
    /// HPKE info: what a guardian holds, sealed to whoever comes back.
    VouchedShare = "vouched share",
    /// Hash: that, as a vouch names it.
    VouchedHash = "vouched hash",
    /// Hash: where a structure, a safe or what it retired stands in the log's map.
    LogIndex = "log index",
    /// Hash: a chain's newest statement, as the log's map names it.
    LogValue = "log value",
    /// Derivation: what seals a safe's place in the log.
    LogPlace = "log place",
    /// Hash: what says in the log that something of a safe was retired.
    LogMark = "log mark",
}

impl Label {
    /// The label's length (one byte), the label, then `context`: HKDF's `info` and the start of
    /// everything that is hashed or signed. LABEL-2.
    pub fn with(self, context: &[u8]) -> Vec<u8> {
        let text = self.text().as_bytes();
        let length = u8::try_from(text.len()).expect("labels are shorter than 256 bytes");
        let mut bytes = Vec::with_capacity(1 + text.len() + context.len());
        bytes.push(length);
        bytes.extend_from_slice(text);
        bytes.extend_from_slice(context);
        bytes
    }

    /// SHA-256 of `with(content)`.
    pub fn hash(self, content: &[u8]) -> [u8; 32] {
        Sha256::digest(self.with(content)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_its_own_and_none_is_the_start_of_another_encoding() {
        for (i, a) in Label::ALL.iter().enumerate() {
            for b in Label::ALL.iter().skip(i + 1) {
                assert_ne!(a.text(), b.text());
                assert!(!b.with(b"").starts_with(&a.with(b"")));
            }
        }
    }
}
