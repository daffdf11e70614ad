//! What the server knows: each column of each migration says it, the list is reviewed as a golden
//! file, and SECURITY.md quotes that file.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use reconnect_tests::{
    dump,
    process::root,
    stage::{Database, Server},
};

/// Who may know a column.
const KINDS: [&str; 3] = ["sealed:", "known:", "public:"];
/// Made by the server itself, before the first migration.
const SCHEMA_VERSION: (&str, &str) = ("schema_version.version", "known: which migrations have run");
const BEGIN: &str = "<!-- server-knows:begin -->";
const END: &str = "<!-- server-knows:end -->";

#[test]
fn what_the_server_knows_is_the_reviewed_list() -> Result<()> {
    let list = list(&said_by_migrations()?);
    let golden = root().join("tests/golden/server-knows.txt");
    if updating() {
        fs::write(&golden, &list)?;
    }
    let reviewed = fs::read_to_string(&golden).context("tests/golden/server-knows.txt")?;
    ensure!(
        list == reviewed,
        "the columns differ from tests/golden/server-knows.txt: review them, then run this test \
         again with UPDATE_GOLDEN=1"
    );
    Ok(())
}

#[test]
fn security_quotes_the_reviewed_list() -> Result<()> {
    let list = list(&said_by_migrations()?);
    let path = root().join("SECURITY.md");
    let text = fs::read_to_string(&path).context("SECURITY.md")?;
    let (before, rest) = text.split_once(BEGIN).context("SECURITY.md has no mark for the list")?;
    let (quoted, after) = rest.split_once(END).context("SECURITY.md does not end the list")?;
    let wanted = format!("\n```text\n{list}```\n");
    if updating() && quoted != wanted {
        fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}"))?;
        return Ok(());
    }
    ensure!(
        quoted == wanted,
        "SECURITY.md does not quote tests/golden/server-knows.txt: run this test with UPDATE_GOLDEN=1"
    );
    Ok(())
}

#[tokio::test]
async fn no_column_of_the_live_schema_is_missing_from_the_list() -> Result<()> {
    let said = said_by_migrations()?;
    for database in [Database::Sqlite, Database::Postgres] {
        let server = Server::on(database).await?;
        let mut connection = dump::connect(server.config()).await?;
        let mut live = Vec::new();
        for (table, columns) in dump::columns(&mut connection, server.config()).await? {
            live.extend(columns.into_iter().map(|column| format!("{table}.{column}")));
        }
        live.sort();
        let listed: Vec<_> = said.keys().cloned().collect();
        ensure!(live == listed, "{database:?} has {live:?}, the migrations say {listed:?}");
    }
    Ok(())
}

#[test]
fn nothing_that_a_person_wrote_is_in_a_column_that_the_server_reads() -> Result<()> {
    // A column whose name says that it holds words of a person must be sealed.
    for (column, comment) in said_by_migrations()? {
        let (_, name) = column.split_once('.').context("a column without a table")?;
        let telling = ["title", "card", "note", "purpose", "wrap", "welcome", "history", "kept"];
        let tells = telling.contains(&name) || name.ends_with("_wrap");
        ensure!(!tells || comment.starts_with("sealed:"), "{column} is not sealed: {comment}");
    }
    Ok(())
}

fn updating() -> bool {
    env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1")
}

fn list(columns: &BTreeMap<String, String>) -> String {
    let lines: Vec<_> =
        columns.iter().map(|(column, comment)| format!("{column}: {comment}")).collect();
    lines.join("\n") + "\n"
}

/// Each column with its comment.
fn said_by_migrations() -> Result<BTreeMap<String, String>> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("migrations"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    let mut columns = BTreeMap::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|it| it == "sql")) {
        read_migration(file, &mut columns).with_context(|| file.display().to_string())?;
    }
    let (column, comment) = SCHEMA_VERSION;
    columns.insert(column.to_owned(), comment.to_owned());
    Ok(columns)
}

fn read_migration(file: &Path, columns: &mut BTreeMap<String, String>) -> Result<()> {
    let mut table = None;
    for line in fs::read_to_string(file)?.lines() {
        let line = line.trim();
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            ["create", "table", name, "("] | ["create", "{unlogged}", "table", name, "("] => {
                table = Some((*name).to_owned());
            }
            [");"] => table = None,
            ["drop", "table", name] => {
                let prefix = format!("{}.", name.trim_end_matches(';'));
                columns.retain(|column, _| !column.starts_with(&prefix));
            }
            ["alter", "table", name, "drop", "column", column] => {
                columns.remove(&format!("{name}.{}", column.trim_end_matches(';')));
            }
            ["alter", "table", name, "add", "column", column, ..] => {
                columns.insert(format!("{name}.{column}"), comment(line)?);
            }
            ["create" | "drop", "index" | "unique", ..] | ["--", ..] | [] => {}
            [first, ..] => match &table {
                Some(_) if ["primary", "unique", "foreign", "check"].contains(&bare(first)) => {}
                Some(table) => {
                    columns.insert(format!("{table}.{first}"), comment(line)?);
                }
                None => bail!("a statement that this test does not know: {line}"),
            },
        }
    }
    Ok(())
}

/// The word before an opening bracket.
fn bare(word: &str) -> &str {
    word.split('(').next().unwrap_or(word)
}

fn comment(line: &str) -> Result<String> {
    let (_, comment) = line.split_once("-- ").with_context(|| format!("no comment: {line}"))?;
    ensure!(
        KINDS.iter().any(|kind| comment.starts_with(kind)),
        "the comment must begin with one of {KINDS:?}: {line}"
    );
    Ok(comment.trim().to_owned())
}
