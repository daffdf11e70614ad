//! What people send, changed and signed again by themselves, to the real routes: refused without a trace, or taken
//! and read by the client.

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use reconnect_core::{
    error::Error, held::Pin, vault::Vault, words::PaperSecret, world::World as _,
};
use reconnect_format::{
    Signable, Unverified,
    api::{Call, CallBody},
    decode,
    deposit::Deposit,
    receipt::Receipt,
    statement::{Attested, Signer, Statement},
    structure::{Certificate, Invitation, StructureStatement},
    switch::{Check, without},
};
use reconnect_tests::{
    browser::{Browser, Cut, Exchange},
    dump::Dump,
    layout::change::Change,
    stage::{Person, bytes},
    team::Member,
};
use serde_json::Value;

use crate::{
    cases,
    decoders::{self, Decoder},
    play::Play,
    say, seed,
    seeds::Pool,
};

/// Calls that are sent, when nothing else is said.
const CASES: u32 = 400;
/// Changed calls in the place of one that is on its way.
const PER_CALL: u32 = 12;
/// What a refusal may write, and what lives for minutes.
const COUNTERS: [&str; 3] = ["handle_tries", "unlocking", "link"];

/// I-12, I-20: what is changed is refused without a trace, or taken and read by its owner, and never a fault.
#[tokio::test]
async fn what_is_sent_changed_is_refused_without_a_trace_or_read() -> Result<()> {
    let (seed, cases) = (seed()?, cases(CASES)?);
    say(&format!("RECONNECT_SEED={seed}"));
    let mut play = Box::pin(Play::new()).await?;
    let decoders = decoders::all();
    let pool = Pool::gather(&decoders, &play.server.recording().borrow())?;
    let mut sender = Sender {
        rng: ChaCha8Rng::seed_from_u64(seed),
        decoders,
        pool,
        taken: 0,
        refused: 0,
        signed: 0,
    };
    let heard: Vec<_> = play.server.recording().borrow().iter().filter_map(heard).collect();
    for round in 0..cases.div_ceil(PER_CALL) {
        // Now and then calls that were made before.
        match KINDS.get(usize::try_from(round)? % (KINDS.len() + 2)) {
            Some(next) => Box::pin(sender.in_place_of(&mut play, *next)).await?,
            None => Box::pin(sender.again(&mut play, &heard)).await?,
        }
    }
    Box::pin(are_well(&mut play)).await?;
    let Sender { taken, refused, signed, .. } = sender;
    say(&format!("{taken} taken, {refused} refused, {signed} of them signed again"));
    ensure!(taken > 0 && refused > taken, "it reached nothing");
    Ok(())
}

/// What somebody is about to send.
#[derive(Clone, Copy, Debug)]
enum Next {
    Rename,
    Add,
    Give,
    Lock,
    Receipt,
    Deposit,
    Invite,
}

const KINDS: [Next; 7] =
    [Next::Rename, Next::Add, Next::Give, Next::Lock, Next::Receipt, Next::Deposit, Next::Invite];

impl Next {
    /// Where it goes.
    fn route(self) -> &'static str {
        match self {
            Self::Rename | Self::Add | Self::Give | Self::Lock => "POST /v1/statements",
            Self::Receipt => "/list",
            Self::Deposit => "POST /v1/deposits",
            Self::Invite => "/invitations",
        }
    }

    /// Who sends it.
    fn person(self, play: &Play) -> &Person {
        match self {
            Self::Rename | Self::Add | Self::Give | Self::Lock => &play.owner,
            Self::Receipt | Self::Deposit => &play.team.worker.person,
            Self::Invite => &play.team.manager.person,
        }
    }

    /// The call, which has not arrived. What was on its way before is sent first.
    async fn call(self, play: &mut Play, number: u64) -> Result<Call> {
        let _cheaply = without(&[Check::StretchCost]);
        let mut said = None;
        for tried in 0..3 {
            // Clients try a second time by themselves.
            for _ in 0..2 {
                self.person(play).browser.cut(Cut::OnItsWay, self.route());
            }
            said = self.act(play, number + tried).await?;
            if let (Some(Error::Offline), Some(lost)) = (&said, self.person(play).browser.lose()) {
                return Ok(lost);
            }
        }
        bail!("{self:?} always arrives: {said:?}")
    }

    /// Does it; what stood against it.
    async fn act(self, play: &mut Play, number: u64) -> Result<Option<Error>> {
        let Play { owner, team, .. } = play;
        let title = format!("Papier {number}");
        let document_id = play.documents[usize::try_from(number)? % play.documents.len()];
        let given = match self {
            Self::Rename => owner.vault.rename(&owner.browser, document_id, &title).await.err(),
            Self::Add => owner.add(&title, &bytes(number, 20_000)).await.err(),
            Self::Give => owner.give(team.structure_id, &play.documents).await.err(),
            Self::Lock => {
                let card = PaperSecret::card(&mut owner.browser.rng());
                let pin = Pin::parse("481709")?;
                owner.vault.set_card(&owner.browser, &card, &pin, 0).await.err()
            }
            Self::Receipt => {
                team.worker.come_again().await?;
                team.worker.look().await?;
                team.worker.open(play.grant_id).await.err()
            }
            Self::Deposit => {
                let to = owner.vault.account_id();
                team.worker.deposit(to, title.as_bytes()).await.err().map(|_| Error::Offline)
            }
            Self::Invite => team.manager.invite(&title).await.err(),
        };
        Ok(given)
    }
}

/// A call that was made, and by whom.
struct Heard {
    call: Call,
    token: Option<String>,
}

fn heard(exchange: &Exchange) -> Option<Heard> {
    let mut words = exchange.head.splitn(3, ' ');
    let (method, path, token) = (words.next()?, words.next()?, words.next()?);
    let body = CallBody::Json(String::from_utf8(exchange.sent.clone()).ok()?);
    let token = token.strip_prefix("Some(\"").and_then(|it| it.strip_suffix("\")"));
    // Signing out would end all that comes after.
    (method == "POST" && exchange.answer.status < 300).then(|| Heard {
        call: Call { method: "POST", path: path.to_owned(), authorized: token.is_some(), body },
        token: token.map(str::to_owned),
    })
}

struct Sender {
    rng: ChaCha8Rng,
    decoders: Vec<Decoder>,
    pool: Pool,
    taken: u32,
    refused: u32,
    signed: u32,
}

impl Sender {
    /// Changes of a call that would be the next, before it.
    async fn in_place_of(&mut self, play: &mut Play, next: Next) -> Result<()> {
        let number = self.rng.next_u64() >> 8;
        let call = next.call(play, number).await?;
        let mut before = dump(play).await?;
        for _ in 0..PER_CALL {
            let Some(changed) = self.changed(&call, Some(&next.person(play).vault)) else {
                continue;
            };
            let person = next.person(play);
            let token = Some(person.vault.token().to_owned());
            let is_taken = self.send(play, &changed, token.as_deref(), &mut before).await?;
            if is_taken {
                // What is next is another one now.
                break;
            }
        }
        Ok(())
    }

    /// Changes of calls that were taken before.
    async fn again(&mut self, play: &mut Play, heard: &[Heard]) -> Result<()> {
        let mut before = dump(play).await?;
        for _ in 0..PER_CALL {
            let Heard { call, token } = self.pick(heard).context("nothing was heard")?;
            let Some(changed) = self.changed(call, None) else { continue };
            self.send(play, &changed, token.as_deref(), &mut before).await?;
        }
        Ok(())
    }

    async fn send(
        &mut self,
        play: &mut Play,
        call: &Call,
        token: Option<&str>,
        before: &mut Dump,
    ) -> Result<bool> {
        let answer = play.owner.browser.send(call, token).await?;
        let path = &call.path;
        ensure!(answer.status < 500, "{path}: {} for {:?}", answer.status, call.body);
        let after = dump(play).await?;
        let is_taken = answer.status < 300;
        if is_taken {
            self.taken += 1;
            play.owner.vault.sync(&play.owner.browser).await.with_context(|| {
                format!("{path}: taken, and its owner's client stops: {:?}", call.body)
            })?;
        } else {
            self.refused += 1;
            let changed = before.difference(&after);
            ensure!(
                *before == after,
                "{path}: {} changed {changed}: {:?}",
                answer.status,
                call.body
            );
        }
        *before = after;
        Ok(is_taken)
    }

    /// A call with one thing of its body changed, where something can be.
    fn changed(&mut self, call: &Call, signer: Option<&Vault>) -> Option<Call> {
        let CallBody::Json(text) = &call.body else { return None };
        let mut json: Value = serde_json::from_str(text).ok()?;
        let mut places = Vec::new();
        find(&json, String::new(), &mut places);
        let place = self.pick(&places)?.clone();
        let target = json.pointer_mut(&place)?;
        match target {
            Value::String(text) => {
                let bytes = URL_SAFE_NO_PAD.decode(&*text).ok()?;
                *text = URL_SAFE_NO_PAD.encode(self.change(&bytes, signer)?);
            }
            Value::Array(items) => match self.rng.next_u64() % 4 {
                0 => items.clear(),
                1 => items.truncate(items.len().saturating_sub(1)),
                2 => items.extend(items.first().cloned()),
                _ => items.reverse(),
            },
            Value::Number(_) => *target = [0, 1, u64::MAX].map(Value::from)[self.below(3)].clone(),
            _ => *target = Value::Null,
        }
        // What its owner signs their owner says to the log.
        if let Some(value) = signer.and_then(|it| logged(&json, it)) {
            json["log_value"] = value;
        }
        let changed = json.to_string();
        let body = CallBody::Json(changed);
        // What is the same would be taken as what it is.
        (json != serde_json::from_str::<Value>(text).ok()?).then(|| Call { body, ..call.clone() })
    }

    /// A value of some kind with something changed in its structure, signed again where somebody can; or bytes of
    /// no kind, of which one is.
    fn change(&mut self, bytes: &[u8], signer: Option<&Vault>) -> Option<Vec<u8>> {
        let kind =
            self.decoders.iter().position(|it| it.shape.is_some() && (it.read)(bytes).is_some());
        let Some(kind) = kind else {
            let mut other = bytes.to_vec();
            let at = self.below(other.len().max(1));
            match self.rng.next_u64() % 3 {
                0 => other.truncate(at),
                1 => other.push(0),
                _ => *other.get_mut(at)? ^= 1,
            }
            return Some(other);
        };
        let mut tree = self.decoders[kind].tree(bytes)?;
        let others: Vec<_> = self.pool.of(kind).iter().take(8).map(|it| it.1.clone()).collect();
        for _ in 0..=self.below(2) {
            let what =
                u8::try_from(self.below(usize::from(reconnect_tests::layout::change::KINDS)))
                    .ok()?;
            let place = u32::try_from(self.rng.next_u64() >> 32).ok()?;
            Change { what, place, with: self.rng.next_u64() }.make(&mut tree, &others);
        }
        let changed = tree.write();
        let name = self.decoders[kind].name;
        let again = signer.filter(|_| self.below(4) > 0);
        let again = again.and_then(|vault| signed_again(name, &changed, vault, self.below(2) == 0));
        self.signed += u32::from(again.is_some());
        Some(again.unwrap_or(changed))
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.rng.next_u64() >> 32).unwrap_or_default() % most
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }
}

/// What the log is to say of a statement in this body.
fn logged(json: &Value, vault: &Vault) -> Option<Value> {
    let statement = URL_SAFE_NO_PAD.decode(json.get("statement")?.as_str()?).ok()?;
    serde_json::to_value(vault.log_value_of(&statement)?).ok()
}

/// What the server cannot look into, and hands to the log or keeps as it is: whoever sends something else there harms
/// their own safe, and their other devices say so.
const UNSEEN: [&str; 5] = ["log_value", "mark", "wrap", "owner_wrap", "root_wrap"];

/// Where something can be changed: each thing but what holds others under a name.
fn find(json: &Value, at: String, places: &mut Vec<String>) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !UNSEEN.contains(&name.as_str()))
            {
                find(value, format!("{at}/{name}"), places);
            }
        }
        Value::Array(items) => {
            for (number, value) in items.iter().enumerate() {
                find(value, format!("{at}/{number}"), places);
            }
            places.push(at);
        }
        Value::Null => {}
        _ => {
            // Of hundreds of keys in a list most are passed over, for what says what they are.
            places.extend(std::iter::repeat_n(
                at.clone(),
                if at.matches('/').count() == 1 { 8 } else { 1 },
            ));
        }
    }
}

/// The same as whoever may say it signs it, with everything around it made right again or left.
fn signed_again(name: &str, changed: &[u8], vault: &Vault, right: bool) -> Option<Vec<u8>> {
    match name {
        "statement" => {
            let said = Unverified::<Statement>::decode(changed).ok()?.claim().clone();
            let said = if right {
                vault.manifest().next(said.signer, said.body, said.made_at, said.salt)
            } else {
                said
            };
            match said.signer {
                Signer::Root { .. } => Some(vault.sign_as_root(said)),
                _ => Some(decode::<Attested>(&vault.sign_anything(said).0).ok()?.object),
            }
        }
        "receipt" => attested_again::<Receipt>(changed, vault),
        "deposit" => attested_again::<Deposit>(changed, vault),
        "invitation" => attested_again::<Invitation>(changed, vault),
        "certificate" => attested_again::<Certificate>(changed, vault),
        "structure-statement" => attested_again::<StructureStatement>(changed, vault),
        _ => None,
    }
}

fn attested_again<T: Signable + Clone>(changed: &[u8], vault: &Vault) -> Option<Vec<u8>> {
    let object = decode::<Attested>(changed).ok()?.object;
    Some(vault.sign_anything(Unverified::<T>::decode(&object).ok()?.claim().clone()).0)
}

async fn dump(play: &Play) -> Result<Dump> {
    Ok(play.server.dump().await?.without(&COUNTERS))
}

/// After all that everybody reads what is theirs.
async fn are_well(play: &mut Play) -> Result<()> {
    let (document_id, content) = &play.large;
    ensure!(play.owner.read(*document_id).await? == *content, "a paper is another");
    let elsewhere: Browser = play.server.browser();
    let vault = play.owner.with_sheet(&elsewhere, false).await.context("comes in elsewhere")?;
    let there = play.owner.at(elsewhere, vault);
    ensure!(there.read(*document_id).await? == *content, "a paper is another elsewhere");
    let worker: &mut Member = &mut play.team.worker;
    worker.come_again().await?;
    worker.look().await?;
    let read = worker.open_and_read(play.grant_id, *document_id).await?;
    ensure!(read == *content, "what was given is another");
    Ok(())
}
