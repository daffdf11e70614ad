//! Getting out: signing out here or everywhere, and closing a safe for good.

use reconnect_format::{
    api::{Call, Code, Submission},
    id::{Base64, DeviceId},
    statement::Body,
};

use super::{
    Vault, bare,
    entry::device_name,
    head_name,
    locks::{KEPT_LOCK, kept_lock},
    notice::noticed_name,
};
use crate::{error::Error, place::MarkOf, world::World};

impl Vault {
    /// Ends this session; everywhere, retires every other device and ends all sessions. A device
    /// that is not kept is retired too: its key is gone with this page. One that is kept stays: what
    /// it is in a structure's group cannot be made again.
    pub async fn sign_out(mut self, world: &impl World, everywhere: bool) -> Result<(), Stayed> {
        match self.leave(world, everywhere).await {
            Ok(()) => Ok(()),
            Err(error) => Err(Stayed { vault: Box::new(self), error }),
        }
    }

    async fn leave(&mut self, world: &impl World, everywhere: bool) -> Result<(), Error> {
        let own = self.device_id;
        let others: Vec<_> = self
            .manifest
            .devices()
            .map(|(device_id, _)| device_id)
            .filter(|id| everywhere && *id != own)
            .collect();
        for device_id in others {
            self.retire_device(world, device_id).await?;
        }
        if everywhere && self.kept {
            self.forget_here(world).await?;
        }
        let left = if self.kept {
            let path = if everywhere { "/v1/sessions" } else { "/v1/sessions/this" };
            world.ship(Call::remove(path), Some(&self.token)).await.map(drop).map_err(Error::from)
        } else {
            self.retire_device(world, own).await
        };
        match left {
            // An answer was lost, or somebody else ended it: either way there is no session.
            Err(Error::Refused(problem)) if problem.code == Code::SessionEnded => Ok(()),
            other => other,
        }
    }

    /// Retires one device: its sessions end, and what it signs from then on counts nowhere.
    pub async fn retire_device(
        &mut self,
        world: &impl World,
        device_id: DeviceId,
    ) -> Result<(), Error> {
        self.write(world, &format!("retire {device_id}"), &|vault, _| {
            vault.manifest.device(device_id).ok_or(Error::NotFound)?;
            let mark = Base64(vault.place.mark(MarkOf::Device(device_id)).to_vec());
            let marked = Submission { mark, ..Submission::default() };
            Ok((Body::RetireDevice { device_id }, Box::new(|_, _| Ok(marked))))
        })
        .await
        .map(drop)
    }

    /// Closes the safe for good: the last statement, after which the server erases it.
    pub async fn close_for_good(mut self, world: &impl World) -> Result<(), Stayed> {
        let here = kept_lock(world).await.is_some_and(|(lock_id, _)| self.has_lock(lock_id));
        if let Err(error) = self.write(world, "close", &|_, _| Ok((Body::Close, bare()))).await {
            return Err(Stayed { vault: Box::new(self), error });
        }
        let account_id = self.account_id();
        let desk = format!("desk/{account_id}");
        let noticed = noticed_name(account_id, None);
        let names = [device_name(account_id), head_name(account_id), noticed, desk];
        for name in names.into_iter().chain(["handle".to_owned()]) {
            world.forget(&name).await;
        }
        if here {
            world.forget(KEPT_LOCK).await;
        }
        Ok(())
    }
}

/// The safe could not be left: the server was not told. It is still open.
pub struct Stayed {
    /// As open as before.
    pub vault: Box<Vault>,
    /// Why.
    pub error: Error,
}

impl std::fmt::Debug for Stayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stayed({:?})", self.error)
    }
}

impl std::fmt::Display for Stayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Stayed {}

impl From<Stayed> for Error {
    fn from(stayed: Stayed) -> Self {
        stayed.error
    }
}
