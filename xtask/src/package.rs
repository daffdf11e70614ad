//! `cargo xtask package`: a Debian package of the server, and a trial of it on a machine of its own.
//!
//! Made with `dpkg-deb` from files in `xtask/package`: what is in it, and what its scripts do, is read there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::command::{Runs as _, cargo, program, root};
use crate::{setup, wasm, web};

/// What to do with the package.
#[derive(Args)]
pub(crate) struct Options {
    /// Install it, upgrade it and remove it again, under a systemd of its own that leaves this machine as it was
    #[arg(long = "try")]
    try_it: bool,
    /// Take the release that was built before, as it is
    #[arg(long)]
    built: bool,
}

/// A file of the package: where it comes from, where it goes, and who may do what with it.
type Placed = (&'static str, &'static str, u32);

/// From `xtask/package`, but for what begins with a folder's name.
const FILES: [Placed; 12] = [
    ("target/release/reconnect", "usr/bin/reconnect", 0o755),
    ("xtask/package/reconnect-admin", "usr/sbin/reconnect-admin", 0o755),
    ("xtask/package/reconnect.service", "usr/lib/systemd/system/reconnect.service", 0o644),
    ("xtask/package/reconnect.sysusers", "usr/lib/sysusers.d/reconnect.conf", 0o644),
    ("xtask/package/reconnect.env", "etc/reconnect/reconnect.env", 0o640),
    ("xtask/package/copyright", "usr/share/doc/reconnect/copyright", 0o644),
    ("CHANGELOG.md", "usr/share/doc/reconnect/CHANGELOG.md", 0o644),
    ("SECURITY.md", "usr/share/doc/reconnect/SECURITY.md", 0o644),
    ("docs/CONFIGURATION.md", "usr/share/doc/reconnect/CONFIGURATION.md", 0o644),
    ("docs/METRICS.md", "usr/share/doc/reconnect/METRICS.md", 0o644),
    ("docs/HOSTING.md", "usr/share/doc/reconnect/HOSTING.md", 0o644),
    ("docs/UPGRADE.md", "usr/share/doc/reconnect/UPGRADE.md", 0o644),
];
/// What stands beside the documents.
const OPERATIONS: [&str; 4] =
    ["grafana-dashboard.json", "alerts.yml", "nginx/reconnect.conf", "nginx/reconnect-proxy.conf"];
/// What `dpkg` runs.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Builds the package, and tries it where that is asked for.
#[expect(clippy::print_stdout, reason = "where the package lies is what the command is for")]
pub(crate) fn package(options: &Options) -> Result<()> {
    if !options.built {
        setup::for_building()?;
        wasm::build()?;
        web::build_if_changed()?;
        cargo(&["build", "--release", "--bin", "reconnect"]).run()?;
    }
    let version = env!("CARGO_PKG_VERSION");
    let made = make(version)?;
    println!("{}", made.display());
    if options.try_it {
        // The same program under the next number: what is tried is the package's way from one to the next.
        let next = make(&format!("{version}+next1"))?;
        let tried = try_out(&made, &next);
        fs::remove_file(next)?;
        tried?;
    }
    Ok(())
}

/// Lays the files out and packs them.
fn make(version: &str) -> Result<PathBuf> {
    let architecture = program("dpkg").arg("--print-architecture").read()?.trim().to_owned();
    let folder = root().join("target/package");
    let tree = folder.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    for (from, to, mode) in FILES {
        place(&root().join(from), &tree.join(to), mode)?;
    }
    for name in OPERATIONS {
        let to = tree.join("usr/share/doc/reconnect/operations").join(name);
        place(&root().join("docs/operations").join(name), &to, 0o644)?;
    }
    for name in SCRIPTS {
        let to = tree.join("DEBIAN").join(name);
        place(&root().join("xtask/package").join(name), &to, 0o755)?;
    }
    fs::write(tree.join("DEBIAN/conffiles"), "/etc/reconnect/reconnect.env\n")?;
    fs::write(tree.join("DEBIAN/control"), control(version, &architecture, &tree)?)?;
    let file = folder.join(format!("reconnect_{version}_{architecture}.deb"));
    program("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&tree).arg(&file).read()?;
    Ok(file)
}

fn place(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let folder = to.parent().context("a file in no folder")?;
    fs::create_dir_all(folder)?;
    // Folders of a package are the same whoever packs it.
    for folder in folder.ancestors().take_while(|it| !it.ends_with("package")) {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    fs::copy(from, to).with_context(|| from.display().to_string())?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

fn control(version: &str, architecture: &str, tree: &Path) -> Result<String> {
    // The library that it was linked with here, or a newer one.
    let libc = program("dpkg-query").args(["-W", "-f", "${Version}", "libc6"]).read()?;
    let libc = libc.split('-').next().unwrap_or_default().to_owned();
    let size = program("du").args(["-sk", "--exclude=DEBIAN"]).arg(tree).read()?;
    let size = size.split_whitespace().next().context("no size")?.to_owned();
    Ok(format!(
        "Package: reconnect\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: RECONNECT <operators@invalid>\n\
         Installed-Size: {size}\nDepends: libc6 (>= {libc}), libgcc-s1, systemd (>= 252), util-linux\n\
         Recommends: nginx | httpd, ca-certificates\nSuggests: postgresql, prometheus\nSection: net\nPriority: optional\n\
         Description: online safe whose server stores only ciphertext and envelopes\n \
         People keep scans, photos and notes in it, and give what they choose to the social structures that they choose.\n \
         The server can read nothing: keys are made on people's devices. It listens on loopback; put a proxy that speaks\n \
         TLS in front.\n"
    ))
}

/// Plays the life of a package on this machine's files, none of which changes.
fn try_out(first: &Path, next: &Path) -> Result<()> {
    ensure!(setup::is_root()?, "the trial needs root: it makes namespaces");
    cargo(&["build", "--bin", "demo", "--bin", "reconnect"]).run()?;
    let script = root().join("xtask/package/trial.sh");
    let (demo, proxy) = (root().join("target/debug/demo"), root().join("docs/operations/nginx"));
    program("sh").arg(script).arg(first).arg(next).arg(demo).arg(proxy).run()
}
