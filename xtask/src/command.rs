//! Other programs: how they are found, started and judged.

use std::env;
use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// Judging a program by how it ended.
pub(crate) trait Runs {
    /// Runs to the end, showing what it prints; anything but success is an error.
    fn run(&mut self) -> Result<()>;

    /// Runs to the end; whether it succeeded, and everything that it printed.
    fn watch(&mut self) -> Result<(bool, String)>;

    /// Runs to the end and yields what it printed; anything but success is an error that shows it.
    fn read(&mut self) -> Result<String>;
}

impl Runs for Command {
    fn run(&mut self) -> Result<()> {
        let status = self.status().with_context(|| format!("cannot start {}", shown(self)))?;
        ensure!(status.success(), "{} ended with {status}", shown(self));
        Ok(())
    }

    fn watch(&mut self) -> Result<(bool, String)> {
        let (mut reader, writer) = std::io::pipe()?;
        self.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let mut child = self.spawn().with_context(|| format!("cannot start {}", shown(self)))?;
        // This process's own ends: the pipe ends when the child's do.
        self.stdout(Stdio::null()).stderr(Stdio::null());
        let mut said = Vec::new();
        reader.read_to_end(&mut said)?;
        let status = child.wait()?;
        Ok((status.success(), String::from_utf8_lossy(&said).into_owned()))
    }

    fn read(&mut self) -> Result<String> {
        let output = self
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", shown(self)))?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        let status = output.status;
        ensure!(status.success(), "{} ended with {status}:\n{printed}{complaint}", shown(self));
        Ok(printed)
    }
}

/// The root of the repository, as long as xtask is started through cargo.
pub(crate) fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_path_buf)
}

/// A program that starts in the root of the repository.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    // What cargo says about xtask is not meant for its children: build scripts that watch these
    // names would run again whenever a person and xtask take turns.
    for (name, _) in env::vars_os() {
        let about_xtask = name.to_str().is_some_and(|name| {
            ["CARGO_MANIFEST", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        if about_xtask {
            command.env_remove(name);
        }
    }
    command
}

/// `cargo` with these arguments, in the root of the repository.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// `node` with these arguments, in the folder of the page.
pub(crate) fn node(arguments: &[&str]) -> Command {
    let mut command = program("node");
    command.current_dir(root().join("web")).args(arguments);
    command
}

/// Whether a program of this name can be started.
pub(crate) fn exists(name: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

fn shown(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    format!("`{}`", words.join(" "))
}
