//! What a colleague's changed client can do to a desk, and how the desk goes on: it keeps what it
//! holds, asks for a place in the group anew, and says whose doing it was. GROUP-13, HIST-3.

use reconnect_format::{
    Signed,
    id::{AccountId, StructureId},
};

use super::{Vault, desk::Desk};
use crate::{
    error::{Error, Unchecked},
    group::History,
};

impl Desk {
    /// Number of the member who signed for what this device could not take in: their device made it
    /// so, or the server changed it.
    pub fn spoiled_by(&self) -> Option<u32> {
        (self.spoiled_by != 0).then_some(self.spoiled_by)
    }

    /// Whether this device holds any key to what was given: that shows, also while it waits. HIST-3.
    pub fn holds_keys(&self) -> bool {
        !self.history.seeds.is_empty()
    }

    /// Whether this device holds the key to which owners give now.
    pub fn can_read(&self) -> bool {
        self.recipient_key(self.recipient_epoch()).is_ok()
    }

    /// Nothing is committed, and no history sealed, before the history has the newest seed, and
    /// while the log says nothing of the structure. HIST-3, LOG-10.
    pub(super) fn may_commit(&self, vault: &Vault) -> Result<(), Error> {
        self.history.check(&self.chain)?;
        Ok(vault.was_looked_up(self.structure_id)?)
    }

    /// Takes over what a colleague sealed, as far as it is the chain's, and leaves nothing out that
    /// this device holds. Gives whether that will do: otherwise one asks for a leaf again, once, as
    /// somebody else may answer.
    pub(super) fn learn_history(&mut self, mut shown: History) -> bool {
        shown.keep_sound(&self.chain);
        shown.absorb(&mut self.history);
        self.history = shown;
        if self.history.check(&self.chain).is_ok() {
            self.spoiled_by = 0;
            return true;
        }
        let asked = self.spoiled_by != 0;
        self.spoiled_by = self.chain.signer().map_or(0, |signer| self.number_of(signer));
        asked
    }

    /// The number of an account's newest certificate; 0 when there is none.
    pub(super) fn number_of(&self, account_id: AccountId) -> u32 {
        let certificates = self.certificates.iter().map(Signed::body);
        let theirs = certificates.filter(|it| it.account_id == account_id);
        theirs.max_by_key(|it| it.serial).map_or(0, |it| it.number)
    }
}

impl Vault {
    /// Why the log says nothing of a structure whose chain was shown. LOG-10.
    pub(super) fn was_looked_up(&self, structure_id: StructureId) -> Result<(), Unchecked> {
        let looked = self.witnessed.get(&structure_id).ok_or(Unchecked::Unanswered)?;
        looked.as_ref().map(drop).map_err(|unchecked| *unchecked)
    }
}
