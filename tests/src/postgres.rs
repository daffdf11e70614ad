//! `PostgreSQL` for the tests: the server that `RECONNECT_TEST_POSTGRES` names, or a throw-away
//! cluster of this process; each test gets a database of its own in it.

use std::{
    env, fs,
    io::Read as _,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context as _, Result, bail, ensure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Names where a server is; `xtask` gives it to every suite of one run.
pub const SETTING: &str = "RECONNECT_TEST_POSTGRES";

/// Makes an empty database and gives its address.
pub async fn fresh_database() -> Result<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let address = match env::var(SETTING) {
        Ok(address) => address,
        Err(_) => own_cluster()?.to_owned(),
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("reconnect_{}_{count}", std::process::id());
    let (server, _) = address.rsplit_once('/').context("the address names no database")?;
    let mut connection = PgConnection::connect(&address).await.context(SETTING)?;
    let create = format!("create database {name}");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await?;
    connection.close().await?;
    Ok(format!("{server}/{name}"))
}

/// A cluster that this process started. It ends when the process does, however that ends: its
/// keeper reads a pipe that closes then, stops the server, and removes the folder.
struct Cluster {
    address: String,
    _keeper: (Child, ChildStdin),
}

fn own_cluster() -> Result<&'static str> {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    match CLUSTER.get_or_init(|| Cluster::start().map_err(|error| format!("{error:#}"))) {
        Ok(cluster) => Ok(&cluster.address),
        Err(why) => bail!("{why}"),
    }
}

impl Cluster {
    fn start() -> Result<Self> {
        let programs =
            programs().context("PostgreSQL is not installed: install the package `postgresql`")?;
        let folder = env::temp_dir().join(format!("reconnect-cluster-{}", std::process::id()));
        let made = as_nobody(&programs.join("initdb"))
            .args(["--username=reconnect", "--auth=trust", "--encoding=UTF8", "--no-locale"])
            .args(["--no-sync", "--pgdata"])
            .arg(&folder)
            .output()?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let server = as_nobody(&programs.join("postgres"));
        let mut keeper = Command::new("sh");
        keeper.arg("-c").arg(KEEPER).arg("keeper").arg(&folder).arg(programs.join("pg_isready"));
        keeper.arg(port.to_string()).arg(server.get_program()).args(server.get_args());
        let mut keeper = keeper
            .current_dir(env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let held = keeper.stdin.take().context("the keeper has no input")?;
        let mut said = String::new();
        keeper.stdout.take().context("the keeper is mute")?.read_to_string(&mut said)?;
        ensure!(said.trim() == "ready", "PostgreSQL did not start");
        let address = format!("postgres://reconnect@127.0.0.1:{port}/postgres");
        Ok(Self { address, _keeper: (keeper, held) })
    }
}

/// Folder, `pg_isready`, port, then the server's command.
const KEEPER: &str = r#"
folder=$1 ready=$2 port=$3; shift 3
"$@" -D "$folder" -k "$folder" -p "$port" -c listen_addresses=127.0.0.1 \
    -c max_connections=200 >/dev/null 2>&1 &
server=$!
for _ in $(seq 300); do
    "$ready" --quiet --host=127.0.0.1 --port="$port" && { echo ready; break; }
    kill -0 $server || break
    sleep 0.1
done
exec >&-
cat >/dev/null
kill -INT $server
wait $server
rm -rf "$folder"
"#;

/// The folder of the newest `postgres` and its companions.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|programs| programs.join("initdb").is_file())
        .max()
}

/// The database refuses to run as root.
fn as_nobody(program: &Path) -> Command {
    let is_root = fs::metadata("/proc/self")
        .is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // A folder that everybody may stand in: the repository may be closed to others.
    command.current_dir(env::temp_dir());
    command
}
