//! Uploads against collections of what nobody counts on, on two servers at one time.

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::try_join_all;
use reconnect_core::{
    error::Error,
    vault::{upload_begin, upload_part},
    world::{ShipError, World as _},
};
use reconnect_format::api::Call;
use reconnect_tests::{
    hostile::{Hostile, Mood},
    stage::{Database, Person, Server, bytes, card, parts, read},
    store::Given,
    wire,
};
use tokio::time::{Duration, sleep};

use super::{check, execute, say};

/// Papers of each person.
const PAPERS: u64 = 4;

/// Two servers whose object store takes its time.
async fn slowly() -> Result<(Server, Hostile)> {
    let hostile = Hostile::before(&Given::read()?.endpoint, 1).await?;
    let endpoint = hostile.endpoint();
    let server = Server::with(Database::Postgres, |config| {
        config.blobs.s3_endpoint = Some(endpoint);
    });
    Ok((server.await?, hostile))
}

/// I-4: while people upload through two servers, both collect again and again, and the clock says each time that
/// whatever is on its way was given up: nothing that was acknowledged goes, and in the end nothing is left over.
#[tokio::test]
async fn collections_never_take_what_is_being_uploaded() -> Result<()> {
    let (server, hostile) = slowly().await?;
    let mut people = Vec::new();
    for _ in 0..3 {
        people.push(server.person().await?);
    }
    hostile.set(Mood::Slow(150));
    let uploading = async {
        let each = people.iter_mut().zip(0..).map(|(person, number)| upload_all(person, number));
        Ok::<_, anyhow::Error>(try_join_all(each).await?.into_iter().sum::<usize>())
    };
    let collecting = async {
        let mut count = 0;
        loop {
            // Longer than a name is kept that nothing came of.
            server.clock().advance(3_700);
            tokio::try_join!(server.apps()[0].sweep(), server.apps()[1].sweep())?;
            count += 1;
            sleep(Duration::from_millis(400)).await;
            if count == 11 {
                // Sessions end after twelve hours.
                return std::future::pending::<Result<usize>>().await;
            }
        }
    };
    let told_again = tokio::select! {
        done = uploading => done?,
        failed = collecting => bail!("{failed:?}"),
    };
    hostile.set(Mood::Honest);
    for (person, number) in people.iter().zip(0..) {
        let elsewhere = server.browser();
        let vault = person.with_sheet(&elsewhere, false).await?;
        ensure!(vault.papers().len() as u64 == PAPERS);
        for paper in vault.papers() {
            let title = paper.card.map(|card| card.title().to_owned()).ok().context("a title")?;
            let seed = title.parse()?;
            ensure!(seed / 100 == number);
            ensure!(read(&vault, &elsewhere, paper.document_id).await? == content(seed));
        }
    }
    server.pass(3).await?;
    let kept = check(&server).await?;
    say(&format!("{kept} objects are kept; {told_again} parts were sent again"));
    ensure!(told_again > 0, "no collection came between a name and its part: nothing was shown");
    Ok(())
}

fn content(seed: u64) -> Vec<u8> {
    bytes(seed, 4_500_000)
}

/// Adds papers, each part as often as it takes; gives how often one was to be sent again.
async fn upload_all(person: &mut Person, number: u64) -> Result<usize> {
    let mut again = 0;
    for paper in 0..PAPERS {
        let seed = 100 * number + paper;
        let plain = content(seed);
        let Person { browser, vault, .. } = person;
        let draft = vault.begin_content(browser, None, plain.len() as u64)?;
        let (pieces, leaves) = parts(&draft.plan, &plain);
        browser.ship(upload_begin(&draft), Some(vault.token())).await?;
        for (index, piece) in (0..).zip(pieces) {
            loop {
                let call = upload_part(draft.envelope_id, index, piece.clone());
                match browser.ship(call, Some(vault.token())).await {
                    Ok(_) => break,
                    Err(ShipError::Problem(problem)) if problem.status == 503 => again += 1,
                    Err(error) => bail!("{error:?}"),
                }
            }
        }
        loop {
            match vault.finish_content(browser, &draft, &leaves, &card(&seed.to_string())).await {
                Ok(()) => break,
                Err(Error::Offline) => {}
                Err(error) => bail!("{error:?}"),
            }
        }
    }
    Ok(again)
}

/// I-3, I-4: the same part at both servers at one time is kept once; other bytes under its name are a conflict, and what
/// the database names is what was acknowledged.
#[tokio::test]
async fn a_part_that_comes_to_both_servers_is_kept_once() -> Result<()> {
    let (server, hostile) = slowly().await?;
    let mut owner = server.person().await?;
    let each = server.each();
    for round in 0..4 {
        let plain = bytes(round, 400_000);
        let draft = owner.vault.begin_content(&owner.browser, None, plain.len() as u64)?;
        let (pieces, leaves) = parts(&draft.plan, &plain);
        let token = Some(owner.vault.token());
        owner.browser.ship(upload_begin(&draft), token).await?;
        let good = pieces.first().context("a part")?.clone();
        let mut other = good.clone();
        if round % 2 == 1 {
            other[1000] ^= 1;
        }
        hostile.set(Mood::Slow(100));
        let [good, other] = [good, other].map(|piece| upload_part(draft.envelope_id, 0, piece));
        let (first, second) = tokio::try_join!(
            wire::inside(&each[0], &good, token),
            wire::inside(&each[1], &other, token)
        )?;
        hostile.set(Mood::Honest);
        let mut said = [first.status, second.status];
        said.sort_unstable();
        let finished =
            owner.vault.finish_content(&owner.browser, &draft, &leaves, &card("Photo")).await;
        if round % 2 == 0 {
            ensure!(said == [204, 204], "{said:?}");
            finished?;
            ensure!(owner.read(draft.document_id).await? == plain);
        } else {
            ensure!(said == [204, 409], "{said:?}");
            ensure!(finished.is_ok() == (first.status == 204), "not what was acknowledged");
        }
    }
    server.pass(3).await?;
    check(&server).await?;
    Ok(())
}

/// I-9: an object that no row names, from whatever time, goes at the next look; what is named stays.
#[tokio::test]
async fn what_no_row_names_goes_and_what_is_not_ours_stays() -> Result<()> {
    let server = Server::on(Database::Postgres).await?;
    let mut owner = server.person().await?;
    let id = owner.add("Bail", &bytes(1, 20_000)).await?;
    let store = server.store()?;
    let name = server.blobs().await?.first().context("a blob")?.name.clone();
    let (place, _) = name.rsplit_once('.').context("a name")?;
    let stray = format!("blobs/{place}.{}", "0a".repeat(16));
    store.put(&stray, b"from a server that was away for a year".to_vec()).await?;
    store.put("blobs/notes.txt", b"somebody's".to_vec()).await?;
    ensure!(server.blobs().await?.len() == 3);
    server.apps()[1].sweep().await?;
    let left: Vec<_> = server.blobs().await?.into_iter().map(|blob| blob.name).collect();
    ensure!(left.contains(&name) && left.contains(&"notes.txt".to_owned()) && left.len() == 2);
    ensure!(owner.read(id).await? == bytes(1, 20_000));
    // An object that is named and gone is damage, and said.
    store.remove("blobs/notes.txt").await?;
    store.remove(&format!("blobs/{name}")).await?;
    let call = Call::read(format!("/v1/documents/{id}/content"));
    let answer = owner.browser.send(&call, Some(owner.vault.token())).await?;
    ensure!(answer.status == 500, "{}", answer.status);
    let found = reconnect::verify(server.config().clone()).await?;
    ensure!(found.damage.len() == 1, "{found}");
    ensure!(execute(&server, "delete from object where counts = 0").await? == 0);
    Ok(())
}
