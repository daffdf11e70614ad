//! Those who play every route: owners, a structure's people, and a stranger.

use anyhow::Result;
use reconnect_core::vault::Vault;
use reconnect_format::id::StructureId;
use reconnect_tests::{
    stage::{Person, Server},
    team::Member,
};

/// Those who play before the long wait, and after it.
pub(crate) struct Cast {
    pub(crate) owner: Person,
    pub(crate) other: Person,
    pub(crate) manager: Member,
    pub(crate) worker: Member,
    pub(crate) invited: Person,
    pub(crate) stranger: Member,
    /// Was a member, and is put out while their session lives.
    pub(crate) former: Member,
    /// A structure that the other owner had founded, and closed.
    pub(crate) closed: StructureId,
}

impl Cast {
    pub(crate) async fn of(server: &Server) -> Result<Self> {
        let mut manager = Member::found(server.person().await?, "Accueil", "Lyon").await?;
        let stranger = Member::found(server.person().await?, "Ailleurs", "Lille").await?;
        server.accept(manager.desk.structure_id()).await?;
        server.accept(stranger.desk.structure_id()).await?;
        manager.settle().await?;
        let worker = manager.admit(server.person().await?, "Paul").await?;
        let former = manager.admit(server.person().await?, "Zoé").await?;
        let (owner, invited) = (server.person().await?, server.person().await?);
        let founding = Member::found_with_paper(server.person().await?, "Fermé", "Nice");
        let (mut other, paper) = Box::pin(founding).await?;
        let closed = other.desk.structure_id();
        server.accept(closed).await?;
        other.close_with(&paper).await?;
        let other = other.person;
        Ok(Self { owner, other, manager, worker, invited, stranger, former, closed })
    }

    /// After a day every session has ended.
    pub(crate) async fn come_in_again(&mut self) -> Result<()> {
        for person in [
            &mut self.owner,
            &mut self.other,
            &mut self.invited,
            &mut self.manager.person,
            &mut self.worker.person,
            &mut self.stranger.person,
            &mut self.former.person,
        ] {
            let vault: Vault = person.with_sheet(&person.browser, true).await?;
            person.vault = vault;
        }
        self.manager.settle().await?;
        self.worker.settle().await?;
        Ok(())
    }

    pub(crate) fn people(&self) -> [(&'static str, &Person); 7] {
        [
            ("owner", &self.owner),
            ("other", &self.other),
            ("worker", &self.worker.person),
            ("manager", &self.manager.person),
            ("invited", &self.invited),
            ("stranger", &self.stranger.person),
            ("former", &self.former.person),
        ]
    }
}
