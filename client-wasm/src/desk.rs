//! The structure's part of the door: present only in the structures' build.

use js_sys::Uint8Array;
use reconnect_core::{
    error::Error,
    vault::{Desk, Standing, Vault},
};
use reconnect_format::structure::Role;
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

use crate::{Client, bulk::Reader, id, outside::Browser, thrown, view};

fn structure(desk: &Desk, vault: &Vault) -> Value {
    let role = |role| if role == Role::Manager { "manager" } else { "worker" };
    let members: Vec<_> = desk
        .members(vault)
        .into_iter()
        .map(|it| json!({ "number": it.number, "name": it.name, "role": role(it.role), "me": it.me }))
        .collect();
    let invitations: Vec<_> = desk
        .invitations()
        .iter()
        .map(|it| {
            json!({
                "id": it.invitation_id.to_string(),
                "name": it.name,
                "endsAt": it.ends_at,
                "state": if it.answered { "asked" } else { "open" },
            })
        })
        .collect();
    json!({
        "id": desk.structure_id().to_string(),
        "name": desk.name(),
        "place": desk.place(),
        "code": desk.structure_id().code(),
        "qr": desk.structure_id().to_string(),
        "state": match desk.standing() {
            Standing::WaitingForOperator => "waiting_for_operator",
            Standing::WaitingForManager => "waiting_for_manager",
            Standing::Member => "member",
        },
        "role": role(desk.role(vault).unwrap_or(Role::Worker)),
        "recipientEpoch": desk.recipient_epoch(),
        "members": members,
        "invitations": invitations,
    })
}

impl Client {
    /// Lends safe and desk to one journey.
    async fn at_desk<T>(
        &self,
        journey: impl AsyncFnOnce(&mut Desk, &mut Vault, &Browser) -> Result<T, Error>,
    ) -> Result<T, JsValue> {
        let mut desk = self.desk.take().ok_or_else(|| thrown(&Error::NotAMember))?;
        let outcome = self.with(async |vault, world| journey(&mut desk, vault, world).await).await;
        self.desk.replace(Some(desk));
        outcome
    }
}

#[wasm_bindgen]
impl Client {
    /// The structure that this device belongs to or waits for; `null` when there is none.
    pub async fn structure(&self) -> Result<String, JsValue> {
        if self.desk.borrow().is_none() {
            let resumed = self.with(async |vault, world| Desk::resume(vault, world).await).await?;
            self.desk.replace(resumed);
        }
        if self.desk.borrow().is_none() {
            return Ok(Value::Null.to_string());
        }
        self.at_desk(async |desk, vault, _| Ok(structure(desk, vault).to_string())).await
    }

    /// Founds a structure; the letters of its root are shown once.
    pub async fn found(
        &self,
        name: String,
        place: String,
        my_name: String,
    ) -> Result<String, JsValue> {
        let (desk, paper) = self
            .with(async |vault, world| {
                let founded = Desk::found(vault, world, &name, &place, &my_name).await?;
                Ok((founded.desk, founded.root_paper))
            })
            .await?;
        self.desk.replace(Some(desk));
        self.at_desk(async |desk, vault, _| {
            let sheet = json!({ "groups": paper, "qr": paper.concat() });
            Ok(json!({ "structure": structure(desk, vault), "rootSheet": sheet }).to_string())
        })
        .await
    }

    /// Makes an invitation.
    pub async fn invite(&self, name: String) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            let invited = desk.invite(vault, world, &name).await?;
            Ok(json!({ "fragment": invited.fragment, "endsAt": invited.ends_at }).to_string())
        })
        .await
    }

    /// Answers an invitation.
    pub async fn join(&self, fragment: String, my_name: String) -> Result<String, JsValue> {
        let desk = self
            .with(async |vault, world| Desk::join(vault, world, &fragment, &my_name).await)
            .await?;
        self.desk.replace(Some(desk));
        self.at_desk(async |desk, vault, _| Ok(structure(desk, vault).to_string())).await
    }

    /// Does what waits for this page.
    pub async fn settle(&self) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            desk.settle(vault, world).await?;
            Ok(structure(desk, vault).to_string())
        })
        .await
    }

    /// What the structure was given.
    pub async fn received(&self) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            let gifts: Vec<_> = desk
                .received(vault, world)
                .await?
                .into_iter()
                .map(|gift| {
                    let documents: Vec<_> = gift
                        .documents
                        .iter()
                        .map(|paper| {
                            let card = paper.card.as_ref().ok();
                            let pictured = paper.has_thumbnail;
                            view::document(paper.document_id, card, paper.version, pictured)
                        })
                        .collect();
                    json!({
                        "grantId": gift.grant_id.to_string(),
                        "signedAs": gift.signed_as,
                        "purpose": gift.purpose,
                        "givenAt": gift.given_at,
                        "endsAt": gift.ends_at,
                        "state": "readable",
                        "documents": documents,
                    })
                })
                .collect();
            Ok(Value::Array(gifts).to_string())
        })
        .await
    }

    /// Gives a receipt and prepares reading a received document.
    pub async fn read_received(&self, grant: String, document: String) -> Result<Reader, JsValue> {
        self.at_desk(async |desk, vault, world| {
            desk.reading(vault, world, id(&grant)?, id(&document)?).await
        })
        .await
        .map(Reader::new)
    }

    /// A received document's picture.
    pub async fn received_thumbnail(
        &self,
        grant: String,
        document: String,
    ) -> Result<Uint8Array, JsValue> {
        self.at_desk(async |desk, vault, world| {
            let jpeg = desk.thumbnail(vault, world, id(&grant)?, id(&document)?).await?;
            Ok(Uint8Array::from(jpeg.as_slice()))
        })
        .await
    }
}
