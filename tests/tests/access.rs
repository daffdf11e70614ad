//! Who may do what, while others do something else: taking back against fetching, limits at
//! every instant, clocks that are set, and what a refusal tells.

#[path = "access/clocks.rs"]
mod clocks;
#[path = "access/cut.rs"]
mod cut;
#[path = "access/quotas.rs"]
mod quotas;
#[path = "access/race.rs"]
mod race;
#[path = "access/shapes.rs"]
mod shapes;
#[path = "access/shown.rs"]
mod shown;
#[path = "access/village.rs"]
mod village;
#[path = "access/writers.rs"]
mod writers;

use std::io::Write as _;

/// Says what was counted, also when the test passes.
fn say(line: &str) {
    // Nobody reads it when there is no terminal.
    let _ = writeln!(std::io::stderr(), "{line}");
}
