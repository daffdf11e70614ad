//! A database server for the tests: its own folder, its own port, gone afterwards.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command::{Runs as _, program, root};
use crate::setup::{is_root, postgres_programs};

/// Whether a server waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    /// It does, as it has to in service: for tests that pull the plug on what they were told is written.
    Waited,
    /// It leaves that to the kernel: no test tells the difference while the machine runs.
    Unwaited,
}

impl Disk {
    fn setting(self) -> &'static str {
        match self {
            Self::Waited => "on",
            Self::Unwaited => "off",
        }
    }

    /// What the server says, from the root of the repository.
    fn log(self) -> &'static str {
        match self {
            Self::Waited => "target/xtask/postgres.log",
            Self::Unwaited => "target/xtask/postgres-unwaited.log",
        }
    }
}

/// A running server, which ends with this value.
pub(crate) struct Postgres {
    process: Child,
    folder: PathBuf,
    port: u16,
    disk: Disk,
}

impl Postgres {
    /// Makes a new cluster and waits until it answers.
    pub(crate) fn start(disk: Disk) -> Result<Self> {
        let programs = postgres_programs().context("PostgreSQL is not installed")?;
        let folder = env::temp_dir().join(format!(
            "reconnect-postgres-{}-{}",
            std::process::id(),
            disk.setting()
        ));
        let port = free_port()?;
        as_nobody(&programs.join("initdb"))?
            .args(["--username=reconnect", "--auth=trust", "--encoding=UTF8", "--no-locale"])
            .arg("--no-sync")
            .arg("--pgdata")
            .arg(&folder)
            .read()?;
        fs::create_dir_all(root().join("target/xtask"))?;
        let log = fs::File::create(root().join(disk.log()))?;
        let process = as_nobody(&programs.join("postgres"))?
            .arg("-D")
            .arg(&folder)
            .arg("-k")
            .arg(&folder)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "max_connections=200"])
            .args(["-c", &format!("fsync={}", disk.setting())])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start PostgreSQL")?;
        let mut postgres = Self { process, folder, port, disk };
        postgres.wait(&programs)?;
        Ok(postgres)
    }

    /// The address that the tests are given; they make a database each.
    pub(crate) fn address(&self) -> String {
        format!("postgres://reconnect@127.0.0.1:{}/postgres", self.port)
    }

    fn wait(&mut self, programs: &Path) -> Result<()> {
        for _ in 0..PATIENCE {
            if let Some(status) = self.process.try_wait()? {
                bail!("PostgreSQL ended with {status}: see {}", self.disk.log());
            }
            let asked = program(programs.join("pg_isready"))
                .args(["--quiet", "--host=127.0.0.1", "--port", &self.port.to_string()])
                .status()?;
            if asked.success() {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        bail!("PostgreSQL did not answer in time")
    }
}

impl Drop for Postgres {
    /// Ends the server at once and in order; killing is for one that does not listen.
    fn drop(&mut self) {
        let asked = program("kill").args(["-INT", &self.process.id().to_string()]).run();
        if asked.is_err() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The database refuses to run as root. It ends when its parent does, however that ends.
fn as_nobody(name: &Path) -> Result<Command> {
    let mut command = program("setpriv");
    if is_root()? {
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
    }
    // A folder that everybody may stand in: the repository may be closed to others.
    command.current_dir(env::temp_dir());
    command.arg("--pdeathsig=INT").arg(name);
    Ok(command)
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

const PAUSE: Duration = Duration::from_millis(50);

/// How many pauses to wait: half a minute.
const PATIENCE: u32 = 600;
