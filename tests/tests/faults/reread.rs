//! The scrub that the server does by itself: it finds what is damaged, goes on where it stopped, and shares the work.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use reconnect::Config;
use reconnect_core::error::Error;
use reconnect_format::api::Call;
use reconnect_tests::{
    dump,
    process::{Process, Setup},
    stage::{Database, Person, Server, bytes},
    store::{Blob, Store},
    wire,
};
use sqlx::{AssertSqlSafe, Connection as _};

use super::{browser, say};

/// Slices of what is stored: one for each first byte of an id, the database, the log.
const SLICES: i64 = 258;
/// Between two slices, in a play whose clock stands still between them.
const EVERY: u64 = 60;
/// Between two looks at the figures of a server, and looks before giving up: a minute.
const PAUSE: Duration = Duration::from_millis(100);
const LOOKS: u32 = 600;

/// I-7: a running server finds nothing while people write, and one flipped bit by itself; then a part that is cut off, a
/// bit of the log and a page of the database at one time. It says so without an id, counts it until it is mended, and
/// nobody is shown it as good.
#[tokio::test]
async fn a_running_server_finds_a_flipped_bit_by_itself_on_sqlite() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (setup, config) = Setup::over(&folder.path().join("data"), Database::Sqlite).await?;
    let mut watched = Watched::start(setup, config, folder.path()).await?;
    let (blob, good) = watched.content().await?;
    let store = Store::of(&watched.config)?;
    let leaves = watched.config.data.join("log/leaves");
    let entries = fs::read(&leaves)?;
    let page = watched.spoil_a_page().await?;
    fs::write(&leaves, flipped(&entries, entries.len() / 2)?)?;
    store.write(&blob, good[..good.len() / 2].to_vec()).await?;
    watched.finds(&["database", "log", "part"]).await?;
    page.mend()?;
    fs::write(&leaves, entries)?;
    store.write(&blob, good).await?;
    watched.mended().await?;
    watched.end(&blob).await
}

/// I-7: the same on `PostgreSQL` with a bucket, where the log's batches are objects, too.
#[tokio::test]
async fn a_running_server_finds_a_flipped_bit_by_itself_on_postgres() -> Result<()> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let (setups, config) = Setup::pair([folders[0].path(), folders[1].path()]).await?;
    let [setup, _] = setups;
    let mut watched = Watched::start(setup, config, folders[1].path()).await?;
    let (blob, good) = watched.content().await?;
    let store = Store::of(&watched.config)?;
    let name = store.names("log/batches/").await?.pop().context("a batch")?.0;
    let name = format!("log/batches/{name}");
    let batch = store.object(&name).await?;
    store.put(&name, flipped(&batch, batch.len() / 2)?).await?;
    store.write(&blob, good[..good.len() / 2].to_vec()).await?;
    watched.finds(&["log", "part"]).await?;
    store.put(&name, batch).await?;
    store.write(&blob, good).await?;
    watched.mended().await?;
    watched.end(&blob).await
}

/// A program that reads all that it stores again and again, and where it says what.
struct Watched {
    process: Process,
    config: Config,
    address: SocketAddr,
    figures: SocketAddr,
    log: PathBuf,
    read: usize,
}

impl Watched {
    async fn start(mut setup: Setup, config: Config, folder: &Path) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let figures = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let log = folder.join("lines");
        setup.log = Some(log.clone());
        setup.variables.extend([
            ("RECONNECT_METRICS", figures.to_string()),
            ("RECONNECT_LOG", "info".to_owned()),
            ("RECONNECT_LOG_SECONDS", "1".to_owned()),
            ("RECONNECT_SCRUB_SECONDS", "1".to_owned()),
            ("RECONNECT_SCRUB_BYTES_PER_SECOND", (1_u64 << 30).to_string()),
        ]);
        let process = setup.start().await?;
        Ok(Self { process, config, address: setup.address, figures, log, read: 0 })
    }

    async fn figure(&self, name: &str) -> Result<i64> {
        let answer = wire::outside(self.figures, &Call::read("/metrics").open(), None).await?;
        let text = String::from_utf8(answer.body)?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.with_context(|| format!("no {name}: {text}"))?.parse().context("a number")
    }

    /// Waits for a figure.
    async fn has(&self, name: &str, is_so: impl Fn(i64) -> bool) -> Result<()> {
        for _ in 0..LOOKS {
            if is_so(self.figure(name).await?) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("{name} stays {}", self.figure(name).await?)
    }

    /// Waits until one thing of each of these kinds is damaged, and sees that the log has said so.
    async fn finds(&mut self, kinds: &[&str]) -> Result<()> {
        let wanted = i64::try_from(kinds.len())?;
        self.has("reconnect_scrub_damaged", |count| count == wanted).await?;
        let lines = fs::read_to_string(&self.log)?;
        let news = lines.get(self.read..).unwrap_or_default();
        let said = news.lines().filter(|line| line.contains("is not as it was when it came"));
        let said = said.filter_map(|line| line.split("kind=\"").nth(1)?.split('"').next());
        let said: BTreeSet<_> = said.collect();
        ensure!(said.iter().eq(kinds), "{kinds:?}: {said:?}");
        Ok(())
    }

    /// Waits until nothing is damaged any more.
    async fn mended(&mut self) -> Result<()> {
        self.has("reconnect_scrub_damaged", |count| count == 0).await?;
        self.read = fs::read_to_string(&self.log)?.len();
        Ok(())
    }

    /// A whole store while people write; then a flipped bit of the one part that is left, which is mended.
    async fn content(&mut self) -> Result<(Blob, Vec<u8>)> {
        const DONE: &str = "reconnect_scrub_slices_total{outcome=\"done\"}";
        let mut owner = Person::open(browser(self.address), true).await?;
        let kept = owner.add("Passeport", &bytes(1, 3_000_000)).await?;
        let before = self.figure(DONE).await?;
        let mut written = 0;
        while self.figure(DONE).await? < before + SLICES + 10 {
            let gone = owner.add("Brouillon", &bytes(2, 300_000)).await?;
            owner.vault.remove(&owner.browser, gone).await?;
            written += 1;
            ensure!(self.figure("reconnect_scrub_damaged").await? == 0, "damage on a whole store");
        }
        ensure!(self.figure("reconnect_scrub_oldest_seconds").await? < 60, "it is behind");
        say(&format!("{written} papers came and went in one round"));
        let store = Store::of(&self.config)?;
        // What went is swept.
        let blob = loop {
            match store.blobs().await?.as_slice() {
                [only] => break only.clone(),
                _ => tokio::time::sleep(PAUSE).await,
            }
        };
        let good = store.read(&blob).await?;
        store.write(&blob, flipped(&good, good.len() / 2)?).await?;
        self.finds(&["part"]).await?;
        let read = owner.read(kept).await;
        ensure!(matches!(read, Err(Error::Damaged(_))), "it is shown as good");
        store.write(&blob, good.clone()).await?;
        self.mended().await?;
        ensure!(owner.read(kept).await? == bytes(1, 3_000_000));
        self.has("reconnect_log_waiting", |count| count == 0).await?;
        Ok((blob, good))
    }

    /// A page of `SQLite`'s file that nobody asks for now is no page any more.
    async fn spoil_a_page(&self) -> Result<Page> {
        let mut connection = dump::connect(&self.config).await?;
        let moved = "pragma wal_checkpoint(truncate)";
        while sqlx::query_scalar::<_, i64>(moved).fetch_one(&mut connection).await? != 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let page: i64 =
            sqlx::query_scalar("select rootpage from sqlite_master where name = 'behind'")
                .fetch_one(&mut connection)
                .await?;
        let size: i64 = sqlx::query_scalar("pragma page_size").fetch_one(&mut connection).await?;
        connection.close().await?;
        let path = self.config.data.join("reconnect.sqlite");
        let file = fs::File::options().read(true).write(true).open(path)?;
        let (at, mut good) = (u64::try_from((page - 1) * size)?, [0]);
        file.read_exact_at(&mut good, at)?;
        file.write_all_at(&[0x55], at)?;
        Ok(Page { file, at, good })
    }

    /// It has put nobody out, named no envelope, and ends in order.
    async fn end(self, blob: &Blob) -> Result<()> {
        ensure!(self.figure("reconnect_scrub_slices_total{outcome=\"failed\"}").await? == 0);
        ensure!(self.process.stop().await?.success(), "the end was not in order");
        let envelope = blob.name.split('/').next().context("an id")?;
        ensure!(!fs::read_to_string(&self.log)?.contains(envelope), "the log names an envelope");
        Ok(())
    }
}

/// The first byte of a page, as it was.
struct Page {
    file: fs::File,
    at: u64,
    good: [u8; 1],
}

impl Page {
    fn mend(self) -> Result<()> {
        Ok(self.file.write_all_at(&self.good, self.at)?)
    }
}

fn flipped(good: &[u8], place: usize) -> Result<Vec<u8>> {
    let mut bad = good.to_vec();
    *bad.get_mut(place).context("an empty file")? ^= 1;
    Ok(bad)
}

/// What rows say of each slice: when it was begun, when it was read, and how much in it is damaged.
async fn rows(config: &Config) -> Result<BTreeMap<i64, (i64, i64, i64)>> {
    let mut connection = dump::connect(config).await?;
    let rows: Vec<(i64, i64, i64, i64)> =
        sqlx::query_as("select slice, begun_at, read_at, damaged from scrub")
            .fetch_all(&mut connection)
            .await?;
    connection.close().await?;
    Ok(rows.into_iter().map(|row| (row.0, (row.1, row.2, row.3))).collect())
}

/// A slice that somebody began `ago` seconds ago, and has not read to its end.
async fn begun(slice: i64, ago: u64, server: &Server) -> Result<()> {
    let mut connection = dump::connect(server.config()).await?;
    let at = server.clock().now() - ago;
    let text = format!(
        "insert into scrub (slice, begun_at, read_at, damaged) values ({slice}, {at}, 0, 0)"
    );
    sqlx::query(AssertSqlSafe(text)).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

fn in_its_time(config: &mut Config) {
    config.scrub.seconds = EVERY * SLICES.unsigned_abs();
}

/// I-7: a server that is started again in the middle of a round goes on where it stopped, with the slice that it had
/// begun; what was found stays counted. It reads no sooner than it has to.
#[tokio::test]
async fn a_round_goes_on_after_a_restart() -> Result<()> {
    let mut server = Server::with(Database::Sqlite, in_its_time).await?;
    let mut owner = server.person().await?;
    owner.add("Passeport", &bytes(1, 300_000)).await?;
    let store = server.store()?;
    let blob = server.blobs().await?.pop().context("a blob")?;
    let good = store.read(&blob).await?;
    store.write(&blob, flipped(&good, 7)?).await?;
    let middle = SLICES / 2;
    let mut restarts = 0;
    for slice in 0..SLICES {
        if slice == middle {
            begun(slice, 0, &server).await?;
            server = server.restart().await?;
            ensure!(!server.app().scrub().await?, "it does not wait for its time after a restart");
            restarts += 1;
        }
        server.clock().advance(EVERY);
        ensure!(server.app().scrub().await?, "it is time for the next slice");
        ensure!(!server.app().scrub().await?, "it is not time yet");
        let read: Vec<_> = rows(server.config()).await?.into_keys().collect();
        ensure!(read == (0..=slice).collect::<Vec<_>>(), "{slice}: {read:?}");
    }
    let read = rows(server.config()).await?;
    let times: Vec<_> = read.values().map(|row| row.1).collect();
    ensure!(times.is_sorted() && times[0] > 0, "not in one order: {times:?}");
    let damaged =
        |rows: &BTreeMap<i64, (i64, i64, i64)>| rows.values().map(|row| row.2).sum::<i64>();
    ensure!(damaged(&read) == 1, "{} are damaged", damaged(&read));
    store.write(&blob, good).await?;
    for _ in 0..SLICES {
        server.clock().advance(EVERY);
        ensure!(server.app().scrub().await?);
    }
    let again = rows(server.config()).await?;
    ensure!(damaged(&again) == 0, "it is mended");
    ensure!(again.iter().all(|(slice, row)| row.1 > read[slice].1), "not all was read again");
    ensure!(restarts == 1);
    Ok(())
}

/// I-7: two servers on one database read each slice once in a round, and what one that is gone had begun is read by the
/// other after a while.
#[tokio::test]
async fn two_servers_share_a_round() -> Result<()> {
    let server = Server::with(Database::Postgres, in_its_time).await?;
    let mut owner = server.person().await?;
    owner.add("Passeport", &bytes(1, 300_000)).await?;
    begun(3, EVERY, &server).await?;
    let [first, second] = server.apps() else { bail!("two servers") };
    let mut each = [0, 0];
    for _ in 0..SLICES {
        server.clock().advance(EVERY);
        let (one, other) = tokio::try_join!(first.scrub(), second.scrub())?;
        ensure!(one != other, "both read, or nobody: {one} {other}");
        each[usize::from(other)] += 1;
    }
    let read = rows(server.config()).await?;
    ensure!(read.len() == 258 && read.values().all(|row| row.1 > 0 && row.2 == 0), "{read:?}");
    // The slice that nobody ended was held for a quarter of an hour, and no longer.
    let after = read.values().filter(|row| row.1 < read[&3].1).count();
    ensure!((13..=14).contains(&after), "it was read after {after} others");
    say(&format!("two servers read {} and {} slices", each[0], each[1]));
    Ok(())
}
