//! Whoever runs the server, perhaps with a grantee at their side, wants an owner to see other papers
//! than the ones that they put there.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    document::{Card, ChunkPlan, DocumentKind, open_content, seal_content},
    error::{Damaged, Error},
    secret::DocumentKey,
};
use reconnect_format::{
    api::{GrantOpened, Received, Sync},
    encode,
    envelope::{CHUNK_BYTES, PREFIX_BYTES, TAG_BYTES},
    id::{Base64, DocumentId},
    statement::{Body, Signer, Statement},
    tree,
};
use reconnect_tests::{
    collision::two_keys,
    stage::{Database, Person, Server, bytes, card, read, titles},
    team::Team,
};

use crate::{
    giving::works_on,
    lies::{answer_with, lie},
    mallory::{Front, Heard, Opened, Somebody, rng},
    pair::{Outcome, pairs},
};

pairs! {
    two_papers_exchanged: "damaged" without [DocumentWrapBinding, EnvelopeHeader, EnvelopeTree];
    the_keys_of_two_grants_exchanged: passed_over without [GrantWrapBinding, GrantCommitment, Fresh];
    content_that_a_grantee_sealed_anew: "damaged" without [EnvelopeTree];
    a_card_that_a_grantee_wrote_anew: "damaged" without [EnvelopeTree];
    chunks_in_another_order: "damaged" without [EnvelopeTree, ChunkPlace];
    one_ciphertext_with_two_meanings: "damaged" without [EnvelopeCommitment];
    an_older_version_in_one_session: passed_over without [SeenVersion, Fresh];
    a_version_that_its_owner_did_not_write: passed_over without [GrantOwner, LiveDevice];
    lengths_that_tell: passed_over without [Padding];
}

const DAMAGED: Error = Error::Damaged(Damaged);

async fn stage() -> Result<(Server, Person)> {
    let server = Server::on(Database::Sqlite).await?;
    let owner = server.person().await?;
    Ok((server, owner))
}

/// What somebody sees: the lie; or that it is damaged, beside what is not.
async fn judge(owner: &mut Person, seen: Result<bool, Error>) -> Result<Outcome> {
    match seen {
        Ok(true) => Ok(Outcome::Succeeded),
        Ok(false) => Ok(Outcome::PassedOver),
        Err(error) => {
            owner.browser.hear_the_truth();
            works_on(owner).await?;
            Ok(Outcome::Stopped(error))
        }
    }
}

/// Without any key: card, and wrap of the card's key, of one paper in the place of the other's.
async fn two_papers_exchanged() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let first = owner.add("Acte de naissance", b"birth").await?;
    let second = owner.add("Facture", b"bill").await?;
    let card_of = |id| owner.vault.manifest().document(id).map(|it| it.card.envelope_id);
    let envelopes = [card_of(first).context("a card")?, card_of(second).context("a card")?];
    let elsewhere = server.browser();
    lie(&elsewhere, "/v1/sync", move |_, sync: &mut Sync| {
        for card in &mut sync.cards {
            card.document_id = if card.document_id == first { second } else { first };
        }
        for wrap in &mut sync.wraps {
            if let Some(place) = envelopes.iter().position(|it| *it == wrap.envelope_id) {
                wrap.envelope_id = envelopes[1 - place];
            }
        }
    });
    let vault = owner.with_words(&elsewhere, true).await?;
    let shown = titles(&vault);
    ensure!(shown.len() == 2, "{shown:?}");
    let exchanged = vault.papers().iter().any(|paper| {
        paper.document_id == first && paper.card.is_ok_and(|card| card.title() == "Facture")
    });
    let damaged = shown.iter().all(|title| title == "(damaged)");
    judge(&mut owner, if damaged { Err(DAMAGED) } else { Ok(exchanged) }).await
}

/// Two owners gave to one structure. The server hands out the key of the one's grant with the other's,
/// so that its people would read the one's name and purpose over the other's papers.
async fn the_keys_of_two_grants_exchanged() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let mut team = Team::on(&server).await?;
    let mut other = server.person().await?;
    let first = owner.add("Bail", b"lease").await?;
    let first = owner.give(team.structure_id, &[first]).await?;
    let second = other.add("Bail", b"lease").await?;
    let second = other.give(team.structure_id, &[second]).await?;
    let heard = Heard::by(&server)?;
    let wraps = [heard.wrap_of(first)?, heard.wrap_of(second)?];
    for (grant_id, wrap) in [first, second].into_iter().zip(wraps.into_iter().rev()) {
        lie(
            team.worker.browser(),
            &format!("{grant_id}/list"),
            move |_, list: &mut GrantOpened| {
                list.recipient_wrap = Base64(wrap.clone());
            },
        );
    }
    let told = team.worker.received().await?.len();
    team.worker.browser().hear_the_truth();
    ensure!(team.worker.received().await?.len() == 2, "the truth is not read any more");
    works_on(&mut owner).await?;
    Ok(if told == 2 { Outcome::Succeeded } else { Outcome::PassedOver })
}

/// A grantee who holds the keys of what they were given, and works with the server.
async fn grantee(
    server: &Server,
    owner: &mut Person,
    document_id: DocumentId,
) -> Result<(Front, Heard)> {
    let mallory = Somebody::new()?;
    let front = mallory.found("Foyer", None)?;
    front.show(server, &mallory).await?;
    owner.give(front.structure_id, &[document_id]).await?;
    Ok((front, Heard::by(server)?))
}

fn opened(front: &Front, heard: &Heard) -> Result<Opened> {
    heard.opened_with(front.key()?).pop().context("the grant does not open")
}

/// The grantee has the key: other bytes, sealed under the very header and key of the owner's.
async fn content_that_a_grantee_sealed_anew() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let document_id = owner.add("Jugement", b"in favour").await?;
    let (front, heard) = grantee(&server, &mut owner, document_id).await?;
    let (_, named) = &heard.contents()[0];
    let key = heard.key_of(&opened(&front, &heard)?, document_id, named).context("no key")?;
    let mut bytes = heard.envelope(named.envelope_id)?;
    let plan = plan(&key, &bytes, named, &owner, document_id)?;
    bytes.truncate(PREFIX_BYTES);
    bytes.extend_from_slice(&plan.seal_chunk(0, b"against.."));
    answer_with(&owner.browser, "/content", bytes);
    let seen = owner.read(document_id).await.map(|plain| plain == b"against..");
    judge(&mut owner, seen).await
}

fn plan(
    key: &DocumentKey,
    bytes: &[u8],
    named: &reconnect_format::envelope::EnvelopeRef,
    owner: &Person,
    document_id: DocumentId,
) -> Result<ChunkPlan> {
    let prefix = bytes.get(..PREFIX_BYTES).context("too short")?;
    Ok(ChunkPlan::for_opening(key, prefix, named, owner.vault.account_id(), document_id)?)
}

/// The same for the card: another title, kind and date over the owner's paper.
async fn a_card_that_a_grantee_wrote_anew() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let document_id = owner.add("Passeport", b"passport").await?;
    let (front, heard) = grantee(&server, &mut owner, document_id).await?;
    let named = owner.vault.manifest().document(document_id).context("no card")?.card.clone();
    let key = heard.key_of(&opened(&front, &heard)?, document_id, &named).context("no key")?;
    let mut bytes = heard.small(named.envelope_id)?;
    let plan = plan(&key, &bytes, &named, &owner, document_id)?;
    let card = encode(&Card::new("Faux passeport", DocumentKind::Photo, "image/jpeg", 8, 1, 1)?);
    let counted = [&u32::try_from(card.len())?.to_be_bytes()[..], &card].concat();
    bytes.truncate(PREFIX_BYTES);
    bytes.extend_from_slice(&plan.seal_chunk(0, &counted));
    let elsewhere = server.browser();
    lie(&elsewhere, "/v1/sync", move |_, sync: &mut Sync| {
        for card in &mut sync.cards {
            card.envelope = Base64(bytes.clone());
        }
    });
    let vault = owner.with_words(&elsewhere, true).await?;
    let seen = match titles(&vault).as_slice() {
        [title] if title == "(damaged)" => Err(DAMAGED),
        shown => Ok(shown == ["Faux passeport"]),
    };
    judge(&mut owner, seen).await
}

/// Reordered, repeated, left out, cut short, and taken from another paper: none of it is read.
async fn chunks_in_another_order() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let content = bytes(1, 5 * CHUNK_BYTES as usize);
    let document_id = owner.add("Dossier", &content).await?;
    let other = owner.add("Autre", &bytes(2, 5 * CHUNK_BYTES as usize)).await?;
    let heard = Heard::by(&server)?;
    let envelope = |id| -> Result<Vec<u8>> {
        let record = owner.vault.manifest().document(id).context("no record")?;
        heard.envelope(record.content.envelope_id)
    };
    let (mine, theirs) = (envelope(document_id)?, envelope(other)?);
    let chunks = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let sealed = bytes.get(PREFIX_BYTES..).unwrap_or_default();
        sealed.chunks((CHUNK_BYTES + TAG_BYTES) as usize).map(<[u8]>::to_vec).collect()
    };
    let (own, foreign) = (chunks(&mine), chunks(&theirs));
    let mut tries: Vec<Vec<&Vec<u8>>> = Vec::new();
    let straight: Vec<_> = own.iter().collect();
    for one in 0..own.len() {
        for two in 0..own.len() {
            let mut order = straight.clone();
            order.swap(one, two);
            let repeated =
                straight.iter().enumerate().map(|(i, it)| if i == one { &own[two] } else { *it });
            let spliced = straight
                .iter()
                .enumerate()
                .map(|(i, it)| if i == one { &foreign[two] } else { *it });
            tries.extend([order, repeated.collect(), spliced.collect()]);
        }
        tries.push(straight[..one].to_vec());
        tries.push(straight[one + 1..].to_vec());
    }
    tries.retain(|order| *order != straight);
    ensure!(tries.len() > 50, "{} tries", tries.len());
    let reading = owner.vault.reading(document_id)?;
    let mut read = 0;
    for order in tries {
        let chunks: Vec<u8> = order.into_iter().flatten().copied().collect();
        let prefix = mine.get(..PREFIX_BYTES).unwrap_or_default();
        if let Ok(plain) = reading.open(&[prefix, &chunks].concat()) {
            ensure!(*plain != content, "it was the owner's after all");
            read += 1;
        }
    }
    ensure!(*reading.open(&mine)? == content);
    judge(&mut owner, if read > 0 { Ok(true) } else { Err(DAMAGED) }).await
}

/// AES-GCM does not commit to its key: an owner who works with the server could give two structures
/// one document that says two things, each under a key of its own.
async fn one_ciphertext_with_two_meanings() -> Result<Outcome> {
    let (_server, mut owner) = stage().await?;
    let (account_id, document_id) = (owner.vault.account_id(), DocumentId([5; 16]));
    let keys = [DocumentKey::generate(&mut rng()), DocumentKey::generate(&mut rng())];
    let plan = ChunkPlan::for_content(&keys[0], account_id, document_id, 1, 16_384, &mut rng());
    let prefix = plan.prefix();
    let named = plan.name(reconnect_format::id::EnvelopeId([6; 16]), &[]);
    let other = {
        let _hers = reconnect_format::switch::without(&[
            reconnect_format::switch::Check::EnvelopeCommitment,
        ]);
        ChunkPlan::for_opening(&keys[1], &prefix, &named, account_id, document_id)?
    };
    let payloads = [plan.payload_key(), other.payload_key()];
    let sealed = two_keys(payloads, plan.nonce(0), plan.associated(), vec![[7; 16]; 1024])?;
    let named = plan.name(named.envelope_id, &[tree::leaf_hash(&sealed)]);
    let bytes = [prefix, sealed].concat();
    let open = |key| open_content(key, &bytes, &named, account_id, document_id, 16_384);
    let first = open(&keys[0])?;
    let seen = open(&keys[1]).map(|second| *second != *first).map_err(Error::from);
    judge(&mut owner, seen).await
}

/// A worker saw the second version; then the server shows them the first again.
async fn an_older_version_in_one_session() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let mut team = Team::on(&server).await?;
    let document_id = owner.add("Bail", b"the old one").await?;
    let grant_id = owner.give(team.structure_id, &[document_id]).await?;
    ensure!(team.worker.received().await?.len() == 1);
    let list = format!("/v1/received/{grant_id}/list");
    let old = {
        let recording = server.recording().borrow();
        let asked = recording.iter().rfind(|it| it.head.contains(&list)).context("no list")?;
        asked.answer.body.clone()
    };
    owner.vault.add(&owner.browser, Some(document_id), b"the new one", &card("Bail")).await?;
    ensure!(team.worker.received().await?[0].documents[0].version == 2);
    answer_with(team.worker.browser(), &list, old);
    lie(team.worker.browser(), "/v1/received", |path, list: &mut Received| {
        if path == "/v1/received" {
            list.grants.iter_mut().for_each(|grant| grant.owner_sequence += 1);
        }
    });
    let told = team.worker.received().await?;
    let stale = told.first().is_some_and(|gift| gift.documents[0].version == 1);
    team.worker.browser().hear_the_truth();
    ensure!(team.worker.received().await?[0].documents[0].version == 2);
    works_on(&mut owner).await?;
    Ok(if stale { Outcome::Succeeded } else { Outcome::PassedOver })
}

/// A statement about the paper that was given, signed by Mallory's device and not by its owner's.
async fn a_version_that_its_owner_did_not_write() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let mut team = Team::on(&server).await?;
    let document_id = owner.add("Bail", b"lease").await?;
    let grant_id = owner.give(team.structure_id, &[document_id]).await?;
    let mallory = Somebody::new()?;
    let account_id = owner.vault.account_id();
    let planted = seal_content(b"planted", account_id, document_id, 9, &mut rng());
    let record = owner.vault.manifest().document(document_id).context("no record")?;
    let body = Body::PutVersion {
        document_id,
        content: planted.named,
        card: record.card.clone(),
        thumbnail: None,
    };
    let device = Signer::Device { device_id: mallory.device_id };
    let said = mallory.attest::<Statement>(owner.vault.manifest().next(device, body, 1, [3; 16]));
    lie(team.worker.browser(), &format!("{grant_id}/list"), move |_, list: &mut GrantOpened| {
        list.documents[0].version = Base64(said.encode());
    });
    let told = team.worker.received().await?;
    let believed = told.first().is_some_and(|gift| gift.documents[0].version == 9);
    team.worker.browser().hear_the_truth();
    ensure!(believed || team.worker.received().await?[0].documents[0].version == 1);
    works_on(&mut owner).await?;
    Ok(if believed { Outcome::Succeeded } else { Outcome::PassedOver })
}

/// Two papers of nearly the same length: whoever reads the wire sees two of one size.
async fn lengths_that_tell() -> Result<Outcome> {
    let (server, mut owner) = stage().await?;
    let mut seen = Vec::new();
    for (title, length) in [("Bail", 20_000), ("Attestation de droits", 20_400)] {
        let from = server.recording().borrow().len();
        let document_id = owner.add(title, &bytes(3, length)).await?;
        let vault = owner.with_sheet(&server.browser(), false).await?;
        ensure!(read(&vault, &owner.browser, document_id).await?.len() == length);
        let recording = server.recording().borrow();
        let sizes = recording[from..]
            .iter()
            .filter(|it| it.head.starts_with("PUT") || it.head.contains("/content"));
        seen.push(sizes.map(|it| (it.sent.len(), it.answer.body.len())).collect::<Vec<_>>());
    }
    ensure!(seen[0].len() >= 3, "nothing was uploaded");
    Ok(if seen[0] == seen[1] { Outcome::PassedOver } else { Outcome::Succeeded })
}
