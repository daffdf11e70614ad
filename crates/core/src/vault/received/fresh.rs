//! Whether what a structure was given is still so: asked of the log, at the place that the owner sealed
//! into the grant.

use reconnect_format::{
    Sorted, Unverified,
    api::{Call, Code, FreshAsked, Freshness, LEAVES, LoggedHead},
    check, decode,
    id::{AccountId, Base64, DeviceId, GrantId},
    manifest::RecordKey,
    sign::PublicKey,
    statement::{Device, DeviceProof, KeysProof, Signer, Statement, StatementHead},
};

use reconnect_log::Newest;

use super::super::{Vault, log::ABSENT_SECONDS};
use crate::{
    error::{Error, ServerMisbehaved, Unchecked},
    place::{LogPlace, Mark},
    world::World,
};

/// How often head and log are asked for until they are of one statement.
const MEETING_TRIES: usize = 3;

/// Whose key signed something: what the log may say is over.
#[derive(Clone)]
struct Signed {
    /// None where it was the root.
    device_id: Option<DeviceId>,
    /// Verify what each root up to that of the signer signed.
    roots: Vec<PublicKey>,
}

impl Signed {
    fn by(device: &Device) -> Self {
        Self { device_id: Some(device.device_id), roots: device.roots.clone() }
    }

    /// The marks of generations that went over to another on the way to the signer's, if they are there; and
    /// those that must not be there: of that generation, and of the device. FRESH-6.
    fn marks(&self, account_id: AccountId, place: &LogPlace) -> (Vec<Mark>, Vec<Mark>) {
        let pairs = (1..).zip(self.roots.windows(2));
        let before = pairs.filter_map(|(generation, pair)| {
            pair.last().map(|next| place.over(account_id, generation, next))
        });
        let newest = u32::try_from(self.roots.len()).unwrap_or(u32::MAX);
        // Nothing may stand there, so it says nothing what would.
        let own = self.roots.last().map(|root| place.over(account_id, newest, root));
        let device = self.device_id.map(|device_id| place.retired(account_id, device_id));
        (before.collect(), own.into_iter().chain(device).collect())
    }
}

/// A statement of an owner that a reader is shown, and what it wrote into the owner's manifest.
#[derive(Clone)]
pub(super) struct Claim {
    sequence: u64,
    leaf: [u8; 32],
    /// Which device signed it.
    device: Signed,
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
            device: Signed::by(device),
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
    opened_at: u64,
}

impl Owner {
    pub(super) fn of(device: &Device) -> Self {
        Self { account_id: device.account_id, opened_at: device.opened_at }
    }

    /// The head that the log names, verified as its owner's, its hash, and who signed it.
    fn verify(&self, named: &LoggedHead) -> Result<LoggedAs, Error> {
        let head = Unverified::<StatementHead>::decode(&named.head.0)?;
        let (account_id, key, signed) = match head.claim().signer {
            Signer::Root { generation } => {
                let shown = decode::<KeysProof>(&named.proof.0)?.verify()?;
                let is_so = shown.keys.generation == generation;
                let signed = is_so.then_some(Signed { device_id: None, roots: shown.roots });
                (shown.account_id, shown.keys.signing, signed)
            }
            // A generation that they begin goes on in the same request.
            Signer::Guardians { .. } => return Err(ServerMisbehaved::Forged.into()),
            Signer::Device { device_id } => {
                let device = decode::<DeviceProof>(&named.proof.0)?.verify()?;
                let signed = (device.device_id == device_id).then(|| Signed::by(&device));
                (device.account_id, device.signing, signed)
            }
        };
        let signed = signed.ok_or(ServerMisbehaved::Forged)?;
        let head = head.verify(&key)?;
        let hash = head.hash();
        if account_id == self.account_id && head.body().account_id == self.account_id {
            Ok(LoggedAs { head: head.into_body(), hash, signed })
        } else {
            Err(ServerMisbehaved::Forged.into())
        }
    }
}

/// A head that the log may name.
struct LoggedAs {
    head: StatementHead,
    hash: [u8; 32],
    signed: Signed,
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
    /// The newest statement's head, verified as its owner's; none where there is none.
    head: Option<LoggedAs>,
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
            let logged_as = subject.owner.verify(&logged)?;
            if named.head.as_ref().is_some_and(|known| known.hash != logged_as.hash) {
                // The log went on between two answers.
                return Ok(Self::default());
            }
            let shown = logged.shown(&logged_as.head.manifest_root, leaves);
            let shown = shown.ok_or(ServerMisbehaved::Withheld)?;
            named.live.extend(shown.into_iter().map(|leaf| (leaf, ())));
            named.head = Some(logged_as);
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
        let until = self.head.as_ref().map_or(0, |it| it.head.sequence);
        let newer = claims.iter().filter(|it| it.sequence > until).map(|it| &it.device);
        let (mut over, mut live) = (Sorted::default(), Sorted::default());
        for signed in newer.chain(self.head.as_ref().map(|it| &it.signed)) {
            let (before, own) = signed.marks(owner.account_id, place);
            over.extend(before.into_iter().map(|mark| (mark, ())));
            live.extend(own.into_iter().map(|mark| (mark, ())));
        }
        let marks: Vec<_> = over.iter().chain(live.iter()).map(|(mark, ())| *mark).collect();
        let indices: Vec<_> = marks.iter().map(|mark| mark.index).collect();
        let looked = vault.watch.look_up_marks(world, place.index(), &indices, vault.kept);
        let (witnessed, there) = looked.await?;
        match (&self.head, witnessed.newest()) {
            (None, None) => {
                if witnessed.time() > owner.opened_at.saturating_add(ABSENT_SECONDS) {
                    return Err(ServerMisbehaved::Withheld.into());
                }
            }
            (Some(LoggedAs { head, hash, .. }), Some(newest))
                if head.sequence == newest.sequence =>
            {
                if place.value(head.sequence, hash) != newest.value {
                    return Err(ServerMisbehaved::Withheld.into());
                }
            }
            _ => return Ok(false),
        }
        // FRESH-6.
        let over = over.iter().count();
        let stands = |at: usize, mark: &Mark, there: &Option<Newest>| {
            // A generation that went over to another root than the signer's, or what is over itself.
            if at < over { mark.is(there.as_ref()).is_err() } else { there.is_some() }
        };
        let mut found = marks.iter().zip(&there).enumerate();
        if check!(RetiredMark) && found.any(|(at, (mark, there))| stands(at, mark, there)) {
            return Err(ServerMisbehaved::RetiredDevice.into());
        }
        claims.iter().try_for_each(|claim| claim.check(until, &self.live))?;
        Ok(true)
    }
}
