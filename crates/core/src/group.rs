//! A structure's MLS group (RFC 9420), as one device of a member sees it.
//!
//! The library checks MLS; who belongs to a structure and who may commit is checked here, by a
//! [`Gate`], on every leaf of every welcome and every commit, before anything of it is kept. A
//! commit is taken in on a copy that replaces the group only when all checks passed: on an error a
//! group is what it was.
//!
//! Never: two writers of one group, a state brought back from an older copy, an external commit, a
//! pre-shared key, a standalone proposal, an error that tells what the library said.
//!
//! Note [one's own commit]: it is staged before it is sent, and the state with it is kept on the
//! device first. After the server's answer it is merged or dropped; when no answer came it stays
//! staged, and [`Group::take_in`] knows it when the server hands it back.

mod change;
mod gate;
mod history;
mod mls;
mod newcomer;
mod store;
#[cfg(test)]
mod tests;

use openmls::prelude::{MlsGroup, MlsMessageIn, OpenMlsProvider, ProcessedMessageContent, Sender};
use reconnect_format::{
    Label, Signed, check,
    id::StructureId,
    statement::{Device, DeviceProof},
    structure::{LeafRequest, RosterTerms, roster_hash},
};
use tls_codec::DeserializeBytes;
use zeroize::Zeroizing;

pub use change::{Change, Staged};
pub use gate::Gate;
pub use history::History;
pub use newcomer::Newcomer;

use crate::{key::DeviceSecrets, secret::EpochSeed};
use gate::{device_of, is_plain};
use mls::{LeafSigner, SUITE, credential, found_config, group_id};
use store::{Snapshot, Store};

/// Why a group did not do what was asked. It says nothing of what the library found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The structure's chain says something else of this epoch: members were shown different groups.
    #[error("fork")]
    Fork,
    /// The structure's chain does not reach this epoch: fetch it again.
    #[error("unstated")]
    Unstated,
    /// A leaf without a certificate, a committer who is no manager, a proposal that is not allowed.
    #[error("not allowed")]
    NotAllowed,
    /// The commit was made in another epoch than this group is in.
    #[error("wrong epoch")]
    WrongEpoch,
    /// Another group of the structure has begun: this one is over, its members ask for a leaf there.
    /// GROUP-8.
    #[error("over")]
    Over,
    /// One's own commit still waits for the server's answer, or there is none to merge.
    #[error("staged")]
    Staged,
    /// Bytes that do not decode, verify or open.
    #[error("damaged")]
    Damaged,
}

/// One device's view of a structure's MLS group.
pub struct Group {
    structure_id: StructureId,
    /// Which of the structure's groups.
    number: u32,
    store: Store,
    mls: MlsGroup,
    /// One's own commit that waits for the server's answer. Note [one's own commit].
    staged: Option<Vec<u8>>,
}

impl Group {
    /// Founds a structure's group, its first or the one after nobody was left: one member, MLS
    /// epoch 0.
    pub fn found(
        structure_id: StructureId,
        number: u32,
        device: &DeviceSecrets,
        proof: &DeviceProof,
    ) -> Result<Self, GroupError> {
        let credential = credential(device, proof)?;
        let store = Store::default();
        let signer = LeafSigner(&device.leaf);
        let group_id = group_id(structure_id, number);
        let mls = MlsGroup::new_with_group_id(
            store.provider(),
            &signer,
            &found_config(),
            group_id,
            credential,
        )
        .map_err(|_| GroupError::Damaged)?;
        Ok(Self { structure_id, number, store, mls, staged: None })
    }

    /// Which structure's.
    pub fn structure_id(&self) -> StructureId {
        self.structure_id
    }

    /// Which of the structure's groups.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The epoch the group is in. A staged commit has not begun the next one.
    pub fn mls_epoch(&self) -> u64 {
        self.mls.epoch().as_u64()
    }

    /// The members' devices.
    pub fn members(&self) -> Result<Vec<Device>, GroupError> {
        self.mls.treesync().full_leaves().map(|(_, leaf)| device_of(leaf)).collect()
    }

    /// The seed of the structure's recipient key in `recipient_epoch`, when that begins with this
    /// MLS epoch: later ones give other seeds, and the history keeps this one.
    pub fn epoch_seed(&self, recipient_epoch: u64) -> Result<EpochSeed, GroupError> {
        let secret = self.export(Label::EpochSeed, recipient_epoch)?;
        Ok(EpochSeed::from_bytes(*secret))
    }

    /// What the structure's statement says of this epoch. Refused when a leaf is not a member's.
    ///
    /// Members are people: an account with two devices is one member, with its newest certificate.
    pub fn roster(&self, gate: &Gate<'_>) -> Result<RosterTerms, GroupError> {
        let mut certificates = self
            .judge(gate)?
            .iter()
            .map(|device| Ok(gate.certificate(device.account_id)?.hash()))
            .collect::<Result<Vec<_>, GroupError>>()?;
        certificates.sort_unstable();
        certificates.dedup();
        let roster_size = u32::try_from(certificates.len()).map_err(|_| GroupError::Damaged)?;
        let context = self.mls.public_group().group_context();
        Ok(RosterTerms {
            group: self.number,
            mls_epoch: self.mls_epoch(),
            roster_hash: roster_hash(certificates),
            roster_size,
            tree_hash: Label::TreeHash.hash(context.tree_hash()),
            authenticator_hash: Label::EpochAuthenticator
                .hash(self.mls.epoch_authenticator().as_slice()),
        })
    }

    /// Compares this epoch with what the structure's chain says of it. GROUP-4.
    ///
    /// The gate's chain is the one as it was with this epoch's statement: a newer one says nothing
    /// of this epoch, and its authenticator stands for every commit before it.
    /// The hash of the certificates is not: a certificate that was renewed since is no fork.
    pub fn compare(&self, gate: &Gate<'_>) -> Result<(), GroupError> {
        if !check!(GroupStated) {
            return Ok(());
        }
        let stated = gate.chain.roster.as_ref().ok_or(GroupError::Unstated)?;
        if stated.group != self.number {
            return Err(GroupError::Over);
        }
        if stated.mls_epoch < self.mls_epoch() {
            return Err(GroupError::Unstated);
        }
        let own = self.roster(gate)?;
        let same = stated.tree_hash == own.tree_hash
            && stated.authenticator_hash == own.authenticator_hash
            && stated.roster_size == own.roster_size;
        if stated.mls_epoch == own.mls_epoch && !same {
            return Err(GroupError::Fork);
        }
        Ok(())
    }

    /// Whether one's own commit waits for the server's answer.
    pub fn is_staged(&self) -> bool {
        self.staged.is_some()
    }

    /// Begins the next epoch with one's own commit: the server has accepted it.
    pub fn merge_staged(&mut self) -> Result<(), GroupError> {
        if self.staged.take().is_none() {
            return Err(GroupError::Staged);
        }
        self.mls.merge_pending_commit(self.store.provider()).map_err(|_| GroupError::Damaged)
    }

    /// Gives up one's own commit: the server has refused it, for good. What was used of this
    /// epoch's ratchet stays used.
    pub fn drop_staged(&mut self) -> Result<(), GroupError> {
        self.staged = None;
        self.mls
            .clear_pending_commit(self.store.provider().storage())
            .map_err(|_| GroupError::Damaged)
    }

    /// Takes in the next commit, or one's own that the server hands back, with the attested
    /// [`LeafRequest`](reconnect_format::structure::LeafRequest) that it answers, if it does. The
    /// gate's chain ends with the statement of the epoch that it leads to.
    ///
    /// One's own staged commit is given up when another's was accepted in its place.
    pub fn take_in(
        &mut self,
        commit: &[u8],
        request: Option<&[u8]>,
        gate: &Gate<'_>,
    ) -> Result<(), GroupError> {
        let request = gate.request(request)?;
        let mut after = self.copy()?;
        if after.staged.as_deref() == Some(commit) {
            after.merge_staged()?;
        } else {
            after.apply(commit, request.as_ref(), gate)?;
        }
        after.judge(gate)?;
        after.compare(gate)?;
        *self = after;
        Ok(())
    }

    /// The state, for sealing on this device. Kept before a staged commit is sent, and after every
    /// change; one that was replaced is never used again. GROUP-5.
    pub fn snapshot(&self) -> Zeroizing<Vec<u8>> {
        Snapshot::of(&self.store, self.staged.clone()).encode()
    }

    /// Goes on, on the same device, with the newest state that was kept.
    pub fn resume(
        structure_id: StructureId,
        number: u32,
        snapshot: &[u8],
    ) -> Result<Self, GroupError> {
        let snapshot = Snapshot::decode(snapshot)?;
        let store = snapshot.store();
        let mls = load(&store, structure_id, number)?;
        Ok(Self { structure_id, number, store, mls, staged: snapshot.staged.clone() })
    }

    fn copy(&self) -> Result<Self, GroupError> {
        let store = self.store.copy();
        let (structure_id, number) = (self.structure_id, self.number);
        let mls = load(&store, structure_id, number)?;
        Ok(Self { structure_id, number, store, mls, staged: self.staged.clone() })
    }

    /// Merges somebody else's commit once it is checked. Called on a copy: the library remembers
    /// having decrypted a commit that is then refused.
    fn apply(
        &mut self,
        commit: &[u8],
        request: Option<&Signed<LeafRequest>>,
        gate: &Gate<'_>,
    ) -> Result<(), GroupError> {
        let message = MlsMessageIn::tls_deserialize_exact_bytes(commit)
            .map_err(|_| GroupError::Damaged)?
            .try_into_protocol_message()
            .map_err(|_| GroupError::Damaged)?;
        if message.group_id() != self.mls.group_id() {
            return Err(GroupError::NotAllowed);
        }
        if message.epoch() != self.mls.epoch() {
            return Err(GroupError::WrongEpoch);
        }
        let processed = self
            .mls
            .process_message(self.store.provider(), message)
            .map_err(|_| GroupError::Damaged)?;
        // Invariant: external senders and those who would join by themselves end here.
        let Sender::Member(committer) = *processed.sender() else {
            return Err(GroupError::NotAllowed);
        };
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err(GroupError::NotAllowed);
        };
        let left = self.check_commit(committer, &staged, request, gate)?;
        // GROUP-7: nobody is put out in silence.
        if left.is_some_and(|account_id| gate.certificate(account_id).is_ok()) {
            return Err(GroupError::NotAllowed);
        }
        self.mls
            .merge_staged_commit(self.store.provider(), *staged)
            .map_err(|_| GroupError::Damaged)?;
        self.staged = None;
        Ok(())
    }

    /// Judges every leaf, and the group itself. GROUP-1, GROUP-3.
    fn judge(&self, gate: &Gate<'_>) -> Result<Vec<Device>, GroupError> {
        let sound = gate.chain.structure_id == self.structure_id
            && *self.mls.group_id() == group_id(self.structure_id, self.number)
            && self.mls.ciphersuite() == SUITE
            && is_plain(self.mls.extensions());
        if !sound {
            return Err(GroupError::NotAllowed);
        }
        self.mls.treesync().full_leaves().map(|(_, leaf)| gate.judge(leaf)).collect()
    }

    /// MLS exporter of this epoch.
    fn export(&self, label: Label, number: u64) -> Result<Zeroizing<[u8; 32]>, GroupError> {
        let context = self.context(number);
        let crypto = self.store.provider().crypto();
        let secret = self
            .mls
            .export_secret(crypto, label.text(), &context, 32)
            .map(Zeroizing::new)
            .map_err(|_| GroupError::Damaged)?;
        let mut bytes = Zeroizing::new([0; 32]);
        // Invariant: the exporter gives as many bytes as it was asked for.
        bytes.copy_from_slice(secret.get(..32).ok_or(GroupError::Damaged)?);
        Ok(bytes)
    }

    /// Structure and a number, most significant byte first.
    fn context(&self, number: u64) -> Vec<u8> {
        [self.structure_id.as_bytes(), &number.to_be_bytes()].concat()
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Group({}, {})", self.structure_id, self.mls_epoch())
    }
}

fn load(store: &Store, structure_id: StructureId, number: u32) -> Result<MlsGroup, GroupError> {
    MlsGroup::load(store.provider().storage(), &group_id(structure_id, number))
        .ok()
        .flatten()
        .ok_or(GroupError::Damaged)
}
