//! Rust's standard library for wasm, built here where rustup cannot fetch it.
//!
//! Debian ships the library's sources, in the version of the installed compiler, in one of its newer
//! suites. An empty crate is built with them, and the libraries are copied to where rustc looks.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::{Runs as _, cargo, program};
use crate::setup::is_debian;
use crate::wasm::{TARGET, flags};

/// The folder in which rustc looks for the target's libraries.
pub(crate) fn libraries() -> Result<PathBuf> {
    let folder = program("rustc").args(["--print", "target-libdir", "--target", TARGET]).read()?;
    Ok(PathBuf::from(folder.trim()))
}

/// Whether the standard library is in this folder.
pub(crate) fn is_built(libraries: &Path) -> bool {
    fs::read_dir(libraries)
        .is_ok_and(|files| files.filter_map(Result::ok).any(|file| is_std(&file.path())))
}

/// Builds the standard library into a folder.
#[expect(clippy::print_stdout, reason = "a command says what it does")]
pub(crate) fn build(into: &Path) -> Result<()> {
    ensure!(is_debian(), "only Debian has the sources of Rust's standard library at hand");
    let place = env::temp_dir().join(format!("reconnect-std-{}", std::process::id()));
    fs::create_dir_all(&place)?;
    let result = download(&place)
        .and_then(|library| compile(&library, &place))
        .and_then(|built| copy(&built, into));
    let _ = fs::remove_dir_all(&place);
    let copied = result?;
    println!("setup: built {copied} libraries for {TARGET}");
    Ok(())
}

/// Downloads and unpacks Debian's `rust-src` of the compiler's version, and yields its `library`.
fn download(place: &Path) -> Result<PathBuf> {
    let release = rustc_release()?;
    let archive = archive()?;
    let sources = SUITES.map(|suite| format!("deb [signed-by={KEYRING}] {archive} {suite} main"));
    fs::write(place.join("sources.list"), sources.join("\n"))?;
    fs::create_dir_all(place.join("lists/partial"))?;
    fs::create_dir_all(place.join("archives/partial"))?;
    // Nothing of this reaches the system's own lists of packages.
    let apt = |name: &str| {
        let mut command = program(name);
        command.current_dir(place);
        for (option, path) in [
            ("Dir::Etc::sourcelist", "sources.list"),
            ("Dir::Etc::sourceparts", "none"),
            ("Dir::State::Lists", "lists"),
            ("Dir::Cache", "."),
            ("Dir::Cache::archives", "archives"),
        ] {
            command.arg("-o").arg(format!("{option}={}", place.join(path).display()));
        }
        command.args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none"]);
        command
    };
    // Not every mirror has every suite: what counts is what is known afterwards.
    let _ = apt("apt-get").args(["update", "--quiet"]).run();
    let known = apt("apt-cache").args(["madison", "rust-src"]).read()?;
    let version = known
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(str::trim)
        .find(|version| {
            let rest = version.strip_prefix(release.as_str());
            rest.is_some_and(|rest| rest.starts_with(['+', '-', '~']))
        })
        .with_context(|| format!("Debian has no rust-src of version {release}:\n{known}"))?;
    apt("apt-get").arg("download").arg(format!("rust-src={version}")).run()?;
    let package = fs::read_dir(place)?
        .filter_map(|file| Some(file.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded nothing")?;
    program("dpkg-deb").arg("--extract").arg(package).arg(place.join("sources")).run()?;
    let library = place.join("sources/usr/src").join(format!("rustc-{release}")).join("library");
    ensure!(library.is_dir(), "rust-src holds no {}", library.display());
    Ok(library)
}

/// Builds an empty crate together with the library, and yields the folder of what came out.
fn compile(library: &Path, place: &Path) -> Result<PathBuf> {
    let empty = place.join("empty");
    fs::create_dir_all(empty.join("src"))?;
    fs::write(
        empty.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    fs::write(empty.join("src/lib.rs"), "")?;
    let mut flags = flags()?;
    flags.push("\u{1f}-Cembed-bitcode=yes\u{1f}--remap-path-prefix=");
    flags.push(library);
    flags.push("=/rust/library");
    cargo(&["build", "--release", "--target", TARGET])
        .arg("-Zbuild-std=std,panic_abort,proc_macro,test")
        .current_dir(&empty)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", library)
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", place.join("target"))
        .run()?;
    Ok(place.join("target").join(TARGET).join("release/deps"))
}

/// Copies the libraries, the one that tells that all are there last.
fn copy(built: &Path, into: &Path) -> Result<usize> {
    fs::create_dir_all(into)?;
    let files: Vec<_> = fs::read_dir(built)?
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rlib"))
        .collect();
    let (last, first): (Vec<_>, Vec<_>) = files.iter().partition(|path| is_std(path));
    let mut copied = 0;
    for path in first.into_iter().chain(last) {
        let name = path.file_name().unwrap_or_default();
        if !name.to_string_lossy().starts_with("libempty-") {
            fs::copy(path, into.join(name))?;
            copied += 1;
        }
    }
    ensure!(is_built(into), "the standard library was not among the {copied} libraries built");
    Ok(copied)
}

fn is_std(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("libstd-") && path.extension().is_some_and(|extension| extension == "rlib")
}

/// The compiler's version, as `1.95.0`.
fn rustc_release() -> Result<String> {
    let version = program("rustc").args(["--version", "--verbose"]).read()?;
    let release = version.lines().find_map(|line| line.strip_prefix("release: "));
    Ok(release.context("rustc does not say its release")?.to_owned())
}

/// The address from which this machine takes Debian's packages.
fn archive() -> Result<String> {
    let targets = program("apt-get")
        .args(["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"])
        .read()?;
    let debian = targets
        .lines()
        .map(|line| line.trim().trim_end_matches('/'))
        .find(|address| address.ends_with("/debian"));
    match debian {
        Some(address) => Ok(address.to_owned()),
        None => bail!("apt-get knows no Debian archive:\n{targets}"),
    }
}

/// Where a newer compiler's sources may be.
const SUITES: [&str; 3] = ["trixie-backports", "testing", "unstable"];

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
