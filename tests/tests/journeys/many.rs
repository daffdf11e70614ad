//! A safe of many papers and a long history: lists come in several answers, and none is believed
//! before its last.

use std::{cell::RefCell, rc::Rc};

use anyhow::{Context as _, Result, ensure};
use axum::{
    body::to_bytes,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
};
use reconnect_core::error::{Error, ServerMisbehaved};
use reconnect_format::{api::Sync, id::DocumentId};
use reconnect_tests::{
    browser::{Browser, Network},
    stage::{Person, Server, titles},
    team::Team,
};

super::on_both_databases! {
    many_papers_are_listed_read_and_given_in_several_answers,
    an_answer_that_ends_early_or_never_is_refused,
}

/// More than one answer takes: of statements, with as many renamings, and of what a grant covers.
const PAPERS: usize = 110;

async fn many(owner: &mut Person) -> Result<Vec<DocumentId>> {
    let mut ids = Vec::new();
    for number in 0..PAPERS {
        ids.push(owner.add(&format!("Papier {number}"), &[7; 100]).await?);
    }
    for (number, id) in ids.iter().enumerate() {
        owner.vault.rename(&owner.browser, *id, &format!("Page {number}")).await?;
    }
    Ok(ids)
}

fn asked(server: &Server, from: usize, path: &str) -> usize {
    let recording = server.recording().borrow();
    recording[from..].iter().filter(|exchange| exchange.head.contains(path)).count()
}

async fn many_papers_are_listed_read_and_given_in_several_answers(server: Server) -> Result<()> {
    let mut team = Team::on(&server).await?;
    let mut owner = server.person().await?;
    let ids = many(&mut owner).await?;
    let wanted: Vec<_> = (0..PAPERS).map(|number| format!("Page {number}")).collect();

    let from = server.recording().borrow().len();
    for sheet in [false, true] {
        let browser = server.browser();
        let vault = if sheet {
            owner.with_sheet(&browser, true).await?
        } else {
            owner.with_words(&browser, true).await?
        };
        ensure!(titles(&vault) == wanted);
        let last = ids.last().context("the last")?;
        ensure!(reconnect_tests::stage::read(&vault, &browser, *last).await? == [7; 100]);
    }
    ensure!(asked(&server, from, "/v1/unlock/rest") == 2, "the chain came in two answers");
    ensure!(asked(&server, from, "/v1/sync") > 3, "and so did the cards");

    let grant_id = owner.give(team.structure_id, &ids).await?;
    let from = server.recording().borrow().len();
    let gifts = team.worker.received().await?;
    ensure!(gifts.len() == 1 && gifts[0].documents.len() == PAPERS);
    ensure!(gifts[0].documents.iter().all(|document| document.card.is_ok()));
    ensure!(asked(&server, from, "/list") > 1, "what was given came in several answers");
    for id in [ids[0], ids[PAPERS - 1]] {
        ensure!(team.worker.read(grant_id, id).await? == [7; 100]);
    }
    // However many answers it took, they looked once.
    owner.vault.sync(&owner.browser).await?;
    owner.vault.learn_structures(&owner.browser).await?;
    let looked = owner.vault.openings();
    ensure!(looked.iter().filter(|it| it.document_id.is_none()).count() == 1, "{looked:?}");
    Ok(())
}

/// A server that changes what it says is new.
fn lying(server: &Server, lie: fn(&mut Sync)) -> Browser {
    let router = reconnect::app::router(server.app().clone());
    let router = router.layer(from_fn(move |request: Request, next: Next| async move {
        let is_sync = request.uri().path() == "/v1/sync";
        let answer = next.run(request).await;
        if is_sync { changed(answer, lie).await } else { answer }
    }));
    let network = Rc::new(RefCell::new(Network::Inside(router)));
    Browser::new(network, server.clock().clone(), None)
}

async fn changed(answer: Response, lie: fn(&mut Sync)) -> Response {
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap_or_default();
    let Ok(mut sync) = serde_json::from_slice(&bytes) else { return bytes.into_response() };
    lie(&mut sync);
    serde_json::to_vec(&sync).unwrap_or_default().into_response()
}

async fn an_answer_that_ends_early_or_never_is_refused(server: Server) -> Result<()> {
    let mut owner = server.person().await?;
    owner.add("Passeport", b"mine").await?;
    let early = lying(&server, |sync| {
        sync.records_until = sync.records_until.min(5);
        sync.cards.clear();
        sync.more = false;
    });
    let refused = owner.with_words(&early, true).await.err();
    ensure!(refused == Some(ServerMisbehaved::Rollback.into()), "{refused:?}");
    let never = lying(&server, |sync| sync.more = true);
    let refused = owner.with_words(&never, true).await.err();
    ensure!(refused == Some(Error::Unreadable), "{refused:?}");
    let honest = lying(&server, |_| ());
    ensure!(titles(&owner.with_words(&honest, true).await?) == ["Passeport"]);
    Ok(())
}
