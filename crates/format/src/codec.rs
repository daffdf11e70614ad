//! The one codec: TLS presentation language (RFC 8446 section 3) with the variable-size vectors of
//! RFC 9420 section 2.1.2, for everything that is signed, hashed or sealed.
//!
//! Every stored object starts with its [`Suite`]. A decoder refuses unknown versions, bytes that
//! follow the object, and any encoding that is not the one this crate would write.

use std::io::{self, Write};

use tls_codec::{DeserializeBytes, Serialize, Size, TlsSerialize, TlsSize};

use crate::check;

/// The one suite of protocol version 1: X-Wing, HKDF-SHA256, AES-256-GCM, Ed25519, SHA-256.
///
/// Two bytes at the start of every stored object. Nothing is negotiated: version 2 is new labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, TlsSerialize, TlsSize)]
#[repr(u16)]
pub enum Suite {
    /// Version 1.
    #[default]
    V1 = 1,
}

impl DeserializeBytes for Suite {
    fn tls_deserialize_bytes(bytes: &[u8]) -> Result<(Self, &[u8]), tls_codec::Error> {
        match u16::tls_deserialize_bytes(bytes)? {
            (1, rest) => Ok((Self::V1, rest)),
            (_, rest) if !check!(Suite) => Ok((Self::V1, rest)),
            (other, _) => Err(tls_codec::Error::UnknownValue(other.into())),
        }
    }
}

/// Why bytes were refused. Carries nothing of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the object does.
    #[error("truncated")]
    Truncated,
    /// Bytes follow the object.
    #[error("trailing bytes")]
    TrailingBytes,
    /// A suite or a kind that this version does not know.
    #[error("unknown version or kind")]
    UnknownVersion,
    /// Not the encoding that this crate would write, or a value outside its bounds.
    #[error("not canonical")]
    NotCanonical,
    /// The signature does not verify under the key that it must verify under.
    #[error("bad signature")]
    BadSignature,
}

impl From<tls_codec::Error> for DecodeError {
    fn from(error: tls_codec::Error) -> Self {
        match error {
            tls_codec::Error::EndOfStream => Self::Truncated,
            tls_codec::Error::TrailingData => Self::TrailingBytes,
            tls_codec::Error::UnknownValue(_) => Self::UnknownVersion,
            _ => Self::NotCanonical,
        }
    }
}

/// The bytes of `value`.
pub fn encode<T: Serialize + Size>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.tls_serialized_len());
    // Invariant: every type of this crate bounds its vectors far below what the codec can count,
    // so encoding into memory cannot fail.
    write(value, &mut bytes).expect("encoding into memory cannot fail");
    bytes
}

/// Writes for whoever encodes and whoever compares: the page holds what writes each type once.
fn write<T: Serialize>(value: &T, mut to: &mut dyn Write) -> Result<(), tls_codec::Error> {
    value.tls_serialize(&mut to).map(drop)
}

/// The most bytes of one object that comes from outside. CODEC-4.
pub const OBJECT_MAX_BYTES: usize = 1 << 20;

/// Reads exactly one `T` from `bytes`, which came from outside. CODEC-1, CODEC-2, CODEC-3.
pub fn decode<T: DeserializeBytes + Serialize + Size>(bytes: &[u8]) -> Result<T, DecodeError> {
    // CODEC-4: before anything is read, since lists take several times what they have as bytes.
    if bytes.len() > OBJECT_MAX_BYTES {
        return Err(DecodeError::NotCanonical);
    }
    decode_own(bytes)
}

/// The same for what a device sealed for itself, which may be as large as it was.
pub fn decode_own<T: DeserializeBytes + Serialize + Size>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (value, rest) = T::tls_deserialize_bytes(bytes)?;
    if !rest.is_empty() {
        return Err(DecodeError::TrailingBytes);
    }
    let mut left = Same(bytes);
    let same = write(&value, &mut left).is_ok() && left.0.is_empty();
    if check!(Canonical, same) { Ok(value) } else { Err(DecodeError::NotCanonical) }
}

/// Takes what is written for as long as it is what stands there: a copy to compare with would double what reading
/// takes.
struct Same<'a>(&'a [u8]);

impl Write for Same<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        let rest = self.0.strip_prefix(written);
        self.0 = rest.ok_or(io::ErrorKind::InvalidData)?;
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
