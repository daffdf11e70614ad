//! Coming back with nothing but a return card and its PIN: what guardians seal is put together, and opens the
//! safe. PROTOCOL.md section 16.2.

use reconnect_format::{
    Sorted,
    api::{
        Call, GuardedBy, LinkLooked, LookReturn, PutLink, ReturnFound, ReturnLooked, ReturnState,
        SharesGiven, StructureFace,
    },
    encode,
    guardian::Guardians,
    id::{AccountId, Base64, LockId, ReturnId, StructureId},
    statement::Signer,
    structure::StructureChain,
};
use reconnect_log::Carried;

use super::{
    Vault,
    guarding::named_by_owner,
    returns::{ReturnSeen, speakers},
};
use crate::{
    error::{Error, ServerMisbehaved},
    guardian::{RecoveryKey, ReturnKeys, Share, open_share, vouched_hash},
    held::Pin,
    log::{Watch, newest},
    words::{Paper, PaperSecret},
    world::{World, ask},
};

/// Somebody who comes back, on whatever device.
pub struct Returning {
    keys: ReturnKeys,
    carried: Option<Carried>,
}

/// How a return stands, as whoever comes back sees it.
pub struct ReturnStands {
    /// What guardians have said.
    pub seen: ReturnSeen,
    /// Who they are, and what a return takes.
    pub guardians: Guardians,
    /// By the server's clock. Seconds since 1970.
    pub now: u64,
    /// Whether the safe can be opened with what is there.
    pub is_ready: bool,
    /// When the safe got other keys since these guardians were named: what was sealed under those stays closed. Seconds
    /// since 1970.
    pub over_at: Option<u64>,
    account_id: AccountId,
    lock_id: LockId,
    statement_hash: [u8; 32],
    shares: Option<SharesGiven>,
}

impl Returning {
    /// Draws a card to print; its PIN is chosen beside it.
    pub fn draw_card(world: &impl World) -> PaperSecret {
        ReturnKeys::draw(&mut world.rng())
    }

    /// With a card and its PIN. Takes as long as stretching does.
    pub async fn begin(world: &impl World, card: &PaperSecret, pin: &Pin) -> Result<Self, Error> {
        let keys = ReturnKeys::derive(card, pin)?;
        let carried = match card.carried() {
            Some(carried) => Some(carried),
            None => newest(world).await,
        };
        Ok(Self { keys, carried })
    }

    /// What is typed where there is no camera: six groups of four letters.
    pub fn groups(&self) -> Vec<String> {
        self.keys.code().groups()
    }

    /// What the square holds. LOG-16.
    pub fn square(&self) -> String {
        self.keys.square(self.carried.as_ref())
    }

    /// Has the offer wait for whoever scans it, and says how the return stands; `None` while no guardian
    /// began it. Papers of guardians that are there are shown with it.
    pub async fn look(
        &self,
        world: &impl World,
        papers: &[&PaperSecret],
    ) -> Result<Option<ReturnStands>, Error> {
        let mut rng = world.rng();
        let held_use = Base64(self.keys.sign_look(world.now(), &mut rng));
        let shown = papers.iter().map(|paper| {
            let sign = |held: crate::held::HeldSecret, rng: &mut _| {
                Base64(held.sign_use(world.now(), Vec::new(), rng))
            };
            match paper.paper() {
                Paper::Guardian => Ok(sign(paper.held(), &mut rng)),
                _ => Err(Error::WrongPaper),
            }
        });
        let shown = shown.collect::<Result<_, _>>()?;
        let call = LookReturn { held_use, papers: shown };
        let call = Call::send("/v1/returns/look", &call).open();
        let looked: ReturnLooked = ask(world, call, None).await?;
        if let Some(left) = looked.tries_left {
            return Err(Error::WrongPin(left));
        }
        let Some(found) = looked.found else {
            let offer = PutLink { offer: Base64(encode(&self.keys.offer())) };
            ask::<LinkLooked>(world, Call::send("/v1/links", &offer).open(), None).await?;
            return Ok(None);
        };
        let mut chains = Sorted::default();
        for structure_id in speakers([&found.shown]) {
            let call = Call::read(format!("/v1/structures/{structure_id}")).open();
            let face: StructureFace = ask(world, call, None).await?;
            let statements = face.statements.iter().map(|it| it.0.as_slice());
            chains.insert(structure_id, StructureChain::verify(structure_id, statements)?);
        }
        self.read(*found, &chains).map(Some)
    }

    fn read(
        &self,
        found: ReturnFound,
        chains: &Sorted<StructureId, StructureChain>,
    ) -> Result<ReturnStands, Error> {
        let ReturnFound { shown, keys, statement, now, shares } = found;
        let proven = reconnect_format::decode::<reconnect_format::statement::KeysProof>(&keys.0)?
            .verify()?;
        let account_id = proven.account_id;
        let guarded = GuardedBy {
            account_id,
            number: 0,
            keys,
            statement,
            face: Base64::default(),
            begun: 0,
            returns: Vec::new(),
            ended_at: None,
        };
        let (statement, lock_id, guardians) = named_by_owner(account_id, &guarded)?;
        let named = |wanted| (wanted == lock_id).then(|| guardians.clone());
        let seen = ReturnSeen::read(&shown, account_id, named, &|id| chains.get(&id))?;
        if seen.offer_hash != self.keys.offer().hash() {
            return Err(ServerMisbehaved::Forged.into());
        }
        let over_at = match statement.body().signer {
            Signer::Root { generation } => proven.over_at(generation),
            _ => None,
        };
        Ok(ReturnStands {
            over_at,
            is_ready: shares.is_some() && seen.state == ReturnState::Open,
            account_id,
            lock_id,
            statement_hash: statement.hash(),
            seen,
            guardians,
            now,
            shares,
        })
    }

    /// Puts together what guardians sealed, and opens the safe with it. Nothing can be done in it but to begin a new
    /// generation. BACK-6.
    pub async fn enter(
        &self,
        world: &impl World,
        stands: &ReturnStands,
        papers: &[&PaperSecret],
        kept: bool,
    ) -> Result<Vault, Error> {
        let given = stands.shares.as_ref().ok_or(Error::NotFound)?;
        let (lock, return_id) = ((stands.lock_id, &stands.guardians), stands.seen.return_id);
        let mut shares: Vec<Share> = Vec::with_capacity(given.vouched.len() + given.papers.len());
        let mut spoilt = None;
        // What was vouched in a guardian's name by somebody else counts for nothing.
        let vouched = given.vouched.iter();
        for it in vouched.filter(|it| !stands.seen.unsound.contains(&it.number)) {
            // What a guardian did not sign is the server's doing, and no guardian's.
            let signed = stands.seen.sealed.iter().find(|(number, _)| *number == it.number);
            if signed.is_none_or(|(_, hash)| *hash != vouched_hash(&it.sealed.0)) {
                return Err(ServerMisbehaved::Forged.into());
            }
            match self.keys.open_vouched(&it.sealed.0, return_id, lock, it.number) {
                Ok(share) => shares.push(share),
                Err(error) => spoilt = Some(error),
            }
        }
        for (paper, wrap) in papers.iter().zip(&given.papers) {
            match stands.share_of(paper, &wrap.0) {
                Ok(share) => shares.push(share),
                Err(error) => spoilt = Some(error),
            }
        }
        shares.sort_by_key(Share::number);
        shares.dedup_by_key(|share| share.number());
        // Others may do without one that is spoilt.
        if shares.len() < usize::from(stands.guardians.needed) {
            return Err(spoilt.unwrap_or(Error::NotFound));
        }
        let key = RecoveryKey::combine(&shares, &stands.guardians)?;
        let which = (stands.account_id, stands.lock_id, return_id);
        Box::pin(Vault::come_back(world, which, key.held(), Watch::carrying(self.carried), kept))
            .await
    }
}

impl ReturnStands {
    /// Which return.
    pub fn return_id(&self) -> ReturnId {
        self.seen.return_id
    }

    /// When it can end, as far as guardians have vouched. Seconds since 1970.
    pub fn ready_at(&self) -> u64 {
        self.seen.ready_at(&self.guardians)
    }

    /// What a guardian's paper holds.
    fn share_of(&self, paper: &PaperSecret, wrap: &[u8]) -> Result<Share, Error> {
        let held = paper.held().public();
        let number = self.guardians.paper(&held).ok_or(Error::WrongPaper)?;
        let lock = (self.lock_id, &self.guardians);
        let opened = open_share(wrap, self.statement_hash, lock, number, &paper.guardian_key());
        opened.map_err(|_| Error::BadShare(number))
    }
}
