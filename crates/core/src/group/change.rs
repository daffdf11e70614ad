//! What a commit may change: who makes one, and what members accept.
//!
//! A manager admits somebody, or takes all leaves of somebody away; any member may answer a
//! [`LeafRequest`], and take leaves of their own devices away. Nothing else is a change. GROUP-2,
//! GROUP-6, GROUP-7, GROUP-9.

use openmls::prelude::{KeyPackage, LeafNodeIndex, OpenMlsProvider as _, Proposal, StagedCommit};
use rand_core::CryptoRng;
use reconnect_format::{
    Signed, check,
    id::{AccountId, DeviceId},
    statement::Device,
    structure::{JoinRequest, LeafRequest, RosterTerms},
};

use super::{
    Gate, Group, GroupError, History,
    gate::device_of,
    mls::{LeafSigner, read_key_package},
};
use crate::{key::DeviceSecrets, secret::EpochSeed};

/// What one commit does.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Somebody joins, whose certificate is in the gate, and whose request was authenticated.
    Admit(&'a JoinRequest),
    /// Somebody leaves with all their leaves, and this recipient epoch begins.
    Leave {
        /// Who.
        account_id: AccountId,
        /// The epoch.
        epoch: u64,
    },
    /// A member brings another device in, or the same one after its state was lost; the request
    /// passed [`reconnect_format::structure::verify_leaf_request`].
    Leaf(&'a Signed<LeafRequest>),
    /// Whoever commits takes leaves of other devices of theirs away.
    Retire(&'a [DeviceId]),
}

/// A staged commit and everything that goes with it, for one transaction of the server.
#[derive(Debug)]
pub struct Staged {
    /// MLS epoch in which the commit was made.
    pub mls_epoch: u64,
    /// MLS message for the members.
    pub commit: Vec<u8>,
    /// MLS message for who was added.
    pub welcome: Option<Vec<u8>>,
    /// The group after the commit, for the structure's statement.
    pub roster: RosterTerms,
    /// The seed of the recipient epoch that begins, when one does; it is in the history.
    pub seed: Option<EpochSeed>,
    /// The history, sealed for the members after the commit.
    pub history: Vec<u8>,
    /// The history, sealed for whoever holds the structure's paper.
    pub recovery: Vec<u8>,
}

impl Group {
    /// Stages the commit that makes a change. Nothing is merged: keep the state, send what is given,
    /// then [`Self::merge_staged`] or [`Self::drop_staged`]. Note [one's own commit].
    pub fn stage(
        &mut self,
        change: Change<'_>,
        history: &History,
        device: &DeviceSecrets,
        gate: &Gate<'_>,
        rng: &mut impl CryptoRng,
    ) -> Result<Staged, GroupError> {
        if self.staged.is_some() {
            return Err(GroupError::Staged);
        }
        let own = self.mls.own_leaf_node().ok_or(GroupError::Damaged)?;
        let committer = gate.judge(own)?;
        if committer.leaf != device.leaf.public() {
            return Err(GroupError::NotAllowed);
        }
        let mut staging = self.copy()?;
        let (package, gone) = self.proposals(change, committer.account_id, gate)?;
        let signer = LeafSigner(&device.leaf);
        let provider = staging.store.provider();
        let staged = staging
            .mls
            .commit_builder()
            .propose_removals(gone)
            .propose_adds(package)
            .load_psks(provider.storage())
            .map_err(|_| GroupError::Damaged)?
            .build(provider.rand(), provider.crypto(), &signer, |_| true)
            .map_err(|_| GroupError::Damaged)?
            .stage_commit(provider)
            .map_err(|_| GroupError::Damaged)?;
        // What others will ask of this commit is asked here first.
        let pending = staging.mls.pending_commit().ok_or(GroupError::Damaged)?;
        let request = if let Change::Leaf(request) = change { Some(request) } else { None };
        self.check_commit(self.mls.own_leaf_index(), pending, request, gate)?;
        let (commit, welcome, _) = staged.into_messages();
        let commit = commit.to_bytes().map_err(|_| GroupError::Damaged)?;
        let welcome =
            welcome.map(|it| it.to_bytes()).transpose().map_err(|_| GroupError::Damaged)?;
        staging.staged = Some(commit.clone());
        let mut after = staging.copy()?;
        after.merge_staged()?;
        let seed = match change {
            Change::Leave { epoch, .. } => Some((epoch, after.epoch_seed(epoch)?)),
            _ => None,
        };
        let plain = history.encode_with(seed.as_ref());
        let staged = Staged {
            mls_epoch: self.mls_epoch(),
            commit,
            welcome,
            roster: after.roster(gate)?,
            history: after.seal_plain_history(&plain, rng)?,
            recovery: after.wrap_history(&plain, &gate.chain.recovery, rng)?,
            seed: seed.map(|(_, seed)| seed),
        };
        *self = staging;
        Ok(staged)
    }

    /// Whom a change adds, judged, and which leaves it removes.
    fn proposals(
        &self,
        change: Change<'_>,
        by: AccountId,
        gate: &Gate<'_>,
    ) -> Result<(Option<KeyPackage>, Vec<LeafNodeIndex>), GroupError> {
        let (bytes, asked) = match change {
            Change::Leave { account_id, .. } => {
                // Nobody's leaf goes when they have none in this group: the next key is what counts.
                return Ok((None, self.leaves(|device| device.account_id == account_id)?));
            }
            Change::Retire(devices) => {
                let gone =
                    self.leaves(|it| it.account_id == by && devices.contains(&it.device_id))?;
                return some(gone).map(|gone| (None, gone));
            }
            Change::Admit(request) if request.structure_id == self.structure_id => {
                (&request.key_package, (request.account_id, request.device_id))
            }
            Change::Leaf(request) if request.body().structure_id == self.structure_id => {
                let request = request.body();
                (&request.key_package, (request.account_id, request.device_id))
            }
            _ => return Err(GroupError::NotAllowed),
        };
        let package = read_key_package(&self.store, bytes)?;
        let newcomer = gate.judge_key_package(&package)?;
        let named = (newcomer.account_id, newcomer.device_id);
        if !check!(LeafAsked, named == asked) {
            return Err(GroupError::NotAllowed);
        }
        let gone = match change {
            Change::Leaf(_) => self.leaves(|it| (it.account_id, it.device_id) == named)?,
            _ => vec![],
        };
        Ok((Some(package), gone))
    }

    /// The leaves of certain devices.
    pub(super) fn leaves(
        &self,
        which: impl Fn(&Device) -> bool,
    ) -> Result<Vec<LeafNodeIndex>, GroupError> {
        let mut found = Vec::new();
        for (index, leaf) in self.mls.treesync().full_leaves() {
            if which(&device_of(leaf)?) {
                found.push(index);
            }
        }
        Ok(found)
    }

    /// Whether this commit is one that its committer may make, as the answer to `request` or without
    /// one. GROUP-2, GROUP-6, GROUP-9. Gives who leaves with it altogether.
    pub(super) fn check_commit(
        &self,
        committer: LeafNodeIndex,
        staged: &StagedCommit,
        request: Option<&Signed<LeafRequest>>,
        gate: &Gate<'_>,
    ) -> Result<Option<AccountId>, GroupError> {
        let leaf = self.mls.public_group().leaf(committer).ok_or(GroupError::NotAllowed)?;
        let by = gate.judge(leaf)?;
        if let Some(renewed) = staged.update_path_leaf_node() {
            let same = renewed.credential() == leaf.credential()
                && renewed.signature_key() == leaf.signature_key();
            if !same {
                return Err(GroupError::NotAllowed);
            }
        }
        // Invariant: standalone proposals are refused, so these are the committer's own.
        let mut added = None;
        let mut removed = Vec::new();
        for queued in staged.queued_proposals() {
            match queued.proposal() {
                Proposal::Add(add) if added.is_none() => {
                    let device = gate.judge_key_package(add.key_package())?;
                    added = Some((device, add.key_package()));
                }
                Proposal::Remove(remove) => {
                    let leaf = self.mls.public_group().leaf(remove.removed());
                    removed.push(device_of(leaf.ok_or(GroupError::NotAllowed)?)?);
                }
                _ => return Err(GroupError::NotAllowed),
            }
        }
        let account_id = match (&added, removed.first()) {
            (Some((device, _)), _) | (None, Some(device)) => device.account_id,
            // A manager renews nothing but the committer's own encryption key.
            (None, None) => by.account_id,
        };
        let is_one_persons = removed.iter().all(|device| device.account_id == account_id);
        if !is_one_persons {
            return Err(GroupError::NotAllowed);
        }
        let here = self.leaves(|device| device.account_id == account_id)?.len();
        let leaves = added.is_none() && !removed.is_empty() && removed.len() == here;
        // Who joins and who leaves is a manager's to say: members bring devices in, of people who are
        // here already, and take leaves of their own away.
        let manages = gate.chain.is_manager(by.account_id);
        let may = match (&added, request.map(Signed::body)) {
            // GROUP-9: the very key package that its own device signed for; no leaf but that device's
            // goes. Ids of devices are chosen: a device is one's account and its id.
            (Some((device, package)), Some(request)) => {
                let asked = (request.account_id, request.device_id);
                *package == &read_key_package(&self.store, &request.key_package)?
                    && check!(LeafAsked, (device.account_id, device.device_id) == asked)
                    && removed.iter().all(|gone| gone.device_id == request.device_id)
                    && (manages || here > 0)
            }
            // GROUP-9: whoever has a leaf gets another by their own request only.
            (Some(_), None) => manages && here == 0,
            (None, None) if removed.is_empty() => manages,
            (None, None) => account_id == by.account_id || (manages && leaves),
            (None, Some(_)) => false,
        };
        let loses_place = leaves.then_some(account_id);
        if check!(Committer, may) && check!(ManagersStay, gate.managers_stay(loses_place)) {
            Ok(loses_place)
        } else {
            Err(GroupError::NotAllowed)
        }
    }
}

fn some(leaves: Vec<LeafNodeIndex>) -> Result<Vec<LeafNodeIndex>, GroupError> {
    if leaves.is_empty() { Err(GroupError::NotAllowed) } else { Ok(leaves) }
}
