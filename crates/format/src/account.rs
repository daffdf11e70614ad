//! An account's public keys, and the id that names them.

use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{Label, PublicKey, Suite, encode, id::AccountId};

/// Generations of one account: each is shown with every proof of a device. STMT-5.
pub const GENERATIONS_MAX: u32 = 32;
/// Those that a root alone begins: the others are left to guardians who overrule it, and of these the last to those who
/// overrule others. GUARD-7.
pub const GENERATIONS_BY_ROOT_MAX: u32 = 20;

/// An X-Wing encapsulation key (ML-KEM-768 then X25519), 1,216 bytes.
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct RecipientPublicKey(pub [u8; 1216]);

impl RecipientPublicKey {
    /// The hash that names this key in grants.
    pub fn id(&self) -> [u8; 32] {
        Label::RecipientKeyId.hash(&self.0)
    }
}

/// The public keys of one generation of an account. All are derived from its root. ACC-1.
///
/// ```text
/// suite        u16
/// generation   u32
/// signing      [32]      Ed25519
/// recipient    [1216]    X-Wing
/// ```
#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct AccountKeys {
    /// Version 1.
    pub suite: Suite,
    /// From 1; grows by one when a secret became known.
    pub generation: u32,
    /// Verifies statements about devices, locks, guardians and generations.
    pub signing: PublicKey,
    /// What others seal to this account.
    pub recipient: Box<RecipientPublicKey>,
}

impl AccountKeys {
    /// The account that these keys name when they are its first generation's. ACC-2.
    pub fn account_id(&self) -> AccountId {
        AccountId(Label::AccountId.hash(&encode(self)))
    }

    /// Whether these may be the keys of the generation after `before`: the next one, and none of before. STMT-5.
    pub fn succeed(&self, before: &Self) -> bool {
        self.generation <= GENERATIONS_MAX
            && Some(self.generation) == before.generation.checked_add(1)
            && self.signing != before.signing
            && self.recipient != before.recipient
    }
}
