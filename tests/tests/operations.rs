//! What an operator does: backups under load, restores onto another disk, another database.

#[path = "operations/lost.rs"]
mod lost;

use std::io::Write as _;

/// Says what was counted, also when the test passes.
fn say(line: &str) {
    // Nobody reads it when there is no terminal.
    let _ = writeln!(std::io::stderr(), "{line}");
}
