//! What this device signed, and what it did not: whoever holds a copy of its key is noticed. DEV-3.

use std::sync::{Mutex, MutexGuard, PoisonError};

use reconnect_format::{
    Signable, Signed,
    id::{AccountId, Base64, DeviceId, StructureId},
    statement::Signer,
};

use super::Vault;
use crate::{error::Error, world::World};

/// Hashes of what was signed and is not kept on this device yet.
#[derive(Debug, Default)]
pub(super) struct Fresh(Mutex<Vec<[u8; 32]>>);

impl Fresh {
    pub(super) fn add<T: Signable>(&self, signed: &Signed<T>) {
        self.lock().push(signed.hash());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<[u8; 32]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Under what name it is kept that this device signed something.
fn signed_name(account_id: AccountId, hash: &[u8; 32]) -> String {
    format!("signed/{account_id}/{}", String::from(Base64(hash.to_vec())))
}

/// Under what name it is kept how far a chain was looked through: one's own, or a structure's.
pub(super) fn noticed_name(account_id: AccountId, structure_id: Option<StructureId>) -> String {
    match structure_id {
        None => format!("noticed/{account_id}"),
        Some(structure_id) => format!("noticed/{account_id}/{structure_id}"),
    }
}

async fn noticed_until(world: &impl World, name: &str) -> Option<u64> {
    let kept = world.kept(name).await?;
    Some(u64::from_be_bytes(kept.as_slice().try_into().ok()?))
}

impl Vault {
    /// Keeps what was signed since the last time, before any of it is sent.
    pub(super) async fn keep_signed(&self, world: &impl World) -> Result<(), Error> {
        let fresh = self.fresh.lock().clone();
        for hash in fresh.iter().filter(|_| self.kept) {
            world.keep(&signed_name(self.account_id(), hash), &[]).await?;
        }
        self.fresh.lock().clear();
        Ok(())
    }

    /// Whether something was signed in the name of this device, and not by it. DEV-3.
    pub fn is_copied(&self) -> bool {
        self.copied
    }

    /// Looks through what this safe's chain says in the name of this device.
    pub(super) async fn notice(&mut self, world: &impl World) -> Result<(), Error> {
        let by_this = |signer: &Signer| matches!(signer, Signer::Device { device_id } if *device_id == self.device_id);
        let newest = self.manifest.sequence();
        let said = self.statements.iter().rev().take_while(|it| it.body().sequence > self.noticed);
        let said = said.filter(|it| by_this(&it.body().signer));
        let mut said: Vec<_> = said.map(|it| (it.body().sequence, it.hash())).collect();
        said.reverse();
        self.look_through(world, None, newest, said).await?;
        self.noticed = newest;
        Ok(())
    }

    /// The same for a structure's chain. `said` is by whom, where it was a member's device.
    pub(super) async fn notice_structure(
        &mut self,
        world: &impl World,
        structure_id: StructureId,
    ) -> Result<(), Error> {
        let Some(chain) = self.chains.get(&structure_id) else { return Ok(()) };
        let by_this =
            |it: &Option<(AccountId, DeviceId)>| *it == Some((self.account_id(), self.device_id));
        let numbered = (1_u64..).zip(chain.signers.iter().zip(&chain.hashes));
        let said = numbered.filter(|(_, (signer, _))| by_this(signer));
        let said: Vec<_> = said.map(|(sequence, (_, hash))| (sequence, *hash)).collect();
        let newest = chain.head().0;
        if said.is_empty() {
            return Ok(());
        }
        self.look_through(world, Some(structure_id), newest, said).await
    }

    /// Each must have been kept when it was signed. What is not stays where it is, so that the next
    /// page finds it too; what is found needs to be kept no more.
    async fn look_through(
        &mut self,
        world: &impl World,
        structure_id: Option<StructureId>,
        newest: u64,
        said: Vec<(u64, [u8; 32])>,
    ) -> Result<(), Error> {
        if !self.kept {
            return Ok(());
        }
        let account_id = self.account_id();
        let name = noticed_name(account_id, structure_id);
        let until = noticed_until(world, &name).await;
        // A device that never looked through its own safe was drawn on this page.
        let drawn = if structure_id.is_none() { newest } else { 0 };
        let known = until.unwrap_or(drawn);
        let mut done = Vec::new();
        for (sequence, hash) in said {
            let signed = signed_name(account_id, &hash);
            if sequence <= known || world.kept(&signed).await.is_some() {
                done.push(signed);
                continue;
            }
            // Another page of this device may have looked through it meanwhile.
            if noticed_until(world, &name).await.unwrap_or(drawn) < sequence {
                self.copied = true;
                return Ok(());
            }
        }
        if until != Some(newest) {
            world.keep(&name, &newest.to_be_bytes()).await?;
            for signed in done {
                world.forget(&signed).await;
            }
        }
        Ok(())
    }
}
