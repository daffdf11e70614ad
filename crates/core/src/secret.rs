//! Secrets of 32 bytes, one type for each use.
//!
//! Raw bytes are visible here and in `key.rs` alone. A secret is wiped when dropped, is never
//! cloned, compared, serialized or printed.

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Draws a fresh one.
            pub fn generate(rng: &mut impl CryptoRng) -> Self {
                let mut bytes = [0; 32];
                rng.fill_bytes(&mut bytes);
                Self(bytes)
            }

            #[allow(dead_code, reason = "not every secret is read back in every build")]
            pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            pub(crate) fn expose(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

secrets! {
    /// Everything of an account is derived from this.
    Root,
    /// Seals what the owner keeps for themselves.
    VaultKey,
    /// Seals one envelope, once.
    DocumentKey,
    /// Wraps the document keys of one grant.
    GrantKey,
    /// What a lock gives; wraps the root.
    LockSecret,
    /// A device's keys are derived from this.
    DeviceSeed,
    /// A structure's recipient key in one epoch is derived from this.
    EpochSeed,
    /// Seals something once: derived for it and thrown away.
    OnceKey,
    /// Opens what the log says of a safe.
    PlaceOpening,
    /// What somebody has who comes back; their keys are derived from this.
    ReturnSeed,
    /// Proves a session to the server, which keeps only its hash.
    SessionToken,
}
