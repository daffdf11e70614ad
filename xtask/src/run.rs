//! `cargo xtask run`: from a fresh clone to a safe in the browser.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::command::{Runs as _, cargo, program, root};
use crate::{setup, wasm, web};

/// How to serve.
#[derive(Args)]
pub(crate) struct Options {
    /// Fill the safe with invented people first
    #[arg(long)]
    demo: bool,
    /// Build as for a real service: slower to build, faster to run, the page inside the program
    #[arg(long)]
    release: bool,
    /// The port of 127.0.0.1 to listen on
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The folder that keeps the database and the sealed documents
    #[arg(long, default_value = "data")]
    data: PathBuf,
}

/// Builds what changed, then becomes the server: its signals and its status are the command's own.
#[expect(clippy::print_stdout, reason = "a command says what it does")]
pub(crate) fn run(options: &Options) -> Result<()> {
    setup::for_building()?;
    wasm::build()?;
    web::build_if_changed()?;
    let profile = options.release.then_some("--release");
    cargo(&["build", "--bin", "reconnect"]).args(profile).run()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    if TcpStream::connect(address).is_ok() {
        bail!("port {} is taken: choose another with --port", options.port);
    }
    let folder = root().join("target").join(if options.release { "release" } else { "debug" });
    if options.demo {
        cargo(&["build", "--bin", "demo"]).args(profile).run()?;
        seed(&folder, address, options)?;
    }
    println!("\nServing at http://localhost:{}; Ctrl-C ends it.", options.port);
    println!(
        "The operator's commands, beside it: RECONNECT_DATA={} {} operator list\n",
        root().join(&options.data).display(),
        folder.join("reconnect").display()
    );
    let failure = server(&folder, address, options).exec();
    bail!("cannot start the server: {failure}")
}

/// Fills the data folder through a server of its own, which ends before the real one starts.
fn seed(folder: &Path, address: SocketAddr, options: &Options) -> Result<()> {
    let mut serving = server(folder, address, options).spawn()?;
    let result = wait(&mut serving, address).and_then(|()| {
        program(folder.join("demo"))
            .arg(format!("http://localhost:{}", options.port))
            .arg(root().join(&options.data))
            .run()
    });
    // A polite end, so that what was written is on the disk.
    let asked = program("kill").arg(serving.id().to_string()).run();
    if asked.is_err() {
        let _ = serving.kill();
    }
    serving.wait()?;
    result
}

fn server(folder: &Path, address: SocketAddr, options: &Options) -> Command {
    let mut command = program(folder.join("reconnect"));
    command
        .arg("serve")
        .env("RECONNECT_DATA", root().join(&options.data))
        .env("RECONNECT_LISTEN", address.to_string());
    command
}

/// Waits until the server says that it is ready, as long as it runs.
fn wait(server: &mut Child, address: SocketAddr) -> Result<()> {
    for _ in 0..PATIENCE {
        if let Some(status) = server.try_wait()? {
            bail!("the server ended with {status} before it was ready");
        }
        if is_ready(address).unwrap_or(false) {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    bail!("the server was not ready in time")
}

fn is_ready(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, PAUSE)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(head.ends_with(b"200"))
}

const PAUSE: Duration = Duration::from_millis(100);

/// How many pauses to wait: a minute.
const PATIENCE: u32 = 600;
