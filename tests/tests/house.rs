//! The rules of the house that a tool can check: who depends on whom, sizes, names, words.

#[path = "house/invariants.rs"]
mod invariants;
#[path = "house/references.rs"]
mod references;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use reconnect_format::{Label, api::Code};
use reconnect_tests::process::root;
use serde_json::Value;

/// Lines of a file, without its tests.
const LINES_MAX: usize = 500;
/// Lines of a component of the page.
const COMPONENT_LINES_MAX: usize = 200;

#[test]
fn the_server_and_the_auditor_are_built_without_what_they_must_not_know() -> Result<()> {
    let metadata = metadata()?;
    let nodes = metadata["resolve"]["nodes"].as_array().context("no graph")?;
    let edges: BTreeMap<&str, Vec<&str>> = nodes
        .iter()
        .filter_map(|node| {
            let all = node["deps"].as_array()?.iter();
            Some((node["id"].as_str()?, all.filter_map(|it| it["pkg"].as_str()).collect()))
        })
        .collect();
    let id = |name: &str| -> Result<&str> {
        let package = packages(&metadata)?.into_iter().find(|it| it["name"] == name);
        package.and_then(|it| it["id"].as_str()).with_context(|| format!("no package {name}"))
    };
    let reach = |from| {
        let (mut reached, mut waiting) = (BTreeSet::new(), vec![from]);
        while let Some(package) = waiting.pop() {
            if reached.insert(package) {
                waiting.extend(edges.get(package).into_iter().flatten().copied());
            }
        }
        reached
    };
    let (server, core) = (id("reconnect")?, id("reconnect-core")?);
    let audited = reach(id("reconnect-audit")?);
    for reached in [&reach(server), &audited] {
        ensure!(reached.len() > 50, "the graph was not read: {} packages", reached.len());
        ensure!(!reached.contains(core), "the server or the auditor depends on the core");
    }
    ensure!(!audited.contains(server), "the auditor depends on the server");
    // The control: the same walk finds the core where it is.
    ensure!(edges.get(id("reconnect-tests")?).is_some_and(|deps| deps.contains(&core)));
    Ok(())
}

#[test]
fn of_our_crates_only_the_core_seals() -> Result<()> {
    let metadata = metadata()?;
    for package in packages(&metadata)? {
        let name = package["name"].as_str().unwrap_or_default();
        let path = package["manifest_path"].as_str().unwrap_or_default();
        // Benchmarks and the tests of published vectors are beside the house, not in it.
        let ours = path.starts_with(&root().display().to_string())
            && !["reconnect-core", "reconnect-tests", "reconnect-bench"].contains(&name);
        let sealing = ["hpke", "aes-gcm", "openmls", "openmls_rust_crypto"];
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let wanted = dependency["name"].as_str().unwrap_or_default();
            if !ours || !sealing.contains(&wanted) {
                continue;
            }
            // The page's crate names one to choose its features, and uses nothing of it.
            let folder = Path::new(path).parent().context("a package without a folder")?;
            let word = wanted.replace('-', "_");
            for file in committed(&["rs"])?.iter().filter(|it| root().join(it).starts_with(folder))
            {
                ensure!(!read(file)?.contains(&word), "{name} uses {wanted} in {}", file.display());
            }
        }
    }
    Ok(())
}

#[test]
fn every_crate_obeys_the_lints_of_the_workspace() -> Result<()> {
    for file in committed(&[])?.iter().filter(|file| file.ends_with("Cargo.toml")) {
        let text = read(file)?;
        let obeys = file.as_os_str() == "Cargo.toml" || text.contains("[lints]\nworkspace = true");
        ensure!(obeys, "{} does not take the lints of the workspace", file.display());
    }
    let workspace = read(Path::new("Cargo.toml"))?;
    for lint in ["too_many_lines", "unwrap_used", "panic", "cast_possible_truncation"] {
        ensure!(workspace.contains(&format!("{lint} = \"deny\"")), "{lint} is not denied");
    }
    ensure!(read(Path::new("clippy.toml"))?.contains("too-many-lines-threshold = 70"));
    Ok(())
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() -> Result<()> {
    let mut long = Vec::new();
    for file in committed(&["rs", "ts", "svelte", "mjs", "css"])? {
        if is_test(&file) {
            continue;
        }
        let text = read(&file)?;
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(&text);
        let count = code.lines().count();
        let component = file.extension().is_some_and(|it| it == "svelte");
        if count > if component { COMPONENT_LINES_MAX } else { LINES_MAX } {
            long.push(format!("{}: {count}", file.display()));
        }
    }
    ensure!(long.is_empty(), "too long: {}", long.join(", "));
    Ok(())
}

#[test]
fn labels_are_unique_and_written_in_one_place() -> Result<()> {
    let texts: BTreeSet<_> = Label::ALL.iter().map(|label| label.text()).collect();
    ensure!(texts.len() == Label::ALL.len(), "two labels are the same");
    let literal = concat!("\"reconnect", "/v1 ");
    for file in committed(&["rs", "ts", "svelte"])? {
        let registry = file.ends_with("format/src/label.rs");
        // An auditor writes them down once more, from PROTOCOL.md: it has no code in common with what it
        // checks, and the suite `log` sees that both mean the same.
        let most = usize::from(file.ends_with("audit/src/page.rs"));
        let count = read(&file)?.matches(literal).count();
        ensure!(registry || count <= most, "{}: a label", file.display());
    }
    Ok(())
}

#[test]
fn every_rule_of_the_protocol_is_named_in_code_and_every_named_rule_exists() -> Result<()> {
    let protocol = read(Path::new("PROTOCOL.md"))?;
    // A rule is in bold where it is laid down; every other mention must be of one of those.
    let bold = protocol.split("**").skip(1).step_by(2);
    let specified: BTreeSet<_> = bold.flat_map(rules).collect();
    ensure!(specified.len() > 20, "PROTOCOL.md was not read");
    let families: BTreeSet<_> = specified.iter().filter_map(|it| it.split('-').next()).collect();
    let mut named = BTreeMap::new();
    let dangling: Vec<_> =
        rules(&protocol).into_iter().filter(|rule| !specified.contains(rule)).collect();
    ensure!(dangling.is_empty(), "PROTOCOL.md points to rules that it lacks: {dangling:?}");
    for file in committed(&["rs", "ts", "svelte", "mjs"])?.into_iter().chain(vectors()?) {
        let bytes = fs::read(root().join(&file))?;
        for rule in rules(&String::from_utf8_lossy(&bytes)) {
            named.entry(rule).or_insert_with(|| file.clone());
        }
    }
    let unknown: Vec<_> = named
        .iter()
        .filter(|(rule, _)| !specified.contains(*rule))
        .map(|(rule, file)| format!("{rule} in {}", file.display()))
        .collect();
    ensure!(unknown.is_empty(), "not in PROTOCOL.md: {}", unknown.join(", "));
    let unnamed: Vec<_> = specified.iter().filter(|rule| !named.contains_key(*rule)).collect();
    ensure!(unnamed.is_empty(), "in PROTOCOL.md, but nowhere in code or tests: {unnamed:?}");
    ensure!(families.len() > 5, "few families of rules: {families:?}");
    Ok(())
}

#[test]
fn every_code_has_words_in_every_language() -> Result<()> {
    let mut codes: BTreeSet<String> = Code::ALL.iter().map(|code| code.text().to_owned()).collect();
    let core = read(Path::new("crates/core/src/error.rs"))?;
    let (_, body) = core.split_once("pub fn code(&self)").context("Error::code has moved")?;
    let arms = body.split("=> \"").skip(1).filter_map(|arm| arm.split('"').next());
    codes.extend(arms.map(str::to_owned));
    ensure!(codes.len() > 25 && codes.contains("damaged"), "codes were not read: {codes:?}");
    let mut languages = 0;
    // What only the structures' page or some screens say stands apart.
    let for_all = |file: &PathBuf| file.file_stem().is_some_and(|stem| stem.len() == 2);
    for file in committed(&["ftl"])?.into_iter().filter(for_all) {
        let text = read(&file)?;
        let missing: Vec<_> = codes
            .iter()
            .filter(|code| !text.lines().any(|line| line.starts_with(&format!("error-{code} ="))))
            .collect();
        ensure!(missing.is_empty(), "{} has no words for {missing:?}", file.display());
        languages += 1;
    }
    ensure!(languages >= 3, "{languages} languages");
    Ok(())
}

#[test]
fn nothing_that_is_committed_names_a_machine_or_where_packages_came_from() -> Result<()> {
    // Each in two pieces, so that this file does not hold what it looks for.
    let forbidden = [
        concat!("../", "shared"),
        concat!("/wor", "k/"),
        concat!("/roo", "t/"),
        concat!("/hom", "e/"),
        concat!("registry.", "npmjs"),
        concat!("index.", "crates.io"),
        concat!("static.", "crates.io"),
    ];
    let mut found = Vec::new();
    for file in committed(&[])? {
        let bytes = fs::read(root().join(&file))?;
        let text = String::from_utf8_lossy(&bytes);
        let words = forbidden.iter().filter(|word| text.contains(**word));
        found.extend(words.map(|word| format!("{word} in {}", file.display())));
        if file.ends_with("package-lock.json") && text.contains("\"resolved\"") {
            found.push(format!("a download address in {}", file.display()));
        }
        if file.ends_with("Cargo.lock") {
            let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
            let other = text.lines().find(|line| line.starts_with("source") && *line != public);
            found.extend(other.map(|line| format!("{line} in {}", file.display())));
        }
        if file.ends_with(".npmrc") && text.lines().any(|line| line.starts_with("registry=")) {
            found.push(format!("a registry in {}", file.display()));
        }
    }
    ensure!(found.is_empty(), "{}", found.join(", "));
    Ok(())
}

#[test]
fn no_test_is_switched_off_and_no_task_is_left_in_a_comment() -> Result<()> {
    let (ignored, task) = (concat!("#[ign", "ore"), concat!("TO", "DO"));
    for file in committed(&["rs", "ts", "svelte", "mjs"])? {
        let text = read(&file)?;
        ensure!(!text.contains(ignored), "{} switches a test off", file.display());
        let left = text.lines().find(|line| line.contains(task) && !line.contains('#'));
        ensure!(left.is_none(), "{}: a task without an issue", file.display());
    }
    Ok(())
}

/// `cargo xtask mutants` plays them; here they only must still be of this source, and name a test of it.
#[test]
fn every_flaw_that_is_planted_still_applies() -> Result<()> {
    let patches = committed(&["patch"])?;
    ensure!(patches.len() >= 20, "{} flaws", patches.len());
    for patch in &patches {
        let name = patch.display();
        let checked = Command::new("git")
            .args(["apply", "--check"])
            .arg(patch)
            .current_dir(root())
            .output()?;
        let said = String::from_utf8_lossy(&checked.stderr);
        ensure!(checked.status.success(), "{name} does not apply any more: {said}");
        let whole = read(patch)?;
        let said = |what: &str| whole.lines().find_map(|line| line.strip_prefix(what));
        let (flaw, suite) = (said("flaw: "), said("suite: ").context("no suite")?);
        let test = said("test: ").with_context(|| format!("{name} names no test"))?;
        ensure!(flaw.is_some_and(|it| it.len() > 20), "{name} does not say what the flaw is");
        let place = test.trim_end_matches("::on_sqlite").split("::").collect::<Vec<_>>();
        let file = match place.as_slice() {
            [_] => format!("tests/tests/{suite}.rs"),
            [module, _] => format!("tests/tests/{suite}/{module}.rs"),
            _ => anyhow::bail!("{name}: where is {test}?"),
        };
        let function = format!("fn {}(", place.last().context("a name")?);
        ensure!(read(Path::new(&file))?.contains(&function), "{name}: no {test} in {file}");
    }
    Ok(())
}

#[test]
fn owners_load_no_group_code() -> Result<()> {
    let reached = page_graph("web/src/owner.ts")?;
    ensure!(reached.len() > 20, "the page's graph was not read: {} files", reached.len());
    for file in &reached {
        let structural = file.starts_with("web/src/wasm/structure");
        ensure!(!structural, "{} is loaded by owners", file.display());
        for wanted in imports(&read_lossy(file)?) {
            let structural = wanted.contains("wasm/structure");
            ensure!(!structural, "{} imports {wanted}", file.display());
        }
    }
    // The control: the structures' page does reach it.
    let beside = page_graph("web/src/structure.ts")?;
    let mut wanted = Vec::new();
    for file in &beside {
        wanted.extend(imports(&read_lossy(file)?));
    }
    ensure!(wanted.iter().any(|it| it.contains("wasm/structure")), "structures load no group code");
    Ok(())
}

/// The graph as it is built here: what only other systems need is not even downloaded.
fn metadata() -> Result<Value> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let version = String::from_utf8(output.stdout)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("no host")?;
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version=1", "--all-features", "--locked"])
        .args(["--filter-platform", host])
        .current_dir(root())
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn packages(metadata: &Value) -> Result<Vec<&Value>> {
    Ok(metadata["packages"].as_array().context("no packages")?.iter().collect())
}

/// Committed files that end so; all of them when no ending is named.
fn committed(endings: &[&str]) -> Result<Vec<PathBuf>> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output()?;
    ensure!(output.status.success(), "not a repository");
    let listed = String::from_utf8(output.stdout)?;
    let ends = |path: &PathBuf| {
        let ending = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        endings.is_empty() || endings.contains(&ending)
    };
    let files = listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    Ok(files.filter(ends).filter(|path| root().join(path).is_file()).collect())
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(root().join(file)).with_context(|| file.display().to_string())
}

fn read_lossy(file: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(root().join(file))?).into_owned())
}

fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests") && !file.starts_with("tests/src")
        || file.file_name().is_some_and(|name| name == "tests.rs")
}

fn vectors() -> Result<Vec<PathBuf>> {
    let all = committed(&[])?;
    Ok(all.into_iter().filter(|file| file.starts_with("tests/vectors")).collect())
}

/// Ids of rules: capitals, a dash, a number. Names of algorithms look alike and are passed over.
fn rules(text: &str) -> Vec<String> {
    const ALGORITHMS: [&str; 10] =
        ["AES", "SHA", "UTF", "KEM", "DSA", "HMAC", "ISO", "RFC", "PDF", "WHATWG"];
    let mut rules = Vec::new();
    let boundary = |byte: Option<&u8>| byte.is_none_or(|it| !it.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    for (dash, _) in text.match_indices('-') {
        let before = bytes.get(..dash).unwrap_or_default();
        let after = bytes.get(dash + 1..).unwrap_or_default();
        let letters = before.iter().rev().take_while(|it| it.is_ascii_uppercase()).count();
        let digits = after.iter().take_while(|it| it.is_ascii_digit()).count();
        let whole = boundary(before.iter().rev().nth(letters)) && boundary(after.get(digits));
        if letters < 2 || digits == 0 || digits > 2 || !whole {
            continue;
        }
        let rule = text.get(dash - letters..dash + 1 + digits).unwrap_or_default();
        let family = rule.split('-').next().unwrap_or_default();
        let preceded = before.get(..dash - letters).and_then(<[u8]>::last) == Some(&b'-');
        if !ALGORITHMS.contains(&family) && !preceded {
            rules.push(rule.to_owned());
        }
    }
    rules
}

/// Everything that a page's first file imports, by its relative imports and its workers.
fn page_graph(first: &str) -> Result<BTreeSet<PathBuf>> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![PathBuf::from(first)];
    while let Some(file) = waiting.pop() {
        if !reached.insert(file.clone()) {
            continue;
        }
        let folder = file.parent().context("a file without a folder")?.to_path_buf();
        for wanted in imports(&read_lossy(&file)?) {
            waiting.extend(resolve(&folder, &wanted));
        }
    }
    Ok(reached)
}

/// Quoted relative paths: static and dynamic imports, and `new URL('./x', import.meta.url)`.
/// Types alone are erased before anything is loaded.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for statement in text.split(';').filter(|it| !it.trim_start().starts_with("import type")) {
        for quote in ['\'', '"'] {
            let pieces = statement.split(quote).skip(1).step_by(2);
            found.extend(pieces.filter(|it| it.starts_with("./") || it.starts_with("../")));
        }
    }
    found.into_iter().map(str::to_owned).collect()
}

fn resolve(folder: &Path, wanted: &str) -> Option<PathBuf> {
    let mut path = folder.to_path_buf();
    for part in wanted.split('?').next()?.split('/') {
        match part {
            "." => {}
            ".." => {
                path.pop();
            }
            name => path.push(name),
        }
    }
    let name = path.file_name()?.to_str()?.to_owned();
    let candidates =
        [name.clone(), format!("{name}.ts"), format!("{name}.svelte"), format!("{name}/index.ts")];
    candidates.into_iter().map(|it| path.with_file_name(it)).find(|it| root().join(it).is_file())
}
