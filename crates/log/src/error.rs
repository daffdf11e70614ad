//! Why something of the log was refused: one variant for each reason.

use crate::Hash;

/// Why a client or a witness refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end before the object does.
    #[error("truncated")]
    Truncated,
    /// Bytes follow the object.
    #[error("trailing bytes")]
    TrailingBytes,
    /// A suite or a kind that this version does not know.
    #[error("unknown version or kind")]
    UnknownVersion,
    /// Not the encoding that this crate would write, or a value outside its bounds.
    #[error("not canonical")]
    NotCanonical,
    /// Not a checkpoint in a signed note.
    #[error("not a checkpoint")]
    NotACheckpoint,
    /// Not a verifier key.
    #[error("not a verifier key")]
    NotAKey,
    /// Witnesses that are not two, or fewer of them than are required, or as many again that are not.
    #[error("a policy that contradicts itself")]
    BadPolicy,
    /// Another log's checkpoint.
    #[error("the checkpoint is another log's")]
    WrongOrigin,
    /// The log did not sign it, or did not say when.
    #[error("the log's own signature is missing")]
    Unsigned,
    /// A signature of a known key does not verify.
    #[error("a signature does not verify")]
    BadSignature,
    /// Fewer witnesses have cosigned than are required.
    #[error("{found} of {required} witnesses")]
    TooFewWitnesses {
        /// Those that have.
        found: usize,
        /// Those that must.
        required: usize,
    },
    /// Older than a day by the device's clock.
    #[error("the checkpoint is older than a day")]
    Stale,
    /// More than a day ahead of the device's clock: one of the two is wrong.
    #[error("the checkpoint is a day ahead of the clock")]
    Ahead {
        /// Witnessed time: enough have signed that it is so late.
        time: u64,
    },
    /// Smaller than one that was seen.
    #[error("the log went back")]
    WentBack,
    /// Another root for a size that was seen: two checkpoints that no one log can have.
    #[error("the log has forked")]
    Forked,
    /// Not shown to continue the checkpoint that was seen.
    #[error("the log does not continue what was seen")]
    Inconsistent,
    /// The leaf is not shown to be in the tree, in its last place.
    #[error("the leaf is not the log's last")]
    NotIncluded,
    /// What stands in the last place is no map leaf.
    #[error("the log does not end with its map")]
    NotAMapLeaf,
    /// The proof does not lead to the map's root.
    #[error("the map does not say this")]
    WrongMap,
}

/// What whoever replays a log can find wrong with it: each shows that the log misbehaved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A leaf that does not decode.
    #[error("leaf {leaf} does not decode: {error}")]
    Leaf {
        /// Its number.
        leaf: u64,
        /// Why.
        error: Error,
    },
    /// The heads that were shown are not those that the map leaf covers.
    #[error("the heads of leaf {leaf} are not those that it names")]
    Heads {
        /// Its number.
        leaf: u64,
    },
    /// A map leaf that names more heads than one may.
    #[error("leaf {leaf} names more heads than a leaf may")]
    TooManyHeads {
        /// Its number.
        leaf: u64,
    },
    /// The map's root is not what the leaves make it.
    #[error("the map of leaf {leaf} is not what the log says")]
    Map {
        /// Its number.
        leaf: u64,
    },
    /// An index was given an older number than it had, or another value under the same.
    #[error("leaf {leaf} puts something older in the place of something newer")]
    Rollback {
        /// Its number.
        leaf: u64,
        /// Of what.
        index: Hash,
    },
}
