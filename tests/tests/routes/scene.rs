//! Everybody and everything that the table speaks of, made by real journeys.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    held::Pin,
    link::LinkCode,
    vault::{
        Agreed, Comparison, Desk, Gift, Naming, Returning, Vault, Who, upload_begin, upload_part,
    },
    words::PaperSecret,
    world::World as _,
};
use reconnect_format::{
    api::{Call, PutLink, Service},
    encode,
    guardian::{Manner, WAIT_MIN_SECONDS},
    id::{Base64, DocumentId, EnvelopeId, GrantId, LinkId},
};
use reconnect_tests::{
    browser::{Browser, Exchange},
    dump::{self, Dump},
    stage::{DAY, Database, Person, Server, bytes, parts},
    team::{Member, called},
    wire::Answer,
};

use super::{cast::Cast, table::Row, words::offer};

/// With a live session, in the order of the table's columns.
pub(crate) const LIVE: &[&str] =
    &["owner", "other", "worker", "manager", "invited", "stranger", "former"];
/// Without one. The last two are what an operator has: the key of the service, and what it stores.
pub(crate) const DEAD: &[&str] = &[
    "nobody",
    "malformed",
    "unknown",
    "expired",
    "logged-out",
    "closed",
    "retired",
    "of-before",
    "operator",
    "stored",
];

/// Those of them who never had a session.
const NEVER_LIVED: [&str; 5] = ["nobody", "malformed", "unknown", "operator", "stored"];

/// What paths name.
const NAMES: [&str; 10] = [
    "envelope_id",
    "document_id",
    "grant_id",
    "structure_id",
    "invitation_id",
    "account_id",
    "deposit_id",
    "link_id",
    "lock_id",
    "return_id",
];

pub(crate) struct Scene {
    pub(super) server: Server,
    pub(super) browser: Browser,
    pub(super) tokens: BTreeMap<&'static str, String>,
    /// A second session of each, which the table ends.
    pub(super) spare: BTreeMap<&'static str, String>,
    /// What names in paths stand for, by object.
    pub(super) objects: BTreeMap<(&'static str, &'static str), String>,
    /// Prefixes of uploads that each would make.
    pub(super) prefixes: BTreeMap<&'static str, Vec<u8>>,
    pub(super) part: Vec<u8>,
    /// JSON that was sent once, by whom and where to.
    pub(super) sent: BTreeMap<String, String>,
    /// The log's newest checkpoint.
    pub(super) checkpoint: String,
}

impl Scene {
    pub(crate) async fn set(database: Database) -> Result<Self> {
        let server = Server::on(database).await?;
        let mut cast = Box::pin(Cast::of(&server)).await?;
        let expired = cast.owner.vault.token().to_owned();
        let mut scene = Self {
            browser: server.browser(),
            tokens: BTreeMap::from([
                ("malformed", "not a token".to_owned()),
                ("expired", expired),
                ("unknown", Base64(vec![9; 32]).into()),
            ]),
            spare: BTreeMap::new(),
            objects: BTreeMap::new(),
            prefixes: BTreeMap::new(),
            part: Vec::new(),
            sent: BTreeMap::new(),
            checkpoint: String::new(),
            server,
        };
        let used = invitation(&scene.server, "of whoever was admitted last")?;
        scene.objects.insert(("invitation_id", "used"), used);
        scene.objects.insert(("structure_id", "closed"), cast.closed.to_string());
        let put = PutLink { offer: Base64(encode(&offer(8))) };
        let over = scene.send(&Call::send("/v1/links", &put).open(), "nobody").await?;
        ensure!(over.status == 200, "no link waits: {}", over.status);
        Box::pin(scene.invitations_and_grants_that_end(&mut cast)).await?;
        scene.server.clock().advance(DAY + 3600);
        cast.come_in_again().await?;
        Box::pin(scene.structures(&mut cast)).await?;
        scene.papers(&mut cast).await?;
        Box::pin(scene.grants(&mut cast)).await?;
        Box::pin(somebody_leaves(&mut cast)).await?;
        Box::pin(scene.guardians(&mut cast)).await?;
        Box::pin(scene.deposits(&mut cast)).await?;
        Box::pin(scene.cards(&mut cast)).await?;
        Box::pin(scene.those_without_a_session(&cast)).await?;
        scene.sessions(&cast).await?;
        scene.learn_what_was_sent(&cast)?;
        scene.server.app().publish().await?;
        let checkpoint = scene.send(&Call::read("/v1/log/checkpoint"), "nobody").await?;
        scene.checkpoint = String::from_utf8(checkpoint.body)?;
        Box::pin(scene.what_an_operator_has()).await?;
        let [open, over] = [5, 8].map(|seed| offer(seed).link_id().to_string());
        scene.objects.insert(("link_id", "open"), open);
        scene.objects.insert(("link_id", "over"), over);
        for name in NAMES {
            let never = match name {
                "structure_id" | "account_id" | "return_id" => Base64(vec![3; 32]).into(),
                "link_id" => LinkId([3; 15]).to_string(),
                _ => DocumentId([3; 16]).to_string(),
            };
            scene.objects.insert((name, "never"), never);
            scene.objects.insert((name, "malformed"), "not-an-id".to_owned());
        }
        for (object, grant, document) in [
            ("no-paper", "live", "never"),
            ("bad-paper", "live", "malformed"),
            ("bad-grant", "malformed", "live"),
        ] {
            for (name, as_for) in [("grant_id", grant), ("document_id", document)] {
                let id = scene.object(name, as_for, "owner")?;
                scene.objects.insert((name, object), id);
            }
        }
        Ok(scene)
    }

    pub(crate) async fn dump(&self) -> Result<Dump> {
        Ok(self.server.dump().await?.without(&super::COUNTERS))
    }

    pub(crate) async fn send(&self, call: &Call, principal: &str) -> Result<Answer> {
        Ok(self.browser.send(call, self.tokens.get(principal).map(String::as_str)).await?)
    }

    /// Whoever has no session has what was one, but for those who never had any; no two are the same.
    pub(crate) fn check_principals(&self) -> Result<()> {
        let recording = self.server.recording().borrow();
        for principal in DEAD.iter().filter(|it| !NEVER_LIVED.contains(it)) {
            let token = self.tokens.get(principal).with_context(|| format!("no {principal}"))?;
            let with = format!("{:?}", Some(token));
            let lived = |it: &Exchange| it.head.ends_with(&with) && it.answer.status < 300;
            ensure!(recording.iter().any(lived), "{principal} never had a session");
        }
        // And whoever has lost their place had one, in the same session.
        let inside =
            format!("/v1/structures/{}/inside", self.object("structure_id", "accepted", "")?);
        let with = format!("{:?}", self.tokens.get("former"));
        let within = |it: &Exchange| {
            it.head.contains(&inside) && it.head.ends_with(&with) && it.answer.status == 200
        };
        ensure!(recording.iter().any(within), "the former member was none");
        let tokens: BTreeSet<_> = self.tokens.values().collect();
        // All but nobody have one.
        ensure!(tokens.len() == LIVE.len() + DEAD.len() - 1, "{} tokens", tokens.len());
        Ok(())
    }

    /// Asks for what a row names, as somebody.
    pub(crate) async fn ask(&self, row: &Row, principal: &'static str) -> Result<Answer> {
        let spare = row.path.ends_with("/sessions/this");
        let tokens = if spare { &self.spare } else { &self.tokens };
        let token = tokens.get(principal).or_else(|| self.tokens.get(principal));
        self.ask_with(row, principal, token.map(String::as_str)).await
    }

    /// Asks for what a row names, in the words of somebody, with whatever token.
    pub(crate) async fn ask_with(
        &self,
        row: &Row,
        principal: &'static str,
        token: Option<&str>,
    ) -> Result<Answer> {
        let mut path = row.path.to_owned();
        let log = match row.object {
            "entries" => "entries/000.p/1".to_owned(),
            "hashes" => "0/000.p/2".to_owned(),
            "past-end" => "0/007".to_owned(),
            "newest" => (self.log_size()? - 1).to_string(),
            _ => row.object.to_owned(),
        };
        path = path.replace("{*tile}", &log).replace("{leaf}", &log).replace("{name}", row.object);
        if log == "anything" {
            path = path + "?index=" + &String::from(Base64(vec![3; 32]));
        }
        for name in NAMES {
            let mark = format!("{{{name}}}");
            if path.contains(&mark) {
                path = path.replace(&mark, &self.object(name, row.object, principal)?);
            }
        }
        let index = match row.object {
            "past-end" => "1",
            "bad-index" => "first",
            _ => "0",
        };
        let number = if row.object == "friend" { "2" } else { "1" };
        let path = path.replace("{index}", index).replace("{number}", number);
        let body = self.body(row, principal)?;
        let call = Call { method: row.method, path, authorized: true, body };
        Ok(self.browser.send(&call, token).await?)
    }

    fn log_size(&self) -> Result<u64> {
        Ok(self.checkpoint.lines().nth(1).context("no checkpoint")?.parse()?)
    }

    /// Somebody lost everything, and a structure that is their guardian vouches for them.
    async fn guardians(&mut self, cast: &mut Cast) -> Result<()> {
        let paper = PaperSecret::guardian(&mut self.browser.rng());
        let address = cast.other.vault.account_id().deposit_address();
        let structure_id = cast.manager.desk.structure_id();
        let who =
            [Who::Structure(structure_id), Who::of_address(&address)?, Who::of_paper(&paper)?];
        let naming = Naming {
            who: who.map(|who| (who, String::new())).into(),
            needed: 2,
            wait_seconds: WAIT_MIN_SECONDS,
            short_wait_seconds: WAIT_MIN_SECONDS,
            signed_as: String::new(),
            known_by: String::new(),
        };
        let Person { browser, vault, .. } = &mut cast.owner;
        let lock_id = vault.name_guardians(browser, &naming).await?;
        let (lost, pin) = (self.server.browser(), Pin::parse("481709")?);
        let card = Returning::draw_card(&lost);
        let returning = Returning::begin(&lost, &card, &pin).await?;
        returning.look(&lost, &[]).await?;
        let code = LinkCode::parse(&returning.square())?;
        let Member { person: Person { browser, vault, .. }, desk } = &mut cast.worker;
        let guarded = desk.guarding(vault, browser).await?.pop().context("a guardian of nobody")?;
        let return_id = desk.begin_return(vault, browser, &guarded, &code).await?;
        self.server.app().publish().await?;
        let guarded = desk.guarding(vault, browser).await?.pop().context("a guardian of nobody")?;
        let open = guarded.returns.last().context("nobody comes back")?;
        desk.vouch(vault, browser, (&guarded, open), (&code, Manner::FaceToFace)).await?;
        for object in ["structure", "friend", "resigned"] {
            self.objects.insert(("lock_id", object), lock_id.to_string());
        }
        for object in ["open", "cancelled"] {
            self.objects.insert(("return_id", object), return_id.to_string());
        }
        Ok(())
    }

    /// A card that was used.
    async fn cards(&mut self, cast: &mut Cast) -> Result<()> {
        let owner = &mut cast.owner;
        let (card, pin) = (PaperSecret::card(&mut self.browser.rng()), Pin::parse("481709")?);
        owner.vault.set_card(&owner.browser, &card, &pin, 0).await?;
        let lock = owner.vault.locks(&owner.browser).await?.pop().context("a card")?;
        self.objects.insert(("lock_id", "taken"), lock.lock_id.to_string());
        Box::pin(Vault::unlock_with_card(&self.server.browser(), &card, &pin, false)).await?;
        Ok(())
    }

    pub(super) fn object(
        &self,
        name: &'static str,
        object: &str,
        principal: &str,
    ) -> Result<String> {
        if object == "fresh" {
            let column = LIVE.iter().position(|it| *it == principal).unwrap_or(LIVE.len());
            return Ok(EnvelopeId([u8::try_from(column)? + 100; 16]).to_string());
        }
        let known = self.objects.iter().find(|((of, it), _)| *of == name && *it == object);
        Ok(known.with_context(|| format!("no {object} for {name}"))?.1.clone())
    }

    async fn invitations_and_grants_that_end(&mut self, cast: &mut Cast) -> Result<()> {
        let ended = cast.manager.invite("Personne").await?;
        self.objects.insert(("invitation_id", "ended"), invitation(&self.server, &ended)?);
        let document = cast.owner.add("Fini", b"over").await?;
        let structure_id = cast.manager.desk.structure_id();
        let Person { browser, vault, .. } = &mut cast.owner;
        let code = structure_id.code();
        vault.compare_structure(browser, structure_id, Comparison::read(&code)).await?;
        let gift = Gift {
            structure_id,
            document_ids: vec![document],
            ends_at: browser.now() + DAY,
            signed_as: String::new(),
            purpose: String::new(),
        };
        let grant_id = vault.give(browser, &gift).await?;
        cast.worker.received().await?;
        cast.worker.read(grant_id, document).await?;
        self.grant("over", grant_id, document);
        Ok(())
    }

    async fn structures(&mut self, cast: &mut Cast) -> Result<()> {
        let structure_id = cast.manager.desk.structure_id();
        // The worker's page lost its state, and is let in again.
        let Person { browser, vault, .. } = &mut cast.worker.person;
        browser.forget(&format!("desk/{}", vault.account_id())).await;
        cast.worker.desk = Desk::resume(vault, browser).await?.context("belongs to nothing")?;
        cast.manager.settle().await?;
        cast.worker.settle().await?;
        // Boxed: a large future.
        Box::pin(self.second_manager(cast)).await?;
        let stranger = cast.stranger.desk.structure_id();
        let Person { browser, vault, .. } = &mut cast.manager.person;
        vault.compare_structure(browser, stranger, Comparison::read(&stranger.code())).await?;
        cast.manager.desk.introduce(vault, browser, stranger).await?;
        let open = cast.manager.invite("Quelqu'un").await?;
        self.objects.insert(("invitation_id", "open"), invitation(&self.server, &open)?);
        let answered = cast.manager.invite("Invité").await?;
        let Person { browser, vault, .. } = &mut cast.invited;
        Desk::join(vault, browser, &answered, "Invité").await?;
        self.objects.insert(("invitation_id", "answered"), invitation(&self.server, &answered)?);
        let Person { browser, vault, .. } = &mut cast.other;
        let paper = PaperSecret::generate(&mut browser.rng());
        let waiting =
            Desk::found(vault, browser, &paper, &called("En attente", "Nulle part")).await?;
        // The founder's browser was cleared: the paper begins again.
        let waiting_id = waiting.structure_id();
        browser.forget(&format!("desk/{}", vault.account_id())).await;
        let mut waiting = Desk::resume(vault, browser).await?.context("belongs to nothing")?;
        waiting.begin_again(vault, browser, &paper).await?;
        ensure!(waiting.structure_id() == waiting_id);
        for (object, id) in [
            ("accepted", structure_id),
            ("another", cast.stranger.desk.structure_id()),
            ("waiting", waiting.structure_id()),
        ] {
            self.objects.insert(("structure_id", object), id.to_string());
        }
        Ok(())
    }

    /// Somebody is made a manager, and the first one asks that they be none any more.
    async fn second_manager(&self, cast: &mut Cast) -> Result<()> {
        let mut second = cast.manager.admit(self.server.person().await?, "Léa").await?;
        let number = second.desk.number(&second.person.vault).context("no number")?;
        cast.worker.settle().await?;
        cast.manager.make_manager(number).await?;
        second.settle().await?;
        ensure!(cast.manager.remove_manager(number).await? == Agreed::Waits);
        Ok(())
    }

    async fn papers(&mut self, cast: &mut Cast) -> Result<()> {
        for (object, title) in [("given", "Donné"), ("kept", "Gardé"), ("removed", "Retiré")] {
            let id = cast.owner.add(title, title.as_bytes()).await?;
            self.objects.insert(("document_id", object), id.to_string());
        }
        let kept = self.document("kept")?;
        let record = cast.owner.vault.manifest().document(kept).context("kept")?;
        let (content, card) = (record.content.envelope_id, record.card.envelope_id);
        self.objects.insert(("envelope_id", "finished"), content.to_string());
        self.objects.insert(("envelope_id", "card"), card.to_string());
        let others = cast.other.add("À elle", b"theirs").await?;
        self.objects.insert(("document_id", "others"), others.to_string());

        let under_way = upload(&cast.owner, &mut self.part).await?;
        self.objects.insert(("envelope_id", "under-way"), under_way.clone());
        self.objects.insert(("envelope_id", "past-end"), under_way.clone());
        self.objects.insert(("envelope_id", "bad-index"), under_way);
        let others = upload(&cast.other, &mut Vec::new()).await?;
        self.objects.insert(("envelope_id", "others"), others);
        let given_up = upload(&cast.owner, &mut Vec::new()).await?;
        let call = Call::remove(format!("/v1/envelopes/{given_up}"));
        cast.owner.browser.ship(call, Some(cast.owner.vault.token())).await?;
        self.objects.insert(("envelope_id", "given-up"), given_up);
        for (principal, person) in cast.people() {
            let draft = person.vault.begin_content(&person.browser, None, 100)?;
            self.prefixes.insert(principal, draft.plan.prefix());
        }
        Ok(())
    }

    async fn grants(&mut self, cast: &mut Cast) -> Result<()> {
        let team = cast.manager.desk.structure_id();
        let (given, kept) = (self.document("given")?, self.document("kept")?);
        let removed = self.document("removed")?;
        let live = cast.owner.give(team, &[given, removed]).await?;
        let taken_back = cast.owner.give(team, &[given]).await?;
        let another = cast.stranger.desk.structure_id();
        let others = self.document("others")?;
        let foreign = cast.other.give(another, &[others]).await?;
        for (object, document_id) in [("given", given), ("removed", removed)] {
            let record = cast.owner.vault.manifest().document(document_id).context(object)?;
            let content = record.content.envelope_id.to_string();
            self.objects.insert(("envelope_id", object), content);
        }
        for member in [&mut cast.manager, &mut cast.worker] {
            ensure!(member.received().await?.len() == 2);
            for (grant_id, document_id) in [(taken_back, given), (live, removed), (live, given)] {
                member.read(grant_id, document_id).await?;
            }
        }
        cast.owner.vault.take_back(&cast.owner.browser, taken_back).await?;
        cast.owner.vault.remove(&cast.owner.browser, removed).await?;
        self.grant("live", live, given);
        self.grant("uncovered", live, kept);
        self.grant("removed", live, removed);
        self.grant("taken-back", taken_back, given);
        self.grant("others", foreign, others);
        let own = cast.owner.vault.manifest().owner_grant().context("no own grant")?.grant_id;
        self.grant("own", own, given);
        Ok(())
    }

    async fn deposits(&mut self, cast: &mut Cast) -> Result<()> {
        let owner = cast.owner.vault.account_id();
        self.objects.insert(("account_id", "owner"), owner.to_string());
        let other = cast.other.vault.account_id();
        self.objects.insert(("account_id", "others"), other.to_string());
        for (object, whose) in
            [("others", other), ("taken", owner), ("refused", owner), ("waits", owner)]
        {
            let id = cast.worker.deposit(whose, b"scan").await?;
            self.objects.insert(("deposit_id", object), id.to_string());
        }
        let Person { browser, vault, .. } = &mut cast.owner;
        vault.look_into_inbox(browser).await?;
        let paper = reconnect_tests::stage::card("Attestation");
        let [taken, refused, waits] = ["taken", "refused", "waits"]
            .map(|object| self.object("deposit_id", object, "owner").unwrap_or_default().parse());
        vault.accept_deposit(browser, taken?, &paper).await?;
        vault.refuse_deposit(browser, refused?).await?;
        let waits = vault.deposit_reading(waits?)?.named.envelope_id;
        self.objects.insert(("envelope_id", "for-owner"), waits.to_string());
        Ok(())
    }

    fn grant(&mut self, object: &'static str, grant_id: GrantId, document_id: DocumentId) {
        self.objects.insert(("grant_id", object), grant_id.to_string());
        self.objects.insert(("document_id", object), document_id.to_string());
    }

    fn document(&self, object: &'static str) -> Result<DocumentId> {
        Ok(self.object("document_id", object, "owner")?.parse()?)
    }

    async fn those_without_a_session(&mut self, cast: &Cast) -> Result<()> {
        let elsewhere = self.server.browser();
        let vault = cast.owner.with_words(&elsewhere, true).await?;
        self.tokens.insert("logged-out", vault.token().to_owned());
        vault.sign_out(&elsewhere, false).await?;
        // A device that is not kept is retired when its person signs out.
        let vault = cast.owner.with_sheet(&self.server.browser(), false).await?;
        self.tokens.insert("retired", vault.token().to_owned());
        vault.sign_out(&self.server.browser(), false).await?;
        let renewed = self.server.person().await?;
        self.tokens.insert("of-before", renewed.vault.token().to_owned());
        renewed.begin_generation().await?;
        let closed = self.server.person().await?;
        self.tokens.insert("closed", closed.vault.token().to_owned());
        self.objects.insert(("account_id", "closed"), closed.vault.account_id().to_string());
        closed.vault.close_for_good(&closed.browser).await?;
        Ok(())
    }

    /// There is no API for an operator: neither the key of the service nor a token as it is stored is one.
    async fn what_an_operator_has(&mut self) -> Result<()> {
        let service = self.send(&Call::read("/v1/service"), "nobody").await?;
        let service: Service = serde_json::from_slice(&service.body)?;
        ensure!(service.operator.0.len() == 32, "as long as a token");
        self.tokens.insert("operator", service.operator.into());
        let mut connection = dump::connect(self.server.config()).await?;
        let stored = "select token_hash from session where ended = 0 order by expires_at desc";
        let stored: Vec<u8> = sqlx::query_scalar(stored).fetch_one(&mut connection).await?;
        self.tokens.insert("stored", Base64(stored).into());
        Ok(())
    }

    async fn sessions(&mut self, cast: &Cast) -> Result<()> {
        for (principal, person) in cast.people() {
            self.tokens.insert(principal, person.vault.token().to_owned());
            // Opened by the same device: nothing is added to the chain.
            let second = person.with_sheet(&person.browser, true).await?;
            self.spare.insert(principal, second.token().to_owned());
        }
        Ok(())
    }
}

/// What was given is wrapped again, and looked at by another.
async fn somebody_leaves(cast: &mut Cast) -> Result<()> {
    // Somebody who sees all of it, up to now.
    cast.former.settle().await?;
    cast.manager.put_out(3).await?;
    cast.worker.settle().await?;
    cast.worker.renew().await?;
    let done = cast.manager.renew().await?;
    ensure!(done.all == done.renewed && done.waiting == 0, "{done:?}");
    Ok(())
}

/// An upload that has all its parts and no statement.
async fn upload(person: &Person, part: &mut Vec<u8>) -> Result<String> {
    let plain = bytes(4, 20_000);
    let draft = person.vault.begin_content(&person.browser, None, plain.len() as u64)?;
    let (pieces, _) = parts(&draft.plan, &plain);
    let token = Some(person.vault.token());
    person.browser.ship(upload_begin(&draft), token).await?;
    part.clone_from(pieces.first().context("no part")?);
    person.browser.ship(upload_part(draft.envelope_id, 0, part.clone()), token).await?;
    Ok(draft.envelope_id.to_string())
}

/// The id of the newest invitation that went over the wire.
fn invitation(server: &Server, fragment: &str) -> Result<String> {
    ensure!(!fragment.is_empty());
    let recording = server.recording().borrow();
    let made = recording.iter().rev().find(|exchange| {
        exchange.head.starts_with("POST") && exchange.head.contains("/invitations ")
    });
    let invite: reconnect_format::api::Invite =
        serde_json::from_slice(&made.context("no invitation was made")?.sent)?;
    let attested = &invite.invitation.0;
    let (signed, _) = reconnect_format::statement::Attested::open::<
        reconnect_format::structure::Invitation,
    >(attested)?;
    Ok(signed.body().invitation_id.to_string())
}
