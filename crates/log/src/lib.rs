//! The transparency log of PROTOCOL.md section 15: what log, server, auditors and clients share.
//!
//! One append-only tree, a map from index to newest statement whose root stands in it, checkpoints that
//! witnesses cosign, and [`Lookup`], whose verification is the only way to what is [`Witnessed`].
//! Nothing here knows what an index is for, holds a key that signs, or does I/O.

pub mod carried;
pub mod codec;
pub mod error;
pub mod leaf;
pub mod lookup;
pub mod map;
pub mod note;
pub mod policy;
pub mod replay;
pub mod tile;
pub mod tree;

pub use carried::Carried;
pub use error::{Error, Fault};
pub use leaf::{HEAD_BYTES, Head, Leaf, Newest};
pub use lookup::{Beside, Kept, Lookup, Question, Witnessed};
pub use map::{Map, MapProof};
pub use note::{Checkpoint, KeyKind, Line, Note, VerifierKey};
pub use policy::Policy;
pub use replay::{Replay, ReplayMark};
pub use tree::Tree;

/// SHA-256's output.
pub type Hash = [u8; 32];
