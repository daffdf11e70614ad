//! Copies of a whole database: every row of every table, from one to the other. One of the two is always
//! `SQLite`, which knows the order in which tables may be filled.

use anyhow::{Context as _, ensure};
use futures_util::TryStreamExt as _;
use sqlx::{
    Any, AnyConnection, AssertSqlSafe, Connection as _, Row as _,
    any::{AnyArguments, AnyRow},
    query::Query,
};

/// Values that one statement brings: `PostgreSQL` takes 65,535, `SQLite` 32,766.
const VALUES: usize = 2_000;
/// Not a table of people's: its row says which data folder the database belongs to, and is made anew.
const FOLDER: &str = "server";
/// Made by the migrations of whoever opened the database.
const VERSION: &str = "schema_version";

/// One table and its columns.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    name: String,
    columns: Vec<(String, Kind)>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bytes,
    Number,
    Text,
}

/// One value of a row.
enum Value {
    Bytes(Option<Vec<u8>>),
    Number(Option<i64>),
    Text(Option<String>),
}

/// The tables of a `SQLite` database, each behind those that it refers to.
pub(crate) async fn tables(connection: &mut AnyConnection) -> anyhow::Result<Vec<Table>> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "-- tables::tables
        select t.name, c.name, c.type from sqlite_master t, pragma_table_info(t.name) c
        where t.type = 'table' and t.name not like 'sqlite%'
        order by t.rowid, c.cid",
    )
    .fetch_all(connection)
    .await?;
    let mut tables: Vec<Table> = Vec::new();
    for (name, column, kind) in rows {
        if [FOLDER, VERSION].contains(&name.as_str()) {
            continue;
        }
        let kind = match kind.to_ascii_lowercase().as_str() {
            "blob" => Kind::Bytes,
            "bigint" => Kind::Number,
            "text" => Kind::Text,
            other => anyhow::bail!("{name}.{column} is a {other}"),
        };
        match tables.last_mut().filter(|table| table.name == name) {
            Some(table) => table.columns.push((column, kind)),
            None => tables.push(Table { name, columns: vec![(column, kind)] }),
        }
    }
    Ok(tables)
}

/// Copies every row, in one transaction; how many they were.
pub(crate) async fn copy(
    tables: &[Table],
    from: &mut AnyConnection,
    to: &mut AnyConnection,
) -> anyhow::Result<u64> {
    let mut tx = to.begin().await?;
    let mut copied = 0;
    for table in tables {
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
            "-- tables::copy\nselect count(*) from {}",
            table.name
        )))
        .fetch_one(&mut *tx)
        .await?;
        ensure!(count == 0, "the database is not empty: {} has {count} rows", table.name);
        copied += copy_table(table, from, &mut tx).await.with_context(|| table.name.clone())?;
    }
    tx.commit().await?;
    Ok(copied)
}

async fn copy_table(
    table: &Table,
    from: &mut AnyConnection,
    to: &mut AnyConnection,
) -> anyhow::Result<u64> {
    let names: Vec<_> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    let (width, mut copied) = (table.columns.len(), 0);
    let all = format!("-- tables::copy_table\nselect {names} from {}", table.name);
    let mut rows = sqlx::query(AssertSqlSafe(all)).fetch(from);
    let mut values = Vec::new();
    loop {
        let row = rows.try_next().await?;
        let is_last = row.is_none();
        if let Some(row) = row {
            read(&row, &table.columns, &mut values)?;
            copied += 1;
        }
        if values.len() + width > VALUES || (is_last && !values.is_empty()) {
            let text = insertion(&table.name, &names, (values.len() / width, width));
            let query = sqlx::query(AssertSqlSafe(text));
            values.drain(..).fold(query, bind).execute(&mut *to).await?;
        }
        if is_last {
            return Ok(copied);
        }
    }
}

fn read(row: &AnyRow, columns: &[(String, Kind)], values: &mut Vec<Value>) -> anyhow::Result<()> {
    for (at, (_, kind)) in columns.iter().enumerate() {
        values.push(match kind {
            Kind::Bytes => Value::Bytes(row.try_get(at)?),
            Kind::Number => Value::Number(row.try_get(at)?),
            Kind::Text => Value::Text(row.try_get(at)?),
        });
    }
    Ok(())
}

fn bind(
    query: Query<'static, Any, AnyArguments>,
    value: Value,
) -> Query<'static, Any, AnyArguments> {
    match value {
        Value::Bytes(value) => query.bind(value),
        Value::Number(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
    }
}

/// A statement that brings several rows.
fn insertion(table: &str, names: &str, (rows, width): (usize, usize)) -> String {
    let marks = |row: usize| {
        let marks: Vec<_> = (1..=width).map(|at| format!("${}", row * width + at)).collect();
        format!("({})", marks.join(", "))
    };
    let rows: Vec<_> = (0..rows).map(marks).collect();
    format!("-- tables::insertion\ninsert into {table} ({names}) values {}", rows.join(", "))
}
