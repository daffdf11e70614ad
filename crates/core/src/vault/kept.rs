//! What somebody keeps who means to read on after they left a structure: for tests, in no page.

use reconnect_format::{
    Signable, Signed,
    id::Base64,
    structure::{Certificate, StructureChain},
};

use super::{
    Vault,
    desk::{Desk, Inner},
};
use crate::{
    error::Error,
    group::{Gate, Group},
    key::{AccountSecrets, RecipientKey},
    secret::{GrantKey, Root},
};

/// Every secret of one page and its person's account.
pub struct Kept {
    /// Of the account, and of each recipient epoch.
    pub recipient_keys: Vec<RecipientKey>,
    /// Of the grants that were opened.
    pub grant_keys: Vec<GrantKey>,
    group: Group,
}

impl Desk {
    /// Copies every secret that this page holds.
    pub fn keep_everything(&self, vault: &Vault) -> Result<Kept, Error> {
        let Inner::Member(group) = &self.standing else { return Err(Error::NotAMember) };
        let secrets = vault.secrets();
        let root = Root::from_bytes(*secrets.root.expose());
        let own = AccountSecrets::derive(root, secrets.generation).recipient;
        let epochs = self.history.seeds.iter().map(|(_, seed)| RecipientKey::of_epoch(seed));
        Ok(Kept {
            recipient_keys: epochs.chain([own]).collect(),
            grant_keys: self.grant_keys(),
            group: Group::resume(self.structure_id, group.number(), &group.snapshot())?,
        })
    }
}

impl Vault {
    /// Signs whatever a changed client says with this device's key.
    pub fn sign_anything<T: Signable>(&self, body: T) -> Base64 {
        self.attest(body)
    }
}

impl Kept {
    /// Whether a sealed history opens, with the group's state as it was kept or after any of these
    /// commits: then with the seeds in it.
    pub fn open_history(
        &mut self,
        sealed: &[u8],
        commits: &[Vec<u8>],
        (chain, certificates): (&StructureChain, &[Signed<Certificate>]),
    ) -> bool {
        let gate = Gate { chain, certificates, now: chain.made_at };
        let mut tries = std::iter::once(None).chain(commits.iter().map(Some));
        tries.any(|commit| {
            if let Some(commit) = commit {
                // Whatever comes of it: the next look says.
                let _ = self.group.take_in(commit, None, &gate);
            }
            let Ok(history) = self.group.open_history(sealed) else { return false };
            let keys = history.seeds.iter().map(|(_, seed)| RecipientKey::of_epoch(seed));
            self.recipient_keys.extend(keys);
            true
        })
    }
}
