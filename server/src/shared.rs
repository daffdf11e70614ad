//! What servers on one database have in common: their secrets, and the bucket.
//!
//! A start looks at it before anybody is answered. With a folder there is one server, and nothing to compare
//! but that the content is where the database has it.

use anyhow::{bail, ensure};

use crate::{
    app::App,
    blob::Bucket,
    db::transaction,
    error::{Error, Result},
};

/// Looks at what this server shares with others.
pub(crate) async fn claim(app: &App) -> anyhow::Result<()> {
    let failed = |error: Error| anyhow::anyhow!("what servers share could not be read: {error}");
    let Some(bucket) = app.blobs.bucket() else {
        ensure!(
            !is_in_bucket(app).await.map_err(failed)?,
            "RECONNECT_BLOBS is `folder`, but the content that this database names is in a bucket: name it"
        );
        return Ok(());
    };
    let others = other_secrets(app).await.map_err(failed)?;
    ensure!(
        others.is_empty(),
        "{} in RECONNECT_DATA: not those of the servers that run on this database. Copy the folder \
         `secrets` from one of them, whole, and start again. If theirs are lost for good, run \
         `delete from secret_mark` on the database, and give these to all of them",
        others.join(", ")
    );
    let (parts, named) = stored(app).await.map_err(failed)?;
    ensure!(
        !parts || named,
        "RECONNECT_BLOBS names a bucket, but the content that this database names is in a folder"
    );
    mark(bucket, app).await
}

/// Names of files whose content is not that of the others. Whoever is first says what it is.
async fn other_secrets(app: &App) -> Result<Vec<String>> {
    let own = app.secrets.marks();
    let known: Vec<(String, Vec<u8>)> = transaction!(app.db, "shared::other_secrets", |tx| {
        for (name, mark) in &own {
            sqlx::query(
                "-- shared::other_secrets
                insert into secret_mark (name, mark) values ($1, $2) on conflict do nothing",
            )
            .bind(*name)
            .bind(mark.as_slice())
            .execute(&mut *tx)
            .await?;
        }
        let known = sqlx::query_as(
            "-- shared::other_secrets\nselect name, mark from secret_mark order by name",
        )
        .fetch_all(&mut *tx)
        .await?;
        Ok(known)
    })?;
    let is_own = |name: &str, mark: &[u8]| own.iter().any(|own| own.0 == name && own.1 == mark);
    let others = known.into_iter().filter(|(name, mark)| !is_own(name, mark));
    Ok(others.map(|(name, _)| format!("secrets/{name}")).collect())
}

async fn is_in_bucket(app: &App) -> Result<bool> {
    let count: i64 =
        sqlx::query_scalar("-- shared::is_in_bucket\nselect count(*) from installation")
            .fetch_one(app.db.reader())
            .await?;
    Ok(count > 0)
}

/// Whether there is content, and whether the first of it has an object: all of it has, or nothing.
async fn stored(app: &App) -> Result<(bool, bool)> {
    let part: Option<i64> = sqlx::query_scalar(
        "-- shared::stored
        select case when exists (select 1 from object o where o.envelope_id = p.envelope_id
            and o.part_index = p.part_index and o.counts = 1) then 1 else 0 end
        from part p limit 1",
    )
    .fetch_optional(app.db.reader())
    .await?;
    Ok((part.is_some(), part == Some(1)))
}

/// Database and bucket belong together: each holds the same random mark.
async fn mark(bucket: &Bucket, app: &App) -> anyhow::Result<()> {
    let failed = |error: Error| anyhow::anyhow!("RECONNECT_BLOBS: bucket or database: {error}");
    let found = bucket.get(&[MARK]).await.map_err(failed)?;
    let parts = stored(app).await.map_err(failed)?.0;
    let mut drawn = [0; 32];
    getrandom::fill(&mut drawn).map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    let mark = known(drawn, app).await.map_err(failed)?;
    match found {
        Some(found) if found == mark => {}
        // A start that ended between the two left a row, and no content.
        None if !parts => {}
        Some(_) => bail!(
            "RECONNECT_BLOBS belongs to another database than RECONNECT_DATABASE: its object \
             `installation` says so"
        ),
        None => bail!(
            "RECONNECT_BLOBS is not the bucket of this database: it has no object `installation`. Name \
             the right bucket and prefix"
        ),
    }
    // Written at each start: that also says whether the bucket takes what it has to keep.
    let keeps_versions = bucket.put(&[MARK], mark).await.map_err(failed)?;
    ensure!(
        !keeps_versions,
        "RECONNECT_BLOBS: the bucket keeps older versions of its objects, and so everything that people \
         delete. Turn that off, and remove the versions that there are"
    );
    Ok(())
}

/// The mark that the database has, or now gets.
async fn known(drawn: [u8; 32], app: &App) -> Result<Vec<u8>> {
    transaction!(app.db, "shared::known", |tx| {
        sqlx::query(
            "-- shared::known
            insert into installation (one, bucket) values (1, $1) on conflict do nothing",
        )
        .bind(drawn.as_slice())
        .execute(&mut *tx)
        .await?;
        let mark =
            sqlx::query_scalar("-- shared::known\nselect bucket from installation where one = 1")
                .fetch_one(&mut *tx)
                .await?;
        Ok(mark)
    })
}

/// The object that says which database the bucket belongs to.
pub(crate) const MARK: &str = "installation";
