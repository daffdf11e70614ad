//! Everybody and everything that the table speaks of, made by real journeys.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    held::Pin,
    link::LinkCode,
    lock::Registration,
    vault::{
        Agreed, Comparison, Desk, Gift, Naming, Returning, Vault, Who, upload_begin, upload_part,
    },
    words::PaperSecret,
    world::World as _,
};
use reconnect_format::{
    PublicKey, Suite,
    account::RecipientPublicKey,
    api::{
        AnswerLink, Call, CallBody, FacesOf, FreshAsked, HandIn, PakeFinish, PinRegistrationStart,
        PutLink, Renewal, UnlockRest,
    },
    encode,
    guardian::{Manner, WAIT_MIN_SECONDS},
    id::{Base64, DocumentId, EnvelopeId, GrantId, LinkId, LockId, UnlockId},
    link::{DeviceKind, LINK_ANSWER_BYTES, LinkOffer},
};
use reconnect_tests::{
    browser::{Browser, Exchange},
    dump::Dump,
    stage::{DAY, Database, Person, Server, bytes, parts},
    team::{Member, called},
    wire::Answer,
};

use super::{cast::Cast, table::Row};

/// Ends of paths to which nothing is sent.
const BODILESS: [&str; 4] = ["/resign", "/cancel", "{return_id}/open", "/generation"];

/// With a live session, in the order of the table's columns.
pub(crate) const LIVE: &[&str] = &["owner", "other", "worker", "manager", "invited", "stranger"];
/// Without one.
pub(crate) const DEAD: &[&str] =
    &["nobody", "malformed", "expired", "logged-out", "closed", "retired", "of-before", "unknown"];

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
    server: Server,
    browser: Browser,
    tokens: BTreeMap<&'static str, String>,
    /// A second session of each, which the table ends.
    spare: BTreeMap<&'static str, String>,
    /// What names in paths stand for, by object.
    objects: BTreeMap<(&'static str, &'static str), String>,
    /// Prefixes of uploads that each would make.
    prefixes: BTreeMap<&'static str, Vec<u8>>,
    part: Vec<u8>,
    /// JSON that was sent once, by whom and where to.
    sent: BTreeMap<String, String>,
    /// The log's newest checkpoint.
    checkpoint: String,
}

/// Of keys that are nobody's.
fn offer() -> LinkOffer {
    let recipient = Box::new(RecipientPublicKey([5; 1216]));
    let (suite, kind, signing) = (Suite::V1, DeviceKind::Computer, PublicKey([6; 32]));
    LinkOffer { suite, kind, recipient, signing, leaf: signing }
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
        scene.objects.insert(("link_id", "open"), offer().link_id().to_string());
        for name in NAMES {
            let never = match name {
                "structure_id" | "account_id" | "return_id" => Base64(vec![3; 32]).into(),
                "link_id" => LinkId([3; 15]).to_string(),
                _ => DocumentId([3; 16]).to_string(),
            };
            scene.objects.insert((name, "never"), never);
            scene.objects.insert((name, "malformed"), "not-an-id".to_owned());
        }
        Ok(scene)
    }

    pub(crate) async fn dump(&self) -> Result<Dump> {
        Ok(self.server.dump().await?.without(&super::COUNTERS))
    }

    pub(crate) async fn send(&self, call: &Call, principal: &str) -> Result<Answer> {
        Ok(self.browser.send(call, self.tokens.get(principal).map(String::as_str)).await?)
    }

    /// Asks for what a row names, as somebody.
    pub(crate) async fn ask(&self, row: &Row, principal: &'static str) -> Result<Answer> {
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
        let index = if row.object == "past-end" { "1" } else { "0" };
        let number = if row.object == "friend" { "2" } else { "1" };
        let path = path.replace("{index}", index).replace("{number}", number);
        let body = self.body(row, principal)?;
        let call = Call { method: row.method, path, authorized: true, body };
        let spare = row.path.ends_with("/sessions/this");
        let tokens = if spare { &self.spare } else { &self.tokens };
        let token = tokens.get(principal).or_else(|| self.tokens.get(principal));
        Ok(self.browser.send(&call, token.map(String::as_str)).await?)
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
        for object in ["structure", "friend"] {
            self.objects.insert(("lock_id", object), lock_id.to_string());
        }
        self.objects.insert(("return_id", "open"), return_id.to_string());
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

    fn object(&self, name: &'static str, object: &str, principal: &str) -> Result<String> {
        if object == "fresh" {
            let column = LIVE.iter().position(|it| *it == principal).unwrap_or(LIVE.len());
            return Ok(EnvelopeId([u8::try_from(column)? + 100; 16]).to_string());
        }
        let known = self.objects.iter().find(|((of, it), _)| *of == name && *it == object);
        Ok(known.with_context(|| format!("no {object} for {name}"))?.1.clone())
    }

    fn body(&self, row: &Row, principal: &str) -> Result<CallBody> {
        let prefix = self.prefixes.get(principal).or_else(|| self.prefixes.get("owner"));
        match (row.method, row.path) {
            ("PUT", path) if path.ends_with("/parts/{index}") => {
                return Ok(CallBody::Bytes(self.part.clone()));
            }
            ("PUT", _) => return Ok(CallBody::Bytes(prefix.context("no prefix")?.clone())),
            ("POST", "/v1/log/cosignatures") => {
                let note = if row.object == "nobodys" { &self.checkpoint } else { "nothing" };
                let sent = HandIn { note: note.to_owned() };
                return Ok(CallBody::Json(serde_json::to_string(&sent)?));
            }
            // Nobody's is due: the journeys on renewals show what is taken.
            ("POST", path) if path.ends_with("/certificates") => {
                let asked = Renewal { certificate: Base64(vec![7; 64]) };
                return Ok(CallBody::Json(serde_json::to_string(&asked)?));
            }
            ("POST", "/v1/received/faces") => {
                let live = self.object("grant_id", "live", principal)?;
                let asked = FacesOf { grant_ids: vec![live.parse()?] };
                return Ok(CallBody::Json(serde_json::to_string(&asked)?));
            }
            ("POST", "/v1/received/{grant_id}/fresh") => {
                let asked = FreshAsked { leaves: Base64(vec![7; 32]) };
                return Ok(CallBody::Json(serde_json::to_string(&asked)?));
            }
            ("POST", "/v1/pin/registration") => {
                let lock_id = match row.object {
                    "taken" => self.object("lock_id", "taken", principal)?.parse()?,
                    _ => LockId([7; 16]),
                };
                let (card, pin) =
                    (PaperSecret::card(&mut self.browser.rng()).held(), Pin::parse("481709")?);
                let (_, request) =
                    Registration::start(pin.password(&card), &mut self.browser.rng())?;
                let start = PinRegistrationStart { lock_id, request: Base64(request) };
                return Ok(CallBody::Json(serde_json::to_string(&start)?));
            }
            ("POST", "/v1/links") => {
                let bytes = if row.object == "open" { encode(&offer()) } else { vec![7] };
                let put = PutLink { offer: Base64(bytes) };
                return Ok(CallBody::Json(serde_json::to_string(&put)?));
            }
            ("POST", "/v1/links/{link_id}") => {
                let answer = AnswerLink { answer: Base64(vec![7; LINK_ANSWER_BYTES]) };
                return Ok(CallBody::Json(serde_json::to_string(&answer)?));
            }
            ("POST", "/v1/unlock/finish") => {
                let finalization = Base64(vec![7; 64]);
                let finish = PakeFinish { unlock_id: UnlockId([7; 16]), finalization };
                return Ok(CallBody::Json(serde_json::to_string(&finish)?));
            }
            ("POST", "/v1/unlock/rest") => {
                let asked = UnlockRest { rest: UnlockId([7; 16]), statements_after: 0 };
                return Ok(CallBody::Json(serde_json::to_string(&asked)?));
            }
            // Of the last two nothing was given out: the journeys on coming back show what opens.
            ("POST", path) if BODILESS.iter().any(|end| path.ends_with(end)) => {
                return Ok(CallBody::Empty);
            }
            ("POST", _) => {}
            _ => return Ok(CallBody::Empty),
        }
        // One's own words where one has said them, somebody else's where not.
        let object = self.sent.get(&format!("{} {}", row.object, row.path));
        let own = object.or_else(|| self.sent.get(&format!("{principal} {}", row.path)));
        let any = self.sent.get(row.path);
        let said = own.or(any).with_context(|| format!("nothing sent: {row:?}"))?;
        // Each time for another handle: the tries of one would be over soon.
        let mut said: serde_json::Value = serde_json::from_str(said)?;
        if let Some(handle) = said.get_mut("handle") {
            *handle = format!("nobody-here-{}", self.browser.shipped()).into();
        }
        Ok(CallBody::Json(said.to_string()))
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
        self.objects.insert(("envelope_id", "past-end"), under_way);
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
        closed.vault.close_for_good(&closed.browser).await?;
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

    /// What people said, to be said again by everybody.
    fn learn_what_was_sent(&mut self, cast: &Cast) -> Result<()> {
        let owner = format!("{:?}", Some(cast.owner.vault.token()));
        let live = self.object("grant_id", "live", "owner")?;
        let given = self.object("document_id", "given", "owner")?;
        let recording = self.server.recording().borrow();
        let posted = |exchange: &&Exchange| {
            exchange.head.starts_with("POST") && exchange.answer.status < 300
        };
        for exchange in recording.iter().filter(posted) {
            let path = exchange.head.split(' ').nth(1).unwrap_or_default();
            let route = pattern(path);
            let text = String::from_utf8(exchange.sent.clone())?;
            let by = cast.people().into_iter().find(|(_, person)| {
                exchange.head.ends_with(&format!("{:?}", Some(person.vault.token())))
            });
            let about_given =
                path.contains(&live) && (!path.contains("/documents/") || path.contains(&given));
            match (by, route.as_str()) {
                // The first safe is there; the last one was closed.
                (_, it @ "/v1/accounts") => {
                    self.sent.entry(format!("again {it}")).or_insert_with(|| text.clone());
                    self.sent.insert(it.to_owned(), text);
                }
                (_, "/v1/statements") if !exchange.head.ends_with(&owner) => {}
                (Some((who, _)), it) if it.starts_with("/v1/received") => {
                    if about_given {
                        self.sent.insert(format!("{who} {it}"), text.clone());
                        self.sent.insert(it.to_owned(), text);
                    }
                }
                // A request for a leaf is its device's own, and a list its member's.
                (Some((who, _)), it) if it.ends_with("/leaves") || it.contains("/rewraps") => {
                    self.sent.insert(format!("{who} {it}"), text.clone());
                    self.sent.insert(it.to_owned(), text);
                }
                _ => {
                    self.sent.insert(route, text);
                }
            }
        }
        Ok(())
    }
}

/// A path as the server's table writes it.
fn pattern(path: &str) -> String {
    let routes = reconnect::app::ROUTES.iter().map(|route| route.path);
    let fits = |route: &&str| {
        let (mut left, mut right) = (route.split('/'), path.split('/'));
        let same = left.by_ref().zip(right.by_ref()).all(|(a, b)| a == b || a.starts_with('{'));
        same && route.split('/').count() == path.split('/').count()
    };
    routes.into_iter().find(fits).unwrap_or(path).to_owned()
}

/// What was given is wrapped again, and looked at by another.
async fn somebody_leaves(cast: &mut Cast) -> Result<()> {
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
