//! Whether what a structure was given is still so: asked of the log, at the place that the owner sealed
//! into the grant.

use reconnect_format::{
    Sorted, Unverified,
    api::{Call, Code, FreshAsked, Freshness, LEAVES, LoggedHead},
    check, decode,
    id::{AccountId, Base64, DeviceId, GrantId},
    log::account_index,
    manifest::RecordKey,
    sign::PublicKey,
    statement::{Device, DeviceProof, Signer, Statement, StatementHead},
};

use super::super::{Vault, log::ABSENT_SECONDS};
use crate::{
    error::{Error, ServerMisbehaved, Unchecked},
    place::LogPlace,
    world::World,
};

/// How often head and log are asked for until they are of one statement.
const MEETING_TRIES: usize = 3;

/// A statement of an owner that a reader is shown, and what it wrote into the owner's manifest.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    sequence: u64,
    leaf: [u8; 32],
    /// Which device signed it.
    device_id: DeviceId,
    device_added: u64,
    device_leaf: [u8; 32],
    /// What it is when its record is there no more.
    otherwise: ServerMisbehaved,
}

impl Claim {
    /// What `statement`, by `device`, wrote under `key`; `otherwise` says what is wrong when it is gone.
    pub(super) fn new(
        statement: &Statement,
        key: RecordKey,
        device: &Device,
        otherwise: ServerMisbehaved,
    ) -> Result<Self, ServerMisbehaved> {
        Ok(Self {
            sequence: statement.sequence,
            leaf: statement.leaf(key).ok_or(ServerMisbehaved::Forged)?,
            device_id: device.device_id,
            device_added: device.added,
            device_leaf: device.leaf_in_manifest,
            otherwise,
        })
    }

    /// Whether it is so in a safe of which the log names statement `until`, and these leaves were shown.
    fn check(&self, until: u64, live: &Sorted<[u8; 32], ()>) -> Result<(), ServerMisbehaved> {
        // FRESH-1.
        if self.sequence <= until {
            return if live.contains(&self.leaf) { Ok(()) } else { Err(self.otherwise) };
        }
        // FRESH-2: newer than the log, by a device that it has, or that was added since.
        let is_live = self.device_added > until || live.contains(&self.device_leaf);
        if check!(LiveDevice, is_live) { Ok(()) } else { Err(ServerMisbehaved::RetiredDevice) }
    }
}

/// Whose safe is looked up, and where.
pub(super) struct Subject<'a> {
    pub(super) grant_id: GrantId,
    pub(super) owner: &'a Owner,
    pub(super) place: &'a LogPlace,
}

/// What is known of whoever gave: from the proof of the device that signed the grant.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    pub(super) account_id: AccountId,
    /// Verifies what the root signs.
    root: PublicKey,
    generation: u32,
    opened_at: u64,
}

impl Owner {
    pub(super) fn of(device: &Device) -> Self {
        Self {
            account_id: device.account_id,
            root: device.keys.signing,
            generation: device.keys.generation,
            opened_at: device.opened_at,
        }
    }

    /// The head that the log names, verified as its owner's.
    fn verify(&self, named: &LoggedHead) -> Result<(StatementHead, [u8; 32]), Error> {
        let head = Unverified::<StatementHead>::decode(&named.head.0)?;
        let key = match (head.claim().signer, &named.proof) {
            (Signer::Root { generation }, _) if generation == self.generation => self.root,
            (Signer::Device { device_id }, Some(proof)) => {
                let device = decode::<DeviceProof>(&proof.0)?.verify()?;
                let theirs = device.account_id == self.account_id && device.device_id == device_id;
                if theirs { device.signing } else { return Err(ServerMisbehaved::Forged.into()) }
            }
            _ => return Err(ServerMisbehaved::Forged.into()),
        };
        let head = head.verify(&key)?;
        let hash = head.hash();
        if head.body().account_id == self.account_id {
            Ok((head.into_body(), hash))
        } else {
            Err(ServerMisbehaved::Forged.into())
        }
    }
}

/// Checks what is shown against the newest statement of its owner's safe that the log names. Not being
/// able to is [`Error::Unchecked`]. FRESH-1, FRESH-2, FRESH-6.
pub(super) async fn check(
    vault: &mut Vault,
    world: &impl World,
    subject: &Subject<'_>,
    claims: &[Claim],
) -> Result<(), Error> {
    for _ in 0..MEETING_TRIES {
        let named = Named::ask(vault, world, subject, claims).await?;
        if named.is_checked(vault, world, subject, claims).await? {
            return Ok(());
        }
    }
    Err(ServerMisbehaved::Withheld.into())
}

/// What the server says that the log names, before the log was asked.
#[derive(Default)]
struct Named {
    /// The newest statement's head, verified as its owner's, and its hash; none where there is none.
    head: Option<(StatementHead, [u8; 32])>,
    /// The leaves that stand under it, of those that were asked about.
    live: Sorted<[u8; 32], ()>,
}

impl Named {
    async fn ask(
        vault: &Vault,
        world: &impl World,
        subject: &Subject<'_>,
        claims: &[Claim],
    ) -> Result<Self, Error> {
        let mut asked = Sorted::default();
        asked.extend(claims.iter().flat_map(|it| [(it.leaf, ()), (it.device_leaf, ())]));
        let asked: Vec<_> = asked.iter().map(|(leaf, ())| *leaf).collect();
        let mut named = Self::default();
        for leaves in asked.chunks(LEAVES) {
            let call = Call::send(
                format!("/v1/received/{}/fresh", subject.grant_id),
                &FreshAsked { leaves: Base64(leaves.concat()) },
            );
            let answer: Freshness = vault.read(world, call).await.map_err(|error| match error {
                Error::Refused(ref problem) if problem.code == Code::NotFound => error,
                // FRESH-4: as where the log does not answer.
                _ => Unchecked::Unanswered.into(),
            })?;
            let Some(logged) = answer.logged else { return Ok(Self::default()) };
            let (head, hash) = subject.owner.verify(&logged)?;
            if named.head.as_ref().is_some_and(|(_, known)| *known != hash) {
                // The log went on between two answers.
                return Ok(Self::default());
            }
            let shown = logged.shown(&head.manifest_root, leaves);
            let shown = shown.ok_or(ServerMisbehaved::Withheld)?;
            named.live.extend(shown.into_iter().map(|leaf| (leaf, ())));
            named.head = Some((head, hash));
        }
        Ok(named)
    }

    /// Compares it with the log; false where the log went on meanwhile.
    async fn is_checked(
        &self,
        vault: &mut Vault,
        world: &impl World,
        subject: &Subject<'_>,
        claims: &[Claim],
    ) -> Result<bool, Error> {
        let Subject { owner, place, .. } = *subject;
        let until = self.head.as_ref().map_or(0, |(head, _)| head.sequence);
        let newer = claims.iter().filter(|it| it.sequence > until).map(|it| it.device_id);
        let signer = self.head.as_ref().and_then(|(head, _)| match head.signer {
            Signer::Device { device_id } => Some(device_id),
            Signer::Root { .. } => None,
        });
        let mut signers = Sorted::default();
        signers.extend(newer.chain(signer).map(|device_id| (device_id, ())));
        let mark = |device_id: &DeviceId| account_index(owner.account_id, &place.mark(*device_id));
        let marks: Vec<_> = signers.iter().map(|(device_id, ())| mark(device_id)).collect();
        let looked = vault.watch.look_up_marks(world, place.index(), &marks, vault.kept);
        let (witnessed, retired) = looked.await?;
        match (&self.head, witnessed.newest()) {
            (None, None) => {
                if witnessed.time() > owner.opened_at.saturating_add(ABSENT_SECONDS) {
                    return Err(ServerMisbehaved::Withheld.into());
                }
            }
            (Some((head, hash)), Some(newest)) if head.sequence == newest.sequence => {
                if place.value(head.sequence, hash) != newest.value {
                    return Err(ServerMisbehaved::Withheld.into());
                }
            }
            _ => return Ok(false),
        }
        // FRESH-6.
        if check!(RetiredMark) && retired.contains(&true) {
            return Err(ServerMisbehaved::RetiredDevice.into());
        }
        claims.iter().try_for_each(|claim| claim.check(until, &self.live))?;
        Ok(true)
    }
}
