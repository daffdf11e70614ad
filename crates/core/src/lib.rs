//! Everything only a key-holder may do: keys, sealing, grants, structures, and the safe itself.
//!
//! No I/O, no clock, no randomness of its own: all three come from a [`world::World`], which is a
//! browser in the page and a stage in the tests. Both drive the same code.

pub mod deposit;
pub mod document;
pub mod draft;
pub mod error;
pub mod evidence;
pub mod grant;
#[cfg(feature = "structure")]
pub mod group;
pub mod guardian;
pub mod held;
pub mod key;
pub mod link;
pub mod lock;
pub mod log;
#[cfg(doctest)]
mod misuse;
pub mod picture;
pub mod place;
pub mod recipient;
mod seal;
pub mod secret;
pub mod vault;
#[cfg(feature = "vectors")]
pub mod vectors;
pub mod words;
pub mod world;
