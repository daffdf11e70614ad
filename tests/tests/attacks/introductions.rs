//! Whoever runs the server wants an owner to take somebody's word for a structure that is Mallory's.

use anyhow::{Result, ensure};
use reconnect_core::{error::Error, vault::Comparison};
use reconnect_format::{
    api::StructureFace,
    id::{DocumentId, StructureId},
    structure::StructureBody,
};
use reconnect_tests::{
    stage::Person,
    team::{Member, Team},
};

use crate::{
    giving::{give_again, judge, stage},
    lies::lie,
    mallory::{Front, Somebody, chain_of, show_chain, verified},
    pair::{Outcome, pairs},
};

pairs! {
    an_introduction_that_no_manager_signed: "forged" without [StructureSigner];
    an_introduction_that_was_withdrawn: "withheld" without [StructureLogged];
    a_word_of_a_structure_that_nobody_compared: "not_introduced" without [Introducer];
}

async fn compare(person: &mut Person, structure_id: StructureId) -> Result<()> {
    let code = structure_id.code();
    let Person { browser, vault, .. } = person;
    Ok(vault.compare_structure(browser, structure_id, Comparison::read(&code)).await?)
}

/// Takes the word, and gives, as the page does.
async fn give(
    owner: &mut Person,
    (structure_id, introducer): (StructureId, StructureId),
    document_id: DocumentId,
) -> Result<(), Error> {
    let Person { browser, vault, .. } = owner;
    vault.admit_structure(browser, structure_id, introducer).await?;
    give_again(owner, structure_id, document_id).await
}

/// A manager of a structure that the owner compared names a statement that nobody made: neither is
/// anything given, nor is the service blamed for it.
#[tokio::test]
async fn a_word_about_another_chain_stands_for_nobody() -> Result<()> {
    let (server, _team, mut owner, document_id) = stage().await?;
    let mallory = Somebody::new()?;
    let front = mallory.found("Maison de la Source", None)?;
    front.show(&server, &mallory).await?;
    let mut friend = mallory.found("Maison des amis", None)?;
    let (introduced, (sequence, _)) = (front.structure_id, front.head);
    let body = StructureBody::Introduce { introduced, sequence, head: [7; 32] };
    friend.links.push(mallory.says(friend.structure_id, friend.head, body));
    friend.show(&server, &mallory).await?;
    compare(&mut owner, friend.structure_id).await?;
    ensure!(owner.vault.introducers(&owner.browser, introduced).await?.is_empty());
    let outcome = give(&mut owner, (introduced, friend.structure_id), document_id).await;
    ensure!(outcome == Err(Error::NotIntroduced), "{outcome:?}");
    Ok(())
}

fn said(front: &Front) -> StructureBody {
    let (sequence, head) = front.head;
    StructureBody::Introduce { introduced: front.structure_id, sequence, head }
}

/// The chain of a structure that the owner compared goes on with Mallory's word for herself.
async fn an_introduction_that_no_manager_signed() -> Result<Outcome> {
    let (server, team, mut owner, document_id) = stage().await?;
    compare(&mut owner, team.structure_id).await?;
    let mallory = Somebody::new()?;
    let front = mallory.found("Maison de la Source", None)?;
    front.show(&server, &mallory).await?;
    let mut links = chain_of(&server, team.structure_id).await?;
    let head = verified(team.structure_id, &links)?.head();
    links.push(mallory.says(team.structure_id, head, said(&front)));
    show_chain(&server, team.structure_id, &links).await?;
    let names = (front.structure_id, team.structure_id);
    let outcome = give(&mut owner, names, document_id).await;
    judge(&server, &mut owner, outcome, (front.key()?, 0)).await
}

/// A manager introduced Mallory's structure, and took it back when they knew better; the owner is shown
/// the chain as it was between.
async fn an_introduction_that_was_withdrawn() -> Result<Outcome> {
    let (server, mut team, mut owner, document_id) = stage().await?;
    compare(&mut owner, team.structure_id).await?;
    let mallory = Somebody::new()?;
    let front = mallory.found("Maison de la Source", None)?;
    front.show(&server, &mallory).await?;
    let shown = introduce(&mut team, front.structure_id).await?;
    let Team { structure_id, manager: Member { person, desk }, .. } = &mut team;
    let Person { browser, vault, .. } = person;
    desk.withdraw_introduction(vault, browser, front.structure_id).await?;
    let path = format!("/v1/structures/{structure_id}");
    lie(&owner.browser, &path, move |_, face: &mut StructureFace| face.statements.truncate(shown));
    let names = (front.structure_id, *structure_id);
    let outcome = give(&mut owner, names, document_id).await;
    judge(&server, &mut owner, outcome, (front.key()?, 0)).await
}

/// How long the chain is with it.
async fn introduce(team: &mut Team, introduced: StructureId) -> Result<usize> {
    compare(&mut team.manager.person, introduced).await?;
    let Member { person: Person { browser, vault, .. }, desk } = &mut team.manager;
    desk.introduce(vault, browser, introduced).await?;
    let chain = vault.structure(browser, team.structure_id).await?;
    ensure!(chain.introduction(introduced).is_some());
    Ok(chain.hashes.len())
}

/// Both structures are Mallory's, and nobody compared either.
async fn a_word_of_a_structure_that_nobody_compared() -> Result<Outcome> {
    let (server, _team, mut owner, document_id) = stage().await?;
    let mallory = Somebody::new()?;
    let front = mallory.found("Maison de la Source", None)?;
    front.show(&server, &mallory).await?;
    let mut friend = mallory.found("Maison des amis", None)?;
    friend.show(&server, &mallory).await?;
    let word = mallory.says(friend.structure_id, friend.head, said(&front));
    friend.links.push(word);
    show_chain(&server, friend.structure_id, &friend.links).await?;
    let names = (front.structure_id, friend.structure_id);
    let outcome = give(&mut owner, names, document_id).await;
    judge(&server, &mut owner, outcome, (front.key()?, 0)).await
}
