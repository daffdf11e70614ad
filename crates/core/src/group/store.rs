//! Where the library keeps a group: memory that is copied, wiped, and turned into one snapshot.
//!
//! The library writes here what it would write to a database, secrets included. Nothing here knows
//! what the entries mean, and nothing of it leaves the device unsealed. What is here is wiped when it
//! is dropped; what the library has replaced or holds in its own structures is the library's.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLockReadGuard, RwLockWriteGuard},
};

use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::OpenMlsProvider;
use reconnect_format::{Suite, encode};
use tls_codec::{DeserializeBytes, TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::GroupError;

type Entries = HashMap<Vec<u8>, Vec<u8>>;

/// The library's provider, with its memory.
#[derive(Default)]
pub(super) struct Store(OpenMlsRustCrypto);

impl Store {
    pub(super) fn provider(&self) -> &OpenMlsRustCrypto {
        &self.0
    }

    /// The same entries under another provider.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::default();
        copy.write().clone_from(&self.read());
        copy
    }

    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        // A poisoned lock is another thread's panic; there is one thread.
        self.0.storage().values.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.0.storage().values.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.write().values_mut().for_each(Zeroize::zeroize);
    }
}

/// A store's entries in one piece.
///
/// ```text
/// suite        u16
/// staged       optional vector   one's own commit that waits for the server's answer
/// entries      vector of: key, value; in the order of the keys
/// ```
#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub(super) struct Snapshot {
    #[zeroize(skip)]
    suite: Suite,
    #[zeroize(skip)]
    pub(super) staged: Option<Vec<u8>>,
    entries: Vec<Entry>,
}

#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct Entry {
    key: Vec<u8>,
    value: Vec<u8>,
}

// The codec asks for `Debug`; it says nothing of what is inside.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entry")
    }
}

impl Snapshot {
    pub(super) fn of(store: &Store, staged: Option<Vec<u8>>) -> Self {
        let mut entries: Vec<_> = store
            .read()
            .iter()
            .map(|(key, value)| Entry { key: key.clone(), value: value.clone() })
            .collect();
        entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Self { suite: Suite::V1, staged, entries }
    }

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(encode(self))
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        // Not `format::decode`: it would encode again to compare, and leave that copy unwiped.
        Self::tls_deserialize_exact_bytes(bytes).map_err(|_| GroupError::Damaged)
    }

    /// A store with these entries.
    pub(super) fn store(&self) -> Store {
        let store = Store::default();
        store.write().extend(self.entries.iter().map(|e| (e.key.clone(), e.value.clone())));
        store
    }
}
