//! Whoever runs the server goes on showing a structure's people what is over: to a page that has seen
//! nothing before, so that nothing but the log can tell.

use anyhow::{Context as _, Result, ensure};
use ed25519_dalek::{Signer as _, SigningKey};
use reconnect_core::{
    error::{Error, ServerMisbehaved},
    log::Release,
    world::World as _,
};
use reconnect_format::{
    Unverified,
    api::{CallBody, FreshAsked, Freshness, GrantOpened, LoggedHead},
    encode,
    id::{Base64, DocumentId, GrantId},
    manifest::RecordKey,
    statement::{Attested, Body, DeviceProof, Signer as StatementSigner, Statement},
    tree,
};
use reconnect_log::{KeyKind, Note, VerifierKey};
use reconnect_tests::{
    stage::{DAY, Database, Person, Server, card},
    team::{Member, Team},
};

use crate::{
    giving::works_on,
    lies::{lie, say},
    mallory::{Heard, log},
    pair::{Outcome, pairs},
    safe::log_index,
};

pairs! {
    an_older_version_in_a_new_session: "old_version" without [Fresh];
    an_older_title_in_a_new_session: "old_version" without [Fresh];
    what_was_taken_back_in_a_new_session: "shown_taken_back" without [Fresh];
    what_a_retired_device_signed: "retired_device" without [LiveDevice, RetiredMark];
    a_head_that_a_retired_device_signed: "retired_device" without [RetiredMark];
    what_a_device_of_before_signed: "retired_device" without [LiveDevice, RetiredMark];
    what_an_invented_generation_signed: "retired_device" without [RetiredMark];
    a_clock_that_is_set_back: "grant_ended" without [WitnessedTime];
}

const SECRET: &[u8] = b"Demande d'asile";

struct Stage {
    server: Server,
    team: Box<Team>,
    owner: Box<Person>,
    document_id: DocumentId,
    grant_id: GrantId,
}

impl Stage {
    async fn set() -> Result<Self> {
        // Boxed: a play with several people is a large future.
        Box::pin(Self::gather()).await
    }

    async fn gather() -> Result<Self> {
        let server = Server::on(Database::Sqlite).await?;
        let team = Team::on(&server).await?;
        let mut owner = server.person().await?;
        let document_id = owner.add("Dossier", SECRET).await?;
        let grant_id = owner.give(team.structure_id, &[document_id]).await?;
        server.app().publish().await?;
        let (team, owner) = (Box::new(team), Box::new(owner));
        Ok(Self { server, team, owner, document_id, grant_id })
    }

    /// The server keeps a copy of what it has of papers and grants.
    async fn copy(&self) -> Result<()> {
        for copy in COPIES {
            say(&self.server, copy, &[]).await?;
        }
        Ok(())
    }

    /// It shows that copy, in the place of what came after.
    async fn show_the_copy(&self) -> Result<()> {
        self.server.app().publish().await?;
        for copy in SHOWN {
            say(&self.server, copy, &[]).await?;
        }
        Ok(())
    }

    /// Somebody who has seen nothing of it looks and opens it.
    async fn open(&mut self) -> Result<Result<Shown, Error>> {
        let worker = &mut self.team.worker;
        worker.look().await?;
        Ok(open(worker, self.grant_id).await)
    }

    async fn judge(mut self, seen: Result<bool, Error>) -> Result<Outcome> {
        Ok(match seen {
            Ok(true) => Outcome::Succeeded,
            Ok(false) => Outcome::PassedOver,
            Err(error) => {
                Box::pin(works_on(&mut self.owner)).await?;
                Outcome::Stopped(error)
            }
        })
    }
}

/// Version and title of the first paper.
type Shown = (u32, String);

async fn open(member: &mut Member, grant_id: GrantId) -> Result<Shown, Error> {
    let papers = member.open(grant_id).await?;
    let paper = papers.first().ok_or(Error::NotFound)?;
    let title = paper.card.as_ref().map(|card| card.title().to_owned()).unwrap_or_default();
    Ok((paper.version, title))
}

const COPIES: [&str; 7] = [
    "create table old_device as select * from device",
    "create table old_session as select * from session",
    "create table old_document as select * from document",
    "create table old_envelope as select * from envelope",
    "create table old_wrap as select * from wrap",
    "create table old_granted as select * from granted",
    "create table old_granted_document as select * from granted_document",
];

const SHOWN: [&str; 7] = [
    "insert or replace into device select * from old_device",
    "insert or replace into session select * from old_session",
    "insert or replace into document select * from old_document",
    "insert or replace into envelope select * from old_envelope",
    "insert or replace into wrap select * from old_wrap",
    "insert or replace into granted select * from old_granted",
    "insert or replace into granted_document select * from old_granted_document",
];

/// The owner has put a second version; a worker who opens it for the first time is shown the first.
async fn an_older_version_in_a_new_session() -> Result<Outcome> {
    let mut stage = Stage::set().await?;
    stage.copy().await?;
    let Person { vault, browser, .. } = &mut *stage.owner;
    vault.add(browser, Some(stage.document_id), b"withdrawn", &card("Dossier")).await?;
    stage.show_the_copy().await?;
    let seen = stage.open().await?.map(|(version, _)| version == 1);
    stage.judge(seen).await
}

/// The same for a title alone.
async fn an_older_title_in_a_new_session() -> Result<Outcome> {
    let mut stage = Stage::set().await?;
    stage.copy().await?;
    let Person { vault, browser, .. } = &mut *stage.owner;
    vault.rename(browser, stage.document_id, "Dossier clos").await?;
    stage.show_the_copy().await?;
    let seen = stage.open().await?.map(|(_, title)| title == "Dossier");
    stage.judge(seen).await
}

/// The owner took it back; the server has the wraps still.
async fn what_was_taken_back_in_a_new_session() -> Result<Outcome> {
    let mut stage = Stage::set().await?;
    stage.copy().await?;
    stage.owner.vault.take_back(&stage.owner.browser, stage.grant_id).await?;
    stage.show_the_copy().await?;
    let seen = stage.open().await?.map(|(_, title)| title == "Dossier");
    stage.judge(seen).await
}

/// A telephone was stolen, and its owner retired it. Whoever has it signs another version, behind
/// everything that the log names, and the server shows that.
async fn what_a_retired_device_signed() -> Result<Outcome> {
    let mut stage = Stage::set().await?;
    Box::pin(forge(&mut stage)).await?;
    let seen = stage.open().await?.map(|(version, _)| version == 2);
    stage.team.worker.browser().hear_the_truth();
    stage.judge(seen).await
}

/// A secret became known, and its owner began a new generation. Whoever was in their safe before signs
/// another version, behind everything that the log names, and the server shows that.
async fn what_a_device_of_before_signed() -> Result<Outcome> {
    Box::pin(after_a_generation(false)).await
}

/// The same with the old root: a generation of their own, and a device of it.
async fn what_an_invented_generation_signed() -> Result<Outcome> {
    Box::pin(after_a_generation(true)).await
}

async fn after_a_generation(invented: bool) -> Result<Outcome> {
    let Stage { server, team, owner, document_id, grant_id } = Stage::set().await?;
    let thief = owner.with_words(&server.browser(), true).await?;
    let owner = Box::new(owner.begin_generation().await?);
    server.app().publish().await?;
    let known = owner.vault.manifest().document(document_id).context("it is there")?;
    let (mut content, mut card) = (known.content, known.card);
    (content.version, card.version) = (content.version + 1, card.version + 1);
    let body = Body::PutVersion { document_id, content, card, thumbnail: None };
    let signer = StatementSigner::Device { device_id: thief.device_id() };
    let mut said = thief.manifest().next(signer, body, owner.browser.now(), [3; 16]);
    said.sequence = owner.vault.manifest().sequence() + 2;
    let forged = if invented {
        Base64(thief.invent_generation(said, &mut owner.browser.rng())?.encode())
    } else {
        thief.sign_anything(said)
    };
    let list = format!("{grant_id}/list");
    lie(team.worker.browser(), &list, move |_, list: &mut GrantOpened| {
        list.documents[0].version = forged.clone();
    });
    let mut stage = Stage { server, team, owner, document_id, grant_id };
    let seen = stage.open().await?.map(|(version, _)| version == 2);
    stage.team.worker.browser().hear_the_truth();
    stage.judge(seen).await
}

/// A telephone that was stolen and retired; and the server has its log name that version, and says what stands under it.
async fn a_head_that_a_retired_device_signed() -> Result<Outcome> {
    let mut stage = Stage::set().await?;
    let (said, proof) = Box::pin(forge(&mut stage)).await?;
    ensure!(stage.owner.vault.is_safe(), "its owner was told that it is");
    let value = Heard::by(&stage.server)?.log_value_of(&said).context("it was sent")?;
    let forged = Unverified::<Statement>::decode(&said)?;
    let (head, document_id) = (Base64(forged.head()), stage.document_id);
    let written = |bytes: &Vec<u8>| {
        let statement = Unverified::<Statement>::decode(bytes).ok()?.claim().clone();
        matches!(statement.body, Body::PutVersion { .. }).then_some(statement)
    };
    let before = stage.owner.browser.signed().iter().find_map(written).context("it was put")?;
    // What stands in the safe after it: its version in the place of the owner's.
    let of = |statement: &Statement| {
        [RecordKey::Document(document_id), RecordKey::Card(document_id)]
            .map(|key| statement.leaf(key))
    };
    let (gone, new) = (of(&before), of(forged.claim()));
    let mut leaves = stage.owner.vault.manifest().leaves();
    leaves.retain(|leaf| !gone.contains(&Some(*leaf)));
    leaves.extend(new.into_iter().flatten());
    leaves.sort_unstable();
    ensure!(tree::root(&leaves) == forged.claim().manifest_root, "another manifest");
    let index = log_index(&stage.server, &stage.owner).await?;
    log(&stage.server, &index, (forged.claim().sequence, &value)).await?;
    stage.team.worker.browser().lie(move |call, body| match &call.body {
        CallBody::Json(asked) if call.path.ends_with("/fresh") => {
            let asked = serde_json::from_str::<FreshAsked>(asked).expect("a question");
            let (asked, _) = asked.leaves.0.as_chunks();
            let proof = Base64(encode(&proof));
            let logged = LoggedHead::find(head.clone(), proof, &leaves, asked);
            let logged = Some(Box::new(logged));
            serde_json::to_vec(&Freshness { logged }).expect("an answer")
        }
        _ => body,
    });
    let seen = stage.open().await?.map(|(version, _)| version == 2);
    // Its owner's next look misses what the log names.
    let elsewhere = stage.server.browser();
    let missed = stage.owner.with_words(&elsewhere, false).await.map(drop);
    ensure!(missed == Err(ServerMisbehaved::Withheld.into()), "{missed:?}");
    Ok(match seen {
        Ok(true) => Outcome::Succeeded,
        Ok(false) => Outcome::PassedOver,
        Err(error) => Outcome::Stopped(error),
    })
}

/// What somebody signs with a device that was retired, and the proof of that device; the worker is shown
/// it as the newest version.
async fn forge(stage: &mut Stage) -> Result<(Vec<u8>, DeviceProof)> {
    let stolen = stage.server.browser();
    let mut thief = stage.owner.with_words(&stolen, true).await?;
    stage.owner.vault.sync(&stage.owner.browser).await?;
    let device_id = thief.device_id();
    stage.copy().await?;
    stage.owner.vault.retire_device(&stage.owner.browser, device_id).await?;
    stage.server.app().publish().await?;
    stage.owner.vault.look(&stage.owner.browser).await?;
    // The server goes on with the thief's session, so that they see where the chain ends.
    stage.show_the_copy().await?;
    thief.sync(&stolen).await?;
    let before = stolen.signed();
    let refused = thief.add(&stolen, Some(stage.document_id), b"forged", &card("Dossier")).await;
    ensure!(refused.is_err(), "an honest chain has no such statement");
    let said = stolen.signed().into_iter().find(|it| !before.contains(it)).context("signed")?;
    let proof = thief.device_proof();
    let forged = Attested { object: said.clone(), proof: proof.clone() }.encode();
    let list = format!("{}/list", stage.grant_id);
    lie(stage.team.worker.browser(), &list, move |_, list: &mut GrantOpened| {
        list.documents[0].version = Base64(forged.clone());
    });
    Ok((said, proof))
}

/// The grant has ended. The clocks of server and worker say that it has not; a witness says how late
/// it is.
async fn a_clock_that_is_set_back() -> Result<Outcome> {
    let signing = SigningKey::from_bytes(&[1; 32]);
    let key = signing.verifying_key().to_bytes();
    let witness = VerifierKey::new("witness.example", KeyKind::Cosigner, key)?;
    let known = witness.clone();
    let server = Server::with(Database::Sqlite, |config| {
        config.log.witnesses = vec![known];
    })
    .await?;
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let document_id = owner.add("Dossier", SECRET).await?;
    let grant_id = owner.give(team.structure_id, &[document_id]).await?;
    server.app().publish().await?;
    let release = Release::read(&format!("witness {witness}\nrequired 1\n"))?;
    let later = server.clock().now() + 40 * DAY;
    let text = std::fs::read_to_string(server.folder().join("log/checkpoint"))?;
    let note = Note::parse(&text)?;
    let line = note.cosign(&witness, later, |message| signing.sign(message).to_bytes());
    let mut cosigned = note.clone();
    cosigned.put(&witness, line);
    team.worker.person.browser = team.worker.person.browser.copied().believing(release);
    let body = serde_json::json!({ "note": cosigned.to_string() });
    let call = reconnect_format::api::Call::send("/v1/log/cosignatures", &body).open();
    ensure!(team.worker.browser().send(&call, None).await.map_or(0, |it| it.status) == 204);
    team.worker.look().await?;
    let seen = open(&mut team.worker, grant_id).await.map(|(_, title)| title == "Dossier");
    let (team, owner) = (Box::new(team), Box::new(owner));
    Stage { server, team, owner, document_id, grant_id }.judge(seen).await
}
