//! What a device keeps of its person's place in a structure, and going on from it.

use reconnect_format::{
    Label,
    api::{Call, Code, Membership, Memberships},
    decode_own, encode,
    id::StructureId,
    structure::StructureChain,
};
use tls_codec::{TlsDeserializeBytes, TlsSerialize, TlsSize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{
    Vault,
    desk::{Desk, Inner, text},
    leaf::Waiting,
};
use crate::{
    error::{Damaged, Error},
    group::{Group, Newcomer},
    key::AccountSecrets,
    seal::{open_salted, seal_salted},
    secret::EpochSeed,
    world::World,
};

/// What a device keeps of its place in a structure, sealed.
#[derive(Zeroize, ZeroizeOnDrop, TlsSize, TlsSerialize, TlsDeserializeBytes)]
struct KeptDesk {
    #[zeroize(skip)]
    structure_id: StructureId,
    /// The person's number; 0 while that is not known.
    number: u32,
    /// Of which of its groups; 0 for who waits for a place in one.
    group: u32,
    snapshot: Vec<u8>,
    /// The request for a leaf that this device made; empty for none.
    request: Vec<u8>,
    /// What `Desk::unanswered` holds, as it is sent; empty for nothing.
    unanswered: Vec<u8>,
    /// Recipient epochs and their seeds, whatever another member's history leaves out. HIST-3.
    seeds: Vec<(u64, [u8; 32])>,
    /// Numbers and names, for as long as no history opens.
    names: Vec<(u32, Vec<u8>)>,
    spoiled_by: u32,
}

fn kept_name(vault: &Vault) -> String {
    format!("desk/{}", vault.account_id())
}

impl Desk {
    /// Goes on where this device left off; where nothing was kept, a leaf is asked for. `None` when
    /// its person belongs to no structure.
    pub async fn resume(vault: &mut Vault, world: &impl World) -> Result<Option<Self>, Error> {
        let Memberships { memberships } = vault.read(world, Call::read("/v1/memberships")).await?;
        let here = |id| memberships.iter().any(|it: &Membership| it.structure_id == id);
        let first = memberships.iter().find(|it| it.confirmed).or(memberships.first());
        // What is kept and does not open is lost: its person is let in again.
        let kept = kept_desk(vault, world).await;
        let Some(Membership { structure_id, .. }) = first else {
            return match kept {
                Some(kept) => Self::look_back(vault, world, &kept).await,
                None => Ok(None),
            };
        };
        if !vault.is_kept() {
            return Err(Error::NeedsOwnDevice);
        }
        let kept = kept.filter(|it| here(it.structure_id));
        let structure_id = kept.as_ref().map_or(*structure_id, |it| it.structure_id);
        let chain = vault.structure(world, structure_id).await?.clone();
        let mut desk = match kept.as_ref().and_then(|kept| Self::go_on(&chain, kept)) {
            Some(desk) => desk,
            None => Self::waiting(chain, Waiting::nowhere(vault)?),
        };
        let seeds = kept.iter().flat_map(|kept| &kept.seeds);
        desk.history.seeds =
            seeds.map(|(epoch, seed)| (*epoch, EpochSeed::from_bytes(*seed))).collect();
        let names = kept.iter().flat_map(|kept| &kept.names);
        desk.history.names = names.map(|(number, name)| (*number, text(name))).collect();
        desk.spoiled_by = kept.as_ref().map_or(0, |kept| kept.spoiled_by);
        desk.settle(vault, world).await?;
        Ok(Some(desk))
    }

    /// Whoever belongs to nothing any more is told so once, by the chain. What is kept stays where the
    /// chain does not say it: the server may err, or lie. GROUP-10.
    async fn look_back(
        vault: &mut Vault,
        world: &impl World,
        kept: &KeptDesk,
    ) -> Result<Option<Self>, Error> {
        let chain = match vault.structure(world, kept.structure_id).await {
            Ok(chain) => chain.clone(),
            Err(Error::Refused(problem)) if problem.code == Code::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut desk = Self::standing_as(chain, Inner::Out);
        desk.own_number = kept.number;
        match desk.find_out(vault, world).await {
            Ok(()) => Ok(Some(desk)),
            Err(Error::NotAMember) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn go_on(chain: &StructureChain, kept: &KeptDesk) -> Option<Self> {
        if kept.group == 0 {
            let newcomer = Newcomer::resume(&kept.snapshot).ok()?;
            let request = Some(kept.request.clone()).filter(|it| !it.is_empty());
            return Some(Self::waiting(chain.clone(), Waiting { newcomer, request }));
        }
        let group = Group::resume(kept.structure_id, kept.group, &kept.snapshot).ok()?;
        let mut desk = Self::standing_as(chain.clone(), Inner::Member(Box::new(group)));
        desk.own_number = kept.number;
        desk.unanswered = serde_json::from_slice(&kept.unanswered).ok();
        Some(desk)
    }

    pub(super) async fn keep(&self, vault: &Vault, world: &impl World) -> Result<(), Error> {
        let (group, snapshot, request) = match &self.standing {
            Inner::Waiting(it) => (0, it.newcomer.snapshot(), it.request.clone()),
            Inner::Member(group) => (group.number(), group.snapshot(), None),
            Inner::Out => return Ok(()),
        };
        let unanswered = self.unanswered.as_ref().map(serde_json::to_vec);
        let kept = KeptDesk {
            structure_id: self.structure_id,
            number: self.own_number,
            group,
            snapshot: snapshot.to_vec(),
            request: request.unwrap_or_default(),
            unanswered: unanswered.transpose().map_err(|_| Error::BadInput)?.unwrap_or_default(),
            seeds: self.history.seeds.iter().map(|(epoch, it)| (*epoch, *it.expose())).collect(),
            names: self
                .history
                .names
                .iter()
                .map(|(number, name)| (*number, name.clone().into_bytes()))
                .collect(),
            spoiled_by: self.spoiled_by,
        };
        keep_sealed(vault, world, &kept).await
    }
}

impl Vault {
    /// Opens what this account sealed for itself, under whatever generation it did. ACC-5.
    pub(super) fn open_kept(
        &self,
        label: Label,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        let opened = self.generations().map(|it| it.vault.expose());
        let mut opened = opened.map(|key| open_salted(key, label, context, sealed));
        opened.find_map(Result::ok).ok_or(Damaged)
    }
}

/// Before an invitation is answered: what the welcome will be for.
pub(super) async fn keep_newcomer(
    vault: &Vault,
    world: &impl World,
    structure_id: StructureId,
    newcomer: &Newcomer,
) -> Result<(), Error> {
    let kept = KeptDesk {
        structure_id,
        number: 0,
        group: 0,
        snapshot: newcomer.snapshot().to_vec(),
        request: Vec::new(),
        unanswered: Vec::new(),
        seeds: Vec::new(),
        names: Vec::new(),
        spoiled_by: 0,
    };
    keep_sealed(vault, world, &kept).await
}

/// Takes everything of a structure from this device.
pub(super) async fn forget_desk(vault: &Vault, world: &impl World) {
    world.forget(&kept_name(vault)).await;
}

async fn kept_desk(vault: &Vault, world: &impl World) -> Option<KeptDesk> {
    let sealed = world.kept(&kept_name(vault)).await?;
    let account_id = vault.account_id();
    let open = |secrets: &AccountSecrets| {
        let key = secrets.vault.expose();
        let plain = open_salted(key, Label::GroupStateSeal, account_id.as_bytes(), &sealed).ok()?;
        decode_own::<KeptDesk>(&plain).ok()
    };
    if let Some(kept) = open(vault.secrets()) {
        return Some(kept);
    }
    // The leaf was that of a device that is no more; what it could read, its person may go on to read.
    let mut kept = vault.generations().find_map(open)?;
    (kept.group, kept.snapshot, kept.request) = (0, Vec::new(), Vec::new());
    kept.unanswered = Vec::new();
    Some(kept)
}

async fn keep_sealed(vault: &Vault, world: &impl World, kept: &KeptDesk) -> Result<(), Error> {
    // What is about to be sent was signed by now. DEV-3.
    vault.keep_signed(world).await?;
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
