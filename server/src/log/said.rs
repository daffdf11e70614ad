//! What the service says of itself, and its log names: of which files its page consists, and how it is
//! set up. Whoever follows the log sees that everybody is told the same. LOG-18.

use axum::extract::State;
use reconnect_format::{
    api::{Code, Problem},
    log::{said_index, said_value},
};
use reconnect_log::Newest;

use super::{queue, state::hash_of};
use crate::{
    app::App,
    db::transaction,
    error::Result,
    page,
    wire::{Named, from_row},
};

/// The names of these texts.
const NAMES: [&str; 2] = ["release", "policy"];

fn text(name: &str, app: &App) -> Option<String> {
    match name {
        "release" => Some(page::manifest()),
        "policy" => serde_json::to_string(&app.service()).ok(),
        _ => None,
    }
}

/// A text as it is now: the page's files, each with its SHA-256, or what is said of the service.
#[utoipa::path(
    get, path = "/v1/log/said/{name}", params(("name" = String, Path)),
    responses((status = 200, body = String), (status = "default", body = Problem))
)]
pub(crate) async fn said(State(app): State<App>, Named(name): Named<String>) -> Result<String> {
    Ok(text(&name, &app).ok_or(Code::NotFound)?)
}

/// What is not as the log names it waits for the log, under the next number.
pub(crate) async fn announce(app: &App) -> Result<()> {
    super::follow(app).await?;
    for name in NAMES {
        let (index, text) = (said_index(name), text(name, app).ok_or(Code::Internal)?);
        let named = app.log.read().replay.map().get(&index);
        transaction!(app.db, "log::announce", |tx| {
            let waiting: Option<(i64, Vec<u8>)> = sqlx::query_as(
                "-- log::announce
                select sequence, value from log_waiting where log_index = $1
                order by sequence desc limit 1",
            )
            .bind(index.as_slice())
            .fetch_optional(&mut *tx)
            .await?;
            let waiting = match waiting {
                Some((sequence, value)) => {
                    Some(Newest { sequence: from_row(sequence), value: hash_of(&value)? })
                }
                None => None,
            };
            let last = waiting.into_iter().chain(named).max_by_key(|it| it.sequence);
            if last.is_some_and(|it| it.value == said_value(it.sequence, &text)) {
                return Ok(());
            }
            let sequence = last.map_or(0, |it| it.sequence) + 1;
            let newest = Newest { sequence, value: said_value(sequence, &text) };
            queue::wait((index, newest), tx).await
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        config: crate::Config,
    }

    #[tokio::test]
    async fn each_text_is_what_it_says_and_there_is_no_other() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().to_string_lossy().into_owned();
        let command: Command = clap::Parser::try_parse_from(["reconnect", "--data", &data])?;
        let app = App::open(command.config, crate::Clock::manual(1_000_000)).await?;
        let policy = serde_json::to_string(&app.service())?;
        anyhow::ensure!(text("release", &app) == Some(page::manifest()));
        anyhow::ensure!(text("policy", &app) == Some(policy));
        anyhow::ensure!(text("another", &app).is_none());
        Ok(())
    }
}
