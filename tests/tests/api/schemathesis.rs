//! Schemathesis, in the environment that xtask installs: how it is asked, and what it says.

use std::{net::SocketAddr, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use reconnect_tests::process::root;
use serde_json::Value;
use tokio::process::Command;

/// Where xtask installs it.
const PROGRAM: &str = "target/xtask/schemathesis/bin/schemathesis";
/// A session that nobody has.
const NOBODYS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Which of its checks are left out, or changed, and why.
const CONFIGURATION: &str = r#"
# What is signed, sealed, or a try of a PIN is more than a schema can say: what fits the schema is never malformed,
# but it is refused where nothing is there, it is not the caller's, or it does not verify.
[checks]
positive_data_acceptance.expected-statuses = ["2XX", 401, 404, 409, 410, 413, 416, 422, 429]
# A malformed id looks like one of something that is not there, and whoever has no session is told nothing else.
negative_data_rejection.expected-statuses = [400, 401, 404, 405, 409, 410, 413, 416, 422, 429]

# An offer, a first message of the PAKE, a checkpoint, an envelope's first bytes and ids in their order are any texts
# to a schema; what is none of them is malformed all the same.
[[operations]]
include-path-regex = "^/v1/(links|log/(cosignatures|lookup)|(words|pin)/registration|unlock/words|envelopes|received/[^/]*/fresh)"
checks.positive_data_acceptance.expected-statuses = ["2XX", 400, 401, 404, 409, 410, 413, 422, 429]
"#;

/// A schema takes 7.0 for an integer, and nobody who writes JSON from the types of a program writes one so.
const HOOKS: &str = r"
import schemathesis

def whole(it):
    if isinstance(it, dict):
        return {name: whole(value) for name, value in it.items()}
    if isinstance(it, list):
        return [whole(value) for value in it]
    return int(it) if isinstance(it, float) and it.is_integer() else it

@schemathesis.hook
def map_body(context, body):
    return whole(body)
";

/// One play of it.
pub(crate) struct Play<'a> {
    pub(crate) who: &'static str,
    openapi: &'a Value,
    token: Option<&'a str>,
    only: Option<&'a str>,
}

/// What came of it.
pub(crate) struct Report {
    pub(crate) is_good: bool,
    /// Calls that were made and judged.
    pub(crate) calls: u32,
    pub(crate) said: String,
}

impl<'a> Play<'a> {
    pub(crate) fn of(who: &'static str, openapi: &'a Value) -> Self {
        Self { who, openapi, token: None, only: None }
    }

    /// With somebody's session, which it is not to end.
    pub(crate) fn with(self, token: &'a str) -> Self {
        Self { token: Some(token), ..self }
    }

    /// With a session that nobody has, so that what it is refused for is looked at.
    pub(crate) fn with_any_session(self) -> Self {
        self.with(NOBODYS)
    }

    /// Paths that begin with this alone.
    pub(crate) fn only(self, path: &'a str) -> Self {
        Self { only: Some(path), ..self }
    }

    pub(crate) async fn run(&self, server: SocketAddr, seed: u64, cases: u64) -> Result<Report> {
        let folder = tempfile::tempdir()?;
        let place = |name: &str| folder.path().join(name);
        std::fs::write(place("openapi.json"), serde_json::to_vec(self.openapi)?)?;
        std::fs::write(place("schemathesis.toml"), CONFIGURATION)?;
        std::fs::write(place("hooks.py"), HOOKS)?;
        let mut command = Command::new(root().join(PROGRAM));
        command
            .current_dir(folder.path())
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .args(["--no-color", "--config-file", "schemathesis.toml", "run", "openapi.json"])
            .args(["--url", &format!("http://{server}"), "--workers", "1"])
            .args(["--phases", "examples,coverage,fuzzing", "--checks", "all"])
            .args(["--seed", &seed.to_string(), "--max-examples", &cases.to_string()])
            .args(["--generation-database", "none", "--no-shrink", "--warnings", "off"])
            .args(["--suppress-health-check", "all", "--output-sanitize", "false"])
            .args(["--report", "json", "--report-json-path", "report.json"])
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(token) = self.token {
            command.args(["--header", &format!("Authorization: Bearer {token}")]);
        }
        match self.only {
            Some(path) => command.args(["--include-path-regex", &format!("^{path}")]),
            None => command.args(["--exclude-path-regex", "^/v1/sessions"]),
        };
        let output = command.output().await.context("not installed: `cargo xtask setup`")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        ensure!(matches!(code, Some(0 | 1)), "ended with {code:?}:\n{said}\n{complaint}");
        let calls = generated(&said).with_context(|| format!("it says no number:\n{said}"))?;
        Ok(Report { is_good: code == Some(0), calls, said })
    }
}

/// `Test cases: 12 generated, …`.
fn generated(said: &str) -> Option<u32> {
    let (before, _) = said.rsplit_once(" generated")?;
    before.split_whitespace().last()?.replace(',', "").parse().ok()
}
