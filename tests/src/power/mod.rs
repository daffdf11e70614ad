//! A power cut, as a server's disk sees it: a file system in memory, strict about what was synced.

mod disk;
mod mount;

pub use disk::{Disk, Trouble};
pub use mount::Mounted;
