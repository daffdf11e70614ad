//! Whether what a grantee is shown is still so: the head of its owner's safe that the log names, and
//! which leaves stand in the manifest under it. Part of the [`api`](crate::api).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{id::Base64, tree};

/// Leaves that may be asked about at once.
pub const LEAVES: usize = 2_000;

/// What a grantee wants to have shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FreshAsked {
    /// Leaves of the manifest, ascending, each once; at most [`LEAVES`].
    pub leaves: Base64,
}

/// What the log names of the owner's safe.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Freshness {
    /// What stands under that head; none where the server does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logged: Option<Box<LoggedHead>>,
}

/// The head that the log names, and which of the leaves stand under it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LoggedHead {
    /// `StatementHead`, signed.
    pub head: Base64,
    /// Of its signer: `DeviceProof` of a device, `KeysProof` of the root.
    pub proof: Base64,
    /// Number of leaves of the manifest.
    pub size: u32,
    /// Where each of the leaves is that were asked about; none where it is not.
    pub places: Vec<Option<u32>>,
    /// What [`tree::prove`] gives for those that are there.
    pub beside: Base64,
}

impl LoggedHead {
    /// Finds `asked` among a manifest's leaves, which ascend as they do.
    pub fn find(head: Base64, proof: Base64, leaves: &[[u8; 32]], asked: &[[u8; 32]]) -> Self {
        let place = |leaf| leaves.binary_search(leaf).ok().and_then(|at| u32::try_from(at).ok());
        let places: Vec<_> = asked.iter().map(place).collect();
        let there: Vec<_> = places.iter().flatten().copied().collect();
        let beside = Base64(tree::prove(leaves, &there).concat());
        Self { head, proof, size: u32::try_from(leaves.len()).unwrap_or(u32::MAX), places, beside }
    }

    /// Those of the leaves that are under `root`, if the proof is one. FRESH-3.
    pub fn shown(&self, root: &[u8; 32], asked: &[[u8; 32]]) -> Option<Vec<[u8; 32]>> {
        let (beside, []) = self.beside.0.as_chunks::<32>() else { return None };
        let pairs = self.places.iter().zip(asked);
        let there = pairs.filter_map(|(place, leaf)| place.map(|place| (place, *leaf)));
        let there: Vec<_> = there.collect();
        let is_so = self.places.len() == asked.len()
            && there.is_sorted_by(|(before, _), (after, _)| before < after)
            && tree::root_of(self.size, &there, beside).as_ref() == Some(root);
        is_so.then(|| there.into_iter().map(|(_, leaf)| leaf).collect())
    }
}
