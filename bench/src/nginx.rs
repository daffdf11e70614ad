//! nginx from Debian as a child of this process: what it serves a file with is the limit for downloads.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

/// Where Debian puts it.
const PROGRAM: &str = "/usr/sbin/nginx";
/// Looks before giving up: ten seconds.
const PATIENCE: u32 = 500;

/// A running server of files, which ends with this value.
pub(crate) struct Nginx {
    process: Child,
    address: SocketAddr,
}

impl Nginx {
    /// Serves `body` as `/file` from a folder, with `sendfile` and without logs.
    pub(crate) fn start(folder: &Path, body: &[u8]) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let here = folder.join("nginx");
        fs::create_dir_all(here.join("files"))?;
        fs::write(here.join("files/file"), body)?;
        let (here, settings) = (here.display().to_string(), here.join("nginx.conf"));
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
            .concat();
        // Whoever runs this reads the folder, also when that is root.
        let user = if is_root()? { "user root;\n" } else { "" };
        let text = format!(
            "daemon off;\n{user}worker_processes auto;\npid {here}/pid;\nerror_log {here}/errors;\n\
             events {{ worker_connections 1024; }}\n\
             http {{\naccess_log off;\nsendfile on;\ntcp_nodelay on;\nkeepalive_requests 1000000;\n\
             {paths}server {{ listen {address}; root {here}/files; }}\n}}\n"
        );
        fs::write(&settings, text)?;
        let process = Command::new("setpriv")
            .args(["--pdeathsig=TERM", PROGRAM, "-c"])
            .arg(&settings)
            .args(["-p", &here, "-e", &format!("{here}/errors")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start nginx")?;
        let mut nginx = Self { process, address };
        nginx.wait()?;
        Ok(nginx)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn wait(&mut self) -> Result<()> {
        for _ in 0..PATIENCE {
            if let Some(status) = self.process.try_wait()? {
                bail!("nginx ended with {status}: `cargo xtask bench server` installs it");
            }
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("nginx did not answer in time")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // In order, so that its workers end too.
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            drop(self.process.kill());
        }
        drop(self.process.wait());
    }
}

fn is_root() -> Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self")?) == 0)
}
