//! A thief of the root is first to change it, and means to stay; or guardians of long ago mean to come back.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    held::Pin,
    link::LinkCode,
    vault::{Drawn, Returning, Vault, Ways},
    world::World as _,
};
use reconnect_format::guardian::{Manner, WAIT_MIN_SECONDS};
use reconnect_tests::{
    browser::Browser,
    stage::{DAY, Database, Person, Server, titles},
};

use crate::{
    giving::works_on,
    guardians::naming,
    pair::{Outcome, pairs},
};

pairs! {
    a_thief_who_says_that_it_was_long_ago: "wrong_clock" without [OverruleClock];
    those_whom_a_thief_named: "not_found" without [OverruleOrder];
    guardians_of_long_ago: "not_found" without [OverruleTime];
}

const PIN: &str = "481709";

/// An owner whose sheet a thief has read, whom both have friends who are guardians.
struct Play {
    server: Server,
    owner: Person,
    friends: [Person; 2],
    thief: Person,
    accomplices: [Person; 2],
}

async fn name(owner: &mut Person, friends: [&Person; 2]) -> Result<(), Error> {
    let naming = naming(friends)?;
    Box::pin(owner.vault.name_guardians(&owner.browser, &naming)).await.map(drop)
}

/// Somebody's return through two friends, to its end.
async fn come_back(
    server: &Server,
    friends: &mut [Person; 2],
) -> Result<Result<(Browser, Vault, Drawn), Error>> {
    let desk = server.browser();
    let card = Returning::draw_card(&desk);
    let returning = Returning::begin(&desk, &card, &Pin::choose(PIN)?).await?;
    ensure!(returning.look(&desk, &[]).await?.is_none());
    let code = LinkCode::parse(&returning.square())?;
    // Days may have passed since their sessions.
    for friend in friends.iter_mut() {
        friend.vault = Box::pin(friend.with_sheet(&friend.browser, true)).await?;
    }
    let Person { browser, vault, .. } = &mut friends[0];
    let Some(guarded) = vault.guarding(browser).await?.into_iter().next() else {
        return Ok(Err(Error::NotFound));
    };
    if let Err(error) = vault.begin_return(browser, &guarded, &code).await {
        return Ok(Err(error));
    }
    server.app().publish().await?;
    for friend in friends {
        let Person { browser, vault, .. } = friend;
        let all = vault.guarding(browser).await?;
        let begun = all.iter().find_map(|it| Some((it, it.open_return(&code)?)));
        let begun = begun.context("nobody began it")?;
        vault.vouch(browser, begun, &code, Manner::FaceToFace).await?;
    }
    server.clock().advance(u64::from(WAIT_MIN_SECONDS));
    let stands = returning.look(&desk, &[]).await?.context("nobody began it")?;
    let vault = match Box::pin(returning.enter(&desk, &stands, &[], true)).await {
        Ok(vault) => vault,
        Err(error) => return Ok(Err(error)),
    };
    let drawn = Drawn::draw_again(&vault, &mut desk.rng());
    let begun = Box::pin(vault.begin_generation(&desk, &drawn, &Ways::on_paper())).await;
    Ok(begun.map(|vault| (desk, vault, drawn)).map_err(|stayed| stayed.error))
}

impl Play {
    async fn set() -> Result<Self> {
        let server = Server::on(Database::Sqlite).await?;
        let mut owner = server.person().await?;
        owner.add("Passeport", b"passport").await?;
        let friends = [server.person().await?, server.person().await?];
        name(&mut owner, friends.each_ref()).await?;
        let clock = reconnect::Clock::manual(server.clock().now());
        let browser = server.browser().at_time(clock);
        let vault = Box::pin(owner.with_sheet(&browser, true)).await?;
        let thief = owner.at(browser, vault);
        let accomplices = [server.person().await?, server.person().await?];
        Ok(Self { server, owner, friends, thief, accomplices })
    }

    /// The owner's friends bring them back.
    async fn brought_back(&mut self) -> Result<Result<(), Error>> {
        let back = Box::pin(come_back(&self.server, &mut self.friends)).await?;
        Ok(back.map(|(browser, vault, drawn)| {
            let owner = self.owner.at(browser, vault);
            let sheet = drawn.paper().groups().join(" ");
            self.owner = Person { sheet, ..owner };
        }))
    }

    async fn done(mut self, outcome: Outcome) -> Result<Outcome> {
        if !matches!(outcome, Outcome::Succeeded) {
            ensure!(titles(&self.owner.vault).contains(&"Passeport".to_owned()));
            works_on(&mut self.owner).await?;
        }
        Ok(outcome)
    }
}

/// Whoever has the owner's sheet begins a generation, and then says something 200 days ahead of its time: by the times
/// of the chain, nobody could overrule them any more.
async fn a_thief_who_says_that_it_was_long_ago() -> Result<Outcome> {
    let mut play = Box::pin(Play::set()).await?;
    play.thief = Box::pin(play.thief.begin_generation()).await?;
    play.thief.browser.clock().advance(200 * DAY);
    let named = name(&mut play.thief, play.accomplices.each_ref()).await;
    let back = Box::pin(play.brought_back()).await?;
    let outcome = match (named, back) {
        (Err(error), Ok(())) => Outcome::Stopped(error),
        (Ok(()), Err(_)) => Outcome::Succeeded,
        (named, back) => anyhow::bail!("{named:?}, {back:?}"),
    };
    Box::pin(play.done(outcome)).await
}

/// Guardians whom the thief named overrule those who brought the owner back.
async fn those_whom_a_thief_named() -> Result<Outcome> {
    let mut play = Box::pin(Play::set()).await?;
    play.thief = Box::pin(play.thief.begin_generation()).await?;
    name(&mut play.thief, play.accomplices.each_ref()).await?;
    Box::pin(play.brought_back()).await??;
    let outcome = match Box::pin(come_back(&play.server, &mut play.accomplices)).await? {
        Ok(_) => Outcome::Succeeded,
        Err(error) => Outcome::Stopped(error),
    };
    Box::pin(play.done(outcome)).await
}

/// Whoever runs the server kept what was wrapped to guardians whom the owner dismissed long ago, and sets its clock back
/// for them.
async fn guardians_of_long_ago() -> Result<Outcome> {
    let mut play = Box::pin(Play::set()).await?;
    let Person { browser, vault, .. } = &mut play.owner;
    vault.dismiss_guardians(browser).await?;
    play.server.clock().advance(200 * DAY);
    let Play { owner, accomplices, .. } = &mut play;
    owner.vault = Box::pin(owner.with_sheet(&owner.browser, true)).await?;
    name(owner, accomplices.each_ref()).await?;
    play.server.clock().advance((200 * DAY).wrapping_neg());
    let outcome = match Box::pin(come_back(&play.server, &mut play.friends)).await? {
        Ok(_) => Outcome::Succeeded,
        Err(error) => Outcome::Stopped(error),
    };
    play.server.clock().advance(200 * DAY);
    if let Outcome::Stopped(_) = outcome {
        let owner = &mut play.owner;
        owner.vault = Box::pin(owner.with_sheet(&owner.browser, true)).await?;
    }
    Box::pin(play.done(outcome)).await
}
