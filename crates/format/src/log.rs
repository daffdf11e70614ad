//! What the log says of chains: under which index of its map, and as what value.
//!
//! A statement is *sent* when the server took it, and *safe* once the map has its value or that of
//! a later one. LOG-12.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Label, PublicKey,
    guardian::GuardianId,
    id::{AccountId, Base64, LogIndex, ReturnId, StructureId},
};

/// Indices that may be looked up beside one.
pub const BESIDE: usize = 32;

/// The sequence of a mark: that of the first head of a safe, so that nobody tells one from the other.
pub const MARK_SEQUENCE: u64 = 5;

/// Where a structure stands in the map.
pub fn structure_index(structure_id: StructureId) -> [u8; 32] {
    Label::LogIndex.hash(structure_id.as_bytes())
}

/// The map's value for a structure whose newest statement is this one. LOG-10 compares it.
pub fn structure_value(sequence: u64, head: &[u8; 32]) -> [u8; 32] {
    Label::LogValue.hash(&[sequence.to_be_bytes().as_slice(), head].concat())
}

/// Where something of a safe stands in the map: its head, under what was drawn for it, or a mark. With
/// the account in it nobody takes a place that is another's. LOG-21.
pub fn account_index(account_id: AccountId, of: &[u8; 32]) -> [u8; 32] {
    Label::LogIndex.hash(&[account_id.as_bytes(), of.as_slice()].concat())
}

/// The map's value for a mark. Whatever stands at its index says that it is retired. LOG-20.
pub fn mark_value(mark: &[u8; 32]) -> [u8; 32] {
    Label::LogValue.hash(mark)
}

/// What says in the log that a generation is over: where it stands, which no device's mark reaches nor that of whoever
/// ends another one, and the
/// value, which names the root that it went over to. LOG-20.
pub fn generation_mark(
    account_id: AccountId,
    (mark, generation): (&[u8; 32], u32),
    next: &PublicKey,
) -> ([u8; 32], [u8; 32]) {
    let number = generation.to_be_bytes();
    let index = [account_id.as_bytes(), mark.as_slice(), &[2], &number].concat();
    let value = [mark.as_slice(), &next.0].concat();
    (Label::LogIndex.hash(&index), Label::LogValue.hash(&value))
}

/// What says in the log that somebody comes back: where it stands, which no other mark reaches and no other
/// guardian's, and the value, which names the return. BACK-2.
pub fn return_mark(
    (account_id, who): (AccountId, GuardianId),
    mark: &[u8; 32],
    return_id: ReturnId,
) -> ([u8; 32], [u8; 32]) {
    let index = [account_id.as_bytes(), mark.as_slice(), &[3], &who.to_bytes()].concat();
    let value = [mark.as_slice(), return_id.as_bytes()].concat();
    (Label::LogIndex.hash(&index), Label::LogValue.hash(&value))
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
#[into_params(parameter_in = Query)]
pub struct LogAsked {
    /// Of a subject.
    #[param(inline)]
    pub index: LogIndex,
    /// Of others, 32 bytes each; at most [`BESIDE`].
    #[serde(default)]
    #[param(inline, required = false)]
    pub beside: Base64,
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
