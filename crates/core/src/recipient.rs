//! Recipients: keys that something may be wrapped to, because they were verified.
//!
//! Invariant: there is no way from bytes to a `Recipient`.

#[cfg(feature = "structure")]
use reconnect_format::id::StructureId;
use reconnect_format::{
    account::{AccountKeys, RecipientPublicKey},
    check,
    grant::RecipientName,
    id::AccountId,
    log::{structure_index, structure_value},
    manifest::Manifest,
    structure::StructureChain,
};

use reconnect_log::{Newest, Witnessed};

use crate::error::{Error, ServerMisbehaved, Unchecked};
#[cfg(feature = "structure")]
use crate::key::RecipientKey;

/// A verified key.
#[derive(Debug)]
pub struct Recipient {
    name: RecipientName,
    public: Box<RecipientPublicKey>,
    key_id: [u8; 32],
}

impl Recipient {
    /// A structure's current epoch, from its verified chain, which must be the one that the owner
    /// compared, contain what was seen before, end where the log says that it ends, and not be
    /// closed. GRANT-5, GRANT-10, LOG-10.
    pub fn of_structure(
        chain: &StructureChain,
        manifest: &Manifest,
        witnessed: &Witnessed,
    ) -> Result<Self, Error> {
        let seen = manifest.admitted(chain.structure_id).ok_or(Error::NotCompared)?;
        chain.extends(seen.sequence, &seen.head)?;
        if named_by(chain, witnessed)? < chain.head().0 {
            return Err(Unchecked::Behind.into());
        }
        let epoch = chain.epoch.as_ref().filter(|_| !chain.closed);
        let terms = epoch.ok_or(Error::Misbehaved(ServerMisbehaved::OtherChain))?;
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

    /// An owner whose address was read from their own screen, with the first keys, that hash to it, and
    /// the signed statements of new generations. DEP-1.
    pub fn of_owner<'a>(
        account_id: AccountId,
        first: AccountKeys,
        generations: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, Error> {
        if !check!(OwnerKeys, first.account_id() == account_id && first.generation == 1) {
            return Err(ServerMisbehaved::Forged.into());
        }
        let (mut all, _) = first.follow(account_id, generations)?;
        let keys = all.pop().ok_or(ServerMisbehaved::Forged)?;
        let (public, key_id) = (keys.recipient.clone(), keys.recipient.id());
        Ok(Self { name: RecipientName::Account { account_id, key_id }, public, key_id })
    }

    /// An epoch of one's own structure, whose private key this member holds. REWRAP-1.
    #[cfg(feature = "structure")]
    pub fn of_own_epoch(structure_id: StructureId, epoch: u64, key: &RecipientKey) -> Self {
        let (public, key_id) = (Box::new(key.public().clone()), key.public().id());
        let name = RecipientName::Structure { structure_id, epoch, key_id };
        Self { name, public, key_id }
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

/// Which statement of a structure's chain the log names, by its sequence number; 0 for none yet. One
/// that is not in the chain was withheld, or the chain is another. LOG-10.
pub(crate) fn named_by(chain: &StructureChain, witnessed: &Witnessed) -> Result<u64, Error> {
    let index = structure_index(chain.structure_id);
    let Some(Newest { sequence, value }) =
        witnessed.newest().filter(|_| witnessed.index() == index)
    else {
        return Ok(0);
    };
    if !check!(StructureLogged) {
        return Ok(chain.head().0);
    }
    let place = usize::try_from(sequence).ok().and_then(|number| number.checked_sub(1));
    let named = place.and_then(|place| chain.hashes.get(place));
    let is_so = named.is_some_and(|hash| structure_value(sequence, hash) == value);
    if is_so { Ok(sequence) } else { Err(ServerMisbehaved::Withheld.into()) }
}
