//! Whoever runs the server wants what owners give to somebody else.

use anyhow::{Result, ensure};
use ed25519_dalek::SigningKey;
use reconnect_core::{
    error::Error,
    key::RecipientKey,
    log::{Carried, Release, newest},
    vault::{Comparison, Gift},
    world::World as _,
};
use reconnect_format::{
    api::StructureFace,
    id::{DocumentId, StructureId},
    log::{structure_index, structure_value},
    structure::StructureBody,
};
use reconnect_log::{KeyKind, Newest, VerifierKey};
use reconnect_tests::{
    between::LogThief,
    stage::{DAY, Database, Person, Server, card},
    team::Team,
};

use crate::{
    lies::lie,
    mallory::{Heard, Somebody, chain_of, epoch, show_chain, verified},
    pair::{Outcome, pairs},
};

pairs! {
    a_namesake_in_the_list: "code_differs" without [Code];
    another_chain_under_the_structures_id: "other_chain" without [Founding];
    a_chain_other_than_the_one_that_was_seen: "other_chain" without [Founding, StructureSeen];
    an_epoch_that_no_manager_began: "forged" without [StructureSigner];
    an_older_chain_than_the_one_that_was_seen: "rollback" without [StructureSeen, StructureLogged];
    an_epoch_that_is_held_back: "withheld" without [StructureLogged];
    a_log_that_no_witness_has_seen: "log_witnesses" without [Witnesses];
    a_log_that_a_poster_contradicts: "log_forked" without [Carried];
    a_kept_grant_key_after_its_holder_left: passed_over without [GrantEpoch];
    a_kept_grant_key_after_it_was_taken_back: passed_over without [FreshKey];
}

pub(crate) const SECRET: &[u8] = b"Demande d'asile, recit";

pub(crate) async fn stage() -> Result<(Server, Team, Person, DocumentId)> {
    // Boxed: a play with several people is a large future.
    Box::pin(async {
        let server = Server::on(Database::Sqlite).await?;
        let team = Team::on(&server).await?;
        let mut owner = server.person().await?;
        let document_id = owner.add("Dossier", SECRET).await?;
        Ok((server, team, owner, document_id))
    })
    .await
}

/// Compares and gives, as the page does.
pub(crate) async fn give(
    owner: &mut Person,
    structure_id: StructureId,
    code: &str,
    document_id: DocumentId,
) -> Result<(), Error> {
    let Person { browser, vault, .. } = owner;
    vault.compare_structure(browser, structure_id, Comparison::read(code)).await?;
    give_again(owner, structure_id, document_id).await
}

/// Gives to a structure whose code was compared before.
pub(crate) async fn give_again(
    owner: &mut Person,
    structure_id: StructureId,
    document_id: DocumentId,
) -> Result<(), Error> {
    let gift = Gift {
        structure_id,
        document_ids: vec![document_id],
        ends_at: owner.browser.now() + 30 * DAY,
        signed_as: "Aminata D.".to_owned(),
        purpose: String::new(),
    };
    owner.vault.give(&owner.browser, &gift).await.map(drop)
}

/// Mallory reads it with this key; or nothing was given, and the safe works on.
pub(crate) async fn judge(
    server: &Server,
    owner: &mut Person,
    outcome: Result<(), Error>,
    (key, before): (&RecipientKey, usize),
) -> Result<Outcome> {
    let heard = Heard::by(server)?;
    if heard.is_read_with(key, owner.vault.account_id(), SECRET) {
        return Ok(Outcome::Succeeded);
    }
    ensure!(heard.grants() == before, "something was given all the same");
    let Err(error) = outcome else { return Ok(Outcome::PassedOver) };
    works_on(owner).await?;
    Ok(Outcome::Stopped(error))
}

/// What was in the safe is there, and something new goes in.
pub(crate) async fn works_on(owner: &mut Person) -> Result<()> {
    owner.vault.sync(&owner.browser).await?;
    let added = owner.add("Apres", b"after").await?;
    ensure!(owner.read(added).await? == b"after");
    Ok(())
}

/// The list shows Mallory's structure under the name that the person looks for; the code that they
/// type is the one of the desk.
async fn a_namesake_in_the_list() -> Result<Outcome> {
    let (server, team, mut owner, document_id) = stage().await?;
    let mallory = Somebody::new()?;
    let front = mallory.found("Accueil de jour", None)?;
    front.show(&server, &mallory).await?;
    let code = team.structure_id.code();
    let outcome = give(&mut owner, front.structure_id, &code, document_id).await;
    judge(&server, &mut owner, outcome, (front.key()?, 0)).await
}

/// The id and the code are the desk's; the chain that the server shows for them is Mallory's.
async fn another_chain_under_the_structures_id() -> Result<Outcome> {
    let (server, team, mut owner, document_id) = stage().await?;
    let mallory = Somebody::new()?;
    let front = mallory.replaces(&server, team.structure_id).await?;
    front.show(&server, &mallory).await?;
    let code = team.structure_id.code();
    let outcome = give(&mut owner, team.structure_id, &code, document_id).await;
    judge(&server, &mut owner, outcome, (front.key()?, 0)).await
}

/// The code was compared long ago, and something was given; since then the server shows another
/// chain. The founding stops it, and what was seen would.
async fn a_chain_other_than_the_one_that_was_seen() -> Result<Outcome> {
    let (server, team, mut owner, document_id) = stage().await?;
    give(&mut owner, team.structure_id, &team.structure_id.code(), document_id).await?;
    let mallory = Somebody::new()?;
    let front = mallory.replaces(&server, team.structure_id).await?;
    front.show(&server, &mallory).await?;
    let outcome = give_again(&mut owner, team.structure_id, document_id).await;
    judge(&server, &mut owner, outcome, (front.key()?, 1)).await
}

/// Somebody left the structure, and this safe saw it; since then the server shows the chain as it was
/// before, with the key that they hold.
async fn an_older_chain_than_the_one_that_was_seen() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    let document_id = owner.add("Dossier", SECRET).await?;
    let mallory = Somebody::new()?;
    let mut front = mallory.found("Foyer", None)?;
    let before = front.links.clone();
    front.begin_epoch(&mallory)?;
    front.show(&server, &mallory).await?;
    let Person { browser, vault, .. } = &mut owner;
    let code = front.structure_id.code();
    vault.compare_structure(browser, front.structure_id, Comparison::read(&code)).await?;
    show_chain(&server, front.structure_id, &before).await?;
    let outcome = give_again(&mut owner, front.structure_id, document_id).await;
    judge(&server, &mut owner, outcome, (&front.keys[0], 0)).await
}

/// Somebody left the structure, and everybody else saw it; this owner has not, and the server shows
/// them the chain as it was before.
async fn an_epoch_that_is_held_back() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    let document_id = owner.add("Dossier", SECRET).await?;
    let mallory = Somebody::new()?;
    let mut front = mallory.found("Foyer", None)?;
    let shown = front.links.len();
    front.begin_epoch(&mallory)?;
    front.show(&server, &mallory).await?;
    lie(&owner.browser, "/v1/structures/", move |_, face: &mut StructureFace| {
        face.statements.truncate(shown);
    });
    let code = front.structure_id.code();
    let outcome = give(&mut owner, front.structure_id, &code, document_id).await;
    judge(&server, &mut owner, outcome, (&front.keys[0], 0)).await
}

/// The same, and the server's log says so too, to this owner alone. The page's release asks for a
/// witness, and none has seen that log.
async fn a_log_that_no_witness_has_seen() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let witness = SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes();
    let witness = VerifierKey::new("witness.example", KeyKind::Cosigner, witness)?;
    let release = Release::read(&format!("witness {witness}\nrequired 1\n"))?;
    let mut owner = Person::open(server.browser().believing(release), true).await?;
    let document_id = owner.add("Dossier", SECRET).await?;
    let mallory = Somebody::new()?;
    let front = mallory.found("Foyer", None)?;
    front.show(&server, &mallory).await?;
    let code = front.structure_id.code();
    let outcome = give(&mut owner, front.structure_id, &code, document_id).await;
    judge(&server, &mut owner, outcome, (front.key()?, 0)).await
}

/// Somebody left the structure. The owner is shown the chain as it was before, and a log of their own,
/// signed with the log's key, that knows no more; the structure's poster was drawn by somebody who saw
/// the true one.
async fn a_log_that_a_poster_contradicts() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let mut owner = Person::open(server.browser(), true).await?;
    let document_id = owner.add("Dossier", SECRET).await?;
    let mallory = Somebody::new()?;
    let mut front = mallory.found("Foyer", None)?;
    let (shown, (sequence, head)) = (front.links.len(), front.head);
    front.begin_epoch(&mallory)?;
    front.show(&server, &mallory).await?;
    let carried = newest(&server.browser()).await;
    let poster = Carried::beside(&front.structure_id.to_string(), carried.as_ref());

    let index = structure_index(front.structure_id);
    let newest = Newest { sequence, value: structure_value(sequence, &head) };
    let thief = LogThief::of(&server).await?.saying(index, newest);
    owner.browser = thief.between(&server, |_| 40);
    lie(&owner.browser, "/v1/structures/", move |_, face: &mut StructureFace| {
        face.statements.truncate(shown);
    });
    let outcome = give(&mut owner, front.structure_id, &poster, document_id).await;
    judge(&server, &mut owner, outcome, (&front.keys[0], 0)).await
}

/// The chain is the structure's own, and goes on with an epoch of Mallory's.
async fn an_epoch_that_no_manager_began() -> Result<Outcome> {
    let (server, team, mut owner, document_id) = stage().await?;
    let mallory = Somebody::new()?;
    let mut links = chain_of(&server, team.structure_id).await?;
    let chain = verified(team.structure_id, &links)?;
    let mls_epoch = chain.roster.as_ref().map_or(0, |roster| roster.mls_epoch);
    let (terms, key) = epoch(2, mls_epoch);
    links.push(mallory.says(team.structure_id, chain.head(), StructureBody::Epoch(terms)));
    show_chain(&server, team.structure_id, &links).await?;
    let code = team.structure_id.code();
    let outcome = give(&mut owner, team.structure_id, &code, document_id).await;
    judge(&server, &mut owner, outcome, (&key, 0)).await
}

/// Somebody left the structure and kept the key of a grant: what the owner adds after they saw the
/// epoch that began then is not for them, though the server hands out everything it has.
async fn a_kept_grant_key_after_its_holder_left() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    let document_id = owner.add("Dossier", b"before").await?;
    let mallory = Somebody::new()?;
    let mut front = mallory.found("Foyer", None)?;
    front.show(&server, &mallory).await?;
    give(&mut owner, front.structure_id, &front.structure_id.code(), document_id).await?;
    front.begin_epoch(&mallory)?;
    front.show(&server, &mallory).await?;
    let Person { browser, vault, .. } = &mut owner;
    vault.structure(browser, front.structure_id).await?;
    vault.add(browser, Some(document_id), SECRET, &card("Dossier")).await.ok();
    let heard = Heard::by(&server)?;
    let account_id = owner.vault.account_id();
    ensure!(heard.contents().len() == 2, "the later version was never sent");
    ensure!(heard.is_read_with(&front.keys[0], account_id, b"before"), "the key was no good");
    let read = heard.is_read_with(&front.keys[0], account_id, SECRET);
    Ok(if read { Outcome::Succeeded } else { Outcome::PassedOver })
}

/// A grantee kept every key of what was given to them, and the server every envelope and wrap: the
/// version that comes after the grant was taken back does not open.
async fn a_kept_grant_key_after_it_was_taken_back() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    let document_id = owner.add("Dossier", b"before").await?;
    let mallory = Somebody::new()?;
    let front = mallory.found("Foyer", None)?;
    front.show(&server, &mallory).await?;
    let grant_id = owner.give(front.structure_id, &[document_id]).await?;
    let kept = Heard::by(&server)?;
    let opened = kept.opened_with(front.key()?);
    let (_, first) = &kept.contents()[0];
    let key = kept.key_of(&opened[0], document_id, first);
    ensure!(key.is_some(), "nothing was kept");
    owner.vault.take_back(&owner.browser, grant_id).await?;
    owner.vault.add(&owner.browser, Some(document_id), SECRET, &card("Dossier")).await?;
    let heard = Heard::by(&server)?;
    let account_id = owner.vault.account_id();
    let (_, second) = &heard.contents()[1];
    let read = key.and_then(|key| heard.read(&key, account_id, document_id, second));
    ensure!(!heard.is_read_with(front.key()?, account_id, SECRET), "it was wrapped again");
    Ok(match read {
        Some(plain) if plain.starts_with(SECRET) => Outcome::Succeeded,
        _ => Outcome::PassedOver,
    })
}
