//! The real program as a process of its own: started, killed, asked to stop, started again.

use std::{
    env,
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use reconnect::{
    Config,
    config::{BlobsPlace, DatabaseUrl},
};
use reconnect_format::api::Call;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::{
    stage::{Database, settings},
    store::Given,
    wire,
};

/// Between two looks at a server that starts: there is nothing to wait on before it listens.
const PAUSE: Duration = Duration::from_millis(20);
/// Looks before giving up: half a minute.
const PATIENCE: u32 = 1500;

/// Where and how a program runs.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program, as built from this source.
    pub program: PathBuf,
    /// Its data folder.
    pub folder: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
    /// More settings, as environment variables.
    pub variables: Vec<(&'static str, String)>,
    /// Where what it logs is kept.
    pub log: Option<PathBuf>,
    /// The data folder is a disk of this size, in a mount namespace of the process.
    pub disk_bytes: Option<u64>,
    /// The account of the system that it runs under, when it is another one.
    pub user: Option<u32>,
}

impl Setup {
    /// A program on `folder`, on a free port. Builds the program, which is quick when it is built.
    pub async fn on(folder: &Path) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        Ok(Self {
            program: match env::var_os("RECONNECT_BIN") {
                Some(built) => PathBuf::from(built),
                None => build("reconnect").await?,
            },
            folder: folder.to_path_buf(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            variables: vec![("RECONNECT_UNLOCKS_PER_SECOND", "10000".to_owned())],
            log: None,
            disk_bytes: None,
            user: None,
        })
    }

    /// The same over a database of its own, with what its configuration says.
    pub async fn over(folder: &Path, database: Database) -> Result<(Self, Config)> {
        let mut setup = Self::on(folder).await?;
        let config = settings(folder, database).await?;
        if let DatabaseUrl::Postgres(url) = &config.database {
            setup.variables.push(("RECONNECT_DATABASE", url.clone()));
        }
        Ok((setup, config))
    }

    /// Two of them over one database and one bucket; the second starts with a copy of the first one's secrets.
    pub async fn pair(folders: [&Path; 2]) -> Result<([Self; 2], Config)> {
        let mut config = settings(folders[0], Database::Postgres).await?;
        let given = Given::read()?;
        config.blobs = given.fresh()?;
        config.log.origin = Some("pair.example".to_owned());
        let (DatabaseUrl::Postgres(url), BlobsPlace::Bucket { bucket, prefix }) =
            (&config.database, &config.blobs.place)
        else {
            bail!("nothing to share");
        };
        let mut pair = [Self::on(folders[0]).await?, Self::on(folders[1]).await?];
        for setup in &mut pair {
            setup.variables.extend([
                ("RECONNECT_DATABASE", url.clone()),
                ("RECONNECT_BLOBS", format!("s3://{bucket}/{prefix}")),
                ("RECONNECT_S3_ENDPOINT", given.endpoint.clone()),
                ("RECONNECT_S3_KEY_ID", given.key_id.clone()),
                ("RECONNECT_S3_SECRET", given.secret.clone()),
                ("RECONNECT_LOG_ORIGIN", "pair.example".to_owned()),
                ("RECONNECT_LOG_SECONDS", "1".to_owned()),
            ]);
        }
        Ok((pair, config))
    }

    /// Starts both.
    pub async fn start_pair(pair: &[Self; 2]) -> Result<[Process; 2]> {
        let first = pair[0].start().await?;
        copy_secrets(&pair[0].folder, &pair[1].folder)?;
        Ok([first, pair[1].start().await?])
    }

    /// Starts it, and waits until it answers.
    pub async fn start(&self) -> Result<Process> {
        let mut command = self.command();
        if env::var_os("RECONNECT_LOG").is_none() {
            command.env("RECONNECT_LOG", "off");
        }
        let log = match &self.log {
            Some(file) => File::options().create(true).append(true).open(file)?.into(),
            None => Stdio::inherit(),
        };
        command
            .env("RECONNECT_DATA", &self.folder)
            .env("RECONNECT_LISTEN", self.address.to_string())
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        let mut process = Process { child: command.spawn()?, address: self.address };
        process.wait_until_ready().await?;
        Ok(process)
    }

    /// It ends with this thread, however that ends.
    fn command(&self) -> Command {
        let Some(bytes) = self.disk_bytes else {
            let mut command = Command::new("setpriv");
            if let Some(user) = self.user {
                command.arg(format!("--reuid={user}")).arg("--clear-groups");
            }
            command.arg("--pdeathsig=KILL").arg(&self.program).arg("serve");
            return command;
        };
        let mut command = Command::new("unshare");
        command.args(["--mount", "setpriv", "--pdeathsig=KILL", "sh", "-c"]);
        command.arg(r#"mount -t tmpfs -o size="$1" tmpfs "$2" && exec "$3" serve"#);
        command.arg("disk").arg(bytes.to_string()).arg(&self.folder).arg(&self.program);
        command
    }
}

/// Memory that a program has.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Now.
    pub resident_bytes: u64,
    /// At most since it started.
    pub peak_bytes: u64,
}

/// A running program.
pub struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it without a word, as a power cut would, and waits until it is gone.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }

    /// Asks it to stop, and gives how it ended.
    pub async fn stop(mut self) -> Result<ExitStatus> {
        self.ask_to_stop()?;
        self.ended().await
    }

    /// Asks it to stop, and returns at once.
    pub fn ask_to_stop(&self) -> Result<()> {
        kill_process(self.pid()?, Signal::TERM)?;
        Ok(())
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        let patience = PAUSE * PATIENCE;
        Ok(tokio::time::timeout(patience, self.child.wait()).await.context("it does not end")??)
    }

    /// Its number.
    pub fn id(&self) -> Result<u32> {
        self.child.id().context("it has ended")
    }

    /// How much memory it has.
    pub fn memory(&self) -> Result<Memory> {
        let status = format!("/proc/{}/status", self.pid()?.as_raw_nonzero());
        let status = std::fs::read_to_string(status)?;
        let bytes = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let count = line.and_then(|line| line.trim().strip_suffix(" kB"));
            Ok(count.context("no such figure")?.parse::<u64>()? << 10)
        };
        Ok(Memory { resident_bytes: bytes("VmRSS:")?, peak_bytes: bytes("VmHWM:")? })
    }

    /// A folder as this process sees it.
    pub fn sees(&self, folder: &Path) -> Result<PathBuf> {
        let inside = folder.strip_prefix("/").context("not an absolute path")?;
        Ok(Path::new("/proc")
            .join(self.pid()?.as_raw_nonzero().to_string())
            .join("root")
            .join(inside))
    }

    fn pid(&self) -> Result<Pid> {
        let id = self.child.id().context("it has ended")?;
        Pid::from_raw(i32::try_from(id)?).context("not a process")
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        for _ in 0..PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status} before it was ready");
            }
            let call = Call::read("/readyz").open();
            if wire::outside(self.address, &call, None).await.is_ok_and(|it| it.status == 200) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("the server was not ready in time")
    }
}

/// Gives another server's data folder the same secrets.
pub fn copy_secrets(from: &Path, to: &Path) -> Result<()> {
    let to = to.join("secrets");
    std::fs::create_dir_all(&to)?;
    for file in std::fs::read_dir(from.join("secrets"))? {
        let file = file?;
        std::fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

/// A program, built from the source as it is now.
pub async fn build(name: &str) -> Result<PathBuf> {
    build_as(name, &[]).await
}

/// The server with faults on purpose: `server/src/fault.rs`.
pub async fn build_with_faults() -> Result<PathBuf> {
    build_as("reconnect-faults", &["--features", "reconnect/faults"]).await
}

async fn build_as(name: &str, more: &[&str]) -> Result<PathBuf> {
    let root = root();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--bin", name]).args(more).current_dir(&root);
    // What cargo says about the tests is not meant for it: build scripts that watch these names would
    // run again, and much would be built twice whenever the two take turns.
    for (name, _) in env::vars_os() {
        let about_tests = name.to_str().is_some_and(|name| {
            ["CARGO_MANIFEST", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        if about_tests {
            build.env_remove(name);
        }
    }
    let output = build.output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("debug").join(name))
}

/// The repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
