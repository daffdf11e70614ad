//! What a newcomer needs to read what was given before they came: the seeds of the recipient epochs
//! still in use, and the members' names.
//!
//! ```text
//! suite    u16
//! seeds    vector of: recipient epoch u64, seed [32]
//! names    vector of: number u32, name (UTF-8)
//! ```
//!
//! It exists in the clear only here: the group seals and opens it, and it is wiped when dropped.
//! Any member can seal one, so whoever opens it compares each seed's public key with the chain.

use rand_core::CryptoRng;
use reconnect_format::{
    Label, Suite, account::RecipientPublicKey, encode, structure::StructureChain,
};
use tls_codec::{DeserializeBytes, TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Group, GroupError};
use crate::{
    key::{RecipientKey, wrap_to},
    seal::{open_salted, seal_salted},
    secret::EpochSeed,
};

/// Seeds and names, in the clear.
#[derive(Default)]
pub struct History {
    /// Recipient epoch, and the seed of its key.
    pub seeds: Vec<(u64, EpochSeed)>,
    /// The number that certificates carry, and the person's name.
    pub names: Vec<(u32, String)>,
}

impl Drop for History {
    fn drop(&mut self) {
        // Seeds wipe themselves.
        self.names.iter_mut().for_each(|(_, name)| name.zeroize());
    }
}

fn is_the_chains(chain: &StructureChain, (epoch, seed): &(u64, EpochSeed)) -> bool {
    chain.key_id(*epoch) == Some(RecipientKey::of_epoch(seed).public().id())
}

#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct Plain {
    #[zeroize(skip)]
    suite: Suite,
    seeds: Vec<PlainSeed>,
    names: Vec<PlainName>,
}

#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct PlainSeed {
    epoch: u64,
    seed: [u8; 32],
}

#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct PlainName {
    number: u32,
    name: Vec<u8>,
}

// The codec asks for `Debug`; it says nothing of what is inside.
impl std::fmt::Debug for PlainSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlainSeed")
    }
}

impl std::fmt::Debug for PlainName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlainName")
    }
}

impl Group {
    /// Seals the history for the members of this epoch. Several may do so in one epoch, so the key
    /// is salted.
    pub fn seal_history(
        &self,
        history: &History,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, GroupError> {
        self.seal_plain_history(&history.encode_with(None), rng)
    }

    /// Seals the history for whoever holds the structure's paper. HIST-2.
    pub fn recovery(
        &self,
        history: &History,
        paper: &RecipientPublicKey,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, GroupError> {
        self.wrap_history(&history.encode_with(None), paper, rng)
    }

    pub(super) fn wrap_history(
        &self,
        plain: &[u8],
        paper: &RecipientPublicKey,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, GroupError> {
        let info = Label::HistoryRecovery.with(&self.context(self.mls_epoch()));
        wrap_to(paper, &info, &[plain], rng).map_err(|_| GroupError::Damaged)
    }

    pub(super) fn seal_plain_history(
        &self,
        plain: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, GroupError> {
        let secret = self.export(Label::HistorySeal, self.mls_epoch())?;
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let context = self.context(self.mls_epoch());
        Ok(seal_salted(&secret, salt, Label::HistorySeal, &context, plain))
    }

    /// Opens the history that a member of this epoch sealed.
    pub fn open_history(&self, sealed: &[u8]) -> Result<History, GroupError> {
        let secret = self.export(Label::HistorySeal, self.mls_epoch())?;
        let context = self.context(self.mls_epoch());
        let plain = open_salted(&secret, Label::HistorySeal, &context, sealed)
            .map_err(|_| GroupError::Damaged)?;
        History::decode(&plain)
    }
}

impl History {
    /// Any member could seal another seed into it: each must give the key that the chain names for
    /// its epoch, and the newest epoch's must be there. HIST-1.
    pub fn check(&self, chain: &StructureChain) -> Result<(), GroupError> {
        let newest = chain.epoch.as_ref().map(|terms| terms.epoch);
        let complete = newest.is_none_or(|it| self.seeds.iter().any(|(epoch, _)| *epoch == it));
        if complete && self.seeds.iter().all(|seed| is_the_chains(chain, seed)) {
            Ok(())
        } else {
            Err(GroupError::Damaged)
        }
    }

    /// Drops the seeds that are not the chain's for their epochs. HIST-1.
    pub fn keep_sound(&mut self, chain: &StructureChain) {
        self.seeds.retain(|seed| is_the_chains(chain, seed));
    }

    /// Takes over the seeds and names of `before` that it lacks: no other member's history takes one
    /// away. HIST-3.
    pub fn absorb(&mut self, before: &mut Self) {
        let known: Vec<_> = self.seeds.iter().map(|(epoch, _)| *epoch).collect();
        let lacking = before.seeds.drain(..).filter(|(epoch, _)| !known.contains(epoch));
        self.seeds.extend(lacking);
        self.seeds.sort_by_key(|(epoch, _)| *epoch);
        let known: Vec<_> = self.names.iter().map(|(number, _)| *number).collect();
        self.names.extend(before.names.drain(..).filter(|(number, _)| !known.contains(number)));
    }

    /// Another copy of it in the clear.
    pub(crate) fn copy(&self) -> Self {
        let seeds = self.seeds.iter();
        let seeds = seeds.map(|(epoch, seed)| (*epoch, EpochSeed::from_bytes(*seed.expose())));
        Self { seeds: seeds.collect(), names: self.names.clone() }
    }

    /// Everything that whoever holds the structure's paper opens of what members sealed for it, each
    /// in an MLS epoch, the newest first. What opens nothing, and seeds that are not the chain's, are
    /// passed over: nobody could check them when they were sealed. HIST-1, HIST-4.
    pub fn of_paper<'a>(
        chain: &StructureChain,
        paper: &RecipientKey,
        sealed: impl IntoIterator<Item = (u64, &'a [u8])>,
    ) -> Self {
        let mut history = Self::default();
        for (mls_epoch, sealed) in sealed {
            let context = [chain.structure_id.as_bytes(), &mls_epoch.to_be_bytes()[..]].concat();
            let info = Label::HistoryRecovery.with(&context);
            let Ok(plain) = paper.unwrap(&info, sealed) else { continue };
            let Ok(mut one) = Self::decode(&plain) else { continue };
            one.keep_sound(chain);
            history.absorb(&mut one);
        }
        history
    }

    /// With the seed of an epoch that is about to begin.
    pub(super) fn encode_with(&self, next: Option<&(u64, EpochSeed)>) -> Zeroizing<Vec<u8>> {
        let seeds = self
            .seeds
            .iter()
            .chain(next)
            .map(|(epoch, seed)| PlainSeed { epoch: *epoch, seed: *seed.expose() })
            .collect();
        let names = self
            .names
            .iter()
            .map(|(number, name)| PlainName { number: *number, name: name.clone().into_bytes() })
            .collect();
        Zeroizing::new(encode(&Plain { suite: Suite::V1, seeds, names }))
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        // Not `format::decode`: it would encode again to compare, and leave that copy unwiped.
        let plain = Plain::tls_deserialize_exact_bytes(bytes).map_err(|_| GroupError::Damaged)?;
        let seeds =
            plain.seeds.iter().map(|seed| (seed.epoch, EpochSeed::from_bytes(seed.seed))).collect();
        let names = plain
            .names
            .iter()
            .map(|name| {
                let text = str::from_utf8(&name.name).map_err(|_| GroupError::Damaged)?;
                Ok((name.number, text.to_owned()))
            })
            .collect::<Result<_, GroupError>>()?;
        Ok(Self { seeds, names })
    }
}
