//! Symbolic models: one file holds a model and what differs in its variants, line by line.
//!
//! A line that ends in `//[name]` is the defence `name`: it is gone in the variant `without name`. A line that
//! begins with `//[without name]` stands in that variant only. One that begins with `//[with name]` stands in
//! `with name` only: it gives the attacker more, or lets somebody say at the end what they opened. A defence that
//! stands behind another is marked `//[name and this]`: in `without name and this` both are gone.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::judge::{Outcome, Variant};

/// A model as it stands in its file.
pub(crate) struct Model {
    /// The file's name without its ending.
    pub(crate) name: String,
    text: String,
    sessions: u8,
}

impl Model {
    /// Reads every model of `folder`, by name.
    pub(crate) fn all(folder: &Path) -> Result<Vec<Self>> {
        let mut models = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_stem().and_then(|it| it.to_str()).context("a name")?.to_owned();
            ensure!(
                path.extension().is_some_and(|it| it == "vp"),
                "{} is no model",
                path.display()
            );
            let text = fs::read_to_string(&path)?;
            let sessions = header(&text, "Sessions").context(name.clone())?.parse()?;
            models.push(Self { name, text, sessions });
        }
        models.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(models)
    }

    /// What the header says after `word: `, until the next line that begins with a word and a colon, or is empty.
    pub(crate) fn header(&self, word: &str) -> Result<String> {
        header(&self.text, word).with_context(|| self.name.clone())
    }

    /// The names of all variants: none, then each that a mark names, in the order of the file.
    pub(crate) fn variants(&self) -> Result<Vec<String>> {
        let mut seen = BTreeSet::new();
        let mut names = vec![String::new()];
        for line in self.text.lines() {
            let mark = mark(line).map(|(mark, _)| mark);
            if let Some(variant) = mark.map(Mark::variant).filter(|it| seen.insert(it.clone())) {
                names.push(variant);
            }
        }
        ensure!(names.len() > 1, "{}: nothing to leave out", self.name);
        Ok(names)
    }

    /// The text of one variant. Every line keeps its number.
    fn text(&self, variant: &str) -> String {
        let lines = self.text.lines().map(|line| match mark(line) {
            Some((mark, code)) => {
                let differs = mark.variant() == variant;
                let behind = variant.starts_with(&format!("{} and ", mark.variant()));
                let stands =
                    if matches!(mark, Mark::Defence(_)) { !differs && !behind } else { differs };
                if stands { code } else { "" }
            }
            None => line,
        });
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }

    /// The queries, in the words of the file.
    fn queries(&self) -> Result<Vec<String>> {
        let (_, queries) = self.text.rsplit_once("queries[").context("no queries")?;
        let lines = queries.lines().map(str::trim);
        Ok(lines.filter(|line| line.contains('?')).map(str::to_owned).collect())
    }

    /// Searches for attacks on one variant.
    pub(crate) fn judge(&self, variant: &str, loud: bool) -> Result<Variant> {
        let path = scratch();
        fs::write(&path, self.text(variant))?;
        let verbosity =
            if loud { verifpal::Verbosity::Normal } else { verifpal::Verbosity::Silent };
        verifpal::set_verbosity(verbosity);
        let address = path.to_str().context("a path")?;
        let report = verifpal::verify_report_with_source_opts(address, self.sessions, false);
        let (report, _) = report.map_err(|error| anyhow!("{}, {variant}: {error}", self.name))?;
        fs::remove_file(&path)?;
        let queries = self.queries()?;
        let found: Vec<_> = report.code().bytes().filter(u8::is_ascii_digit).collect();
        ensure!(found.len() == queries.len(), "{}: {} answers", self.name, found.len());
        let found = found.into_iter().map(|digit| match digit {
            b'0' => Outcome::Holds,
            _ => Outcome::Attack,
        });
        Ok(Variant {
            model: self.name.clone(),
            name: variant.to_owned(),
            found: queries.into_iter().zip(found).collect(),
        })
    }
}

/// What a line's mark says.
#[derive(Clone, Copy)]
enum Mark<'a> {
    Defence(&'a str),
    Without(&'a str),
    With(&'a str),
}

impl Mark<'_> {
    fn variant(self) -> String {
        match self {
            Self::Defence(name) | Self::Without(name) => format!("without {name}"),
            Self::With(name) => format!("with {name}"),
        }
    }
}

/// A line's mark, and the line without it.
fn mark(line: &str) -> Option<(Mark<'_>, &str)> {
    let (before, rest) = line.split_once("//[")?;
    let (inside, after) = rest.split_once(']')?;
    Some(if let Some(name) = inside.strip_prefix("without ") {
        (Mark::Without(name), after)
    } else if let Some(name) = inside.strip_prefix("with ") {
        (Mark::With(name), after)
    } else {
        (Mark::Defence(inside), before)
    })
}

fn header(text: &str, word: &str) -> Result<String> {
    let start = format!("// {word}: ");
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&start));
    let first = lines.next().and_then(|line| line.strip_prefix(&start));
    let mut words = vec![first.with_context(|| format!("the header lacks {word}"))?];
    let more = lines.map_while(|line| line.strip_prefix("//   "));
    words.extend(more.map(str::trim));
    Ok(words.join(" "))
}

/// The tool reads files only, with names of at most 64 characters.
fn scratch() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("model-{}-{next}.vp", process::id()))
}
