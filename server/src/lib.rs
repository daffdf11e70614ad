//! The server: keeps sealed things, and answers those who may ask.
//!
//! Invariant: this crate is built on `reconnect-format` alone. It is never built with `core`, so no
//! code here can name a key that opens anything. Authority is a join: every query carries the
//! caller, and no row means 404, whether the thing is absent or somebody else's.

mod account;
mod again;
pub mod app;
mod backup;
mod blob;
mod caller;
mod chains;
mod change;
mod clock;
mod comeback;
pub mod config;
mod db;
mod deposit;
mod disk;
mod document;
mod download;
mod effect;
mod error;
mod fault;
mod fresh;
mod generation;
mod grant;
mod guardian;
mod guest;
mod held;
mod invitation;
mod journal;
mod kept;
mod leaf;
mod limit;
mod link;
mod log;
mod member;
pub mod metrics;
mod migrate;
mod nobody;
pub mod operator;
mod page;
pub mod panicked;
mod receipt;
mod received;
mod restore;
mod rewrap;
mod routes;
mod say;
mod secret;
pub mod serve;
mod session;
mod start;
mod statement;
mod structure;
mod supervisor;
mod sweep;
mod sync;
mod tables;
mod time;
mod tries;
mod unlock;
mod upload;
mod verify;
mod wire;
mod writer;

pub use app::App;
pub use backup::{Taken, backup};
pub use clock::Clock;
pub use config::Config;
pub use migrate::migrate;
pub use restore::{Restored, Sources, restore};
pub use verify::{Found, verify};
