//! A structure's desk: founding, inviting, joining, admitting, and following what others commit.
//!
//! The group's state is kept on the member's own device, sealed under their vault key, before
//! anything that depends on it is sent. There is one writer of it: the page that is open.

use reconnect_format::{
    Label, Signed, Sorted, Suite,
    api::{Call, Code, FoundStructure, GroupChange, Inside, Join, Memberships},
    decode, encode,
    id::{AccountId, Base64, DocumentId, GrantId, StructureId},
    structure::{
        AuthenticatedJoin, Certificate, EpochTerms, Founding, JoinRequest, Link, Role,
        StructureBody, StructureChain, StructureStatement, is_showable, verify_certificate,
    },
};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{
    Vault,
    invite::{InvitationSecret, PendingInvitation},
    received::OpenedGrant,
};
use crate::{
    error::{Damaged, Error, ServerMisbehaved},
    group::{Gate, Group, GroupError, History, Newcomer},
    key::RecipientKey,
    seal::{open_salted, seal_salted},
    words::PaperSecret,
    world::{ShipError, World},
};

/// How long a certificate is good for.
const CERTIFICATE_SECONDS: u64 = 3 * 366 * 24 * 3600;

/// What a member's page knows of the structure.
pub struct Desk {
    pub(super) structure_id: StructureId,
    pub(super) chain: StructureChain,
    pub(super) certificates: Vec<Signed<Certificate>>,
    pub(super) accepted: bool,
    pub(super) standing: Inner,
    pub(super) history: History,
    pub(super) opened: Sorted<GrantId, OpenedGrant>,
    pub(super) versions: Sorted<(AccountId, DocumentId), u32>,
    pub(super) invitations: Vec<PendingInvitation>,
    /// The change whose commit is staged and that nobody answered. GROUP-5.
    pub(super) unanswered: Option<GroupChange>,
}

pub(super) enum Inner {
    Waiting(Box<Newcomer>),
    Member(Box<Group>),
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

/// What a device keeps of its place in a structure, sealed.
#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct KeptDesk {
    #[zeroize(skip)]
    structure_id: StructureId,
    /// Of which of its groups; 0 for who waits to become a member.
    group: u32,
    snapshot: Vec<u8>,
    /// What `Desk::unanswered` holds, as it is sent; empty for nothing.
    unanswered: Vec<u8>,
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

fn kept_name(vault: &Vault) -> String {
    format!("desk/{}", vault.account_id())
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
        let kept = KeptDesk {
            structure_id,
            group: 0,
            snapshot: newcomer.snapshot().to_vec(),
            unanswered: Vec::new(),
        };
        keep_sealed(vault, world, &kept).await?;
        world.ship(Call::send(path, &join), Some(vault.token())).await?;
        let chain = vault.structure(world, structure_id).await?.clone();
        Ok(Self::waiting(chain, newcomer))
    }

    fn waiting(chain: StructureChain, newcomer: Newcomer) -> Self {
        Self::standing_as(chain, Inner::Waiting(Box::new(newcomer)))
    }

    fn standing_as(chain: StructureChain, standing: Inner) -> Self {
        Self {
            structure_id: chain.structure_id,
            chain,
            certificates: Vec::new(),
            accepted: false,
            standing,
            history: History::default(),
            opened: Sorted::default(),
            versions: Sorted::default(),
            invitations: Vec::new(),
            unanswered: None,
        }
    }

    /// Goes on where this device left off; `None` when its person belongs to no structure here.
    pub async fn resume(vault: &mut Vault, world: &impl World) -> Result<Option<Self>, Error> {
        let Some(sealed) = world.kept(&kept_name(vault)).await else { return Ok(None) };
        let account_id = vault.account_id();
        let plain = open_salted(
            vault.secrets().vault.expose(),
            Label::GroupStateSeal,
            account_id.as_bytes(),
            &sealed,
        )?;
        let kept: KeptDesk = decode(&plain).map_err(|_| Damaged)?;
        let memberships: Memberships = vault.read(world, Call::read("/v1/memberships")).await?;
        if !memberships.memberships.iter().any(|it| it.structure_id == kept.structure_id) {
            return Ok(None);
        }
        let chain = vault.structure(world, kept.structure_id).await?.clone();
        let mut desk = if kept.group == 0 {
            Self::waiting(chain, Newcomer::resume(&kept.snapshot)?)
        } else {
            let group = Group::resume(kept.structure_id, kept.group, &kept.snapshot)?;
            let mut desk = Self::standing_as(chain, Inner::Member(Box::new(group)));
            desk.unanswered = serde_json::from_slice(&kept.unanswered).ok();
            desk
        };
        desk.settle(vault, world).await?;
        Ok(Some(desk))
    }

    pub(super) async fn keep(&self, vault: &Vault, world: &impl World) -> Result<(), Error> {
        let (group, snapshot) = match &self.standing {
            Inner::Waiting(newcomer) => (0, newcomer.snapshot()),
            Inner::Member(group) => (group.number(), group.snapshot()),
        };
        let unanswered = self.unanswered.as_ref().map(serde_json::to_vec);
        let kept = KeptDesk {
            structure_id: self.structure_id,
            group,
            snapshot: snapshot.to_vec(),
            unanswered: unanswered.transpose().map_err(|_| Error::BadInput)?.unwrap_or_default(),
        };
        keep_sealed(vault, world, &kept).await
    }

    /// Does what waits for this page: takes in what others committed, joins when a manager has
    /// admitted this person, admits whoever answered an invitation of this manager's.
    pub async fn settle(&mut self, vault: &mut Vault, world: &impl World) -> Result<(), Error> {
        self.catch_up(vault, world).await?;
        if self.role(vault) == Some(Role::Manager) {
            self.send_again(vault, world).await?;
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
        // The chain is fetched after the group: it reaches every commit that was shown.
        let inside = self.look_inside(vault, world).await?;
        self.chain = vault.structure(world, self.structure_id).await?.clone();
        self.accepted = vault.is_accepted(self.structure_id);
        let Some(inside) = inside else { return Ok(()) };
        self.learn_certificates(&inside)?;
        self.follow(&inside)?;
        self.keep(vault, world).await
    }

    /// What members see; nothing while one waits to become one.
    async fn look_inside(
        &self,
        vault: &Vault,
        world: &impl World,
    ) -> Result<Option<Inside>, Error> {
        let from = match &self.standing {
            Inner::Member(group) => group.mls_epoch(),
            Inner::Waiting(_) => 0,
        };
        let path = format!("/v1/structures/{}/inside?commits_from={from}", self.structure_id);
        match vault.read(world, Call::read(path)).await {
            Err(Error::Refused(problem)) if problem.code == Code::NotFound => match self.standing {
                Inner::Waiting(_) => Ok(None),
                Inner::Member(_) => Err(Error::NotAMember),
            },
            other => other.map(Some),
        }
    }

    fn learn_certificates(&mut self, inside: &Inside) -> Result<(), Error> {
        let known = inside.certificates.iter();
        self.certificates = known
            .map(|bytes| Ok(verify_certificate(&bytes.0, &self.chain)?))
            .collect::<Result<_, Error>>()?;
        Ok(())
    }

    /// Takes in what others committed, each commit judged as of its own statement: a certificate that
    /// ended, or a place that was taken away since, locks nobody out of the past.
    fn follow(&mut self, inside: &Inside) -> Result<(), Error> {
        let now = self.chain.made_at;
        let gate = Gate { chain: &self.chain, certificates: &self.certificates, now };
        match &mut self.standing {
            Inner::Waiting(newcomer) => {
                let welcome = inside.welcome.as_ref().ok_or(Error::NotAMember)?;
                let mut group = newcomer.join(&welcome.0, &gate)?;
                follow_commits(&mut group, inside, &gate)?;
                self.standing = Inner::Member(Box::new(group));
            }
            Inner::Member(group) => {
                follow_commits(group, inside, &gate)?;
                if !group.is_staged() {
                    self.unanswered = None;
                }
            }
        }
        if let Inner::Member(group) = &self.standing
            && group.mls_epoch() == inside.mls_epoch
        {
            let history = group.open_history(&inside.history.0)?;
            history.check(&self.chain)?;
            self.history = history;
        }
        Ok(())
    }

    /// The recipient key of an epoch whose seed this member holds.
    pub(super) fn recipient_key(&self, epoch: u64) -> Result<RecipientKey, Damaged> {
        let seeds = self.history.seeds.iter();
        let seed = seeds.filter(|(number, _)| *number == epoch).map(|(_, seed)| seed).next();
        seed.map(RecipientKey::of_epoch).ok_or(Damaged)
    }
}

async fn keep_sealed(vault: &Vault, world: &impl World, kept: &KeptDesk) -> Result<(), Error> {
    let mut salt = [0; 32];
    rand_core::Rng::fill_bytes(&mut world.rng(), &mut salt);
    let sealed = seal_salted(
        vault.secrets().vault.expose(),
        salt,
        Label::GroupStateSeal,
        vault.account_id().as_bytes(),
        &Zeroizing::new(encode(kept)),
    );
    Ok(world.keep(&kept_name(vault), &sealed).await?)
}

/// Each commit is judged by the chain as it was then: who left since was a member.
fn follow_commits(group: &mut Group, inside: &Inside, gate: &Gate<'_>) -> Result<(), Error> {
    let skipped = usize::try_from(inside.mls_epoch.saturating_sub(group.mls_epoch()))
        .map_err(|_| Error::Unreadable)?;
    let start = inside.commits.len().saturating_sub(skipped);
    for commit in inside.commits.get(start..).unwrap_or_default() {
        let next = group.mls_epoch() + 1;
        let then = gate.chain.as_of(group.number(), next).ok_or(GroupError::Unstated)?;
        let certificates = gate.certificates;
        group.take_in(&commit.0, &Gate { chain: &then, certificates, now: then.made_at })?;
    }
    Ok(())
}

pub(super) fn certify(
    vault: &Vault,
    now: u64,
    structure_id: StructureId,
    (serial, number): (u64, u32),
    account_id: AccountId,
    role: Role,
) -> Base64 {
    vault.attest(Certificate {
        suite: Suite::V1,
        structure_id,
        serial,
        number,
        account_id,
        role,
        ends_at: now + CERTIFICATE_SECONDS,
    })
}

pub(super) fn next_statement(
    vault: &Vault,
    now: u64,
    chain: &StructureChain,
    body: StructureBody,
) -> Base64 {
    let (sequence, previous) = chain.head();
    let statement = vault.attested(StructureStatement {
        suite: Suite::V1,
        structure_id: chain.structure_id,
        sequence: sequence + 1,
        previous,
        made_at: now,
        body,
    });
    Base64(Link::Manager { statement }.encode())
}
