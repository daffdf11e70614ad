//! Signatures: Ed25519 (RFC 8032), strict verification, one label for each kind of content.
//!
//! The wire yields [`Unverified`]; only `verify` turns it into [`Signed`]. Only the unverified kind
//! decodes, only the made or verified kind encodes.

use ed25519_dalek::VerifyingKey;
use tls_codec::{DeserializeBytes, Serialize, Size, TlsDeserializeBytes, TlsSerialize, TlsSize};

use crate::{DecodeError, Label, check, codec};

/// An Ed25519 public key, 32 bytes.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    TlsSize,
    TlsSerialize,
    TlsDeserializeBytes,
)]
pub struct PublicKey(pub [u8; 32]);

/// An Ed25519 signature, 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct Signature(pub [u8; 64]);

impl PublicKey {
    /// Checks `signature` over `message`, refusing keys of small order and malleable signatures.
    /// SIG-1.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), DecodeError> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| DecodeError::BadSignature)?;
        key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0))
            .map_err(|_| DecodeError::BadSignature)
    }
}

/// What may be signed, and under which label. SIG-2.
pub trait Signable: Serialize + Size + DeserializeBytes + Sized {
    /// Says what the signature is for.
    const LABEL: Label;

    /// What is signed, and hashed with the signature: all of it, or what stands for it.
    fn signed(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct Pair<T: Serialize + Size + DeserializeBytes> {
    body: T,
    signature: Signature,
}

impl<T: Signable> Pair<T> {
    /// What was signed, then the signature.
    fn head(&self) -> Vec<u8> {
        [self.body.signed(), codec::encode(&self.signature)].concat()
    }
}

/// What is signed. SIG-2.
fn message<T: Signable>(body: &T) -> Vec<u8> {
    let body = body.signed();
    if check!(SignatureLabel) { T::LABEL.with(&body) } else { body }
}

/// A body with a signature that nobody has checked yet.
#[derive(Clone, Debug)]
pub struct Unverified<T: Signable>(Pair<T>);

impl<T: Signable> Unverified<T> {
    /// Reads one signed object.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode::<Pair<T>>(bytes).map(Self)
    }

    /// What it says, believed by nobody: for finding the key that it must verify under.
    pub fn claim(&self) -> &T {
        &self.0.body
    }

    /// What was signed, then the signature: enough to verify it, where something else stands for the
    /// body.
    pub fn head(&self) -> Vec<u8> {
        self.0.head()
    }

    /// The hash by which others name this object, whoever signed it.
    pub fn hash(&self) -> [u8; 32] {
        T::LABEL.hash(&self.0.head())
    }

    /// Checks the signature under `key`.
    pub fn verify(self, key: &PublicKey) -> Result<Signed<T>, DecodeError> {
        let verified = key.verify(&message(&self.0.body), &self.0.signature);
        if check!(Signature(T::LABEL)) {
            verified?;
        }
        Ok(Signed(self.0))
    }
}

/// A body with a signature that was made here or has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<T: Signable>(Pair<T>);

impl<T: Signable> Signed<T> {
    /// Signs `body` with `sign`, which is given the message and knows the key.
    pub fn make(body: T, sign: impl FnOnce(&[u8]) -> Signature) -> Self {
        let signature = sign(&message(&body));
        Self(Pair { body, signature })
    }

    /// The bytes that travel and are stored.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&self.0)
    }

    /// The hash by which others name this object: of what was signed and the signature, under the
    /// body's label.
    pub fn hash(&self) -> [u8; 32] {
        T::LABEL.hash(&self.0.head())
    }

    /// What it says.
    pub fn body(&self) -> &T {
        &self.0.body
    }

    /// What it says, without the signature.
    pub fn into_body(self) -> T {
        self.0.body
    }
}
