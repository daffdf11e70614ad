//! The settings as clap knows them: the table of the reference, and what `reconnect config check` shows.

use std::{any::TypeId, fmt::Write as _, net::SocketAddr, path::PathBuf};

use clap::{Arg, ArgMatches, Args as _, Command, builder::ValueParser, parser::ValueSource};
use reconnect_log::VerifierKey;

use super::{Config, Surroundings};

/// One setting, as it is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its variable in the environment.
    pub variable: String,
    /// What it says.
    pub meaning: String,
    /// In what it is said.
    pub unit: &'static str,
    /// The smallest and the largest number.
    pub range: Option<(u64, u64)>,
    /// What holds when it is not given.
    pub default: Option<String>,
    /// Whether its value is never shown.
    pub is_secret: bool,
}

/// The definition of all settings, without subcommands.
fn definition() -> Command {
    Config::augment_args(Command::new("reconnect"))
}

/// Every setting, in the order of its definition.
pub fn settings() -> Vec<Setting> {
    definition().get_arguments().filter_map(setting).collect()
}

fn setting(argument: &Arg) -> Option<Setting> {
    let variable = argument.get_env()?.to_str()?.to_owned();
    let meaning = argument.get_long_help().or(argument.get_help())?.to_string();
    let defaults = argument.get_default_values().iter();
    let default = defaults.filter_map(|it| it.to_str()).collect::<Vec<_>>().join(",");
    let range = range(argument);
    Some(Setting {
        unit: unit(&variable, argument.get_value_parser(), range.is_some()),
        meaning: sentence(&meaning),
        range,
        default: (!default.is_empty()).then_some(default),
        is_secret: argument.is_hide_env_values_set(),
        variable,
    })
}

/// On one line, with a point at its end: clap takes the last one away.
fn sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{}.", line.trim_end_matches('.'))
}

/// Units stand last in a name.
fn unit(variable: &str, parser: &ValueParser, is_number: bool) -> &'static str {
    let kind = parser.type_id();
    match variable {
        _ if variable.ends_with("_BYTES") => "bytes",
        _ if variable.ends_with("_BYTES_PER_SECOND") => "bytes a second",
        _ if variable.ends_with("_PER_SECOND") => "a second",
        _ if variable.ends_with("_SECONDS") => "seconds",
        _ if is_number => "number",
        _ if kind == TypeId::of::<SocketAddr>() => "address:port",
        _ if kind == TypeId::of::<PathBuf>() => "folder",
        _ if kind == TypeId::of::<VerifierKey>() => "keys",
        _ => "text",
    }
}

/// What clap says when a number is too small or too large: it tells its bounds in no other way.
fn range(argument: &Arg) -> Option<(u64, u64)> {
    let flag = argument.get_long()?;
    ["0", "-1", "18446744073709551615"].iter().find_map(|outside| {
        let probe = Command::new("probe").arg(argument.clone());
        let refused =
            probe.try_get_matches_from(["probe", &format!("--{flag}={outside}")]).err()?;
        let said = refused.to_string();
        let (_, bounds) = said.split_once(" is not in ")?;
        let (least, rest) = bounds.split_once("..")?;
        let most = rest.trim_start_matches('=').split(|it: char| !it.is_ascii_digit()).next()?;
        Some((least.parse().ok()?, most.parse().ok()?))
    })
}

/// The table of all settings, for people.
pub fn reference() -> String {
    let mut table =
        "| setting | what it says | in | least and most | when not given |\n|---|---|---|---|---|\n"
            .to_owned();
    for it in settings() {
        let range = it.range.map_or_else(String::new, |(least, most)| {
            format!("{} to {}", number(least, it.unit), number(most, it.unit))
        });
        let default = it.default.map_or_else(
            || "nothing".to_owned(),
            |text| {
                text.parse().map_or_else(|_| format!("`{text}`"), |count| number(count, it.unit))
            },
        );
        let secret = if it.is_secret { " It may hold a password and is never shown." } else { "" };
        let (variable, meaning, unit) = (it.variable, it.meaning.replace('|', "\\|"), it.unit);
        // A string takes whatever is written to it.
        let _ =
            writeln!(table, "| `{variable}` | {meaning}{secret} | {unit} | {range} | {default} |");
    }
    table
}

/// A number, and the same in a unit that people read.
fn number(count: u64, unit: &str) -> String {
    const UNITS: [(u32, &str); 5] =
        [(50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let short = UNITS.iter().find(|(bits, _)| count > 0 && count.trailing_zeros() >= *bits);
    match short {
        Some((bits, name)) if unit.starts_with("bytes") => {
            format!("{count} ({} {name})", count >> bits)
        }
        _ => count.to_string(),
    }
}

/// What `reconnect config check` says, and whether everything may be used.
pub fn said(config: &Config, matches: &ArgMatches) -> (String, bool) {
    let mut told = String::new();
    let definition = definition();
    for argument in definition.get_arguments() {
        let Some(variable) = argument.get_env().and_then(|it| it.to_str()) else { continue };
        let id = argument.get_id().as_str();
        let from = match matches.value_source(id) {
            Some(ValueSource::EnvVariable) => "environment",
            Some(ValueSource::CommandLine) => "command line",
            Some(_) => "not given",
            None => "not given, none",
        };
        let values: Vec<_> = matches.get_raw(id).into_iter().flatten().collect();
        let value = if id == "database" {
            // Its form, never its text.
            format!("{:?}", config.database)
        } else if argument.is_hide_env_values_set() && !values.is_empty() {
            "(not shown)".to_owned()
        } else {
            values.iter().map(|it| it.to_string_lossy()).collect::<Vec<_>>().join(",")
        };
        let _ = writeln!(told, "{variable:<30} {value:<36} {from}");
    }
    let wrong = config.check().err();
    let surroundings = Surroundings::look(config);
    for advice in config.advice(&surroundings) {
        let _ = write!(told, "\nunwise: {advice}");
    }
    match &wrong {
        Some(reason) => _ = write!(told, "\nwrong: {reason}"),
        None => told.push_str("\nThe server would start with these settings."),
    }
    (told, wrong.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_name_that_is_its_flag_s_and_says_what_it_means() {
        let all = settings();
        assert!(all.len() >= 15, "{} settings", all.len());
        for argument in definition().get_arguments() {
            let variable = argument.get_env().and_then(|it| it.to_str()).unwrap_or_default();
            let flag = argument.get_long().unwrap_or_default().replace('-', "_").to_uppercase();
            assert_eq!(variable, format!("RECONNECT_{flag}"));
        }
        for it in &all {
            assert!(it.meaning.len() > 15, "{}", it.variable);
            let counted =
                ["bytes", "bytes a second", "seconds", "a second", "number"].contains(&it.unit);
            assert_eq!(it.range.is_some(), counted, "{} has no bounds", it.variable);
        }
    }

    #[test]
    fn bounds_are_those_that_are_refused() {
        let all = settings();
        let of = |name: &str| all.iter().find(|it| it.variable == name).and_then(|it| it.range);
        assert_eq!(of("RECONNECT_REQUESTS"), Some((1, 100_000)));
        assert_eq!(of("RECONNECT_FILE_LIMIT_BYTES"), Some((16_384, 1 << 37)));
        assert_eq!(of("RECONNECT_LOG_REQUIRED"), Some((0, u64::from(u32::MAX))));
        assert_eq!(of("RECONNECT_DATA"), None);
        assert_eq!(number(256 << 20, "bytes"), "268435456 (256 MiB)");
        assert_eq!(number(512, "number"), "512");
    }
}
