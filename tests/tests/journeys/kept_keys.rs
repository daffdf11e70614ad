//! Somebody who left kept every secret that they ever had, and whoever runs the server gives them a
//! full copy of database and blobs: every key is tried on everything.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use reconnect_core::{
    document::{ChunkPlan, open_card, open_thumbnail},
    grant::{open_as_recipient, unwrap_document},
    key::RecipientKey,
    secret::{DocumentKey, GrantKey},
    vault::Kept,
};
use reconnect_format::{
    Unverified,
    envelope::{CHUNK_BYTES, EnvelopeKind, EnvelopeRef, PREFIX_BYTES, TAG_BYTES},
    grant::{GrantTerms, WrapBinding},
    id::{AccountId, DocumentId, EnvelopeId, GrantId, StructureId},
    statement::{Body, Statement},
    structure::{StructureChain, verify_certificate},
};
use reconnect_tests::{
    dump,
    stage::{Person, Server, bytes, card},
    team::{Member, Team},
};

super::on_both_databases! { every_kept_key_opens_nothing_that_came_later }

/// Everything that a server holds, read as whoever took it would read it.
struct Copy {
    grants: Vec<Given>,
    /// What was wrapped to a structure, by grant: in force, waiting or refused.
    recipient_wraps: Vec<(GrantId, Vec<u8>)>,
    /// Envelopes that statements name, by whom, of which document.
    envelopes: BTreeMap<EnvelopeId, (AccountId, DocumentId, EnvelopeRef, Vec<u8>)>,
    document_wraps: Vec<(GrantId, EnvelopeId, Vec<u8>)>,
    histories: Vec<Vec<u8>>,
    commits: Vec<Vec<u8>>,
    chain: StructureChain,
    certificates: Vec<Vec<u8>>,
}

impl Copy {
    async fn take(server: &Server, structure_id: StructureId) -> Result<Self> {
        let mut tx = dump::connect(server.config()).await?;
        let statements: Vec<Vec<u8>> =
            sqlx::query_scalar("select bytes from statement").fetch_all(&mut tx).await?;
        let (grants, named) = said(&statements)?;
        let mut envelopes = BTreeMap::new();
        for (owner, document_id, named) in named {
            let row: Option<(Vec<u8>, Option<Vec<u8>>)> =
                sqlx::query_as("select prefix, whole from envelope where envelope_id = $1")
                    .bind(named.envelope_id.as_bytes())
                    .fetch_optional(&mut tx)
                    .await?;
            // What was replaced is gone.
            let Some((prefix, whole)) = row else { continue };
            let bytes = match whole {
                Some(whole) => whole,
                None => [prefix, blob(server, named.envelope_id).await?].concat(),
            };
            envelopes.insert(named.envelope_id, (owner, document_id, named, bytes));
        }
        let wraps: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "select grant_id, recipient_wrap from granted where recipient_wrap is not null
            union all select grant_id, wrap from rewrap where wrap is not null",
        )
        .fetch_all(&mut tx)
        .await?;
        let document_wraps: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> =
            sqlx::query_as("select grant_id, envelope_id, wrap from wrap")
                .fetch_all(&mut tx)
                .await?;
        let histories = sqlx::query_scalar(
            "select history from structure where structure_id = $1
            union all select bytes from recovery where structure_id = $1",
        )
        .bind(structure_id.as_bytes());
        let commits = sqlx::query_scalar("select bytes from mls_commit order by mls_epoch");
        let links: Vec<Vec<u8>> =
            sqlx::query_scalar("select bytes from structure_statement order by sequence")
                .fetch_all(&mut tx)
                .await?;
        Ok(Self {
            grants,
            recipient_wraps: wraps
                .into_iter()
                .map(|(grant_id, wrap)| Ok((grant_id.as_slice().try_into()?, wrap)))
                .collect::<Result<_>>()?,
            envelopes,
            document_wraps: document_wraps
                .into_iter()
                .map(|(grant_id, envelope_id, wrap)| {
                    let grant_id = grant_id.as_slice().try_into()?;
                    Ok((grant_id, envelope_id.as_slice().try_into()?, wrap))
                })
                .collect::<Result<_>>()?,
            histories: histories.fetch_all(&mut tx).await?,
            commits: commits.fetch_all(&mut tx).await?,
            chain: StructureChain::verify(structure_id, links.iter().map(Vec::as_slice))?,
            certificates: sqlx::query_scalar("select bytes from certificate")
                .fetch_all(&mut tx)
                .await?,
        })
    }

    /// Everything that these keys open, and what they give to open: every key on every wrap and every
    /// envelope, whatever each is said to belong to, until nothing more comes of it.
    fn open_with(&self, recipient_keys: &[RecipientKey], grant_keys: &[GrantKey]) -> Opened {
        let mut opened = Opened::default();
        let mut from_wraps = Vec::new();
        for key in recipient_keys {
            for (_, wrap) in &self.recipient_wraps {
                for (terms, hash) in &self.grants {
                    opened.tried += 1;
                    if let Ok(secret) = open_as_recipient(wrap, *hash, terms, key) {
                        from_wraps.push(secret.key());
                    }
                }
            }
        }
        opened.grant_keys = from_wraps.len();
        let mut document_keys = Vec::new();
        for key in grant_keys.iter().chain(&from_wraps) {
            for (_, _, wrap) in &self.document_wraps {
                for (terms, _) in &self.grants {
                    for (_, document_id, named, _) in self.envelopes.values() {
                        let binding = WrapBinding::new(terms.grant_id, *document_id, named);
                        opened.tried += 1;
                        document_keys.extend(unwrap_document(wrap, key, &binding).ok());
                    }
                }
            }
        }
        for key in &document_keys {
            for envelope in self.envelopes.values() {
                opened.tried += 1;
                opened.plain.extend(read(key, envelope));
            }
        }
        opened
    }
}

/// What owners gave, with the hash of what they said, and envelopes that they named.
fn said(statements: &[Vec<u8>]) -> Result<(Vec<Given>, Vec<Named>)> {
    let (mut grants, mut named) = (Vec::new(), Vec::new());
    for bytes in statements {
        let signed = Unverified::<Statement>::decode(bytes)?;
        let statement = signed.claim().clone();
        if let Some(terms) = statement.body.grant_terms() {
            grants.push((terms.clone(), signed.hash()));
        }
        match statement.body {
            Body::PutVersion { document_id, content, card, thumbnail } => {
                let all = [Some(content), Some(card), thumbnail].into_iter().flatten();
                named.extend(all.map(|it| (statement.account_id, document_id, it)));
            }
            Body::PutCard { document_id, card } => {
                named.push((statement.account_id, document_id, card));
            }
            _ => {}
        }
    }
    Ok((grants, named))
}

/// What was given, and the hash of the statement that said so.
type Given = (GrantTerms, [u8; 32]);
/// Whose envelope, of which document.
type Named = (AccountId, DocumentId, EnvelopeRef);

/// What came of trying.
#[derive(Default)]
struct Opened {
    tried: usize,
    grant_keys: usize,
    /// The first bytes of contents, and titles.
    plain: BTreeSet<Vec<u8>>,
}

async fn blob(server: &Server, envelope_id: EnvelopeId) -> Result<Vec<u8>> {
    let mut parts = server.blobs().await?;
    parts.retain(|part| part.name.starts_with(&envelope_id.to_string()));
    parts.sort_by(|one, other| one.name.cmp(&other.name));
    anyhow::ensure!(!parts.is_empty(), "no blob {envelope_id}");
    let mut whole = Vec::new();
    for part in parts {
        whole.extend(server.store()?.read(&part).await?);
    }
    Ok(whole)
}

fn read(
    key: &DocumentKey,
    (owner, document_id, named, bytes): &(AccountId, DocumentId, EnvelopeRef, Vec<u8>),
) -> Option<Vec<u8>> {
    match named.kind {
        EnvelopeKind::Card => {
            let card = open_card(key, bytes, named, *owner, *document_id).ok()?;
            Some(card.title().as_bytes().to_vec())
        }
        EnvelopeKind::Thumbnail => {
            Some(open_thumbnail(key, bytes, named, *owner, *document_id).ok()?.to_vec())
        }
        EnvelopeKind::Content => {
            let (prefix, chunks) = bytes.split_at_checked(PREFIX_BYTES)?;
            let plan = ChunkPlan::for_opening(key, prefix, named, *owner, *document_id).ok()?;
            let first = chunks.chunks((CHUNK_BYTES + TAG_BYTES) as usize).next()?;
            let opened = plan.open_chunk(0, first).ok()?;
            opened.get(..SHOWN).map(<[u8]>::to_vec)
        }
    }
}

/// Bytes of a content that say which it is.
const SHOWN: usize = 32;

fn start(seed: u64) -> Vec<u8> {
    bytes(seed, SHOWN)
}

/// Opens every grant, and takes every secret along.
async fn leave_with_everything(member: &mut Member) -> Result<Kept> {
    let gifts = member.received().await?;
    ensure!(!gifts.is_empty());
    Ok(member.desk.keep_everything(&member.person.vault)?)
}

async fn every_kept_key_opens_nothing_that_came_later(server: Server) -> Result<()> {
    let mut team = Box::pin(Team::on(&server)).await?;
    let mut stays = team.manager.admit(server.person().await?, "Nour").await?;
    team.worker.settle().await?;
    let structure_id = team.structure_id;
    let (mut owner, mut silent) = (server.person().await?, server.person().await?);
    let passport = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let letter = owner.add("Lettre", &bytes(2, 20_000)).await?;
    let photo = owner.add("Photo", &bytes(3, 20_000)).await?;
    owner.give(structure_id, &[passport, letter]).await?;
    owner.give(structure_id, &[photo]).await?;
    let rent = silent.add("Loyer", &bytes(4, 20_000)).await?;
    silent.give(structure_id, &[rent]).await?;

    // The worker has opened all of it but what the silent owner gave after that.
    let mut kept = leave_with_everything(&mut team.worker).await?;
    let later = silent.add("Bail", &bytes(5, 20_000)).await?;
    silent.give(structure_id, &[later]).await?;
    let before = Copy::take(&server, structure_id).await?;
    let had = before.open_with(&kept.recipient_keys, &kept.grant_keys);
    for seed in 1..=5 {
        ensure!(had.plain.contains(&start(seed)), "{seed}: the procedure opens what they had");
    }

    team.manager.put_out(2).await?;
    stays.settle().await?;
    // Something new, a new version, another key; the silent owner writes nothing.
    let Person { browser, vault, .. } = &mut owner;
    let new = vault.add(browser, None, &bytes(6, 20_000), &card("Neuf")).await?;
    vault.add(browser, Some(passport), &bytes(7, 20_000), &card("Passeport neuf")).await?;
    vault.rename(browser, letter, "Lettre neuve").await?;
    vault.change_key(browser, photo).await?;
    owner.give(structure_id, &[new]).await?;
    let untouched = Copy::take(&server, structure_id).await?;
    let seeds_alone = untouched.open_with(&kept.recipient_keys, &[]);
    ensure!(seeds_alone.plain.contains(&start(5)), "a kept seed opens what is not wrapped again");

    for member in [&mut team.manager, &mut stays] {
        let done = member.renew().await?;
        ensure!(done.renewed == done.all && done.left == 0, "{done:?}");
    }
    server.app().sweep().await?;
    let copy = Copy::take(&server, structure_id).await?;

    // With every key that was kept, the group's state, and what follows from them.
    let certificates = copy.certificates.iter().map(|it| verify_certificate(it, &copy.chain));
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>()?;
    for history in &copy.histories {
        let public = (&copy.chain, certificates.as_slice());
        ensure!(!kept.open_history(history, &copy.commits, public), "the history opened");
    }
    let read = copy.open_with(&kept.recipient_keys, &kept.grant_keys);
    ensure!(read.tried > 1000 && read.grant_keys == 0, "{} {}", read.tried, read.grant_keys);
    for seed in [5, 6, 7] {
        ensure!(!read.plain.contains(&start(seed)), "{seed} opened");
    }
    for title in ["Neuf", "Passeport neuf", "Lettre neuve", "Bail"] {
        ensure!(!read.plain.contains(title.as_bytes()), "{title} opened");
    }
    // Whose key was changed is there and closed; what the silent owner had given they had opened, and
    // its grant's key they kept: the page and SECURITY.md say so.
    ensure!(!read.plain.contains(&start(3)) && !read.plain.contains("Photo".as_bytes()));
    let left: BTreeSet<_> =
        [start(4), b"Loyer".to_vec(), b"a small picture of Loyer".to_vec()].into_iter().collect();
    ensure!(read.plain == left, "{:?}", read.plain.len());
    // The seeds alone, of somebody who had opened nothing, open nothing at all.
    ensure!(copy.open_with(&kept.recipient_keys, &[]).plain.is_empty());

    // The same procedure with the keys of somebody who is there opens everything.
    stays.received().await?;
    let present = stays.desk.keep_everything(&stays.person.vault)?;
    let all = copy.open_with(&present.recipient_keys, &[]);
    for seed in [2, 3, 4, 5, 6, 7] {
        ensure!(all.plain.contains(&start(seed)), "{seed} does not open");
    }
    for title in ["Neuf", "Passeport neuf", "Lettre neuve", "Photo", "Loyer", "Bail"] {
        ensure!(all.plain.contains(title.as_bytes()), "{title} does not open");
    }
    Ok(())
}
