//! Re-wraps: after somebody left, the pages of those who stay carry what was given over to the newest
//! recipient epoch, a hundred grants at a time, and look at what others carried over.

use reconnect_format::{
    Signed, Sorted, Suite,
    api::{
        Call, CheckRewraps, GiveRewraps, OpenForRewrap, OpenedForRewrap, OpenedSecret,
        RefusedRewrap, RefusedRewraps,
    },
    encode,
    id::{Base64, GrantId},
    receipt::{Receipt, Subject},
    rewrap::{
        GrantList, MemberSays, Opened, REWRAPS, Rewrap, RewrapCheck, RewrapFound, Rewrapped,
        verify_list, wrap_hash,
    },
    structure::Certificate,
};

use super::{
    super::{Vault, desk::Desk},
    KnownGrant, Tray,
};
use crate::{
    document::draw_id,
    error::Error,
    grant::{open_as_recipient, wrap_for_recipient},
    key::RecipientKey,
    recipient::Recipient,
    world::World,
};

/// How far a structure's grants have been carried over to its newest epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewal {
    /// Live grants.
    pub all: usize,
    /// Wrapped to the newest epoch, whether or not somebody else has opened that.
    pub renewed: usize,
    /// Of these, those that nobody else has opened yet: until then the old wrap stays.
    pub waiting: usize,
    /// What this page can do about the rest.
    pub left: usize,
}

/// Somebody who wrapped what does not open, or who said so of what opens. REWRAP-6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blame {
    /// Their number.
    pub number: u32,
    /// Whether what they did is to have said falsely that another's wrap does not open.
    pub said_falsely: bool,
}

impl Tray {
    /// Whose wrap of a listed grant a member of this number can see to: another's, to look whether it
    /// opens, or their own that they make.
    fn task(&self, grant_id: GrantId, (epoch, number): (u64, u32)) -> Option<u32> {
        let listed = self.listed.get(&grant_id)?;
        let open = self.known.contains(&grant_id) && listed.epoch < epoch;
        let by = listed.rewrapped_by.unwrap_or(number);
        let mine = listed.rewrapped_by == Some(number);
        (open && !mine && !self.tried.contains(&(grant_id, epoch, by))).then_some(by)
    }

    fn tasks(&self, by: (u64, u32)) -> impl Iterator<Item = (GrantId, u32)> {
        let listed = self.listed.values().map(|it| it.grant_id);
        listed.filter_map(move |grant_id| Some((grant_id, self.task(grant_id, by)?)))
    }

    /// What the next look would show of a grant.
    fn relist(&mut self, grant_id: GrantId, epoch: Option<u64>, rewrapped_by: Option<u32>) {
        if let Some(listed) = self.listed.get_mut(&grant_id) {
            listed.epoch = epoch.unwrap_or(listed.epoch);
            listed.rewrapped_by = rewrapped_by;
        }
    }
}

/// Recipient keys of one step, each derived once.
struct Keys<'a> {
    desk: &'a Desk,
    derived: Sorted<u64, RecipientKey>,
}

impl Keys<'_> {
    fn of(&mut self, epoch: u64) -> Option<&RecipientKey> {
        if !self.derived.contains(&epoch) {
            self.derived.insert(epoch, self.desk.recipient_key(epoch).ok()?);
        }
        self.derived.get(&epoch)
    }
}

/// What one step found and made.
#[derive(Default)]
struct Work {
    rewrapped: Vec<Rewrapped>,
    wraps: Vec<Base64>,
    found: Vec<RewrapFound>,
    /// Whose wraps were looked at.
    seen: Vec<(GrantId, u32)>,
}

impl Desk {
    /// How far what was given is carried over, as far as the last look has shown.
    pub fn renewal(&self, vault: &Vault) -> Renewal {
        let epoch = self.recipient_epoch();
        let listed = || self.tray.listed.values();
        let waiting = listed().filter(|it| it.epoch < epoch && it.rewrapped_by.is_some()).count();
        let number = self.number(vault).unwrap_or_default();
        Renewal {
            all: listed().count(),
            renewed: waiting + listed().filter(|it| it.epoch >= epoch).count(),
            waiting,
            left: self.tray.tasks((epoch, number)).count(),
        }
    }

    /// Who did harm in re-wrapping, as this page itself has found.
    pub fn blamed(&self) -> Vec<Blame> {
        let mut blamed: Vec<_> = self.tray.blamed.values().copied().collect();
        blamed.sort_by_key(|it| (it.number, it.said_falsely));
        blamed.dedup();
        blamed
    }

    /// Carries some grants over to the newest epoch, and looks at what others carried over: whether
    /// there is more to do. What a look has shown is what it goes by; a lost page goes on where the
    /// server is. REWRAP-1, REWRAP-6.
    pub async fn renew_some(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
    ) -> Result<bool, Error> {
        let Some(number) = self.number(vault).filter(|_| !self.chain.closed) else {
            return Ok(false);
        };
        let by = (self.recipient_epoch(), number);
        let mut tasks: Vec<_> = self.tray.tasks(by).collect();
        if tasks.is_empty() {
            return Ok(false);
        }
        if !vault.is_witnessed(self.structure_id) {
            Box::pin(vault.witness(world, self.structure_id)).await?;
            // LOG-10: no key is used that the log does not name.
            if !vault.is_witnessed(self.structure_id) {
                return Ok(false);
            }
        }
        tasks.truncate(REWRAPS);
        let asked: Vec<_> = tasks.iter().map(|(grant_id, _)| *grant_id).collect();
        let opened = self.open_for_rewrap(vault, world, &asked, by).await?;
        let work = self.work(&opened, by, world)?;
        let says = MemberSays {
            structure_id: self.structure_id,
            epoch: by.0,
            worker_number: number,
            account_id: vault.account_id(),
            device_id: vault.device_id(),
            made_at: world.now(),
        };
        let path = format!("/v1/structures/{}/rewraps", self.structure_id);
        if !work.rewrapped.is_empty() {
            let key_id = self.chain.key_id(by.0).unwrap_or_default();
            let grants = work.rewrapped.clone();
            let rewrap = vault.attest(Rewrap { suite: Suite::V1, by: says, key_id, grants });
            let call = Call::send(&path, &GiveRewraps { rewrap, wraps: work.wraps.clone() });
            world.ship(call, Some(vault.token())).await?;
        }
        if !work.found.is_empty() {
            let grants = work.found.clone();
            let check = vault.attest(RewrapCheck { suite: Suite::V1, by: says, grants });
            let call = Call::send(format!("{path}/checks"), &CheckRewraps { check });
            world.ship(call, Some(vault.token())).await?;
        }
        tasks.extend(&work.seen);
        self.note(&work, &tasks, by);
        Ok(self.tray.tasks(by).next().is_some())
    }

    /// Gives a receipt for each grant, and gets what is wrapped. RCPT-1.
    async fn open_for_rewrap(
        &self,
        vault: &Vault,
        world: &impl World,
        grant_ids: &[GrantId],
        (epoch, worker_number): (u64, u32),
    ) -> Result<Vec<OpenedSecret>, Error> {
        let known = grant_ids.iter().filter_map(|id| self.tray.known.get(id));
        let receipt = |grant: &KnownGrant| {
            Base64(
                vault
                    .device()
                    .signing
                    .sign(Receipt {
                        suite: Suite::V1,
                        grant_id: grant.terms.grant_id,
                        owner: grant.owner.account_id,
                        structure_id: self.structure_id,
                        worker_number,
                        account_id: vault.account_id(),
                        device_id: vault.device_id(),
                        subject: Subject::Rewrap { epoch },
                        made_at: world.now(),
                        nonce: draw_id(&mut world.rng()),
                    })
                    .encode(),
            )
        };
        let asked = OpenForRewrap {
            proof: Base64(encode(&vault.device_proof())),
            receipts: known.map(|grant| receipt(grant)).collect(),
        };
        let path = format!("/v1/structures/{}/rewraps/open", self.structure_id);
        let answer: OpenedForRewrap = vault.read(world, Call::send(path, &asked)).await?;
        Ok(answer.grants)
    }

    /// Wraps again what nobody has, and tries what somebody has. REWRAP-1, REWRAP-3.
    fn work(
        &self,
        opened: &[OpenedSecret],
        (epoch, number): (u64, u32),
        world: &impl World,
    ) -> Result<Work, Error> {
        let mut keys = Keys { desk: self, derived: Sorted::default() };
        let newest = self.recipient_key(epoch)?;
        let recipient = Recipient::of_own_epoch(self.structure_id, epoch, &newest);
        let mut work = Work::default();
        for secret in opened {
            let Some(known) = self.tray.known.get(&secret.grant_id) else { continue };
            let (hash, terms) = (known.statement_hash, &known.terms);
            match &secret.waiting {
                Some(waiting) if waiting.by != number => {
                    let opens = open_as_recipient(&waiting.wrap.0, hash, terms, &newest);
                    work.seen.push((secret.grant_id, waiting.by));
                    work.found.push(RewrapFound {
                        grant_id: secret.grant_id,
                        wrap_hash: wrap_hash(&waiting.wrap.0),
                        opened: if opens.is_ok() { Opened::Yes } else { Opened::No },
                    });
                }
                Some(_) => {}
                None if secret.epoch >= epoch => {}
                None => {
                    let key = keys.of(secret.epoch).filter(|_| self.is_ours(terms, secret.epoch));
                    let opens = key
                        .and_then(|key| open_as_recipient(&secret.wrap.0, hash, terms, key).ok());
                    // What does not open to this member is not theirs to carry over.
                    let Some(opens) = opens else { continue };
                    let wrap = wrap_for_recipient(&opens, hash, &recipient, &mut world.rng())?;
                    work.rewrapped.push(Rewrapped {
                        grant_id: secret.grant_id,
                        statement_hash: hash,
                        from_epoch: secret.epoch,
                        wrap_hash: wrap_hash(&wrap),
                    });
                    work.wraps.push(Base64(wrap));
                }
            }
        }
        Ok(work)
    }

    /// What the next look would show, so that a page goes on without asking.
    fn note(&mut self, work: &Work, tried: &[(GrantId, u32)], (epoch, number): (u64, u32)) {
        let tray = &mut self.tray;
        tray.tried.extend(tried.iter().map(|(grant_id, by)| ((*grant_id, epoch, *by), ())));
        for done in &work.rewrapped {
            tray.relist(done.grant_id, None, Some(number));
        }
        for found in &work.found {
            if found.opened == Opened::Yes {
                tray.relist(found.grant_id, Some(epoch), None);
                if let Some(known) = tray.known.get_mut(&found.grant_id) {
                    known.epoch = epoch;
                }
            } else {
                // It was dropped: the old one is there to be wrapped again.
                tray.relist(found.grant_id, None, None);
                tray.tried.remove(&(found.grant_id, epoch, number));
            }
        }
    }

    /// Forgets the seeds of epochs that are over and with whose keys nothing opens any more that the
    /// structure was given: they leave the history with this page's next commit. Whether there were any.
    /// REWRAP-7, HIST-3.
    pub(in super::super) fn forget_old_seeds(&mut self) -> bool {
        let Some(guarded) = self.guarded_epochs.as_ref().filter(|_| self.tray.is_whole) else {
            return false;
        };
        let held = self.history.seeds.len();
        let newest = self.recipient_epoch();
        let Tray { listed, known, .. } = &self.tray;
        let used = |epoch: u64| {
            let here = known.iter().filter(|(grant_id, _)| listed.contains(grant_id));
            here.map(|(_, grant)| grant.epoch).any(|it| it == epoch) || guarded.contains(&epoch)
        };
        self.history.seeds.retain(|(epoch, _)| *epoch >= newest || used(*epoch));
        self.history.seeds.len() < held
    }

    /// Recipient epochs whose keys this page holds.
    pub fn held_epochs(&self) -> Vec<u64> {
        self.history.seeds.iter().map(|(epoch, _)| *epoch).collect()
    }

    /// Looks at what somebody said does not open, and finds who did harm: whoever wrapped it, or
    /// whoever said so. Nobody's word is taken for it. REWRAP-6.
    pub async fn judge_refused(&mut self, vault: &Vault, world: &impl World) -> Result<(), Error> {
        let Some(number) = self.number(vault) else { return Ok(()) };
        let by = (self.recipient_epoch(), number);
        let path = format!("/v1/structures/{}/rewraps", self.structure_id);
        let answer: RefusedRewraps = vault.read(world, Call::read(path)).await?;
        let disputes: Vec<_> = answer
            .refused
            .iter()
            .filter_map(|refused| self.dispute(refused, by.0))
            .filter(|it| self.tray.known.contains(&it.grant_id))
            .collect();
        let unknown = disputes.iter().filter(|it| !self.tray.blamed.contains(&it.wrap_hash));
        let mut asked: Vec<_> = unknown.map(|it| it.grant_id).collect();
        asked.sort_unstable();
        asked.dedup();
        if asked.is_empty() {
            return Ok(());
        }
        let opened = self.open_for_rewrap(vault, world, &asked, by).await?;
        let newest = self.recipient_key(by.0)?;
        for dispute in disputes {
            let Some(known) = self.tray.known.get(&dispute.grant_id) else { continue };
            let kept = opened.iter().filter(|it| it.grant_id == dispute.grant_id);
            let mut kept = kept.flat_map(|it| &it.refused);
            let Some(wrap) = kept.find(|it| wrap_hash(&it.0) == dispute.wrap_hash) else {
                continue;
            };
            let opens =
                open_as_recipient(&wrap.0, known.statement_hash, &known.terms, &newest).is_ok();
            let number = if opens { dispute.said_by } else { dispute.made_by };
            self.tray.blamed.insert(dispute.wrap_hash, Blame { number, said_falsely: opens });
        }
        Ok(())
    }

    /// Who says what of which wrap, both signed by members. REWRAP-2.
    fn dispute(&self, refused: &RefusedRewrap, epoch: u64) -> Option<Dispute> {
        let grant_id = refused.grant_id;
        let made = verify_list::<Rewrap>(&refused.rewrap.0).ok()?;
        let said = verify_list::<RewrapCheck>(&refused.check.0).ok()?;
        let made_by = self.signer_of(&made, epoch)?;
        let said_by = self.signer_of(&said, epoch)?;
        let wrap_hash = made.body().grants.iter().find(|it| it.grant_id == grant_id)?.wrap_hash;
        let found = said.body().grants.iter().find(|it| it.grant_id == grant_id)?;
        let about = found.wrap_hash == wrap_hash && found.opened == Opened::No;
        about.then_some(Dispute { grant_id, wrap_hash, made_by, said_by })
    }

    fn signer_of<T: GrantList>(&self, list: &Signed<T>, epoch: u64) -> Option<u32> {
        let by = list.body().by();
        let theirs =
            |it: &&Certificate| it.account_id == by.account_id && it.number == by.worker_number;
        let certified = self.certificates.iter().map(Signed::body).any(|it| theirs(&it));
        let here = by.structure_id == self.structure_id && by.epoch == epoch;
        (certified && here).then_some(by.worker_number)
    }
}

/// A wrap of which two members say different things.
struct Dispute {
    grant_id: GrantId,
    wrap_hash: [u8; 32],
    made_by: u32,
    said_by: u32,
}
