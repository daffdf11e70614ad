//! What each variant of each model must show, and whether it does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::{Context as _, Result, ensure};

/// What was found out about one query, or one property of a state model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was searched, and no attack found.
    Holds,
    /// There is an attack.
    Attack,
    /// What honest people want can happen.
    Reached,
    /// It cannot.
    Unreached,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Holds, Self::Attack, Self::Reached, Self::Unreached];

    fn is_bad(self) -> bool {
        matches!(self, Self::Attack | Self::Unreached)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Holds => "holds",
            Self::Attack => "attack",
            Self::Reached => "reached",
            Self::Unreached => "unreached",
        })
    }
}

/// One variant of a model, with what was found, or must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    /// Which model.
    pub(crate) model: String,
    /// What is left out or added; nothing for the model as it stands.
    pub(crate) name: String,
    /// Each query with its outcome, in the order of the model.
    pub(crate) found: Vec<(String, Outcome)>,
}

impl Variant {
    /// Model and variant, as the head of a paragraph.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.model, self.name).trim_end().to_owned()
    }

    fn outcome(&self, query: &str) -> Option<Outcome> {
        self.found.iter().find(|(name, _)| name == query).map(|(_, outcome)| *outcome)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title())?;
        self.found.iter().try_for_each(|(query, outcome)| writeln!(f, "    {outcome:<9} {query}"))
    }
}

/// Reads the file of expectations: paragraphs as [`Variant`] writes them, and lines that begin with `#`.
pub(crate) fn expected(text: &str) -> Result<Vec<Variant>> {
    let mut variants: Vec<Variant> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        if let Some(found) = line.strip_prefix("    ") {
            let (word, query) = found.split_once(' ').context(line.to_owned())?;
            let outcome = Outcome::ALL.into_iter().find(|it| it.to_string() == word);
            let last = variants.last_mut().context("a result before any model")?;
            last.found.push((query.trim().to_owned(), outcome.context(line.to_owned())?));
        } else {
            let (model, name) = line.split_once(' ').unwrap_or((line, ""));
            let (model, name) = (model.to_owned(), name.to_owned());
            variants.push(Variant { model, name, found: Vec::new() });
        }
    }
    Ok(variants)
}

/// Says what is wrong with the expectations themselves: a variant that changes nothing shows nothing, and what
/// holds whatever is left out may hold for no reason at all.
pub(crate) fn idle(variants: &[Variant]) -> Vec<String> {
    let mut models: BTreeMap<&str, Vec<&Variant>> = BTreeMap::new();
    for variant in variants {
        models.entry(&variant.model).or_default().push(variant);
    }
    let mut complaints = Vec::new();
    for (model, variants) in models {
        let Some((whole, others)) = variants.split_first().filter(|(it, _)| it.name.is_empty())
        else {
            complaints.push(format!("{model}: the model as it stands comes first"));
            continue;
        };
        let mut broken = BTreeSet::new();
        for variant in others {
            let now_bad = whole.found.iter().filter(|(query, outcome)| {
                let changed = variant.outcome(query);
                !outcome.is_bad() && changed.is_some_and(Outcome::is_bad)
            });
            let now_bad: Vec<_> = now_bad.map(|(query, _)| query).collect();
            if now_bad.is_empty() {
                complaints.push(format!("{}: breaks nothing", variant.title()));
            }
            broken.extend(now_bad);
        }
        let good = whole.found.iter().filter(|(_, outcome)| !outcome.is_bad());
        let idle = good.filter(|(query, _)| !broken.contains(query));
        complaints.extend(idle.map(|(query, _)| format!("{model}: nothing breaks {query}")));
    }
    complaints
}

/// Says where what was found is not what was expected.
pub(crate) fn differences(expected: &[Variant], found: &[Variant]) -> Vec<String> {
    let titles = |all: &[Variant]| all.iter().map(Variant::title).collect::<Vec<_>>();
    let mut complaints = Vec::new();
    let (wanted, had) = (titles(expected), titles(found));
    for title in wanted.iter().filter(|it| !had.contains(it)) {
        complaints.push(format!("{title}: expected, and not there"));
    }
    for variant in found {
        match expected.iter().find(|it| it.title() == variant.title()) {
            None => complaints.push(format!("not expected:\n{variant}")),
            Some(it) if it != variant => {
                complaints.push(format!("expected:\n{it}found:\n{variant}"));
            }
            Some(_) => {}
        }
    }
    complaints
}

/// Checks that every expectation stands once.
pub(crate) fn once(expected: &[Variant]) -> Result<()> {
    let titles: BTreeSet<_> = expected.iter().map(Variant::title).collect();
    ensure!(titles.len() == expected.len(), "an expectation stands twice");
    Ok(())
}
