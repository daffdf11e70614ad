//! Where a safe stands in the log: a random index, and a random opening without which its values
//! there say nothing. Drawn with the safe, and kept on the server under the vault key.

use rand_core::CryptoRng;
use reconnect_format::{Label, id::AccountId};

use crate::{
    error::Damaged,
    seal::{open_salted, seal_salted},
    secret::{PlaceOpening, VaultKey},
};

const SUITE: [u8; 2] = [0, 1];

/// A safe's place in the log's map. LOG-11 compares what stands there with the chain.
#[derive(Debug)]
pub struct LogPlace {
    index: [u8; 32],
    opening: PlaceOpening,
}

impl LogPlace {
    /// Draws one, for a safe that is drawn.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut index = [0; 32];
        rng.fill_bytes(&mut index);
        Self { index, opening: PlaceOpening::generate(rng) }
    }

    /// Under what the map has the safe's head. Public, and linked to the safe by its server only.
    pub fn index(&self) -> [u8; 32] {
        self.index
    }

    /// The map's value when the chain's newest statement is this one.
    pub fn value(&self, sequence: u64, head: &[u8; 32]) -> [u8; 32] {
        let parts = [self.opening.expose().as_slice(), &sequence.to_be_bytes(), head];
        Label::LogValue.hash(&parts.concat())
    }

    /// Seals it for the server to keep.
    pub fn seal(
        &self,
        vault: &VaultKey,
        account_id: AccountId,
        rng: &mut impl CryptoRng,
    ) -> Vec<u8> {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let plain = zeroize::Zeroizing::new(
            [SUITE.as_slice(), &self.index, self.opening.expose()].concat(),
        );
        seal_salted(vault.expose(), salt, Label::LogPlace, account_id.as_bytes(), &plain)
    }

    /// Opens what the server kept. CODEC-1, CODEC-2, OPEN-1.
    pub fn open(vault: &VaultKey, account_id: AccountId, sealed: &[u8]) -> Result<Self, Damaged> {
        let plain = open_salted(vault.expose(), Label::LogPlace, account_id.as_bytes(), sealed)?;
        let rest = plain.strip_prefix(&SUITE).ok_or(Damaged)?;
        let (halves, []) = rest.as_chunks::<32>() else { return Err(Damaged) };
        let [index, opening] = halves else { return Err(Damaged) };
        Ok(Self { index: *index, opening: PlaceOpening::from_bytes(*opening) })
    }
}
