//! The vectors of PROTOCOL.md, run through the same judge as in wasm, and the text they belong to.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use reconnect_core::vectors::{Verdict, judge};
use reconnect_format::Label;

/// Every file with what was found in it.
static JUDGED: LazyLock<BTreeMap<String, Verdict>> = LazyLock::new(judge_all);

fn judge_all() -> BTreeMap<String, Verdict> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/v1");
    let mut verdicts = BTreeMap::new();
    for object in list(&folder) {
        for case in list(&object) {
            let file = fs::read(&case).expect("a vector is readable");
            let name = case.strip_prefix(&folder).expect("inside").display().to_string();
            let verdict = judge(&file).unwrap_or_else(|error| panic_with(&name, &error));
            assert!(name.starts_with(&format!("{}/", verdict.object)), "{name}: {verdict:?}");
            verdicts.insert(name, verdict);
        }
    }
    verdicts
}

#[expect(clippy::panic, reason = "a file that is no vector fails the test with its name")]
fn panic_with(name: &str, error: &dyn std::fmt::Display) -> Verdict {
    panic!("{name}: {error}")
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of vectors");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn specification() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../PROTOCOL.md");
    fs::read_to_string(path).expect("PROTOCOL.md is there")
}

/// Every `**ID**` of the specification: where a rule is stated.
fn rules() -> BTreeSet<String> {
    let text = specification();
    text.split("**").skip(1).step_by(2).filter(|it| is_rule(it)).map(str::to_owned).collect()
}

fn is_rule(text: &str) -> bool {
    text.split_once('-').is_some_and(|(object, number)| {
        object.bytes().all(|byte| byte.is_ascii_uppercase())
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && !object.is_empty()
            && !number.is_empty()
    })
}

#[test]
fn every_vector_is_found_as_it_expects() {
    let verdicts = &*JUDGED;
    let wrong: Vec<_> = verdicts.iter().filter(|(_, verdict)| !verdict.holds()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let refused = verdicts.values().filter(|verdict| verdict.expect != "ok").count();
    assert!(refused * 2 > verdicts.len(), "most vectors are failures: {refused}");
}

#[test]
fn every_vector_shows_a_rule_and_most_rules_have_a_vector() {
    let rules = rules();
    let shown: BTreeSet<_> = JUDGED.values().map(|verdict| verdict.rule.clone()).collect();
    let unknown: Vec<_> = shown.difference(&rules).collect();
    assert!(unknown.is_empty(), "not in PROTOCOL.md: {unknown:?}");
    let silent: BTreeSet<_> = rules.difference(&shown).cloned().collect();
    let listed = WITHOUT_VECTOR
        .into_iter()
        .flat_map(|(family, numbers)| numbers.iter().map(move |number| (family, number)))
        .map(|(family, number)| format!("{family}-{number}"))
        .collect();
    assert_eq!(silent, listed, "rules without a vector");
}

/// Rules about what somebody does, not about bytes: the journeys, attacks and routes show them. By
/// family and number, so that none is named here and nowhere else.
const WITHOUT_VECTOR: [(&str, &[u32]); 24] = [
    ("ACC", &[3]),
    ("BACK", &[5, 8, 9, 10]),
    ("BACKUP", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ("CERT", &[2, 3]),
    ("CODEC", &[4]),
    ("DEP", &[1, 4, 7, 8]),
    ("DEV", &[3]),
    ("DRAFT", &[1]),
    ("ENV", &[2, 7, 13, 14, 15]),
    ("FRESH", &[1, 2, 4, 5, 6]),
    ("GRANT", &[5, 6, 7, 8, 10]),
    ("GROUP", &[1, 2, 3, 4, 5, 7, 8, 10, 11, 12, 13]),
    ("GUARD", &[2, 6, 8, 9]),
    ("HIST", &[1, 2, 3, 4]),
    ("INTRO", &[2, 4, 5]),
    ("INV", &[2, 3, 4, 5]),
    ("LINK", &[1, 3, 5, 6]),
    ("LOCK", &[2, 7, 8, 11, 12, 13, 14, 15, 16]),
    ("LOG", &[8, 10, 12, 14, 15, 18, 19]),
    ("RCPT", &[1, 3]),
    ("REWRAP", &[1, 3, 4, 5, 6, 7]),
    ("STMT", &[7, 8, 9]),
    ("STRUCT", &[11, 12]),
    ("SYNC", &[1, 2, 3, 4, 5]),
];

#[test]
fn the_registry_of_labels_is_the_one_of_the_specification() {
    let text = specification();
    let written: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(label, _)| label)
        .collect();
    let used: BTreeSet<_> =
        Label::ALL.iter().filter_map(|label| Some(label.text().split_once(' ')?.1)).collect();
    assert_eq!(written, used);
}

#[test]
fn the_examples_of_the_specification_are_those_of_the_vectors() {
    let text = specification();
    let examples: Vec<_> =
        text.lines().filter_map(|line| line.strip_prefix("example ")?.split_once(": ")).collect();
    assert!(examples.len() >= 8, "PROTOCOL.md has examples");
    for (name, shown) in examples {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/v1").join(name);
        let file = fs::read_to_string(&path).expect(name);
        let (field, shown) = shown.split_once(" = ").expect("field = value");
        let value = match file.split_once("---\n") {
            Some((_, body)) if field == "bytes" => body.replace('\n', ""),
            Some((head, _)) => head
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{field}: ")))
                .expect(name)
                .to_owned(),
            None => String::new(),
        };
        let shown = shown.trim();
        let agrees = match shown.strip_suffix('…') {
            Some(start) => value.starts_with(start),
            None => value == shown,
        };
        assert!(agrees, "{name}: {field} is {value}, not {shown}");
    }
}
