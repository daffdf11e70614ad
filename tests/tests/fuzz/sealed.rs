//! What is sealed, wrapped, hashed and signed, as the vectors show it: whatever is changed in their bytes, nobody
//! takes it for good.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use anyhow::Result;
use proptest::{
    prelude::*,
    test_runner::{TestCaseError, TestError},
};
use reconnect_core::vectors::judge;
use reconnect_tests::layout::Node;
use rustix::time::{ClockId, clock_gettime};

use crate::{
    cases, changes, runner, say, seed,
    seeds::{Vector, vectors},
};

/// Changed vectors that are judged, when nothing else is said.
const CASES: u32 = 2_000;

/// What is judged in this time stretches nothing.
const QUICK: Duration = Duration::from_millis(25);

/// I-20: what is sealed opens only as it was sealed.
#[test]
fn whatever_is_changed_in_what_is_sealed_is_not_good() -> Result<()> {
    let quick: Vec<Vector> = vectors()?.into_iter().filter(is_quick).collect();
    let (seed, cases) = (seed()?, cases(CASES)?);
    say(&format!("RECONNECT_SEED={seed}"));
    let strategy = (any::<prop::sample::Index>(), changes());
    let outcome = runner(cases, seed).run(&strategy, |(which, changes)| {
        let vector = &quick[which.index(quick.len())];
        // One of its parts: a chain without its last statements is a good one, and so is one that somebody else's
        // part came into by chance.
        let mut items = vector.items.clone();
        let at = usize::try_from(changes[0].with >> 32).unwrap_or_default() % items.len();
        // The keys beside those roots are what a chain named that was verified before.
        let at = if vector.name.contains("/earlier-roots/") { 0 } else { at };
        let mut tree = Node::pieces([items[at].as_slice()]);
        for change in &changes {
            change.make(&mut tree, &[]);
        }
        items[at] = tree.write();
        judged(vector, &items).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {
            say(&format!("{cases} changes of {} vectors: none is good", quick.len()));
            Ok(())
        }
        Err(TestError::Fail(why, (which, changes))) => {
            anyhow::bail!("{}: {why}, after {changes:?}", quick[which.index(quick.len())].name)
        }
        Err(other) => anyhow::bail!("{other}"),
    }
}

/// Those that stretch nothing, and have bytes.
fn is_quick(vector: &Vector) -> bool {
    let before = clock_gettime(ClockId::ThreadCPUTime);
    let _ = judge(&vector.with(&vector.items));
    let took = clock_gettime(ClockId::ThreadCPUTime) - before;
    Duration::try_from(took).is_ok_and(|it| it < QUICK) && !vector.items.is_empty()
}

fn judged(vector: &Vector, items: &[Vec<u8>]) -> Result<(), String> {
    let verdict = catch_unwind(AssertUnwindSafe(|| judge(&vector.with(items))));
    let verdict = verdict.map_err(|_| "panics".to_owned())?;
    match verdict {
        // One that is no file of a vector any more.
        Err(_) => Ok(()),
        // One with a part less is another file: a chain without its end is a chain.
        Ok(_) if items.iter().any(Vec::is_empty) => Ok(()),
        Ok(verdict) if verdict.found != "ok" => Ok(()),
        Ok(_) if !vector.is_good || items == vector.items => Ok(()),
        // A witness whose signature is not needed may have signed anything.
        Ok(_) if vector.name.contains("/log-lookup/") => Ok(()),
        Ok(_) => Err("is found good".to_owned()),
    }
}
