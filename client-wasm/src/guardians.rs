//! Guardians: their owner's side, that of whoever is one, at a desk or for themselves, and that of whoever comes
//! back. One call for all of them: each that the page can wait for weighs two kilobytes.

use reconnect_core::{
    error::Error,
    held::Pin,
    link::LinkCode,
    vault::{Guarded, GuardianStanding, Naming, ReturnSeen, ReturnStands, Returning, Vault, Who},
    words::PaperSecret,
};
use reconnect_format::{
    api::ReturnState,
    guardian::{GuardianName, Guardians, Manner},
};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::{Client, id, outside::Browser, shown, thrown, view::structure_name, ways::paper};

/// Seven days, as every safe of this page has it.
const WAIT_SECONDS: u32 = 7 * 24 * 3600;
/// Four, where two structures met the person.
const SHORT_WAIT_SECONDS: u32 = 4 * 24 * 3600;

/// Letters or digits that nobody else may know: wiped when dropped.
#[derive(Default, Deserialize)]
#[serde(from = "String")]
struct Secret(Zeroizing<String>);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// Somebody who is to be a guardian, as the page says it: letters of a paper are secret.
#[derive(Deserialize)]
struct Wished {
    kind: String,
    id: Secret,
    label: String,
}

/// What the page asks: what an act does not need is not there. (An enum of acts would weigh ten kilobytes.)
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Asked {
    act: String,
    who: Vec<Wished>,
    needed: u8,
    signed_as: String,
    known_by: String,
    /// As a structure's guardian, or for oneself.
    desk: bool,
    /// Of a return, or of somebody whose guardian this is.
    id: String,
    /// What the person shows who comes back.
    code: String,
    /// Whether the guardian met them.
    met: bool,
    letters: Secret,
    pin: Secret,
    papers: Vec<Secret>,
    kept: bool,
}

impl Wished {
    fn who(&self) -> Result<Who, Error> {
        match self.kind.as_str() {
            "structure" => Ok(Who::Structure(id(&self.id.0)?)),
            "person" => Who::of_address(&self.id.0),
            _ => Who::of_paper(&PaperSecret::parse(&self.id.0)?),
        }
    }
}

/// Who a guardian is, without a name.
fn kind(name: &GuardianName) -> &'static str {
    match name {
        GuardianName::Structure { .. } => "structure",
        GuardianName::Account { .. } => "person",
        GuardianName::Paper { .. } => "paper",
    }
}

fn state(state: ReturnState) -> &'static str {
    match state {
        ReturnState::Open => "open",
        ReturnState::Stopped => "stopped",
        ReturnState::Over => "over",
        ReturnState::Done => "done",
    }
}

#[derive(Serialize)]
struct GuardianView {
    number: u8,
    kind: &'static str,
    label: String,
    standing: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GuardiansView {
    named_at: u64,
    needed: u8,
    signed_as: String,
    known_by: String,
    guardians: Vec<GuardianView>,
}

/// Somebody who has a safe, as the list of those to be named keeps them.
#[derive(Serialize)]
struct CheckedView {
    id: String,
    own: bool,
}

#[derive(Serialize)]
struct VouchView {
    number: u8,
    kind: &'static str,
    label: String,
    /// Whether they met the person.
    met: bool,
    at: u64,
}

/// A return, by whoever sees it: labels are the owner's, and empty elsewhere.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReturnView {
    id: String,
    /// The same on the guardian's screen and on that of whoever comes back.
    letters: String,
    state: &'static str,
    began_at: u64,
    ended_at: Option<u64>,
    is_strict: bool,
    /// So many have to vouch, and when it could end as far as they have.
    needed: u8,
    ready_at: u64,
    by: Option<VouchView>,
    vouches: Vec<VouchView>,
    /// Vouches that were shown and that no guardian signed.
    unsound: usize,
}

impl ReturnView {
    fn of(seen: &ReturnSeen, guardians: &Guardians, label: &impl Fn(u8) -> String) -> Self {
        let said = |number: u8, met, at| {
            let kind = guardians.get(number).map_or("person", |it| kind(&it.name));
            VouchView { number, kind, label: label(number), met, at }
        };
        let met = |manner| manner == Manner::FaceToFace;
        let vouches = seen.vouches.iter().map(|(number, how, at)| said(*number, met(*how), *at));
        Self {
            id: seen.return_id.to_string(),
            letters: seen.letters().join(" "),
            state: state(seen.state),
            began_at: seen.began_at,
            ended_at: seen.ended_at,
            is_strict: seen.is_strict,
            needed: guardians.asks(seen.is_strict, seen.structures_met(guardians)).guardians,
            ready_at: seen.ready_at(guardians),
            by: Some(said(seen.guardian, false, seen.began_at)),
            vouches: vouches.collect(),
            unsound: seen.unsound.len(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReturnsView {
    returns: Vec<ReturnView>,
    unsound: usize,
    /// The log has one that this safe was not told of.
    is_hidden: bool,
    /// Whether anybody was ever named.
    named: bool,
}

/// Somebody whose guardian this is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GuardedView {
    id: String,
    number: u8,
    signed_as: String,
    known_by: String,
    named_at: u64,
    /// When others were named in their place, or the safe got other keys: for a while they may bring back whoever it
    /// was taken from.
    ended_at: Option<u64>,
    needed: u8,
    count: usize,
    returns: Vec<ReturnView>,
}

/// How a return stands, as whoever comes back sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StandsView {
    shown: ReturnView,
    /// Guardians' papers that there are.
    papers: usize,
    /// By the server's clock.
    now: u64,
    is_ready: bool,
    /// When the safe got other keys since.
    over_at: Option<u64>,
}

fn id_of(guarded: &Guarded) -> String {
    format!("{}.{}.{}", guarded.account_id, guarded.lock_id, guarded.number)
}

fn guarded(one: &Guarded) -> GuardedView {
    let no_label = |_| String::new();
    let returns = one.returns.iter().map(|it| ReturnView::of(it, &one.guardians, &no_label));
    GuardedView {
        id: id_of(one),
        number: one.number,
        signed_as: one.signed_as().to_owned(),
        known_by: one.known_by().to_owned(),
        named_at: one.named_at,
        ended_at: one.ended_at,
        needed: one.guardians.needed,
        count: one.guardians.guardians.len(),
        returns: returns.collect(),
    }
}

fn wanted(all: Vec<Guarded>, id: &str) -> Result<Guarded, Error> {
    all.into_iter().find(|it| id_of(it) == id).ok_or(Error::NotFound)
}

/// Whose screen it is: another's is no return of this person's.
fn open_one<'a>(guarded: &'a Guarded, code: &LinkCode) -> Result<&'a ReturnSeen, Error> {
    guarded.open_return(code).ok_or(Error::LinkMisread)
}

async fn list(vault: &mut Vault, world: &Browser) -> Result<String, Error> {
    let Some(view) = vault.guardians(world).await? else { return Ok(shown(&())) };
    let guardians = view.guardians.iter().map(|it| GuardianView {
        number: it.number,
        kind: kind(&it.name),
        label: it.label.clone(),
        standing: match it.standing {
            GuardianStanding::There => "there",
            GuardianStanding::Resigned => "resigned",
            GuardianStanding::Closed => "closed",
        },
    });
    let guardians = guardians.collect();
    Ok(shown(&GuardiansView {
        named_at: view.named_at,
        needed: view.terms.needed,
        signed_as: view.signed_as,
        known_by: view.known_by,
        guardians,
    }))
}

async fn check(vault: &mut Vault, world: &Browser, wished: &Wished) -> Result<String, Error> {
    let who = wished.who()?;
    let Who::Account(account_id) = &who else { return Ok(shown(&())) };
    let own = *account_id == vault.account_id();
    let id = account_id.deposit_address();
    if !own {
        vault.can_be_guardian(world, &who).await?;
    }
    Ok(shown(&CheckedView { id, own }))
}

async fn returns(vault: &mut Vault, world: &Browser) -> Result<String, Error> {
    let told = vault.returns(world).await?;
    let is_open = told.seen.iter().any(|it| it.state == ReturnState::Open);
    // What the owner calls them; whoever cannot be told that now still sees that somebody comes back.
    let named = if is_open { vault.guardians(world).await.ok().flatten() } else { None };
    let returns = told.seen.iter().filter_map(|seen| {
        let guardians = vault.guardians_of(seen.lock_id)?;
        let label = |number: u8| {
            let view = named.as_ref().filter(|it| it.lock_id == seen.lock_id);
            let label = view.and_then(|it| it.guardians.iter().find(|it| it.number == number));
            match guardians.get(number).map(|it| &it.name) {
                Some(GuardianName::Structure { structure_id, .. }) if label.is_none() => {
                    structure_name(vault, *structure_id)
                }
                _ => label.map(|it| it.label.clone()).unwrap_or_default(),
            }
        };
        Some(ReturnView::of(seen, guardians, &label))
    });
    let returns = returns.collect();
    let is_hidden = told.is_hidden == Some(true);
    let named = vault.ever_named_guardians();
    Ok(shown(&ReturnsView { returns, unsound: told.unsound, is_hidden, named }))
}

/// A guardian's own safe.
async fn as_friend(vault: &mut Vault, world: &Browser, asked: &Asked) -> Result<String, Error> {
    let all = vault.guarding(world).await?;
    match asked.act.as_str() {
        "begin" => {
            let code = LinkCode::parse(&asked.code)?;
            vault.begin_return(world, &wanted(all, &asked.id)?, &code).await?;
        }
        "vouch" => {
            let (code, one) = (LinkCode::parse(&asked.code)?, wanted(all, &asked.id)?);
            vault.vouch(world, (&one, open_one(&one, &code)?), &code, manner(asked.met)).await?;
        }
        "cancel" => vault.cancel_return(world, id(&asked.id)?).await?,
        "resign" => vault.resign(world, &wanted(all, &asked.id)?).await?,
        _ => return Ok(guarded_by(&all)),
    }
    Ok(guarded_by(&vault.guarding(world).await?))
}

/// Of those who were ended, the first of each generation of a safe that named the same: it overrules the others, and
/// all of them hold the same.
fn guarded_by(all: &[Guarded]) -> String {
    let mut before = std::collections::BTreeSet::new();
    let mut is_shown = |it: &&Guarded| {
        let open = it.returns.iter().any(|it| it.state == ReturnState::Open);
        let named =
            it.guardians.guardians.iter().map(|it| it.name.guardian_id()).collect::<Vec<_>>();
        it.ended_at.is_none() || before.insert((it.account_id, it.generation, named)) || open
    };
    shown(&all.iter().filter(&mut is_shown).map(guarded).collect::<Vec<_>>())
}

fn manner(met: bool) -> Manner {
    if met { Manner::FaceToFace } else { Manner::FromAfar }
}

/// At a structure's desk.
#[cfg(feature = "structure")]
async fn as_member(
    (desk, vault): (&mut reconnect_core::vault::Desk, &mut Vault),
    world: &Browser,
    asked: &Asked,
) -> Result<String, Error> {
    let all = desk.guarding(vault, world).await?;
    match asked.act.as_str() {
        "begin" => {
            let code = LinkCode::parse(&asked.code)?;
            desk.begin_return(vault, world, &wanted(all, &asked.id)?, &code).await?;
        }
        "vouch" => {
            let (code, one) = (LinkCode::parse(&asked.code)?, wanted(all, &asked.id)?);
            let how = (&code, manner(asked.met));
            desk.vouch(vault, world, (&one, open_one(&one, &code)?), how).await?;
        }
        "cancel" => vault.cancel_return(world, id(&asked.id)?).await?,
        _ => return Ok(guarded_by(&all)),
    }
    Ok(guarded_by(&desk.guarding(vault, world).await?))
}

#[wasm_bindgen]
impl Client {
    /// What an owner does, a guardian, or somebody who comes back.
    pub async fn guardians(&self, said: String) -> Result<String, JsValue> {
        let said = Zeroizing::new(said);
        let asked: Asked = serde_json::from_str(&said).map_err(|_| thrown(&Error::BadInput))?;
        if matches!(asked.act.as_str(), "come" | "look" | "enter" | "leave") {
            return Box::pin(self.come(&asked)).await.map_err(|error| thrown(&error));
        }
        #[cfg(feature = "structure")]
        if asked.desk {
            return self
                .at_desk(async |desk, vault, world| {
                    Box::pin(as_member((desk, vault), world, &asked)).await
                })
                .await;
        }
        self.with(async |vault, world| Box::pin(obey(vault, world, &asked)).await).await
    }
}

async fn obey(vault: &mut Vault, world: &Browser, asked: &Asked) -> Result<String, Error> {
    match asked.act.as_str() {
        "list" | "split" if !vault.ever_named_guardians() => Ok(shown(&())),
        "name" => {
            let each = asked.who.iter().map(|it| Ok((it.who()?, it.label.clone())));
            let naming = Naming {
                who: each.collect::<Result<_, Error>>()?,
                needed: asked.needed,
                wait_seconds: WAIT_SECONDS,
                short_wait_seconds: SHORT_WAIT_SECONDS,
                signed_as: asked.signed_as.clone(),
                known_by: asked.known_by.clone(),
            };
            vault.name_guardians(world, &naming).await?;
            Ok(String::new())
        }
        "list" => list(vault, world).await,
        "check" => check(vault, world, asked.who.first().ok_or(Error::BadInput)?).await,
        "end" => vault.dismiss_guardians(world).await.map(|()| String::new()),
        "split" => vault.split_again(world).await.map(|done| shown(&done)),
        "returns" => returns(vault, world).await,
        "stop" => {
            vault.stop_return(world, id(&asked.id)?).await?;
            returns(vault, world).await
        }
        _ => as_friend(vault, world, asked).await,
    }
}

fn papers_of(letters: &[Secret]) -> Result<Vec<PaperSecret>, Error> {
    letters.iter().map(|it| PaperSecret::parse(&it.0)).collect()
}

fn stands(stands: &ReturnStands) -> StandsView {
    let named = stands.guardians.guardians.iter();
    let papers = named.filter(|it| matches!(it.name, GuardianName::Paper { .. })).count();
    let no_label = |_| String::new();
    StandsView {
        shown: ReturnView::of(&stands.seen, &stands.guardians, &no_label),
        papers,
        now: stands.now,
        is_ready: stands.is_ready,
        over_at: stands.over_at,
    }
}

impl Client {
    /// Somebody who comes back. One that was put away while this waited stays away.
    async fn come(&self, asked: &Asked) -> Result<String, Error> {
        let act = asked.act.as_str();
        if act == "come" {
            let card = PaperSecret::parse(&asked.letters.0)?;
            let pin = Pin::parse(&asked.pin.0)?;
            let returning = Returning::begin(&self.world, &card, &pin).await?;
            let view = shown(&paper(returning.groups(), returning.square()));
            self.returning.replace(Some(returning));
            return Ok(view);
        }
        let returning = self.returning.take().ok_or(Error::NotFound)?;
        let outcome = match act {
            "look" => self.look_back(&returning, &asked.papers).await,
            "enter" => match Box::pin(self.enter_back(&returning, &asked.papers, asked.kept)).await
            {
                Ok(vault) => return Ok(self.enter(vault)),
                Err(error) => Err(error),
            },
            _ => return Ok(String::new()),
        };
        self.returning.replace(Some(returning));
        outcome
    }

    async fn look_back(&self, returning: &Returning, papers: &[Secret]) -> Result<String, Error> {
        let papers = papers_of(papers)?;
        let papers: Vec<_> = papers.iter().collect();
        let looked = returning.look(&self.world, &papers).await?;
        Ok(shown(&looked.as_ref().map(stands)))
    }

    async fn enter_back(
        &self,
        returning: &Returning,
        papers: &[Secret],
        kept: bool,
    ) -> Result<Vault, Error> {
        let papers = papers_of(papers)?;
        let papers: Vec<_> = papers.iter().collect();
        let stands = returning.look(&self.world, &papers).await?.ok_or(Error::NotFound)?;
        Box::pin(returning.enter(&self.world, &stands, &papers, kept)).await
    }
}
