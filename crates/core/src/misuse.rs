//! # Misuse does not build
//!
//! Each block that must not compile stands beside one that does and differs in that alone, so that
//! it cannot fail for another reason. Only documentation tests see this module.
//!
//! ## A recipient comes from a verified chain, never from bytes
//!
//! ```
//! use reconnect_core::{error::Error, recipient::Recipient};
//! use reconnect_format::{manifest::Manifest, structure::StructureChain};
//! use reconnect_log::Witnessed;
//! fn verified(chain: &StructureChain, manifest: &Manifest, log: &Witnessed)
//!     -> Result<Recipient, Error> { Recipient::of_structure(chain, manifest, log) }
//! ```
//! ```compile_fail,E0308
//! use reconnect_core::{error::Error, recipient::Recipient};
//! use reconnect_format::{manifest::Manifest, structure::StructureChain};
//! use reconnect_log::Lookup;
//! fn unchecked(chain: &StructureChain, manifest: &Manifest, log: &Lookup)
//!     -> Result<Recipient, Error> { Recipient::of_structure(chain, manifest, log) }
//! ```
//! ```compile_fail,E0277
//! use reconnect_core::recipient::Recipient;
//! fn unverified(bytes: &[u8]) -> Option<Recipient> {
//!     Recipient::try_from(bytes).ok()
//! }
//! ```
//! ```compile_fail,E0451
//! use reconnect_core::recipient::Recipient;
//! fn other(recipient: Recipient) -> Recipient {
//!     Recipient { key_id: [0; 32], ..recipient }
//! }
//! ```
//!
//! ## Nothing is wrapped to a bare public key
//!
//! ```
//! use reconnect_core::{error::Damaged, grant::{GrantSecret, wrap_for_recipient}};
//! use reconnect_core::recipient::Recipient;
//! fn give(secret: &GrantSecret, to: &Recipient, rng: &mut impl rand_core::CryptoRng)
//!     -> Result<Vec<u8>, Damaged> { wrap_for_recipient(secret, [0; 32], to, rng) }
//! ```
//! ```compile_fail,E0308
//! use reconnect_core::{error::Damaged, grant::{GrantSecret, wrap_for_recipient}};
//! use reconnect_format::account::RecipientPublicKey;
//! fn give(secret: &GrantSecret, to: &RecipientPublicKey, rng: &mut impl rand_core::CryptoRng)
//!     -> Result<Vec<u8>, Damaged> { wrap_for_recipient(secret, [0; 32], to, rng) }
//! ```
//!
//! ## A secret is not cloned
//!
//! ```
//! use reconnect_core::secret::DocumentKey;
//! fn once(key: &DocumentKey) -> &DocumentKey { key }
//! ```
//! ```compile_fail,E0277
//! use reconnect_core::secret::DocumentKey;
//! fn twice(key: &DocumentKey) -> DocumentKey { DocumentKey::clone(key) }
//! ```
//!
//! ## A secret is not shown, serialized or compared, and its bytes stay inside
//!
//! ```
//! use reconnect_core::secret::DocumentKey;
//! fn named(key: &DocumentKey) -> String { format!("{key:?}") }
//! ```
//! ```compile_fail,E0277
//! use reconnect_core::secret::DocumentKey;
//! fn shown(key: &DocumentKey) -> String { format!("{key}") }
//! ```
//! ```compile_fail,E0277
//! use reconnect_core::secret::DocumentKey;
//! fn serialized(key: &DocumentKey) -> Option<String> { serde_json::to_string(key).ok() }
//! ```
//! ```compile_fail,E0369
//! use reconnect_core::secret::DocumentKey;
//! fn compared(one: &DocumentKey, other: &DocumentKey) -> bool { *one == *other }
//! ```
//! ```compile_fail,E0624
//! use reconnect_core::secret::DocumentKey;
//! fn exposed(key: &DocumentKey) -> [u8; 32] { *key.expose() }
//! ```
//! ```compile_fail,E0616
//! use reconnect_core::secret::DocumentKey;
//! fn taken(key: DocumentKey) -> [u8; 32] { key.0 }
//! ```
//!
//! ## One secret does not do another's work
//!
//! ```
//! use reconnect_core::{grant::wrap_document, secret::{DocumentKey, GrantKey}};
//! use reconnect_format::grant::WrapBinding;
//! fn wrap(key: &DocumentKey, under: &GrantKey, bound: &WrapBinding) -> Vec<u8> {
//!     wrap_document(key, under, bound)
//! }
//! ```
//! ```compile_fail,E0308
//! use reconnect_core::{grant::wrap_document, secret::{DocumentKey, GrantKey}};
//! use reconnect_format::grant::WrapBinding;
//! fn wrap(key: &DocumentKey, under: &GrantKey, bound: &WrapBinding) -> Vec<u8> {
//!     wrap_document(under, key, bound)
//! }
//! ```
//!
//! ## What nobody has verified is neither passed on nor believed
//!
//! ```
//! use reconnect_format::{Signed, statement::Statement};
//! fn passed_on(statement: &Signed<Statement>) -> Vec<u8> { statement.encode() }
//! fn believed(statement: &Signed<Statement>) -> &Statement { statement.body() }
//! ```
//! ```compile_fail,E0599
//! use reconnect_format::{Unverified, statement::Statement};
//! fn passed_on(statement: &Unverified<Statement>) -> Vec<u8> { statement.encode() }
//! ```
//! ```compile_fail,E0599
//! use reconnect_format::{Unverified, statement::Statement};
//! fn believed(statement: &Unverified<Statement>) -> &Statement { statement.body() }
//! ```
//! ```compile_fail,E0308
//! use reconnect_format::{Signed, Unverified, statement::Statement};
//! fn taken_for_true(statement: Unverified<Statement>) -> Signed<Statement> { statement }
//! ```
//! ```compile_fail,E0599
//! use reconnect_format::{Signed, statement::Statement};
//! fn decoded(bytes: &[u8]) -> Option<Signed<Statement>> { Signed::decode(bytes).ok() }
//! ```
//!
//! ## A signature is for one kind of thing
//!
//! ```
//! use reconnect_core::key::SignKey;
//! use reconnect_format::{Signed, statement::Statement};
//! fn signed(key: &SignKey, statement: Statement) -> Signed<Statement> { key.sign(statement) }
//! ```
//! ```compile_fail,E0277
//! use reconnect_core::key::SignKey;
//! fn signed(key: &SignKey, chosen_by_a_server: Vec<u8>) -> Vec<u8> {
//!     key.sign(chosen_by_a_server).encode()
//! }
//! ```
//!
//! ## A card is not a picture, and is not printed
//!
//! ```
//! use reconnect_core::{document::{Card, SealedEnvelope, seal_card}, error::Error};
//! use reconnect_format::id::{AccountId, DocumentId};
//! fn sealed(card: &Card, rng: &mut impl rand_core::CryptoRng) -> Result<SealedEnvelope, Error> {
//!     seal_card(card, AccountId([0; 32]), DocumentId([0; 16]), 1, rng)
//! }
//! ```
//! ```compile_fail,E0308
//! use reconnect_core::{document::{Card, SealedEnvelope, seal_thumbnail}, error::Error};
//! use reconnect_format::id::{AccountId, DocumentId};
//! fn sealed(card: &Card, rng: &mut impl rand_core::CryptoRng) -> Result<SealedEnvelope, Error> {
//!     seal_thumbnail(card, AccountId([0; 32]), DocumentId([0; 16]), 1, rng)
//! }
//! ```
//! ```compile_fail,E0277
//! use reconnect_core::document::Card;
//! fn printed(card: &Card) -> String { format!("{card:?}") }
//! ```
//!
//! ## A safe that was left is gone
//!
//! ```
//! use reconnect_core::{error::Error, vault::Vault, world::World};
//! async fn leave(vault: Vault, world: &impl World) -> Result<(), Error> {
//!     Ok(vault.sign_out(world, false).await?)
//! }
//! ```
//! ```compile_fail,E0382
//! use reconnect_core::{error::Error, vault::Vault, world::World};
//! async fn leave(vault: Vault, world: &impl World) -> Result<String, Error> {
//!     vault.sign_out(world, false).await?;
//!     Ok(vault.handle())
//! }
//! ```
