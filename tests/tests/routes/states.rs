//! What the matrix must hold: everybody whom I-11 names, and every state of what a path can name.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use reconnect::app::ROUTES;

use super::{
    scene::{DEAD, LIVE},
    table::{Row, rows},
};

/// Whom I-11 names, and as whom they play. A worker with a grant, with a revoked one and with none that
/// covers it is one person before three objects; one of another structure is the stranger.
const PRINCIPALS: &[(&str, &str)] = &[
    ("nobody", "nobody"),
    ("malformed token", "malformed"),
    ("a token that never was", "unknown"),
    ("expired", "expired"),
    ("logged out", "logged-out"),
    ("deleted account", "closed"),
    ("owner", "owner"),
    ("other owner", "other"),
    ("worker with a grant", "worker"),
    ("worker with a revoked grant", "worker"),
    ("worker never granted", "stranger"),
    ("invited and not confirmed", "invited"),
    ("manager", "manager"),
    ("former member with a live session", "former"),
    ("operator, with the key of the service", "operator"),
    ("operator, with what is stored", "stored"),
    ("device retired", "retired"),
    ("device of before a new generation", "of-before"),
];

/// For each name in a path, its states, and the objects of the table that are in them. A route that names
/// it has a row for one object of each state at least.
const STATES: &[(&str, &str, &[&str])] = &[
    ("envelope_id", "own, under way", &["under-way"]),
    ("envelope_id", "own, finished", &["finished"]),
    ("envelope_id", "other's", &["others"]),
    ("envelope_id", "shared", &["given"]),
    ("envelope_id", "given up", &["given-up"]),
    ("envelope_id", "deleted", &["removed"]),
    ("envelope_id", "never", &["never", "fresh"]),
    ("envelope_id", "malformed", &["malformed"]),
    ("index", "own", &["under-way"]),
    ("index", "never", &["past-end"]),
    ("index", "malformed", &["bad-index"]),
    ("document_id", "own", &["kept", "live"]),
    ("document_id", "other's", &["others"]),
    ("document_id", "shared", &["given", "live"]),
    ("document_id", "deleted", &["removed"]),
    ("document_id", "never", &["never"]),
    ("document_id", "malformed", &["malformed"]),
    ("grant_id", "own", &["own"]),
    ("grant_id", "other's", &["others"]),
    ("grant_id", "shared", &["live"]),
    ("grant_id", "revoked", &["taken-back"]),
    ("grant_id", "ended", &["over"]),
    ("grant_id", "never", &["never"]),
    ("grant_id", "malformed", &["malformed"]),
    ("structure_id", "own", &["accepted"]),
    ("structure_id", "other's", &["another"]),
    ("structure_id", "not accepted", &["waiting"]),
    ("structure_id", "closed", &["closed"]),
    ("structure_id", "never", &["never"]),
    ("structure_id", "malformed", &["malformed"]),
    ("invitation_id", "open", &["open"]),
    ("invitation_id", "answered by another", &["answered"]),
    ("invitation_id", "used", &["used"]),
    ("invitation_id", "ended", &["ended"]),
    ("invitation_id", "never", &["never"]),
    ("invitation_id", "malformed", &["malformed"]),
    ("account_id", "own", &["owner"]),
    ("account_id", "other's", &["others"]),
    ("account_id", "closed", &["closed"]),
    ("account_id", "never", &["never"]),
    ("account_id", "malformed", &["malformed"]),
    ("deposit_id", "own, and its depositor's", &["waits"]),
    ("deposit_id", "other's", &["others"]),
    ("deposit_id", "taken", &["taken"]),
    ("deposit_id", "refused", &["refused"]),
    ("deposit_id", "never", &["never"]),
    ("deposit_id", "malformed", &["malformed"]),
    ("link_id", "open", &["open"]),
    ("link_id", "ended", &["over"]),
    ("link_id", "never", &["never"]),
    ("link_id", "malformed", &["malformed"]),
    ("lock_id", "a friend's and others'", &["friend"]),
    ("lock_id", "a structure's and others'", &["structure"]),
    ("lock_id", "resigned", &["resigned"]),
    ("lock_id", "never", &["never"]),
    ("lock_id", "malformed", &["malformed"]),
    ("number", "of a guardian", &["friend", "structure"]),
    ("number", "of one who is gone", &["resigned"]),
    ("return_id", "open", &["open"]),
    ("return_id", "ended", &["cancelled"]),
    ("return_id", "never", &["never"]),
    ("return_id", "malformed", &["malformed"]),
    ("*tile", "there", &["entries"]),
    ("*tile", "never", &["past-end"]),
    ("*tile", "malformed", &["malformed"]),
    ("leaf", "there", &["newest"]),
    ("leaf", "never", &["past-end"]),
    ("leaf", "malformed", &["malformed"]),
    ("name", "there", &["release"]),
    ("name", "never", &["anything"]),
];

/// Grants that more than one name leads to: each of them wrong beside one that is right.
const MIXED: &[&str] = &["uncovered", "no-paper", "bad-paper", "bad-grant"];

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

/// What the table lacks, in a line each.
pub(crate) fn lacking(table: &[Row]) -> Vec<String> {
    let mut lacking = Vec::new();
    for route in ROUTES {
        let objects: BTreeSet<_> = table
            .iter()
            .filter(|row| row.method == route.method && row.path == route.path)
            .map(|row| row.object)
            .collect();
        let route_name = format!("{} {}", route.method, route.path);
        for name in names(route.path) {
            let mut states = STATES.iter().filter(|(of, ..)| *of == name).peekable();
            if states.peek().is_none() {
                lacking.push(format!("{route_name}: {name} has no states"));
            }
            for (_, state, any_of) in states {
                if !any_of.iter().any(|object| objects.contains(object)) {
                    lacking.push(format!("{route_name}: {name}, {state}"));
                }
            }
        }
        if names(route.path).filter(|name| ["grant_id", "document_id"].contains(name)).count() == 2
        {
            let mixed = MIXED.iter().filter(|object| !objects.contains(*object));
            lacking.extend(mixed.map(|object| format!("{route_name}: {object}")));
        }
    }
    lacking
}

/// I-11: every route that names something has a row for each state of it, and everybody plays every row.
#[test]
fn the_table_holds_every_state_and_everybody() -> Result<()> {
    let table = rows()?;
    let missing = lacking(&table);
    ensure!(missing.is_empty(), "{} rows are missing:\n{}", missing.len(), missing.join("\n"));
    let played: BTreeSet<_> = LIVE.iter().chain(DEAD).copied().collect();
    let promised: BTreeSet<_> = PRINCIPALS.iter().map(|(_, played)| *played).collect();
    ensure!(played == promised, "{:?}", played.symmetric_difference(&promised));
    ensure!(ROUTES.iter().all(|it| !it.path.contains("operator")), "operators have a route now");
    Ok(())
}

/// I-11: the check above can fail: whatever row of an id is taken away, it says so.
#[test]
fn a_row_that_is_taken_away_is_missed() -> Result<()> {
    let table = rows()?;
    let (mut taken, mut missed) = (0, 0);
    for place in 0..table.len() {
        let mut fewer = rows()?;
        let row = fewer.remove(place);
        let twice = fewer
            .iter()
            .any(|it| it.method == row.method && it.path == row.path && it.object == row.object);
        if names(row.path).next().is_none() || twice {
            continue;
        }
        taken += 1;
        missed += usize::from(!lacking(&fewer).is_empty());
    }
    super::say(&format!("{missed} of {taken} rows with an id are missed when one is taken away"));
    // The others show more than what is promised.
    ensure!(taken > 200 && missed * 10 > taken * 8, "{missed} of {taken}");
    Ok(())
}
