//! Drafts: what the camera gave, sealed on the device at once, so that a page that is discarded
//! before the upload ends loses nothing. Sealed to the safe's own recipient key: the device that
//! keeps a draft cannot open it without the safe.

use rand_core::CryptoRng;
use reconnect_format::Label;
use zeroize::Zeroizing;

use crate::{
    error::Damaged,
    key::{ENCAPPED_BYTES, wrap_to},
    seal::{open_once, seal_once},
    secret::OnceKey,
    vault::Vault,
};

const WRAP_BYTES: usize = ENCAPPED_BYTES + 48;

impl Vault {
    /// Seals a draft: HPKE wrap of a fresh key, then the content under it. DRAFT-1.
    pub fn seal_draft(&self, plain: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>, Damaged> {
        let key = OnceKey::generate(rng);
        let info = Label::DraftSeal.with(self.account_id().as_bytes());
        let wrap = wrap_to(self.secrets().recipient.public(), &info, &[key.expose()], rng)?;
        Ok([wrap, seal_once(&key, &info, plain)].concat())
    }

    /// Opens a draft of this safe.
    pub fn open_draft(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        let (wrap, content) = sealed.split_at_checked(WRAP_BYTES).ok_or(Damaged)?;
        let info = Label::DraftSeal.with(self.account_id().as_bytes());
        let opened = self.generations().find_map(|it| it.recipient.unwrap(&info, wrap).ok());
        let key = opened.ok_or(Damaged)?;
        let key = key.as_slice().try_into().map(OnceKey::from_bytes).map_err(|_| Damaged)?;
        open_once(&key, &info, content)
    }
}
