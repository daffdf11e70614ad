//! Runs every formal model in every variant, and fails when one does not show what it must.
//!
//! With the name of a model, and of a variant after it, shows how that attack goes.

mod judge;
mod states;
mod symbolic;

use std::{
    env, fs,
    path::Path,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context as _, Result, bail};

use crate::{judge::Variant, symbolic::Model};

fn main() -> Result<ExitCode> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words: Vec<String> = env::args().skip(1).collect();
    let models = Model::all(&here.join("models"))?;
    if let Some((name, variant)) = words.split_first() {
        return show(&models, name, &variant.join(" "));
    }
    let found = search(&models)?;
    let expected = judge::expected(&fs::read_to_string(here.join("expected.txt"))?)?;
    judge::once(&expected)?;
    let mut complaints = judge::differences(&expected, &found);
    complaints.extend(judge::idle(&found));
    complaints.extend(strangers(here, &models)?);
    for variant in &found {
        print!("{variant}");
    }
    println!("\n{} variants, {} wrong", found.len(), complaints.len());
    for complaint in &complaints {
        println!("\nwrong: {complaint}");
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints what one variant finds, step by step.
fn show(models: &[Model], name: &str, variant: &str) -> Result<ExitCode> {
    match models.iter().find(|model| model.name == name) {
        Some(model) => print!("{}", model.judge(variant, true)?),
        None => print!("{}", states::show(name, variant)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// A variant to search.
enum Work<'a> {
    Symbolic(&'a Model, String),
    State(&'static states::About, &'static str),
}

/// Searches all variants, on every processor.
fn search(models: &[Model]) -> Result<Vec<Variant>> {
    let mut work = Vec::new();
    for model in models {
        work.extend(model.variants()?.into_iter().map(|variant| Work::Symbolic(model, variant)));
    }
    work.extend(states::all().into_iter().map(|(about, name)| Work::State(about, name)));
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || -> Result<()> {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let judged = match work.get(place) {
                Some(Work::Symbolic(model, variant)) => model.judge(variant, false)?,
                Some(Work::State(about, name)) => about.judge(name),
                None => return Ok(()),
            };
            eprintln!("{}", judged.title());
            let Ok(mut found) = found.lock() else { bail!("another worker failed") };
            found.push((place, judged));
        }
    };
    let count = thread::available_parallelism()?.get();
    thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|it| it.join().ok().context("a worker failed")?)
    })?;
    let mut found = found.into_inner().ok().context("a worker failed")?;
    found.sort_by_key(|(place, _)| *place);
    Ok(found.into_iter().map(|(_, variant)| variant).collect())
}

/// What the headers name and the project does not say: rules of the protocol, sentences of SECURITY.md.
fn strangers(here: &Path, models: &[Model]) -> Result<Vec<String>> {
    let root = here.ancestors().nth(2).context("the root")?;
    let protocol = fs::read_to_string(root.join("PROTOCOL.md"))?;
    let security = fs::read_to_string(root.join("SECURITY.md"))?;
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let security = flat(&security);
    let mut complaints = Vec::new();
    let mut headers = states::headers();
    for model in models {
        headers.push((model.name.clone(), model.header("Rules")?, model.header("Supports")?));
    }
    for (name, rules, supports) in headers {
        let unknown = rules.split(", ").filter(|rule| !protocol.contains(&format!("**{rule}**")));
        complaints.extend(unknown.map(|rule| format!("{name}: PROTOCOL.md has no rule {rule}")));
        if !security.contains(&supports) {
            complaints.push(format!("{name}: SECURITY.md does not say: {supports}"));
        }
    }
    Ok(complaints)
}
