//! Somebody stands between a computer that asks to be let in and the phone that lets it in.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{error::Error, link::LinkCode, vault::Linking};
use reconnect_format::api::{AnswerLink, Call, LinkLooked, LinkShown, PutLink, Sync};
use reconnect_tests::{
    browser::Browser,
    stage::{Database, Person, Server, titles},
};
use serde::de::DeserializeOwned;

use crate::{
    giving::works_on,
    lies::{lie, lie_about_the_chain},
    pair::{Outcome, pairs},
};

pairs! {
    another_offer_for_the_same_code: "forged" without [LinkOffer];
    a_safe_of_somebody_else: passed_over given "the picture that the phone will show, one of 32";
    an_older_safe_for_a_linked_computer: "rollback" without [LinkedDevice, SafeLogged];
}

async fn stage() -> Result<(Server, Person, Browser)> {
    let server = Server::on(Database::Sqlite).await?;
    let mut owner = server.person().await?;
    owner.add("Passeport", b"passport").await?;
    let computer = server.browser();
    Ok((server, owner, computer))
}

async fn link(owner: &mut Person, code: &LinkCode) -> Result<u8, Error> {
    owner.vault.find_link(&owner.browser, code).await?;
    Box::pin(owner.vault.link(&owner.browser, code)).await
}

/// What was last sent under a path, as JSON.
fn sent<T: DeserializeOwned>(server: &Server, line: &str) -> Result<T> {
    let recording = server.recording().borrow();
    let last =
        recording.iter().rfind(|it| it.head.starts_with(line)).context("nothing was sent")?;
    Ok(serde_json::from_slice(&last.sent)?)
}

/// The server shows the phone keys of its own in place of the computer's.
async fn another_offer_for_the_same_code() -> Result<Outcome> {
    let (server, mut owner, computer) = stage().await?;
    let thief = server.browser();
    let mut theirs = Linking::draw(&thief, true).await;
    theirs.look(&thief).await?;
    let shown: PutLink = sent(&server, "POST /v1/links ")?;
    let mut linking = Linking::draw(&computer, true).await;
    linking.look(&computer).await?;
    let code = LinkCode::parse(&linking.square())?;
    lie(&owner.browser, "/v1/links/", move |_, answer: &mut LinkShown| {
        answer.offer = shown.offer.clone();
    });
    let outcome = if let Err(error) = link(&mut owner, &code).await {
        Outcome::Stopped(error)
    } else {
        let given: AnswerLink = sent(&server, "POST /v1/links/")?;
        lie(&thief, "/v1/links", move |_, looked: &mut LinkLooked| {
            looked.answer = Some(given.answer.clone());
        });
        theirs.look(&thief).await?.context("sealed to the thief")?;
        let vault = Box::pin(theirs.enter(&thief)).await?;
        ensure!(titles(&vault) == ["Passeport"], "another safe");
        Outcome::Succeeded
    };
    owner.browser.hear_the_truth();
    works_on(&mut owner).await?;
    Ok(outcome)
}

/// The server gives the computer what a stranger answered, with a safe of their own, into which its person
/// would put their papers; the phone hears nothing of it.
async fn a_safe_of_somebody_else(undefended: bool) -> Result<Outcome> {
    let (server, mut owner, computer) = stage().await?;
    let mut linking = Linking::draw(&computer, true).await;
    linking.look(&computer).await?;
    let code = LinkCode::parse(&linking.square())?;
    let on_the_phone = link(&mut owner, &code).await?;
    let mut stranger = server.person().await?;
    loop {
        server.clock().advance(121);
        let offer: PutLink = sent(&server, "POST /v1/links ")?;
        server.browser().send(&Call::send("/v1/links", &offer).open(), None).await?;
        let drawn = link(&mut stranger, &code).await?;
        if (drawn == on_the_phone) == undefended {
            break;
        }
    }
    let on_the_computer = linking.look(&computer).await?.context("the stranger's")?;
    works_on(&mut owner).await?;
    // Its person looks at both, and says no.
    if on_the_computer != on_the_phone {
        return Ok(Outcome::PassedOver);
    }
    let vault = Box::pin(linking.enter(&computer)).await?;
    ensure!(vault.account_id() == stranger.vault.account_id());
    Ok(Outcome::Succeeded)
}

/// The server shows the computer the safe as it was before its owner's newest paper.
async fn an_older_safe_for_a_linked_computer() -> Result<Outcome> {
    let (_server, mut owner, computer) = stage().await?;
    let before = owner.vault.manifest().sequence();
    owner.add("Bail", b"lease").await?;
    owner.vault.look(&owner.browser).await?;
    let mut linking = Linking::draw(&computer, true).await;
    linking.look(&computer).await?;
    link(&mut owner, &LinkCode::parse(&linking.square())?).await?;
    linking.look(&computer).await?.context("the answer")?;
    lie_about_the_chain(&computer, move |known, sync: &mut Sync| {
        let left = usize::try_from(before.saturating_sub(known)).unwrap_or_default();
        sync.statements.truncate(left);
    });
    let outcome = match Box::pin(linking.enter(&computer)).await {
        Ok(vault) => {
            ensure!(titles(&vault) == ["Passeport"], "{:?}", titles(&vault));
            Outcome::Succeeded
        }
        Err(error) => Outcome::Stopped(error),
    };
    works_on(&mut owner).await?;
    Ok(outcome)
}
