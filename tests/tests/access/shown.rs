//! The grants that an owner is shown as live are those under which somebody can fetch, and no others. I-8.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    vault::{Gift, GrantState},
    world::World as _,
};
use reconnect_format::id::{DocumentId, GrantId};
use reconnect_tests::{
    stage::{DAY, Database, Server},
    team::{Member, Team},
};

use crate::say;

/// I-8: after giving, taking back, an end date, a removal, a place taken away and a new generation.
#[tokio::test]
async fn what_is_shown_is_what_can_be_fetched_on_sqlite() -> Result<()> {
    Box::pin(play(Database::Sqlite)).await
}

/// I-8: after giving, taking back, an end date, a removal, a place taken away and a new generation.
#[tokio::test]
async fn what_is_shown_is_what_can_be_fetched_on_postgres() -> Result<()> {
    Box::pin(play(Database::Postgres)).await
}

async fn play(database: Database) -> Result<()> {
    let server = Server::on(database).await?;
    let Team { structure_id, mut manager, mut worker } = Box::pin(Team::on(&server)).await?;
    let mut owner = server.person().await?;
    let mut given = BTreeSet::new();
    for title in ["Un", "Deux", "Trois", "Quatre"] {
        let id = owner.add(title, title.as_bytes()).await?;
        given.insert((owner.give(structure_id, &[id]).await?, id));
    }
    let short = owner.add("Court", b"short").await?;
    let gift = Gift {
        structure_id,
        document_ids: vec![short],
        ends_at: owner.browser.now() + DAY,
        signed_as: String::new(),
        purpose: String::new(),
    };
    given.insert((owner.vault.give(&owner.browser, &gift).await?, short));
    let mut looks = 0;
    let mut live = Vec::new();
    for step in 0..5 {
        match step {
            1 => {
                let long = given.iter().find(|it| it.1 != short);
                let (grant_id, _) = *long.context("none was given")?;
                owner.vault.take_back(&owner.browser, grant_id).await?;
            }
            // The end date of one passes; nothing is swept yet.
            2 => {
                server.clock().advance(DAY);
                owner.vault = owner.with_sheet(&owner.browser, true).await?;
                manager.come_again().await?;
                worker.come_again().await?;
            }
            3 => server.app().sweep().await?,
            4 => {
                manager.settle().await?;
                manager.put_out(2).await?;
            }
            _ => {}
        }
        owner.vault.sync(&owner.browser).await?;
        let shown: BTreeSet<GrantId> = owner
            .vault
            .grants(owner.vault.time(&owner.browser))
            .iter()
            .filter(|it| it.state == GrantState::Live)
            .map(|it| it.terms.grant_id)
            .collect();
        let by_manager = fetched(&mut manager, &given).await?;
        ensure!(
            shown == by_manager,
            "step {step}: {shown:?} are shown, {by_manager:?} are fetched"
        );
        let by_worker = fetched(&mut worker, &given).await?;
        // Whoever has lost their place fetches nothing.
        let worker_may = if step == 4 { BTreeSet::new() } else { shown.clone() };
        ensure!(worker_may == by_worker, "step {step}: the worker fetches {by_worker:?}");
        looks += 2 * given.len();
        live.push(shown.len());
    }
    ensure!(live == [5, 4, 3, 3, 3], "{live:?}");
    say(&format!(
        "{database:?}: {looks} looks at grants: shown as live, and fetched, were {live:?}"
    ));
    Ok(())
}

/// Under which of all that was ever given somebody gets something.
async fn fetched(
    member: &mut Member,
    given: &BTreeSet<(GrantId, DocumentId)>,
) -> Result<BTreeSet<GrantId>> {
    // Whoever has lost their place is told so, and asks all the same.
    let _ = member.look().await;
    let mut fetched = BTreeSet::new();
    for (grant_id, document_id) in given {
        if member.open_and_read(*grant_id, *document_id).await.is_ok() {
            fetched.insert(*grant_id);
        }
    }
    Ok(fetched)
}
