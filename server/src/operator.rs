//! The operator's commands, which work beside a running server.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use reconnect_format::{Suite, id::StructureId, structure::Acceptance};

use crate::{
    clock::Clock,
    config::Config,
    db::Db,
    db::transaction,
    disk::Disk,
    error::Error,
    journal::{self, Record},
    secret::Secrets,
    wire::{id, to_row},
};

/// One structure, as the operator sees it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Which.
    pub structure_id: StructureId,
    /// As its founder wrote it.
    pub name: String,
    /// As its founder wrote it.
    pub place: String,
    /// Whether it was accepted.
    pub accepted: bool,
}

/// The database and the operator's key.
pub struct Operator {
    db: Db,
    secrets: Secrets,
    clock: Clock,
    journal: Option<PathBuf>,
}

impl Operator {
    /// Opens a data folder that a server has opened before.
    pub async fn open(mut config: Config, clock: Clock) -> anyhow::Result<Self> {
        config.check().map_err(anyhow::Error::msg)?;
        config.data = config
            .data
            .canonicalize()
            .with_context(|| format!("RECONNECT_DATA: no folder {}", config.data.display()))?;
        // Made anew, it would sign acceptances that no page believes.
        ensure!(
            config.data.join("secrets/operator.key").is_file(),
            "RECONNECT_DATA: no server has run on {}: the operator's key is not there",
            config.data.display()
        );
        let disk = Disk::new(&config.data, config.reserve_bytes);
        Ok(Self {
            db: Db::open_beside(&config.database, &config.data, &disk).await?,
            secrets: Secrets::open(&config.data)?,
            clock,
            journal: config.journal,
        })
    }

    /// All structures, by name.
    pub async fn list(&self) -> anyhow::Result<Vec<Listed>> {
        let rows: Vec<(Vec<u8>, String, String, i64)> = sqlx::query_as(
            "-- Operator::list
            select structure_id, name, place, case when acceptance is null then 0 else 1 end
            from structure order by searched, structure_id",
        )
        .fetch_all(self.db.reader())
        .await?;
        rows.into_iter()
            .map(|(structure, name, place, accepted)| {
                let structure_id = id(&structure).map_err(|error| anyhow::anyhow!("{error}"))?;
                Ok(Listed { structure_id, name, place, accepted: accepted == 1 })
            })
            .collect()
    }

    /// Accepts the structure with this id or code; it may be accepted already.
    pub async fn accept(&self, id_or_code: &str) -> anyhow::Result<Listed> {
        let listed = self.list().await?;
        let mut named = listed.into_iter().filter(|structure| {
            structure.structure_id.to_string() == id_or_code.trim()
                || structure.structure_id.has_code(id_or_code) == Some(true)
        });
        let Some(structure) = named.next() else { bail!("no structure has this id or code") };
        if named.next().is_some() {
            bail!("several structures have this code: give the id");
        }
        let acceptance = self.secrets.sign_as_operator(Acceptance {
            suite: Suite::V1,
            structure_id: structure.structure_id,
            accepted_at: self.clock.now(),
        });
        transaction!(self.db, "Operator::accept", |tx| {
            sqlx::query(
                "-- Operator::accept
                    update structure set acceptance = $1
                    where structure_id = $2 and acceptance is null",
            )
            .bind(acceptance.encode())
            .bind(structure.structure_id.as_bytes())
            .execute(&mut *tx)
            .await?;
            Ok::<_, Error>(())
        })
        .map_err(|error| anyhow::anyhow!("not accepted: {error}"))?;
        if let Some(folder) = &self.journal {
            let record = Record {
                at: self.clock.now(),
                caller: None,
                method: journal::ACCEPTED.to_owned(),
                path: structure.structure_id.to_string(),
                body: acceptance.encode().into(),
            };
            journal::keep_beside(folder, &record).context("accepted, and not journaled")?;
        }
        Ok(Listed { accepted: true, ..structure })
    }

    /// Ends the database's connections.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// The clock that acceptances are dated by, in seconds.
    pub fn now(&self) -> i64 {
        to_row(self.clock.now())
    }
}
