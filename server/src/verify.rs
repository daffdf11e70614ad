//! The scrub: everything that is stored is read, and compared with what was hashed and signed when it came. It works
//! beside a running server; what goes away meanwhile is no damage.

use std::fmt;

use anyhow::{Context as _, ensure};
use reconnect_format::{
    envelope::{
        CHUNK_BYTES, EnvelopeHeader, EnvelopeKind, EnvelopeRef, HEADER_BYTES, TAG_BYTES,
        check_whole,
    },
    id::{AccountId, EnvelopeId, StructureId},
    manifest::Manifest,
    structure::StructureChain,
    tree,
};

use crate::{
    blob::Blobs,
    chains,
    config::{Config, DatabaseUrl},
    db::{Db, Snapshot},
    disk::Disk,
    error::{Error, Result},
    log::Log,
    object,
    secret::{FILES, Secrets},
    wire::id,
};

/// What was looked at, and what is damaged.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Safes whose chains were folded.
    pub safes: u64,
    /// Structures whose chains were folded.
    pub structures: u64,
    /// Envelopes that a statement names.
    pub envelopes: u64,
    /// Bytes of sealed content that were read.
    pub bytes: u64,
    /// What is not as it was when it came, by its place.
    pub damage: Vec<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { safes, structures, envelopes, bytes, damage } = self;
        for place in damage {
            writeln!(f, "damaged: {place}")?;
        }
        write!(
            f,
            "{safes} safes, {structures} structures, {envelopes} envelopes, {bytes} bytes of content, \
             the log: {} damaged",
            damage.len()
        )
    }
}

/// Looks at everything in a data folder and its database.
pub async fn verify(mut config: Config) -> anyhow::Result<Found> {
    config.check().map_err(anyhow::Error::msg)?;
    let folder = || format!("RECONNECT_DATA: no folder {}", config.data.display());
    config.data = config.data.canonicalize().with_context(folder)?;
    if config.database == DatabaseUrl::Sqlite {
        // Opened, it would be made.
        let file = config.data.join("reconnect.sqlite");
        ensure!(file.is_file(), "RECONNECT_DATA: no database {}", file.display());
    }
    let disk = Disk::new(&config.data, config.reserve_bytes);
    let db = Db::open_beside(&config.database, &config.data, &disk).await?;
    let mut scrub = Scrub { db, blobs: Blobs::beside(&config)?, found: Found::default() };
    let looked = scrub.look(&config).await;
    scrub.db.close().await;
    looked.map_err(|error| anyhow::anyhow!("not everything could be read: {error}"))?;
    Ok(scrub.found)
}

struct Scrub {
    db: Db,
    blobs: Blobs,
    found: Found,
}

impl Scrub {
    async fn look(&mut self, config: &Config) -> Result<()> {
        for line in self.db.check().await? {
            self.found.damage.push(format!("the database: {line}"));
        }
        self.log(config);
        self.parts().await?;
        let safes = "-- Scrub::look\nselect account_id from account order by account_id";
        for account in self.ids(safes).await? {
            self.safe(id(&account)?).await?;
        }
        let structures = "-- Scrub::look\nselect structure_id from structure order by structure_id";
        for structure in self.ids(structures).await? {
            self.structure(id(&structure)?).await?;
        }
        Ok(())
    }

    /// The log replays, under the server's key. Secrets that are not there are said, and not made anew.
    fn log(&mut self, config: &Config) {
        let folder = config.data.join("secrets");
        let gone = FILES.into_iter().filter(|name| !folder.join(name).is_file());
        let gone: Vec<_> = gone.map(|name| format!("secrets/{name}: it is not there")).collect();
        if !gone.is_empty() {
            return self.found.damage.extend(gone);
        }
        let secrets = Secrets::open(&config.data);
        if let Err(error) = secrets.and_then(|secrets| Log::open(config, &secrets).map(drop)) {
            self.found.damage.push(format!("the log: {error:#}"));
        }
    }

    async fn ids(&self, statement: &'static str) -> Result<Vec<Vec<u8>>> {
        Ok(sqlx::query_scalar(statement).fetch_all(self.db.reader()).await?)
    }

    /// Every part that has a row, chunk by chunk.
    async fn parts(&mut self) -> Result<()> {
        const PAGE: i64 = 500;
        let (mut envelope, mut index) = (Vec::new(), -1);
        loop {
            let page: Vec<(Vec<u8>, i64, Vec<u8>)> = sqlx::query_as(
                "-- Scrub::parts
                select envelope_id, part_index, leaves from part
                where envelope_id > $1 or (envelope_id = $1 and part_index > $2)
                order by envelope_id, part_index limit $3",
            )
            .bind(envelope.clone())
            .bind(index)
            .bind(PAGE)
            .fetch_all(self.db.reader())
            .await?;
            let Some((last, last_index, _)) = page.last() else { return Ok(()) };
            (envelope, index) = (last.clone(), *last_index);
            for (of, part, leaves) in page {
                self.part(id(&of)?, part, leaves).await?;
            }
        }
    }

    async fn part(&mut self, envelope_id: EnvelopeId, index: i64, leaves: Vec<u8>) -> Result<()> {
        let why = match self.hashes(envelope_id, index).await {
            Ok((bytes, hashes)) => {
                self.found.bytes += bytes;
                if hashes == leaves {
                    return Ok(());
                }
                "is not what came".to_owned()
            }
            // The object store may be away: that is no damage.
            Err(error @ Error::Wait(..)) => return Err(error),
            Err(error) => error.to_string(),
        };
        let there: Option<i64> = sqlx::query_scalar(
            "-- Scrub::part
            select part_index from part where envelope_id = $1 and part_index = $2",
        )
        .bind(envelope_id.as_bytes())
        .bind(index)
        .fetch_optional(self.db.reader())
        .await?;
        if there.is_some() {
            self.found.damage.push(format!("blobs/{envelope_id}/{index}: {why}"));
        }
        Ok(())
    }

    /// How many bytes a part has, and the hashes of its chunks.
    async fn hashes(&self, envelope_id: EnvelopeId, index: i64) -> Result<(u64, Vec<u8>)> {
        let index = u32::try_from(index).map_err(|_| Error::Broken("a part has no number"))?;
        let prefix: Option<Vec<u8>> = sqlx::query_scalar(
            "-- Scrub::hashes
            select prefix from envelope where envelope_id = $1",
        )
        .bind(envelope_id.as_bytes())
        .fetch_optional(self.db.reader())
        .await?;
        let header = prefix.as_deref().and_then(|prefix| prefix.get(..HEADER_BYTES));
        let header = header.and_then(|bytes| EnvelopeHeader::decode(bytes).ok());
        let whole = header.ok_or(Error::Broken("its envelope's header is gone"))?.part_bytes(index);
        let part = object::find(envelope_id, index, (self.blobs.bucket(), &self.db)).await?;
        let mut reading = self.blobs.open_part(part, 0..whole).await?;
        let (mut bytes, mut hashes) = (0, Vec::new());
        while bytes < whole {
            let count = (whole - bytes).min((CHUNK_BYTES + TAG_BYTES).into());
            let (rest, chunk) = reading.ahead(count).read().await?;
            hashes.extend_from_slice(&tree::leaf_hash(&chunk));
            (reading, bytes) = (rest, bytes + count);
        }
        Ok((bytes, hashes))
    }

    /// A safe: its chain, and every envelope that the chain names.
    async fn safe(&mut self, account_id: AccountId) -> Result<()> {
        let mut snapshot = self.db.snapshot().await?;
        let head: Option<Vec<u8>> =
            sqlx::query_scalar("-- Scrub::safe\nselect head from account where account_id = $1")
                .bind(account_id.as_bytes())
                .fetch_optional(&mut *snapshot)
                .await?;
        let Some(head) = head else { return Ok(()) };
        let chain: Vec<Vec<u8>> = sqlx::query_scalar(
            "-- Scrub::safe
            select bytes from statement where account_id = $1 order by sequence",
        )
        .bind(account_id.as_bytes())
        .fetch_all(&mut *snapshot)
        .await?;
        self.found.safes += 1;
        let folded = tokio::task::spawn_blocking(move || {
            Manifest::replay(chain.iter().map(Vec::as_slice)).map(|(manifest, _)| manifest)
        });
        let folded = folded.await.map_err(|_| Error::Broken("a chain could not be folded"))?;
        let manifest =
            folded.ok().filter(|it| it.account_id() == account_id && it.head()[..] == head);
        let Some(manifest) = manifest else {
            self.found.damage.push(format!("the statements of safe {account_id}"));
            return Ok(());
        };
        for (_, document) in manifest.documents() {
            let named =
                [Some(&document.content), Some(&document.card), document.thumbnail.as_ref()];
            for named in named.into_iter().flatten() {
                self.found.envelopes += 1;
                if !is_stored(named, &mut snapshot).await? {
                    self.found.damage.push(format!("envelope {}", named.envelope_id));
                }
            }
        }
        Ok(())
    }

    async fn structure(&mut self, structure_id: StructureId) -> Result<()> {
        let mut snapshot = self.db.snapshot().await?;
        let rows = chains::rows_from(structure_id, 1, &mut snapshot).await?;
        self.found.structures += 1;
        let verified = tokio::task::spawn_blocking(move || {
            StructureChain::verify(structure_id, rows.iter().map(Vec::as_slice)).is_ok()
        });
        if !verified.await.unwrap_or(false) {
            self.found.damage.push(format!("the statements of structure {structure_id}"));
        }
        Ok(())
    }
}

/// Whether the database has of an envelope what the statement that names it says.
async fn is_stored(named: &EnvelopeRef, snapshot: &mut Snapshot) -> Result<bool> {
    let row: Option<(Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(
        "-- verify::is_stored
        select prefix, whole from envelope where envelope_id = $1",
    )
    .bind(named.envelope_id.as_bytes())
    .fetch_optional(&mut **snapshot)
    .await?;
    let Some((prefix, whole)) = row else { return Ok(false) };
    if named.kind != EnvelopeKind::Content {
        return Ok(whole.is_some_and(|whole| check_whole(&whole, named).is_ok()));
    }
    let leaves: Vec<Vec<u8>> = sqlx::query_scalar(
        "-- verify::is_stored
        select leaves from part where envelope_id = $1 order by part_index",
    )
    .bind(named.envelope_id.as_bytes())
    .fetch_all(&mut **snapshot)
    .await?;
    let hashes: Vec<[u8; 32]> = std::iter::once(tree::leaf_hash(&prefix))
        .chain(leaves.concat().as_chunks::<32>().0.iter().copied())
        .collect();
    Ok(tree::root(&hashes) == named.tree_root)
}
