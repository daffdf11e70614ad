//! State models: every order of events is tried, with a server that chooses what it shows to whom.

mod beside;
mod marks;
mod overruling;
mod readers;
mod returns;
mod rewrap;
mod rollback;
mod witnesses;

use std::{fmt::Debug, hash::Hash};

use anyhow::{Context as _, Result};
use stateright::{Checker as _, Expectation, Model};

use crate::judge::{Outcome, Variant};

/// What a state model says of itself: its name, the rules that it is about, and the sentence of SECURITY.md that it
/// supports.
pub(crate) struct About {
    name: &'static str,
    rules: &'static str,
    supports: &'static str,
    /// What is left out or added, the model as it stands first.
    variants: &'static [&'static str],
    model: fn(&'static str) -> Box<dyn Judged>,
}

const ALL: [&About; 8] = [
    &beside::ABOUT,
    &marks::ABOUT,
    &overruling::ABOUT,
    &readers::ABOUT,
    &returns::ABOUT,
    &rewrap::ABOUT,
    &rollback::ABOUT,
    &witnesses::ABOUT,
];

/// Every variant of every model.
pub(crate) fn all() -> Vec<(&'static About, &'static str)> {
    ALL.iter().flat_map(|about| about.variants.iter().map(move |it| (*about, *it))).collect()
}

/// Prints how a variant's properties are broken or reached.
pub(crate) fn show(model: &str, variant: &str) -> Result<Variant> {
    let about = ALL.into_iter().find(|it| it.name == model);
    let about = about.with_context(|| format!("there is no model {model}"))?;
    let name = about.variants.iter().find(|it| **it == variant);
    let name = name.with_context(|| format!("{model} has no variant {variant}"))?;
    (about.model)(name).print();
    Ok(about.judge(name))
}

/// Name, rules and sentence of each.
pub(crate) fn headers() -> Vec<(String, String, String)> {
    let headers = ALL.map(|it| [it.name, it.rules, it.supports].map(str::to_owned).into());
    headers.into()
}

impl About {
    /// Searches one variant.
    pub(crate) fn judge(&self, name: &'static str) -> Variant {
        let found = (self.model)(name).outcomes();
        Variant { model: self.name.to_owned(), name: name.to_owned(), found }
    }
}

/// A model that can be searched to its end.
pub(crate) trait Judged {
    /// Each property, with what was found.
    fn outcomes(&self) -> Vec<(String, Outcome)>;
    /// Prints the shortest way to each thing that was found.
    fn print(&self);
}

impl<M> Judged for M
where
    M: Model + Clone + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq,
{
    fn outcomes(&self) -> Vec<(String, Outcome)> {
        let checker = self.clone().checker().spawn_bfs().join();
        let properties = self.properties().into_iter().map(|property| {
            let found = checker.discovery(property.name).is_some();
            let outcome = match (property.expectation, found) {
                (Expectation::Sometimes, true) => Outcome::Reached,
                (Expectation::Sometimes, false) => Outcome::Unreached,
                (_, true) => Outcome::Attack,
                (_, false) => Outcome::Holds,
            };
            (property.name.to_owned(), outcome)
        });
        properties.collect()
    }

    fn print(&self) {
        let whole = self.clone().checker().spawn_bfs().join();
        for property in self.properties() {
            let search = |depth| {
                let checker = self.clone().checker().target_max_depth(depth).spawn_bfs().join();
                checker.discovery(property.name)
            };
            if whole.discovery(property.name).is_some()
                && let Some(path) = (1..).find_map(search)
            {
                println!("{}: {:?}", property.name, path.into_actions());
            }
        }
    }
}
