//! Where a safe stands in the log: a random index, and a random opening without which its values
//! there say nothing. Drawn with the safe, kept on the server under the vault key, and told to whom
//! something is given.

use rand_core::CryptoRng;
use reconnect_format::{
    Label, PublicKey,
    grant::PLACE_BYTES,
    id::{AccountId, DeviceId},
    log::{MARK_SEQUENCE, account_index, generation_mark},
};
use reconnect_log::Newest;
use zeroize::Zeroizing;

use crate::{
    error::{Damaged, ServerMisbehaved},
    seal::{open_salted, seal_salted},
    secret::{PlaceOpening, VaultKey},
};

const SUITE: [u8; 2] = [0, 1];

/// What a mark is about. LOG-20.
#[derive(Clone, Copy, Debug)]
pub enum MarkOf {
    /// A device that was retired.
    Device(DeviceId),
    /// A generation that is over, with its root and all its devices.
    Generation(u32),
}

impl MarkOf {
    fn encode(self) -> Vec<u8> {
        match self {
            Self::Device(device_id) => [&[1], device_id.as_bytes()].concat(),
            Self::Generation(generation) => [&[2], &generation.to_be_bytes()[..]].concat(),
        }
    }
}

/// A mark, as the log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) index: [u8; 32],
    /// What must stand there, where not anything will do.
    value: Option<[u8; 32]>,
}

impl Mark {
    /// Whether it is what stands there; an error where that is something else. LOG-20.
    pub(crate) fn is(&self, there: Option<&Newest>) -> Result<bool, ServerMisbehaved> {
        match (there, self.value) {
            (None, _) => Ok(false),
            (Some(_), None) => Ok(true),
            (Some(there), Some(value)) => {
                let so = there.sequence == MARK_SEQUENCE && there.value == value;
                if so { Ok(true) } else { Err(ServerMisbehaved::Withheld) }
            }
        }
    }
}

/// A safe's place in the log's map. LOG-11 compares what stands there with the chain.
#[derive(Debug)]
pub struct LogPlace {
    index: [u8; 32],
    opening: PlaceOpening,
}

impl LogPlace {
    /// Draws one, for a safe that is drawn, and of what its index comes.
    pub fn generate(account_id: AccountId, rng: &mut impl CryptoRng) -> (Self, [u8; 32]) {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let index = account_index(account_id, &nonce);
        (Self { index, opening: PlaceOpening::generate(rng) }, nonce)
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

    /// What says in the log that a device of this safe is retired, or a generation over. LOG-20.
    pub fn mark(&self, of: MarkOf) -> [u8; 32] {
        Label::LogMark.hash(&[self.opening.expose().as_slice(), &of.encode()].concat())
    }

    /// Where a device's mark stands, if it was retired. Whatever stands there says so.
    pub(crate) fn retired(&self, account_id: AccountId, device_id: DeviceId) -> Mark {
        let index = account_index(account_id, &self.mark(MarkOf::Device(device_id)));
        Mark { index, value: None }
    }

    /// Where a generation's mark stands, if it is over, and what it then says: that it went over to the
    /// root that verifies with this key.
    pub(crate) fn over(&self, account_id: AccountId, generation: u32, next: &PublicKey) -> Mark {
        let mark = self.mark(MarkOf::Generation(generation));
        let (index, value) = generation_mark(account_id, (&mark, generation), next);
        Mark { index, value: Some(value) }
    }

    /// As it is sealed, for its owner or within a grant.
    pub(crate) fn encode(&self) -> Zeroizing<[u8; PLACE_BYTES]> {
        let mut bytes = Zeroizing::new([0; PLACE_BYTES]);
        let parts = [SUITE.as_slice(), &self.index, self.opening.expose()];
        for (to, from) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        bytes
    }

    /// Reads what was sealed. CODEC-1, CODEC-2, OPEN-1.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let rest = bytes.strip_prefix(&SUITE).ok_or(Damaged)?;
        let (halves, []) = rest.as_chunks::<32>() else { return Err(Damaged) };
        let [index, opening] = halves else { return Err(Damaged) };
        Ok(Self { index: *index, opening: PlaceOpening::from_bytes(*opening) })
    }

    /// The same place, for a grant that tells of it.
    pub(crate) fn copy(&self) -> Self {
        Self { index: self.index, opening: PlaceOpening::from_bytes(*self.opening.expose()) }
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
        let plain = self.encode();
        seal_salted(vault.expose(), salt, Label::LogPlace, account_id.as_bytes(), plain.as_slice())
    }

    /// Opens what the server kept.
    pub fn open(vault: &VaultKey, account_id: AccountId, sealed: &[u8]) -> Result<Self, Damaged> {
        let plain = open_salted(vault.expose(), Label::LogPlace, account_id.as_bytes(), sealed)?;
        Self::decode(&plain)
    }
}
