//! Deposits: a document key and the depositor's words, wrapped to an owner and bound to the signed
//! deposit; the deposit names their hash, so that the words too are the depositor's.

use rand_core::CryptoRng;
use reconnect_format::{
    Label, Signed, Suite, check, decode,
    deposit::{DEPOSIT_SECRET_BYTES, Deposit, DepositBinding},
    encode,
    structure::is_showable,
};
use tls_codec::{DeserializeBytes, TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    document::Card,
    error::{Damaged, Error},
    key::{RecipientKey, wrap_to},
    recipient::Recipient,
    secret::DocumentKey,
};

/// Longest message that goes with a deposit, in bytes of UTF-8.
pub const MESSAGE_MAX_BYTES: usize = 480;

/// What the owner learns of a deposit, and nobody else. DEP-3.
#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
pub struct DepositSecret {
    key: [u8; 32],
    name: Vec<u8>,
    message: Vec<u8>,
    card: Vec<u8>,
}

impl DepositSecret {
    /// Key and words of one deposit. The name is shown as what the depositor says of themselves.
    pub fn new(key: &DocumentKey, name: &str, message: &str, card: &Card) -> Result<Self, Error> {
        let (name, message) = (name.trim(), message.trim());
        if !is_showable(name.as_bytes()) || message.len() > MESSAGE_MAX_BYTES {
            return Err(Error::BadInput);
        }
        Ok(Self {
            key: *key.expose(),
            name: name.as_bytes().to_vec(),
            message: message.as_bytes().to_vec(),
            card: encode(card),
        })
    }

    /// Opens the content.
    pub fn key(&self) -> DocumentKey {
        DocumentKey::from_bytes(self.key)
    }

    /// What the depositor calls themselves.
    pub fn name(&self) -> &str {
        std::str::from_utf8(&self.name).unwrap_or_default()
    }

    /// What they say.
    pub fn message(&self) -> &str {
        std::str::from_utf8(&self.message).unwrap_or_default()
    }

    /// What they propose to write on the card.
    pub fn card(&self) -> Result<Card, Damaged> {
        let card: Card = decode(&self.card).map_err(|_| Damaged)?;
        if card.is_readable() { Ok(card) } else { Err(Damaged) }
    }

    /// As the deposit names it.
    pub fn hash(&self) -> [u8; 32] {
        Label::DepositSecret.hash(&Zeroizing::new(encode(self)))
    }

    /// Whether everything in it may be shown.
    fn is_sound(&self) -> bool {
        is_showable(&self.name)
            && self.message.len() <= MESSAGE_MAX_BYTES
            && std::str::from_utf8(&self.message).is_ok()
            && self.card().is_ok()
    }
}

/// Wraps key and words to the owner, bound to the signed deposit. DEP-3.
pub fn wrap_deposit(
    secret: &DepositSecret,
    deposit: &Signed<Deposit>,
    owner: &Recipient,
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, Damaged> {
    let mut padded = Zeroizing::new(encode(secret));
    padded.resize(DEPOSIT_SECRET_BYTES, 0);
    wrap_to(owner.public(), &info(deposit, owner.key_id()), &[&padded], rng)
}

/// Opens key and words as the owner; one error for everything. DEP-5.
pub fn open_deposit(
    wrap: &[u8],
    deposit: &Signed<Deposit>,
    key: &RecipientKey,
) -> Result<DepositSecret, Damaged> {
    let padded = key.unwrap(&info(deposit, key.public().id()), wrap)?;
    if padded.len() != DEPOSIT_SECRET_BYTES {
        return Err(Damaged);
    }
    let (secret, padding) = DepositSecret::tls_deserialize_bytes(&padded).map_err(|_| Damaged)?;
    let canonical = Zeroizing::new(encode(&secret));
    let sound = padded.starts_with(&canonical)
        && padding.len() + canonical.len() == DEPOSIT_SECRET_BYTES
        && padding.iter().all(|byte| *byte == 0)
        && check!(DepositWords, secret.hash() == deposit.body().secret_hash)
        && secret.is_sound();
    if sound { Ok(secret) } else { Err(Damaged) }
}

fn info(deposit: &Signed<Deposit>, key_id: [u8; 32]) -> Vec<u8> {
    let binding = DepositBinding { suite: Suite::V1, deposit_hash: deposit.hash(), key_id };
    Label::DepositWrap.with(&encode(&binding))
}
