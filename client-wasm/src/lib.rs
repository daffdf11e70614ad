//! The only door between the page and the keys: bindings without logic.
//!
//! Keys stay inside; what comes out is what the page shows, sealed bytes, and calls to ship. The
//! worker does one thing after the other, so that the safe has one writer.

mod bulk;
#[cfg(feature = "structure")]
mod deposit;
#[cfg(feature = "structure")]
mod desk;
mod guardians;
mod inbox;
mod link;
mod outside;
#[cfg(feature = "vectors")]
mod vectors;
mod view;
mod ways;

use std::{cell::RefCell, str::FromStr};

use js_sys::Uint8Array;
use reconnect_core::{
    error::Error,
    picture,
    vault::{
        Comparison, ContentDraft, Drawn, Gift, Linking, PaperCard, Returning, Stayed, Vault,
        upload_begin, upload_part,
    },
    world::World,
};
use reconnect_format::{
    api::{Code, Problem},
    id::EnvelopeId,
};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

pub use bulk::{Reader, Upload};
use outside::Browser;
pub use outside::Outside;
#[cfg(feature = "vectors")]
pub use vectors::judge_vector;
use view::shown;

/// An error as the worker catches it: JSON text with a stable code.
pub(crate) fn thrown(error: &Error) -> JsValue {
    shown(&view::refusal(error)).into()
}

/// A refusal of this side of the wire.
pub(crate) fn refused(status: u16, code: Code) -> Error {
    Error::Refused(Problem { status, ..Problem::of(code) })
}

pub(crate) fn id<T: FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::NotFound)
}

/// A file's size, as JavaScript has it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a file's size is a whole number below 2^53"
)]
pub(crate) fn whole(bytes: f64) -> u64 {
    bytes as u64
}

/// One safe and its structure, in one worker.
#[wasm_bindgen]
pub struct Client {
    world: Browser,
    drawn: RefCell<Option<Drawn>>,
    vault: RefCell<Option<Vault>>,
    /// On a computer that asks to be let in.
    linking: RefCell<Option<Linking>>,
    /// Of somebody who lost everything.
    returning: RefCell<Option<Returning>>,
    /// Apart from the safe, which a journey may hold while parts of an upload are on their way.
    token: RefCell<Option<String>>,
    #[cfg(feature = "structure")]
    desk: RefCell<Option<reconnect_core::vault::Desk>>,
    /// Of a structure that is about to be founded: on paper before it counts.
    #[cfg(feature = "structure")]
    root: RefCell<Option<reconnect_core::words::PaperSecret>>,
}

/// What a person says of a document, as the page sends it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewDocument {
    pub(crate) title: String,
    pub(crate) kind: String,
    pub(crate) media_type: String,
    pub(crate) page_count: u32,
}

impl Client {
    /// Lends the open safe to one journey, and takes it back whatever comes of it.
    async fn with<T>(
        &self,
        journey: impl AsyncFnOnce(&mut Vault, &Browser) -> Result<T, Error>,
    ) -> Result<T, JsValue> {
        let mut vault = self.lent()?;
        let outcome = journey(&mut vault, &self.world).await;
        self.vault.replace(Some(vault));
        outcome.map_err(|error| thrown(&error))
    }

    /// Prepares an upload and declares it.
    pub(crate) async fn begin_upload(
        &self,
        begin: impl FnOnce(&mut Vault, &Browser) -> Result<ContentDraft, Error>,
    ) -> Result<Upload, JsValue> {
        let draft = self
            .with(async |vault, world| {
                let draft = begin(vault, world)?;
                world.ship(upload_begin(&draft), Some(vault.token())).await?;
                Ok(draft)
            })
            .await?;
        Upload::new(draft).await
    }

    fn lent(&self) -> Result<Vault, JsValue> {
        self.vault.take().ok_or_else(|| thrown(&refused(401, Code::SessionEnded)))
    }

    /// A safe that could not be left is still there, so that leaving it can be tried again.
    fn left(&self, outcome: Result<(), Stayed>) -> Result<(), JsValue> {
        match outcome {
            Ok(()) => {
                self.token.take();
                Ok(())
            }
            Err(stayed) => {
                self.vault.replace(Some(*stayed.vault));
                Err(thrown(&stayed.error))
            }
        }
    }

    fn enter(&self, vault: Vault) -> String {
        let view = view::safe(&vault, &self.world);
        self.token.replace(Some(vault.token().to_owned()));
        self.vault.replace(Some(vault));
        shown(&view)
    }
}

#[wasm_bindgen]
impl Client {
    /// A client without a safe.
    #[wasm_bindgen(constructor)]
    pub fn new(outside: Outside) -> Self {
        Self {
            world: Browser::new(outside),
            drawn: RefCell::default(),
            vault: RefCell::default(),
            linking: RefCell::default(),
            returning: RefCell::default(),
            token: RefCell::default(),
            #[cfg(feature = "structure")]
            desk: RefCell::default(),
            #[cfg(feature = "structure")]
            root: RefCell::default(),
        }
    }

    /// Ends the session; everywhere, those of all devices.
    pub async fn sign_out(&self, everywhere: bool) -> Result<(), JsValue> {
        let vault = self.lent()?;
        self.left(vault.sign_out(&self.world, everywhere).await)
    }

    /// Closes the safe for good.
    pub async fn close_for_good(&self) -> Result<(), JsValue> {
        let vault = self.lent()?;
        self.left(vault.close_for_good(&self.world).await)
    }

    /// The session's token, for the worker's streaming fetch.
    pub fn token(&self) -> Option<String> {
        self.token.borrow().clone()
    }

    /// The safe, with what is new in it.
    pub async fn view(&self) -> Result<String, JsValue> {
        self.with(async |vault, world| {
            vault.look(world).await?;
            Ok(shown(&view::safe(vault, world)))
        })
        .await
    }

    /// The safe's devices.
    pub async fn devices(&self) -> Result<String, JsValue> {
        self.with(async |vault, world| {
            let sessions = vault.sessions(world).await?;
            Ok(shown(&ways::devices(vault, &sessions)))
        })
        .await
    }

    /// Retires one device.
    pub async fn retire_device(&self, device: String) -> Result<(), JsValue> {
        self.with(async |vault, world| vault.retire_device(world, id(&device)?).await).await
    }

    /// A picture without place and device; anything else as it is.
    pub fn without_traces(&self, bytes: Uint8Array) -> Result<Uint8Array, JsValue> {
        match picture::without_traces(&bytes.to_vec()) {
            Ok(clean) => Ok(Uint8Array::from(clean.as_slice())),
            Err(picture::PictureError::OtherFormat) => Ok(bytes),
            Err(picture::PictureError::Broken) => {
                Err(shown(&view::refused("file_unreadable")).into())
            }
        }
    }

    /// Begins a document, or a new version of one.
    pub async fn begin(
        &self,
        document: Option<String>,
        true_bytes: f64,
    ) -> Result<Upload, JsValue> {
        self.begin_upload(|vault, world| {
            let document_id = document.as_deref().map(id).transpose()?;
            vault.begin_content(world, document_id, whole(true_bytes))
        })
        .await
    }

    /// Ships one sealed part. It may be shipped again; a part that arrived is not lost.
    pub async fn put_part(
        &self,
        envelope: String,
        part: u32,
        bytes: Uint8Array,
    ) -> Result<(), JsValue> {
        let token = self.token();
        let envelope_id: EnvelopeId = id(&envelope).map_err(|it| thrown(&it))?;
        let call = upload_part(envelope_id, part, Vec::new());
        let answer = self.world.ship_held(&call, token.as_deref(), bytes.into()).await;
        answer.map(drop).map_err(|it| thrown(&it.into()))
    }

    /// Signs for an upload whose parts have all arrived.
    pub async fn finish(
        &self,
        upload: &Upload,
        document: String,
        thumbnail: Option<Vec<u8>>,
    ) -> Result<String, JsValue> {
        let document: NewDocument =
            serde_json::from_str(&document).map_err(|_| thrown(&Error::BadInput))?;
        let paper = PaperCard {
            title: document.title,
            kind: view::kind_of(&document.kind),
            media_type: document.media_type,
            page_count: document.page_count,
            thumbnail,
        };
        let leaves = upload.leaves.borrow().clone();
        self.with(async |vault, world| {
            vault.finish_content(world, &upload.draft, &leaves, &paper).await?;
            Ok(upload.draft.document_id.to_string())
        })
        .await
    }

    /// Signs for content that was read and sealed again: the document has another key.
    pub async fn finish_key_change(&self, upload: &Upload) -> Result<(), JsValue> {
        let leaves = upload.leaves.borrow().clone();
        self.with(async |vault, world| vault.finish_key_change(world, &upload.draft, &leaves).await)
            .await
    }

    /// Gives a document another title.
    pub async fn rename(&self, document: String, title: String) -> Result<(), JsValue> {
        self.with(async |vault, world| vault.rename(world, id(&document)?, &title).await).await
    }

    /// Removes a document for good.
    pub async fn remove(&self, document: String) -> Result<(), JsValue> {
        self.with(async |vault, world| vault.remove(world, id(&document)?).await).await
    }

    /// Prepares reading a document.
    pub async fn read(&self, document: String) -> Result<Reader, JsValue> {
        self.with(async |vault, _| vault.reading(id(&document)?)).await.map(Reader::new)
    }

    /// A document's picture.
    pub async fn thumbnail(&self, document: String) -> Result<Uint8Array, JsValue> {
        self.with(async |vault, world| {
            let jpeg = vault.thumbnail(world, id(&document)?).await?;
            Ok(Uint8Array::from(jpeg.as_slice()))
        })
        .await
    }

    /// Seals a draft for this device.
    pub async fn seal_draft(&self, plain: Vec<u8>) -> Result<Uint8Array, JsValue> {
        let plain = zeroize::Zeroizing::new(plain);
        self.with(async |vault, world| {
            let sealed = vault.seal_draft(&plain, &mut world.rng())?;
            Ok(Uint8Array::from(sealed.as_slice()))
        })
        .await
    }

    /// Opens a draft of this safe.
    pub async fn open_draft(&self, sealed: Vec<u8>) -> Result<Uint8Array, JsValue> {
        self.with(async |vault, _| {
            let plain = vault.open_draft(&sealed)?;
            Ok(Uint8Array::from(plain.as_slice()))
        })
        .await
    }

    /// Looks for structures.
    pub async fn find_structures(&self, search: String) -> Result<String, JsValue> {
        self.with(async |vault, world| {
            let found: Vec<_> = vault
                .find_structures(world, &search)
                .await?
                .into_iter()
                .map(|entry| view::FoundView {
                    id: entry.structure_id.to_string(),
                    name: entry.name,
                    place: entry.place,
                    compared: vault.manifest().compared(entry.structure_id).is_some(),
                })
                .collect();
            Ok(shown(&found))
        })
        .await
    }

    /// Compares a structure's code with what the desk shows.
    pub async fn compare_structure(
        &self,
        structure: String,
        code: String,
    ) -> Result<String, JsValue> {
        self.with(async |vault, world| {
            let structure_id = id(&structure)?;
            vault.compare_structure(world, structure_id, Comparison::read(&code)).await?;
            let chain = vault.known_structure(structure_id).ok_or(Error::NotFound)?;
            Ok(shown(&view::verified(vault, chain)))
        })
        .await
    }

    /// Structures that were compared and introduce one that was not, and what that one is.
    pub async fn introducers(&self, structure: String) -> Result<String, JsValue> {
        self.with(async |vault, world| {
            let structure_id = id(&structure)?;
            let introducers = vault.introducers(world, structure_id).await?;
            Ok(shown(&view::introducers(vault, structure_id, &introducers)))
        })
        .await
    }

    /// Takes the word of one of them.
    pub async fn admit_structure(
        &self,
        structure: String,
        introducer: String,
    ) -> Result<String, JsValue> {
        self.with(async |vault, world| {
            let structure_id = id(&structure)?;
            vault.admit_structure(world, structure_id, id(&introducer)?).await?;
            let chain = vault.known_structure(structure_id).ok_or(Error::NotFound)?;
            Ok(shown(&view::verified(vault, chain)))
        })
        .await
    }

    /// Structures whose code was compared, and that have not closed: to whom something can be given.
    pub async fn structures(&self) -> Result<String, JsValue> {
        self.with(async |vault, world| {
            vault.learn_structures(world).await?;
            let views: Vec<_> = vault
                .manifest()
                .structures()
                .filter_map(|(structure_id, _)| vault.known_structure(structure_id))
                .filter(|chain| !chain.closed)
                .map(|chain| view::verified(vault, chain))
                .collect();
            Ok(shown(&views))
        })
        .await
    }

    /// Gives documents to a structure until a date.
    pub async fn give(
        &self,
        structure: String,
        documents: Vec<String>,
        ends_at: f64,
        signed_as: String,
        purpose: String,
    ) -> Result<String, JsValue> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds since 1970 are a small positive number"
        )]
        let ends_at = ends_at as u64;
        self.with(async |vault, world| {
            let document_ids = documents.iter().map(|it| id(it)).collect::<Result<_, _>>()?;
            let structure_id = id(&structure)?;
            let gift = Gift { structure_id, document_ids, ends_at, signed_as, purpose };
            vault.give(world, &gift).await.map(|grant_id| grant_id.to_string())
        })
        .await
    }

    /// All grants, with what was opened under them.
    pub async fn grants(&self) -> Result<String, JsValue> {
        self.with(async |vault, world| {
            vault.sync(world).await?;
            vault.learn_structures(world).await?;
            let grants = vault.grants(vault.time(world));
            let views: Vec<_> = grants.iter().map(|grant| view::grant(vault, grant)).collect();
            Ok(shown(&views))
        })
        .await
    }

    /// Takes a grant back. From the answer on, nobody is given anything under it.
    pub async fn take_back(&self, grant: String) -> Result<(), JsValue> {
        self.with(async |vault, world| vault.take_back(world, id(&grant)?).await).await
    }

    /// Everything that happened, newest first.
    pub async fn trace(&self) -> Result<String, JsValue> {
        self.with(async |vault, world| {
            vault.sync(world).await?;
            vault.learn_structures(world).await?;
            let entries = vault.trace();
            let views: Vec<_> = entries.iter().filter_map(|it| view::entry(vault, it)).collect();
            Ok(shown(&views))
        })
        .await
    }
}
