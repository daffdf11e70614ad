//! `reconnect config check`, as an operator runs it.

use std::process::{Command, Output};

use anyhow::{Result, ensure};
use reconnect_tests::process::Setup;

/// What it says with these variables, and how it ends.
async fn check(variables: &[(&str, &str)], flags: &[&str]) -> Result<(String, bool)> {
    let folder = tempfile::tempdir()?;
    let setup = Setup::on(folder.path()).await?;
    let mut command = Command::new(&setup.program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RECONNECT_")) {
        command.env_remove(name);
    }
    let Output { status, stdout, stderr } = command
        .args(["config", "check"])
        .args(flags)
        .env("RECONNECT_DATA", folder.path())
        .envs(variables.iter().copied())
        .output()?;
    let said = [stdout, stderr].concat();
    ensure!(std::fs::read_dir(folder.path())?.next().is_none(), "a check writes nothing");
    Ok((String::from_utf8_lossy(&said).into_owned(), status.success()))
}

#[tokio::test]
async fn a_check_says_what_would_be_used_and_where_it_comes_from() -> Result<()> {
    let (said, right) = check(
        &[
            ("RECONNECT_REQUESTS", "77"),
            ("RECONNECT_DATABASE", "postgres://me:secret@localhost/db"),
        ],
        &["--connections", "99"],
    )
    .await?;
    ensure!(right, "{said}");
    let line = |name: &str| said.lines().find(|it| it.starts_with(name)).unwrap_or_default();
    for (name, value, from) in [
        ("RECONNECT_REQUESTS", "77", "environment"),
        ("RECONNECT_CONNECTIONS", "99", "command line"),
        ("RECONNECT_LOG_SECONDS", "5", "not given"),
        ("RECONNECT_METRICS", "", "not given, none"),
        ("RECONNECT_DATABASE ", "postgres://…", "environment"),
    ] {
        ensure!(line(name).contains(value) && line(name).ends_with(from), "{name}: {said}");
    }
    ensure!(!said.contains("secret"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_check_names_what_is_wrong_and_what_is_unwise() -> Result<()> {
    let (said, right) =
        check(&[("RECONNECT_REQESTS", "77"), ("RECONNECT_LISTEN", "0.0.0.0:80")], &[]).await?;
    ensure!(right && said.contains("RECONNECT_REQUESTS was meant"), "{said}");
    ensure!(said.contains("unwise: RECONNECT_LISTEN is 0.0.0.0:80"), "{said}");
    for (name, value) in [
        ("RECONNECT_DATABASE", "postgres://me:secret@local host:x/db"),
        ("RECONNECT_LOG_REQUIRED", "2"),
        ("RECONNECT_METRICS", "everywhere"),
        ("RECONNECT_LOG", "info,[["),
    ] {
        let (said, right) = check(&[(name, value)], &[]).await?;
        ensure!(!right && said.contains(name) && !said.contains("secret"), "{name}: {said}");
    }
    Ok(())
}
