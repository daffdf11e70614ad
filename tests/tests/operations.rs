//! What operators see and do: the program's log, its figures, its settings; backups under load, restores onto another
//! disk, another database.

#[path = "operations/going_on.rs"]
mod going_on;
#[path = "operations/load.rs"]
mod load;
#[path = "operations/lost.rs"]
mod lost;
#[path = "operations/moved.rs"]
mod moved;
#[path = "operations/quiet.rs"]
mod quiet;
#[path = "operations/settings.rs"]
mod settings;
#[path = "operations/versions.rs"]
mod versions;

use std::io::Write as _;

use reconnect::Clock;
use reconnect_tests::browser::{outside as browser, system_now};

fn clock() -> Clock {
    Clock::System(system_now)
}

/// Says what was counted, also when the test passes.
fn say(line: &str) {
    // Nobody reads it when there is no terminal.
    let _ = writeln!(std::io::stderr(), "{line}");
}
