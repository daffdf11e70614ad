//! Whether what a structure was given is still so: asked of the log, at the place that the owner sealed
//! into the grant.

use reconnect_format::{
    Sorted, Unverified,
    api::{Call, Code, FreshAsked, Freshness, LEAVES, LoggedHead},
    check, decode,
    id::{AccountId, Base64, GrantId},
    manifest::RecordKey,
    sign::PublicKey,
    statement::{Device, DeviceProof, Signer, Statement, StatementHead},
};

use reconnect_log::Newest;

use super::super::{Vault, log::ABSENT_SECONDS};
use crate::{
    error::{Error, ServerMisbehaved, Unchecked},
    place::LogPlace,
    world::World,
};

/// A statement of an owner that a reader is shown, and what it wrote into the owner's manifest.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    sequence: u64,
    leaf: [u8; 32],
    /// Of the device that signed it.
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
/// able to is [`Error::Unchecked`]. FRESH-1, FRESH-2.
pub(super) async fn check(
    vault: &mut Vault,
    world: &impl World,
    subject: &Subject<'_>,
    claims: &[Claim],
) -> Result<(), Error> {
    let mut asked = Sorted::default();
    asked.extend(claims.iter().flat_map(|it| [(it.leaf, ()), (it.device_leaf, ())]));
    let asked: Vec<_> = asked.iter().map(|(leaf, ())| *leaf).collect();
    let index = subject.place.index();
    let witnessed = vault.watch.look_up(world, index, vault.kept).await?;
    let (mut until, mut live) = (0, Sorted::default());
    if let Some(newest) = witnessed.newest() {
        until = newest.sequence;
        for leaves in asked.chunks(LEAVES) {
            let shown = ask_for(vault, world, subject, (newest, leaves)).await?;
            live.extend(shown.into_iter().map(|leaf| (leaf, ())));
        }
    } else if witnessed.time() > subject.owner.opened_at.saturating_add(ABSENT_SECONDS) {
        return Err(ServerMisbehaved::Withheld.into());
    }
    Ok(claims.iter().try_for_each(|claim| claim.check(until, &live))?)
}

/// Which of the leaves stand in the manifest after the statement that the log names.
async fn ask_for(
    vault: &Vault,
    world: &impl World,
    subject: &Subject<'_>,
    (newest, leaves): (Newest, &[[u8; 32]]),
) -> Result<Vec<[u8; 32]>, Error> {
    let Subject { grant_id, owner, place } = *subject;
    let asked = FreshAsked { sequence: newest.sequence, leaves: Base64(leaves.concat()) };
    let call = Call::send(format!("/v1/received/{grant_id}/fresh"), &asked);
    let answer: Freshness = vault.read(world, call).await.map_err(|error| match error {
        Error::Refused(ref problem) if problem.code == Code::NotFound => error,
        // FRESH-4: as where the log does not answer.
        _ => Unchecked::Unanswered.into(),
    })?;
    let withheld = Error::from(ServerMisbehaved::Withheld);
    let logged = answer.logged.ok_or_else(|| withheld.clone())?;
    let (head, hash) = owner.verify(&logged)?;
    let is_named =
        head.sequence == newest.sequence && place.value(head.sequence, &hash) == newest.value;
    let shown = logged.shown(&head.manifest_root, leaves);
    shown.filter(|_| is_named).ok_or(withheld)
}
