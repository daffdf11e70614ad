//! The disk: uploads stop early, and a ballast is given up, so that reads, deletions, revocations
//! and logins still work when it is full.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use reconnect_format::api::Code;

use crate::error::Result;

/// Room that is given up for deletions and revocations.
const BALLAST_BYTES: usize = 8 << 20;

/// The disk that the data folder is on.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    data: PathBuf,
    reserve_bytes: u64,
}

impl Disk {
    pub(crate) fn new(data: &Path, reserve_bytes: u64) -> Self {
        Self { data: data.to_path_buf(), reserve_bytes }
    }

    /// Refuses when `more_bytes` would eat into the reserve.
    pub(crate) fn check_room(&self, more_bytes: u64) -> Result<()> {
        if self.free_bytes() < self.reserve_bytes.saturating_add(more_bytes) {
            return Err(Code::StorageFull.into());
        }
        Ok(())
    }

    pub(crate) fn free_bytes(&self) -> u64 {
        rustix::fs::statvfs(&self.data)
            .map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Gives the ballast up. Whether there was one.
    pub(crate) fn give_up_ballast(&self) -> bool {
        let given = fs::remove_file(self.ballast()).is_ok();
        if given {
            tracing::error!("the disk is full: the ballast was given up");
        }
        given
    }

    /// Lays the ballast down again when there is room for it.
    pub(crate) fn restore_ballast(&self) -> std::io::Result<()> {
        let ballast = self.ballast();
        if ballast.exists() || self.free_bytes() < self.reserve_bytes.max(2 * BALLAST_BYTES as u64)
        {
            return Ok(());
        }
        let mut file = fs::File::create(&ballast)?;
        // Not zeros from a hole: blocks that really are taken.
        let block = vec![0x5a; 1 << 20];
        for _ in 0..BALLAST_BYTES >> 20 {
            if let Err(error) = file.write_all(&block) {
                drop(fs::remove_file(&ballast));
                return Err(error);
            }
        }
        file.sync_all()
    }

    /// Whether it lies there.
    pub(crate) fn has_ballast(&self) -> bool {
        self.ballast().exists()
    }

    fn ballast(&self) -> PathBuf {
        self.data.join("ballast")
    }
}
