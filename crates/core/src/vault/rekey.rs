//! Changing the key of a document: the same content as its next version, everything under fresh keys.

use reconnect_format::id::DocumentId;

use super::{ContentDraft, Vault, papers::Sealed};
use crate::{error::Error, world::World};

impl Vault {
    /// Signs for content that was read and sealed again, with its card and its picture under fresh
    /// keys too. Who may still read it does so without noticing; what was there before is removed
    /// with the statement. ENV-14.
    pub async fn finish_key_change(
        &mut self,
        world: &impl World,
        draft: &ContentDraft,
        chunk_leaves: &[[u8; 32]],
    ) -> Result<(), Error> {
        let sealed = Sealed { draft, chunk_leaves };
        self.sync(world).await?;
        if self.has_put(&sealed.named(), draft.document_id) {
            return Ok(());
        }
        let thumbnail = match self.thumbnail(world, draft.document_id).await {
            Ok(jpeg) => Some(jpeg),
            // A paper without a picture, or with one that opens no more, is a paper all the same.
            Err(Error::NotFound | Error::Damaged(_)) => None,
            Err(error) => return Err(error),
        };
        let thumbnail = thumbnail.as_ref().map(|jpeg| jpeg.as_slice());
        self.put_version(world, sealed, None, thumbnail).await
    }

    /// Changes the key of a document that fits into memory. The page streams instead.
    pub async fn change_key(
        &mut self,
        world: &impl World,
        document_id: DocumentId,
    ) -> Result<(), Error> {
        let reading = self.reading(document_id)?;
        let draft = self.begin_content(world, Some(document_id), reading.true_bytes)?;
        let bytes = world.ship(reading.call.clone(), Some(&self.token)).await?;
        let plain = reading.open(&bytes)?;
        let leaves = self.upload_whole(world, &draft, &plain).await?;
        self.finish_key_change(world, &draft, &leaves).await
    }
}
