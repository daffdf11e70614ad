//! Every route for everybody and for everything that it can name: exactly the declared answers.
//! I-11, I-12, I-13. A route that is not in the table fails.

#[path = "routes/cast.rs"]
mod cast;
#[path = "routes/replay.rs"]
mod replay;
#[path = "routes/scene.rs"]
mod scene;
#[path = "routes/states.rs"]
mod states;
#[path = "routes/table.rs"]
mod table;
#[path = "routes/words.rs"]
mod words;

use std::{collections::BTreeSet, env, fs, io::Write as _};

use anyhow::{Context as _, Result, ensure};
use reconnect::app::ROUTES;
use reconnect_format::api::{Call, CallBody, Code};
use reconnect_tests::{process::root, stage::Database, wire::Answer};

use scene::{DEAD, LIVE, Scene};
use table::{Row, rows};

/// What a refusal may write: tries of a handle are counted.
const COUNTERS: [&str; 1] = ["handle_tries"];

/// What is written for minutes by those who are not refused: an unlocking that begins, a computer that waits.
const MINUTES: [(&str, &str, &str); 3] = [
    ("POST", "/v1/unlock/words", "unlocking"),
    ("POST", "/v1/links", "link"),
    ("POST", "/v1/links/{link_id}", "link"),
];

/// Says what was counted, also when the test passes.
fn say(line: &str) {
    // Nobody reads it when there is no terminal.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// I-11, I-12, I-13: the matrix.
#[tokio::test]
async fn every_route_gives_everybody_the_declared_answer_on_sqlite() -> Result<()> {
    Box::pin(play(Database::Sqlite)).await
}

/// I-11, I-12, I-13: the matrix.
#[tokio::test]
async fn every_route_gives_everybody_the_declared_answer_on_postgres() -> Result<()> {
    Box::pin(play(Database::Postgres)).await
}

/// I-11: an undeclared route fails.
#[test]
fn every_route_is_in_the_table_and_nothing_else_is() -> Result<()> {
    let named = |method: &str, path: &str| format!("{method} {path}");
    let served: BTreeSet<_> = ROUTES.iter().map(|it| named(it.method, it.path)).collect();
    let declared: BTreeSet<_> = rows()?.iter().map(|it| named(it.method, it.path)).collect();
    let undeclared: Vec<_> = served.difference(&declared).collect();
    let gone: Vec<_> = declared.difference(&served).collect();
    ensure!(undeclared.is_empty(), "not in tests/tests/routes/table.rs: {undeclared:?}");
    ensure!(gone.is_empty(), "in the table, but not served: {gone:?}");
    Ok(())
}

async fn play(database: Database) -> Result<()> {
    let scene = Box::pin(Scene::set(database)).await?;
    scene.check_principals()?;
    let mut wrong = Vec::new();
    let mut open = BTreeSet::new();
    let mut refusals = Vec::new();
    let mut cells = 0;
    let mut before = scene.dump().await?;
    for row in rows()?.iter().filter(|row| !row.last) {
        for (column, principal) in LIVE.iter().enumerate() {
            let answer = scene.ask(row, principal).await?;
            check(row, principal, row.statuses[column], &answer, &mut wrong);
            if answer.status == 404 {
                refusals.push((format!("{} by {principal}", row.name()), answer));
            }
            cells += 1;
        }
        for principal in DEAD {
            let answer = scene.ask(row, principal).await?;
            let wanted = row.open.unwrap_or(401);
            check(row, principal, wanted, &answer, &mut wrong);
            if *principal == "nobody" && answer.code() != Some(Code::SessionEnded) {
                open.insert(format!("{} {}", row.method, row.path));
            }
            cells += 1;
        }
        let after = scene.dump().await?;
        let table = written(row);
        if after.clone().without(&table) != before.clone().without(&table) {
            wrong.push(format!("{} changed {}", row.name(), before.difference(&after)));
        }
        before = after;
    }
    ensure!(wrong.is_empty(), "{} of {cells} answers:\n{}", wrong.len(), wrong.join("\n"));
    check_alike(&refusals)?;
    check_open(&open)?;
    what_no_route_takes_is_refused(&scene).await?;
    ensure!(scene.dump().await? == before, "a request without a route changed something");
    cells += play_last(&scene).await?;
    let (routes, rows) = (ROUTES.len(), rows()?.len());
    let principals = LIVE.len() + DEAD.len();
    say(&format!(
        "{database:?}: {routes} routes, {rows} rows, {principals} principals: {cells} answers as declared, \
         {} refusals alike",
        refusals.len()
    ));
    Ok(())
}

/// Which table a row may write to, where it is not a refusal.
fn written(row: &Row) -> Vec<&'static str> {
    let succeeds = row.open.into_iter().chain(row.statuses).any(|status| status < 300);
    let of = |it: &&(&str, &str, &str)| succeeds && it.0 == row.method && it.1 == row.path;
    MINUTES.iter().filter(of).map(|it| it.2).collect()
}

/// Rows that change something when they succeed: refused to all others first, and then allowed.
async fn play_last(scene: &Scene) -> Result<usize> {
    let mut wrong = Vec::new();
    let mut cells = 0;
    for row in rows()?.iter().filter(|row| row.last) {
        let before = scene.dump().await?;
        for principal in DEAD {
            let answer = scene.ask(row, principal).await?;
            check(row, principal, row.open.unwrap_or(401), &answer, &mut wrong);
        }
        cells += DEAD.len() + LIVE.len();
        let columns = LIVE.iter().zip(row.statuses);
        let (refused, allowed): (Vec<_>, Vec<_>) = columns.partition(|(_, it)| *it >= 400);
        for (principal, wanted) in refused {
            check(row, principal, wanted, &scene.ask(row, principal).await?, &mut wrong);
        }
        let after = scene.dump().await?;
        ensure!(after == before, "{} changed {}", row.name(), before.difference(&after));
        for (principal, wanted) in allowed {
            check(row, principal, wanted, &scene.ask(row, principal).await?, &mut wrong);
        }
    }
    // Everybody has signed out now: every token is refused on every route that wants one.
    for row in rows()?.iter().filter(|row| row.open.is_none()) {
        for principal in LIVE {
            check(row, principal, 401, &scene.ask(row, principal).await?, &mut wrong);
            cells += 1;
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(cells)
}

fn check(row: &Row, principal: &str, wanted: u16, answer: &Answer, wrong: &mut Vec<String>) {
    if answer.status != wanted {
        let code = answer.code().map_or("-", |code| code.text());
        let (name, status) = (row.name(), answer.status);
        wrong.push(format!("{name} by {principal}: {status} {code}, not {wanted}"));
    }
    let telling = (answer.status >= 400) == answer.code().is_some();
    if !telling || answer.status >= 500 {
        wrong.push(format!("{} by {principal}: {} without a problem", row.name(), answer.status));
    }
    if row.path.starts_with("/v1/") && answer.header("cache-control") != Some("no-store") {
        wrong.push(format!("{} by {principal} may be stored by a cache", row.name()));
    }
}

/// Unknown, foreign, deleted, taken back and malformed look alike, to the byte. I-13.
fn check_alike(refusals: &[(String, Answer)]) -> Result<()> {
    let (_, first) = refusals.first().context("nothing was refused")?;
    ensure!(refusals.len() > 100, "{} refusals", refusals.len());
    for (name, answer) in refusals {
        ensure!(answer.body == first.body, "{name}: another body");
        ensure!(answer.headers == first.headers, "{name}: {:?}", answer.headers);
    }
    Ok(())
}

/// What answers without a session is a reviewed list.
fn check_open(open: &BTreeSet<String>) -> Result<()> {
    let mut list = open.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    list.push('\n');
    let golden = root().join("tests/golden/open-routes.txt");
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::write(&golden, &list)?;
    }
    let reviewed = fs::read_to_string(&golden).context("tests/golden/open-routes.txt")?;
    ensure!(
        list == reviewed,
        "routes without a session differ from tests/golden/open-routes.txt: review them, then run \
         this test again with UPDATE_GOLDEN=1:\n{list}"
    );
    Ok(())
}

/// Other methods of known paths, and paths of nothing.
async fn what_no_route_takes_is_refused(scene: &Scene) -> Result<()> {
    let methods = ["GET", "POST", "PUT", "DELETE", "PATCH"];
    let paths: BTreeSet<_> = ROUTES.iter().map(|route| route.path).collect();
    for path in paths {
        for method in methods {
            let known = ROUTES.iter().any(|route| route.path == path && route.method == method);
            if known {
                continue;
            }
            let path = path.replace(['{', '}'], "");
            let call = Call { method, path, authorized: true, body: CallBody::Empty };
            let answer = scene.send(&call, "owner").await?;
            ensure!(answer.status == 405, "{method} {}: {}", call.path, answer.status);
        }
    }
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/documents", "/v1/accounts/me", "/v2/sync"] {
        let answer = scene.send(&Call::read(path), "owner").await?;
        ensure!(answer.status == 404, "{path}: {}", answer.status);
    }
    Ok(())
}
