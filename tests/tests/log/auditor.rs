//! The program, run as people run it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use reconnect_log::VerifierKey;
use reconnect_tests::process;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    sync::OnceCell,
};

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) events: Vec<Value>,
}

impl Ended {
    pub(crate) fn last(&self) -> &Value {
        self.events.last().unwrap_or(&Value::Null)
    }

    pub(crate) fn says(&self, event: &str, words: &str) -> bool {
        self.last()["event"] == event && self.last().to_string().contains(words)
    }
}

/// Somebody who follows one log, with a key as a witness.
pub(crate) struct Auditor {
    program: PathBuf,
    folder: TempDir,
    key: Option<VerifierKey>,
}

impl Auditor {
    pub(crate) async fn new() -> Result<Self> {
        static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();
        let program = PROGRAM.get_or_try_init(|| process::build("reconnect-audit")).await?.clone();
        Ok(Self { program, folder: tempfile::tempdir()?, key: None })
    }

    pub(crate) async fn witness(name: &str) -> Result<Self> {
        let mut witness = Self::new().await?;
        let out = witness.place("witness.key");
        let made = witness.run(&["keygen", "--name", name, "--out", &out]).await?;
        let key = made.last()["verifier_key"].as_str().context("keygen prints a key")?;
        witness.key = Some(key.parse()?);
        Ok(witness)
    }

    /// Its verifier key, if it is a witness.
    pub(crate) fn key(&self) -> Result<&VerifierKey> {
        self.key.as_ref().context("no witness")
    }

    pub(crate) fn place(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<Ended> {
        ended(self.raw(&[&["--json"], arguments].concat()).await?)
    }

    pub(crate) async fn raw(&self, arguments: &[&str]) -> Result<Output> {
        Ok(Command::new(&self.program).args(arguments).output().await?)
    }

    /// One round.
    pub(crate) async fn follow(&self, url: &str, log: &VerifierKey) -> Result<Ended> {
        ended(self.following(url, log).arg("--once").output().await?)
    }

    /// Rounds without end.
    pub(crate) fn keep_following(&self, url: &str, log: &VerifierKey) -> Result<Child> {
        let mut command = self.following(url, log);
        Ok(command.args(["--interval", "1"]).stdout(Stdio::piped()).kill_on_drop(true).spawn()?)
    }

    fn following(&self, url: &str, log: &VerifierKey) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--json", "follow", url, "--log-key", &log.to_string()]);
        command.args(["--state", &self.place("state")]);
        if self.key.is_some() {
            command.args(["--key", &self.place("witness.key")]);
        }
        command
    }

    pub(crate) async fn check(&self, evidence: &Path, log: &VerifierKey) -> Result<Ended> {
        let evidence = evidence.display().to_string();
        self.run(&["check", &evidence, "--log-key", &log.to_string()]).await
    }

    /// Folders of evidence.
    pub(crate) fn evidence(&self) -> Result<Vec<PathBuf>> {
        let Ok(entries) = fs::read_dir(self.place("state/evidence")) else { return Ok(Vec::new()) };
        Ok(entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?)
    }
}

fn ended(output: Output) -> Result<Ended> {
    let text = String::from_utf8(output.stdout)?;
    let events: Vec<Value> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().context(text.clone())?;
    let code = output.status.code().context("it was killed")?;
    ensure!(code != 101, "it panicked: {}", String::from_utf8_lossy(&output.stderr));
    Ok(Ended { code, events })
}
