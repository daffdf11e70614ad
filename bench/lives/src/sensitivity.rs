//! Whether the choice of the default hangs on a guess: each that matters is halved and doubled (a chance by its odds),
//! one at a time, and all rivals are played again.

use anyhow::Result;

use crate::{
    assume::{ALL, Assumptions},
    print::{says, table},
    questions::{DEFAULT, Run, beaten_by},
    setting::Setting,
    tally::Tally,
};

/// Prints how the default and its rivals fare.
pub(crate) fn answer(run: Run, assume: &Assumptions) -> Result<()> {
    let (names, settings): (Vec<_>, Vec<_>) = rivals()?.into_iter().unzip();
    let mut rows = Vec::new();
    let mut unbeaten = vec![0_u32; settings.len()];
    let mut beats_default = vec![0_u32; settings.len()];
    let mut play = |name: String, assume: &Assumptions| {
        let tallies = Tally::play(run.seed, run.lives, &settings, assume);
        for (place, count) in unbeaten.iter_mut().enumerate() {
            *count += u32::from(beaten_by(&tallies, place).is_empty());
        }
        let better = beaten_by(&tallies, 0);
        for other in &better {
            beats_default[*other] += 1;
        }
        let better: Vec<_> = better.iter().map(|other| names[*other].as_str()).collect();
        let mut row = vec![name];
        for tally in tallies.iter().take(COLUMNS) {
            row.push(format!(
                "{:.0} / {:.0}",
                tally.per_people(tally.lost),
                tally.per_people(tally.taken)
            ));
        }
        row.push(if better.is_empty() { "none".to_owned() } else { better.join(", ") });
        rows.push(row);
    };
    play("as assumed".to_owned(), assume);
    for assumption in ALL.iter().filter(|assumption| assumption.vary) {
        for (factor, word) in [(0.5, "halved"), (2.0, "doubled")] {
            play(format!("{} {word}", assumption.name), &assume.with(assumption, factor));
        }
    }
    let runs = rows.len();
    let mut heads = vec!["guess"];
    heads.extend(names.iter().take(COLUMNS).map(String::as_str));
    heads.push("better than the first");
    let about = format!(
        "Lost / taken over per 100,000 people over five years, from {} lives each: see the tables above for how sure a count \
         is. Compared, besides those shown: {}.",
        run.lives,
        names.get(COLUMNS..).unwrap_or_default().join(", ")
    );
    table("What the choice hangs on", &about, &heads, &rows);
    let mut lines = format!("Of {runs} runs, on the frontier / better than the first:");
    for ((name, unbeaten), beats) in names.iter().zip(&unbeaten).zip(&beats_default) {
        lines.push_str("\n- ");
        lines.push_str(
            &[name.as_str(), ": ", &unbeaten.to_string(), " / ", &beats.to_string()].concat(),
        );
    }
    says(&lines);
    Ok(())
}

/// The default first; those with a column of their own next.
fn rivals() -> Result<Vec<(String, Setting)>> {
    let default = Setting::new(DEFAULT.0, DEFAULT.1)?;
    let mut rivals = vec![(default.label(), default.clone())];
    for (needed, guardians) in [(2, "sss"), (2, "spd"), (3, "ssspd")] {
        let setting = Setting::new(needed, guardians)?;
        rivals.push((setting.label(), setting));
    }
    for (word, wait_days, short_days) in
        [("no short", 7.0, None), ("wait 2", 2.0, None), ("wait 14", 14.0, Some(2.0))]
    {
        let name = format!("{} {word}", default.label());
        rivals.push((name, Setting { wait_days, short_days, ..default.clone() }));
    }
    for (needed, guardians) in [(2, "ss"), (2, "ssd"), (3, "sspd")] {
        let setting = Setting::new(needed, guardians)?;
        rivals.push((setting.label(), setting));
    }
    Ok(rivals)
}

/// Settings with a column of their own.
const COLUMNS: usize = 5;
