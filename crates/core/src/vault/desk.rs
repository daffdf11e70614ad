//! A structure's desk: founding, inviting, joining, admitting, and following what others commit.
//!
//! The group's state is kept on the member's own device, sealed under their vault key, before
//! anything that depends on it is sent. There is one writer of it: the page that is open.

use std::{cmp::Reverse, collections::BTreeSet};

use reconnect_format::{
    Label, Signed, Suite,
    api::{Call, Code, FoundStructure, GroupChange, Inside, Join},
    decode, encode,
    id::{AccountId, Base64, StructureId},
    statement::Attested,
    structure::{
        AuthenticatedJoin, Certificate, EpochTerms, Founding, JoinRequest, Link, Role,
        StructureBody, StructureChain, StructureStatement, is_showable, verify_certificate,
    },
};

use super::{
    Vault,
    certify::certify,
    invite::{InvitationSecret, PendingInvitation},
    keep::{forget_desk, keep_newcomer},
    leaf::Waiting,
    manage::OpenMotion,
    received::Tray,
};
use crate::{
    error::{Damaged, Error, ServerMisbehaved},
    group::{Gate, Group, GroupError, History, Newcomer},
    key::RecipientKey,
    seal::seal_salted,
    words::PaperSecret,
    world::{ShipError, World},
};

/// How often one looks again because somebody committed between the two answers of a look.
const LOOKS: usize = 5;

/// What a member's page knows of the structure.
pub struct Desk {
    pub(super) structure_id: StructureId,
    pub(super) chain: StructureChain,
    /// What the server showed of them, and the highest serial of that.
    pub(super) attested: Vec<Base64>,
    pub(super) shown: u64,
    /// The newest of each person's, verified.
    pub(super) certificates: Vec<Signed<Certificate>>,
    /// The newest of this person's, attested.
    pub(super) own_certificate: Option<Attested>,
    /// Under which number; 0 while that is not known.
    pub(super) own_number: u32,
    pub(super) accepted: bool,
    pub(super) standing: Inner,
    pub(super) history: History,
    /// Epochs with whose keys opens what this structure holds as a guardian, once that was asked. HIST-3.
    pub(super) guarded_epochs: Option<Vec<u64>>,
    pub(super) tray: Tray,
    pub(super) invitations: Vec<PendingInvitation>,
    /// Requests for leaves that nobody answered yet.
    pub(super) requests: Vec<Base64>,
    /// Numbers of those whose certificates the server does not take: they closed their safe.
    pub(super) gone: BTreeSet<u32>,
    /// What managers ask each other to say, as far as it can still be said.
    pub(super) motions: Vec<OpenMotion>,
    /// The change whose commit is staged and that nobody answered. GROUP-5.
    pub(super) unanswered: Option<GroupChange>,
    /// Number of whoever signed for what this device could not take in; 0 for nobody. GROUP-13.
    pub(super) spoiled_by: u32,
}

pub(super) enum Inner {
    Waiting(Box<Waiting>),
    Member(Box<Group>),
    /// Somebody who left: nothing of the structure is kept. GROUP-10.
    Out,
}

/// What a new structure and its first manager are called.
pub struct FoundingNames {
    /// Of the structure, as on its door.
    pub name: String,
    /// Its town.
    pub place: String,
    /// Of the manager, known inside only.
    pub my_name: String,
}

impl From<GroupError> for Error {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Fork => ServerMisbehaved::Fork.into(),
            GroupError::NotAllowed => ServerMisbehaved::Forged.into(),
            GroupError::Unstated
            | GroupError::Over
            | GroupError::WrongEpoch
            | GroupError::Staged => Self::Unreadable,
            GroupError::Damaged => Damaged.into(),
        }
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn bounded(name: &str) -> Result<&str, Error> {
    let name = name.trim();
    if is_showable(name.as_bytes()) { Ok(name) } else { Err(Error::BadInput) }
}

impl Desk {
    /// Founds a structure; the person at this page is its first manager. STRUCT-1, STRUCT-4.
    ///
    /// The root is on paper before this is called: an answer that is lost takes nothing with it.
    pub async fn found(
        vault: &mut Vault,
        world: &impl World,
        paper: &PaperSecret,
        names: &FoundingNames,
    ) -> Result<Self, Error> {
        if !vault.is_kept() {
            return Err(Error::NeedsOwnDevice);
        }
        let mut rng = world.rng();
        let FoundingNames { name, place, my_name } = names;
        let root = paper.structure_root();
        let mut nonce = [0; 32];
        rand_core::Rng::fill_bytes(&mut rng, &mut nonce);
        let founding = Founding {
            suite: Suite::V1,
            name: bounded(name)?.as_bytes().to_vec(),
            place: bounded(place)?.as_bytes().to_vec(),
            root: root.public(),
            recovery: Box::new(paper.structure_recovery().public().clone()),
            founder: vault.account_id(),
            nonce,
        };
        let structure_id = founding.structure_id();
        let first = root.sign(StructureStatement {
            suite: Suite::V1,
            structure_id,
            sequence: 1,
            previous: [0; 32],
            made_at: world.now(),
            body: StructureBody::Found(founding),
        });
        let first = Link::Root { statement: first.encode() }.encode();
        let mut chain = StructureChain::begin(structure_id, &first)?;
        let certificate =
            certify(vault, world.now(), structure_id, (1, 1), vault.account_id(), Role::Manager);
        let certificates = vec![verify_certificate(&certificate.0, &chain)?];
        let group = Group::found(structure_id, 1, vault.device(), &vault.device_proof())?;
        let gate = Gate { chain: &chain, certificates: &certificates, now: world.now() };
        let seed = group.epoch_seed(1)?;
        let terms = EpochTerms {
            epoch: 1,
            recipient: Box::new(RecipientKey::of_epoch(&seed).public().clone()),
            roster: group.roster(&gate)?,
            revoked: Vec::new(),
        };
        let epoch = next_statement(vault, world.now(), &chain, StructureBody::Epoch(terms));
        chain.append(&epoch.0)?;
        let history =
            History { seeds: vec![(1, seed)], names: vec![(1, bounded(my_name)?.to_owned())] };
        let call = FoundStructure {
            statements: vec![Base64(first), epoch],
            certificate,
            history: Base64(group.seal_history(&history, &mut rng)?),
            recovery: Base64(group.recovery(&history, &chain.recovery, &mut rng)?),
        };
        let desk = Self {
            certificates,
            history,
            ..Self::standing_as(chain, Inner::Member(Box::new(group)))
        };
        desk.keep(vault, world).await?;
        let call = Call::send("/v1/structures", &call);
        // Sent again when the answer was lost, the same bytes.
        match world.ship(call.clone(), Some(vault.token())).await {
            Err(ShipError::Offline) => world.ship(call, Some(vault.token())).await?,
            other => other?,
        };
        Ok(desk)
    }

    /// Whether this structure was founded with the root on that paper.
    pub fn is_rooted_in(&self, paper: &PaperSecret) -> bool {
        self.chain.founding.root == paper.structure_root().public()
    }

    /// Answers an invitation: from then on one waits for a manager. INV-3.
    pub async fn join(
        vault: &mut Vault,
        world: &impl World,
        fragment: &str,
        my_name: &str,
    ) -> Result<Self, Error> {
        if !vault.is_kept() {
            return Err(Error::NeedsOwnDevice);
        }
        let (structure_id, secret) = InvitationSecret::read(fragment)?;
        let my_name = bounded(my_name)?;
        let mut salt = [0; 32];
        rand_core::Rng::fill_bytes(&mut world.rng(), &mut salt);
        let (newcomer, key_package) = Newcomer::new(vault.device(), &vault.device_proof())?;
        let seal = secret.part(structure_id, Label::InvitationSeal);
        let context = vault.account_id();
        let sealed_name =
            seal_salted(&seal, salt, Label::InvitationSeal, context.as_bytes(), my_name.as_bytes());
        let request = JoinRequest {
            suite: Suite::V1,
            structure_id,
            invitation_id: secret.id(structure_id),
            account_id: vault.account_id(),
            device_id: vault.device_id(),
            key_package,
            sealed_name,
        };
        let tag = secret.tag(&request);
        let path = format!("/v1/invitations/{}/join", request.invitation_id);
        let join = Join { join: Base64(encode(&AuthenticatedJoin { request, tag })) };
        // The chain is fetched after the answer: only then does the server show a structure that
        // the operator has not accepted yet.
        keep_newcomer(vault, world, structure_id, &newcomer).await?;
        world.ship(Call::send(path, &join), Some(vault.token())).await?;
        let chain = vault.structure(world, structure_id).await?.clone();
        Ok(Self::waiting(chain, Waiting { newcomer, request: None }))
    }

    pub(super) fn waiting(chain: StructureChain, waiting: Waiting) -> Self {
        Self::standing_as(chain, Inner::Waiting(Box::new(waiting)))
    }

    pub(super) fn standing_as(chain: StructureChain, standing: Inner) -> Self {
        Self {
            structure_id: chain.structure_id,
            chain,
            attested: Vec::new(),
            shown: 0,
            certificates: Vec::new(),
            own_certificate: None,
            own_number: 0,
            accepted: false,
            standing,
            history: History::default(),
            guarded_epochs: None,
            tray: Tray::default(),
            invitations: Vec::new(),
            requests: Vec::new(),
            gone: BTreeSet::new(),
            motions: Vec::new(),
            unanswered: None,
            spoiled_by: 0,
        }
    }

    /// Does what waits for this page: takes in what others committed, comes in when a manager has
    /// admitted this person or a colleague let this device in, lets other devices in, admits whoever
    /// answered an invitation of this manager's.
    pub async fn settle(&mut self, vault: &mut Vault, world: &impl World) -> Result<(), Error> {
        self.catch_up(vault, world).await?;
        // Without a history that is whole, or with a chain that the log says nothing of, this page reads.
        if !matches!(self.standing, Inner::Member(_)) || self.may_commit(vault).is_err() {
            return Ok(());
        }
        self.send_again(vault, world).await?;
        if self.role(vault) == Some(Role::Manager) {
            self.renew_certificates(vault, world).await?;
        }
        self.answer_all(vault, world).await?;
        self.retire_leaves(vault, world).await?;
        if self.role(vault) == Some(Role::Manager) {
            self.admit_all(vault, world).await?;
        }
        Ok(())
    }

    /// Takes in what others committed, and what this page did when its answer was lost.
    pub(super) async fn catch_up(
        &mut self,
        vault: &mut Vault,
        world: &impl World,
    ) -> Result<(), Error> {
        if matches!(self.standing, Inner::Out) {
            return Ok(());
        }
        for looks_left in (0..LOOKS).rev() {
            // The chain is fetched after the group: it reaches every commit that was shown.
            let inside = self.look_inside(vault, world).await?;
            self.chain = vault.structure(world, self.structure_id).await?.clone();
            self.accepted = vault.is_accepted(self.structure_id);
            let Some(inside) = inside.filter(|_| !self.chain.closed) else {
                return self.find_out(vault, world).await;
            };
            self.learn_certificates(vault, &inside)?;
            self.requests.clone_from(&inside.requests);
            self.learn_motions(&inside, world.now());
            if !self.follow(&inside, looks_left == 0)? {
                return self.ask_for_leaf(vault, world).await;
            }
            if !self.is_behind() {
                break;
            }
        }
        self.keep(vault, world).await
    }

    /// Whether the chain already names an epoch of the group that the group is not at: somebody committed
    /// between the two answers.
    fn is_behind(&self) -> bool {
        let Inner::Member(group) = &self.standing else { return false };
        let named = self.chain.roster.as_ref().filter(|it| it.group == group.number());
        named.is_some_and(|it| it.mls_epoch > group.mls_epoch())
    }

    /// Whoever is refused has left, or the structure has closed, when the chain says so: nothing of it is
    /// kept then. The server's word alone takes nobody's place away. GROUP-10.
    pub(super) async fn find_out(
        &mut self,
        vault: &Vault,
        world: &impl World,
    ) -> Result<(), Error> {
        let left = self.own_number != 0 && self.chain.is_revoked(self.own_number);
        if left || self.chain.closed {
            forget_desk(vault, world).await;
            *self = Self::standing_as(self.chain.clone(), Inner::Out);
            return Ok(());
        }
        match self.standing {
            Inner::Waiting(_) => Ok(()),
            _ => Err(Error::NotAMember),
        }
    }

    /// What members see; nothing for everybody else.
    async fn look_inside(
        &self,
        vault: &Vault,
        world: &impl World,
    ) -> Result<Option<Inside>, Error> {
        let from = match &self.standing {
            Inner::Member(group) => group.mls_epoch(),
            _ => 0,
        };
        let after = self.shown;
        let path = format!(
            "/v1/structures/{}/inside?commits_from={from}&certificates_after={after}",
            self.structure_id
        );
        match vault.read(world, Call::read(path)).await {
            Err(Error::Refused(problem)) if problem.code == Code::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    /// Those that were shown before are verified again, by the chain as it is now.
    fn learn_certificates(&mut self, vault: &Vault, inside: &Inside) -> Result<(), Error> {
        let mut known = self
            .attested
            .iter()
            .chain(&inside.certificates)
            .map(|attested| Ok((verify_certificate(&attested.0, &self.chain)?, attested.clone())))
            .collect::<Result<Vec<_>, Error>>()?;
        let serials = known.iter().map(|(certificate, _)| certificate.body().serial);
        self.shown = serials.max().unwrap_or_default();
        // Of each person's the newest counts.
        known.sort_by_key(|(it, _)| (it.body().number, Reverse(it.body().serial)));
        known.dedup_by_key(|(it, _)| it.body().number);
        let own = known.iter().filter(|(it, _)| {
            it.body().account_id == vault.account_id() && !self.chain.is_revoked(it.body().number)
        });
        let own = own.max_by_key(|(it, _)| it.body().serial);
        self.own_number = own.map_or(self.own_number, |(it, _)| it.body().number);
        self.own_certificate = own.and_then(|(_, attested)| decode(&attested.0).ok());
        (self.certificates, self.attested) = known.into_iter().unzip();
        Ok(())
    }

    /// Takes in what others committed, each commit judged as of its own statement: a certificate that
    /// ended, or a place that was taken away since, locks nobody out of the past. Gives whether this
    /// device is in the group, or waits to come in: otherwise it asks. GROUP-8. A chain that is ahead of the
    /// group says nothing of its history yet, unless this look is the `last`.
    fn follow(&mut self, inside: &Inside, last: bool) -> Result<bool, Error> {
        let now = self.chain.made_at;
        let gate = Gate { chain: &self.chain, certificates: &self.certificates, now };
        let spoiled = match &mut self.standing {
            Inner::Waiting(waiting) => match waiting.join(inside, &gate) {
                Ok(Some(mut group)) => {
                    let spoiled = follow_commits(&mut group, inside, &gate)?;
                    self.standing = Inner::Member(Box::new(group));
                    spoiled
                }
                Ok(None) => return Ok(waiting.is_asked(inside)),
                // A welcome that lets nobody in: the next one may.
                Err(_) => return Ok(false),
            },
            Inner::Member(group)
                if self.chain.roster.as_ref().is_some_and(|it| it.group != group.number()) =>
            {
                return Ok(false);
            }
            Inner::Member(group) => {
                let spoiled = follow_commits(group, inside, &gate)?;
                if !group.is_staged() {
                    self.unanswered = None;
                }
                spoiled
            }
            Inner::Out => return Ok(true),
        };
        if let Some(account_id) = spoiled {
            // Who left is in no later epoch, whoever still answers them.
            self.own_certificate.as_ref().ok_or(Error::NotAMember)?;
            self.spoiled_by = self.number_of(account_id);
            return Ok(false);
        }
        match &self.standing {
            _ if self.is_behind() && !last => Ok(true),
            Inner::Member(group) if group.mls_epoch() == inside.mls_epoch => {
                let shown = group.open_history(&inside.history.0);
                Ok(self.learn_history(shown.unwrap_or_default()))
            }
            _ => Ok(true),
        }
    }

    /// The recipient key of an epoch whose seed this member holds.
    pub(super) fn recipient_key(&self, epoch: u64) -> Result<RecipientKey, Damaged> {
        let seeds = self.history.seeds.iter();
        let seed = seeds.filter(|(number, _)| *number == epoch).map(|(_, seed)| seed).next();
        seed.map(RecipientKey::of_epoch).ok_or(Damaged)
    }
}

/// Each commit is judged by the chain as it was then: who left since was a member. Stops at one that
/// cannot be taken in, and gives who signed for it. GROUP-13.
fn follow_commits(
    group: &mut Group,
    inside: &Inside,
    gate: &Gate<'_>,
) -> Result<Option<AccountId>, Error> {
    let skipped = usize::try_from(inside.mls_epoch.saturating_sub(group.mls_epoch()))
        .map_err(|_| Error::Unreadable)?;
    let start = inside.commits.len().saturating_sub(skipped);
    for commit in inside.commits.get(start..).unwrap_or_default() {
        let next = group.mls_epoch() + 1;
        let then = gate.chain.as_of(group.number(), next).ok_or(GroupError::Unstated)?;
        let certificates = gate.certificates;
        let gate = Gate { chain: &then, certificates, now: then.made_at };
        let request = commit.request.as_ref().map(|it| it.0.as_slice());
        if group.take_in(&commit.commit.0, request, &gate).is_err() {
            return Ok(Some(then.signer().unwrap_or(then.founding.founder)));
        }
    }
    Ok(None)
}

/// What a manager says next.
pub(super) fn next_statement(
    vault: &Vault,
    now: u64,
    chain: &StructureChain,
    body: StructureBody,
) -> Base64 {
    Base64(Link::Manager { statement: attested_statement(vault, now, chain, body) }.encode())
}

/// The same, before anybody said as what its signer speaks.
pub(super) fn attested_statement(
    vault: &Vault,
    now: u64,
    chain: &StructureChain,
    body: StructureBody,
) -> Attested {
    let (sequence, previous) = chain.head();
    vault.attested(StructureStatement {
        suite: Suite::V1,
        structure_id: chain.structure_id,
        sequence: sequence + 1,
        previous,
        made_at: now,
        body,
    })
}
