//! A structure with its people, and owners who give it papers.

use anyhow::{Context as _, Result, ensure};
use reconnect::{Clock, Config, operator::Operator};
use reconnect_core::{
    document::DocumentKind,
    error::Error,
    vault::{
        Agreed, Comparison, DepositWords, Desk, FoundingNames, Gift, ReceivedGift, ReceivedPaper,
        Renewal, Standing,
    },
    words::PaperSecret,
    world::World as _,
};
use reconnect_format::{
    id::{AccountId, DepositId, DocumentId, GrantId, StructureId},
    structure::Role,
};

use crate::{
    browser::Browser,
    stage::{DAY, Person, Server},
};

/// Somebody of a structure, at their desk.
pub struct Member {
    /// Their own safe, which holds their keys.
    pub person: Person,
    /// Their place in the structure.
    pub desk: Desk,
}

/// A grant that somebody of a structure has opened.
pub struct OpenedGift {
    gift: ReceivedGift,
    /// What it covers.
    pub documents: Vec<ReceivedPaper>,
}

impl std::ops::Deref for OpenedGift {
    type Target = ReceivedGift;

    fn deref(&self) -> &ReceivedGift {
        &self.gift
    }
}

/// A structure with a manager and a worker, accepted by the operator.
pub struct Team {
    /// Which.
    pub structure_id: StructureId,
    /// Founded it.
    pub manager: Member,
    /// Was invited.
    pub worker: Member,
}

impl Team {
    /// Founds one, has it accepted, and admits a worker.
    pub async fn on(server: &Server) -> Result<Self> {
        // Boxed: a play with several people is a large future.
        Box::pin(Self::gather(server)).await
    }

    async fn gather(server: &Server) -> Result<Self> {
        let mut manager = Member::found(server.person().await?, "Accueil de jour", "Lyon").await?;
        let structure_id = manager.desk.structure_id();
        server.accept(structure_id).await?;
        let worker = manager.admit(server.person().await?, "Paul").await?;
        Ok(Self { structure_id, manager, worker })
    }
}

/// A structure of that name, whose manager is Maryam.
pub fn called(name: &str, place: &str) -> FoundingNames {
    FoundingNames { name: name.to_owned(), place: place.to_owned(), my_name: "Maryam".to_owned() }
}

impl Member {
    /// Somebody founds a structure.
    pub async fn found(person: Person, name: &str, place: &str) -> Result<Self> {
        Ok(Box::pin(Self::found_with_paper(person, name, place)).await?.0)
    }

    /// The same, with the structure's paper.
    pub async fn found_with_paper(
        mut person: Person,
        name: &str,
        place: &str,
    ) -> Result<(Self, PaperSecret)> {
        let Person { browser, vault, .. } = &mut person;
        let paper = PaperSecret::generate(&mut browser.rng());
        let desk = Desk::found(vault, browser, &paper, &called(name, place)).await?;
        ensure!(desk.is_rooted_in(&paper));
        Ok((Self { person, desk }, paper))
    }

    /// Somebody founds a structure that the operator accepts; with its paper.
    pub async fn accepted(server: &Server) -> Result<(Self, PaperSecret)> {
        let founding = Self::found_with_paper(server.person().await?, "Accueil de jour", "Lyon");
        let (mut founder, paper) = Box::pin(founding).await?;
        server.accept(founder.desk.structure_id()).await?;
        Box::pin(founder.settle()).await?;
        Ok((founder, paper))
    }

    /// This manager invites somebody, who answers and is admitted by the manager's page.
    pub async fn admit(&mut self, person: Person, name: &str) -> Result<Self> {
        // Boxed: each of these is a large future, and many plays wait for this one.
        let mut newcomer = Box::pin(self.invite_to_join(person, name)).await?;
        Box::pin(self.settle()).await?;
        Box::pin(newcomer.settle()).await?;
        ensure!(newcomer.desk.standing() == Standing::Member, "{:?}", newcomer.desk.standing());
        Ok(newcomer)
    }

    /// This manager invites somebody, who answers and waits.
    pub async fn invite_to_join(&mut self, mut person: Person, name: &str) -> Result<Self> {
        let fragment = self.invite(name).await?;
        let Person { browser, vault, .. } = &mut person;
        let desk = Desk::join(vault, browser, &fragment, name).await?;
        ensure!(desk.standing() == Standing::WaitingForManager);
        Ok(Self { person, desk })
    }

    /// This person comes in on another browser, which keeps nothing of theirs yet, with their words.
    pub async fn elsewhere(&self, server: &Server) -> Result<Self> {
        let browser = server.browser();
        let mut vault = self.person.with_words(&browser, true).await?;
        let desk = Desk::resume(&mut vault, &browser).await?.context("belongs to nothing")?;
        Ok(Self { person: self.person.at(browser, vault), desk })
    }

    /// This person comes to their page again, in the same browser.
    pub async fn come_again(&mut self) -> Result<()> {
        // By the sheet, which no number of tries slows down.
        let mut vault = self.person.with_sheet(&self.person.browser, true).await?;
        let desk = Desk::resume(&mut vault, &self.person.browser).await?;
        self.desk = desk.context("belongs to nothing")?;
        self.person.vault = vault;
        Ok(())
    }

    /// Makes an invitation, and gives the part of its link after `#`.
    pub async fn invite(&mut self, name: &str) -> Result<String, Error> {
        Ok(self.desk.invite(&self.person.vault, &self.person.browser, name).await?.fragment)
    }

    /// Takes a member's place away.
    pub async fn put_out(&mut self, number: u32) -> Result<(), Error> {
        self.desk.put_out(&mut self.person.vault, &self.person.browser, number).await
    }

    /// Makes a member a manager.
    pub async fn make_manager(&mut self, number: u32) -> Result<(), Error> {
        let Person { browser, vault, .. } = &mut self.person;
        // Boxed: a large future, like the next ones.
        Box::pin(self.desk.make_manager(vault, browser, number)).await
    }

    /// Asks that somebody be a manager no more, or agrees with who has asked.
    pub async fn remove_manager(&mut self, number: u32) -> Result<Agreed, Error> {
        let Person { browser, vault, .. } = &mut self.person;
        Box::pin(self.desk.remove_manager(vault, browser, number)).await
    }

    /// Is a manager no more.
    pub async fn step_down(&mut self) -> Result<(), Error> {
        let Person { browser, vault, .. } = &mut self.person;
        Box::pin(self.desk.step_down(vault, browser)).await
    }

    /// With the structure's paper: a manager in somebody's place.
    pub async fn replace_manager(&mut self, paper: &PaperSecret, number: u32) -> Result<(), Error> {
        let Person { browser, vault, .. } = &mut self.person;
        Box::pin(self.desk.replace_manager(vault, browser, paper, number)).await
    }

    /// Asks that the structure close, or agrees with who has asked.
    pub async fn close(&mut self) -> Result<Agreed, Error> {
        let Person { browser, vault, .. } = &mut self.person;
        Box::pin(self.desk.close(vault, browser)).await
    }

    /// Closes the structure with its paper.
    pub async fn close_with(&mut self, paper: &PaperSecret) -> Result<(), Error> {
        let Person { browser, vault, .. } = &mut self.person;
        Box::pin(self.desk.close_with(vault, browser, paper)).await
    }

    /// The numbers of the managers, as this person sees it.
    pub fn managers(&self) -> Vec<u32> {
        let members = self.desk.members(&self.person.vault);
        members.iter().filter(|it| it.role == Role::Manager).map(|it| it.number).collect()
    }

    /// Who is there, as this person sees it.
    pub fn numbers(&self) -> Vec<u32> {
        self.desk.members(&self.person.vault).iter().map(|it| it.number).collect()
    }

    /// Does what waits for this person's page.
    pub async fn settle(&mut self) -> Result<(), Error> {
        self.desk.settle(&mut self.person.vault, &self.person.browser).await
    }

    /// Everything that the structure was given, each grant opened.
    pub async fn received(&mut self) -> Result<Vec<OpenedGift>, Error> {
        self.look().await?;
        let mut opened = Vec::new();
        for gift in self.gifts() {
            match self.open(gift.grant_id).await {
                Ok(documents) => opened.push(OpenedGift { gift, documents }),
                Err(Error::Offline) => return Err(Error::Offline),
                Err(Error::Refused(problem)) if matches!(problem.status, 401 | 429 | 500..) => {
                    return Err(Error::Refused(problem));
                }
                // The others still open.
                Err(_) => {}
            }
        }
        Ok(opened)
    }

    /// Learns who gave what, all of it, and opens nothing.
    pub async fn look(&mut self) -> Result<(), Error> {
        let Person { browser, vault, .. } = &mut self.person;
        let mut more = self.desk.look(vault, browser).await?;
        while more {
            more = self.desk.learn_more(vault, browser).await?;
        }
        Ok(())
    }

    /// What the last look showed.
    pub fn gifts(&self) -> Vec<ReceivedGift> {
        self.desk.received(self.person.browser.now())
    }

    /// Looks at what was given, and carries over to the newest recipient epoch what there is to.
    pub async fn renew(&mut self) -> Result<Renewal, Error> {
        self.look().await?;
        let Person { browser, vault, .. } = &mut self.person;
        while self.desk.renew_some(vault, browser).await? {}
        Ok(self.desk.renewal(vault))
    }

    /// Opens a grant that the last look has shown, and reads a document of it.
    pub async fn open_and_read(
        &mut self,
        grant_id: GrantId,
        document_id: DocumentId,
    ) -> Result<Vec<u8>, Error> {
        self.open(grant_id).await?;
        self.read(grant_id, document_id).await
    }

    /// Comes in anew, with a new session, at the same browser.
    pub async fn come_in_again(&mut self) -> Result<()> {
        self.person.vault = self.person.with_sheet(&self.person.browser, true).await?;
        let Person { browser, vault, .. } = &mut self.person;
        self.desk = Desk::resume(vault, browser).await?.context("belongs to nothing")?;
        Ok(())
    }

    /// Opens a grant.
    pub async fn open(&mut self, grant_id: GrantId) -> Result<Vec<ReceivedPaper>, Error> {
        self.desk.open(&mut self.person.vault, &self.person.browser, grant_id).await
    }

    /// Reads a document that was given.
    pub async fn read(
        &mut self,
        grant_id: GrantId,
        document_id: DocumentId,
    ) -> Result<Vec<u8>, Error> {
        let Person { browser, vault, .. } = &mut self.person;
        let reading = self.desk.reading(vault, browser, grant_id, document_id).await?;
        let bytes = browser.ship(reading.call.clone(), Some(vault.token())).await?;
        Ok(reading.open(&bytes)?.to_vec())
    }

    /// Gives a paper to the owner of a safe.
    pub async fn deposit(&self, owner: AccountId, plain: &[u8]) -> Result<DepositId, Error> {
        let words = DepositWords {
            name: "Paul".to_owned(),
            message: String::new(),
            title: "Attestation".to_owned(),
            kind: DocumentKind::Other,
            media_type: "text/plain".to_owned(),
            page_count: 0,
        };
        let Person { browser, vault, .. } = &self.person;
        let address = owner.deposit_address();
        Box::pin(self.desk.deposit(vault, browser, &address, plain, &words)).await
    }

    /// This person's session.
    pub fn token(&self) -> &str {
        self.person.vault.token()
    }

    /// Where this person's page runs.
    pub fn browser(&self) -> &Browser {
        &self.person.browser
    }
}

impl Person {
    /// Compares a structure's code, and gives it documents for a month.
    pub async fn give(
        &mut self,
        structure_id: StructureId,
        document_ids: &[DocumentId],
    ) -> Result<GrantId, Error> {
        let code = structure_id.code();
        let comparison = Comparison::read(&code);
        self.vault.compare_structure(&self.browser, structure_id, comparison).await?;
        let gift = Gift {
            structure_id,
            document_ids: document_ids.to_vec(),
            ends_at: self.browser.now() + 30 * DAY,
            signed_as: "Aminata D.".to_owned(),
            purpose: "Demande de logement".to_owned(),
        };
        self.vault.give(&self.browser, &gift).await
    }
}

impl Server {
    /// The operator accepts a structure, beside the running server.
    pub async fn accept(&self, structure_id: StructureId) -> Result<()> {
        accept(self.config().clone(), self.clock().clone(), structure_id).await
    }
}

/// The operator accepts a structure.
pub async fn accept(config: Config, clock: Clock, structure_id: StructureId) -> Result<()> {
    let operator = Operator::open(config, clock).await?;
    let accepted = operator.accept(&structure_id.code()).await.context("accepting")?;
    operator.close().await;
    ensure!(accepted.structure_id == structure_id);
    Ok(())
}
