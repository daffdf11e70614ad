//! What must never happen, and which test shows it: `docs/INVARIANTS.md` is made from what the tests say of themselves.
//! A test that shows an invariant begins its comment with the invariant's number.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use reconnect_tests::process::root;

/// The promises, in their order.
const PROMISES: [(&str, &str); 30] = [
    (
        "durability",
        "What was acknowledged comes back byte for byte after kills, power cuts, full disks, failed syncs, stops and upgrades.",
    ),
    (
        "durability",
        "Nothing is visible before it is whole; what was not acknowledged is whole or not there.",
    ),
    (
        "durability",
        "A request that is repeated has the effect of one, across restarts; other bytes under its name are a conflict.",
    ),
    (
        "durability",
        "No row without its blob; what has no row goes, and never what is being uploaded.",
    ),
    (
        "durability",
        "A failed sync or an error of the database's files ends the process without an answer.",
    ),
    (
        "durability",
        "On a full disk uploads are refused, nothing acknowledged is lost, and everything that frees or reads still works.",
    ),
    ("durability", "A flipped bit is noticed, said, and never shown as good."),
    ("access", "Every living grant is shown to its owner; what is shown is what can be fetched."),
    ("access", "What was deleted is answered by nobody any more, and is gone from storage soon."),
    ("access", "After a revocation nothing of it leaves, and what is leaving is cut off."),
    (
        "access",
        "Each route gives each kind of caller, for each kind of thing, the declared answer.",
    ),
    ("access", "What is refused changes nothing but counters of tries."),
    ("access", "Unknown, foreign, deleted and taken back look alike."),
    ("access", "Nothing tells whether an account exists."),
    ("access", "A session that has ended is refused everywhere."),
    (
        "access",
        "Limits of tries hold at any concurrency and across restarts, and lock nobody else out.",
    ),
    (
        "zero knowledge",
        "Nothing that a person wrote is in database, files, logs, answers or memory of the server.",
    ),
    (
        "zero knowledge",
        "Tokens are stored as hashes, the process is not dumpable, its secrets are wiped.",
    ),
    (
        "zero knowledge",
        "The attacks that the protocol must survive are tried, and succeed only where their check is off.",
    ),
    ("zero knowledge", "Malformed input never panics and never takes more than its bound."),
    (
        "concurrency and time",
        "Of several who write one place one wins, and the others go on from there.",
    ),
    ("concurrency and time", "The log only grows, and is what its checkpoints say."),
    (
        "concurrency and time",
        "A reading is recorded before its bytes leave; what is logged says nothing of content.",
    ),
    ("concurrency and time", "Quotas hold at every instant."),
    ("concurrency and time", "A clock that leaps revives nothing and ends nothing that lives."),
    (
        "operations",
        "A backup under load restores to what was acknowledged, revives nothing that was taken away, and forks no log.",
    ),
    ("operations", "Two versions run on one database, and a kill during a migration is harmless."),
    ("operations", "Asked to stop, it finishes what is under way or refuses it cleanly."),
    (
        "operations",
        "Overload keeps memory bounded and says when to come again; afterwards all is as before.",
    ),
    ("operations", "The classic mistakes of operators are refused."),
];
const BEGIN: &str = "<!-- invariants:begin -->";
const END: &str = "<!-- invariants:end -->";

#[test]
fn the_table_of_invariants_is_what_the_tests_say() -> Result<()> {
    let shown = shown()?;
    let path = root().join("docs/INVARIANTS.md");
    let text = fs::read_to_string(&path).context("docs/INVARIANTS.md")?;
    let (before, rest) = text.split_once(BEGIN).context("no mark for the table")?;
    let (quoted, after) = rest.split_once(END).context("the table does not end")?;
    let table = table(&shown)?;
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") && quoted != table {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))?;
        return Ok(());
    }
    ensure!(quoted == table, "docs/INVARIANTS.md differs: run this test with UPDATE_GOLDEN=1");
    Ok(())
}

/// Tests by invariant.
type Shown = BTreeMap<usize, BTreeSet<String>>;

fn shown() -> Result<Shown> {
    let mut shown = Shown::new();
    for top in ["tests/tests", "server/src", "crates"] {
        for file in sources(&root().join(top))? {
            let text = fs::read_to_string(&file)?;
            let lines: Vec<_> = text.lines().map(str::trim).collect();
            for (at, line) in lines.iter().enumerate() {
                let Some((numbers, _)) =
                    line.strip_prefix("/// I-").and_then(|it| it.split_once(": "))
                else {
                    continue;
                };
                let rest = lines.get(at..).unwrap_or_default();
                let name = rest.iter().find_map(|line| function(line));
                let name = name.with_context(|| format!("{}: {line}", file.display()))?;
                for number in numbers.split(", ") {
                    let number: usize = number
                        .trim_start_matches("I-")
                        .parse()
                        .with_context(|| (*line).to_owned())?;
                    ensure!((1..=PROMISES.len()).contains(&number), "no such invariant: {line}");
                    shown.entry(number).or_default().insert(format!("`{}::{name}`", place(&file)));
                }
            }
        }
    }
    Ok(shown)
}

fn table(shown: &Shown) -> Result<String> {
    let mut table = "\n\n| | what never happens otherwise | shown by |\n|---|---|---|\n".to_owned();
    let mut group = "";
    for (number, (of, promise)) in (1..).zip(PROMISES) {
        if of != group {
            group = of;
            writeln!(table, "| | **{group}** | |")?;
        }
        let tests = shown.get(&number).map_or("**no test yet**".to_owned(), |tests| {
            tests.iter().cloned().collect::<Vec<_>>().join("<br>")
        });
        writeln!(table, "| I-{number} | {promise} | {tests} |")?;
    }
    table.push('\n');
    Ok(table)
}

/// A function's name, when the line begins one.
fn function(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    let is_one =
        before.split_whitespace().all(|word| matches!(word, "pub" | "pub(crate)" | "async"));
    if is_one { rest.split(['(', '<']).next() } else { None }
}

/// Suite and file: `journeys/together`.
fn place(file: &Path) -> String {
    let path = file.strip_prefix(root()).unwrap_or(file).with_extension("");
    let path = path.to_string_lossy();
    path.strip_prefix("tests/tests/").unwrap_or(&path).to_owned()
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}
