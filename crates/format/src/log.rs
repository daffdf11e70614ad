//! What the log says of chains: under which index of its map, and as what value.
//!
//! A statement is *sent* when the server took it, and *safe* once the map has its value or that of
//! a later one. LOG-12.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Label,
    id::{Base64, LogIndex, StructureId},
};

/// Where a structure stands in the map.
pub fn structure_index(structure_id: StructureId) -> [u8; 32] {
    Label::LogIndex.hash(structure_id.as_bytes())
}

/// The map's value for a structure whose newest statement is this one. LOG-10 compares it.
pub fn structure_value(sequence: u64, head: &[u8; 32]) -> [u8; 32] {
    Label::LogValue.hash(&[sequence.to_be_bytes().as_slice(), head].concat())
}

/// Where a text that the service says of itself stands in the map: its name is shorter than any id.
/// LOG-18.
pub fn said_index(name: &str) -> [u8; 32] {
    Label::LogIndex.hash(name.as_bytes())
}

/// The map's value for such a text, under its number. LOG-18.
pub fn said_value(sequence: u64, text: &str) -> [u8; 32] {
    Label::LogValue.hash(&[sequence.to_be_bytes().as_slice(), text.as_bytes()].concat())
}

/// Which index of the log's map is looked up.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
pub struct LogAsked {
    /// Of a subject.
    pub index: LogIndex,
    /// Size of the newest checkpoint that the client has seen.
    #[serde(default)]
    pub from: u64,
}

/// What the log says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogAnswer {
    /// `Lookup`.
    pub lookup: Base64,
}

/// A checkpoint with the cosignature of a witness.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HandIn {
    /// A signed note.
    pub note: String,
}
