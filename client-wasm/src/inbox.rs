//! The inbox's part of the door.

use reconnect_core::vault::{Deposited, Distrust, Vault};
use reconnect_format::id::DepositId;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::{
    Client,
    bulk::{Reader, Upload},
    id,
    view::{kind_text, shown},
    whole,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InboxView<'a> {
    waiting: Vec<DepositView<'a>>,
    quarantined: Vec<QuarantinedView>,
}

/// A paper that somebody sent, with what they say of it and of themselves.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DepositView<'a> {
    id: String,
    says_to_be: &'a str,
    message: &'a str,
    structure_name: String,
    structure_place: String,
    compared: bool,
    worker_number: u32,
    title: &'a str,
    kind: &'static str,
    media_type: &'a str,
    size_bytes: u64,
    made_at: u64,
    ends_at: u64,
}

#[derive(Serialize)]
struct QuarantinedView {
    id: String,
    reason: &'static str,
}

fn deposit<'a>(vault: &Vault, it: &'a Deposited) -> DepositView<'a> {
    let founding = vault.known_structure(it.structure_id).map(|chain| &chain.founding);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    DepositView {
        id: it.deposit_id.to_string(),
        says_to_be: it.says_to_be(),
        message: it.message(),
        structure_name: founding.map(|it| text(&it.name)).unwrap_or_default(),
        structure_place: founding.map(|it| text(&it.place)).unwrap_or_default(),
        compared: vault.manifest().compared(it.structure_id).is_some(),
        worker_number: it.worker_number,
        title: it.card.title(),
        kind: kind_text(it.card.kind()),
        media_type: it.card.media_type(),
        size_bytes: it.card.true_bytes(),
        made_at: it.made_at,
        ends_at: it.ends_at,
    }
}

fn reason((deposit_id, distrust): &(DepositId, Distrust)) -> QuarantinedView {
    let reason = match distrust {
        Distrust::Forged => "forged",
        Distrust::Unproven => "unproven",
        Distrust::Left => "left",
        Distrust::Misdirected => "misdirected",
        Distrust::Replayed => "replayed",
        Distrust::Damaged => "damaged",
    };
    QuarantinedView { id: deposit_id.to_string(), reason }
}

#[wasm_bindgen]
impl Client {
    /// What waits, and what could not be trusted.
    pub async fn inbox(&self) -> Result<String, JsValue> {
        self.with(async |vault, world| {
            let inbox = vault.look_into_inbox(world).await?;
            let waiting = inbox.waiting.iter().filter_map(|it| vault.deposited(*it).ok());
            Ok(shown(&InboxView {
                waiting: waiting.map(|it| deposit(vault, it)).collect(),
                quarantined: inbox.quarantined.iter().map(reason).collect(),
            }))
        })
        .await
    }

    /// Prepares reading what waits.
    pub async fn read_deposit(&self, deposit: String) -> Result<Reader, JsValue> {
        self.with(async |vault, _| vault.deposit_reading(id(&deposit)?)).await.map(Reader::new)
    }

    /// Begins taking what waits, as a document of one's own.
    pub async fn begin_accepting(
        &self,
        deposit: String,
        true_bytes: f64,
    ) -> Result<Upload, JsValue> {
        self.begin_upload(|vault, world| {
            vault.begin_accepting(world, id(&deposit)?, whole(true_bytes))
        })
        .await
    }

    /// Refuses what waits, or puts away what could not be trusted.
    pub async fn refuse_deposit(&self, deposit: String) -> Result<(), JsValue> {
        self.with(async |vault, world| vault.refuse_deposit(world, id(&deposit)?).await).await
    }
}
