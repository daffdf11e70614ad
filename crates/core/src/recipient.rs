//! Recipients: keys that something may be wrapped to, because they were verified.
//!
//! Invariant: there is no way from bytes to a `Recipient`.

use reconnect_format::{
    account::RecipientPublicKey, grant::RecipientName, manifest::Manifest,
    structure::StructureChain,
};

use crate::error::{Error, ServerMisbehaved};

/// A verified key.
#[derive(Debug)]
pub struct Recipient {
    name: RecipientName,
    public: Box<RecipientPublicKey>,
    key_id: [u8; 32],
}

impl Recipient {
    /// A structure's current epoch, from its verified chain, which must be the one that the owner
    /// compared and must contain what was seen before. GRANT-5.
    pub fn of_structure(chain: &StructureChain, manifest: &Manifest) -> Result<Self, Error> {
        let seen = manifest.compared(chain.structure_id).ok_or(Error::NotCompared)?;
        chain.extends(seen.sequence, &seen.head)?;
        let terms = chain.epoch.as_ref().ok_or(Error::Misbehaved(ServerMisbehaved::OtherChain))?;
        let key_id = terms.recipient.id();
        Ok(Self {
            name: RecipientName::Structure {
                structure_id: chain.structure_id,
                epoch: terms.epoch,
                key_id,
            },
            public: terms.recipient.clone(),
            key_id,
        })
    }

    /// As a grant names it.
    pub fn name(&self) -> &RecipientName {
        &self.name
    }

    /// What is wrapped to.
    pub fn public(&self) -> &RecipientPublicKey {
        &self.public
    }

    /// Hash of the key.
    pub fn key_id(&self) -> [u8; 32] {
        self.key_id
    }
}
