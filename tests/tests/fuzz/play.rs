//! What real clients do, for what they send and are answered.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    held::Pin,
    link::LinkCode,
    vault::{Naming, Returning, Vault, Who},
    words::PaperSecret,
    world::World as _,
};
use reconnect_format::{
    api::Call,
    guardian::{Manner, WAIT_MIN_SECONDS},
    id::{DocumentId, GrantId},
    switch::{Check, without},
};
use reconnect_tests::{
    stage::{Database, Person, Server, bytes, card},
    team::{Member, Team},
};

/// Papers of the owner, beside a large one.
const PAPERS: usize = 40;
/// Of several parts.
const LARGE_BYTES: usize = 5 << 20;

/// A server, and who has lived on it.
pub(crate) struct Play {
    pub(crate) server: Server,
    pub(crate) owner: Person,
    pub(crate) team: Team,
    pub(crate) grant_id: GrantId,
    /// All that was given.
    pub(crate) documents: Vec<DocumentId>,
    /// What the large one holds.
    pub(crate) large: (DocumentId, Vec<u8>),
}

impl Play {
    pub(crate) async fn new() -> Result<Self> {
        // What is stretched has nothing to do with what is read.
        let _cheaply = without(&[Check::StretchCost]);
        let server = Server::alone(Database::Sqlite, |_| {}).await?;
        let mut team = Team::on(&server).await?;
        let mut owner = server.person().await?;
        let mut documents = Vec::new();
        for number in 0..PAPERS {
            documents.push(owner.add(&format!("Papier {number}"), &bytes(1, 300)).await?);
        }
        let content = bytes(7, LARGE_BYTES);
        let vault = &mut owner.vault;
        let large = vault.add(&owner.browser, None, &content, &card("Dossier")).await?;
        documents.push(large);
        let grant_id = owner.give(team.structure_id, &documents).await?;
        team.worker.received().await?;
        team.worker.read(grant_id, documents[0]).await?;
        team.worker.deposit(owner.vault.account_id(), b"une attestation").await?;
        team.manager.invite("Quelqu'un").await?;
        let (way, pin) = (PaperSecret::card(&mut owner.browser.rng()), Pin::parse("481709")?);
        owner.vault.set_card(&owner.browser, &way, &pin, 0).await?;
        Box::pin(Vault::unlock_with_card(&server.browser(), &way, &pin, false)).await?;
        Box::pin(guardians(&server, &mut owner, &mut team)).await?;
        server.app().publish().await?;
        hear_the_log(&server).await?;
        let large = (large, content);
        Ok(Self { server, owner, team, grant_id, documents, large })
    }
}

/// What auditors read of the log.
async fn hear_the_log(server: &Server) -> Result<()> {
    let reader = server.browser();
    let note = reader.send(&Call::read("/v1/log/checkpoint").open(), None).await?;
    let note = String::from_utf8(note.body)?;
    let size: u64 = note.lines().nth(1).context("no checkpoint")?.parse()?;
    let (width, last) = (size.min(255), size - 1);
    for path in [
        format!("tile/0/000.p/{width}"),
        format!("tile/entries/000.p/{width}"),
        format!("heads/{last}"),
    ] {
        let call = Call::read(format!("/v1/log/{path}")).open();
        let answer = reader.send(&call, None).await?;
        ensure!(answer.status == 200, "{path}: {}", answer.status);
    }
    Ok(())
}

/// Somebody lost everything, and a structure that is their guardian vouches for them.
async fn guardians(server: &Server, owner: &mut Person, team: &mut Team) -> Result<()> {
    let paper = PaperSecret::guardian(&mut owner.browser.rng());
    let address = team.manager.person.vault.account_id().deposit_address();
    let who =
        [Who::Structure(team.structure_id), Who::of_address(&address)?, Who::of_paper(&paper)?];
    let naming = Naming {
        who: who.map(|who| (who, String::new())).into(),
        needed: 2,
        wait_seconds: WAIT_MIN_SECONDS,
        short_wait_seconds: WAIT_MIN_SECONDS,
        signed_as: String::new(),
        known_by: String::new(),
    };
    owner.vault.name_guardians(&owner.browser, &naming).await?;
    let (lost, pin) = (server.browser(), Pin::parse("481709")?);
    let returning = Returning::begin(&lost, &Returning::draw_card(&lost), &pin).await?;
    returning.look(&lost, &[]).await?;
    let code = LinkCode::parse(&returning.square())?;
    let Member { person: Person { browser, vault, .. }, desk } = &mut team.worker;
    let guarded = desk.guarding(vault, browser).await?.pop().context("a guardian of nobody")?;
    desk.begin_return(vault, browser, &guarded, &code).await?;
    server.app().publish().await?;
    let guarded = desk.guarding(vault, browser).await?.pop().context("a guardian of nobody")?;
    let open = guarded.returns.last().context("nobody comes back")?;
    desk.vouch(vault, browser, (&guarded, open), (&code, Manner::FaceToFace)).await?;
    Ok(())
}
