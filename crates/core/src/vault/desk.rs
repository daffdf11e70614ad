//! A structure's desk: founding, inviting, joining, admitting, and following what others commit.
//!
//! The group's state is kept on the member's own device, sealed under their vault key, before
//! anything that depends on it is sent. There is one writer of it: the page that is open.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use reconnect_format::{
    Label, Signed, Suite,
    api::{
        Admit, Call, Code, FoundStructure, Inside, InvitationState, Invitations, Invite, Join,
        Memberships,
    },
    decode, encode,
    id::{Base64, DocumentId, GrantId, InvitationId, StructureId},
    statement::Attested,
    structure::{
        AuthenticatedJoin, Certificate, EpochTerms, Founding, Invitation, JoinRequest,
        NAME_MAX_BYTES, Role, StructureBody, StructureChain, StructureStatement,
        verify_certificate,
    },
};
use sha2::Sha256;
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Vault, received::OpenedGrant};
use crate::{
    error::{Damaged, Error, ServerMisbehaved},
    group::{Gate, Group, GroupError, History, Newcomer},
    key::RecipientKey,
    seal::{derive, open_salted, seal_salted},
    words::PaperSecret,
    world::World,
};

/// How long a certificate is good for.
const CERTIFICATE_SECONDS: u64 = 3 * 366 * 24 * 3600;
/// How long an invitation is good for. INV-2.
const INVITATION_SECONDS: u64 = 24 * 3600;
const SECRET_BYTES: usize = 16;

/// What a member's page knows of the structure.
pub struct Desk {
    structure_id: StructureId,
    chain: StructureChain,
    certificates: Vec<Signed<Certificate>>,
    accepted: bool,
    standing: Inner,
    pub(super) history: History,
    pub(super) opened: BTreeMap<GrantId, OpenedGrant>,
    pub(super) versions: BTreeMap<DocumentId, u32>,
    invitations: Vec<PendingInvitation>,
}

enum Inner {
    Waiting(Newcomer),
    Member(Group),
}

/// Where somebody stands in a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The operator has not accepted the structure yet.
    WaitingForOperator,
    /// No manager's page has admitted them yet.
    WaitingForManager,
    /// They belong to it.
    Member,
}

/// A member, as the team sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The number under which owners see them.
    pub number: u32,
    /// Known inside the structure only.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether it is the person at this page.
    pub me: bool,
}

/// A new structure, and the paper of its root, which is shown once.
pub struct Founded {
    /// The founder's desk.
    pub desk: Desk,
    /// Letters to print.
    pub root_paper: Vec<String>,
}

/// A new invitation.
pub struct Invited {
    /// The part of the link after `#`. The server never sees it.
    pub fragment: String,
    /// Seconds since 1970.
    pub ends_at: u64,
}

/// An invitation that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingInvitation {
    /// Which.
    pub invitation_id: InvitationId,
    /// For whom it was made, in the manager's words.
    pub name: String,
    /// Seconds since 1970.
    pub ends_at: u64,
    /// Whether somebody answered it.
    pub answered: bool,
}

/// What a manager keeps of an invitation, sealed.
#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct KeptInvitation {
    secret: [u8; SECRET_BYTES],
    name: Vec<u8>,
}

/// What a device keeps of its place in a structure, sealed.
#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct KeptDesk {
    #[zeroize(skip)]
    structure_id: StructureId,
    member: u8,
    snapshot: Vec<u8>,
}

impl From<GroupError> for Error {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Fork => ServerMisbehaved::Fork.into(),
            GroupError::NotAllowed => ServerMisbehaved::Forged.into(),
            GroupError::Unstated | GroupError::WrongEpoch | GroupError::Staged => Self::Unreadable,
            GroupError::Damaged => Damaged.into(),
        }
    }
}

fn kept_name(vault: &Vault) -> String {
    format!("desk/{}", vault.account_id())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn bounded(name: &str) -> Result<&str, Error> {
    let name = name.trim();
    if name.is_empty() || name.len() > NAME_MAX_BYTES { Err(Error::BadInput) } else { Ok(name) }
}

/// What an invitation's secret gives. INV-2, INV-3.
struct InvitationSecret([u8; SECRET_BYTES]);

impl InvitationSecret {
    fn part(&self, structure_id: StructureId, label: Label) -> Zeroizing<[u8; 32]> {
        derive(&self.0, &[], label, structure_id.as_bytes())
    }

    fn id(&self, structure_id: StructureId) -> InvitationId {
        let mut id = [0; 16];
        let derived = self.part(structure_id, Label::InvitationId);
        id.iter_mut().zip(derived.iter()).for_each(|(target, byte)| *target = *byte);
        InvitationId(id)
    }

    fn mac(&self, request: &JoinRequest) -> Hmac<Sha256> {
        let key = self.part(request.structure_id, Label::InvitationAuthentication);
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("HMAC takes keys of any length");
        mac.update(&Label::JoinRequest.with(&encode(request)));
        mac
    }

    fn read(fragment: &str) -> Result<(StructureId, Self), Error> {
        let bytes =
            Base64::try_from(fragment.trim().to_owned()).map_err(|_| Error::InvitationMisread)?;
        let (id, secret) = bytes.0.split_at_checked(32).ok_or(Error::InvitationMisread)?;
        let structure_id = StructureId::try_from(id).map_err(|_| Error::InvitationMisread)?;
        let secret = secret.try_into().map_err(|_| Error::InvitationMisread)?;
        Ok((structure_id, Self(secret)))
    }
}

impl Desk {
    /// Founds a structure; the person at this page is its first manager. STRUCT-1, STRUCT-4.
    pub async fn found(
        vault: &mut Vault,
        world: &impl World,
        name: &str,
        place: &str,
        my_name: &str,
    ) -> Result<Founded, Error> {
        if !vault.is_kept() {
            return Err(Error::NeedsOwnDevice);
        }
        let mut rng = world.rng();
        let paper = PaperSecret::generate(&mut rng);
        let root = paper.structure_root();
        let mut nonce = [0; 32];
        rand_core::Rng::fill_bytes(&mut rng, &mut nonce);
        let founding = Founding {
            suite: Suite::V1,
            name: bounded(name)?.as_bytes().to_vec(),
            place: bounded(place)?.as_bytes().to_vec(),
            root: root.public(),
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
        let mut chain = StructureChain::begin(structure_id, &first.encode())?;
        let certificate =
            certify(vault, world.now(), structure_id, (1, 1), vault.account_id(), Role::Manager);
        let certificates = vec![verify_certificate(&certificate.0, &chain)?];
        let group = Group::found(structure_id, vault.device(), &vault.device_proof())?;
        let gate = Gate { chain: &chain, certificates: &certificates, now: world.now() };
        let seed = group.epoch_seed(1)?;
        let terms = EpochTerms {
            epoch: 1,
            recipient: RecipientKey::of_epoch(&seed).public().clone(),
            roster: group.roster(&gate)?,
        };
        let epoch = next_statement(vault, world.now(), &chain, StructureBody::Epoch(terms));
        chain.append(&epoch.0)?;
        let history =
            History { seeds: vec![(1, seed)], names: vec![(1, bounded(my_name)?.to_owned())] };
        let call = FoundStructure {
            statements: vec![Base64(first.encode()), epoch],
            certificate,
            history: Base64(group.seal_history(&history, &mut rng)?),
        };
        let desk = Self {
            structure_id,
            chain,
            certificates,
            accepted: false,
            standing: Inner::Member(group),
            history,
            opened: BTreeMap::new(),
            versions: BTreeMap::new(),
            invitations: Vec::new(),
        };
        desk.keep(vault, world).await?;
        world.ship(Call::send("/v1/structures", &call), Some(vault.token())).await?;
        Ok(Founded { desk, root_paper: paper.groups() })
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
        let tag = secret.mac(&request).finalize().into_bytes().into();
        let path = format!("/v1/invitations/{}/join", request.invitation_id);
        let join = Join { join: Base64(encode(&AuthenticatedJoin { request, tag })) };
        // The chain is fetched after the answer: only then does the server show a structure that
        // the operator has not accepted yet.
        keep_standing(vault, world, structure_id, false, &newcomer.snapshot()).await?;
        world.ship(Call::send(path, &join), Some(vault.token())).await?;
        let chain = vault.structure(world, structure_id).await?.clone();
        Ok(Self::waiting(chain, newcomer))
    }

    fn waiting(chain: StructureChain, newcomer: Newcomer) -> Self {
        Self {
            structure_id: chain.structure_id,
            chain,
            certificates: Vec::new(),
            accepted: false,
            standing: Inner::Waiting(newcomer),
            history: History::default(),
            opened: BTreeMap::new(),
            versions: BTreeMap::new(),
            invitations: Vec::new(),
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
        let mut desk = if kept.member == 0 {
            Self::waiting(chain, Newcomer::resume(&kept.snapshot)?)
        } else {
            let group = Group::resume(kept.structure_id, &kept.snapshot)?;
            let waiting = Newcomer::new(vault.device(), &vault.device_proof())?.0;
            let mut desk = Self::waiting(chain, waiting);
            desk.standing = Inner::Member(group);
            desk
        };
        desk.settle(vault, world).await?;
        Ok(Some(desk))
    }

    async fn keep(&self, vault: &Vault, world: &impl World) -> Result<(), Error> {
        let (member, snapshot) = match &self.standing {
            Inner::Waiting(newcomer) => (false, newcomer.snapshot()),
            Inner::Member(group) => (true, group.snapshot()),
        };
        keep_standing(vault, world, self.structure_id, member, &snapshot).await
    }

    /// Does what waits for this page: takes in what others committed, joins when a manager has
    /// admitted this person, admits whoever answered an invitation of this manager's.
    pub async fn settle(&mut self, vault: &mut Vault, world: &impl World) -> Result<(), Error> {
        self.chain = vault.structure(world, self.structure_id).await?.clone();
        self.accepted = vault.is_accepted(self.structure_id);
        let from = match &self.standing {
            Inner::Member(group) => group.mls_epoch(),
            Inner::Waiting(_) => 0,
        };
        let path = format!("/v1/structures/{}/inside?commits_from={from}", self.structure_id);
        let inside: Inside = match vault.read(world, Call::read(path)).await {
            Err(Error::Refused(problem)) if problem.code == Code::NotFound => {
                return match self.standing {
                    Inner::Waiting(_) => Ok(()),
                    Inner::Member(_) => Err(Error::NotAMember),
                };
            }
            other => other?,
        };
        self.learn_certificates(&inside)?;
        self.follow(&inside, world.now())?;
        self.keep(vault, world).await?;
        if self.role(vault) == Some(Role::Manager) {
            self.admit_all(vault, world).await?;
        }
        Ok(())
    }

    fn learn_certificates(&mut self, inside: &Inside) -> Result<(), Error> {
        let known = inside.certificates.iter();
        self.certificates = known
            .map(|bytes| Ok(verify_certificate(&bytes.0, &self.chain)?))
            .collect::<Result<_, Error>>()?;
        Ok(())
    }

    fn follow(&mut self, inside: &Inside, now: u64) -> Result<(), Error> {
        let gate = Gate { chain: &self.chain, certificates: &self.certificates, now };
        match &mut self.standing {
            Inner::Waiting(newcomer) => {
                let welcome = inside.welcome.as_ref().ok_or(Error::NotAMember)?;
                let mut group = newcomer.join(&welcome.0, &gate)?;
                follow_commits(&mut group, inside, &gate)?;
                self.standing = Inner::Member(group);
            }
            Inner::Member(group) => follow_commits(group, inside, &gate)?,
        }
        if let Inner::Member(group) = &self.standing
            && group.mls_epoch() == inside.mls_epoch
        {
            self.history = group.open_history(&inside.history.0)?;
            self.check_seeds()?;
        }
        Ok(())
    }

    /// A member could seal another seed into the history: the newest must give the chain's key.
    fn check_seeds(&self) -> Result<(), Error> {
        let Some(epoch) = &self.chain.epoch else { return Ok(()) };
        let seed = self.history.seeds.iter().find(|(number, _)| *number == epoch.epoch);
        match seed {
            Some((_, seed)) if *RecipientKey::of_epoch(seed).public() == epoch.recipient => Ok(()),
            _ => Err(Damaged.into()),
        }
    }

    /// The recipient key of an epoch whose seed this member holds.
    pub(super) fn recipient_key(&self, epoch: u64) -> Result<RecipientKey, Damaged> {
        let seeds = self.history.seeds.iter();
        let seed = seeds.filter(|(number, _)| *number == epoch).map(|(_, seed)| seed).next();
        seed.map(RecipientKey::of_epoch).ok_or(Damaged)
    }

    async fn admit_all(&mut self, vault: &Vault, world: &impl World) -> Result<(), Error> {
        let path = format!("/v1/structures/{}/invitations", self.structure_id);
        let list: Invitations = vault.read(world, Call::read(path)).await?;
        let mut pending = Vec::new();
        for state in &list.invitations {
            let Some((invitation, kept)) = open_invitation(vault, state) else { continue };
            let admitted = match &state.join {
                Some(join) => self.admit(vault, world, &kept, &join.0).await?,
                None => false,
            };
            if !admitted {
                pending.push(PendingInvitation {
                    invitation_id: invitation.invitation_id,
                    name: text(&kept.name),
                    ends_at: invitation.ends_at,
                    answered: state.join.is_some(),
                });
            }
        }
        self.invitations = pending;
        Ok(())
    }

    /// Checks one newcomer's answer, certifies them and commits. An answer that does not
    /// authenticate is passed over: it is not from whoever was given the link. INV-4.
    async fn admit(
        &mut self,
        vault: &Vault,
        world: &impl World,
        kept: &KeptInvitation,
        join: &[u8],
    ) -> Result<bool, Error> {
        let Some((request, name)) = authenticate(self.structure_id, kept, join) else {
            return Ok(false);
        };
        let highest = |of: fn(&Certificate) -> u64| {
            self.certificates.iter().map(|it| of(it.body())).max().unwrap_or_default()
        };
        let serial = highest(|it| it.serial) + 1;
        let number =
            u32::try_from(highest(|it| it.number.into()) + 1).map_err(|_| Error::BadInput)?;
        let certificate = certify(
            vault,
            world.now(),
            self.structure_id,
            (serial, number),
            request.account_id,
            Role::Worker,
        );
        let mut certificates = self.certificates.clone();
        certificates.push(verify_certificate(&certificate.0, &self.chain)?);
        let gate = Gate { chain: &self.chain, certificates: &certificates, now: world.now() };
        let Inner::Member(group) = &mut self.standing else { return Ok(false) };
        self.history.names.push((number, name));
        let mut rng = world.rng();
        let staged =
            group.stage_admission(&request, &self.history, vault.device(), &gate, &mut rng);
        let admission = match staged {
            Ok(admission) => admission,
            Err(GroupError::NotAllowed | GroupError::Damaged) => {
                self.history.names.pop();
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        let statement = next_statement(
            vault,
            world.now(),
            &self.chain,
            StructureBody::Roster(admission.roster),
        );
        let call = Admit {
            mls_epoch: admission.mls_epoch,
            commit: Base64(admission.commit),
            welcome: Base64(admission.welcome),
            history: Base64(admission.history),
            certificate,
            statement: statement.clone(),
            invitation_id: request.invitation_id,
        };
        self.keep(vault, world).await?;
        let path = format!("/v1/structures/{}/commits", self.structure_id);
        let answer = world.ship(Call::send(path, &call), Some(vault.token())).await;
        let Inner::Member(group) = &mut self.standing else { return Ok(false) };
        match answer.map_err(Error::from) {
            Ok(_) => {
                group.merge_staged()?;
                self.chain.append(&statement.0)?;
                self.certificates = certificates;
            }
            // No answer: it stays staged, and the next look at the server tells.
            Err(Error::Offline) => return Err(Error::Offline),
            Err(Error::Refused(problem)) if problem.code == Code::Conflict => {
                group.drop_staged()?;
                self.history.names.pop();
                self.keep(vault, world).await?;
                return Ok(false);
            }
            Err(error) => {
                group.drop_staged()?;
                self.history.names.pop();
                self.keep(vault, world).await?;
                return Err(error);
            }
        }
        self.keep(vault, world).await?;
        Ok(true)
    }

    /// Makes an invitation. The secret is in the fragment and, sealed for this manager, on the
    /// server, so that any page of theirs can check the answer. INV-1, INV-2.
    pub async fn invite(
        &mut self,
        vault: &Vault,
        world: &impl World,
        name: &str,
    ) -> Result<Invited, Error> {
        let mut rng = world.rng();
        let mut secret = [0; SECRET_BYTES];
        rand_core::Rng::fill_bytes(&mut rng, &mut secret);
        let secret = InvitationSecret(secret);
        let invitation_id = secret.id(self.structure_id);
        let ends_at = world.now() + INVITATION_SECONDS;
        let invitation = vault.attest(Invitation {
            suite: Suite::V1,
            structure_id: self.structure_id,
            invitation_id,
            role: Role::Worker,
            ends_at,
        });
        let mut salt = [0; 32];
        rand_core::Rng::fill_bytes(&mut rng, &mut salt);
        let kept = KeptInvitation { secret: secret.0, name: bounded(name)?.as_bytes().to_vec() };
        let kept = seal_salted(
            vault.secrets().vault.expose(),
            salt,
            Label::InvitationKeep,
            invitation_id.as_bytes(),
            &Zeroizing::new(encode(&kept)),
        );
        let path = format!("/v1/structures/{}/invitations", self.structure_id);
        let call = Call::send(path, &Invite { invitation, kept: Base64(kept) });
        world.ship(call, Some(vault.token())).await?;
        self.invitations.push(PendingInvitation {
            invitation_id,
            name: name.trim().to_owned(),
            ends_at,
            answered: false,
        });
        let fragment = Base64([self.structure_id.as_bytes(), &secret.0].concat()).into();
        Ok(Invited { fragment, ends_at })
    }

    /// Which structure.
    pub fn structure_id(&self) -> StructureId {
        self.structure_id
    }

    /// Its public name.
    pub fn name(&self) -> String {
        text(&self.chain.founding.name)
    }

    /// Its public place.
    pub fn place(&self) -> String {
        text(&self.chain.founding.place)
    }

    /// Its newest recipient epoch.
    pub fn recipient_epoch(&self) -> u64 {
        self.chain.epoch.as_ref().map_or(0, |epoch| epoch.epoch)
    }

    /// Where the person at this page stands.
    pub fn standing(&self) -> Standing {
        match self.standing {
            Inner::Waiting(_) => Standing::WaitingForManager,
            Inner::Member(_) if self.accepted => Standing::Member,
            Inner::Member(_) => Standing::WaitingForOperator,
        }
    }

    fn certificate_of(&self, vault: &Vault) -> Option<&Certificate> {
        let mine = self.certificates.iter().map(Signed::body);
        mine.filter(|it| it.account_id == vault.account_id()).max_by_key(|it| it.serial)
    }

    /// What the person at this page may do; `None` while they wait.
    pub fn role(&self, vault: &Vault) -> Option<Role> {
        self.certificate_of(vault).map(|certificate| certificate.role)
    }

    /// Their number; `None` while they wait.
    pub fn number(&self, vault: &Vault) -> Option<u32> {
        self.certificate_of(vault).map(|certificate| certificate.number)
    }

    /// The team.
    pub fn members(&self, vault: &Vault) -> Vec<Member> {
        let mut members: Vec<_> = self
            .certificates
            .iter()
            .map(Signed::body)
            .map(|certificate| Member {
                number: certificate.number,
                name: self.name_of(certificate.number),
                role: certificate.role,
                me: certificate.account_id == vault.account_id(),
            })
            .collect();
        members.sort_by_key(|member| member.number);
        members
    }

    fn name_of(&self, number: u32) -> String {
        let names = self.history.names.iter();
        names
            .filter(|(known, _)| *known == number)
            .map(|(_, name)| name.clone())
            .last()
            .unwrap_or_default()
    }

    /// Invitations of this manager's that are not over.
    pub fn invitations(&self) -> &[PendingInvitation] {
        &self.invitations
    }
}

async fn keep_standing(
    vault: &Vault,
    world: &impl World,
    structure_id: StructureId,
    member: bool,
    snapshot: &[u8],
) -> Result<(), Error> {
    let kept = KeptDesk { structure_id, member: member.into(), snapshot: snapshot.to_vec() };
    let mut salt = [0; 32];
    rand_core::Rng::fill_bytes(&mut world.rng(), &mut salt);
    let sealed = seal_salted(
        vault.secrets().vault.expose(),
        salt,
        Label::GroupStateSeal,
        vault.account_id().as_bytes(),
        &Zeroizing::new(encode(&kept)),
    );
    Ok(world.keep(&kept_name(vault), &sealed).await?)
}

fn follow_commits(group: &mut Group, inside: &Inside, gate: &Gate<'_>) -> Result<(), Error> {
    let skipped = usize::try_from(inside.mls_epoch.saturating_sub(group.mls_epoch()))
        .map_err(|_| Error::Unreadable)?;
    let start = inside.commits.len().saturating_sub(skipped);
    for commit in inside.commits.get(start..).unwrap_or_default() {
        group.take_in(&commit.0, gate)?;
    }
    Ok(())
}

fn certify(
    vault: &Vault,
    now: u64,
    structure_id: StructureId,
    (serial, number): (u64, u32),
    account_id: reconnect_format::id::AccountId,
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

fn next_statement(vault: &Vault, now: u64, chain: &StructureChain, body: StructureBody) -> Base64 {
    let (sequence, previous) = chain.head();
    vault.attest(StructureStatement {
        suite: Suite::V1,
        structure_id: chain.structure_id,
        sequence: sequence + 1,
        previous,
        made_at: now,
        body,
    })
}

fn open_invitation(vault: &Vault, state: &InvitationState) -> Option<(Invitation, KeptInvitation)> {
    let (invitation, signer) = Attested::open::<Invitation>(&state.invitation.0).ok()?;
    let invitation = invitation.into_body();
    let plain = open_salted(
        vault.secrets().vault.expose(),
        Label::InvitationKeep,
        invitation.invitation_id.as_bytes(),
        &state.kept.0,
    )
    .ok()?;
    let kept = decode(&plain).ok()?;
    (signer.account_id == vault.account_id()).then_some((invitation, kept))
}

fn authenticate(
    structure_id: StructureId,
    kept: &KeptInvitation,
    join: &[u8],
) -> Option<(JoinRequest, String)> {
    let join: AuthenticatedJoin = decode(join).ok()?;
    let secret = InvitationSecret(kept.secret);
    let meant = join.request.structure_id == structure_id
        && join.request.invitation_id == secret.id(structure_id);
    secret.mac(&join.request).verify_slice(&join.tag).ok().filter(|()| meant)?;
    let seal = secret.part(structure_id, Label::InvitationSeal);
    let context = join.request.account_id;
    let name =
        open_salted(&seal, Label::InvitationSeal, context.as_bytes(), &join.request.sealed_name)
            .ok()?;
    let name = std::str::from_utf8(&name).ok().filter(|name| name.len() <= NAME_MAX_BYTES)?;
    Some((join.request.clone(), name.to_owned()))
}
