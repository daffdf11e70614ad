//! The structure's part of the door: present only in the structures' build.

use js_sys::Uint8Array;
use reconnect_core::{
    error::{Error, Unchecked},
    vault::{Asked, Desk, FoundingNames, ReceivedGift, ReceivedPaper, Renewal, Standing, Vault},
    words::PaperSecret,
    world::World,
};
use reconnect_format::{api::Code, structure::Role};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::{
    Client,
    bulk::Reader,
    id,
    outside::Browser,
    refused, thrown,
    view::{self, DocumentView, shown},
    ways,
};

/// The structure as its people see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StructureView {
    id: String,
    name: String,
    place: String,
    code: String,
    /// What the desk's QR holds.
    qr: String,
    state: &'static str,
    role: &'static str,
    recipient_epoch: u64,
    members: Vec<MemberView>,
    invitations: Vec<InvitationView>,
    /// A manager asks that it close.
    closing: Option<AskedView>,
    /// Whether what was given shows: for members, and for whoever waits to be one again.
    reads: bool,
    /// Who signed for what this device could not take in.
    spoiled_by: Option<SignerView>,
    copied: bool,
}

#[derive(Serialize)]
struct SignerView {
    number: u32,
    /// Empty when it is not known.
    name: String,
    me: bool,
}

#[derive(Serialize)]
struct MemberView {
    number: u32,
    name: String,
    role: &'static str,
    me: bool,
    asked: Option<AskedView>,
}

/// What a manager asks the others to say with them.
#[derive(Serialize)]
struct AskedView {
    by: String,
    mine: bool,
    until: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InvitationView {
    id: String,
    name: String,
    ends_at: u64,
    state: &'static str,
}

/// An invitation that was just made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InvitedView {
    fragment: String,
    ends_at: u64,
}

/// A grant as the structure sees it before opening it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReceivedView {
    grant_id: String,
    earlier: Vec<String>,
    signed_as: String,
    purpose: String,
    given_at: u64,
    ends_at: u64,
    document_count: usize,
}

/// How far what was given is under the newest key.
#[derive(Serialize)]
struct RenewalView {
    all: usize,
    renewed: usize,
    waiting: usize,
    left: usize,
    more: bool,
    alone: bool,
    blamed: Vec<BlameView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlameView {
    number: u32,
    name: String,
    said_falsely: bool,
}

fn role_text(role: Role) -> &'static str {
    if role == Role::Manager { "manager" } else { "worker" }
}

fn asked(asked: Asked) -> AskedView {
    AskedView { by: asked.by, mine: asked.mine, until: asked.until }
}

fn structure(desk: &Desk, vault: &Vault) -> StructureView {
    let known = desk.members(vault);
    let spoiled_by = desk.spoiled_by().map(|number| {
        let signer = known.iter().find(|it| it.number == number);
        SignerView {
            number,
            name: signer.map(|it| it.name.clone()).unwrap_or_default(),
            me: signer.is_some_and(|it| it.me),
        }
    });
    let members = known.into_iter().map(|it| MemberView {
        number: it.number,
        name: it.name,
        role: role_text(it.role),
        me: it.me,
        asked: it.asked.map(asked),
    });
    let invitations = desk.invitations().iter().map(|it| InvitationView {
        id: it.invitation_id.to_string(),
        name: it.name.clone(),
        ends_at: it.ends_at,
        state: if it.answered { "asked" } else { "open" },
    });
    StructureView {
        id: desk.structure_id().to_string(),
        name: desk.name().clone(),
        place: desk.place().clone(),
        code: desk.structure_id().code(),
        qr: vault.square(&desk.structure_id().to_string()),
        state: match desk.standing() {
            Standing::WaitingForOperator => "waiting_for_operator",
            Standing::WaitingForManager => "waiting_for_manager",
            Standing::WaitingForColleague => "waiting_for_colleague",
            Standing::Member => "member",
            Standing::Left => "left",
            Standing::Closed => "closed",
        },
        role: role_text(desk.role(vault).unwrap_or(Role::Worker)),
        recipient_epoch: desk.recipient_epoch(),
        members: members.collect(),
        invitations: invitations.collect(),
        closing: desk.asked_to_close(vault).map(asked),
        reads: match desk.standing() {
            Standing::Member => true,
            standing => standing == Standing::WaitingForColleague && desk.holds_keys(),
        },
        spoiled_by,
        copied: vault.is_copied(),
    }
}

fn received(gift: ReceivedGift) -> ReceivedView {
    ReceivedView {
        grant_id: gift.grant_id.to_string(),
        earlier: gift.earlier.iter().map(ToString::to_string).collect(),
        signed_as: gift.signed_as,
        purpose: gift.purpose,
        given_at: gift.given_at,
        ends_at: gift.ends_at,
        document_count: gift.document_count,
    }
}

fn renewal(desk: &Desk, vault: &Vault) -> RenewalView {
    let Renewal { all, renewed, waiting, left } = desk.renewal(vault);
    let members = desk.members(vault);
    let name = |number| {
        let member = members.iter().find(|it| it.number == number);
        member.map(|it| it.name.clone()).unwrap_or_default()
    };
    let blamed = desk.blamed().into_iter().map(|it| BlameView {
        number: it.number,
        name: name(it.number),
        said_falsely: it.said_falsely,
    });
    let blamed = blamed.collect();
    RenewalView { all, renewed, waiting, left, more: false, alone: members.len() == 1, blamed }
}

fn paper(paper: &ReceivedPaper) -> DocumentView {
    let card = paper.card.as_ref().ok();
    let mut view = view::document(paper.document_id, card, paper.version, paper.has_thumbnail);
    view.unchecked = paper.unchecked.map(Unchecked::code);
    view
}

impl Client {
    /// Never over a structure that is there: another page may have been first.
    async fn found_with(&self, paper: &PaperSecret, names: FoundingNames) -> Result<(), JsValue> {
        if let Some(desk) = &*self.desk.borrow()
            && !matches!(desk.standing(), Standing::Left | Standing::Closed)
        {
            let same = desk.is_rooted_in(paper);
            return if same { Ok(()) } else { Err(thrown(&refused(409, Code::Conflict))) };
        }
        let founding =
            self.with(async |vault, world| Desk::found(vault, world, paper, &names).await);
        let desk = founding.await?;
        self.desk.replace(Some(desk));
        Ok(())
    }

    /// Lends safe and desk to one journey.
    pub(crate) async fn at_desk<T>(
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
            return Ok("null".to_owned());
        }
        self.at_desk(async |desk, vault, _| Ok(shown(&structure(desk, vault)))).await
    }

    /// Draws the root of a structure that does not exist yet: its letters, to be put on paper first.
    pub fn draw_root(&self) -> String {
        let paper = PaperSecret::generate(&mut self.world.rng());
        let groups = paper.groups();
        let square = self.vault.borrow().as_ref().map(|vault| vault.square(&groups.concat()));
        let sheet = shown(&ways::paper(groups, square.unwrap_or_default()));
        self.root.replace(Some(paper));
        sheet
    }

    /// Founds a structure with the root that was drawn. It can be tried again: when an answer was
    /// lost, the structure that is there by then is the one.
    pub async fn found(
        &self,
        name: String,
        place: String,
        my_name: String,
    ) -> Result<String, JsValue> {
        let paper = self.root.take().ok_or_else(|| thrown(&Error::BadInput))?;
        let founded = self.found_with(&paper, FoundingNames { name, place, my_name }).await;
        if founded.is_err() {
            self.root.replace(Some(paper));
        }
        founded?;
        self.at_desk(async |desk, vault, _| Ok(shown(&structure(desk, vault)))).await
    }

    /// Makes an invitation.
    pub async fn invite(&self, name: String) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            let invited = desk.invite(vault, world, &name).await?;
            Ok(shown(&InvitedView { fragment: invited.fragment, ends_at: invited.ends_at }))
        })
        .await
    }

    /// Answers an invitation.
    pub async fn join(&self, fragment: String, my_name: String) -> Result<String, JsValue> {
        let desk = self
            .with(async |vault, world| Desk::join(vault, world, &fragment, &my_name).await)
            .await?;
        self.desk.replace(Some(desk));
        self.at_desk(async |desk, vault, _| Ok(shown(&structure(desk, vault)))).await
    }

    /// Does what waits for this page.
    pub async fn settle(&self) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            desk.settle(vault, world).await?;
            Ok(shown(&structure(desk, vault)))
        })
        .await
    }

    /// Takes a member's place away.
    pub async fn put_out(&self, number: u32) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            desk.put_out(vault, world, number).await?;
            Ok(shown(&structure(desk, vault)))
        })
        .await
    }

    /// A member becomes a manager.
    pub async fn make_manager(&self, number: u32) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            desk.make_manager(vault, world, number).await?;
            Ok(shown(&structure(desk, vault)))
        })
        .await
    }

    /// The person at this page is a manager no more.
    pub async fn step_down(&self) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            desk.step_down(vault, world).await?;
            Ok(shown(&structure(desk, vault)))
        })
        .await
    }

    /// Asks that somebody be a manager no more, or agrees with who has asked for it.
    pub async fn remove_manager(&self, number: u32) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            desk.remove_manager(vault, world, number).await?;
            Ok(shown(&structure(desk, vault)))
        })
        .await
    }

    /// Asks that the structure close, or closes it when another manager has asked for that; with the
    /// letters of its paper, at once.
    pub async fn close_structure(&self, letters: Option<String>) -> Result<String, JsValue> {
        let paper = letters.map(|it| PaperSecret::parse(&zeroize::Zeroizing::new(it))).transpose();
        let paper = paper.map_err(|error| thrown(&error))?;
        self.at_desk(async |desk, vault, world| {
            match &paper {
                Some(paper) => desk.close_with(vault, world, paper).await?,
                None => drop(desk.close(vault, world).await?),
            }
            Ok(shown(&structure(desk, vault)))
        })
        .await
    }

    /// Takes a manager's role with the letters of the structure's paper.
    pub async fn replace_manager(&self, letters: String, number: u32) -> Result<String, JsValue> {
        let letters = zeroize::Zeroizing::new(letters);
        let paper = PaperSecret::parse(&letters).map_err(|error| thrown(&error))?;
        self.at_desk(async |desk, vault, world| {
            desk.replace_manager(vault, world, &paper, number).await?;
            Ok(shown(&structure(desk, vault)))
        })
        .await
    }

    /// Begins the structure's next group with the letters of its paper.
    pub async fn begin_again(&self, letters: String) -> Result<String, JsValue> {
        let letters = zeroize::Zeroizing::new(letters);
        let paper = PaperSecret::parse(&letters).map_err(|error| thrown(&error))?;
        self.at_desk(async |desk, vault, world| {
            if let Some(carried) = paper.carried() {
                vault.heed(world, carried).await?;
            }
            desk.begin_again(vault, world, &paper).await?;
            Ok(shown(&structure(desk, vault)))
        })
        .await
    }

    /// What the structure says of others, by name.
    pub async fn introductions(&self) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            for said in desk.introductions() {
                match vault.structure(world, said.structure_id).await {
                    Ok(_) | Err(Error::Refused(_) | Error::Misbehaved(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            let said = desk.introductions().iter().map(|it| view::introduction(vault, it));
            Ok(shown(&said.collect::<Vec<_>>()))
        })
        .await
    }

    /// Introduces a structure whose code the person at this page compared.
    pub async fn introduce(&self, structure: String) -> Result<(), JsValue> {
        self.at_desk(async |desk, vault, world| desk.introduce(vault, world, id(&structure)?).await)
            .await
    }

    /// Introduces it no more.
    pub async fn withdraw_introduction(&self, structure: String) -> Result<(), JsValue> {
        self.at_desk(async |desk, vault, world| {
            desk.withdraw_introduction(vault, world, id(&structure)?).await
        })
        .await
    }

    /// Looks at what the structure was given, and learns who gave the newest of it; `learn` learns
    /// some more. Whether there is more to learn.
    pub async fn look(&self) -> Result<bool, JsValue> {
        self.at_desk(async |desk, vault, world| desk.look(vault, world).await).await
    }

    /// Learns who gave some more of what the last look saw. Whether there is still more.
    pub async fn learn(&self) -> Result<bool, JsValue> {
        self.at_desk(async |desk, vault, world| desk.learn_more(vault, world).await).await
    }

    /// What the structure was given, as far as it was learned.
    pub async fn received(&self) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            let gifts = desk.received(vault.time(world));
            Ok(shown(&gifts.into_iter().map(received).collect::<Vec<_>>()))
        })
        .await
    }

    /// How far what was given is under the newest key, as far as the last look has shown.
    pub async fn renewal(&self) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, _| Ok(shown(&renewal(desk, vault)))).await
    }

    /// Carries some of what was given over to the newest key, and looks at what colleagues carried over;
    /// when that is done, at what somebody said does not open.
    pub async fn renew(&self) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            let more = desk.renew_some(vault, world).await?;
            if !more {
                desk.judge_refused(vault, world).await?;
            }
            Ok(shown(&RenewalView { more, ..renewal(desk, vault) }))
        })
        .await
    }

    /// Gives a receipt and opens a grant: what it covers.
    pub async fn open_received(&self, grant: String) -> Result<String, JsValue> {
        self.at_desk(async |desk, vault, world| {
            let papers = desk.open(vault, world, id(&grant)?).await?;
            Ok(shown(&papers.iter().map(paper).collect::<Vec<_>>()))
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
