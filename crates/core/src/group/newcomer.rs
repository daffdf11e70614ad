//! Somebody who was invited: a key package is out, a welcome is awaited.
//!
//! A welcome is not believed: whoever sends one could have built any group. Every leaf passes the
//! [`Gate`], its sender is a manager, and the structure's chain names that very epoch, before there
//! is a [`Group`].

use openmls::{
    group::{JoinBuilder, ProcessedWelcome},
    key_packages::KeyPackage,
    prelude::{MlsMessageBodyIn, MlsMessageIn, MlsMessageOut},
};
use reconnect_format::statement::DeviceProof;
use tls_codec::DeserializeBytes;
use zeroize::Zeroizing;

use super::{
    Gate, Group, GroupError,
    mls::{LeafSigner, SUITE, capabilities, credential, join_config, lifetime},
    store::{Snapshot, Store},
};
use crate::key::DeviceSecrets;

/// The private half of a key package.
pub struct Newcomer {
    pub(super) store: Store,
}

impl Newcomer {
    /// Makes a key package, for one join request, and keeps its private half.
    pub fn new(device: &DeviceSecrets, proof: &DeviceProof) -> Result<(Self, Vec<u8>), GroupError> {
        let store = Store::default();
        let signer = LeafSigner(&device.leaf);
        let bundle = KeyPackage::builder()
            .key_package_lifetime(lifetime())
            .leaf_node_capabilities(capabilities())
            .build(SUITE, store.provider(), &signer, credential(device, proof)?)
            .map_err(|_| GroupError::Damaged)?;
        let key_package = MlsMessageOut::from(bundle.into_key_package())
            .to_bytes()
            .map_err(|_| GroupError::Damaged)?;
        Ok((Self { store }, key_package))
    }

    /// Joins the structure of the gate's chain, as the answer to the request for a leaf of that hash,
    /// or to an invitation. A welcome that is refused leaves the newcomer as
    /// they were; after one that is not, the newcomer and what was kept of them are forgotten.
    pub fn join(
        &self,
        welcome: &[u8],
        asked: Option<[u8; 32]>,
        gate: &Gate<'_>,
    ) -> Result<Group, GroupError> {
        let message =
            MlsMessageIn::tls_deserialize_exact_bytes(welcome).map_err(|_| GroupError::Damaged)?;
        let MlsMessageBodyIn::Welcome(welcome) = message.extract() else {
            return Err(GroupError::Damaged);
        };
        let structure_id = gate.chain.structure_id;
        let store = self.store.copy();
        let processed =
            ProcessedWelcome::new_from_welcome(store.provider(), &join_config(), welcome)
                .map_err(|_| GroupError::Damaged)?;
        // Lifetimes say nothing here: who was added years ago is still a member. A welcome that asks
        // for a pre-shared key failed above: a newcomer has none.
        let welcomed = JoinBuilder::new(store.provider(), processed)
            .skip_lifetime_validation()
            .build()
            .map_err(|_| GroupError::Damaged)?;
        let sender = welcomed.welcome_sender().map_err(|_| GroupError::Damaged)?;
        let sender = sender.clone();
        let mls = welcomed.into_group(store.provider()).map_err(|_| GroupError::Damaged)?;
        let number = gate.chain.roster.as_ref().ok_or(GroupError::Unstated)?.group;
        let group = Group { structure_id, number, store, mls, staged: None };
        // Who left since was a member then.
        let then = gate.chain.as_of(number, group.mls_epoch()).ok_or(GroupError::Unstated)?;
        let gate = Gate { chain: &then, certificates: gate.certificates, now: then.made_at };
        // GROUP-9: nobody answers what was not asked.
        if then.answers() != asked {
            return Err(GroupError::NotAllowed);
        }
        // GROUP-2, GROUP-6: a manager, or a member whose statement the chain took.
        gate.judge(&sender)?;
        group.judge(&gate)?;
        group.compare(&gate)?;
        Ok(group)
    }

    /// The state, for sealing on this device while the welcome is awaited.
    pub fn snapshot(&self) -> Zeroizing<Vec<u8>> {
        Snapshot::of(&self.store, None).encode()
    }

    /// Goes on waiting.
    pub fn resume(snapshot: &[u8]) -> Result<Self, GroupError> {
        Ok(Self { store: Snapshot::decode(snapshot)?.store() })
    }
}

impl std::fmt::Debug for Newcomer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Newcomer")
    }
}
