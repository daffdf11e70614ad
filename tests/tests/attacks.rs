//! A hostile server does to real clients what the table of attacks lists. Each attack is played twice:
//! as things are, where it is stopped as the table says; and without what stops it, where it succeeds.

#[path = "attacks/deposits.rs"]
mod deposits;
#[path = "attacks/giving.rs"]
mod giving;
#[path = "attacks/guardians.rs"]
mod guardians;
#[path = "attacks/introductions.rs"]
mod introductions;
#[path = "attacks/lies.rs"]
mod lies;
#[path = "attacks/linking.rs"]
mod linking;
#[path = "attacks/locks.rs"]
mod locks;
#[path = "attacks/log.rs"]
mod log;
#[path = "attacks/mallory.rs"]
mod mallory;
#[path = "attacks/overruling.rs"]
mod overruling;
#[path = "attacks/pair.rs"]
mod pair;
#[path = "attacks/papers.rs"]
mod papers;
#[path = "attacks/readers.rs"]
mod readers;
#[path = "attacks/release.rs"]
mod release;
#[path = "attacks/restores.rs"]
mod restores;
#[path = "attacks/safe.rs"]
mod safe;
#[path = "attacks/table.rs"]
mod table;
#[path = "attacks/team.rs"]
mod team;
#[path = "attacks/wire.rs"]
mod wire;

use std::{collections::BTreeSet, env, fs};

use anyhow::{Context as _, Result, ensure};
use reconnect_tests::process::root;

use crate::{
    pair::{Defence, Pair},
    table::ROWS,
};

const BEGIN: &str = "<!-- attacks:begin -->";
const END: &str = "<!-- attacks:end -->";

/// I-19: each attack that the protocol must survive is tried, and succeeds where its check is off.
#[test]
fn every_attack_has_its_pair_of_tests_or_says_what_it_waits_for() -> Result<()> {
    ensure!(ROWS.len() == 48, "{} rows", ROWS.len());
    for row in ROWS {
        let is_shown = !row.pairs.is_empty() || row.journey.is_some();
        ensure!(is_shown || row.waits.is_some(), "{}: no pair", row.attack);
        let journey = row.journey.map(|name| format!("web/tests/journeys/{name}.mjs"));
        ensure!(journey.is_none_or(|path| root().join(path).is_file()), "{}", row.attack);
        ensure!(row.pairs.is_empty() || !row.rules.is_empty(), "{}: no rule", row.attack);
    }
    // A pair is made by the macro that makes its two tests; none is left out of the table.
    let made: BTreeSet<_> = [
        deposits::ALL,
        giving::ALL,
        guardians::ALL,
        overruling::ALL,
        restores::ALL,
        introductions::ALL,
        linking::ALL,
        locks::ALL,
        log::ALL,
        papers::ALL,
        readers::ALL,
        safe::ALL,
        team::ALL,
        wire::ALL,
    ]
    .concat()
    .into_iter()
    .map(|pair| pair.name)
    .collect();
    let listed: BTreeSet<_> = pairs().map(|pair| pair.name).collect();
    ensure!(made == listed, "in no row: {:?}", made.difference(&listed));
    ensure!(made.len() >= 30, "{} pairs", made.len());
    Ok(())
}

#[test]
fn every_rule_of_the_table_is_in_the_protocol() -> Result<()> {
    let protocol = fs::read_to_string(root().join("PROTOCOL.md"))?;
    for row in ROWS {
        for rule in row.rules {
            ensure!(protocol.contains(&format!("**{rule}**")), "{}: {rule}", row.attack);
        }
    }
    Ok(())
}

#[test]
fn whatever_stops_an_attack_is_said_in_every_language() -> Result<()> {
    let codes: BTreeSet<_> = pairs().filter_map(|pair| pair.says).collect();
    ensure!(codes.len() > 5, "{codes:?}");
    for language in ["ar", "en", "fr"] {
        let words = fs::read_to_string(root().join(format!("web/messages/{language}.ftl")))?;
        for code in &codes {
            let said = words.lines().find_map(|it| it.strip_prefix(&format!("error-{code} = ")));
            let said = said.with_context(|| format!("{language} has no words for {code}"))?;
            ensure!(said.split(' ').count() > 4, "{language} says {said} for {code}");
        }
    }
    Ok(())
}

#[test]
fn every_switch_is_asked_by_the_product_and_used_by_a_pair() -> Result<()> {
    let format = fs::read_to_string(root().join("crates/format/src/switch.rs"))?;
    let (_, list) = format.split_once("pub enum Check {").context("no list")?;
    let (list, _) = list.split_once("\n    }").context("no end")?;
    let bare = |line: &str| line.trim().split(['(', ',']).next().unwrap_or_default().to_owned();
    let named = list.lines().map(bare).filter(|it| !it.is_empty() && !it.starts_with("//"));
    let named: BTreeSet<String> = named.collect();
    let used: BTreeSet<String> = pairs()
        .flat_map(|pair| match pair.defence {
            Defence::Checks(checks) => checks.iter().map(|it| bare(&format!("{it:?}"))).collect(),
            Defence::Lacking(_) => Vec::new(),
        })
        .collect();
    ensure!(named == used, "switches {named:?}, used {used:?}");
    Ok(())
}

#[test]
fn security_quotes_the_table() -> Result<()> {
    let path = root().join("SECURITY.md");
    let text = fs::read_to_string(&path).context("SECURITY.md")?;
    let (before, rest) = text.split_once(BEGIN).context("SECURITY.md has no mark for the table")?;
    let (quoted, after) = rest.split_once(END).context("SECURITY.md does not end the table")?;
    let wanted = table::written();
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") && quoted != wanted {
        fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}"))?;
        return Ok(());
    }
    ensure!(
        quoted == wanted,
        "SECURITY.md does not quote the table of attacks: run this test with UPDATE_GOLDEN=1"
    );
    Ok(())
}

fn pairs() -> impl Iterator<Item = &'static Pair> {
    ROWS.iter().flat_map(|row| row.pairs)
}
