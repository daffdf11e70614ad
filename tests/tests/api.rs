//! Calls that a program makes from nothing but the OpenAPI: thousands, valid and not, as nobody, as an owner, as a
//! worker with a grant, against the real program. Every answer is one that the OpenAPI declares, and none is a fault.
//!
//! Chance begins with `RECONNECT_API_SEED`; `RECONNECT_API_CASES` says how many calls for each route and person.

#[path = "api/people.rs"]
mod people;
#[path = "api/schemathesis.rs"]
mod schemathesis;

use std::{env, io::Write as _};

use anyhow::{Context as _, Result, ensure};
use reconnect_tests::stage::Database;
use serde_json::{Value, json};

use people::People;
use schemathesis::{Play, Report};

/// What chance begins with, when nothing else is said: a run is like the one before.
const SEED: u64 = 20_261_123;
/// Calls of chance for each route and person, beside those for the bounds of what it takes.
const CASES: u32 = 2;
/// The least that all of them come to on one database.
const LEAST: [(Database, u32); 2] = [(Database::Sqlite, 3_000), (Database::Postgres, 1_000)];

/// Says what was counted, also when the test passes.
fn say(line: &str) {
    // Nobody reads it when there is no terminal.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn number(variable: &str, usual: u64) -> Result<u64> {
    match env::var(variable) {
        Ok(said) => said.parse().with_context(|| format!("{variable}={said}")),
        Err(_) => Ok(usual),
    }
}

/// I-11, I-20: whatever is sent, every answer is as the OpenAPI declares it, and malformed input a 4xx.
#[tokio::test]
async fn every_answer_is_as_the_openapi_declares_it_on_sqlite() -> Result<()> {
    Box::pin(play(Database::Sqlite)).await
}

/// I-11, I-20: whatever is sent, every answer is as the OpenAPI declares it, and malformed input a 4xx.
#[tokio::test]
async fn every_answer_is_as_the_openapi_declares_it_on_postgres() -> Result<()> {
    Box::pin(play(Database::Postgres)).await
}

async fn play(database: Database) -> Result<()> {
    let people = Box::pin(People::come(database)).await?;
    let openapi = people.openapi().await?;
    let known = people.fill_in(&openapi);
    let (seed, cases) =
        (number("RECONNECT_API_SEED", SEED)?, number("RECONNECT_API_CASES", u64::from(CASES))?);
    say(&format!("RECONNECT_API_SEED={seed}"));
    let mut plays = vec![
        Play::of("a worker", &known).with(people.worker()),
        Play::of("an owner", &known).with(people.owner()),
        Play::of("nobody", &openapi),
    ];
    if database == Database::Postgres {
        plays.truncate(1);
    }
    // What ends the session ends it for all calls that would come after.
    let leaving = Play::of("an owner who leaves", &known).with(people.owner()).only("/v1/sessions");
    plays.push(leaving);
    let mut all = 0;
    for play in &plays {
        let report = play.run(people.address(), seed, cases).await?;
        ensure!(report.is_good, "as {}:\n{}", play.who, report.said);
        say(&format!("{database:?}, as {}: {} calls", play.who, report.calls));
        all += report.calls;
    }
    let (_, least) = LEAST.into_iter().find(|it| it.0 == database).context("a database")?;
    ensure!(all >= least, "{all} calls");
    say(&format!("{database:?}: {all} calls, every answer as it is declared"));
    Box::pin(people.are_well()).await
}

/// I-11: an answer that is not as the OpenAPI declares it is found.
#[tokio::test]
async fn an_answer_that_is_not_declared_is_found() -> Result<()> {
    let people = Box::pin(People::come(Database::Sqlite)).await?;
    let openapi = people.openapi().await?;
    let sync = "/paths/~1v1~1sync/get/responses";
    let of_one = format!("{sync}/401/content");
    let mut plants = Vec::new();
    let mut plant = |path, found, change: &dyn Fn(&mut Value)| {
        let mut other = openapi.clone();
        change(&mut other);
        plants.push((path, found, other));
    };
    plant("/v1/sync", "Undocumented status code", &|it| forget(it, sync, "401"));
    plant("/v1/sync", "Undocumented Content-Type", &|it| {
        forget(it, &of_one, "application/problem+json");
    });
    plant("/v1/service", "violates schema", &|it| {
        claim(it, "/components/schemas/Service/properties/version");
    });
    plant("/v1/log/checkpoint", "authentication", &|it| {
        protect(it, "/paths/~1v1~1log~1checkpoint/get");
    });
    for (path, found, other) in plants {
        let as_it_is = Play::of("nobody", &openapi).only(path).with_any_session();
        let report = as_it_is.run(people.address(), SEED, 2).await?;
        ensure!(report.is_good, "{path} as it is:\n{}", report.said);
        ensure!(other != openapi, "nothing was changed for {path}");
        let planted = Play::of("nobody", &other).only(path).with_any_session();
        let Report { is_good, said, .. } = planted.run(people.address(), SEED, 2).await?;
        ensure!(!is_good && said.contains(found), "{path}: not found: {found}\n{said}");
    }
    Ok(())
}

fn forget(openapi: &mut Value, place: &str, name: &str) {
    if let Some(Value::Object(fields)) = openapi.pointer_mut(place) {
        fields.remove(name);
        if name.contains('/') {
            fields.insert("text/plain".to_owned(), json!({"schema": {"type": "string"}}));
        }
    }
}

/// That it is a number.
fn claim(openapi: &mut Value, place: &str) {
    if let Some(schema) = openapi.pointer_mut(place) {
        *schema = json!({"type": "integer"});
    }
}

/// That it wants a session.
fn protect(openapi: &mut Value, place: &str) {
    if let Some(Value::Object(operation)) = openapi.pointer_mut(place) {
        operation.insert("security".to_owned(), json!([{"session": []}]));
    }
}
