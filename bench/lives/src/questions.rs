//! The questions that the tables answer, each with the settings that it compares.

use anyhow::{Context as _, Result};

use crate::{
    assume::{ALL, Assumptions, Basis, Unit},
    print::{says, table},
    setting::{AfterStop, Papers, Setting, Ways},
    tally::Tally,
};

/// The guardians that the product proposes, and how many of them.
pub(crate) const DEFAULT: (usize, &str) = (2, "ssp");
/// Others that people may have, beside it.
const KINDS: [(usize, &str); 3] = [(2, "sss"), (2, "ssd"), (2, "spd")];

/// What a reader has to know beside the assumptions.
const LIMITS: &str = "Left out, or taken to be so: all who are dishonest know each other (takeovers too high); guardians are \
                      deceived independently (takeovers too low); an attempt that fails unseen costs the attacker nothing \
                      (too high); waiting costs days and loses nobody; the wait runs from the last share that is needed; a \
                      lost card or phone lets no stranger in; after a takeover the life goes on and counts once; losses \
                      are counted when somebody stands outside, so that who never comes back to the safe is not counted.";

/// A setting with the words of its row.
type Row = (String, Setting);

/// How many lives are played, and from which seed.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) lives: u32,
}

/// All questions, the same lives for each.
pub(crate) fn answer(run: Run, assume: &Assumptions) -> Result<()> {
    let questions = [guardians()?, waits()?, stops()?, splits()?];
    let settings: Vec<_> = questions.iter().flatten().map(|(_, setting)| setting.clone()).collect();
    let mut tallies = Tally::play(run.seed, run.lives, &settings, assume);
    let mut answers = questions.into_iter().map(|rows| {
        let rest = tallies.split_off(rows.len());
        let mine = std::mem::replace(&mut tallies, rest);
        rows.into_iter().zip(mine).map(|((name, setting), tally)| (name, setting, tally)).collect()
    });
    let mut next = || -> Result<Vec<Answer>> { answers.next().context("a question was asked") };
    tell_assumptions(assume);
    tell_guardians(&next()?);
    tell_waits(&next()?);
    tell_stops(&next()?);
    tell_splits(&next()?);
    Ok(())
}

/// Which of these are better than the one at this place, by their places.
pub(crate) fn beaten_by(tallies: &[Tally], place: usize) -> Vec<usize> {
    let others = tallies.iter().enumerate().filter(|(_, other)| other.beats(&tallies[place]));
    others.map(|(other, _)| other).collect()
}

type Answer = (String, Setting, Tally);

fn guardians() -> Result<Vec<Row>> {
    let alone = [Ways::WordsAndSheet, Ways::All].map(Setting::alone);
    let mut rows: Vec<Row> = alone.into_iter().map(|one| (one.name.clone(), one)).collect();
    for (needed, guardians) in [
        (2, "ss"),
        (2, "sp"),
        (2, "ssp"),
        (2, "sss"),
        (2, "ssd"),
        (2, "spd"),
        (2, "spp"),
        (2, "1s1sp"),
        (3, "ssp"),
        (2, "sspd"),
        (3, "sspd"),
        (3, "sssp"),
        (2, "ssspd"),
        (3, "ssspd"),
        (4, "ssspd"),
    ] {
        let setting = Setting::new(needed, guardians)?;
        let one_house = if guardians.contains('1') { " (both of one)" } else { "" };
        rows.push((format!("{}{one_house}", setting.name), setting));
    }
    Ok(rows)
}

fn waits() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (needed, guardians) in [DEFAULT, (2, "sss"), (2, "spd")] {
        let base = Setting::new(needed, guardians)?;
        for wait_days in [2.0, 7.0, 14.0, 30.0] {
            for short_days in [None, Some(2.0), Some(4.0)] {
                if short_days.is_some_and(|days| days >= wait_days || base.structures() < 2) {
                    continue;
                }
                let short = short_days.map_or(String::new(), |days| format!(", short {days}"));
                let name = format!("{}; wait {wait_days}{short}", base.name);
                rows.push((name, Setting { wait_days, short_days, ..base.clone() }));
            }
        }
    }
    Ok(rows)
}

fn stops() -> Result<Vec<Row>> {
    let kinds = [(2, "ss"), DEFAULT, (2, "sss"), (2, "spd"), (3, "ssspd")];
    let rules = [
        ("may be stopped again", AfterStop::MayBeStopped),
        ("cannot, as many guardians", AfterStop::CannotBeStopped { more: 0 }),
        ("cannot, one guardian more", AfterStop::CannotBeStopped { more: 1 }),
        ("cannot, one more unless two structures saw the person", AfterStop::OneMoreUnlessSeen),
    ];
    let mut rows = Vec::new();
    for (needed, guardians) in kinds {
        let base = Setting::new(needed, guardians)?;
        for (words, after_stop) in rules {
            rows.push((format!("{}; {words}", base.name), Setting { after_stop, ..base.clone() }));
        }
    }
    Ok(rows)
}

fn splits() -> Result<Vec<Row>> {
    let rules = [
        ("after leaving, papers anew", true, Papers::Anew),
        ("after leaving, papers kept", true, Papers::Kept),
        ("not after leaving", false, Papers::Anew),
    ];
    let mut rows = Vec::new();
    for (needed, guardians) in std::iter::once(DEFAULT).chain(KINDS) {
        let base = Setting::new(needed, guardians)?;
        for (words, splits_after_leaving, papers) in rules {
            if papers == Papers::Kept && !guardians.contains('d') {
                continue;
            }
            rows.push((
                format!("{}; {words}", base.name),
                Setting { splits_after_leaving, papers, ..base.clone() },
            ));
        }
    }
    Ok(rows)
}

fn tell_assumptions(assume: &Assumptions) {
    let rows = ALL.iter().map(|one| {
        let unit = match one.unit {
            Unit::PerYear => "a year",
            Unit::Chance => "chance",
            Unit::Days => "days",
            Unit::Number => "number",
        };
        let basis = match one.basis {
            Basis::Fact => "fact",
            Basis::Guess => "guess",
        };
        let value = format!("{} {unit}", assume.value(one));
        vec![one.name.to_owned(), value, basis.to_owned(), one.why.to_owned()]
    });
    let about = "A fact is a published figure, about other people or another place than ours; the rest are guesses.";
    table("What is assumed", about, &["name", "value", "basis", "why"], &rows.collect::<Vec<_>>());
    says(LIMITS);
}

fn tell_guardians(answers: &[Answer]) {
    let tallies: Vec<_> = answers.iter().map(|(_, _, tally)| tally.clone()).collect();
    let rows = answers.iter().enumerate().map(|(place, (name, _, tally))| {
        let better = beaten_by(&tallies, place);
        let better: Vec<_> = better.iter().map(|other| answers[*other].1.label()).collect();
        vec![
            name.clone(),
            tally.cell(tally.lost),
            tally.cell(tally.taken),
            tally.cell(tally.entered_by_sheet),
            format!("{:.1}", tally.days_until_back()),
            format!("{:.1}", tally.splits()),
            if better.is_empty() { "none".to_owned() } else { better.join(", ") },
        ]
    });
    let heads =
        ["guardians", "lost", "taken over", "entered by a sheet", "days", "splits", "better"];
    let about = "Per 100,000 people over five years, with 95 % intervals; wait 7 days, 4 when two structures vouch. Days: \
                 mean time outside of those who came back. Splits: of one life. Better: settings that are clearly better in \
                 lost, taken over or days and clearly worse in none (s structure, p person, d paper, s1 of one house; by the \
                 same lives, 95 %); none means on the frontier.";
    table("Which guardians, and how many", about, &heads, &rows.collect::<Vec<_>>());
    for structures in 1..=3 {
        says(&frontier(answers, structures));
    }
    for (name, _, tally) in answers.iter().filter(|(_, setting, _)| setting.label() == label()) {
        says(&format!(
            "{name}: of 100,000 people {:.0} stand outside at least once; guardians end {:.1} % of such times; lost: {:.0} \
             with too few guardians left, {:.0} who gave up.",
            tally.per_people(tally.stood_outside),
            tally.share_back() * 100.0,
            tally.per_people(tally.too_few_left),
            tally.per_people(tally.gave_up),
        ));
    }
}

/// What remains when an owner knows only so many structures.
fn frontier(answers: &[Answer], structures: usize) -> String {
    let known = answers.iter().filter(|(_, setting, _)| {
        !setting.guardians.is_empty() && setting.structures() <= structures
    });
    let (settings, tallies): (Vec<_>, Vec<_>) =
        known.map(|(_, setting, tally)| (setting, tally.clone())).unzip();
    let unbeaten =
        settings.iter().enumerate().filter(|(place, _)| beaten_by(&tallies, *place).is_empty());
    let labels: Vec<_> = unbeaten.map(|(_, setting)| setting.label()).collect();
    let plural = if structures == 1 { "structure" } else { "structures" };
    format!("On the frontier with at most {structures} {plural}: {}.", labels.join(", "))
}

fn tell_waits(answers: &[Answer]) {
    let rows = answers.iter().map(|(name, _, tally)| {
        vec![
            name.clone(),
            tally.cell(tally.lost),
            tally.cell(tally.taken),
            tally.cell(tally.taken_short),
            tally.cell(tally.alarms),
            format!("{:.1}", tally.days_until_back()),
        ]
    });
    let heads = ["waiting", "lost", "taken over", "by the short wait", "attempts stopped", "days"];
    let about = "How long a safe waits before it opens to guardians. Attempts stopped: people who stopped at least one that \
                 was not theirs (false alarms and real ones).";
    table("How long to wait", about, &heads, &rows.collect::<Vec<_>>());
}

fn tell_stops(answers: &[Answer]) {
    let rows = answers.iter().map(|(name, _, tally)| {
        vec![
            name.clone(),
            tally.cell(tally.stopped_falsely),
            tally.cell(tally.back_after_stop),
            tally.cell(tally.lost_after_stop),
            tally.cell(tally.lost),
            tally.cell(tally.taken),
            tally.cell(tally.taken_after_stop),
        ]
    });
    let heads = [
        "the request after a stop",
        "stopped falsely",
        "back by it",
        "lost after a stop",
        "lost",
        "taken over",
        "by it",
    ];
    let about = "A partner with the owner's phone stops the owner; an owner stops an attacker. Both are helped by a request \
                 that cannot be stopped.";
    table("After a stop", about, &heads, &rows.collect::<Vec<_>>());
}

fn tell_splits(answers: &[Answer]) {
    let rows = answers.iter().map(|(name, _, tally)| {
        vec![
            name.clone(),
            tally.cell(tally.lost),
            tally.cell(tally.taken),
            format!("{:.1}", tally.splits()),
        ]
    });
    let heads = ["splitting anew", "lost", "taken over", "splits"];
    let about = "Whether the secret is split anew when a worker has left a structure, and whether papers outlive that.";
    table("Splitting anew", about, &heads, &rows.collect::<Vec<_>>());
}

fn label() -> String {
    format!("{}/{} {}", DEFAULT.0, DEFAULT.1.len(), DEFAULT.1)
}
