//! An object store that fails, lies and goes away: nothing acknowledged is lost, and what needs no content goes on.

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::try_join_all;
use reconnect_core::{error::Error, vault::upload_part, world::World as _};
use reconnect_format::api::{Call, Code};
use reconnect_tests::{
    hostile::{Hostile, Mood},
    stage::{DAY, Database, Server, bytes, parts},
    store::Given,
    team::Team,
    wire,
    writer::{Life, Writer},
};
use tokio::{
    sync::watch,
    time::{Duration, sleep},
};

use super::{check, say};

/// Two servers whose object store is behind somebody.
async fn behind(seed: u64) -> Result<(Server, Hostile)> {
    let hostile = Hostile::before(&Given::read()?.endpoint, seed).await?;
    let endpoint = hostile.endpoint();
    let server = Server::with(Database::Postgres, |config| {
        config.blobs.s3_endpoint = Some(endpoint);
    });
    Ok((server.await?, hostile))
}

/// I-1, I-2, I-4, I-7: errors before and after a request took effect, requests that take effect seconds later, answers
/// that end early or are cut short: what was acknowledged is read back byte for byte, nothing short is ever
/// taken for whole, and afterwards the bucket holds what the database names and nothing else.
#[tokio::test]
async fn what_was_acknowledged_survives_a_hostile_object_store() -> Result<()> {
    let (server, hostile) = behind(7).await?;
    let (life, seen) = watch::channel(Life::Up);
    let mut writers = Vec::new();
    for number in 0..3 {
        writers.push(Writer::new(server.person().await?, number, seen.clone()));
    }
    let mut reader = server.person().await?;
    let mut papers = Vec::new();
    for (seed, count) in [(1, 5_000_000), (2, 300_000), (3, 10)] {
        papers.push((reader.add("Bail", &bytes(seed, count)).await?, bytes(seed, count)));
    }
    hostile.set(Mood::Hostile(30));
    let ending = async {
        for turn in 0..24_usize {
            sleep(Duration::from_millis(500)).await;
            // The sweep and the log work against it, too; they fail, and go on the next time.
            let app = &server.apps()[turn % 2];
            let _ = tokio::join!(app.sweep(), server.apps()[1 - turn % 2].publish());
        }
        life.send_replace(Life::Over);
        Ok(())
    };
    let working = try_join_all(writers.iter_mut().map(Writer::work));
    let reading = async {
        let (mut whole, mut refused) = (0, 0);
        while *seen.borrow() != Life::Over {
            for (id, plain) in &papers {
                match reader.read(*id).await {
                    Ok(read) => {
                        ensure!(read == *plain, "something else was taken for it");
                        whole += 1;
                    }
                    Err(Error::Offline) => refused += 1,
                    Err(Error::Refused(problem)) if problem.status == 503 => refused += 1,
                    Err(error) => bail!("{error:?}: it came as if it were whole"),
                }
            }
        }
        Ok((whole, refused))
    };
    let ((), _, (whole, refused)) = tokio::try_join!(ending, working, reading)?;
    let counts = hostile.counts();
    ensure!(counts.iter().all(|(_, count)| *count > 0), "not everything was tried: {counts:?}");
    hostile.set(Mood::Honest);
    for writer in &writers {
        writer.check_elsewhere(&server.browser()).await?;
    }
    // What took effect late is there by now, and goes; so does what was begun and given up.
    sleep(Duration::from_secs(3)).await;
    server.pass(3).await?;
    let kept = check(&server).await?;
    let sum = |of: fn(&Writer) -> usize| writers.iter().map(of).sum::<usize>();
    say(&format!(
        "acks={} papers={} refusals={} doubts={} objects={kept}, read {whole} times, refused {refused}, \
         {counts:?}",
        sum(Writer::acks),
        sum(Writer::papers),
        sum(|writer| writer.refusals),
        sum(|writer| writer.doubts),
    ));
    ensure!(sum(Writer::papers) > 5 && whole > 5);
    Ok(())
}

/// I-6, I-9: an object store that is away stops content and nothing else; what was deleted meanwhile goes when it is back.
#[tokio::test]
async fn an_object_store_that_is_away_stops_content_and_nothing_else() -> Result<()> {
    let (server, hostile) = behind(8).await?;
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let photo = bytes(1, 300_000);
    let (kept, removed) = (owner.add("Bail", &photo).await?, owner.add("Photo", &photo).await?);
    let grant_id = owner.give(team.structure_id, &[kept]).await?;
    ensure!(team.worker.received().await?.len() == 1);
    let draft = owner.vault.begin_content(&owner.browser, None, photo.len() as u64)?;
    let (pieces, leaves) = parts(&draft.plan, &photo);
    let begin = reconnect_core::vault::upload_begin(&draft);
    let token = owner.vault.token().to_owned();
    owner.browser.ship(begin, Some(&token)).await?;
    server.app().publish().await?;

    hostile.set(Mood::Away);
    let piece = pieces.first().context("a part")?.clone();
    let upload = upload_part(draft.envelope_id, 0, piece.clone());
    let read = Call::read(format!("/v1/documents/{kept}/content"));
    for (number, router) in server.each().iter().enumerate() {
        for call in [&upload, &read] {
            let refused = wire::inside(router, call, Some(&token)).await?;
            ensure!(refused.code() == Some(Code::Unavailable), "{number}: {}", refused.status);
            ensure!(refused.status == 503 && refused.header("retry-after").is_some());
        }
        let ready = wire::inside(router, &Call::read("/readyz").open(), None).await?;
        ensure!(ready.status == 200 && ready.body.starts_with(b"ready, but the object store"));
    }
    // Who comes in, takes back or deletes needs no content.
    let elsewhere = server.browser();
    let mut vault = owner.with_words(&elsewhere, true).await?;
    vault.take_back(&elsewhere, grant_id).await?;
    ensure!(team.worker.received().await?.is_empty());
    vault.remove(&elsewhere, removed).await?;
    let blobs = server.blobs().await?.len();
    let _ = server.app().sweep().await;
    ensure!(server.blobs().await?.len() == blobs, "somebody reached it");

    hostile.set(Mood::Honest);
    sleep(Duration::from_secs(2)).await;
    for router in server.each() {
        let ready = wire::inside(&router, &Call::read("/readyz").open(), None).await?;
        ensure!(ready.body == b"ready\n");
    }
    server.app().sweep().await?;
    ensure!(server.blobs().await?.len() == blobs - 1, "what was removed is still there");
    owner.vault.sync(&owner.browser).await?;
    owner.browser.ship(upload, Some(&token)).await?;
    let card = reconnect_tests::stage::card("Enfin");
    owner.vault.finish_content(&owner.browser, &draft, &leaves, &card).await?;
    ensure!(owner.read(draft.document_id).await? == photo && owner.read(kept).await? == photo);
    server.clock().advance(DAY);
    server.app().sweep().await?;
    check(&server).await?;
    Ok(())
}
