//! The project's codec, strict: exactly one object, in the encoding that is written here.

use tls_codec::{DeserializeBytes, Serialize, Size};

use crate::Error;

/// The one suite.
pub const SUITE: u16 = 1;

impl From<tls_codec::Error> for Error {
    fn from(error: tls_codec::Error) -> Self {
        match error {
            tls_codec::Error::EndOfStream => Self::Truncated,
            tls_codec::Error::UnknownValue(_) => Self::UnknownVersion,
            _ => Self::NotCanonical,
        }
    }
}

/// The most bytes of one object. CODEC-4.
const OBJECT_MAX_BYTES: usize = 1 << 20;

/// The bytes of `value`.
pub fn encode<T: Serialize + Size>(value: &T) -> Vec<u8> {
    // Invariant: no vector of this crate comes near what the codec can count.
    value.tls_serialize_detached().expect("encoding into memory cannot fail")
}

/// Reads exactly one `T`. CODEC-1, CODEC-3.
pub fn decode<T: DeserializeBytes + Serialize + Size>(bytes: &[u8]) -> Result<T, Error> {
    // CODEC-4.
    if bytes.len() > OBJECT_MAX_BYTES {
        return Err(Error::NotCanonical);
    }
    let (value, rest) = T::tls_deserialize_bytes(bytes)?;
    if !rest.is_empty() {
        return Err(Error::TrailingBytes);
    }
    if encode(&value) != bytes {
        return Err(Error::NotCanonical);
    }
    Ok(value)
}
