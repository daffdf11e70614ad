//! One newtype for each thing that has a name. In JSON and in paths an id is base64url.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, Serializer};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

/// The text is not the base64url of an id of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident: $size:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize, TlsSize, TlsSerialize, TlsDeserializeBytes)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; $size]);

        impl $name {
            /// Length in bytes.
            pub const SIZE_BYTES: usize = $size;

            /// The bytes.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAnId)?;
                bytes.as_slice().try_into()
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = NotAnId;
            fn try_from(bytes: &[u8]) -> Result<Self, NotAnId> {
                Ok(Self(bytes.try_into().map_err(|_| NotAnId)?))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;
            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text_of(&pattern_of($size))
            }
        }

        impl utoipa::ToSchema for $name {}
    )*};
}

id! {
    /// A safe: the hash of its first generation's public keys.
    AccountId: 32,
    /// A device of an account, random.
    DeviceId: 16,
    /// One lock on an account's root, random.
    LockId: 16,
    /// A document, random; the same through all its versions.
    DocumentId: 16,
    /// One stored envelope, random.
    EnvelopeId: 16,
    /// A grant, random.
    GrantId: 16,
    /// A structure: the hash of its founding.
    StructureId: 32,
    /// An invitation into a structure, derived from its secret.
    InvitationId: 16,
    /// What finds a lock by what is held, derived from that.
    HeldId: 16,
    /// Where a subject stands in the log's map.
    LogIndex: 32,
    /// Something that a worker sealed to an owner, random.
    DepositId: 16,
    /// One unlocking that is under way, random.
    UnlockId: 16,
    /// What a computer offers that asks to be let in, or somebody who comes back: the beginning of its hash.
    LinkId: 15,
    /// That somebody comes back: the hash of what a guardian signed.
    ReturnId: 32,
}

impl LinkId {
    /// The beginning of an offer's hash.
    pub fn of_hash(hash: &[u8; 32]) -> Self {
        let mut id = [0; Self::SIZE_BYTES];
        id.copy_from_slice(hash.split_at(Self::SIZE_BYTES).0);
        Self(id)
    }
}

/// Bytes that travel in JSON as base64url without padding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Base64(pub Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl From<Base64> for String {
    fn from(bytes: Base64) -> String {
        URL_SAFE_NO_PAD.encode(bytes.0)
    }
}

impl TryFrom<String> for Base64 {
    type Error = NotAnId;
    fn try_from(text: String) -> Result<Self, NotAnId> {
        URL_SAFE_NO_PAD.decode(text).map(Self).map_err(|_| NotAnId)
    }
}

impl utoipa::PartialSchema for Base64 {
    fn schema() -> RefOr<Schema> {
        let ends = format!("{LETTER}({ONE_MORE}|{LETTER}{TWO_MORE})");
        text_of(&format!("^({LETTER}{{4}})*({ends})?$"))
    }
}

impl utoipa::ToSchema for Base64 {}

/// What a letter of base64url may be, and the last one after which one byte, or two, are over.
const LETTER: &str = "[A-Za-z0-9_-]";
const ONE_MORE: &str = "[AQgw]";
const TWO_MORE: &str = "[AEIMQUYcgkosw048]";

/// The base64url of so many bytes, as a pattern.
fn pattern_of(bytes: usize) -> String {
    let letters = (bytes * 4).div_ceil(3);
    match bytes % 3 {
        1 => format!("^{LETTER}{{{}}}{ONE_MORE}$", letters - 1),
        2 => format!("^{LETTER}{{{}}}{TWO_MORE}$", letters - 1),
        _ => format!("^{LETTER}{{{letters}}}$"),
    }
}

fn text_of(pattern: &str) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String);
    RefOr::T(text.pattern(Some(pattern)).build().into())
}
