//! A synthetic country on PostgreSQL: 100,000 safes, the rows of 2,000,000 documents, 2,000 structures. What the main
//! requests cost at one, ten and a hundred percent of it, and what grows.
//!
//! The rows of the country are random bytes of the sizes that real ones have, and without thumbnails;
//! nobody of it ever comes. Those who ask are real people, and were there before.

use std::{cell::RefCell, rc::Rc, time::Duration};

use anyhow::{Context as _, Result};
use reconnect::{Clock, Config, config::DatabaseUrl};
use reconnect_tests::{
    browser::{Browser, Network},
    postgres,
    process::{Process, Setup},
    stage::{Database, Person, bytes, settings},
    team::{Member, accept},
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

use crate::{
    figures::{now, print},
    load::Load,
    server::system_now,
};

const SAFES: u32 = 100_000;
const DOCUMENTS_PER_SAFE: u32 = 20;
const STRUCTURES: u32 = 2_000;
/// Hundredths of the country.
const PERCENT: [u32; 3] = [1, 10, 100];
/// Requests at one time.
const READERS: usize = 8;
const TIME: Duration = Duration::from_secs(4);
/// Papers that are added one after the other.
const ADDED: usize = 60;
/// Between two looks at what waits for the log.
const PAUSE: Duration = Duration::from_millis(200);

/// Once, before the first rows. What is stored is not compressed: real ciphertext could not be.
const GROUND: &[&str] = &[
    "set synchronous_commit = off",
    "create or replace function rnd(text) returns bytea immutable language sql
       as 'select sha256($1::bytea)'",
    "create or replace function id16(text) returns bytea immutable language sql
       as 'select substring(sha256($1::bytea) from 1 for 16)'",
    "create or replace function blob(text, int) returns bytea immutable language sql
       as 'select decode(repeat(md5($1), $2 / 16), ''hex'')'",
    "alter table envelope alter column whole set storage external",
    "alter table statement alter column bytes set storage external",
    "alter table structure_statement alter column bytes set storage external",
];

/// Of structures between two numbers.
const STRUCTURE_ROWS: &[&str] = &[
    "insert into account (account_id, sequence, head, used_bytes, receipt_count, log_index, log_place)
     select rnd('m' || i), 6, rnd('mh' || i), 0, 0, rnd('ml' || i), blob('mp' || i, 112)
     from generate_series({from} + 1, {to}) i",
    "insert into structure (structure_id, name, place, searched, founder, sequence, epoch, key_id,
       acceptance, closed, mls_epoch, history)
     select rnd('s' || i), 'Structure ' || i, 'Ville ' || i % 500, 'structure ' || i || ' ville ' || i % 500,
       rnd('m' || i), 3, 1, rnd('sk' || i), blob('sa' || i, 160), 0, 2, blob('sh' || i, 2048)
     from generate_series({from} + 1, {to}) i",
    "insert into structure_statement (structure_id, sequence, bytes)
     select rnd('s' || i), n, blob('ss' || i || '-' || n, 1600)
     from generate_series({from} + 1, {to}) i, generate_series(1, 3) n",
    "insert into member (structure_id, account_id, confirmed, serial, number, ends_at)
     select rnd('s' || i), rnd('m' || i), 1, 1, 1, 4000000000
     from generate_series({from} + 1, {to}) i",
];

/// Of safes between two numbers; `{structures}` are there.
const SAFE_ROWS: &[&str] = &[
    "insert into account (account_id, sequence, head, used_bytes, receipt_count, log_index, log_place)
     select rnd('a' || i), 6 + {documents}, rnd('h' || i), 20000000, 0, rnd('l' || i), blob('p' || i, 112)
     from generate_series({from} + 1, {to}) i",
    "insert into device (account_id, device_id, signing)
     select rnd('a' || i), id16('d' || i), rnd('ds' || i) from generate_series({from} + 1, {to}) i",
    "insert into lock (lock_id, account_id, sequence, handle, record, held_id, held_signing, root_wrap)
     select id16('w' || i), rnd('a' || i), 3, 'handle-' || i, blob('wr' || i, 192), null, null, blob('ww' || i, 160)
     from generate_series({from} + 1, {to}) i
     union all
     select id16('k' || i), rnd('a' || i), 4, null, null, id16('kh' || i), rnd('ks' || i), blob('kw' || i, 160)
     from generate_series({from} + 1, {to}) i",
    "insert into statement (account_id, sequence, generation, proof_sequence, bytes)
     select rnd('a' || i), n, 1, 2, blob('st' || i || '-' || n, 448)
     from generate_series({from} + 1, {to}) i, generate_series(1, 6 + {documents}) n",
    "insert into granted (grant_id, account_id, structure_id, ends_at, sequence, received_at, owner_wrap,
       recipient_wrap, epoch)
     select id16('o' || i), rnd('a' || i), null, 9223372036854775807, 5, 1, blob('ow' || i, 528), null, null
     from generate_series({from} + 1, {to}) i
     union all
     select id16('g' || i), rnd('a' || i), rnd('s' || (1 + i % {structures})), 4000000000, 6, 1,
       blob('gw' || i, 528), blob('gr' || i, 1696), 1
     from generate_series({from} + 1, {to}) i where i % 2 = 0",
    "insert into envelope (envelope_id, account_id, document_id, kind, prefix, sealed_bytes, sequence,
       touched_at, whole)
     select id16('c' || i || '-' || n), rnd('a' || i), id16('x' || i || '-' || n), 1, blob('cp' || i || '-' || n, 128),
       1000000, 6 + n, 1, null
     from generate_series({from} + 1, {to}) i, generate_series(1, {documents}) n
     union all
     select id16('b' || i || '-' || n), rnd('a' || i), id16('x' || i || '-' || n), 2, blob('bp' || i || '-' || n, 128),
       2192, 6 + n, 1, blob('bw' || i || '-' || n, 2192)
     from generate_series({from} + 1, {to}) i, generate_series(1, {documents}) n",
    "insert into document (account_id, document_id, content_id, card_id, thumbnail_id, version,
       content_sequence, card_sequence)
     select rnd('a' || i), id16('x' || i || '-' || n), id16('c' || i || '-' || n), id16('b' || i || '-' || n),
       null, 1, 6 + n, 6 + n
     from generate_series({from} + 1, {to}) i, generate_series(1, {documents}) n",
    "insert into part (envelope_id, part_index, leaves)
     select id16('c' || i || '-' || n), 0, blob('cl' || i || '-' || n, 128)
     from generate_series({from} + 1, {to}) i, generate_series(1, {documents}) n",
    "insert into wrap (grant_id, envelope_id, wrap)
     select id16('o' || i), id16(k || i || '-' || n), blob('v' || k || i || '-' || n, 48)
     from generate_series({from} + 1, {to}) i, generate_series(1, {documents}) n, (values ('c'), ('b')) kinds (k)
     union all
     select id16('g' || i), id16(k || i || '-1'), blob('y' || k || i, 48)
     from generate_series({from} + 1, {to}) i, (values ('c'), ('b')) kinds (k) where i % 2 = 0",
    "insert into granted_document (grant_id, document_id)
     select id16('g' || i), id16('x' || i || '-1') from generate_series({from} + 1, {to}) i where i % 2 = 0",
    "insert into log_waiting (log_index, value, sequence, is_head)
     select rnd('l' || i), rnd('lv' || i), 6 + {documents}, 1 from generate_series({from} + 1, {to}) i",
];

#[tokio::main]
pub(crate) async fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut setup = Setup::on(folder.path()).await?;
    let url = postgres::fresh_database().await?;
    setup.variables.push(("RECONNECT_DATABASE", url.clone()));
    setup.variables.push(("RECONNECT_LOG_SECONDS", "1".to_owned()));
    let config = Config {
        database: DatabaseUrl::Postgres(url),
        ..settings(folder.path(), Database::Sqlite).await?
    };
    let mut server = setup.start().await?;
    let mut people = Box::pin(People::come(&server, &config)).await?;
    let mut rows = vec![Vec::new(); NAMES.len()];
    let (mut safes, mut structures) = (0, 0);
    for percent in PERCENT {
        let to = (SAFES * percent / 100, STRUCTURES * percent / 100);
        let filled = fill(&config, (safes, structures), to).await?;
        (safes, structures) = to;
        let published = published(&config).await?;
        server.stop().await?;
        let begun = now();
        server = setup.start().await?;
        let started = begun.elapsed();
        let size = size(&config).await?;
        for (row, cell) in rows.iter_mut().zip(people.ask(&server).await?) {
            row.push(cell);
        }
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        let more = [
            seconds(filled),
            seconds(published),
            seconds(started),
            format!("{} MB", server.memory()?.resident_bytes / 1_000_000),
            format!("{size:.2} GB"),
        ];
        for (row, cell) in rows.iter_mut().rev().zip(more.into_iter().rev()) {
            row.push(cell);
        }
    }
    server.stop().await?;
    let rows: Vec<_> = NAMES
        .iter()
        .zip(rows)
        .map(|(name, cells)| [vec![(*name).to_owned()], cells].concat())
        .collect();
    let title = "A country on PostgreSQL: 100,000 safes, 2,000,000 documents, 2,000 structures; median / slowest percent";
    print(title, &["", "1 %", "10 %", "100 %"], &rows);
    Ok(())
}

/// What is measured, in this order.
const NAMES: [&str; 12] = [
    "`/v1/sync`, nothing new",
    "`/v1/sync`, 100 records",
    "`/v1/memberships`",
    "`/v1/received`",
    "`/v1/structures?search=`, one found",
    "`/v1/documents/…/content`, 64 KiB",
    "a paper added, sealing and all",
    "the rows are written (once)",
    "the log takes its safes in (once)",
    "the server starts",
    "memory of the server",
    "size of the database",
];

/// Fills the country up to so many safes and structures.
async fn fill(
    config: &Config,
    (safes, structures): (u32, u32),
    (to_safes, to_structures): (u32, u32),
) -> Result<Duration> {
    let begun = now();
    let mut connection = reconnect_tests::dump::connect(config).await?;
    for statement in GROUND {
        sqlx::query(*statement).execute(&mut connection).await?;
    }
    let put = |text: &str, from: u32, to: u32| {
        text.replace("{from}", &from.to_string())
            .replace("{to}", &to.to_string())
            .replace("{documents}", &DOCUMENTS_PER_SAFE.to_string())
            .replace("{structures}", &to_structures.to_string())
    };
    for text in STRUCTURE_ROWS {
        run(&mut connection, put(text, structures, to_structures)).await?;
    }
    // In pieces, as they would come.
    for from in (safes..to_safes).step_by(2_000) {
        for text in SAFE_ROWS {
            run(&mut connection, put(text, from, to_safes.min(from + 2_000))).await?;
        }
    }
    run(&mut connection, "analyze".to_owned()).await?;
    connection.close().await?;
    Ok(begun.elapsed())
}

async fn run(connection: &mut AnyConnection, text: String) -> Result<()> {
    let said = text.lines().next().unwrap_or_default().to_owned();
    sqlx::query(AssertSqlSafe(text)).execute(connection).await.context(said)?;
    Ok(())
}

/// Waits until nothing waits for the log.
async fn published(config: &Config) -> Result<Duration> {
    let begun = now();
    let mut connection = reconnect_tests::dump::connect(config).await?;
    loop {
        let waiting: i64 = sqlx::query_scalar("select count(*) from log_waiting")
            .fetch_one(&mut connection)
            .await?;
        if waiting == 0 {
            connection.close().await?;
            return Ok(begun.elapsed());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Of the database, in gigabytes.
async fn size(config: &Config) -> Result<f64> {
    let mut connection = reconnect_tests::dump::connect(config).await?;
    let megabytes: i64 =
        sqlx::query_scalar("select pg_database_size(current_database()) / 1000000")
            .fetch_one(&mut connection)
            .await?;
    connection.close().await?;
    #[expect(clippy::cast_precision_loss, reason = "a figure of three digits is shown")]
    let size = megabytes as f64 / 1e3;
    Ok(size)
}

/// Those who ask.
struct People {
    /// With a hundred papers.
    owner: Person,
    /// Adds papers, so that the owner's stay a hundred.
    busy: Person,
    worker: Member,
    content: String,
}

impl People {
    async fn come(server: &Process, config: &Config) -> Result<Self> {
        let clock = Clock::System(system_now);
        let come = async || {
            let network = Rc::new(RefCell::new(Network::Outside(server.address())));
            Box::pin(Person::open(Browser::new(network, clock.clone(), None), true)).await
        };
        let mut owner = come().await?;
        let paper = owner.add("Bench", &bytes(1, 64 << 10)).await?;
        for number in 1..100 {
            owner.add(&format!("Bench {number}"), &bytes(number, 1000)).await?;
        }
        let busy = come().await?;
        let mut manager = Member::found(come().await?, "Accueil de jour", "Lyon").await?;
        let structure_id = manager.desk.structure_id();
        accept(config.clone(), clock.clone(), structure_id).await?;
        let mut worker = Box::pin(manager.admit(come().await?, "Paul")).await?;
        owner.give(structure_id, &[paper]).await?;
        worker.received().await?;
        let content = format!("/v1/documents/{paper}/content");
        Ok(Self { owner, busy, worker, content })
    }

    /// The cells of one column, without what is not asked.
    async fn ask(&mut self, server: &Process) -> Result<Vec<String>> {
        let newest = self.owner.vault.manifest().sequence();
        let sync = |records_after| {
            let after = format!("statements_after={newest}&records_after={records_after}");
            format!("/v1/sync?{after}&receipts_after=0")
        };
        let (own, theirs) = (self.owner.vault.token(), self.worker.token());
        let asked = [
            (sync(newest), Some(own)),
            (sync(0), Some(own)),
            ("/v1/memberships".to_owned(), Some(theirs)),
            ("/v1/received".to_owned(), Some(theirs)),
            ("/v1/structures?search=accueil%20de%20jour".to_owned(), None),
            (self.content.clone(), Some(own)),
        ];
        let mut cells = Vec::new();
        for (path, token) in asked {
            let token = token.map(str::to_owned);
            let load =
                Load { server: server.address(), path, token, connections: READERS, time: TIME };
            // The first warms up.
            Load { time: TIME / 4, ..load.clone() }.run().await?;
            let outcome = load.run().await?;
            cells.push(both(outcome.median, outcome.slowest_percent));
        }
        let mut times = Vec::new();
        for number in 0..ADDED {
            let begun = now();
            self.busy.add("Bench", &bytes(number as u64, 1000)).await?;
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        let place = |hundredth: usize| times.get(times.len() * hundredth / 100).copied();
        cells.push(both(place(50).unwrap_or_default(), place(99).unwrap_or_default()));
        Ok(cells)
    }
}

fn both(median: Duration, slowest: Duration) -> String {
    format!("{:.2} / {:.2} ms", median.as_secs_f64() * 1e3, slowest.as_secs_f64() * 1e3)
}
