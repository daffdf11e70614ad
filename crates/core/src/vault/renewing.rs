//! Successor grants: what was given goes on when a structure's recipient epoch has ended, because
//! somebody left it, and whoever left is given nothing that is written from then on. GRANT-6, GRANT-9.

use reconnect_format::{
    Signed, Sorted, check,
    grant::{GrantTerms, RecipientName, Scope},
    guardian::{GuardianName, Guardians},
    id::{DocumentId, GrantId, StructureId},
    lock::LockAccess,
    statement::{Body, Statement},
};

use super::{Gift, Make, RACES_MAX, Vault};
use crate::{
    error::{Damaged, Error},
    grant::{GrantSecret, open_as_owner},
    world::World,
};

impl Vault {
    /// Writes what is wrapped for everybody who may read a document: each structure among them is
    /// looked at first, and what was given to an epoch that is over is given to the newest.
    pub(super) async fn write_covered(
        &mut self,
        world: &impl World,
        document_id: DocumentId,
        wish: &str,
        make: &Make<'_>,
    ) -> Result<Signed<Statement>, Error> {
        for _ in 0..RACES_MAX {
            self.renew_grants(world, document_id).await?;
            match self.write(world, wish, make).await {
                // Another device gave it to somebody meanwhile, or an epoch ended: look again.
                Err(Error::GrantEnded) => {}
                other => return other,
            }
        }
        Err(Error::Offline)
    }

    async fn renew_grants(
        &mut self,
        world: &impl World,
        document_id: DocumentId,
    ) -> Result<(), Error> {
        self.looked_at = Sorted::default();
        let covering = self.covering(self.time(world), document_id);
        let covering: Vec<_> = covering.map(|(terms, to)| (terms.grant_id, to)).collect();
        if !covering.is_empty() {
            self.check_safe(world).await?;
        }
        for (_, structure_id) in &covering {
            if self.looked_at.add(*structure_id) {
                self.look_up_structure(world, *structure_id).await?;
            }
        }
        let mut renewed = false;
        for (grant_id, structure_id) in covering {
            let terms = self.manifest.grant(grant_id);
            if terms.is_some_and(|terms| self.is_over(terms, structure_id)) {
                self.renew(world, grant_id, structure_id).await?;
                renewed = true;
            }
        }
        if renewed { self.sync(world).await } else { Ok(()) }
    }

    /// Fetches a structure's chain, and looks up that no statement of it was held back: a departure
    /// that the server hid would let whoever left go on. LOG-6, LOG-10.
    async fn look_up_structure(
        &mut self,
        world: &impl World,
        structure_id: StructureId,
    ) -> Result<(), Error> {
        self.fetch_structure(world, structure_id).await?;
        Box::pin(self.witness(world, structure_id)).await?;
        match self.witnessed.get(&structure_id) {
            Some(Err(unchecked)) => Err((*unchecked).into()),
            _ => Ok(()),
        }
    }

    /// Gives a grant's successor. GRANT-9.
    async fn renew(
        &mut self,
        world: &impl World,
        grant_id: GrantId,
        structure_id: StructureId,
    ) -> Result<(), Error> {
        let introducer = self.manifest.introducer(structure_id);
        self.note(world, structure_id, introducer).await?;
        let renewed = self
            .write(world, &format!("renew {grant_id}"), &|vault, rng| {
                let before = vault.manifest.grant(grant_id).ok_or(Error::GrantEnded)?;
                let Scope::Documents { document_ids } = &before.scope else {
                    return Err(Error::BadInput);
                };
                let live = document_ids.iter().filter(|id| vault.manifest.document(**id).is_some());
                let words = vault.grant_secret(before)?;
                let gift = Gift {
                    structure_id,
                    document_ids: live.copied().collect(),
                    ends_at: before.ends_at,
                    signed_as: words.face().signed_as().to_owned(),
                    purpose: words.face().purpose().to_owned(),
                };
                let (terms, attach) = vault.grant_of(&gift, rng)?;
                Ok((Body::Regrant { grant_id, terms }, attach))
            })
            .await;
        match renewed {
            Ok(_) => {
                self.owner_wraps.remove(&grant_id);
                Ok(())
            }
            // Another device was faster: it gave the successor, or took the grant back.
            Err(Error::GrantEnded) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Live grants to structures that cover a document.
    pub(super) fn covering(
        &self,
        now: u64,
        document_id: DocumentId,
    ) -> impl Iterator<Item = (&GrantTerms, StructureId)> {
        self.manifest.grants().filter_map(move |terms| match terms.recipient {
            RecipientName::Structure { structure_id, .. }
                if terms.ends_at > now && terms.scope.covers(document_id) =>
            {
                Some((terms, structure_id))
            }
            _ => None,
        })
    }

    /// Whether what is written now is wrapped under this grant: not where the structure closed, and
    /// not before its chain was looked at and the grant is one to its newest epoch. GRANT-6, GRANT-10.
    pub(super) fn is_wrapped_for(
        &self,
        terms: &GrantTerms,
        structure_id: StructureId,
    ) -> Result<bool, Error> {
        if !self.looked_at.contains(&structure_id) || self.is_over(terms, structure_id) {
            return Err(Error::GrantEnded);
        }
        Ok(!self.is_closed(structure_id))
    }

    /// Whether the structure has begun a newer epoch than the grant's: somebody may have left since; or
    /// whether it was given under earlier keys, whose holder may have the grant's. GRANT-6.
    fn is_over(&self, terms: &GrantTerms, structure_id: StructureId) -> bool {
        let RecipientName::Structure { epoch, .. } = terms.recipient else { return false };
        let chain = self.chains.get(&structure_id);
        let chain = chain.filter(|chain| !chain.closed && check!(GrantEpoch));
        let again = self.manifest.is_of_earlier_keys(terms.grant_id);
        chain.and_then(|chain| chain.epoch.as_ref()).is_some_and(|it| again || it.epoch > epoch)
    }

    /// Whether a structure's chain ended, as far as this session has seen it.
    pub fn is_closed(&self, structure_id: StructureId) -> bool {
        self.chains.get(&structure_id).is_some_and(|chain| chain.closed)
    }

    /// What the owner said with a grant.
    pub(super) fn grant_secret(&self, terms: &GrantTerms) -> Result<GrantSecret, Damaged> {
        let wrap = self.owner_wraps.get(&terms.grant_id).ok_or(Damaged)?;
        open_as_owner(wrap, terms, &self.secrets.vault, &self.place)
    }

    /// Whether a statement gives to an epoch that its structure's chain, looked at now, has ended.
    pub(super) async fn gave_to_the_past(
        &mut self,
        world: &impl World,
        statement: &Signed<Statement>,
    ) -> Result<bool, Error> {
        let body = &statement.body().body;
        if let Body::SetLock { access: LockAccess::Guardians(guardians), .. } = body {
            return self.named_in_the_past(world, guardians).await;
        }
        let given = body.grant_terms();
        let Some(terms) = given else { return Ok(false) };
        let RecipientName::Structure { structure_id, .. } = terms.recipient else {
            return Ok(false);
        };
        self.structure(world, structure_id).await?;
        Ok(self.is_over(terms, structure_id))
    }

    /// The same of guardians who are named.
    async fn named_in_the_past(
        &mut self,
        world: &impl World,
        guardians: &Guardians,
    ) -> Result<bool, Error> {
        let mut past = false;
        for it in &guardians.guardians {
            if let GuardianName::Structure { structure_id, epoch: named, .. } = it.name {
                let chain = self.structure(world, structure_id).await?;
                past |= chain.epoch.as_ref().is_some_and(|it| it.epoch > named);
            }
        }
        Ok(past)
    }

    /// The grant that goes on in the place of this one; itself when none does.
    pub(super) fn newest_of(&self, grant_id: GrantId) -> GrantId {
        let bodies = self.statements.iter().map(|statement| &statement.body().body);
        bodies.fold(grant_id, |newest, body| match body {
            Body::Regrant { grant_id, terms } if *grant_id == newest => terms.grant_id,
            _ => newest,
        })
    }
}
