//! Giving a paper to an owner: present only in the structures' build.

use reconnect_core::{
    error::Error,
    log::Carried,
    vault::{DepositDraft, DepositWords, upload_begin},
    world::World as _,
};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::{
    Client, NewDocument,
    bulk::Upload,
    thrown,
    view::{kind_of, shown},
    whole,
};

/// A paper that was sent from here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SentView {
    id: String,
    title: String,
    sent_at: u64,
    ends_at: u64,
    accepted: bool,
}

#[wasm_bindgen]
impl Client {
    /// Begins giving a paper to whoever showed this address.
    pub async fn begin_deposit(&self, address: String, true_bytes: f64) -> Result<Upload, JsValue> {
        let DepositDraft { content, to } = self
            .at_desk(async |desk, vault, world| {
                if let (_, Some(carried)) = Carried::split(&address) {
                    vault.heed(world, carried).await?;
                }
                let draft = desk.begin_deposit(vault, world, &address, whole(true_bytes)).await?;
                world.ship(upload_begin(&draft.content), Some(vault.token())).await?;
                Ok(draft)
            })
            .await?;
        let mut upload = Upload::new(content).await?;
        upload.to = Some(to);
        Ok(upload)
    }

    /// Signs for a deposit whose parts have all arrived.
    pub async fn finish_deposit(
        &self,
        upload: &Upload,
        document: String,
        name: String,
        message: String,
    ) -> Result<String, JsValue> {
        let document: NewDocument =
            serde_json::from_str(&document).map_err(|_| thrown(&Error::BadInput))?;
        let words = DepositWords {
            name,
            message,
            title: document.title,
            kind: kind_of(&document.kind),
            media_type: document.media_type,
            page_count: document.page_count,
        };
        let to = upload.to.as_ref().ok_or_else(|| thrown(&Error::BadInput))?;
        let leaves = upload.leaves.borrow().clone();
        self.at_desk(async |desk, vault, world| {
            desk.finish_deposit(vault, world, (to, &upload.draft), &leaves, &words).await?;
            Ok(upload.draft.document_id.to_string())
        })
        .await
    }

    /// What was sent from here.
    pub async fn sent_deposits(&self) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            let sent = desk.sent_deposits(vault, world).await?;
            let views = sent.into_iter().map(|it| SentView {
                id: it.deposit_id.to_string(),
                title: it.title,
                sent_at: it.sent_at,
                ends_at: it.ends_at,
                accepted: it.accepted,
            });
            Ok(shown(&views.collect::<Vec<_>>()))
        })
        .await
    }
}
