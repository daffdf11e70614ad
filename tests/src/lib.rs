//! The stage of the tests: people with browsers, a server on either database, and its faults.
//!
//! Nothing of ours is replaced here: browsers drive the real core, calls reach the real router or
//! the real binary, and both databases are real ones.

pub mod between;
pub mod browser;
pub mod collision;
pub mod crowd;
pub mod dump;
pub mod hostile;
pub mod layout;
pub mod paper;
pub mod postgres;
pub mod power;
pub mod process;
pub mod proxy;
pub mod restored;
pub mod scan;
pub mod stage;
pub mod store;
pub mod team;
pub mod trial;
pub mod wire;
pub mod writer;
