//! What anyone may know and check: ids, labels, byte layouts, statements and the API.
//!
//! This crate holds no secret and does no I/O. The server is built on it alone; `core`, which holds
//! the keys, is built on it too. Everything here is specified in PROTOCOL.md, and checks that the
//! specification demands carry its rule id beside them.

pub mod account;
pub mod api;
pub mod codec;
pub mod deposit;
pub mod envelope;
pub mod fresh;
pub mod grant;
pub mod guardian;
pub mod id;
pub mod label;
pub mod link;
pub mod lock;
pub mod log;
pub mod manifest;
pub mod member;
pub mod problem;
pub mod proof;
pub mod receipt;
pub mod received;
pub mod record;
pub mod returning;
pub mod rewrap;
pub mod sign;
pub mod sorted;
pub mod statement;
pub mod structure;
pub mod switch;
pub mod tree;
pub mod unlock;

pub use codec::{DecodeError, Suite, decode, decode_own, encode};
pub use label::Label;
pub use sign::{PublicKey, Signable, Signature, Signed, Unverified};
pub use sorted::Sorted;
