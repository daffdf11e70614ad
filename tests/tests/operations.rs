//! What operators see and do: the program's log, its figures, its settings; backups under load, restores onto another
//! disk, another database.

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

use std::{cell::RefCell, io::Write as _, net::SocketAddr, rc::Rc};

use reconnect::Clock;
use reconnect_tests::browser::{Browser, Network};

/// A browser that speaks to a server outside this process, by the system's clock.
fn browser(server: SocketAddr) -> Browser {
    Browser::new(Rc::new(RefCell::new(Network::Outside(server))), clock(), None)
}

fn clock() -> Clock {
    Clock::System(now)
}

#[expect(clippy::disallowed_methods, reason = "the program under test has the system's clock too")]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |passed| passed.as_secs())
}

/// Says what was counted, also when the test passes.
fn say(line: &str) {
    // Nobody reads it when there is no terminal.
    let _ = writeln!(std::io::stderr(), "{line}");
}
