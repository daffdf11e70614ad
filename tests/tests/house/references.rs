//! What operators read: tables that are made from the program, and a dashboard and alerts that name only what exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
};

use anyhow::{Context as _, Result, ensure};
use reconnect::{config, metrics};
use reconnect_tests::process::root;
use serde_json::Value;

const BEGIN: &str = "<!-- generated:begin -->";
const END: &str = "<!-- generated:end -->";
const DASHBOARD: &str = "docs/operations/grafana-dashboard.json";
const ALERTS: &str = "docs/operations/alerts.yml";

#[test]
fn the_reference_of_settings_is_what_the_program_reads() -> Result<()> {
    is_generated("docs/CONFIGURATION.md", &config::reference())
}

#[test]
fn the_reference_of_figures_is_what_the_program_gives_out() -> Result<()> {
    is_generated("docs/METRICS.md", &metrics::reference())
}

/// No document names a setting that there is not.
#[test]
fn every_setting_that_a_document_names_exists() -> Result<()> {
    let known: BTreeSet<_> = config::settings().into_iter().map(|it| it.variable).collect();
    let mut named = 0;
    for file in super::committed(&["md", "yml", "env", "service", "conf", "Containerfile"])? {
        let is_for_operators = file.parent().is_none_or(|it| it.as_os_str().is_empty())
            || file.starts_with("docs")
            || file.starts_with("server")
            || file.starts_with("xtask/package");
        if !is_for_operators {
            continue;
        }
        for name in words(&super::read(&file)?, "RECONNECT_") {
            // Those of tests and of the page's builder are no settings of the server.
            let is_of_tests = ["TEST", "BIN", "SEED"].iter().any(|it| name.contains(it));
            let group = known.iter().any(|it| it.starts_with(&name)) && name.ends_with('_');
            ensure!(is_of_tests || group || known.contains(&name), "{}: {name}", file.display());
            named += 1;
        }
    }
    ensure!(named > 10, "{named} names were read");
    Ok(())
}

#[test]
fn dashboard_and_alerts_name_what_exists_and_show_every_figure() -> Result<()> {
    let figures = metrics::figures();
    let mut series = BTreeMap::new();
    for figure in &figures {
        let name = figure.name.as_str();
        if figure.kind == "histogram" {
            for end in ["_bucket", "_sum", "_count"] {
                series.insert(format!("{name}{end}"), name);
            }
        } else {
            series.insert(name.to_owned(), name);
        }
    }
    let labels: BTreeSet<&str> = figures
        .iter()
        .flat_map(|it| it.labels.iter().copied())
        .chain(["le", "instance", "job"])
        .collect();
    let mut shown = BTreeSet::new();
    let mut expressions = dashboard_expressions()?;
    let drawn = expressions.len();
    expressions.extend(alert_expressions()?);
    ensure!(drawn > 10 && expressions.len() > drawn + 5, "{} expressions", expressions.len());
    for expression in &expressions {
        for prefix in ["reconnect_", "process_"] {
            for name in words(expression, prefix) {
                let figure = series.get(&name).with_context(|| format!("{name}: {expression}"))?;
                shown.insert(*figure);
            }
        }
        for label in labels_of(expression) {
            ensure!(labels.contains(label.as_str()), "the label {label}: {expression}");
        }
    }
    let unseen: Vec<_> =
        figures.iter().map(|it| it.name.as_str()).filter(|it| !shown.contains(it)).collect();
    ensure!(unseen.is_empty(), "nobody is shown {unseen:?}");
    Ok(())
}

/// What panels of the dashboard ask for.
fn dashboard_expressions() -> Result<Vec<String>> {
    let text = fs::read_to_string(root().join(DASHBOARD)).context(DASHBOARD)?;
    let dashboard: Value = serde_json::from_str(&text)?;
    let panels = dashboard["panels"].as_array().context("no panels")?;
    let mut ids = BTreeSet::new();
    for panel in panels {
        ensure!(ids.insert(panel["id"].as_u64().context("a panel without id")?), "an id twice");
        ensure!(panel["title"].as_str().is_some_and(|it| !it.is_empty()), "a panel without title");
    }
    let targets = panels.iter().flat_map(|it| it["targets"].as_array().into_iter().flatten());
    Ok(targets.filter_map(|it| it["expr"].as_str()).map(str::to_owned).collect())
}

/// What alerts ask for; each has all that somebody who is woken needs.
fn alert_expressions() -> Result<Vec<String>> {
    let text = fs::read_to_string(root().join(ALERTS)).context(ALERTS)?;
    let mut expressions = Vec::new();
    for alert in text.split("- alert: ").skip(1) {
        let name = alert.lines().next().unwrap_or_default();
        let of =
            |key: &str| alert.lines().find_map(|line| line.trim().strip_prefix(key)).map(str::trim);
        for key in ["severity:", "summary:", "description:"] {
            ensure!(of(key).is_some_and(|it| !it.is_empty()), "{name} has no {key}");
        }
        expressions
            .push(of("expr:").with_context(|| format!("{name} asks for nothing"))?.to_owned());
    }
    Ok(expressions)
}

/// Labels by which something is chosen or summed.
fn labels_of(expression: &str) -> Vec<String> {
    let within = |open: &str, close: char| -> Vec<String> {
        let pieces = expression.split(open).skip(1);
        pieces.filter_map(|it| it.split(close).next()).map(str::to_owned).collect()
    };
    let summed = within("by (", ')').into_iter();
    let chosen = within("{", '}').into_iter();
    summed
        .flat_map(|it| it.split(',').map(|label| label.trim().to_owned()).collect::<Vec<_>>())
        .chain(chosen.flat_map(|it| {
            let label =
                |part: &str| part.split(['=', '!']).next().unwrap_or_default().trim().to_owned();
            it.split(',').map(label).collect::<Vec<_>>()
        }))
        .collect()
}

/// Names that begin so.
fn words(text: &str, prefix: &str) -> BTreeSet<String> {
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let all = text.split(|it: char| !is_part(it));
    all.filter(|it| it.starts_with(prefix)).map(str::to_owned).collect()
}

/// Compares what stands between the marks of a document, or writes it.
fn is_generated(file: &str, table: &str) -> Result<()> {
    let path = root().join(file);
    let text = fs::read_to_string(&path).context(file.to_owned())?;
    let (before, rest) = text.split_once(BEGIN).context("no mark for the table")?;
    let (quoted, after) = rest.split_once(END).context("the table does not end")?;
    let table = format!("\n\n{table}\n");
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") && quoted != table {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))?;
        return Ok(());
    }
    ensure!(quoted == table, "{file} differs: run this test with UPDATE_GOLDEN=1");
    Ok(())
}
