//! Nobody opened this safe for six years: its person was in prison. Everything that opens it still does, what was to
//! end has ended, and what they gave to is told as it is now.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    held::Pin,
    log::{Carried, newest},
    vault::{Comparison, Gift, GrantState, Vault},
    words::PaperSecret,
    world::World as _,
};
use reconnect_format::{
    api::Call,
    id::{DocumentId, GrantId, StructureId},
    lock::PIN_TRIES,
};
use reconnect_tests::{
    stage::{DAY, Person, Server, read, titles},
    team::Member,
};

super::on_both_databases! {
    a_safe_that_slept_for_six_years_opens_by_each_way,
    what_slept_is_told_as_it_is_and_giving_anew_works,
}

const PIN: &str = "481709";
/// Half of the time.
const YEARS: u64 = 3 * 365;
/// Somebody comes to a structure and leaves it so many times: each is an epoch.
const TURNS: usize = 30;

/// A safe with every way in, that is opened on its person's phone.
struct Sleeper {
    person: Person,
    card: PaperSecret,
    paper: DocumentId,
}

async fn fall_asleep(server: &Server) -> Result<Sleeper> {
    let mut person = server.person().await?;
    let paper = person.add("Passeport", b"scan").await?;
    let card = PaperSecret::card(&mut person.browser.rng());
    let pin = Pin::choose(PIN)?;
    Box::pin(person.vault.set_card(&person.browser, &card, &pin, 7)).await?;
    Box::pin(person.vault.remember_here(&person.browser, &pin)).await?;
    // What this phone remembers of the log, and what the card's square carries, is from today.
    person.vault.look(&person.browser).await?;
    let drawn = newest(&person.browser).await.context("no checkpoint")?;
    let letters: String = card.groups().concat();
    let card = PaperSecret::parse(&Carried::beside(&letters, Some(&drawn)))?;
    ensure!(card.carried() == Some(drawn));
    Ok(Sleeper { person, card, paper })
}

async fn wakes(
    vault: &Vault,
    browser: &reconnect_tests::browser::Browser,
    id: DocumentId,
) -> Result<()> {
    ensure!(titles(vault) == ["Passeport"]);
    ensure!(read(vault, browser, id).await? == b"scan");
    Ok(())
}

async fn a_safe_that_slept_for_six_years_opens_by_each_way(server: Server) -> Result<()> {
    let Sleeper { person, card, paper } = fall_asleep(&server).await?;
    let pin = Pin::choose(PIN)?;
    let token = person.vault.token().to_owned();
    server.pass(YEARS).await?;
    // The log goes on, the server moves, and everybody else lives on.
    let mut neighbour = server.person().await?;
    neighbour.add("Bail", b"theirs").await?;
    let server = server.restart().await?;
    server.pass(YEARS).await?;

    let over = person.browser.send(&Call::read("/v1/sync"), Some(&token)).await?;
    ensure!(over.status == 401, "a session lasted for years: {}", over.status);
    let here = Box::pin(Vault::unlock_here(&person.browser, &pin, None)).await?;
    wakes(&here, &person.browser, paper).await?;
    ensure!(here.device_id() == person.vault.device_id());
    let desk = server.browser();
    let by_card = Box::pin(Vault::unlock_with_card(&desk, &card, &pin, false)).await?;
    wakes(&by_card, &desk, paper).await?;
    let desk = server.browser();
    wakes(&person.with_words(&desk, false).await?, &desk, paper).await?;
    let desk = server.browser();
    let mut vault = person.with_sheet(&desk, true).await?;
    wakes(&vault, &desk, paper).await?;
    // Nothing of it was swept, nothing was spent, and it is written to as ever.
    let tries: Vec<_> =
        vault.locks(&desk).await?.iter().filter_map(|lock| lock.tries_left).collect();
    ensure!(tries == [PIN_TRIES, PIN_TRIES], "{tries:?}");
    vault.add(&desk, None, b"new", &reconnect_tests::stage::card("Bail")).await?;
    vault.look(&desk).await?;
    ensure!(titles(&vault) == ["Passeport", "Bail"]);
    Ok(())
}

/// Three desks that the sleeper gave to.
struct Town {
    /// Closes; it had introduced the second.
    closing: Member,
    closing_paper: PaperSecret,
    introduced: Member,
    /// Goes on, under another manager.
    changing: Member,
}

async fn found(server: &Server, name: &str) -> Result<(Member, PaperSecret)> {
    let person = server.person().await?;
    let (founder, paper) = Box::pin(Member::found_with_paper(person, name, "Lyon")).await?;
    server.accept(founder.desk.structure_id()).await?;
    Ok((founder, paper))
}

async fn compare(person: &mut Person, structure_id: StructureId) -> Result<(), Error> {
    let code = structure_id.code();
    let Person { browser, vault, .. } = person;
    vault.compare_structure(browser, structure_id, Comparison::read(&code)).await
}

impl Town {
    async fn on(server: &Server) -> Result<Self> {
        let (mut closing, closing_paper) = found(server, "Accueil").await?;
        let (introduced, _) = found(server, "Maison de la Source").await?;
        let (changing, _) = found(server, "La Croisée").await?;
        let second = introduced.desk.structure_id();
        compare(&mut closing.person, second).await?;
        let Person { browser, vault, .. } = &mut closing.person;
        closing.desk.introduce(vault, browser, second).await?;
        Ok(Self { closing, closing_paper, introduced, changing })
    }

    /// What happens to them over the years.
    async fn live_on(&mut self, server: &Server) -> Result<()> {
        self.closing.come_again().await?;
        self.closing.close_with(&self.closing_paper).await?;
        self.introduced.come_again().await?;
        self.changing.come_again().await?;
        let mut next = Box::pin(self.changing.admit(server.person().await?, "Nour")).await?;
        self.changing.make_manager(2).await?;
        next.settle().await?;
        self.changing.step_down().await?;
        next.settle().await?;
        let mut newcomer = server.person().await?;
        for turn in 0..TURNS {
            let number = u32::try_from(turn)? + 3;
            let member = Box::pin(next.admit(newcomer, "Lea")).await?;
            next.put_out(number).await?;
            newcomer = member.person;
        }
        self.changing = next;
        Ok(())
    }
}

async fn give(
    owner: &mut Person,
    structure_id: StructureId,
    paper: DocumentId,
) -> Result<GrantId, Error> {
    let gift = Gift {
        structure_id,
        document_ids: vec![paper],
        ends_at: owner.browser.now() + 30 * DAY,
        signed_as: "Aminata D.".to_owned(),
        purpose: "Demande de logement".to_owned(),
    };
    owner.vault.give(&owner.browser, &gift).await
}

async fn what_slept_is_told_as_it_is_and_giving_anew_works(server: Server) -> Result<()> {
    let mut town = Box::pin(Town::on(&server)).await?;
    let Sleeper { person: mut owner, paper, .. } = fall_asleep(&server).await?;
    let [closed, introduced, changed] =
        [&town.closing, &town.introduced, &town.changing].map(|member| member.desk.structure_id());
    compare(&mut owner, closed).await?;
    compare(&mut owner, changed).await?;
    owner.vault.admit_structure(&owner.browser, introduced, closed).await?;
    let mut given = Vec::new();
    for structure_id in [closed, introduced, changed] {
        given.push(give(&mut owner, structure_id, paper).await?);
    }
    town.changing.deposit(owner.vault.account_id(), b"paper").await?;

    server.pass(YEARS).await?;
    Box::pin(town.live_on(&server)).await?;
    server.pass(YEARS).await?;

    let pin = Pin::choose(PIN)?;
    owner.vault = Box::pin(Vault::unlock_here(&owner.browser, &pin, None)).await?;
    owner.vault.learn_structures(&owner.browser).await?;
    // What waited was swept long ago, and nothing of it is asked.
    let inbox = owner.vault.look_into_inbox(&owner.browser).await?;
    ensure!(inbox.waiting.is_empty() && inbox.quarantined.is_empty());
    ensure!(owner.vault.deposits_waiting() == 0);
    let states: Vec<_> =
        owner.vault.grants(owner.browser.now()).iter().map(|it| it.state).collect();
    // Each for its date, which came before its structure closed.
    ensure!(states == [GrantState::Ended; 3], "{states:?}");
    ensure!(owner.vault.is_closed(closed) && !owner.vault.is_closed(changed));

    // The one that closed takes nothing; the one that it spoke for is compared first; the third takes it.
    let refused = give(&mut owner, closed, paper).await.err();
    ensure!(refused.is_some(), "it was given to a structure that has closed");
    town.introduced.come_again().await?;
    let alone = give(&mut owner, introduced, paper).await.err();
    ensure!(alone == Some(Error::NotIntroduced), "{alone:?}");
    compare(&mut owner, introduced).await?;
    town.changing.come_again().await?;
    for (member, structure_id) in
        [(&mut town.introduced, introduced), (&mut town.changing, changed)]
    {
        let anew = give(&mut owner, structure_id, paper).await?;
        ensure!(member.received().await?.len() == 1);
        ensure!(member.read(anew, paper).await? == b"scan");
    }
    // What ended is taken off the list, and a deposit arrives again.
    for grant_id in given {
        owner.vault.take_back(&owner.browser, grant_id).await?;
    }
    let deposit_id = town.changing.deposit(owner.vault.account_id(), b"paper").await?;
    owner.vault.sync(&owner.browser).await?;
    ensure!(owner.vault.look_into_inbox(&owner.browser).await?.waiting == [deposit_id]);
    Ok(())
}
