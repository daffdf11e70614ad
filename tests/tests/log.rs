//! Auditors and witnesses: the real `reconnect-audit` against the real server, and against one that
//! holds the log's real key and misuses it.

#[path = "log/auditor.rs"]
mod auditor;
#[path = "log/honest.rs"]
mod honest;
#[path = "log/mallory.rs"]
mod mallory;
#[path = "log/misbehaviour.rs"]
mod misbehaviour;
#[path = "log/page.rs"]
mod page;
#[path = "log/release.rs"]
mod release;
#[path = "log/trouble.rs"]
mod trouble;

use reconnect_tests::browser::system_now as now;
