//! A structure stands in for another one: owners who compared the first may give to the second, and
//! see which of the two they did.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::{Error, ServerMisbehaved},
    vault::{Comparison, Gift},
    words::PaperSecret,
    world::World as _,
};
use reconnect_format::{
    api::{Call, StructureFace},
    id::{DocumentId, GrantId, StructureId},
    structure::StructureChain,
};
use reconnect_tests::{
    between::between,
    browser::Cut,
    stage::{DAY, Database, Person, Server},
    team::{Member, Team},
};

super::on_both_databases! {
    an_owner_gives_on_the_word_of_a_structure_that_they_compared,
    only_a_manager_introduces_what_they_compared,
    a_word_that_is_held_back_or_forged_counts_nowhere,
    a_word_ends_with_who_gave_it,
    what_was_not_answered_is_said_once,
}

/// Two structures that the operator accepted, and an owner with a paper, who compared the first.
struct Stage {
    team: Team,
    sheet: PaperSecret,
    other: Member,
    owner: Person,
    paper: DocumentId,
}

impl Stage {
    async fn on(server: &Server) -> Result<Self> {
        Box::pin(async {
            let person = server.person().await?;
            let (mut manager, sheet) = Member::found_with_paper(person, "Accueil", "Lyon").await?;
            let structure_id = manager.desk.structure_id();
            server.accept(structure_id).await?;
            let worker = manager.admit(server.person().await?, "Paul").await?;
            let team = Team { structure_id, manager, worker };
            let other =
                Member::found(server.person().await?, "Maison de la Source", "Lyon").await?;
            server.accept(other.desk.structure_id()).await?;
            let mut owner = server.person().await?;
            let paper = owner.add("Passeport", b"mine").await?;
            compare(&mut owner, team.structure_id).await?;
            Ok(Self { team, sheet, other, owner, paper })
        })
        .await
    }

    fn introduced(&self) -> StructureId {
        self.other.desk.structure_id()
    }

    /// The first structure's manager compares the other's code, and says so.
    async fn introduce(&mut self) -> Result<(), Error> {
        let introduced = self.introduced();
        compare(&mut self.team.manager.person, introduced).await?;
        introduce(&mut self.team.manager, introduced).await
    }

    /// The first structure's, as the owner verifies it.
    async fn chain(&mut self) -> Result<StructureChain, Error> {
        let Person { browser, vault, .. } = &mut self.owner;
        vault.structure(browser, self.team.structure_id).await.cloned()
    }

    async fn introducers(&mut self) -> Result<Vec<StructureId>, Error> {
        let introduced = self.introduced();
        self.owner.vault.introducers(&self.owner.browser, introduced).await
    }

    async fn admit(&mut self) -> Result<(), Error> {
        let (introduced, by) = (self.introduced(), self.team.structure_id);
        let Person { browser, vault, .. } = &mut self.owner;
        vault.admit_structure(browser, introduced, by).await
    }

    /// The owner opens their safe again.
    async fn come_in(&mut self, server: &Server) -> Result<()> {
        let browser = server.browser();
        self.owner.vault = self.owner.with_sheet(&browser, true).await?;
        self.owner.browser = browser;
        Ok(())
    }

    /// Gives the paper to the other structure, without comparing anything.
    async fn give(&mut self) -> Result<GrantId, Error> {
        let gift = Gift {
            structure_id: self.introduced(),
            document_ids: vec![self.paper],
            ends_at: self.owner.browser.now() + 30 * DAY,
            signed_as: "Aminata D.".to_owned(),
            purpose: String::new(),
        };
        self.owner.vault.give(&self.owner.browser, &gift).await
    }
}

async fn compare(person: &mut Person, structure_id: StructureId) -> Result<(), Error> {
    let code = structure_id.code();
    let Person { browser, vault, .. } = person;
    vault.compare_structure(browser, structure_id, Comparison::read(&code)).await
}

async fn introduce(member: &mut Member, structure_id: StructureId) -> Result<(), Error> {
    let Person { browser, vault, .. } = &mut member.person;
    member.desk.introduce(vault, browser, structure_id).await
}

async fn withdraw(member: &mut Member, structure_id: StructureId) -> Result<(), Error> {
    let Person { browser, vault, .. } = &mut member.person;
    member.desk.withdraw_introduction(vault, browser, structure_id).await
}

async fn an_owner_gives_on_the_word_of_a_structure_that_they_compared(
    server: Server,
) -> Result<()> {
    let mut stage = Stage::on(&server).await?;
    let (introduced, by) = (stage.introduced(), stage.team.structure_id);
    ensure!(stage.introducers().await?.is_empty());
    ensure!(stage.give().await.err() == Some(Error::NotCompared));
    ensure!(stage.admit().await.err() == Some(Error::NotIntroduced));

    stage.introduce().await?;
    ensure!(stage.introducers().await? == [by]);
    ensure!(stage.give().await.err() == Some(Error::NotCompared), "nobody said that it is enough");
    stage.admit().await?;
    let manifest = stage.owner.vault.manifest();
    ensure!(manifest.introducer(introduced) == Some(by));
    ensure!(manifest.compared(introduced).is_none() && manifest.admitted(introduced).is_some());
    let grant_id = stage.give().await?;
    ensure!(stage.other.received().await?.len() == 1);
    ensure!(stage.other.read(grant_id, stage.paper).await? == b"mine");
    // Other devices know how it was admitted.
    let elsewhere = server.browser();
    let vault = stage.owner.with_words(&elsewhere, true).await?;
    ensure!(vault.manifest().introducer(introduced) == Some(by));

    // Somebody leaves the other structure: what was given goes on, also when nobody stands in any more.
    let worker = stage.other.admit(server.person().await?, "Lea").await?;
    withdraw(&mut stage.team.manager, introduced).await?;
    ensure!(stage.team.manager.desk.introductions().is_empty());
    stage.other.put_out(worker.desk.number(&worker.person.vault).context("a number")?).await?;
    let Person { browser, vault, .. } = &mut stage.owner;
    let card = reconnect_tests::stage::card("Passeport");
    vault.add(browser, Some(stage.paper), b"newer", &card).await?;
    let received = stage.other.received().await?;
    ensure!(stage.other.read(received[0].grant_id, stage.paper).await? == b"newer");
    // For another gift nobody's word stands: the code is compared, and then that counts.
    ensure!(stage.introducers().await?.is_empty());
    ensure!(stage.give().await.err() == Some(Error::NotIntroduced));
    compare(&mut stage.owner, introduced).await?;
    let manifest = stage.owner.vault.manifest();
    ensure!(manifest.introducer(introduced).is_none() && manifest.compared(introduced).is_some());
    stage.give().await?;
    Ok(())
}

async fn only_a_manager_introduces_what_they_compared(server: Server) -> Result<()> {
    let mut stage = Stage::on(&server).await?;
    let introduced = stage.introduced();
    let refused = introduce(&mut stage.team.manager, introduced).await.err();
    ensure!(refused == Some(Error::NotCompared), "{refused:?}");
    compare(&mut stage.team.worker.person, introduced).await?;
    let refused = introduce(&mut stage.team.worker, introduced).await.err();
    ensure!(refused == Some(Error::BadInput), "{refused:?}");
    stage.introduce().await?;

    // An introducer's word is not passed on: the owner compared the first, not the second.
    stage.admit().await?;
    let third = Member::found(server.person().await?, "Le Refuge", "Lyon").await?;
    let third = third.desk.structure_id();
    server.accept(third).await?;
    compare(&mut stage.other.person, third).await?;
    introduce(&mut stage.other, third).await?;
    let Person { browser, vault, .. } = &mut stage.owner;
    ensure!(vault.introducers(browser, third).await?.is_empty());
    let refused = vault.admit_structure(browser, third, introduced).await.err();
    ensure!(refused == Some(Error::NotIntroduced), "{refused:?}");
    Ok(())
}

async fn a_word_that_is_held_back_or_forged_counts_nowhere(server: Server) -> Result<()> {
    let mut stage = Stage::on(&server).await?;
    let (introduced, by) = (stage.introduced(), stage.team.structure_id);
    stage.introduce().await?;
    let face = format!("/v1/structures/{by}");
    let bytes = server.browser().ship(Call::read(face).open(), None).await?;
    let before: StructureFace = serde_json::from_slice(&bytes)?;
    withdraw(&mut stage.team.manager, introduced).await?;

    // The chain as it was before it was withdrawn: the log names a later statement.
    let (links, end) = (before.statements.clone(), by.to_string());
    let old = between(&server, "/v1/structures/", move |uri, face: &mut StructureFace| {
        if uri.path().ends_with(&end) {
            face.statements.clone_from(&links);
        }
    });
    let honest = std::mem::replace(&mut stage.owner.browser, old);
    let withheld = Some(Error::from(ServerMisbehaved::Withheld));
    ensure!(stage.introducers().await.err() == withheld, "it is said, not passed over");
    ensure!(stage.admit().await.err() == withheld);

    // Its statement in the place of the one that withdrew, and one that somebody else signed.
    stage.owner.browser = honest;
    let said = before.statements.last().context("a statement")?.clone();
    let mut forged = said.clone();
    let last = forged.0.len() - 1;
    forged.0[last] ^= 1;
    for shown in [said, forged] {
        let end = by.to_string();
        let replayed = between(&server, "/v1/structures/", move |uri, face: &mut StructureFace| {
            if uri.path().ends_with(&end) {
                face.statements.push(shown.clone());
            }
        });
        let honest = std::mem::replace(&mut stage.owner.browser, replayed);
        let lied = |said: Option<Error>| matches!(said, Some(Error::Misbehaved(_)));
        ensure!(lied(stage.introducers().await.err()) && lied(stage.admit().await.err()));
        stage.owner.browser = honest;
    }
    ensure!(stage.owner.vault.manifest().admitted(introduced).is_none());
    // Another chain for the introduced one.
    stage.introduce().await?;
    let end = introduced.to_string();
    let shorter = between(&server, "/v1/structures/", move |uri, face: &mut StructureFace| {
        if uri.path().ends_with(&end) {
            face.statements.pop();
        }
    });
    let honest = std::mem::replace(&mut stage.owner.browser, shorter);
    ensure!(matches!(stage.admit().await, Err(Error::Misbehaved(_))));
    stage.owner.browser = honest;
    stage.admit().await?;
    stage.give().await?;
    Ok(())
}

/// The word is a manager's and the structure's: it ends with either.
async fn a_word_ends_with_who_gave_it(server: Server) -> Result<()> {
    let mut stage = Stage::on(&server).await?;
    let (introduced, by) = (stage.introduced(), stage.team.structure_id);
    let Team { manager, worker, .. } = &mut stage.team;
    let number = worker.desk.number(&worker.person.vault).context("a number")?;
    manager.make_manager(number).await?;
    worker.settle().await?;
    stage.introduce().await?;
    stage.admit().await?;
    stage.give().await?;

    stage.team.manager.step_down().await?;
    ensure!(stage.introducers().await?.is_empty());
    ensure!(stage.give().await.err() == Some(Error::NotIntroduced));
    // Another manager stands in, who compared it too.
    let worker = &mut stage.team.worker;
    ensure!(introduce(worker, introduced).await.err() == Some(Error::NotCompared));
    compare(&mut worker.person, introduced).await?;
    introduce(worker, introduced).await?;
    ensure!(stage.introducers().await? == [by]);
    stage.give().await?;

    // It closes, and what was given to the other one goes on.
    stage.team.worker.close_with(&stage.sheet).await?;
    ensure!(stage.introducers().await?.is_empty());
    ensure!(stage.give().await.err() == Some(Error::NotIntroduced));
    ensure!(stage.other.received().await?.len() == 2);
    Ok(())
}

async fn what_was_not_answered_is_said_once(server: Server) -> Result<()> {
    let mut stage = Stage::on(&server).await?;
    let introduced = stage.introduced();
    compare(&mut stage.team.manager.person, introduced).await?;
    let before = stage.chain().await?.hashes.len();
    for when in [Cut::Call, Cut::Answer] {
        stage.team.manager.browser().cut(when, "/statements");
        let first = stage.introduce().await.err();
        ensure!(first == Some(Error::Offline), "{when:?}: {first:?}");
        stage.introduce().await?;
        stage.introduce().await?;
        ensure!(stage.team.manager.desk.introductions().len() == 1);
        stage.team.manager.browser().cut(when, "/statements");
        let first = withdraw(&mut stage.team.manager, introduced).await.err();
        ensure!(first == Some(Error::Offline), "{when:?}: {first:?}");
        withdraw(&mut stage.team.manager, introduced).await?;
        withdraw(&mut stage.team.manager, introduced).await?;
    }
    ensure!(stage.chain().await?.hashes.len() == before + 4, "each was said once");
    // Nobody is told that their device was copied by what their own device said.
    stage.team.manager.settle().await?;
    ensure!(!stage.team.manager.person.vault.is_copied());
    Ok(())
}

#[tokio::test]
async fn a_word_is_good_for_a_year_and_can_be_said_again() -> Result<()> {
    let server = Server::on(Database::Sqlite).await?;
    let mut stage = Stage::on(&server).await?;
    stage.introduce().await?;
    stage.admit().await?;
    for (days, counts) in [(365, true), (2, false)] {
        server.pass(days).await?;
        stage.come_in(&server).await?;
        let given = stage.give().await.err();
        ensure!(given == (!counts).then_some(Error::NotIntroduced), "{days}: {given:?}");
    }
    stage.team.manager.come_in_again().await?;
    stage.introduce().await?;
    stage.give().await?;
    Ok(())
}
