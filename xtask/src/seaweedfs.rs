//! An object store for the tests: one `SeaweedFS` for all of them, on loopback, in its own folder, gone afterwards.
//! Each test has a prefix of its own in its bucket.

use std::env;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command::{program, root};
use crate::setup::seaweedfs_program;

/// The key of the tests, which opens nothing else.
const KEY: (&str, &str) = ("reconnect", "for-tests-alone");

/// A running server, which ends with this value.
pub(crate) struct SeaweedFs {
    process: Child,
    folder: PathBuf,
    s3: u16,
    master: u16,
    /// Which it makes whatever it is told, and leaves.
    sockets: [PathBuf; 4],
}

impl SeaweedFs {
    /// Starts one and waits until it takes objects.
    pub(crate) fn start() -> Result<Self> {
        let folder = env::temp_dir().join(format!("reconnect-seaweedfs-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let access = folder.join("access.json");
        let (id, secret) = KEY;
        fs::write(
            &access,
            format!(
                r#"{{"identities":[{{"name":"tests","actions":["Admin","Read","Write","List"],
                "credentials":[{{"accessKey":"{id}","secretKey":"{secret}"}}]}}]}}"#
            ),
        )?;
        let ports = free_ports()?;
        let [master, volume, filer, s3, master_grpc, volume_grpc, filer_grpc, s3_grpc] = ports;
        fs::create_dir_all(root().join("target/xtask"))?;
        let log = fs::File::create(root().join(LOG))?;
        let port = |name: &str, number: u16| format!("-{name}={number}");
        let place = |name: &str, file: &str| format!("-{name}={}", folder.join(file).display());
        let process = program("setpriv")
            .arg("--pdeathsig=KILL")
            .arg(seaweedfs_program())
            .args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"])
            // It tells nobody anything.
            .arg("-master.telemetry=false")
            .args(["-master.volumeSizeLimitMB=512", "-volume.max=100", "-volume.preStopSeconds=0"])
            // It takes objects until the disk is full: by itself it stops at a hundredth of all of it.
            .arg("-volume.minFreeSpace=64MiB")
            .args(["-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"])
            .arg(format!("-dir={}", folder.display()))
            .arg(place("s3.config", "access.json"))
            .arg(place("filer.localSocket", "filer.sock"))
            .arg(place("s3.localSocket", "s3.sock"))
            .args([port("master.port", master), port("master.port.grpc", master_grpc)])
            .args([port("volume.port", volume), port("volume.port.grpc", volume_grpc)])
            .args([port("filer.port", filer), port("filer.port.grpc", filer_grpc)])
            .args([port("s3.port", s3), port("s3.port.grpc", s3_grpc)])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start SeaweedFS")?;
        let socket = |(name, port): (&str, u16)| {
            env::temp_dir().join(format!("seaweedfs-{name}-grpc-{port}.sock"))
        };
        let grpc = [
            ("master", master_grpc),
            ("volume", volume_grpc),
            ("filer", filer_grpc),
            ("s3", s3_grpc),
        ];
        let mut started = Self { process, folder, s3, master, sockets: grpc.map(socket) };
        started.wait()?;
        Ok(started)
    }

    /// The address that the tests are given, with the key and a bucket.
    pub(crate) fn address(&self) -> String {
        let (id, secret) = KEY;
        format!("http://{id}:{secret}@127.0.0.1:{}/tests", self.s3)
    }

    /// Until it gives out places for objects, and its S3 side answers.
    fn wait(&mut self) -> Result<()> {
        for _ in 0..PATIENCE {
            if let Some(status) = self.process.try_wait()? {
                bail!("SeaweedFS ended with {status}: see {LOG}");
            }
            let assigns = answer(self.master, "/dir/assign?collection=tests");
            if assigns.is_some_and(|said| said.contains("\"fid\""))
                && answer(self.s3, "/").is_some()
            {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        bail!("SeaweedFS did not answer in time: see {LOG}")
    }
}

impl Drop for SeaweedFs {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
        for socket in &self.sockets {
            let _ = fs::remove_file(socket);
        }
    }
}

/// What a server on this machine says, if it does.
fn answer(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).ok()?;
    (!said.is_empty()).then(|| String::from_utf8_lossy(&said).into_owned())
}

/// All of them at one time, so that none is given twice.
fn free_ports() -> Result<[u16; 8]> {
    let mut held = Vec::new();
    let mut ports = [0; 8];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// What it says, from the root of the repository.
const LOG: &str = "target/xtask/seaweedfs.log";

const PAUSE: Duration = Duration::from_millis(100);

/// How many pauses to wait: a minute.
const PATIENCE: u32 = 600;
